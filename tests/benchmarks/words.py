"""A bare chat server on loopback that answers with the word it was asked for, after a delay."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

WORD = re.compile(rb"word\d+")
SERVED = [0]
"""Requests that were answered, of all servers of this process."""


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float
) -> None:
    """Serve one connection, keep-alive, until it closes."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            SERVED[0] += 1
            if delay_s:
                await asyncio.sleep(delay_s)
            found = WORD.search(body)
            text = found[0].decode() if found else "?"
            message = {"role": "assistant", "content": text}
            data = json.dumps(
                {
                    "id": "chatcmpl-0",
                    "object": "chat.completion",
                    "created": 1790000000,
                    "model": "qwen-plus",
                    "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                    "usage": {"prompt_tokens": 20, "completion_tokens": 1, "total_tokens": 21},
                }
            ).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
                + str(len(data)).encode()
                + b"\r\n\r\n"
                + data
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@contextmanager
def serve(delay_s: float = 0.0) -> Iterator[str]:
    """Serve in a thread; yield the base address."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(lambda r, w: answer(r, w, delay_s), "127.0.0.1", 0, backlog=1024)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
