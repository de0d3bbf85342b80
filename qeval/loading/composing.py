"""YAML text → nodes, on libyaml, with everything refused that this format has no use for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from qeval.loading.nodes import KNOWN_TAGS, PLAIN, TEXT, Node

LIMIT = 100_000
"""Nodes that aliases may bring in."""
DEPTH = 200
"""Levels of nesting."""

_QUIET = (PLAIN, TEXT)
Say = Callable[[int, str, str | None], None]
"""Takes a line (from 0), a message and a hint."""


class _Resolver:
    """Marks scalars without quotes, leaves what they mean to their place, and counts levels."""

    depth = 0

    def resolve(self, _kind: Any, _value: Any, implicit: Any) -> str:
        if type(implicit) is tuple:
            return PLAIN if implicit[0] else TEXT
        return ""

    def descend_resolver(self, parent: Any, _index: Any) -> None:
        self.depth += 1
        if self.depth > DEPTH:  # composing recurses in C, where no limit of Python's holds
            raise yaml.MarkedYAMLError(
                problem=f"nested more than {DEPTH} levels deep", problem_mark=parent.start_mark
            )

    def ascend_resolver(self) -> None:
        self.depth -= 1


def _composer(text: str) -> Any:
    """Return a composer on libyaml, or on PyYAML's own parser where that was built without it."""
    if yaml.__with_libyaml__:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs lack it

        class Fast(CParser, _Resolver):
            pass

        return Fast(text)

    class Slow(
        yaml.reader.Reader,
        yaml.scanner.Scanner,
        yaml.parser.Parser,
        yaml.composer.Composer,
        _Resolver,
    ):
        def __init__(self, stream: str) -> None:
            yaml.reader.Reader.__init__(self, stream)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)
            yaml.composer.Composer.__init__(self)

    return Slow(text)


def compose(text: str, say: Say) -> Node | None:
    """Return the root node of a YAML (or JSON) text.

    Args:
        text: The whole file.
        say: Called for each mistake.

    Returns:
        None where the text is not YAML, or holds nothing at all.
    """
    try:
        root: Node | None = _composer(text).get_single_node()
    except yaml.YAMLError as error:
        say(*_told(error, text), None)
        return None
    if root is None:
        say(0, "the file is empty", None)
        return None
    return root if _sound(root, say, aliased="*" in text) else None


def _told(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Return line and reason of what the parser could not read."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if "another document" in reason:
        reason = "a suite is one document; a second one begins here"
    elif "levels deep" not in reason:
        reason = f"not YAML: {reason}"
    if mark is not None:
        return min(mark.line, text.count("\n")), reason
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position), reason


def _sound(root: Node, say: Say, *, aliased: bool) -> bool:
    """Say every duplicate key, merge key or strange tag; refuse cycles and alias bombs."""
    nodes = {id(root): root}
    waiting = [root]
    good = True
    while waiting:
        node = waiting.pop()
        if node.tag not in KNOWN_TAGS:
            good = _say(say, node, f"tag {node.tag!r} has no meaning here")
        if node.id == "mapping":
            good = _keys(node, say) and good
        for child in _children(node):
            if child.id == "scalar" and child.tag in _QUIET:
                continue
            if not aliased:
                waiting.append(child)
            elif id(child) not in nodes:
                nodes[id(child)] = child
                waiting.append(child)
    return good and (not aliased or _bounded(root, say))


def _bounded(root: Node, say: Say) -> bool:
    """Refuse an alias inside what it names, and more nodes by aliases than anyone writes."""
    sizes: dict[int, int] = {}
    written = 0
    inside: set[int] = set()
    stack = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            inside.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in _children(node))
        elif id(node) in inside:
            return _say(say, node, "an alias stands inside what it names, so it would never end")
        elif id(node) not in sizes:
            written += 1
            inside.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in _children(node))
    brought = sizes[id(root)] - written
    if brought > LIMIT:
        return _say(say, root, f"aliases bring in {brought:,} nodes; at most {LIMIT:,} may be")
    return True


def _children(node: Node) -> list[Node]:
    if node.id == "mapping":
        return [child for pair in node.value for child in pair]
    return list(node.value) if node.id == "sequence" else []


def _keys(node: Node, say: Say) -> bool:
    """Say what is wrong with the keys of a mapping."""
    pairs = node.value
    if len({key.value for key, _ in pairs if key.id == "scalar"}) == len(pairs) and not any(
        key.tag == PLAIN and key.value == "<<" for key, _ in pairs
    ):
        return True
    first: dict[str, int] = {}
    good = True
    kept = []
    for key, item in pairs:
        if key.id != "scalar":
            good = _say(say, key, "a key must be text")
            continue
        if key.value == "<<" and key.tag == PLAIN:
            hint = "share with `extends:`, or with an anchor under a key that begins with x-"
            say(key.start_mark.line, "merge keys (<<) are not read", hint)
        elif key.value in first:
            line = first[key.value] + 1
            _say(say, key, f"key {key.value!r} is here twice; first on line {line}")
        else:
            first[key.value] = key.start_mark.line
            kept.append((key, item))
    node.value[:] = kept
    return good


def _say(say: Say, node: Node, message: str) -> bool:
    say(node.start_mark.line, message, None)
    return False
