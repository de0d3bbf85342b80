"""The size of a picture, read from the first bytes of its file; no image library."""

from __future__ import annotations

from collections.abc import Callable

HEAD = 1 << 20
"""Bytes that are looked at: a JPEG may carry a preview and a colour profile before its size."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG that begin a frame, whose header has the size."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers that stand alone, without a length."""


def size_of(head: bytes) -> tuple[int, int]:
    """Return width and height in pixels.

    Args:
        head: The beginning of a PNG, JPEG, WebP, GIF or BMP.

    Raises:
        ValueError: It is none of these, or cut before its size.
    """
    found = next((_FORMATS[start] for start in _FORMATS if head.startswith(start)), None)
    if found is None:
        raise ValueError("it is no PNG, JPEG, WebP, GIF or BMP")
    name, read = found
    try:
        width, height = read(head)
    except IndexError:
        raise ValueError(f"the {name} is cut before its size") from None
    if width < 1 or height < 1:
        raise ValueError(f"the {name} says {width}×{height} pixels")
    return width, height


def _number(head: bytes, at: int, size: int, order: str = "big") -> int:
    if at + size > len(head):
        raise IndexError(at)
    return int.from_bytes(head[at : at + size], "big" if order == "big" else "little")


def _png(head: bytes) -> tuple[int, int]:
    if len(head) >= 16 and head[12:16] != b"IHDR":
        raise ValueError("the PNG does not begin with its header")
    return _number(head, 16, 4), _number(head, 20, 4)


def _gif(head: bytes) -> tuple[int, int]:
    return _number(head, 6, 2, "little"), _number(head, 8, 2, "little")


def _bmp(head: bytes) -> tuple[int, int]:
    if _number(head, 14, 4, "little") == 12:  # the oldest header has short numbers
        return _number(head, 18, 2, "little"), _number(head, 20, 2, "little")
    height = _number(head, 22, 4, "little")
    # A height below zero says that rows go downwards.
    return _number(head, 18, 4, "little"), min(height, 2**32 - height)


def _jpeg(head: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if _number(head, at, 1) != 0xFF:
            raise ValueError("the JPEG is damaged before its size")
        marker = _number(head, at + 1, 1)
        if marker in _FRAMES:
            return _number(head, at + 7, 2), _number(head, at + 5, 2)
        if marker == 0xFF:
            at += 1
        elif marker in _ALONE:
            at += 2
        else:
            at += 2 + max(_number(head, at + 2, 2), 2)


def _webp(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if head[8:12] != b"WEBP":
        raise ValueError("it is no PNG, JPEG, WebP, GIF or BMP")
    if kind == b"VP8 ":
        return (_number(head, at, 2, "little") & 0x3FFF for at in (26, 28))  # type: ignore[return-value]  # two
    if kind == b"VP8L":
        bits = _number(head, 21, 4, "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return _number(head, 24, 3, "little") + 1, _number(head, 27, 3, "little") + 1
    raise IndexError(12)


_FORMATS: dict[bytes, tuple[str, Callable[[bytes], tuple[int, int]]]] = {
    b"\x89PNG\r\n\x1a\n": ("PNG", _png),
    b"\xff\xd8": ("JPEG", _jpeg),
    b"GIF8": ("GIF", _gif),
    b"BM": ("BMP", _bmp),
    b"RIFF": ("WebP", _webp),
}
