"""Rules for texts: ids, paths, templates, names of functions, variables of the environment."""
# ruff: noqa: D102  # `read` and `schema` are told once, in `shapes.Shape`

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from qeval.errors import nearest
from qeval.loading.mistakes import Mistakes
from qeval.loading.nodes import VALUE, Node
from qeval.loading.shapes import Text
from qeval.loading.walking import Walk, Wrong
from qeval.suite import slug

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
BELOW = "write it from the suite's own folder, such as 'data/rows.csv'"
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


def wrong_id(text: str) -> Wrong | None:
    """Return what is wrong with a literal id, or None."""
    if _ID.fullmatch(text) and not _DEVICE.fullmatch(text):
        return None
    made = slug(text)[:80]
    fits = _ID.fullmatch(made) and not _DEVICE.fullmatch(made)
    return f"{text!r} is not an id: {ID_RULE}", f"write {made!r}, say" if fits else None


def wrong_case_id(text: str, _walk: Walk) -> Wrong | None:
    """Return what is wrong with a case's id, which may be a template."""
    return None if template(text) else wrong_id(text)


def wrong_variable(name: str) -> Wrong | None:
    """Return what is wrong with the name of a variable, or None."""
    if name not in TAKEN:
        return None
    return f"variable {name!r} is reserved for templates", f"rename it, to 'my_{name}' say"


def wrong_path(text: str, folder: Path, root: Path) -> Wrong | None:
    """Return what is wrong with a path written in a suite, or None.

    Args:
        text: As written, with forward slashes; may be a glob.
        folder: Of the file in which it is written, absolute.
        root: The project's root, without links.
    """
    if not text.strip() or "\0" in text:
        return f"{text!r} is not a path", BELOW
    if text.startswith(("/", "~")) or _DRIVE.match(text):
        return f"{text!r} is not a path below the project: absolute paths and ~ are refused", BELOW
    if "\\" in text:
        return f"{text!r} has a backslash: paths are written with /", "write " + repr(
            text.replace("\\", "/")
        )
    if not (folder / text).resolve().is_relative_to(root):
        return f"{text!r} leads out of the project", "copy the file into the project"
    return None


def _path(text: str, walk: Walk) -> Wrong | None:
    return None if template(text) else wrong_path(text, walk.folder, walk.root)


def _media(text: str, walk: Walk) -> Wrong | None:
    return None if _REMOTE.match(text) else _path(text, walk)


PATH = Text(_path)
MEDIA = Text(_media)


def _literal_path(text: str, walk: Walk) -> Wrong | None:
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
        wrong = wrong_file(file, walk.folder, walk.root)
        return walk.say(node, f"{name} {wrong[0]}", wrong[1]) if wrong else None


def wrong_file(text: str, folder: Path, root: Path) -> Wrong | None:
    """Return what is wrong with a path that is to lead to a file; arguments as of `wrong_path`."""
    if (wrong := wrong_path(text, folder, root)) is not None:
        return wrong
    try:
        there = (folder / text).is_file()
    except OSError:  # a name longer than the file system allows
        there = False
    return None if there else absent(text, folder)


def absent(written: str, folder: Path) -> Wrong:
    """Return why a path leads to no file, and the nearest that there is."""
    path = folder / written
    try:
        if path.is_dir():
            return f"{written!r} is a folder", f"name a file in it, such as '{written}/NAME'"
        there = [each.name for each in path.parent.iterdir()]
    except (OSError, ValueError):  # no such folder, or a name longer than the disk allows
        there = []
    close = nearest(path.name, there)
    hint = "paths begin at the folder of the file that they are written in"
    if close:
        hint = f"did you mean {(posixpath.dirname(written) + '/' + close).lstrip('/')!r}?"
    return f"{written!r} is not there", hint


def wrong_function(function: Any) -> Wrong | None:
    """Return what is wrong with a function given as such, and a hint: it needs a place."""
    name = getattr(function, "__qualname__", None)
    hint = "define it with `def` at the top of its file"
    if name is None:
        return f"{type(function).__name__} object has no name that a report could tell", hint
    if "<lambda>" in name or "<locals>" in name:
        return f"function {name!r} has no place that a report could name", hint
    return None


def wrong_environment(text: str, _walk: Walk | None = None) -> Wrong | None:
    """Return what is wrong with the `${NAME}` in a text, or None."""
    rest = _VARIABLE.sub("", text)
    hint = "a name has letters, digits and _, and braces around it"
    return (f"{text!r} is not ${{NAME}} or ${{NAME:-default}}", hint) if "${" in rest else None


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
            mistakes.add(where, f"the suite's path is its id, and {wrong[0]}", "rename the file")
