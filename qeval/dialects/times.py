"""When a stream said something: from the times of its chunks and the marks of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from qeval.value import Value


class Times(Value):
    """Seconds, of one stream. Nothing is known of an answer that was not streamed."""

    first_token_s: float | None = None
    """From sending to the first frame with any of the answer: text, reasoning or a tool call."""
    gaps_s: tuple[float, ...] = ()
    """Between one such frame and the next, at least 0. A frame may hold several tokens, and a
    network may bring several frames at once, so these are not the times between tokens."""


def times(chunks: Sequence[tuple[int, float]], marks: Sequence[int]) -> Times:
    """Return when the frames came that say something.

    Args:
        chunks: Size in bytes and seconds of each chunk, as `Answer.chunks` has them.
        marks: Offsets after the last byte of each frame, ascending, as `read` fills them.

    >>> times([(10, 0.1), (10, 0.4)], [4, 12, 20])
    Times(first_token_s=0.1, gaps_s=(0.30000000000000004, 0.0))
    """
    if not chunks or not marks:
        return Times()
    at: list[float] = []
    pieces = iter(chunks)
    size, seconds = next(pieces)
    came = size
    for mark in marks:
        while came < mark:
            following = next(pieces, None)
            if following is None:  # the chunks do not add up to the body
                return Times()
            size, seconds = following
            came += size
        at.append(seconds)
    gaps = (max(0.0, later - earlier) for earlier, later in pairwise(at))
    return Times(first_token_s=at[0], gaps_s=tuple(gaps))
