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
_ADVICE = {
    "found character that cannot start": "put text that begins with @, ` or % in quotes",
    "mapping values are not allowed": "put text with `: ` in it in quotes, "
    "and let the keys of one mapping begin in one column",
    "found unexpected end of stream": "close the quotation mark",
    "expected ',' or": "close every [ and {, and put text that holds one in quotes",
    "did not find expected key": "let the keys of one mapping begin in one column; "
    "inside '…', a ' is written twice",
    "did not find expected '-'": "begin each item of the list with `- `, all in one column",
    "found undefined alias": "put text that begins with * in quotes",
    "unknown escape character": "write \\\\ for \\ inside \"…\", or use '…'",
    "another document": "make a file of each, and let one extend the other",
    "block sequence entries": "begin the list on a line of its own",
    "could not find expected ':'": "write `: ` after a key, and indent a text below `|`",
    "control characters": 'delete it, or write it in double quotes as an escape, such as "\\x1b"',
}
"""Part of what libyaml says, and what helps."""
_TABS = "indent with spaces: YAML takes no tabs"
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
        say(*_told(error, text))
        return None
    if root is None:
        say(0, "the file is empty", "let `qeval init FOLDER` write one to begin with")
        return None
    return root if _sound(root, say, aliased="*" in text) else None


def _told(error: yaml.YAMLError, text: str) -> tuple[int, str, str | None]:
    """Return line, reason and hint of what the parser could not read."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    hint = next((hint for part, hint in _ADVICE.items() if part in reason), None)
    if "another document" in reason:
        reason = "a suite is one document; a second one begins here"
    elif "levels deep" not in reason:
        reason = f"not YAML: {reason}"
    if mark is not None:
        line = min(mark.line, text.count("\n"))
        tab = "cannot start" in reason and text[mark.index : mark.index + 1] == "\t"
        return line, reason, _TABS if tab else hint
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position), reason, hint


def _sound(root: Node, say: Say, *, aliased: bool) -> bool:
    """Say every duplicate key, merge key or strange tag; refuse cycles and alias bombs."""
    nodes = {id(root): root}
    waiting = [root]
    good = True
    while waiting:
        node = waiting.pop()
        if node.tag not in KNOWN_TAGS:
            good = _say(say, node, f"tag {node.tag!r} has no meaning here", "take it out")
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
            message = "an alias stands inside what it names, so it would never end"
            return _say(say, node, message, "write out what it stands for")
        elif id(node) not in sizes:
            written += 1
            inside.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in _children(node))
    brought = sizes[id(root)] - written
    if brought > LIMIT:
        message = f"aliases bring in {brought:,} nodes; at most {LIMIT:,} may be"
        return _say(say, root, message, "put the values in a data file: `rows: data.jsonl`")
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
            hint = "write it as one word or in quotes"
            if key.id == "mapping":
                hint = 'put a template in quotes: "{{ name }}"'
            good = _say(say, key, "a key must be text", hint)
            continue
        if key.value == "<<" and key.tag == PLAIN:
            hint = "share with `extends:`, or with an anchor under a key that begins with x-"
            say(key.start_mark.line, "merge keys (<<) are not read", hint)
        elif key.value in first:
            line = first[key.value] + 1
            message = f"key {key.value!r} is here twice; first on line {line}"
            _say(say, key, message, "keep one of them")
        else:
            first[key.value] = key.start_mark.line
            kept.append((key, item))
    node.value[:] = kept
    return good


def _say(say: Say, node: Node, message: str, hint: str) -> bool:
    say(node.start_mark.line, message, hint)
    return False
