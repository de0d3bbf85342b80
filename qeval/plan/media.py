"""Media that Model Studio does not take: too large, too small, too many (wire.md section 2.2)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator

from qeval.dialects import media
from qeval.dialects.refusals import Refusal
from qeval.exchange import Part, Request
from qeval.tokens.headers import HEAD, size_of

_MEGABYTE = 1 << 20
_LONGEST = 10 * _MEGABYTE
"""Characters of a picture's or video's data URI."""
_LEAST_SIDE = 11
_STRETCH = 200
_MOST_INLINE = 250
_MOST_PICTURES = 2048
_MOST_VIDEOS = 64
_MOST_FRAMES = 8000
"""Of the newest models; older ones take fewer."""


def oversized(request: Request) -> Iterator[Refusal]:
    """Yield what the service does not take of the media of a request; another server may."""
    parts = media.parts(request)
    for part in parts:
        if part.audio is None:
            for address in media.addresses(part):
                yield from _too_large(address)
                if part.image is not None or isinstance(part.video, tuple):
                    yield from _misshapen(address)
    yield from _too_many(parts)


def _too_large(address: str) -> Iterator[Refusal]:
    if address[:5].lower() == "data:" and len(address) > _LONGEST:
        yield Refusal(
            f"a medium of {len(address) / _MEGABYTE:.1f} MB as base64; the service takes 10 MB",
            "make it smaller, or name its address: `https://…`",
        )


def _misshapen(address: str) -> Iterator[Refusal]:
    size = _size(address)
    if size is None:
        return
    width, height = size
    if min(size) < _LEAST_SIDE:
        yield Refusal(
            f"a picture of {width}×{height} pixels; the service wants more than 10 on each side",
            "show a larger picture",
        )
    elif max(size) > _STRETCH * min(size):
        yield Refusal(
            f"a picture of {width}×{height} pixels; the service takes sides of 200 to 1 at most",
            "cut it into pieces",
        )


def _size(address: str) -> tuple[int, int] | None:
    head, _, payload = address.partition(";base64,")
    if head[:5].lower() != "data:" or not payload:
        return None
    try:
        return size_of(b64decode(payload[: HEAD // 3 * 4]))
    except ValueError:
        return None


def _too_many(parts: list[Part]) -> Iterator[Refusal]:
    images = [part.image for part in parts if part.image is not None]
    inline = sum(image[:5].lower() == "data:" for image in images)
    videos = [part.video for part in parts if part.video is not None]
    frames = max((len(video) for video in videos if not isinstance(video, str)), default=0)
    for count, most, what in (
        (len(images), _MOST_PICTURES, "pictures in one request"),
        (inline, _MOST_INLINE, "pictures as base64 in one request"),
        (len(videos), _MOST_VIDEOS, "videos in one request"),
        (frames, _MOST_FRAMES, "frames of a video"),
    ):
        if count > most:
            yield Refusal(f"{count} {what}; the service takes {most}", "show fewer")
