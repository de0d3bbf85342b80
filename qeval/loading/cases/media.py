"""Pictures, video and audio: addresses stay, files become data URIs (suites.md section 7).

What no server could read is refused here. What one service does not take, such as a picture of
too many bytes, depends on the target and is told while planning.
"""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import NamedTuple

from qeval.dialects.media import data_uri
from qeval.exchange import Part
from qeval.loading.cases.filling import Template, TemplateFault, Values
from qeval.loading.cases.templates import compiled
from qeval.loading.cases.wording import Shelf, together
from qeval.tokens.headers import size_of
from qeval.value import Json

KINDS = ("image", "video", "audio")
_REMOTE = ("http:", "https:", "data:", "oss:")
_SHOWN = 40
"""Characters of an address that messages show."""
_CALLED = {"image": "a picture", "video": "a video", "audio": "a sound"}
_KNOWN_PICTURES = frozenset({"png", "jpeg", "gif", "webp", "bmp", "tiff", "heic"})
"""Types of pictures that are told by their first bytes, whatever else a server takes."""


class _Type(NamedTuple):
    """What the first bytes of a file say that it is."""

    name: str
    suffix: str
    kinds: tuple[str, ...]
    """A container may hold a video or a sound alone."""


_PNG = _Type("PNG", "png", ("image",))
_MP4 = _Type("MP4", "mp4", ("video", "audio"))
_STARTS: tuple[tuple[bytes, _Type], ...] = (
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", _Type("JPEG", "jpg", ("image",))),
    (b"GIF8", _Type("GIF", "gif", ("image",))),
    (b"BM", _Type("BMP", "bmp", ("image",))),
    (b"II*\0", _Type("TIFF", "tif", ("image",))),
    (b"MM\0*", _Type("TIFF", "tif", ("image",))),
    (b"\x1a\x45\xdf\xa3", _Type("Matroska", "mkv", ("video", "audio"))),
    (b"OggS", _Type("Ogg", "ogg", ("audio", "video"))),
    (b"fLaC", _Type("FLAC", "flac", ("audio",))),
    (b"ID3", _Type("MP3", "mp3", ("audio",))),
    (b"#!AMR", _Type("AMR", "amr", ("audio",))),
)
_RIFF = {
    b"WEBP": _Type("WebP", "webp", ("image",)),
    b"WAVE": _Type("WAV", "wav", ("audio",)),
    b"AVI ": _Type("AVI", "avi", ("video",)),
}
_BRANDS = {
    b"heic": _Type("HEIC", "heic", ("image",)),
    b"heix": _Type("HEIC", "heic", ("image",)),
    b"mif1": _Type("HEIC", "heic", ("image",)),
    b"M4A ": _Type("M4A", "m4a", ("audio",)),
    b"qt  ": _Type("QuickTime", "mov", ("video", "audio")),
}
"""Brands of the container that MP4 and others share; those that are not here are video or sound."""


def media_part(written: dict[str, Json], folder: Path, shelf: Shelf) -> Template:
    """Read a picture, video or audio part: its filling is a `Part`.

    Raises:
        TemplateFault: A file cannot be read, or is not what the part says.
    """
    kind = next(key for key in KINDS if key in written)
    options = {key: value for key, value in written.items() if key != kind}
    several = isinstance(written[kind], list | tuple)
    paths = [compiled(path) for path in (written[kind] if several else [written[kind]])]
    # The frames of a video are pictures.
    wanted = "image" if several else kind

    def fill(values: Values) -> Part:
        found = tuple(carried(str(path.fill(values)), wanted, folder, shelf) for path in paths)
        return Part(**{kind: found if several else found[0], **options})

    if all(path.constant for path in paths):
        made = fill({})
        return Template(lambda _values: made, constant=True)
    return together(fill, paths)


def carried(written: str, kind: str, folder: Path, shelf: Shelf) -> str:
    """Return an address as it is, and a file as a data URI of its true type.

    Raises:
        TemplateFault: It is no address and no file of the project, or not of that kind.
    """
    if written[:5].lower() == "data:":
        _check_data(written, kind)
        return written
    if written.lower().startswith(_REMOTE):
        _check_address(written)
        return written
    path = shelf.find(written, folder)
    content = shelf.data(path)
    if not content:
        raise TemplateFault(f"{written!r} is an empty file", f"save {_CALLED[kind]} in it")
    address = data_uri(b"", path.name)
    _check_content(content, address[5:].partition(";")[0], kind, repr(written))
    found = _type_of(content)
    if found is None and address.startswith("data:application/"):
        raise TemplateFault(
            f"{written!r} is no picture, video or audio by its name and its first bytes",
            "give it a suffix such as .png, .jpg, .mp4 or .wav",
        )
    fits = found is None or (len(found.kinds) > 1 and address[5:].startswith(found.kinds))
    return data_uri(content, path.name if fits or found is None else f"it.{found.suffix}")


def _check_address(written: str) -> None:
    rest = written.partition(":")[2]
    if not rest.startswith("//") or not rest[2:].partition("/")[0]:
        raise TemplateFault(
            f"{_short(written)} names no host",
            "write an address such as https://example.com/it.png, or the path of a file",
        )


def _check_data(written: str, kind: str) -> None:
    """Raise TemplateFault for a data URI that holds nothing, or not what it is said to hold."""
    head, comma, payload = written[5:].partition(",")
    hint = "write data:TYPE;base64,CONTENT, or the path of a file"
    if not comma or not payload.strip():
        raise TemplateFault(f"{_short(written)} holds no content", hint)
    claim, *options = head.lower().split(";")
    if "base64" not in options:
        return
    try:
        content = b64decode("".join(payload.split()), validate=True)
    except ValueError:  # characters that are not ASCII included
        raise TemplateFault(f"{_short(written)} is not base64", hint) from None
    _check_content(content, claim, kind, _short(written))


def _check_content(content: bytes, claim: str, kind: str, shown: str) -> None:
    """Raise TemplateFault where bytes, or the type that they are said to have, do not fit a kind.

    Args:
        content: The bytes.
        claim: The content type that a name or a data URI tells, or ''.
        kind: What is wanted, one of `KINDS`.
        shown: The address as messages have it.
    """
    found = _type_of(content)
    main, _, sub = claim.partition("/")
    kinds = found.kinds if found is not None else (main,) if main in KINDS else (kind,)
    if kind not in kinds:
        what = found.name if found is not None else claim
        raise TemplateFault(
            f"{shown} is {_CALLED[kinds[0]]} ({what}), and {_CALLED[kind]} is wanted",
            f"write `{kinds[0]}: …`, or name {_CALLED[kind]}",
        )
    if kind != "image":
        return
    if found is None and sub in _KNOWN_PICTURES:
        raise TemplateFault(
            f"{shown} is no picture by its first bytes",
            "save it as PNG, JPEG, WebP, GIF, BMP, TIFF or HEIC",
        )
    if found is not None and found.suffix not in {"tif", "heic"}:
        try:
            size_of(content)
        except ValueError as error:
            raise TemplateFault(f"{shown}: {error}", "save the picture anew") from None


def _type_of(content: bytes) -> _Type | None:
    """Return what a file is by its first bytes; None: nothing that is known."""
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], _MP4)
    for start, found in _STARTS:
        if content.startswith(start):
            return found
    return None


def _short(written: str) -> str:
    return repr(written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…")
