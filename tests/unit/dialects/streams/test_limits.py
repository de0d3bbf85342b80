"""How much of a stream is held at a time, and when it is given up."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from qeval.errors import ResponseError
from qeval.exchange import Answer

if TYPE_CHECKING:
    from tests.unit.dialects.streams.conftest import Said, Spoken


def peak_of(stream: Any, body: bytes, times_over: int) -> int:
    """Most bytes that are held at a time while the stream is fed."""
    tracemalloc.start()
    try:
        for _ in range(times_over):
            stream.feed(body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_answer_is_given_up_at_the_limit(dialect: Spoken, weather: Said) -> None:
    stream = dialect.stream(100_000)
    one = next(f for f in dialect.streamed(weather).split("\n\n") if "look: " in f)

    peak = peak_of(stream, (f"{one}\n\n" * 100).encode(), 300)

    with pytest.raises(
        ResponseError, match="the stream holds an answer of more than 100,000 bytes"
    ):
        stream.end(Answer(status=200))
    assert peak < 2_500_000


def test_memory_does_not_grow_with_what_says_nothing(dialect: Spoken, weather: Said) -> None:
    stream = dialect.stream(100_000)
    idle = {
        "chat": 'data: {"choices":[{"delta":{"content":""},"index":0}]}\n\n: ping\n\n',
        "responses": 'data: {"type":"response.in_progress","response":{"status":"in_progress"}}\n\n',
    }.get(dialect.name, 'data:{"output":{"choices":[{"message":{"content":""}}]}}\n\n')

    peak = peak_of(stream, (idle * 1000).encode(), 15)
    stream.feed(dialect.streamed(weather).encode())

    assert peak < 1_500_000
    assert dialect.same(stream.end(Answer(status=200))) == weather.expected


def test_an_event_without_end_is_given_up_at_the_limit(dialects: dict[str, Spoken]) -> None:
    stream = dialects["chat"].stream(1000)
    for _ in range(100):
        stream.feed(b"data: " + b"x" * 100)

    with pytest.raises(ResponseError, match="the stream has an event of more than 1,000 bytes"):
        stream.end(Answer(status=200))
