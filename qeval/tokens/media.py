"""Tokens of pictures and videos, from their size in pixels.

A token covers a square of `side` × `side` pixels: 28 of Qwen2-VL, Qwen2.5-VL and QVQ, 32 of
Qwen3-VL and later. The service first scales a picture so that both edges are whole squares and
the area lies between two limits. Source: the vendor's page “Visual understanding”, checked against
recorded bills (tokens.md section 6).
"""

from __future__ import annotations

import math
from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote_to_bytes

from qeval.exchange import Part
from qeval.tokens.headers import HEAD, size_of

ENDS = 2
"""Start and end of a picture or video, billed with it."""
_MOST = {28: 1_003_520, 32: 2_621_440}
"""Side of a square → most pixels of a picture, unless the request says."""
HIGH_RESOLUTION = 16_384
"""Most squares of a picture with `vl_high_resolution_images`."""
_STRETCH = 200
"""The longest a picture may be, in widths."""


def resized(
    height: int, width: int, side: int, least: int | None = None, most: int | None = None
) -> tuple[int, int]:
    """Return height and width, in squares, to which the service scales a picture.

    Args:
        height: Pixels, at least 1.
        width: Pixels, at least 1.
        side: Of a square, in pixels.
        least: Least area in pixels; None: 4 squares.
        most: Most area in pixels; None: the service's.

    Raises:
        ValueError: One edge is more than 200 times the other.

    >>> [math.prod(resized(*size, 32)) for size in ((1000, 1000), (1080, 1920), (10, 10))]
    [961, 2040, 4]
    """
    if max(height, width) > _STRETCH * min(height, width):
        raise ValueError(f"{width}×{height}: one edge is more than {_STRETCH} times the other")
    least = 4 * side * side if least is None else least
    most = _MOST.get(side, 2560 * side * side) if most is None else most
    # Python rounds halves to even, and so does the service.
    rows, columns = max(1, round(height / side)), max(1, round(width / side))
    area = rows * columns * side * side
    if area > most:
        scale = math.sqrt(height * width / most)
        rows, columns = (math.floor(edge / scale / side) for edge in (height, width))
    elif area < least:
        scale = math.sqrt(least / (height * width))
        rows, columns = (math.ceil(edge * scale / side) for edge in (height, width))
    return max(1, rows), max(1, columns)


def image_tokens(
    height: int, width: int, side: int, least: int | None = None, most: int | None = None
) -> int:
    """Return the tokens of a picture, its two ends included; arguments as of `resized`.

    >>> image_tokens(1080, 1920, 32), image_tokens(3000, 4000, 32)
    (2042, 2496)
    """
    rows, columns = resized(height, width, side, least, most)
    return rows * columns + ENDS


def video_tokens(height: int, width: int, frames: int, side: int, *, total: int = 131_072) -> int:
    """Return the tokens of a video, its two ends included: two frames share their tokens.

    Args:
        height: Of a frame, in pixels.
        width: Of a frame, in pixels.
        frames: At least 1; `frames_of` counts those of a clip.
        side: Of a square, in pixels.
        total: Most squares of all frames: 131,072 of plus models, 65,536 of others.

    >>> video_tokens(1080, 1920, 4, 32)
    1190
    """
    square = side * side
    least = 4 * square
    most = int(max(min(640 * square, total * square / frames * 2), 1.05 * least))
    rows, columns = resized(height, width, side, least, most)
    return math.ceil(frames / 2) * rows * columns + ENDS


def frames_of(duration_s: float, fps: float = 2.0) -> int:
    """Return how many frames of a clip are looked at: 4 to 2,000.

    >>> frames_of(10), frames_of(0.5), frames_of(9999)
    (20, 4, 2000)
    """
    return int(min(max(duration_s * fps, 4), 2000))


class Media:
    """Counts the parts of messages that are no text.

    Args:
        pixels_per_token: Of the model; None: it shows no pictures, or nobody has said.
        root: Where the paths of pictures start.
        high_resolution: The request asks for more pixels.
    """

    def __init__(
        self, pixels_per_token: int | None, root: Path, *, high_resolution: bool = False
    ) -> None:
        self._side = math.isqrt(pixels_per_token) if pixels_per_token else None
        self._root = root
        self._most = HIGH_RESOLUTION * (pixels_per_token or 0) if high_resolution else None

    def __call__(self, part: Part) -> tuple[int | None, str]:
        """Return the tokens of a part, None where they are unknown, and what it is or why not."""
        try:
            if part.image is not None:
                return self._image(part)
            if part.video is not None:
                return self._video(part)
        except ValueError as error:
            return None, f"tokens of a picture are unknown: {error}"
        return None, "tokens of audio are unknown: no formula is published"

    def _image(self, part: Part) -> tuple[int, str]:
        width, height = self._size(part.image or "")
        side = self._needed_side()
        most = self._most if part.max_pixels is None else part.max_pixels
        tokens = image_tokens(height, width, side, part.min_pixels, most)
        return tokens, f"image of {width}×{height}"

    def _video(self, part: Part) -> tuple[int, str]:
        if not isinstance(part.video, tuple):
            # One kind of error for all that leaves a count unknown.
            raise ValueError("a video's length and size are not read from its file")  # noqa: TRY004 (see above)
        side = self._needed_side()
        width, height = self._size(part.video[0])
        total = 131_072 if part.total_pixels is None else part.total_pixels // (side * side)
        count = len(part.video)
        tokens = video_tokens(height, width, count, side, total=max(total, 1))
        return tokens, f"video of {count} frames of {width}×{height}"

    def _needed_side(self) -> int:
        if self._side is None:
            raise ValueError("the model's pixels per token are not in the table of models")
        return self._side

    def _size(self, address: str) -> tuple[int, int]:
        """Return width and height of a picture, by its header."""
        if address.startswith("data:"):
            return size_of(_data(address))
        if ":" in address.partition("/")[0]:
            raise ValueError(f"the picture at {address[:60]!r} is not on this machine")
        try:
            with (self._root / address).open("rb") as file:
                return size_of(file.read(HEAD))
        except OSError as error:
            raise ValueError(f"{address[:60]!r}: {error.strerror}") from None


def _data(address: str) -> bytes:
    """Return the first bytes that a `data:` address holds."""
    head, _, body = address.partition(",")
    if not head.endswith(";base64"):
        return unquote_to_bytes(body[: 3 * HEAD])[:HEAD]
    try:
        text = body[: HEAD // 3 * 4]
        return b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise ValueError("a data: address is not base64") from None
