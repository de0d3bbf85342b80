"""YAML nodes → Script. Nodes keep their lines, so each mistake names its own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from qeval.errors import UsageError, nearest
from qeval.simulator.script import Fault, FaultKind, Reply, Rule, Script

DIALECTS = ("chat", "dashscope-multimodal", "dashscope-text", "responses")
_NULL = {"", "~", "null", "Null", "NULL"}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml reads ten times as fast

Field = Callable[["Reader", Node, str], Any]
"""Reads the value of one key, or notes a mistake and returns None."""


def load(path: Path) -> Script:
    """Read a script.

    Raises:
        UsageError: The file cannot be read, or holds mistakes; all of them are told.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8", hint="save the script as UTF-8") from None
    except OSError as error:
        raise UsageError(
            f"{path}: cannot read the script: {error.strerror}",
            hint="name a script: qeval simulate SCRIPT",
        ) from None
    return parse(text, str(path))


def parse(text: str, name: str = "script") -> Script:
    """Read a script from text; `name` is the file in messages.

    Raises:
        UsageError: There are mistakes; all of them are told.
    """
    return Reader(name).script(text)


class Reader:
    """Reads one script and collects its mistakes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: dict[tuple[int, str], tuple[str, str] | str | None] = {}

    def script(self, text: str) -> Script:
        """Return the script.

        Raises:
            UsageError: There are mistakes.
        """
        script = self._script(self._compose(text))
        if self._found or script is None:
            raise self._error()
        return script

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
        meant = _meant(node, fields)
        for key in required:
            if key not in meant:
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
            root: Node | None = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            problem = f"not YAML: {error.problem or error.context}"
            self.note(mark.line + 1 if mark else 1, problem)
        except (yaml.YAMLError, RecursionError) as error:
            self.note(1, f"not YAML: {str(error).splitlines()[0]}")
        else:
            return root
        return None

    def _script(self, root: Node | None) -> Script | None:
        if root is None:
            if not self._found:
                self.note(1, "the script is empty", "begin with 'rules:'")
            return None
        values = self.mapping(root, "a script", _SCRIPT, required=["rules"])
        return None if self._found or values is None else Script(**values)

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


def _meant(node: Node, known: Mapping[str, Field]) -> set[str]:
    """Return the keys, right or wrong in their values, misspelt ones as what they are meant for.

    So a key that is told as unknown is not told as missing too.
    """
    pairs = node.value if isinstance(node, MappingNode) else ()
    names = [key.value for key, _ in pairs if isinstance(key, ScalarNode)]
    return {name if name in known else nearest(name, known) or name for name in names}


def _text(reader: Reader, node: Node, key: str) -> str | None:
    """Any scalar as written: 1.10 stays 1.10."""
    if not isinstance(node, ScalarNode) or _is_null(node):
        reader.wrong(node, key, "text")
        return None
    return str(node.value)


def _number(least: int, most: int, unit: str = "", *, above: bool = False) -> Field:
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


def _whole(least: int, most: int) -> Field:
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


def _one_of(names: Sequence[str]) -> Field:
    def read(reader: Reader, node: Node, key: str) -> str | None:
        value = _text(reader, node, key)
        if value is None or value in names:
            return value
        close = nearest(value, names)
        hint = (close, str(node.start_mark.line + 1)) if close else None
        reader.note(node, f"{key} {value!r} is none of {', '.join(names)}", hint)
        return None

    return read


def _pattern(reader: Reader, node: Node, key: str) -> str | None:
    value = _text(reader, node, key)
    if value is None:
        return None
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        hint = "write the regular expression as Python's re module reads it"
        reader.note(node, f"{key} {value!r} is no regular expression: {error}", hint)
        return None
    return value


def _reply(reader: Reader, node: Node, what: str) -> Reply | None:
    """A mapping with text and weight, or the text alone."""
    if isinstance(node, ScalarNode):
        text = _text(reader, node, what)
        return None if text is None else Reply(text=text)
    values = reader.mapping(node, "a reply", _REPLY, required=["text"])
    return Reply(**values) if values and "text" in values else None


def _replies(reader: Reader, node: Node, key: str) -> tuple[Reply, ...] | None:
    if not isinstance(node, SequenceNode) or not node.value:
        reader.wrong(node, key, "a list of replies")
        return None
    return tuple(r for r in (_reply(reader, item, "a reply") for item in node.value) if r)


def _fault(reader: Reader, node: Node, _key: str) -> Fault | None:
    values = reader.mapping(node, "a fault", _FAULT)
    if values is None:
        return None
    if not {"status", "code", "kind"} & _meant(node, _FAULT):
        reader.note(node, "a fault has none of 'status', 'code', 'kind'")
        return None
    if "kind" not in _meant(node, _FAULT) and values.get("status", 400) < 400:
        reader.note(node, f"status {values['status']} is no error: ≥ 400 and ≤ 599")
        return None
    return Fault(**values)


def _rule(reader: Reader, node: Node) -> Rule | None:
    values = reader.mapping(node, "a rule", _RULE, required=["match"])
    if values is None:
        return None
    keys = _meant(node, _RULE)
    if {"reply", "replies"} <= keys:
        reader.note(node, "a rule has both 'reply' and 'replies'")
    if not {"reply", "replies", "fault"} & keys:
        reader.note(node, "a rule has none of 'reply', 'replies', 'fault'")
    reply = values.pop("reply", None)
    if reply:
        values["replies"] = (reply,)
    return Rule(**values) if "match" in values else None


def _rules(reader: Reader, node: Node, key: str) -> tuple[Rule, ...] | None:
    if not isinstance(node, SequenceNode) or not node.value:
        reader.wrong(node, key, "a list of rules")
        return None
    return tuple(rule for rule in (_rule(reader, item) for item in node.value) if rule)


_REPLY: dict[str, Field] = {"text": _text, "weight": _number(0, 1_000_000, above=True)}
_FAULT: dict[str, Field] = {
    "status": _whole(200, 599),
    "code": _text,
    "message": _text,
    "kind": _one_of(get_args(FaultKind)),
    "times": _whole(1, 1_000_000),
    "retry_after_s": _number(0, 3600, " s"),
}
_RULE: dict[str, Field] = {
    "match": _pattern,
    "model": _text,
    "dialect": _one_of(DIALECTS),
    "replies": _replies,
    "reply": _reply,
    "latency_s": _number(0, 600, " s"),
    "fault": _fault,
}
_SCRIPT: dict[str, Field] = {"rules": _rules, "seed": _whole(0, 2**63 - 1)}
