"""Connections of httpx2's, driven by requests built whole."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2  # noqa: TID251 - this is the module that may

from qeval.transport.pools import Headers, Opened, PoolOptions, own

if TYPE_CHECKING:
    import ssl


def certificates() -> ssl.SSLContext:
    """Return the context of both clients, so that they trust the same certificates."""
    return httpx2.create_ssl_context()


class Httpx2:
    """A pool of httpx2's."""

    errors: tuple[type[Exception], ...] = (httpx2.HTTPError, OSError, UnicodeError)

    def __init__(self, options: PoolOptions, tls: ssl.SSLContext | None) -> None:
        self._prepared: dict[tuple[str, Headers], tuple[httpx2.URL, list[tuple[bytes, bytes]]]] = {}
        self._extensions = {"timeout": {"connect": options.connect_timeout_s}}
        self._handle = own(httpx2.AsyncHTTPTransport.handle_async_request)
        self._transport = httpx2.AsyncHTTPTransport(
            # Without TLS nobody looks at certificates, which take 20 ms to load.
            verify=False if tls is None else tls,
            limits=httpx2.Limits(
                max_connections=options.connections,
                max_keepalive_connections=options.connections,
                keepalive_expiry=options.keepalive_s,
            ),
            proxy=options.proxy,
        )

    async def open(self, method: str, url: str, headers: Headers, body: bytes) -> Opened:
        """Send a request and bring back the head of its answer."""
        prepared = self._prepared.get((url, headers))
        if prepared is None:
            address = httpx2.URL(url)
            named = [(name.encode(), value.encode("latin-1")) for name, value in headers]
            prepared = address, [(b"host", address.netloc), *named]
            self._prepared[url, headers] = prepared
        address, named = prepared
        length = (b"content-length", b"%d" % len(body))
        sending = _Body(body)
        request = httpx2.Request(
            method,
            address,
            # With a stream the library adds no header of its own, which saves it much work.
            headers=[*named, length],
            stream=sending,
            extensions=self._extensions,
        )
        response = await self._handle(self._transport, request)
        pairs = [
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in response.headers.raw
        ]
        plain = "content-encoding" not in response.headers
        stream: Any = response.stream if plain else response.aiter_bytes()
        return Opened(response.status_code, pairs, stream, response.aclose, sending.sent)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


class _Body(httpx2.AsyncByteStream):
    """A body that knows when it left."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.sent = time.perf_counter()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.sent = time.perf_counter()
        yield self._body
