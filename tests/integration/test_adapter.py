"""A user's own client over our transports, with the official SDK as the client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2  # noqa: TID251 - the user's client
import openai
import pytest

from qeval.errors import CassetteMissingError, CassetteSecretError, TransportError, UsageError
from qeval.exchange import Answer, Place, Wire
from qeval.simulator import running
from qeval.simulator.reading import parse
from qeval.transport.adapter import Adapter, MissError
from qeval.transport.base import Transport
from qeval.transport.cassettes import CassetteOptions, CassetteTransport
from qeval.transport.hosts import Resolved
from qeval.transport.live import Live
from qeval.transport.retrying import Retrying

SCRIPT = parse("""
rules:
  - match: (?i)capital of France
    replies:
      - {text: Paris., weight: 1}
      - {text: "It is Paris, on the Seine.", weight: 1}
      - {text: "Paris, I think.", weight: 1}
  - {match: known, reply: I do not know.}
  - {match: bad request, fault: {code: data_inspection_failed}}
  - match: overload me
    fault: {status: 429, code: limit_requests, times: 1, retry_after_s: 0.01}
    reply: Here you are.
""")
BASE = "https://endpoint.invalid/v1"
FRANCE = "What is the capital of France?"
KEY = "sk-Planted0123456789abcdef"


class Project:
    """One case of a user's own tests, recorded and replayed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "cassettes" / "agent" / "qwen-plus"
        self.file = self.folder / "capital.yaml"

    def replaying(self) -> CassetteTransport:
        return CassetteTransport(self.options())

    def recording(self, server: str) -> CassetteTransport:
        live = Live(lambda: Resolved(base_url=server, key=KEY))
        return CassetteTransport(self.options(mode="record", secrets=(KEY,)), live)

    def options(self, **fields: Any) -> CassetteOptions:
        return CassetteOptions(
            folder=self.folder, root=self.root, base=BASE, command="pytest --record", **fields
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def adapted(transport: Transport, **fields: Any) -> Adapter:
    return Adapter(transport, **{"base_url": BASE, "case": "capital", **fields})


def client(adapter: Adapter, **fields: Any) -> openai.AsyncOpenAI:
    settings = {"base_url": BASE, "api_key": KEY, "max_retries": 0, **fields}
    return openai.AsyncOpenAI(http_client=httpx2.AsyncClient(transport=adapter), **settings)


async def say(by: openai.AsyncOpenAI, text: str) -> str | None:
    done = await by.chat.completions.create(
        model="qwen-plus", messages=[{"role": "user", "content": text}]
    )
    return done.choices[0].message.content


def said(transport: Transport, *texts: str, **fields: Any) -> list[str | None]:
    """Ask one after the other."""

    async def main() -> list[str | None]:
        async with client(adapted(transport), **fields) as by:
            return [await say(by, text) for text in texts]

    return asyncio.run(main())


def get(adapter: Adapter, url: str = f"{BASE}/models", **fields: Any) -> httpx2.Response:
    async def main() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=adapter) as by:
            return await by.get(url, **fields)

    return asyncio.run(main())


class Server:
    """Answers with what `say` returns, and keeps what it was asked."""

    immediate = True

    def __init__(self, say: Callable[[Wire, Place], Answer]) -> None:
        self.say = say
        self.asked: list[tuple[Wire, Place]] = []
        self.ended: list[str] = []

    async def send(self, wire: Wire, place: Place) -> Answer:
        self.asked.append((wire, place))
        return self.say(wire, place)

    async def end_case(self, case: str) -> None:
        self.ended.append(case)

    async def aclose(self) -> None:
        self.ended.append("all")


def test_what_was_recorded_is_replayed_with_the_server_gone(project: Project) -> None:
    asked = [FRANCE, "known", FRANCE, FRANCE, FRANCE, FRANCE]
    with running(SCRIPT) as server:
        recorded = said(Retrying(project.recording(server)), *asked)

    assert len(set(recorded)) > 2, "the simulator draws, so equal requests tell trials apart"
    assert said(project.replaying(), *asked) == recorded


def test_identical_requests_get_their_own_answers_whatever_comes_between(project: Project) -> None:
    with running(SCRIPT) as server:
        recorded = said(project.recording(server), "known", *[FRANCE] * 5)

    assert said(project.replaying(), *[FRANCE] * 5, "known") == [*recorded[1:], recorded[0]]


def test_concurrent_requests_are_recorded_each_as_its_own_trial(project: Project) -> None:
    async def main(transport: Transport) -> list[str | None]:
        async with client(adapted(transport)) as by:
            return await asyncio.gather(*(say(by, text) for text in [FRANCE, "known"] * 5))

    with running(SCRIPT) as server:
        recorded = asyncio.run(main(project.recording(server)))

    assert project.file.read_text().count("- request:") == 10
    replayed = asyncio.run(main(project.replaying()))
    assert sorted(map(str, replayed)) == sorted(map(str, recorded))


def test_a_second_recording_asks_only_for_what_is_new(project: Project) -> None:
    with running(SCRIPT) as server:
        first = said(project.recording(server), FRANCE)
        stored = project.file.read_text()
    with running(SCRIPT) as server:
        second = said(project.recording(server), "known", FRANCE)

    assert second == ["I do not know.", *first]
    assert set(stored.splitlines()) <= set(project.file.read_text().splitlines())


def test_the_key_stands_nowhere_in_the_file(project: Project) -> None:
    with running(SCRIPT) as server:
        said(project.recording(server), FRANCE)

    text = project.file.read_text()
    assert KEY not in text
    assert "authorization" not in text.lower()
    assert "stainless" not in text.lower()


def test_an_error_status_is_replayed_as_the_sdks_own_error(project: Project) -> None:
    codes = []
    with running(SCRIPT) as server:
        for transport in (project.recording(server), project.replaying()):
            with pytest.raises(openai.BadRequestError) as caught:
                said(transport, "bad request")
            codes.append(caught.value.code)

    assert codes == ["data_inspection_failed"] * 2


def test_a_miss_is_explained(project: Project) -> None:
    with pytest.raises(openai.APIConnectionError) as caught:
        said(project.replaying(), FRANCE)

    miss = caught.value.__cause__
    assert isinstance(miss, MissError)
    assert isinstance(miss.__cause__, CassetteMissingError)
    assert str(miss) == (
        "no recording of case 'capital': cassettes/agent/qwen-plus/capital.yaml is not there\n\n"
        "hint: record it with `pytest --record`"
    )


def test_a_miss_names_what_differs_from_the_nearest_recording(project: Project) -> None:
    with running(SCRIPT) as server:
        said(project.recording(server), "known")

    with pytest.raises(openai.APIConnectionError) as caught:
        said(project.replaying(), "unknown")
    assert "messages[0].content: 'known' → 'unknown'" in str(caught.value.__cause__)


def test_one_request_more_than_recorded_is_exhausted(project: Project) -> None:
    with running(SCRIPT) as server:
        said(project.recording(server), "known")

    with pytest.raises(openai.APIConnectionError) as caught:
        said(project.replaying(), "known", "known")
    assert "this very request is, for trial 0" in str(caught.value.__cause__)


def test_the_sdks_retries_stay_the_same_trial(project: Project) -> None:
    with running(SCRIPT) as server:
        recorded = said(project.recording(server), "overload me", "overload me", max_retries=2)

    assert recorded == ["Here you are."] * 2
    assert [
        line.strip() for line in project.file.read_text().splitlines() if "attempt:" in line
    ] == ["attempt: 0", "attempt: 1", "attempt: 0"]
    assert said(project.replaying(), "overload me", "overload me") == recorded


def test_a_retried_miss_asks_for_the_same_trial() -> None:
    def cut(_: Wire, place: Place) -> Answer:
        raise TransportError(f"trial {place.trial}", kind="cut")

    server = Server(cut)
    with pytest.raises(openai.APIConnectionError):
        said(server, FRANCE, max_retries=1)

    assert [(place.trial, place.attempt) for _, place in server.asked] == [(0, 0), (0, 1)]


def test_a_secret_in_an_answer_is_refused_and_never_asked_for_again(project: Project) -> None:
    server = Server(lambda *_: Answer(status=200, body=f'{{"a": "{KEY}"}}'.encode()))
    cassette = CassetteTransport(project.options(mode="record", secrets=(KEY,)), server)

    with pytest.raises(CassetteSecretError):
        said(cassette, FRANCE, max_retries=2)
    assert len(server.asked) == 1
    assert not project.file.exists()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("timeout", httpx2.ReadTimeout),
        ("connect", httpx2.ConnectError),
        ("cut", httpx2.RemoteProtocolError),
        ("too_large", httpx2.TransportError),
    ],
)
def test_no_answer_is_the_clients_own_error(kind: str, error: type[httpx2.TransportError]) -> None:
    def fail(*_: object) -> Answer:
        raise TransportError("nothing came", kind=kind)

    with pytest.raises(error, match="nothing came") as caught:
        get(adapted(Server(fail)))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "url",
    [
        "http://endpoint.invalid/v1/models",
        "https://endpoint.invalid:8443/v1/models",
        "https://elsewhere.invalid/v1/models",
        "https://endpoint.invalid/v10/models",
        "https://endpoint.invalid/models",
        "https://endpoint.invalid/v1/../admin",
        "https://endpoint.invalid/v1/%2e%2e/admin",
    ],
)
def test_an_address_that_is_not_below_the_base_is_refused(url: str) -> None:
    server = Server(lambda *_: Answer(status=200))

    with pytest.raises(httpx2.ConnectError, match=r"is not below 'https://endpoint\.invalid/v1'"):
        get(adapted(server), url)
    assert server.asked == []


def test_a_refusal_does_not_repeat_what_may_be_secret() -> None:
    with pytest.raises(httpx2.ConnectError) as caught:
        get(
            adapted(Server(lambda *_: Answer(status=200))), f"https://me:{KEY}@x.invalid/?key={KEY}"
        )

    assert KEY not in str(caught.value)


def test_only_harmless_headers_travel_and_the_query_stays() -> None:
    server = Server(lambda *_: Answer(status=200))
    headers = {"authorization": KEY, "cookie": "a=b", "x-dashscope-sse": "enable"}
    get(adapted(server, scenario="warm"), f"{BASE}/models?b=1&a=%2F", headers=headers)

    wire, place = server.asked[0]
    assert (wire.method, wire.path, wire.body) == ("GET", "/models?b=1&a=%2F", b"")
    assert dict(wire.headers) == {"accept": "*/*", "x-dashscope-sse": "enable"}
    assert (place.case, place.scenario, place.trial, place.attempt) == ("capital", "warm", 0, 0)


def test_a_stream_comes_in_its_pieces_and_breaks_where_it_was_cut() -> None:
    answer = Answer(
        status=200,
        headers=(("content-type", "text/event-stream"), ("content-length", "99")),
        body=b"data: 1\n\ndata: 2\n\nda",
        chunks=((9, 0.1), (9, 0.2)),
        error="the connection was cut",
    )
    pieces: list[bytes] = []

    async def main() -> None:
        transport = adapted(Server(lambda *_: answer))
        async with (
            httpx2.AsyncClient(transport=transport) as by,
            by.stream("POST", f"{BASE}/chat/completions", json={}) as response,
        ):
            assert "content-length" not in response.headers
            async for piece in response.aiter_raw():
                pieces.append(piece)  # noqa: PERF401 - what came before the break counts

    with pytest.raises(httpx2.RemoteProtocolError, match="the connection was cut"):
        asyncio.run(main())
    assert pieces == [b"data: 1\n\n", b"data: 2\n\n", b"da"]


def test_the_sdk_streams_over_it() -> None:
    events = [
        b'data: {"id": "1", "choices": [{"index": 0, "delta": {"content": "Pa"}}]}\n\n',
        b'data: {"id": "1", "choices": [{"index": 0, "delta": {"content": "ris"}}]}\n\n',
        b"data: [DONE]\n\n",
    ]
    answer = Answer(
        status=200,
        headers=(("content-type", "text/event-stream"),),
        body=b"".join(events),
        chunks=tuple((len(event), 0.0) for event in events),
    )

    async def main() -> list[str | None]:
        async with client(adapted(Server(lambda *_: answer))) as by:
            stream = await by.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "?"}], stream=True
            )
            return [event.choices[0].delta.content async for event in stream]

    assert asyncio.run(main()) == ["Pa", "ris"]


@pytest.mark.parametrize(("owns", "ended"), [(True, ["capital", "all"]), (False, ["capital"])])
def test_closing_the_client_ends_the_case(owns: bool, ended: list[str]) -> None:  # noqa: FBT001 - a parameter
    server = Server(lambda *_: Answer(status=200))
    get(adapted(server, owns=owns))

    assert server.ended == ended


def test_a_synchronous_client_replays(project: Project) -> None:
    with running(SCRIPT) as server:
        recorded = said(project.recording(server), FRANCE, FRANCE, FRANCE)

    http_client = httpx2.Client(transport=adapted(project.replaying()))
    with openai.OpenAI(base_url=BASE, api_key="none", http_client=http_client) as by:
        replayed = [
            by.chat.completions.create(
                model="qwen-plus", messages=[{"role": "user", "content": FRANCE}]
            )
            for _ in range(3)
        ]
    assert [done.choices[0].message.content for done in replayed] == recorded


def test_a_synchronous_client_cannot_record(project: Project) -> None:
    adapter = adapted(project.recording("http://127.0.0.1:9/v1"))

    with pytest.raises(UsageError, match="a synchronous client can replay, but not call"):
        adapter.handle_request(httpx2.Request("GET", f"{BASE}/models"))
