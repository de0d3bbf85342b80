"""The page's data: an index in one script, and the cases in chunks that are opened when needed.

Deflated and in base64, 10,000 cases in two columns take a third of the room that JSON takes, and
the page is ready in half the time (report specification, section 1).
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Iterator

import msgspec

from qeval import units
from qeval.record import Asked
from qeval.report.marks import escaped
from qeval.report.pictures import Pictures
from qeval.report.rows import Row
from qeval.value import Json, cleaned, to_json

FORMAT = "zlib-6"
"""How chunks are packed; the page notes it, since the bytes may differ between builds of zlib."""
LEVEL = 6
CHUNK = 320_000
"""Bytes of JSON in a chunk: opening one takes 4 ms, and deflate's window is 32 kB anyway."""
LONGEST = 20_000
"""Characters of one text that the page holds; the whole is in the run file."""
_LARGE = 60_000
"""Bytes of a group below which none of its texts is looked at one by one."""


class Packer:
    """Takes rows, and gives chunks of their details.

    Args:
        deflate: Whether chunks are packed; else they are JSON that anyone can read.
    """

    def __init__(self, *, deflate: bool) -> None:
        self.deflate = deflate
        self.pictures = Pictures()
        self.firsts: list[int] = []
        """Number of the first row of each chunk."""
        self._chunks: list[str] = []
        self._rows: list[bytes] = []
        self._asked: dict[int, int] = {}
        self._asked_json: list[bytes] = []
        self._asked_held: list[Asked] = []
        self._size = self._count = 0

    def add(self, row: Row) -> None:
        """Add a row; a chunk ends with the row that fills it."""
        asked = [None if each is None else self._place(each) for each in row.asked]
        trials = [None if group is None else group.trials for group in row.groups]
        judged = [
            change and [change.why, change.difference, change.low, change.high]
            for change in row.changes
        ]
        passes = next((group.passes for group in row.groups if group), "all")
        data = _encoded([asked, trials, judged, passes])
        self._rows.append(data)
        self._size += len(data)
        self._count += 1
        if self._size >= CHUNK:
            self._close()

    def scripts(self, index: Json) -> Iterator[str]:
        """Yield the data as elements: the index, then the chunks in order."""
        self._close()
        yield self._script("index", _encoded(index))
        for number, chunk in enumerate(self._chunks):
            yield _element(f"part{number}", chunk, self.deflate)

    def _place(self, asked: Asked) -> int:
        """Return the number of what a case asks in this chunk, where it stands once."""
        number = self._asked.get(id(asked))
        if number is None:
            number = self._asked[id(asked)] = len(self._asked_json)
            messages = tuple(self.pictures.fitting(message) for message in asked.messages)
            data = _encoded(msgspec.structs.replace(asked, messages=messages), media=True)
            self._asked_json.append(data)
            self._asked_held.append(asked)  # or its id could become another's
            self._size += len(data)
        return number

    def _close(self) -> None:
        if not self._rows:
            return
        self.firsts.append(self._count - len(self._rows))
        data = b'{"asked":[%b],"rows":[%b]}' % (
            b",".join(self._asked_json),
            b",".join(self._rows),
        )
        self._chunks.append(self._packed(data))
        self._rows, self._asked, self._asked_json, self._asked_held = [], {}, [], []
        self._size = 0

    def _script(self, name: str, data: bytes) -> str:
        return _element(name, self._packed(data), self.deflate)

    def _packed(self, data: bytes) -> str:
        if self.deflate:
            return b64encode(zlib.compress(data, LEVEL)).decode()
        return escaped(data.replace(b"<", b"\\u003c").decode())


def _element(name: str, text: str, deflated: bool) -> str:  # noqa: FBT001  (one caller's flag)
    kind = "text/plain" if deflated else "application/json"
    return f'<script type="{kind}" id="{name}">{text}</script>\n'


def _encoded(value: object, *, media: bool = False) -> bytes:
    """Encode as JSON; texts of more than `LONGEST` characters are cut and say so."""
    try:
        data = to_json(value)
    except UnicodeEncodeError:  # half a character
        data = to_json(cleaned(msgspec.to_builtins(value)))
    if len(data) < _LARGE:
        return data
    return to_json(_cut(msgspec.json.decode(data), media=media))


def _cut(value: Json, *, media: bool) -> Json:
    if isinstance(value, str):
        if len(value) <= LONGEST or (media and value.startswith("data:image/")):
            return value
        left = units.count(len(value) - LONGEST)
        return f"{value[:LONGEST]}\n[… {left} more characters are in run.jsonl]"
    if isinstance(value, list):
        return [_cut(each, media=media) for each in value]
    if isinstance(value, dict):
        return {key: _cut(each, media=media) for key, each in value.items()}
    return value
