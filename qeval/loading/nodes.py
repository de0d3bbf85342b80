"""Nodes: what a file says, piece by piece, with lines, before anything is made of it.

YAML nodes are libyaml's own; TOML and Python values are dressed as nodes, so that one walk
serves all three. Scalars are resolved by the core schema of YAML 1.2, and only where the place
they stand in asks for a JSON value: a place for text takes them as they are written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from qeval.value import Json

PLAIN = "?"
"""Tag of a scalar without quotes and without a tag."""
TEXT = "tag:yaml.org,2002:str"
VALUE = "!value"
"""Tag of a scalar that is a Python value already."""

Path: TypeAlias = tuple[str | int, ...]


class Mark(Protocol):
    """A place in a file; lines count from 0."""

    @property
    def line(self) -> int: ...  # noqa: D102


class Node(Protocol):
    """A scalar (`value` is its text), a sequence of nodes, or a mapping of pairs of nodes."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def tag(self) -> str: ...  # noqa: D102
    @property
    def value(self) -> Any: ...  # noqa: D102
    @property
    def start_mark(self) -> Mark: ...  # noqa: D102


class Line:
    """A place of which only the line is known."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        self.line = line


class Dressed:
    """A node made from a value."""

    __slots__ = ("id", "start_mark", "tag", "value")

    def __init__(self, kind: str, tag: str, value: Any, line: int) -> None:
        self.id = kind
        self.tag = tag
        self.value = value
        self.start_mark = Line(line)


class OddValueError(ValueError):
    """A value is neither JSON nor a function; `line` says where it stands, from 0."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def dress(value: Any, line_of: Callable[[Path], int], path: Path = ()) -> Node:
    """Dress a Python value, its lists and its mappings as nodes.

    Args:
        value: Lists, tuples, dicts with text keys, and anything else as scalars.
        line_of: The line, from 0, of each key path.
        path: Where `value` stands.

    Raises:
        OddValueError: Something in it is neither JSON nor a function.
    """
    line = line_of(path)
    if isinstance(value, dict):
        pairs = [
            (
                Dressed("scalar", TEXT, str(key), line_of((*path, str(key)))),
                dress(item, line_of, (*path, str(key))),
            )
            for key, item in value.items()
        ]
        return Dressed("mapping", "", pairs, line)
    if isinstance(value, list | tuple):
        items = [dress(item, line_of, (*path, i)) for i, item in enumerate(value)]
        return Dressed("sequence", "", items, line)
    if isinstance(value, str):
        return Dressed("scalar", TEXT, value, line)
    if not _is_scalar(value):
        place = ".".join(str(step) for step in path) or "the value"
        raise OddValueError(f"{place}: {value!r} is no JSON value", line)
    return Dressed("scalar", VALUE, value, line)


def _is_scalar(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, int) or callable(value)


_WORDS: dict[str, Json] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
)
_NUMBER = re.compile(
    r"(?P<int>[-+]?[0-9]+)|(?P<oct>0o[0-7]+)|(?P<hex>0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<odd>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_TAGS = {
    "tag:yaml.org,2002:null": "null",
    "tag:yaml.org,2002:bool": "bool",
    "tag:yaml.org,2002:int": "int",
    "tag:yaml.org,2002:float": "float",
}
KNOWN_TAGS = frozenset(
    (*_TAGS, TEXT, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", PLAIN, VALUE, "", "!")
)


def scalar(node: Node) -> Json:
    """Return the value of a scalar by the core schema of YAML 1.2.

    Only `true`, `false`, `null` and numbers are not text, and only without quotes. Numbers that
    JSON lacks (`.inf`, `.nan`) stay text.

    >>> [scalar(Dressed("scalar", PLAIN, t, 0)) for t in ("no", "12:00", "007", "1.10", "0x1F")]
    ['no', '12:00', 7, 1.1, 31]
    """
    tag, text = node.tag, node.value
    if tag == PLAIN:
        return plain(text)
    if tag in _TAGS:
        return plain(text)
    return text


def plain(text: str) -> Json:
    """Return the value of a scalar written without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in "0123456789+-.":
        return text
    match = _NUMBER.fullmatch(text)
    if match is None or match.lastgroup == "odd":
        return text
    if match.lastgroup == "float":
        number = float(text)
        return text if number in {float("inf"), float("-inf")} else number
    if match.lastgroup == "int":
        return int(text) if len(text) <= 4000 else text
    return int(text, 0)


def json_of(node: Node) -> Json:
    """Return the JSON value of a node and all below it."""
    kind = node.id
    if kind == "scalar":
        return scalar(node)
    if kind == "sequence":
        return [json_of(item) for item in node.value]
    return {key.value: json_of(item) for key, item in node.value}


def descend(node: Node, path: Path) -> tuple[int, int]:
    """Return how many steps of `path` lead somewhere below `node`, and the last one's line.

    Lines count from 0; a key's line is its own, not its value's.
    """
    line = node.start_mark.line
    for depth, step in enumerate(path):
        found = _child(node, step)
        if found is None:
            return depth, line
        line, node = found
    return len(path), line


def _child(node: Node, step: str | int) -> tuple[int, Node] | None:
    if node.id == "mapping":
        for key, item in node.value:
            if key.value == step:
                return key.start_mark.line, item
    elif node.id == "sequence" and isinstance(step, int) and 0 <= step < len(node.value):
        item = node.value[step]
        return item.start_mark.line, item
    return None
