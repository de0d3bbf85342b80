from __future__ import annotations

import asyncio
import json
from email.utils import formatdate
from typing import Any

import pytest

from qeval.dialects.base import DIALECTS
from qeval.errors import TransportError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.retrying import Clock, Retrying, retry_after

WIRE = Wire(path="/chat/completions", body=b"{}")
PLACE = Place(case="c", scenario="s", trial=2)
GOOD = Answer(status=200, body=b"{}", latency_s=0.25)
CUT = Answer(status=200, body=b"{", error="cut")


def bad(status: int, code: str | None = None, **headers: str) -> Answer:
    body = json.dumps({"error": {"code": code, "message": "no"}}).encode() if code else b""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status=status, headers=named, body=body)


def lost(kind: str) -> TransportError:
    return TransportError("lost", kind=kind)


class Inner:
    """Answers from a list; the last is repeated."""

    immediate = False

    def __init__(self, *outcomes: Answer | TransportError) -> None:
        self.outcomes = list(outcomes)
        self.places: list[Place] = []
        self.told: list[str] = []

    async def send(self, wire: Wire, place: Place) -> Answer:  # noqa: ARG002 - the seam's signature
        self.places.append(place)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, TransportError):
            raise outcome
        return outcome

    async def end_case(self, case: str) -> None:
        self.told.append(case)

    async def aclose(self) -> None:
        self.told.append("closed")


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.t = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.t += seconds

    @property
    def clock(self) -> Clock:
        return Clock(sleep=self.sleep, now=lambda: self.t, wall=lambda: self.t)


def ask(inner: Inner, **options: Any) -> tuple[Answer | TransportError, Time]:
    time = Time()
    retrying = Retrying(inner, clock=time.clock, **options)
    try:
        return asyncio.run(retrying.send(WIRE, PLACE)), time
    except TransportError as error:
        return error, time


@pytest.mark.parametrize(
    ("outcome", "tries"),
    [
        pytest.param(GOOD, 1, id="200"),
        pytest.param(bad(400), 1, id="400"),
        pytest.param(bad(401, "invalid_api_key"), 1, id="401"),
        pytest.param(bad(404, "model_not_found"), 1, id="404"),
        pytest.param(bad(408), 6, id="408"),
        pytest.param(bad(409), 6, id="409"),
        pytest.param(bad(429), 6, id="429"),
        pytest.param(bad(429, "limit_requests"), 6, id="429-rate"),
        pytest.param(bad(429, "insufficient_quota"), 4, id="429-quota"),
        pytest.param(bad(429, "PrepaidBillOverdue"), 1, id="429-bill"),
        pytest.param(bad(400, "Arrearage"), 1, id="400-bill"),
        pytest.param(bad(400, "InvalidURL.Timeout"), 2, id="400-media-timeout-once"),
        pytest.param(bad(500), 6, id="500"),
        pytest.param(bad(502), 6, id="502"),
        pytest.param(bad(504, "GatewayTimeout"), 6, id="504"),
        pytest.param(bad(500, "InternalError.Algo"), 6, id="500-algo"),
        pytest.param(bad(500, "data_inspection_failed"), 1, id="500-moderation"),
        pytest.param(bad(503, x_should_retry="false"), 1, id="server-says-no"),
        pytest.param(bad(400, x_should_retry="true"), 6, id="server-says-yes"),
        pytest.param(bad(503, retry_after="121"), 1, id="pause-too-long"),
        pytest.param(bad(503, retry_after="120"), 6, id="longest-pause"),
        pytest.param(bad(307), 1, id="redirect"),
        pytest.param(CUT, 2, id="cut-body-once"),
        pytest.param(lost("connect"), 4, id="connect"),
        pytest.param(lost("cut"), 4, id="cut"),
        pytest.param(lost("timeout"), 2, id="timeout-once"),
        pytest.param(lost("too_large"), 1, id="too-large"),
    ],
)
def test_how_often_an_outcome_is_asked_for(outcome: Answer | TransportError, tries: int) -> None:
    inner = Inner(outcome)

    got, time = ask(inner)

    assert len(inner.places) == tries
    assert [place.attempt for place in inner.places] == list(range(tries))
    assert len(time.slept) == tries - 1
    assert got.attempts == tries


def test_a_recovered_call_keeps_the_last_latency_and_counts_its_attempts() -> None:
    got, _ = ask(Inner(bad(503), lost("connect"), GOOD))

    assert isinstance(got, Answer)
    assert (got.status, got.attempts, got.latency_s) == (200, 3, 0.25)


def test_what_was_replayed_is_not_asked_again() -> None:
    inner = Inner(Answer(status=503, replayed=True))

    ask(inner)

    assert len(inner.places) == 1


@pytest.mark.parametrize("attempts", [1, 2, 7])
def test_attempts_bound_every_retry(attempts: int) -> None:
    for outcome in (bad(503), CUT, lost("cut"), lost("timeout")):
        inner = Inner(outcome)
        ask(inner, attempts=attempts)
        assert len(inner.places) <= attempts


def test_pauses_double_up_to_their_cap_with_jitter() -> None:
    _, time = ask(Inner(bad(503)), attempts=8)

    assert len(time.slept) == 7
    for pause, base in zip(time.slept, [0.5, 1, 2, 4, 8, 8, 8], strict=True):
        assert base <= pause <= base * 1.25
    assert len(set(time.slept)) == 7


def test_a_token_budget_gets_a_minute_to_fill_again() -> None:
    _, time = ask(Inner(bad(429, "insufficient_quota")))

    assert 56 <= sum(time.slept) <= 70


def test_equal_seeds_pause_alike() -> None:
    assert ask(Inner(bad(503)), seed=5)[1].slept == ask(Inner(bad(503)), seed=5)[1].slept
    assert ask(Inner(bad(503)), seed=5)[1].slept != ask(Inner(bad(503)), seed=6)[1].slept


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "3", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": formatdate(1030, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(900, usegmt=True)}, 0.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 99 Nov 2026 00:00:00 GMT"}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], pause: float | None) -> None:
    answer = Answer(status=429, headers=tuple(headers.items()))

    assert retry_after(answer, 1000.0) == pause


def test_the_pause_asked_for_is_kept() -> None:
    _, time = ask(Inner(bad(429, retry_after="20"), GOOD))

    assert 20 <= time.slept[0] <= 25


def test_ends_are_passed_on() -> None:
    inner = Inner(GOOD)
    retrying = Retrying(inner)

    asyncio.run(retrying.end_case("c"))
    asyncio.run(retrying.aclose())

    assert inner.told == ["c", "closed"]


def frames(*events: str) -> Answer:
    return Answer(status=200, body="".join(f"{event}\n\n" for event in events).encode())


TEXT = {
    "chat": 'data: {"choices":[{"index":0,"delta":{"content":"Par"},"finish_reason":null}]}',
    "responses": (
        "event: response.output_text.delta\n"
        'data: {"type":"response.output_text.delta","item_id":"m","output_index":0,'
        '"content_index":0,"delta":"Par"}'
    ),
    "dashscope-text": (
        'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"output":{"choices":[{"message":'
        '{"role":"assistant","content":"Par"},"finish_reason":"null"}]},"request_id":"r"}'
    ),
}
FAILED = {
    "chat": 'data: {"error":{"code":"%s","message":"no"}}',
    "responses": (
        'event: response.failed\ndata: {"type":"response.failed","response":'
        '{"id":"r","status":"failed","error":{"code":"%s","message":"no"}}}'
    ),
    "dashscope-text": (
        'id:1\nevent:error\n:HTTP_STATUS/429\ndata:{"code":"%s","message":"no","request_id":"r"}'
    ),
}
WHOLE = '{"code":"%s","message":"no","request_id":"r"}'


@pytest.mark.parametrize("dialect", FAILED)
@pytest.mark.parametrize(
    ("code", "tries"),
    [("Throttling.RateQuota", 6), ("insufficient_quota", 4), ("InvalidParameter", 1)],
)
def test_an_error_inside_a_stream_counts_as_one_by_status(
    dialect: str, code: str, tries: int
) -> None:
    read = DIALECTS.get(dialect).read
    inner = Inner(frames(FAILED[dialect] % code))

    answer, _ = ask(inner, read=read)

    assert len(inner.places) == tries
    assert isinstance(answer, Answer)
    assert answer.attempts == tries


@pytest.mark.parametrize("dialect", FAILED)
def test_what_fails_after_some_text_is_asked_once_more_for_it_was_paid(dialect: str) -> None:
    read = DIALECTS.get(dialect).read
    inner = Inner(frames(TEXT[dialect], FAILED[dialect] % "Throttling.RateQuota"))

    ask(inner, read=read)

    assert len(inner.places) == 2


@pytest.mark.parametrize("dialect", FAILED)
def test_a_stream_that_ends_without_its_end_is_a_cut(dialect: str) -> None:
    inner = Inner(frames(TEXT[dialect]))

    ask(inner, read=DIALECTS.get(dialect).read)

    assert len(inner.places) == 2


@pytest.mark.parametrize("dialect", ["chat", "responses", "dashscope-multimodal"])
def test_an_error_that_is_the_whole_body_of_a_200_is_asked_again(dialect: str) -> None:
    inner = Inner(Answer(status=200, body=(WHOLE % "Throttling").encode()))

    ask(inner, read=DIALECTS.get(dialect).read)

    assert len(inner.places) == 6


def test_a_good_answer_that_speaks_of_errors_is_taken() -> None:
    body = b'{"choices":[{"message":{"content":"an error, with \\"code\\": 3"}}]}'
    inner = Inner(Answer(status=200, body=body))

    answer, time = ask(inner, read=DIALECTS.get("chat").read)

    assert (answer, time.slept) == (inner.outcomes[0], [])


@pytest.mark.parametrize("said", ["inf", "1e999", "nan", "-1"])
def test_a_pause_that_is_no_time_is_passed_over(said: str) -> None:
    assert retry_after(bad(429, retry_after=said), 0.0) is None
