"""A script's YAML nodes, which keep their lines, so that each mistake names its own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from qeval.errors import UsageError, nearest
from qeval.transport.cassettes.reading import shallow_loader
from qeval.value import Json

_NULL = {"", "~", "null", "Null", "NULL"}

Field = Callable[["Reader", Node, str], Any]
"""Reads the value of one key, or notes a mistake and returns None."""


class Reader:
    """Reads one script and collects its mistakes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: dict[tuple[int, str], tuple[str, str] | str | None] = {}

    def read(self, text: str, field: Field) -> Any:
        """Return what a field makes of the whole text.

        Raises:
            UsageError: There are mistakes.
        """
        root = self._compose(text)
        value = None
        if root is not None:
            value = field(self, root, "script")
        elif not self._found:
            self.note(1, "the script is empty", "begin with 'rules:'")
        if self._found or value is None:
            raise self._error()
        return value

    def note(
        self, node: Node | int, message: str, hint: str | tuple[str, str] | None = None
    ) -> None:
        """Note a mistake. The hint is a sentence, or (nearest name, line told beside it)."""
        line = node if isinstance(node, int) else node.start_mark.line + 1
        self._found.setdefault((line, message), hint)

    def mapping(
        self, node: Node, what: str, fields: Mapping[str, Field], required: Sequence[str] = ()
    ) -> dict[str, Any] | None:
        """Read a mapping by its table of fields; a value that is wrong is left out."""
        if not isinstance(node, MappingNode):
            self.wrong(node, what, "a mapping")
            return None
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else "?"
            line = key_node.start_mark.line + 1
            if key in lines:
                self.note(line, f"key {key!r} is here twice; first on line {lines[key]}")
                continue
            lines[key] = line
            if key in fields:
                values[key] = fields[key](self, value_node, key)
            elif not (what == "a script" and key.startswith("x-")):
                self._unknown(line, key, what, fields)
        there = meant(node, fields)
        for key in required:
            if key not in there:
                self.note(node, f"{what} has no {key!r}")
        return {key: value for key, value in values.items() if value is not None}

    def wrong(self, node: Node, what: str, wanted: str) -> None:
        """Note that a value has the wrong shape."""
        self.note(node, f"{what} wants {wanted}, got {_shown(node)}")

    def _unknown(self, line: int, key: str, what: str, known: Mapping[str, Field]) -> None:
        close = nearest(key, known)
        hint = (close, str(line)) if close else f"keys of {what}: {', '.join(known)}"
        self.note(line, f"unknown key {key!r} in {what}", hint)

    def _compose(self, text: str) -> Node | None:
        try:
            root: Node | None = yaml.compose(text, Loader=shallow_loader())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            problem = f"not YAML: {error.problem or error.context}"
            self.note(mark.line + 1 if mark else 1, problem)
        except (yaml.YAMLError, RecursionError) as error:
            self.note(1, f"not YAML: {str(error).splitlines()[0]}")
        else:
            return root
        return None

    def _error(self) -> UsageError:
        ordered = sorted(self._found.items(), key=lambda item: item[0])
        told = [f"{self._name}:{line}: {message}" for (line, message), _ in ordered]
        hints = [hint for _, hint in ordered if hint]
        if len(told) > 1:
            told.append(f"{len(told)} mistakes in {self._name}")
        return UsageError("\n".join(told), hint=_hint(hints, single=len(ordered) == 1))


def _hint(hints: Sequence[str | tuple[str, str]], *, single: bool) -> str | None:
    near = [h for h in hints if isinstance(h, tuple)]
    said = list(dict.fromkeys(h for h in hints if isinstance(h, str)))
    if near and single:
        said.append(f"did you mean {near[0][0]!r}?")
    elif near:
        said.append(f"did you mean {', '.join(f'{n!r} ({line})' for n, line in near)}?")
    return "; ".join(said) or None


def _shown(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list" if node.value else "an empty list"
    return "nothing" if _is_null(node) else repr(node.value)


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and not node.style and node.value in _NULL


def meant(node: Node, known: Mapping[str, Field]) -> set[str]:
    """Return the keys, right or wrong in their values, misspelt ones as what they are meant for.

    So a key that is told as unknown is not told as missing too.
    """
    pairs = node.value if isinstance(node, MappingNode) else ()
    names = [key.value for key, _ in pairs if isinstance(key, ScalarNode)]
    return {name if name in known else nearest(name, known) or name for name in names}


def text(reader: Reader, node: Node, key: str) -> str | None:
    """Any scalar as written: 1.10 stays 1.10."""
    if not isinstance(node, ScalarNode) or _is_null(node):
        reader.wrong(node, key, "text")
        return None
    return str(node.value)


def number(least: int, most: int, unit: str = "", *, above: bool = False) -> Field:
    """Return what reads a number within limits, which are said with their unit."""
    limits = f"{'>' if above else '≥'} {least} and ≤ {most}{unit}"

    def read(reader: Reader, node: Node, key: str) -> float | None:
        try:
            value = float(node.value) if isinstance(node, ScalarNode) else math.nan
        except ValueError:
            value = math.nan
        if math.isnan(value):
            reader.wrong(node, key, f"a number {limits}")
            return None
        if not least <= value <= most or (above and value == least):
            reader.note(node, f"{key} {node.value} is out of range: {limits}")
            return None
        return value

    return read


def whole(least: int, most: int) -> Field:
    """Return what reads a whole number within limits."""
    limits = f"≥ {least} and ≤ {most}"

    def read(reader: Reader, node: Node, key: str) -> int | None:
        try:
            value = int(node.value) if isinstance(node, ScalarNode) else None
        except ValueError:
            value = None
        if value is None:
            reader.wrong(node, key, f"a whole number {limits}")
        elif not least <= value <= most:
            reader.note(node, f"{key} {node.value} is out of range: {limits}")
        else:
            return value
        return None

    return read


def one_of(names: Sequence[str]) -> Field:
    """Return what reads one of some names."""

    def read(reader: Reader, node: Node, key: str) -> str | None:
        value = text(reader, node, key)
        if value is None or value in names:
            return value
        close = nearest(value, names)
        hint = (close, str(node.start_mark.line + 1)) if close else None
        reader.note(node, f"{key} {value!r} is none of {', '.join(names)}", hint)
        return None

    return read


def pattern(reader: Reader, node: Node, key: str) -> str | None:
    """Read a regular expression, which stays text."""
    value = text(reader, node, key)
    if value is None:
        return None
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        hint = "write the regular expression as Python's re module reads it"
        reader.note(node, f"{key} {value!r} is no regular expression: {error}", hint)
        return None
    return value


def truth(reader: Reader, node: Node, key: str) -> bool | None:
    """Read true or false."""
    value = node.value.lower() if isinstance(node, ScalarNode) else None
    if value in {"true", "false"}:
        return bool(value == "true")
    reader.wrong(node, key, "true or false")
    return None


def several(
    reader: Reader, node: Node, key: str, read: Field, what: str | None = None
) -> tuple[Any, ...] | None:
    """Read a list, not empty, by what reads one of it; what is wrong in it is left out."""
    if not isinstance(node, SequenceNode) or not node.value:
        reader.wrong(node, key, f"a list of {what or key}")
        return None
    found = (read(reader, item, key) for item in node.value)
    return tuple(value for value in found if value is not None)


def plain(node: Node) -> Json:
    """Return a node's value as JSON has it; dates stay text.

    Raises:
        RecursionError: It holds itself.
    """
    if isinstance(node, MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    read = _SCALARS.get(node.tag.rpartition(":")[2])
    try:
        return node.value if read is None else read(node.value)
    except ValueError:  # such as 0x1f, which YAML takes for a number and JSON does not know
        return node.value


_SCALARS: dict[str, Callable[[str], Json]] = {
    "int": int,
    "float": float,
    "bool": lambda said: said.lower() in {"true", "yes", "on"},
    "null": lambda _: None,
}
