"""Real calls over HTTP, by one of the two clients.

A proxy is used where `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY` names one and `NO_PROXY` does
not except the host, never for loopback. `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from qeval import __version__, units
from qeval.dialects.errors import first_bytes
from qeval.errors import TargetError, TransportError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.hosts import Resolved
from qeval.transport.pacing import WAIT_HEADER
from qeval.transport.pools import Headers, Opened, Pool, PoolOptions
from qeval.value import Value

if TYPE_CHECKING:
    import ssl

Client: TypeAlias = Literal["auto", "httpx2", "aiohttp"]
"""`auto` is aiohttp where it is installed (extra `fast`) and no proxy stands between."""

_HIDDEN = frozenset({"set-cookie", "set-cookie2", "authorization", "proxy-authenticate"})
"""Response headers that may hold a credential."""
_CODING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Response headers that are not true of a decoded body."""
_DEFAULT_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "user-agent": f"qeval/{__version__}",
}


class LiveOptions(Value):
    """Limits of live calls."""

    client: Client = "auto"
    concurrency: int = 32
    """Most connections at a time; the runner keeps within it, so that no call waits here."""
    timeout_s: float = 300.0
    """For one attempt, from sending to the last byte, where the target has no limit of its own."""
    connect_timeout_s: float = 5.0
    max_body_bytes: int = 32_000_000
    """Longest body that is read, decoded."""


class Live:
    """Asks one target over the network. Holds the real address and the key; shows neither.

    Args:
        resolve: Called once, when the first call is about to leave.
        options: Limits.
    """

    immediate = False

    def __init__(self, resolve: Callable[[], Resolved], options: LiveOptions | None = None) -> None:
        self._resolve = resolve
        self._options = options or LiveOptions()
        self._line: _Line | None = None

    async def send(self, wire: Wire, place: Place) -> Answer:  # noqa: ARG002 - the seam's signature
        """Bring back the answer to one call, whatever its status, from one attempt.

        A body that was cut comes back as far as it came, with `Answer.error` set.

        Raises:
            TransportError: Nothing came (`connect`, `timeout`, `cut`), or too much.
            TargetError: The address or the key is not set.
        """
        if self._line is None:
            self._line = _Line(self._resolve(), self._options)
        return await self._line.call(wire)

    async def end_case(self, case: str) -> None:
        """Do nothing: nothing is recorded here."""

    async def aclose(self) -> None:
        """Close the connections."""
        line, self._line = self._line, None
        if line is not None:
            await line.pool.aclose()


class _Call:
    """What one call has brought so far, kept when it breaks off."""

    def __init__(self) -> None:
        self.opened: Opened | None = None
        self.pieces: list[bytes] = []
        self.chunks: list[tuple[int, float]] = []
        self.size = 0


class _Line:
    """Connections to one address."""

    def __init__(self, resolved: Resolved, options: LiveOptions) -> None:
        self._resolved = resolved
        self._limit = options.max_body_bytes
        self._timeout_s = resolved.timeout_s or options.timeout_s
        parts = urlsplit(resolved.base_url)
        self._place = parts.netloc if parts.port else f"{parts.netloc}:{_port(parts.scheme)}"
        self._headers = dict(resolved.headers)
        if resolved.key is not None:
            self._headers["authorization"] = f"Bearer {resolved.key}"
        self._merged: dict[Headers, Headers] = {}
        """Headers as they go out, by those that the dialect wants."""
        self.pool = _pool(parts.scheme, parts.hostname or "", options)

    async def call(self, wire: Wire) -> Answer:
        """Make one call and map what can go wrong."""
        call = _Call()
        try:
            async with asyncio.timeout(self._timeout_s + self._queued_s(wire)):
                await self._exchange(call, wire)
        except TransportError:
            raise
        except self.pool.errors as error:
            kind, message = self._said(error, call)
            if call.opened is not None and call.size:
                return self._answer(call, call.opened, error=message)
            # The cause's own text may quote a header, and a header may hold the key.
            raise TransportError(message, kind=kind, hint=_HINTS.get(kind)) from None
        assert call.opened is not None  # noqa: S101 - for the type checker
        return self._answer(call, call.opened)

    def _queued_s(self, wire: Wire) -> float:
        """Return how long the service may let the call stand before it begins."""
        said = next((value for name, value in wire.headers if name == WAIT_HEADER), None)
        return float(said) if said else 0.0

    async def _exchange(self, call: _Call, wire: Wire) -> None:
        url = self._resolved.base_url + wire.path
        headers = self._merged.get(wire.headers)
        if headers is None:
            headers = tuple({**_DEFAULT_HEADERS, **dict(wire.headers), **self._headers}.items())
            self._merged[wire.headers] = headers
        opened = await self.pool.open(wire.method, url, headers, wire.body)
        call.opened = opened
        try:
            async for piece in opened.pieces:
                call.pieces.append(piece)
                call.size += len(piece)
                call.chunks.append((len(piece), time.perf_counter() - opened.sent))
                if call.size > self._limit:
                    raise self._too_large(call)
        finally:
            await opened.close()

    def _answer(self, call: _Call, opened: Opened, error: str | None = None) -> Answer:
        latency_s = time.perf_counter() - opened.sent
        encoded = any(name == "content-encoding" for name, _ in opened.headers)
        hidden = _HIDDEN | _CODING if encoded else _HIDDEN
        headers = tuple(pair for pair in opened.headers if pair[0] not in hidden)
        simulated = any(name == "x-qeval-simulator" for name, _ in headers)
        return Answer(
            status=opened.status,
            headers=headers,
            body=call.pieces[0] if len(call.pieces) == 1 else b"".join(call.pieces),
            chunks=tuple(call.chunks),
            latency_s=latency_s,
            recorded_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            source="simulator" if simulated else self._resolved.source,
            error=error,
        )

    def _too_large(self, call: _Call) -> TransportError:
        start = first_bytes(call.pieces[0][:200])
        return TransportError(
            f"{self._place}: the answer is longer than {units.size(self._limit)};"
            f" it begins {start}",
            kind="too_large",
        )

    def _said(self, error: Exception, call: _Call) -> tuple[str, str]:
        """Return the kind of a failed call and the message for it."""
        kind = _kind(error)
        fact = {
            "timeout": f"no whole answer within {units.seconds(self._timeout_s)}",
            "connect": f"no connection: {_reason(error)}",
            "cut": f"the connection was cut: {_reason(error)}",
        }[kind]
        if _is_miscoded(error):
            fact = "the answer is not in its content-encoding"
        came = f", after {units.size(call.size)} of the answer" if call.size else ""
        return kind, f"{self._place}: {fact}{came}"


_HINTS = {
    "connect": "check the target's address and the network",
    "timeout": "raise the target's `timeout_s`, or lower `--concurrency`",
}


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _pool(scheme: str, host: str, options: LiveOptions) -> Pool:
    """Open the pool: one for all connections, as large as may be in flight."""
    proxy = _proxy(scheme, host)
    wanted = PoolOptions(
        connections=options.concurrency,
        connect_timeout_s=options.connect_timeout_s,
        proxy=proxy,
    )
    tls = None
    if scheme == "https" or proxy is not None:
        from qeval.transport.pool_httpx2 import certificates

        tls = certificates()
    client = options.client
    if client == "auto":
        client = "aiohttp" if proxy is None and find_spec("aiohttp") else "httpx2"
    try:
        return _opened(client, wanted, tls)
    except ImportError:
        if client == "aiohttp":
            raise TargetError(
                "the client aiohttp is not installed", hint="type `pip install 'qeval[fast]'`"
            ) from None
        raise TargetError(
            "the proxy of the environment speaks SOCKS, for which a library is missing",
            hint="type `pip install 'httpx2[socks]'`, or except the host with NO_PROXY",
        ) from None


def _opened(client: Client, wanted: PoolOptions, tls: ssl.SSLContext | None) -> Pool:
    if client == "aiohttp":
        from qeval.transport.pool_aiohttp import Aiohttp

        return Aiohttp(wanted, tls)
    from qeval.transport.pool_httpx2 import Httpx2

    return Httpx2(wanted, tls)


def _proxy(scheme: str, host: str) -> str | None:
    """Return the environment's proxy for a host, if it has one. Loopback never has."""
    from urllib.request import getproxies, proxy_bypass

    if host == "localhost" or host.endswith(".localhost") or _is_loopback(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and what it was raised from, outermost first."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


_CONNECT = frozenset(
    {"ConnectError", "ConnectTimeout", "ProxyError", "UnsupportedProtocol", "ClientConnectorError"}
    | {"ConnectionTimeoutError", "ClientProxyConnectionError", "gaierror"}
)
_CUT = frozenset(
    {"ServerDisconnectedError", "ClientOSError", "ClientPayloadError", "ClientResponseError"}
)


def _kind(error: Exception) -> str:
    """Return `timeout`, `connect` or `cut` for an error of either client.

    The names of the innermost causes decide: what wraps them is less exact.
    """
    names = [{base.__name__ for base in type(cause).__mro__} for cause in reversed(_causes(error))]
    for mro in names:
        if mro & _CONNECT:
            return "connect"
        if mro & _CUT:
            return "cut"
    late = any(mro & {"TimeoutError", "TimeoutException"} for mro in names)
    return "timeout" if late else "cut"


def _is_miscoded(error: Exception) -> bool:
    """Whether a body cannot be decompressed as its head says."""
    names = {type(cause).__name__ for cause in _causes(error)}
    return bool(names & {"DecodingError", "ContentEncodingError"})


def _reason(error: Exception) -> str:
    """Say why in words that hold nothing of the request: the system's, or the error's class."""
    import os
    import socket
    import ssl

    causes = _causes(error)
    # TLS first: its errors carry numbers of their own where others carry the system's.
    for cause in causes:
        if said := getattr(cause, "verify_message", None):
            return f"the certificate is not trusted ({said})"
        if isinstance(cause, ssl.SSLError) and (said := getattr(cause, "reason", None)):
            return f"TLS failed ({said})"
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "the host's name is not known"
        if isinstance(cause, OSError) and cause.errno and cause.errno > 0:
            return os.strerror(cause.errno).lower()
    return {
        "RemoteProtocolError": "the server closed it, or sent what is not HTTP",
        "ConnectTimeout": "nobody answered in time",
        "ReadError": "the server closed it",
    }.get(type(error).__name__, type(error).__name__)
