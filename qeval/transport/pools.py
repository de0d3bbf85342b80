"""The one small face of both HTTP clients, `pool_httpx2` and `pool_aiohttp`, for `live`.

Both are used below their convenient clients: redirects, cookies and logging are not wanted
here. Neither library is imported before a pool is opened.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol, TypeAlias, TypeVar

from qeval.value import Value

T = TypeVar("T")
Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case, with their values."""


class Opened:
    """An answer whose head has come. `pieces` are decoded; `close` must be called."""

    __slots__ = ("close", "headers", "pieces", "sent", "status")

    def __init__(
        self,
        status: int,
        headers: list[tuple[str, str]],
        pieces: AsyncIterable[bytes],
        close: Callable[[], Awaitable[None]],
        sent: float,
    ) -> None:
        self.status = status
        self.headers = headers
        """Names in lower case, every header as often as it came."""
        self.pieces = pieces
        self.close = close
        self.sent = sent
        """When the request left, by `time.perf_counter`: after a connection was found or made, and
        after other requests that began in the same instant."""


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
