"""Pictures in what was asked: small ones travel in the page, of others it says what they are."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64

import msgspec

from qeval import units
from qeval.exchange import Message, Part

MOST_BYTES = 400_000
"""Of one picture, encoded."""
MOST_PIXELS = 16_000_000
"""Of one picture, decoded: a small file can unfold to gigabytes."""
MOST_TOGETHER = 6_000_000
"""Bytes of all pictures of a page, encoded."""

_KINDS = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,", re.IGNORECASE)
"""Only what is made of pixels: an SVG is a document."""


class Pictures:
    """Decides which pictures a page shows; counts what they cost it."""

    def __init__(self) -> None:
        self.bytes = 0

    def fitting(self, message: Message) -> Message:
        """Return a message whose media are pictures that may be shown, or words about them."""
        if isinstance(message.content, str):
            return message
        parts = tuple(self._part(part) for part in message.content)
        return msgspec.structs.replace(message, content=parts)

    def _part(self, part: Part) -> Part:
        if part.image is not None and self._may_be_shown(part.image):
            self.bytes += len(part.image)
            return part
        said = {
            kind: _said(value)
            for kind in ("image", "video", "audio")
            if (value := getattr(part, kind)) is not None
        }
        return msgspec.structs.replace(part, **said) if said else part

    def _may_be_shown(self, address: str) -> bool:
        head = _KINDS.match(address)
        if head is None or len(address) > MOST_BYTES:
            return False
        if self.bytes + len(address) > MOST_TOGETHER:
            return False
        from qeval.tokens.headers import size_of

        try:
            width, height = size_of(b64decode(address[head.end() :], validate=True))
        except (NotBase64, ValueError):
            return False
        return width * height <= MOST_PIXELS


def _said(value: str | tuple[str, ...]) -> str:
    """Return an address as it is, and of data what they are.

    >>> _said("https://example.com/cat.png"), _said("data:audio/wav;base64,AAAA")
    ('https://example.com/cat.png', 'audio/wav, 26 B, not shown')
    """
    if isinstance(value, tuple):
        return f"{units.count(len(value))} frames"
    if not value.startswith("data:"):
        return value
    kind = value[5:80].partition(",")[0].partition(";")[0] or "data"
    return f"{kind}, {units.size(len(value))}, not shown"
