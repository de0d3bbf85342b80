"""Where each element of a suite is written, over all the files that it extends."""

from __future__ import annotations

import posixpath
from pathlib import Path

from qeval.loading.nodes import Node, descend
from qeval.loading.nodes import Path as KeyPath
from qeval.loading.walking import Walk


class File:
    """One file of a suite, as nodes.

    Args:
        path: The file, absolute.
        name: What messages call it: relative to the project's root, with forward slashes.
        root: Its root node.
    """

    def __init__(self, path: Path, name: str, root: Node) -> None:
        self.path = path
        self.name = name
        self.root = root

    def line(self, path: KeyPath) -> int:
        """Return the line, from 0, of the element or of its nearest ancestor."""
        return descend(self.root, path)[1]


class Source:
    """Leads from a key path in the merged suite to the file and line where it is written.

    A path follows the keys as written: `('cases', 3, 'checks', 0, 'contains')`. Where a path
    leads further than what is written (a bare-word check, a default), its nearest ancestor counts.
    """

    def __init__(self, file: File) -> None:
        self.file = file
        self._moved: dict[KeyPath, tuple[File, KeyPath]] = {}
        """Elements of the merged suite that stand elsewhere than under their path in `file`."""

    def move(self, merged: KeyPath, file: File, written: KeyPath) -> None:
        """Note that the element at `merged` is written in `file`, at `written`."""
        self._moved[merged] = (file, written)

    def where(self, path: KeyPath) -> str:
        """Return `file:line` of the element, the file relative to the project's root."""
        file, written = self.place(path)
        return f"{file.name}:{file.line(written) + 1}"

    def folder(self, path: KeyPath) -> Path:
        """Return the folder of the file in which the element is written, absolute."""
        return self.place(path)[0].path.parent

    def place(self, path: KeyPath) -> tuple[File, KeyPath]:
        """Return the file in which the element is written, and its key path there."""
        for length in range(len(path), 0, -1):
            if moved := self._moved.get(path[:length]):
                return moved[0], (*moved[1], *path[length:])
        return self.file, path


def decoded(data: bytes, walk: Walk) -> str | None:
    """Return what a file says, or None where it is not UTF-8; the mistake is noted."""
    line = 0
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, fact = data.count(b"\n", 0, error.start), f"byte 0x{data[error.start]:02x}"
    else:
        if "\0" not in text[:4]:
            return text
        fact = "this looks like UTF-16"
    walk.say_at(line, f"not UTF-8: {fact}", "save the file as UTF-8")
    return None


def shown(path: Path, root: Path) -> str:
    """Return what messages call a file: relative to the root where it lies below it."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return posixpath.basename(path.as_posix())
