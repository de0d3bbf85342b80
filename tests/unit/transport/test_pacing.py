"""A server with a rate limit, a clock that jumps: what the controller makes of the two."""

from __future__ import annotations

import asyncio
import json
import selectors
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.dialects.base import DIALECTS
from qeval.dialects.errors import Read
from qeval.exchange import Answer, Place, Wire
from qeval.transport.pacing import START, Limits, Paced
from qeval.transport.retrying import Clock, Retrying

WIRE = Wire(path="/chat/completions", body=b"{}")
PLACE = Place(case="c", scenario="s", trial=0)
GOOD = Answer(status=200, body=b"{}", latency_s=0.25)


def refusal(code: str = "limit_requests", status: int = 429, **headers: str) -> Answer:
    body = json.dumps({"error": {"code": code, "message": "no"}}).encode()
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status=status, headers=named, body=body)


class Jumping(selectors.DefaultSelector):
    """Waits for nothing: the loop's clock jumps to what comes next."""

    def __init__(self) -> None:
        super().__init__()
        self.t = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.t += timeout or 0.0
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = Jumping()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.t


class Server:
    """Serves `rpm` calls a minute after a first burst; tells what it saw."""

    immediate = False

    def __init__(
        self, clock: Clock, rpm: float = 1e9, burst: int = 10, latency_s: float = 0.2
    ) -> None:
        self.clock = clock
        self.rate = rpm / 60
        self.burst = burst
        self.left = float(burst)
        self.at = 0.0
        self.latency_s = latency_s
        self.answer: Callable[[], Answer | None] = lambda: None
        self.wires: list[Wire] = []
        self.times: list[float] = []
        self.served: list[float] = []
        self.flying = self.most = 0

    async def send(self, wire: Wire, place: Place) -> Answer:  # noqa: ARG002 - the seam's signature
        now = self.clock.now()
        self.wires.append(wire)
        self.times.append(now)
        self.left = min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now
        said = self.answer()
        if said is None and self.left < 1:
            said = refusal()
        if said is not None:
            await asyncio.sleep(0.02)
            return said
        self.left -= 1
        self.served.append(now)
        self.flying += 1
        self.most = max(self.most, self.flying)
        await asyncio.sleep(self.latency_s)
        self.flying -= 1
        return GOOD

    async def end_case(self, case: str) -> None: ...

    async def aclose(self) -> None: ...


class Bench:
    """A server, the controller before it, and callers."""

    def __init__(self, limits: Limits, **server: float) -> None:
        self.loop = JumpingLoop()
        self.clock = Clock(now=self.loop.time, wall=self.loop.time)
        self.server = Server(self.clock, **server)  # type: ignore[arg-type]  # numbers all
        self.paced = Paced(self.server, limits, self.clock)

    def call(self, calls: int, *, callers: int, retry: bool = True) -> list[int]:
        """Make so many calls, so many at a time; return their statuses."""
        asked = Retrying(self.paced, clock=self.clock) if retry else self.paced
        statuses: list[int] = []
        work = iter(range(calls))

        async def caller() -> None:
            for _ in work:
                statuses.append((await asked.send(WIRE, PLACE)).status)  # noqa: PERF401

        async def everybody() -> None:
            await asyncio.gather(*[caller() for _ in range(callers)])

        try:
            self.loop.run_until_complete(everybody())
        finally:
            self.loop.close()
        return statuses


@pytest.mark.parametrize("latency_s", [0.05, 0.2])
@pytest.mark.parametrize("rpm", [None, 300])
def test_a_rate_limit_is_found_and_held(rpm: int | None, latency_s: float) -> None:
    bench = Bench(
        Limits(concurrency=32, start=START, rpm=rpm), rpm=300, burst=10, latency_s=latency_s
    )

    statuses = bench.call(400, callers=32)

    assert statuses == [200] * 400
    server = bench.server
    wasted = len(server.times) - len(server.served)
    assert wasted < 0.1 * len(server.times)
    rate = (len(server.served) - server.burst) / (server.served[-1] - server.served[0]) * 60
    assert 0.85 * 300 <= rate <= 1.15 * 300


def test_nothing_is_lost_while_a_server_is_away_and_the_pace_stays() -> None:
    bench = Bench(Limits(concurrency=16))
    away = refusal("ServiceUnavailable", 503)
    bench.server.answer = lambda: away if bench.clock.now() < 10 else None

    assert bench.call(60, callers=16) == [200] * 60
    assert bench.paced.history == []
    assert bench.paced.slowed() == ""


def test_the_number_in_flight_doubles_from_its_start_while_every_place_is_taken() -> None:
    bench = Bench(Limits(concurrency=64, start=8), burst=10_000, latency_s=1.0)

    bench.call(400, callers=64)

    assert [bench.server.times.count(t) for t in (0.0, 1.0, 2.0, 3.0)] == [8, 16, 32, 64]
    assert bench.server.most == 64
    assert [(step.limit, step.reason) for step in bench.paced.history] == [(64, "saturated")]


def test_few_callers_leave_the_limit_where_it_is() -> None:
    bench = Bench(Limits(concurrency=64, start=8), burst=10_000)

    bench.call(100, callers=4)

    assert bench.paced.history == []


def test_one_episode_cuts_once_however_many_it_refuses() -> None:
    bench = Bench(Limits(concurrency=20), burst=10_000)
    bench.server.answer = lambda: refusal() if bench.clock.now() == 0 else None

    bench.call(40, callers=20)

    assert [(step.limit, step.reason) for step in bench.paced.history][:1] == [
        (16, "429 limit_requests")
    ]
    assert bench.paced.slowed() == "slowed once by 429 limit_requests"


def test_the_pause_that_a_server_names_holds_the_calls_that_follow() -> None:
    bench = Bench(Limits(concurrency=4), burst=10_000)
    bench.server.answer = lambda: refusal(retry_after="7") if bench.clock.now() == 0 else None

    bench.call(8, callers=4)

    assert bench.server.times[4] >= 7


def test_a_token_budget_is_waited_for_longer_than_a_rate() -> None:
    bench = Bench(Limits(concurrency=1), burst=10_000)
    bench.server.answer = lambda: refusal("insufficient_quota") if bench.clock.now() == 0 else None

    bench.call(2, callers=1, retry=False)

    assert bench.server.times == [0, 8.02]


def test_after_a_burst_the_service_is_asked_to_queue() -> None:
    bench = Bench(Limits(concurrency=1), burst=10_000)
    bench.server.answer = lambda: refusal("limit_burst_rate") if bench.clock.now() == 0 else None

    bench.call(2, callers=1, retry=False)

    first, second = (dict(wire.headers) for wire in bench.server.wires)
    assert "x-dashscope-wait-timeout" not in first
    assert second["x-dashscope-wait-timeout"] == "30"


def test_a_refusal_that_no_pause_will_change_leaves_the_pace_alone() -> None:
    bench = Bench(Limits(concurrency=4), burst=10_000)
    bench.server.answer = lambda: refusal("PrepaidBillOverdue")

    bench.call(4, callers=4, retry=False)

    assert bench.paced.history == []


def test_a_rate_spreads_calls_evenly() -> None:
    bench = Bench(Limits(concurrency=8, rpm=30), burst=10_000)

    bench.call(4, callers=4)

    assert bench.server.times == [0, 2, 4, 6]


def test_a_token_budget_spreads_calls_by_their_length() -> None:
    # 6,000 tokens a minute are 100 a second; a call of 800 bytes is taken for 200.
    bench = Bench(Limits(concurrency=8, tpm=6000), burst=10_000, latency_s=0.0)
    big = Wire(path="/", body=b"x" * 800)

    async def three() -> None:
        for _ in range(3):
            await bench.paced.send(big, PLACE)

    bench.loop.run_until_complete(three())
    bench.loop.close()

    assert bench.server.times == pytest.approx([1.0, 3.0, 5.0], abs=0.05)


def test_waiting_is_counted_apart() -> None:
    bench = Bench(Limits(concurrency=1), burst=10_000, latency_s=1.0)

    bench.call(3, callers=3)

    assert bench.paced.waited_s == pytest.approx(1 + 2)


def test_a_call_that_is_given_up_gives_its_place_back() -> None:
    bench = Bench(Limits(concurrency=1), burst=10_000, latency_s=1.0)

    async def give_up() -> int:
        first = asyncio.create_task(bench.paced.send(WIRE, PLACE))
        second = asyncio.create_task(bench.paced.send(WIRE, PLACE))
        third = asyncio.create_task(bench.paced.send(WIRE, PLACE))
        await asyncio.sleep(0.5)
        first.cancel()
        second.cancel()
        answer = await third
        return answer.status

    assert bench.loop.run_until_complete(give_up()) == 200
    bench.loop.close()


@given(
    concurrency=st.integers(1, 40),
    start=st.integers(1, 40),
    rpm=st.integers(60, 6000),
    burst=st.integers(1, 80),
    calls=st.integers(1, 120),
)
@settings(max_examples=50, deadline=None)
def test_the_limit_is_never_passed_and_every_call_ends(
    concurrency: int, start: int, rpm: int, burst: int, calls: int
) -> None:
    bench = Bench(Limits(concurrency=concurrency, start=start), rpm=rpm, burst=burst)

    statuses = bench.call(calls, callers=40, retry=False)

    assert len(statuses) == calls
    assert bench.server.most <= concurrency
    assert all(1 <= step.limit <= concurrency for step in bench.paced.history)


class Once:
    """Answers with one refusal, then well."""

    immediate = False

    def __init__(self, first: Answer) -> None:
        self.answers = [first, GOOD, GOOD]

    async def send(self, wire: Wire, place: Place) -> Answer:  # noqa: ARG002 - the seam's signature
        return self.answers.pop(0)

    async def end_case(self, case: str) -> None: ...

    async def aclose(self) -> None: ...


def waits(first: Answer, *, read: Read | None = None) -> tuple[list[float], Paced]:
    """Return how long a second call stood after a first was refused."""
    slept: list[float] = []
    t = 1000.0

    async def sleep(seconds: float) -> None:
        nonlocal t
        slept.append(seconds)
        t += seconds

    paced = Paced(Once(first), Limits(), Clock(sleep=sleep, now=lambda: t), read=read)

    async def both() -> None:
        await paced.send(WIRE, PLACE)
        await paced.send(WIRE, PLACE)

    asyncio.run(both())
    return slept, paced


@pytest.mark.parametrize(
    ("said", "pause"), [("120", 120.0), ("121", 1.0), ("86400", 1.0), ("1e300", 1.0)]
)
def test_a_pause_beyond_two_minutes_does_not_freeze_the_target(said: str, pause: float) -> None:
    slept, _ = waits(refusal(retry_after=said))

    assert slept == [pause]


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"error":{"code":"limit_requests","message":"no"}}\n\n',
        b'{"error":{"code":"limit_requests","message":"no"}}',
    ],
)
def test_a_refusal_inside_200_slows_the_target_as_429_does(body: bytes) -> None:
    slept, paced = waits(Answer(status=200, body=body), read=DIALECTS.get("chat").read)

    assert slept == [1.0]
    assert paced.slowed() == "slowed once by 429 limit_requests"


def test_an_overload_inside_200_says_nothing_of_the_pace() -> None:
    body = b'data: {"error":{"code":"internal_error","message":"no"}}\n\n'

    slept, paced = waits(Answer(status=200, body=body), read=DIALECTS.get("chat").read)

    assert (slept, paced.slowed()) == ([], "")
