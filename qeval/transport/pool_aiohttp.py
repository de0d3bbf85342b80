"""Connections of aiohttp's, which cost a fifth of the other's time; the extra `fast`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.payload import BytesPayload, Payload

from qeval.transport.pools import Headers, Opened, PoolOptions, own

if TYPE_CHECKING:
    import ssl

    from aiohttp.abc import AbstractStreamWriter


class Aiohttp:
    """A pool of aiohttp's."""

    errors: tuple[type[Exception], ...] = (aiohttp.ClientError, OSError, UnicodeError)

    def __init__(self, options: PoolOptions, tls: ssl.SSLContext | None) -> None:
        self._proxy = options.proxy
        self._request = own(aiohttp.ClientSession._request)  # noqa: SLF001 - `request` calls what is patched
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=options.connections,
                keepalive_timeout=options.keepalive_s,
                ssl=True if tls is None else tls,
            ),
            # With a jar, one trial's cookie would travel with the next.
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(sock_connect=options.connect_timeout_s),
        )

    async def open(self, method: str, url: str, headers: Headers, body: bytes) -> Opened:
        """Send a request and bring back the head of its answer."""
        sending = _Body(body)
        response = await self._request(
            self._session,
            method,
            url,
            data=sending,
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
        pieces = response.content.iter_any()
        return Opened(response.status, named, pieces, close, sending.sent)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()


class _Body(BytesPayload):
    """A body that knows when it left."""

    def __init__(self, body: bytes) -> None:
        # Not of `BytesPayload`, which warns of more than 1 MB: that is any large image.
        Payload.__init__(self, body)
        self._size = len(body)
        self.sent = time.perf_counter()

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Write the body; its head waits to go with it."""
        self.sent = time.perf_counter()
        await super().write_with_length(writer, content_length)
