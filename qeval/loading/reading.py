"""One suite file, and those that it extends → values that are sound, with their nodes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from qeval.errors import SuiteError, nearest
from qeval.loading.keys import SUITE
from qeval.loading.mistakes import Mistakes
from qeval.loading.nodes import Node, descend
from qeval.loading.source import File, decoded, shown
from qeval.loading.texts import absent
from qeval.loading.walking import Walk

SUFFIXES = (".yaml", ".yml", ".json", ".py")
BEGIN = "begin with `qeval init FOLDER`"
_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)


class Layer:
    """One file's own values, as read; they may hold `BAD`."""

    def __init__(self, file: File, values: dict[str, Any]) -> None:
        self.file = file
        self.values = values


def read_layers(path: Path, root: Path, mistakes: Mistakes) -> list[Layer]:
    """Read a file and all that it extends, each once, bases first.

    Args:
        path: The suite file, absolute, without links.
        root: The project's root, without links.
        mistakes: Takes what is wrong in any of them.

    Raises:
        SuiteError: The file is not there, or is none that can be a suite.
    """
    reader = _Reader(root, mistakes)
    reader.read(path, ())
    return reader.layers


class _Reader:
    def __init__(self, root: Path, mistakes: Mistakes) -> None:
        self.root = root
        self.mistakes = mistakes
        self.layers: list[Layer] = []
        self.reached: set[Path] = set()

    def read(self, path: Path, chain: tuple[Path, ...]) -> None:
        self.reached.add(path)
        name = shown(path, self.root)
        walk = Walk(name, path.parent, self.root, self.mistakes)
        node = _compose(path, walk)
        if node is None:
            return
        values = SUITE.read(node, "a suite", walk)
        if not isinstance(values, dict):
            return
        layer = Layer(File(path, name, node), values)
        for place, base in enumerate(_bases(values)):
            self._base(layer, place, base, (*chain, path), walk)
        self.layers.append(layer)

    def _base(
        self, layer: Layer, place: int, base: str, chain: tuple[Path, ...], walk: Walk
    ) -> None:
        path = (walk.folder / base).resolve()
        line = descend(layer.file.root, ("extends", place))[1]
        if path in chain:
            names = [shown(p, self.root) for p in (*chain[chain.index(path) :], path)]
            message = f"extends goes round in a circle: {' → '.join(names)}"
            walk.say_at(line, message, "take one of them out of `extends:`")
        elif path.suffix not in SUFFIXES or not path.is_file():
            _, hint = absent(base, walk.folder)
            walk.say_at(line, f"extends {base!r}: there is no such suite file", hint)
        elif path not in self.reached:
            self.read(path, chain)


def _bases(values: dict[str, Any]) -> list[str]:
    extends = values.get("extends", ())
    return [base for base in extends if isinstance(base, str)] if isinstance(extends, tuple) else []


def _suites_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    files = (path for path in folder.iterdir() if path.suffix in SUFFIXES)
    return sorted(path.name for path in files if not path.stem.endswith(".simulator"))


def _instead(path: Path, name: Path) -> str:
    """Return the hint for a file that is not there: the nearest there is, or what there is."""
    there: dict[str, str] = {}
    for below in ("suites", ""):  # what lies beside it comes first, where both have the name
        files = _suites_in(path.parent / below)
        there |= {Path(file).stem: (name.parent / below / file).as_posix() for file in files}
    if close := nearest(path.stem, there):
        return f"did you mean {there[close]!r}?"
    return f"suites here are {', '.join(list(there.values())[:5])}" if there else BEGIN


def check_file(path: Path, name: str) -> None:
    """See that a path given by the user can be read as a suite.

    Raises:
        SuiteError: It cannot; the hint names the nearest file.
    """
    if path.is_dir():
        there = [f"{name}/{file}" for file in _suites_in(path)]
        hint = f"name one suite file in it: {', '.join(there[:3])}" if there else BEGIN
        raise SuiteError("this is a folder", where=name, hint=hint)
    if path.exists() and not path.is_file():
        raise SuiteError("this is no regular file", where=name, hint="name a suite file")
    if not path.is_file():
        raise SuiteError("there is no such file", where=name, hint=_instead(path, Path(name)))
    if path.suffix not in SUFFIXES:
        message = f"a suite is a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file"
        raise SuiteError(message, where=name, hint="rename the file")


def _compose(path: Path, walk: Walk) -> Node | None:
    text = decoded(path.read_bytes(), walk)
    if text is None:
        return None
    if path.suffix == ".py":
        from qeval.loading.python_suites import compose_python

        return compose_python(text, path, walk)
    from qeval.loading.composing import compose

    if path.suffix == ".json":
        text = _PAIR.sub(_joined, text)
    return compose(text, walk.say_at)


def _joined(match: re.Match[str]) -> str:
    """Write a pair of surrogates, which YAML does not know, as the character it stands for."""
    pair = bytes.fromhex(match[2] + match[3])
    return match[1] + pair.decode("utf-16-be")
