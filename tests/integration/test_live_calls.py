from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest

from qeval.dialects.chat import CHAT
from qeval.errors import ResponseError, StatusError, TargetError, TransportError
from qeval.exchange import Answer, Message, Place, Request, Wire
from qeval.transport.hosts import Resolved
from qeval.transport.live import Live, LiveOptions, _proxy
from qeval.transport.retrying import Retrying

KEY = "sk-planted-0123456789abcdef"
WIRE = Wire(path="/chat/completions", body=b'{"model":"m"}')
PLACE = Place(case="c", scenario="s", trial=0)
GOOD = b'{"choices":[{"message":{"content":"Paris."},"finish_reason":"stop"}]}'


class Server(Protocol):
    url: str
    port: int
    connections: int
    seen: list[Any]

    def says(self, *answers: Any) -> None: ...


@pytest.fixture(params=["httpx2", "aiohttp"])
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def answer(body: bytes, status: str = "200 OK", **headers: str) -> list[bytes]:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ["\r\n".join([*lines, "", ""]).encode() + body]


def live(url: str, client: str, key: str | None = KEY, **limits: Any) -> Live:
    options = LiveOptions(client=client, **limits)  # type: ignore[arg-type] # a fixture's text
    return Live(lambda: Resolved(base_url=url, key=key), options)


def within(transport: Any, act: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        try:
            return await act()
        finally:
            await transport.aclose()

    return asyncio.run(main())


def ask(transport: Any, wire: Wire = WIRE) -> Answer:
    found = within(transport, lambda: transport.send(wire, PLACE))
    assert isinstance(found, Answer)
    return found


def fails(transport: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        ask(transport)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert KEY not in shown
    return caught.value


def test_a_call_carries_the_body_and_the_key_and_brings_the_answer_back(
    loopback: Server, client: str
) -> None:
    loopback.says(answer(GOOD, content_type="application/json", X_Request_Id="r-1"))

    got = ask(live(loopback.url, client))

    seen = loopback.seen[0]
    assert (seen.method, seen.path, seen.body) == ("POST", "/v1/chat/completions", WIRE.body)
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["host"] == f"127.0.0.1:{loopback.port}"
    assert (got.status, got.body, got.header("x-request-id")) == (200, GOOD, "r-1")
    assert got.source == "endpoint"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", got.recorded_at or "")
    assert sum(size for size, _ in got.chunks) == len(GOOD)
    assert got.latency_s is not None
    assert 0 < got.chunks[0][1] <= got.latency_s < 5


def test_a_body_of_megabytes_leaves_whole_and_without_a_warning(
    loopback: Server, client: str
) -> None:
    loopback.says(answer(GOOD))
    picture = b'{"url":"' + b"A" * 3_000_000 + b'"}'

    ask(live(loopback.url, client), Wire(path="/chat/completions", body=picture))

    assert loopback.seen[0].body == picture


def test_both_clients_send_the_same_headers(loopback: Server) -> None:
    loopback.says(answer(GOOD))

    ask(live(loopback.url, "httpx2"))
    ask(live(loopback.url, "aiohttp"))

    first, second = (dict(seen.headers) for seen in loopback.seen)
    assert first == second
    assert "cookie" not in first


def test_chunks_come_with_their_times(loopback: Server, client: str) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    loopback.says([head + b"2\r\nab\r\n", 0.1, b"3\r\ncde\r\n0\r\n\r\n"])

    got = ask(live(loopback.url, client))

    assert got.body == b"abcde"
    assert [size for size, _ in got.chunks] == [2, 3]
    assert got.chunks[1][1] - got.chunks[0][1] > 0.05


def test_a_compressed_body_comes_decoded(loopback: Server, client: str) -> None:
    loopback.says(answer(gzip.compress(GOOD), content_encoding="gzip"))

    got = ask(live(loopback.url, client))

    assert got.body == GOOD
    assert got.header("content-encoding") is None
    assert got.header("content-length") is None


@pytest.mark.parametrize(
    ("which", "coding"), [("httpx2", "gzip"), ("aiohttp", "gzip"), ("aiohttp", "br")]
)
def test_a_body_that_is_not_coded_as_it_says_is_told_so(
    loopback: Server, which: str, coding: str
) -> None:
    loopback.says(answer(b"plain text", content_encoding=coding))

    error = fails(live(loopback.url, which))

    said = "the answer is not in its content-encoding"
    assert error.message == f"127.0.0.1:{loopback.port}: {said}"


def test_cookies_neither_come_through_nor_go_back(loopback: Server, client: str) -> None:
    loopback.says(answer(GOOD, set_cookie="session=planted; Path=/"))
    transport = live(loopback.url, client)

    async def twice() -> Answer:
        await transport.send(WIRE, PLACE)
        return await transport.send(WIRE, PLACE)

    got = within(transport, twice)

    assert got.header("set-cookie") is None
    assert "cookie" not in loopback.seen[1].headers
    assert loopback.connections == 1  # the connection was kept


def test_a_redirect_is_not_followed(loopback: Server, client: str) -> None:
    loopback.says(answer(b"", "307 Temporary Redirect", location=f"{loopback.url}/elsewhere"))

    got = ask(live(loopback.url, client))

    assert len(loopback.seen) == 1
    with pytest.raises(StatusError) as caught:
        CHAT.read(got)
    assert str(caught.value) == (
        "307: a redirect, which is not followed, since a key stays with its host\n\n"
        "hint: write the address that answers as the target's base_url"
    )


def test_a_simulator_is_named_as_who_answered(loopback: Server, client: str) -> None:
    loopback.says(answer(GOOD, x_qeval_simulator="1"))

    assert ask(live(loopback.url, client)).source == "simulator"


def test_a_refused_connection_is_told_with_its_address(client: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    error = fails(live(f"http://127.0.0.1:{port}/v1", client))

    assert (error.kind, error.code) == ("connect", "connect")
    assert str(error) == (
        f"127.0.0.1:{port}: no connection: connection refused\n\n"
        "hint: check the target's address and the network"
    )


def test_an_unknown_host_is_told(client: str) -> None:
    error = fails(live("http://nowhere.invalid/v1", client))

    assert error.kind == "connect"
    assert error.message.startswith("nowhere.invalid:80: no connection: ")


def test_no_answer_in_time_is_a_timeout(loopback: Server, client: str) -> None:
    loopback.says([3.0])

    error = fails(live(loopback.url, client, timeout_s=0.2))

    assert error.kind == "timeout"
    assert error.message == f"127.0.0.1:{loopback.port}: no whole answer within 200 ms"


def test_a_connection_closed_without_an_answer_is_cut(loopback: Server, client: str) -> None:
    loopback.says([None])

    error = fails(live(loopback.url, client))

    assert error.kind == "cut"
    assert error.message.startswith(f"127.0.0.1:{loopback.port}: the connection was cut: ")


def test_what_is_not_http_is_cut(loopback: Server, client: str) -> None:
    loopback.says([b"SSH-2.0-OpenSSH_9.9\r\n\r\n", None])

    assert fails(live(loopback.url, client)).kind == "cut"


def test_a_call_that_may_be_queued_is_waited_for_longer(loopback: Server, client: str) -> None:
    loopback.says([0.4, *answer(GOOD)])
    queued = Wire(path=WIRE.path, body=WIRE.body, headers=(("x-dashscope-wait-timeout", "3"),))

    assert ask(live(loopback.url, client, timeout_s=0.2), queued).body == GOOD


@pytest.mark.parametrize("end", [[0.1, None], [5.0]], ids=["reset", "timeout"])
def test_a_cut_body_keeps_what_had_come(loopback: Server, client: str, end: list[Any]) -> None:
    loopback.says([b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"choices"', *end])

    got = ask(live(loopback.url, client, timeout_s=0.5))

    assert got.body == b'{"choices"'
    assert got.error is not None
    assert got.error.endswith(", after 10 B of the answer")
    with pytest.raises(TransportError) as caught:
        CHAT.read(got)
    assert caught.value.kind == "cut"


def test_fifty_megabytes_are_refused_with_the_first_bytes(loopback: Server, client: str) -> None:
    piece = b"\x1b[31m<html>" + b"x" * 99_990
    loopback.says([b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n", *[piece] * 500])

    error = fails(live(loopback.url, client))

    assert error.kind == "too_large"
    assert error.message.startswith(
        f"127.0.0.1:{loopback.port}: the answer is longer than 32 MB; it begins '\\x1b[31m<html>xx"
    )
    assert len(error.message) < 250


def test_a_compression_bomb_is_refused(loopback: Server, client: str) -> None:
    loopback.says(answer(gzip.compress(b"0" * 50_000_000), content_encoding="gzip"))

    assert fails(live(loopback.url, client)).kind == "too_large"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the answer is empty"),
        (
            b"<html>\x1b[2J</script>",
            "the answer is not JSON; it begins '<html>\\x1b[2J</script>'",
        ),
        (b'{"a":"\xff"}', 'the answer is invalid UTF-8 at byte 6; it begins \'{"a":"\\xff"}\''),
    ],
    ids=["empty", "html", "utf-8"],
)
def test_what_is_no_completion_is_told_with_its_first_bytes(
    loopback: Server, client: str, body: bytes, message: str
) -> None:
    loopback.says(answer(body))

    got = ask(live(loopback.url, client))

    with pytest.raises(ResponseError) as caught:
        CHAT.read(got)
    assert str(caught.value) == message


def test_nothing_is_looked_up_before_a_call_leaves() -> None:
    def refuse() -> Resolved:
        raise TargetError("DASHSCOPE_API_KEY is not set (region ap-southeast-1)")

    transport = Live(refuse)

    with pytest.raises(TargetError, match="DASHSCOPE_API_KEY is not set"):
        ask(transport)


def test_the_proxy_of_the_environment_is_used_but_never_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")

    assert _proxy("https", "dashscope.aliyuncs.com") == "http://proxy.example:3128"
    assert _proxy("http", "model.example") == "http://proxy.example:3128"
    assert _proxy("https", "api.inside.example") is None
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost", "app.localhost"):
        assert _proxy("http", host) is None


def test_a_call_goes_through_the_proxy(
    loopback: Server, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{loopback.port}")
    loopback.says(answer(GOOD))

    assert ask(live("http://model.example/v1", client)).body == GOOD
    assert loopback.seen[0].path == "http://model.example/v1/chat/completions"


def test_retries_until_the_server_recovers(loopback: Server, client: str) -> None:
    overloaded = json.dumps({"error": {"code": "limit_requests", "message": "slow down"}})
    limited = answer(overloaded.encode(), "429 Too Many Requests", retry_after="0")
    loopback.says(limited, [None], limited, answer(GOOD))
    transport = Retrying(live(loopback.url, client))

    got = ask(transport)

    assert (got.status, got.attempts, len(loopback.seen)) == (200, 4, 4)
    assert CHAT.read(got).text == "Paris."
    assert got.latency_s is not None
    assert got.latency_s < 0.4  # the pauses are not in it


def test_many_calls_share_the_connections(loopback: Server, client: str) -> None:
    loopback.says(answer(GOOD))
    transport = live(loopback.url, client, concurrency=4)
    request = Request(model="m", messages=(Message(role="user", content="?"),))

    async def all_of_them() -> list[Answer]:
        wire = CHAT.write(request)
        return await asyncio.gather(*(transport.send(wire, PLACE) for _ in range(40)))

    answers = within(transport, all_of_them)

    assert {CHAT.read(one).text for one in answers} == {"Paris."}
    assert loopback.connections <= 4
