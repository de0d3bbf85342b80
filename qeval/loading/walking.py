"""What a walk through a file knows: its name, its folders, where mistakes go, what stands there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, TypeAlias

from qeval.loading.mistakes import Mistakes
from qeval.loading.nodes import Node, json_of, scalar

Wrong: TypeAlias = tuple[str, str | None]
"""What is wrong with a text, and a hint."""


class Bad:
    """Stands where something was written that is no good, so that it does not count as absent."""

    def __repr__(self) -> str:
        return "BAD"


BAD: Final = Bad()


class Walk:
    """What the shapes need to know of the file they walk through, and where mistakes go."""

    def __init__(self, name: str, folder: Path, root: Path, mistakes: Mistakes) -> None:
        self.name = name
        self.folder = folder
        self.root = root
        self.mistakes = mistakes
        self.dressed = False
        """Whether the nodes are values of Python."""
        self.typed = False
        """Whether a number is no text: TOML has quotes for that."""

    def say(self, node: Node, message: str, hint: str | None = None) -> Bad:
        """Note a mistake on the node's line."""
        self.say_at(node.start_mark.line, message, hint)
        return BAD

    def say_at(self, line: int, message: str, hint: str | None = None) -> None:
        """Note a mistake on a line, counted from 0."""
        self.mistakes.add(f"{self.name}:{line + 1}", message, hint)


def got(node: Node) -> str:
    """Say what a node is, in a message: `a list: ["Paris", "Rome"]`."""
    if node.id == "scalar":
        value = scalar(node)
        if value is None:
            return "nothing" if node.value in {"", None} else "null"
        if callable(value):
            return "a function"
        return f"{value!r}" if isinstance(value, str) else json.dumps(value, default=repr)
    word = "a list" if node.id == "sequence" else "a mapping"
    text = json.dumps(json_of(node), ensure_ascii=False, default=repr)
    return f"{word}: {text if len(text) <= 60 else text[:57] + '…'}"


def bad(value: Any) -> bool:
    """Whether anything in a value that was read is no good."""
    if value is BAD:
        return True
    if isinstance(value, dict):
        return any(bad(item) for item in value.values())
    return isinstance(value, tuple | list) and any(bad(item) for item in value)
