"""Pictures, video and sound in requests."""

from __future__ import annotations

from base64 import b64encode

from qeval.errors import UsageError
from qeval.exchange import Message, Part, Request
from qeval.value import Json

_SCHEMES = ("https:", "http:", "data:", "oss:")
_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "mp4": "video/mp4",
    "avi": "video/x-msvideo",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "opus": "audio/opus",
    "flac": "audio/flac",
    "amr": "audio/amr",
    "3gp": "audio/3gpp",
}
"""Content types by file suffix: a table of our own, since that of the system differs by host."""
_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "mp4": "m4a", "x-m4a": "m4a"}
_SOUNDS = frozenset({"wav", "mp3", "m4a", "aac", "ogg", "opus", "flac", "amr", "3gp"})


def data_uri(content: bytes, name: str) -> str:
    """Return the address that holds a file's content.

    Args:
        content: The file's bytes.
        name: Its name, whose suffix tells the content type.

    >>> data_uri(b"RIFF", "say.wav")
    'data:audio/wav;base64,UklGRg=='
    """
    suffix = name.rpartition(".")[2].lower()
    kind = _TYPES.get(suffix, "application/octet-stream")
    return f"data:{kind};base64,{b64encode(content).decode('ascii')}"


def addresses(part: Part) -> tuple[str, ...]:
    """Return the addresses of a part's media, none for text."""
    found = part.image or part.video or part.audio
    if found is None:
        return ()
    return (found,) if isinstance(found, str) else found


def parts(request: Request) -> list[Part]:
    """Return every part of every message, in order."""
    return [
        part
        for message in request.messages
        if not isinstance(message.content, str)
        for part in message.content
    ]


def stored(messages: tuple[Message, ...]) -> bool:
    """Whether a medium lies in the vendor's own store, which a header must say."""
    for message in messages:
        if not isinstance(message.content, str):
            for part in message.content:
                if any(address[:4].lower() == "oss:" for address in addresses(part)):
                    return True
    return False


def check(part: Part) -> None:
    """Refuse media that are no addresses: files are read before a request is made.

    Raises:
        UsageError: A medium is a path.
    """
    for address in addresses(part):
        if not address[:8].lower().startswith(_SCHEMES):
            raise UsageError(
                f"{address[:80]!r} is a path, and this call is not made from files",
                hint="write an address with its scheme, or the file's content as a data: URI",
            )


def options(part: Part) -> dict[str, Json]:
    """Return what is said of a medium beside its address."""
    found = {
        "fps": part.fps,
        "min_pixels": part.min_pixels,
        "max_pixels": part.max_pixels,
        "total_pixels": part.total_pixels,
    }
    written: dict[str, Json] = {key: value for key, value in found.items() if value is not None}
    if part.cache:
        written["cache_control"] = {"type": "ephemeral"}
    return written


def limited(part: Part) -> bool:
    """Whether pixels of a part are limited."""
    limits = (part.min_pixels, part.max_pixels, part.total_pixels)
    return any(limit is not None for limit in limits)


def sound_format(address: str) -> str | None:
    """Return the format of a sound by its content type or suffix, or None.

    >>> sound_format("https://x.test/a/say.mp3?v=1"), sound_format("data:;base64,AA==")
    ('mp3', None)
    """
    if address[:5].lower() == "data:":
        kind = address[5:80].partition(";")[0].rpartition("/")[2]
        found = _FORMATS.get(kind, kind)
    else:
        path = address.partition("#")[0].partition("?")[0]
        found = path.rpartition(".")[2].lower()
    return found if found in _SOUNDS else None
