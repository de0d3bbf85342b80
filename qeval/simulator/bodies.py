"""Bodies that starlette has no class for: streams at a pace, and those that are cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from qeval.simulator.base import Frame
from qeval.value import Value


class Pace(Value):
    """When the frames of a stream leave, in seconds of ours."""

    first_s: float = 0.0
    """From the headers to the first frame that says something."""
    chunk_s: float = 0.0
    """From one such frame to the next."""


class Cut(Response):
    """Promises the whole body, sends half, and lets the connection go."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the start and half of the body."""
        await _start(self, send)
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        # The server closes the connection of an application that returns before its last byte.


class Streamed(Response):
    """Sends frames one by one.

    Args:
        frames: What to send. Those that say nothing go along with the one before.
        headers: Of the answer.
        pace: When each is sent.
        whole: Whether the body is ended; else the connection is let go.
        told: Called as the first frame that says something has left.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        frames: Iterable[Frame],
        headers: dict[str, str],
        pace: Pace,
        *,
        whole: bool = True,
        told: Callable[[float], None] | None = None,
    ) -> None:
        super().__init__(None, 200, headers)
        del self.headers["content-length"]
        self._frames = frames
        self._pace = pace
        self._whole = whole
        self._told = told

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the start and all frames."""
        await _start(self, send)
        due = time.perf_counter() + self._pace.first_s
        said = 0
        for frame in self._frames:
            if frame.says:
                await _until(due)
                due += self._pace.chunk_s
                said += 1
            await send({"type": "http.response.body", "body": frame.data, "more_body": True})
            if frame.says and said == 1 and self._told is not None:
                self._told(time.perf_counter())
        if self._whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _start(response: Response, send: Send) -> None:
    start = {"type": "http.response.start", "status": response.status_code}
    await send({**start, "headers": response.raw_headers})


async def _until(due: float) -> None:
    left = due - time.perf_counter()
    if left > 0:
        await asyncio.sleep(left)
