"""Pictures, video and audio: addresses stay, files become data URIs (suites.md section 7)."""

from __future__ import annotations

from pathlib import Path

from qeval.dialects.media import data_uri
from qeval.exchange import Part
from qeval.loading.cases.filling import Template, TemplateFault, Values
from qeval.loading.cases.templates import compiled
from qeval.loading.cases.wording import Shelf, together
from qeval.value import Json

KINDS = ("image", "video", "audio")
_REMOTE = ("http:", "https:", "data:", "oss:")


def media_part(written: dict[str, Json], folder: Path, shelf: Shelf) -> Template:
    """Read a picture, video or audio part: its filling is a `Part`.

    Raises:
        TemplateFault: A file cannot be read, or is of no known type.
    """
    kind = next(key for key in KINDS if key in written)
    options = {key: value for key, value in written.items() if key != kind}
    several = isinstance(written[kind], list | tuple)
    paths = [compiled(path) for path in (written[kind] if several else [written[kind]])]

    def fill(values: Values) -> Part:
        found = tuple(carried(str(path.fill(values)), folder, shelf) for path in paths)
        return Part(**{kind: found if several else found[0], **options})

    if all(path.constant for path in paths):
        made = fill({})
        return Template(lambda _values: made, constant=True)
    return together(fill, paths)


def carried(written: str, folder: Path, shelf: Shelf) -> str:
    """Return an address as it is, and a file as a data URI.

    Raises:
        TemplateFault: It is no file of the project, or of no known type.
    """
    if written.lower().startswith(_REMOTE):
        return written
    path = shelf.find(written, folder)
    address = data_uri(shelf.data(path), path.name)
    if address.startswith("data:application/"):
        raise TemplateFault(
            f"{written!r} is no picture, video or audio by its name",
            "give it a suffix such as .png, .jpg, .mp4 or .wav",
        )
    return address
