"""Rules for texts: ids, paths, templates, names of functions, variables of the environment."""
# ruff: noqa: D102  # `read` and `schema` are told once, in `shapes.Shape`

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from qeval.loading.mistakes import Mistakes
from qeval.loading.nodes import VALUE, Node
from qeval.loading.shapes import Text, Walk

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_REMOTE = re.compile(r"(?i)(https?|data|oss):")
_DRIVE = re.compile(r"[A-Za-z]:")
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}")
_FUNCTION = re.compile(
    r"(?P<file>[^:]+\.py)?(?P<module>[A-Za-z_][\w.]*)?:(?P<name>[A-Za-z_][\w.]*)"
)

ID_RULE = "letters, digits, . _ - (80 at most, no device name, first a letter or digit)"
TAKEN = frozenset(("row", "row_number", "context", "arguments", "call"))
"""Names that templates give a meaning of their own."""


def template(text: str) -> bool:
    """Whether a text is to be rendered, so that nothing can be said of it yet."""
    return "{{" in text or "{%" in text


def wrong_id(text: str) -> str | None:
    """Return what is wrong with a literal id, or None."""
    if _ID.fullmatch(text) and not _DEVICE.fullmatch(text):
        return None
    return f"{text!r} is not an id: {ID_RULE}"


def wrong_case_id(text: str, _walk: Walk) -> str | None:
    """Return what is wrong with a case's id, which may be a template."""
    return None if template(text) else wrong_id(text)


def wrong_variable(name: str) -> str | None:
    """Return what is wrong with the name of a variable, or None."""
    return f"variable {name!r} is reserved for templates" if name in TAKEN else None


def wrong_path(text: str, folder: Path, root: Path) -> str | None:
    """Return what is wrong with a path written in a suite, or None.

    Args:
        text: As written, with forward slashes; may be a glob.
        folder: Of the file in which it is written, absolute.
        root: The project's root, without links.
    """
    if not text.strip() or "\0" in text:
        return f"{text!r} is not a path"
    if text.startswith(("/", "~")) or _DRIVE.match(text):
        return f"{text!r} is not a path below the project: absolute paths and ~ are refused"
    if "\\" in text:
        return f"{text!r} has a backslash: paths are written with /"
    if not (folder / text).resolve().is_relative_to(root):
        return f"{text!r} leads out of the project"
    return None


def _path(text: str, walk: Walk) -> str | None:
    return None if template(text) else wrong_path(text, walk.folder, walk.root)


def _media(text: str, walk: Walk) -> str | None:
    return None if _REMOTE.match(text) else _path(text, walk)


PATH = Text(_path)
MEDIA = Text(_media)


def _literal_path(text: str, walk: Walk) -> str | None:
    return wrong_path(text, walk.folder, walk.root)


LITERAL_PATH = Text(_literal_path)
"""A path that is never rendered."""


class Function(Text):
    """`path.py:function`, `package.module:function`, or, in Python, the function itself."""

    wants = "path.py:function or package.module:function"

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        value = node.value
        if node.id == "scalar" and node.tag == VALUE and callable(value):
            wrong = wrong_function(value)
            return walk.say(node, f"{name}: {wrong[0]}", wrong[1]) if wrong else value
        text = super().read(node, name, walk)
        if not isinstance(text, str):
            return text
        match = _FUNCTION.fullmatch(text)
        if not match or (match["file"] is None) == (match["module"] is None):
            return walk.say(node, f"{name} {text!r} is not {self.wants}")
        return self._file(match["file"], node, name, walk) or text

    def _file(self, file: str | None, node: Node, name: str, walk: Walk) -> Any:
        if file is None:
            return None
        wrong = wrong_path(file, walk.folder, walk.root)
        if wrong is None and not (walk.folder / file).is_file():
            wrong = f"{file!r} is not there"
        return walk.say(node, f"{name} {wrong}") if wrong else None


def wrong_function(function: Any) -> tuple[str, str] | None:
    """Return what is wrong with a function given as such, and a hint: it needs a place."""
    name = getattr(function, "__qualname__", None)
    hint = "define it with `def` at the top of its file"
    if name is None:
        return f"{type(function).__name__} object has no name that a report could tell", hint
    if "<lambda>" in name or "<locals>" in name:
        return f"function {name!r} has no place that a report could name", hint
    return None


def wrong_environment(text: str) -> str | None:
    """Return what is wrong with the `${NAME}` in a text, or None."""
    rest = _VARIABLE.sub("", text)
    return f"{text!r} is not ${{NAME}} or ${{NAME:-default}}" if "${" in rest else None


def literal_secret(text: str) -> bool:
    """Whether a header's value holds more than a scheme and variables without default."""
    if any(default[2:] for default in _VARIABLE.findall(text)):
        return True
    left = re.sub(r"(?i)bearer|basic|\s", "", _VARIABLE.sub("", text))
    return bool(left) or not _VARIABLE.search(text)


def id_mistakes(parts: tuple[str, ...], where: str, mistakes: Mistakes) -> None:
    """Note each part of a suite's id that breaks the rule."""
    for part in parts:
        if wrong := wrong_id(part):
            mistakes.add(where, f"the suite's path is its id, and {wrong}", "rename the file")
