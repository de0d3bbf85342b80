"""Data files → rows: JSONL, JSON, YAML, CSV, TSV (suites.md section 6). Nothing is rendered."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from qeval.value import Json, Value

SUFFIXES = (".jsonl", ".json", ".yaml", ".yml", ".csv", ".tsv")
OBJECTS = 'write each row as {"question": "…", "answer": "…"}; JSONL has one on each line'
_BOM = b"\xef\xbb\xbf"
_FIELD = 10_000_000
"""Characters that one field of a CSV file may have."""

Row = dict[str, Json]
Line = Callable[[int], int]
Say = Callable[[int | None, str, str | None], None]
"""Takes a line (from 1; None: the file as a whole), what is wrong there, and a hint."""


class Table(Value):
    """The rows of one data file, in order."""

    name: str
    """What messages call the file; '' for rows that stand in the suite."""
    rows: list[Row]
    line: Line
    """Leads from a row's index to its line, from 1."""


def read_table(path: Path, name: str, say: Say) -> Table:
    """Read one data file; its suffix decides how.

    Rows with a mistake are left out and told to `say`.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        message = f"data is a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file"
        say(None, message, "give the file the suffix of what it holds")
        return Table(name=name, rows=[], line=_first)
    rows, line = read(path.read_bytes().removeprefix(_BOM), say)
    return Table(name=name, rows=rows, line=line)


def _first(_index: int) -> int:
    return 1


_Read = tuple[list[Row], Line]
_NOTHING: _Read = ([], _first)


def _jsonl(data: bytes, say: Say) -> _Read:
    rows: list[Row] = []
    lines: list[int] = []
    decode = msgspec.json.Decoder().decode
    for number, text in enumerate(data.split(b"\n"), 1):
        if not text or text.isspace():
            continue
        try:
            row = decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            say(number, *_unreadable(text, error))
            continue
        if isinstance(row, dict):
            rows.append(row)
            lines.append(number)
        else:
            say(number, f"a row is an object, got {_kind(row)}", OBJECTS)
    if lines and lines[-1] == len(lines):
        return rows, lambda index: index + 1
    return rows, lines.__getitem__


def _json(data: bytes, say: Say) -> _Read:
    try:
        items = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        say(_bad_line(data), *_unreadable(data, error))
        return _NOTHING
    return _listed(items, _ItemLines(data), say)


class _ItemLines:
    """The lines of a JSON list's items, looked for only when one is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._found: list[int] = []

    def __call__(self, index: int) -> int:
        if not self._found:
            self._found = list(_item_lines(self._data.decode()))
        return self._found[index]


def _item_lines(text: str) -> Iterator[int]:
    decoder = json.JSONDecoder()
    place = text.index("[") + 1
    while True:
        while text[place] in " \t\r\n,":
            place += 1
        if text[place] == "]":
            return
        yield text.count("\n", 0, place) + 1
        place = decoder.raw_decode(text, place)[1]


def _yaml(data: bytes, say: Say) -> _Read:
    from qeval.loading.composing import compose
    from qeval.loading.nodes import json_of

    text = _text(data, say)
    if text is None:
        return _NOTHING
    node = compose(text, lambda line, message, hint: say(line + 1, message, hint))
    if node is None:
        return _NOTHING
    lines = [item.start_mark.line + 1 for item in node.value] if node.id == "sequence" else []
    return _listed(json_of(node), lines.__getitem__, say)


def _listed(items: Json, line: Line, say: Say) -> _Read:
    if not isinstance(items, list):
        hint = "put [ and ] around the rows; in YAML, begin each with `- `"
        say(1, f"the file holds a list of rows, got {_kind(items)}", hint)
        return _NOTHING
    if all(isinstance(item, dict) for item in items):
        return items, line
    kept = []
    for index, item in enumerate(items):
        if isinstance(item, dict):
            kept.append(index)
        else:
            say(line(index), f"a row is a mapping, got {_kind(item)}", OBJECTS)
    return [items[index] for index in kept], lambda index: line(kept[index])


def _separated(delimiter: str) -> Callable[[bytes, Say], _Read]:
    def read(data: bytes, say: Say) -> _Read:
        text = _text(data, say)
        return _NOTHING if text is None else _columns(text, delimiter, say)

    return read


def _columns(text: str, delimiter: str, say: Say) -> _Read:
    rows: list[Row] = []
    lines: list[int] = []
    sign = "tab" if delimiter == "\t" else "comma"
    before = csv.field_size_limit(_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        if not _sound(header, say):
            return _NOTHING
        start = reader.line_num + 1
        for fields in reader:
            if len(fields) == len(header):
                rows.append(dict(zip(header, fields, strict=True)))
                lines.append(start)
            elif fields:
                message = f"{len(fields)} fields; the header has {len(header)}"
                say(start, message, f"put a field with a {sign} in it in quotes")
            start = reader.line_num + 1
    except csv.Error as error:
        hint = "double every quote inside a field that is in quotes"
        say(reader.line_num, f"not {'CSV' if delimiter == ',' else 'TSV'}: {error}", hint)
    finally:
        csv.field_size_limit(before)
    return rows, lines.__getitem__


def _sound(header: list[str], say: Say) -> bool:
    if not any(header):
        hint = "write the names of the columns into the first line: question,answer"
        say(1, "the first line names the columns, and there is none", hint)
        return False
    if len(header) == 1 and ";" in header[0]:
        say(1, f"one column, called {header[0]!r}", "separate by commas, not by semicolons")
        return False
    for name in header:
        if header.count(name) > 1:
            say(1, f"two columns are called {name!r}", "rename one of them")
            return False
    return True


def _text(data: bytes, say: Say) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        say(data.count(b"\n", 0, error.start) + 1, *_unreadable(data, error))
    return None


def _unreadable(text: bytes, error: Exception) -> tuple[str, str]:
    try:
        text.decode()
    except UnicodeDecodeError as fault:
        return f"not UTF-8: byte 0x{text[fault.start]:02x}", "save the file as UTF-8"
    return f"not JSON: {str(error).removeprefix('JSON is malformed: ')}", OBJECTS


def _bad_line(data: bytes) -> int:
    """Return the line at which a JSON text stops to be one."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return error.lineno
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    except RecursionError:
        pass
    return 1


def _kind(value: Json) -> str:
    kinds = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
    return "nothing" if value is None else kinds.get(type(value), "a number")


_READERS: dict[str, Callable[[bytes, Say], _Read]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
}
