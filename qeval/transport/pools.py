"""Connection pools of the two HTTP clients behind one small face, for `live`.

Both are used below their convenient clients: redirects, cookies and logging are not wanted
here. Neither library is imported before a pool is opened.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from qeval.value import Value

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")
Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case, with their values."""


class Opened:
    """An answer whose head has come. `pieces` are decoded; `close` must be called."""

    __slots__ = ("close", "headers", "pieces", "status")

    def __init__(
        self,
        status: int,
        headers: list[tuple[str, str]],
        pieces: AsyncIterable[bytes],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self.status = status
        self.headers = headers
        """Names in lower case, every header as often as it came."""
        self.pieces = pieces
        self.close = close


class Pool(Protocol):
    """Connections to one address."""

    errors: tuple[type[Exception], ...]
    """What a call may fail with."""

    async def open(self, method: str, url: str, headers: Headers, body: bytes) -> Opened:
        """Send a request and bring back the head of its answer."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class PoolOptions(Value):
    """How a pool connects."""

    connections: int
    connect_timeout_s: float
    proxy: str | None = None
    keepalive_s: float = 30.0


def own(method: T) -> T:
    """Return a client's method as its library has it, without what a recorder put around it.

    vcrpy patches the classes of clients in the whole process, while a user's code is recorded;
    our calls are none of that code's.
    """
    unwrapped: T = inspect.unwrap(method)  # type: ignore[arg-type]  # any callable
    return unwrapped


class Aiohttp:
    """A pool of aiohttp's, which costs a fifth of the other's time; the extra `fast`.

    Raises:
        ImportError: The extra is not installed.
    """

    def __init__(self, options: PoolOptions, tls: ssl.SSLContext | None) -> None:
        import aiohttp

        self.errors: tuple[type[Exception], ...] = (aiohttp.ClientError, OSError, UnicodeError)
        self._proxy = options.proxy
        self._timeout = aiohttp.ClientTimeout(sock_connect=options.connect_timeout_s)
        self._request = own(aiohttp.ClientSession._request)  # noqa: SLF001 - `request` calls what is patched
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=options.connections,
                keepalive_timeout=options.keepalive_s,
                ssl=True if tls is None else tls,
            ),
            # With a jar, one trial's cookie would travel with the next.
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
        )

    async def open(self, method: str, url: str, headers: Headers, body: bytes) -> Opened:
        """Send a request and bring back the head of its answer."""
        response = await self._request(
            self._session,
            method,
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            proxy=self._proxy,
        )

        async def close() -> None:
            response.close()  # of a connection whose answer was read to its end nothing is left

        named = [
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in response.raw_headers
        ]
        return Opened(response.status, named, response.content.iter_any(), close)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()
