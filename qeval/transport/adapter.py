"""A user's own client or SDK over our transports: recorded once, replayed without a network.

The seam stands in for the network below an `httpx2` client, and so below every SDK that takes
one::

    from pathlib import Path

    import httpx2
    import openai

    from qeval.transport.adapter import Adapter
    from qeval.transport.cassettes import CassetteOptions, CassetteTransport

    BASE = "https://endpoint.invalid/v1"

    async def test_my_agent() -> None:
        recordings = CassetteTransport(
            CassetteOptions(folder=Path("cassettes/agent/qwen-plus"), root=Path(), base=BASE)
        )
        adapter = Adapter(recordings, base_url=BASE, case="capital-of-france")
        async with openai.AsyncOpenAI(
            base_url=BASE,
            api_key="not used",
            max_retries=0,
            http_client=httpx2.AsyncClient(transport=adapter),
        ) as client:
            assert "Paris" in await my_agent(client)

To record, give `CassetteOptions` the mode `record` and the keys as `secrets`, and hand over
`Retrying(CassetteTransport(options, Live(...)))`. What the client sends as a key goes nowhere:
`Live` adds the target's own. Closing the client writes the file.

What to know of SDKs:

* Set `max_retries=0`. The `openai` SDK takes a miss for a lost connection: left alone it asks
  twice more, 1.1 to 1.5 s in all, and then raises `APIConnectionError("Connection error.")`,
  whose `__cause__` is the `MissError` that explains. While recording, `Retrying` does retry.
* Its retries are known by their header and stay the same trial; a client that retries without
  saying so is heard as asking for the next one.
* An answer is handed over once it is whole, in the pieces in which it was recorded. Time limits
  are the transport's, not the client's.
* A synchronous client can replay, not record.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import httpx2  # noqa: TID251 - what this module adapts to; it is imported only when asked for

from qeval.errors import CassetteError, CassetteSecretError, TransportError, UsageError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.base import Transport, step
from qeval.transport.cassettes.interaction import TURNS, request_key, request_text
from qeval.transport.cassettes.redact import REQUEST_HEADERS

_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Response headers that are not true of a decoded, perhaps indented, body."""
_RETRY = "x-stainless-retry-count"
"""How generated SDKs number the attempts of one call, from 0."""
_KINDS: dict[str, type[httpx2.TransportError]] = {
    "timeout": httpx2.ReadTimeout,
    "connect": httpx2.ConnectError,
    "cut": httpx2.RemoteProtocolError,
}


class MissError(httpx2.TransportError):
    """The recordings do not answer a request; its text says why, and what to type.

    The `CassetteError` itself is its `__cause__`.
    """


class Adapter(httpx2.AsyncBaseTransport, httpx2.BaseTransport):
    """Sends what an `httpx2` client asks through a transport, as the calls of one case.

    The n-th of equal requests is trial n. Requests that differ share the case's file whatever
    the order they come in: their turn is a number made from the request itself.

    Args:
        transport: Who answers: recordings, or recordings over a live connection.
        base_url: The address below which the client asks, whoever really lives there.
        case: Whose calls these are; the name of the file.
        scenario: Tells apart runs of the same case that must not share answers.
        owns: Whether to close the transport with the client; False where clients share it.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        base_url: str,
        case: str,
        scenario: str = "default",
        owns: bool = True,
    ) -> None:
        self._transport = transport
        self._base = httpx2.URL(base_url.rstrip("/"))
        self._case = case
        self._owns = owns
        self._places = _Places(case, scenario)
        self._lock = threading.Lock()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request.

        Raises:
            MissError: No recording answers it.
            httpx2.TransportError: No answer came, or the address is not below the base.
            CassetteSecretError: A recording would hold a secret. SDKs do not retry this one.
            TargetError: The address or the key of the target is not set.
        """
        return await self._answer(request, await request.aread())

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of a synchronous client, from recordings alone.

        Raises:
            UsageError: The transport has a way to the network, which needs an event loop.
        """
        self._refuse_waiting()
        with self._lock:
            return step(self._answer(request, request.read()))

    async def aclose(self) -> None:
        """End the case, which writes what was recorded of it."""
        try:
            await self._transport.end_case(self._case)
        finally:
            if self._owns:
                await self._transport.aclose()

    def close(self) -> None:
        """Do the same for a synchronous client."""
        self._refuse_waiting()
        with self._lock:
            step(self.aclose())

    def _refuse_waiting(self) -> None:
        if not self._transport.immediate:
            raise UsageError(
                f"case {self._case!r}: a synchronous client can replay, but not call",
                hint="record with the asynchronous client; both read the same file",
            )

    async def _answer(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        try:
            wire = self._wire(request, body)
            call = self._places.take(wire, _attempt(request))
            answer = await self._sent(wire, call)
        except CassetteSecretError:
            raise  # asked again it would only be paid for again
        except CassetteError as error:
            raise MissError(str(error)) from error
        except TransportError as error:
            raise _KINDS.get(error.kind, httpx2.TransportError)(str(error)) from error
        headers = [
            (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in answer.headers
            if name not in _FRAMING
        ]
        return httpx2.Response(answer.status, headers=headers, stream=_Pieces(answer))

    async def _sent(self, wire: Wire, call: _Call) -> Answer:
        try:
            answer = await self._transport.send(wire, call.place)
        except (CassetteError, TransportError):
            self._places.failed(call)
            raise
        if answer.status >= 400 or answer.error is not None:
            self._places.failed(call)
        return answer

    def _wire(self, request: httpx2.Request, body: bytes) -> Wire:
        return Wire(
            path=_below(request.url, self._base),
            body=body,
            method=request.method,
            headers=tuple(
                (name, value)
                for name, value in request.headers.multi_items()
                if name in REQUEST_HEADERS
            ),
        )


class _Call(NamedTuple):
    """A request under way."""

    key: str
    place: Place


class _Places:
    """Says whose call each request is."""

    def __init__(self, case: str, scenario: str) -> None:
        self._case = case
        self._scenario = scenario
        self._counts: Counter[str] = Counter()
        self._failed: list[_Call] = []

    def take(self, wire: Wire, attempt: int) -> _Call:
        """Return the place of a request: the next trial of its kind, or a failed one's retry."""
        # The path alone, so that nothing changes with the server's address.
        key = request_key(wire.method, wire.path, request_text(wire.body))
        for call in self._failed:
            if call.key == key and call.place.attempt + 1 == attempt:
                self._failed.remove(call)
                return _Call(key, self._place(key, call.place.trial, attempt))
        trial = self._counts[key]
        self._counts[key] += 1
        return _Call(key, self._place(key, trial, 0))

    def failed(self, call: _Call) -> None:
        """Keep a call that the client may retry."""
        self._failed.append(call)

    def _place(self, key: str, trial: int, attempt: int) -> Place:
        return Place(
            case=self._case,
            scenario=self._scenario,
            trial=trial,
            turn=int(key, 16) % TURNS,
            attempt=attempt,
        )


class _Pieces(httpx2.AsyncByteStream, httpx2.SyncByteStream):
    """The body of an answer, in the pieces it came in; then the break, if it was cut."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        body, start = self._answer.body, 0
        for size, _ in self._answer.chunks:
            yield body[start : start + size]
            start += size
        if start < len(body):
            yield body[start:]
        if self._answer.error is not None:
            raise httpx2.RemoteProtocolError(self._answer.error)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def _attempt(request: httpx2.Request) -> int:
    said = request.headers.get(_RETRY, "0")
    return int(said) if said.isdecimal() else 0


def _below(url: httpx2.URL, base: httpx2.URL) -> str:
    """Return the path and query of an address, as they stand, without the base's path.

    Raises:
        TransportError: The address is not below the base.
    """
    home = base.raw_path.decode().rstrip("/")
    path = url.raw_path.decode()
    same = (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)
    climbs = ".." in url.path.split("/")  # percent-encoded dots, too, which a server may follow
    if same and not climbs and path.startswith((f"{home}/", f"{home}?")):
        return path[len(home) :]
    shown = url.copy_with(userinfo=b"", query=None, fragment=None)
    raise TransportError(
        f"{str(shown)!r} is not below {str(base)!r}, for which this transport was made",
        kind="connect",
        hint="give the client and the adapter the same base_url",
    )
