"""Fenced blocks of Markdown, read in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Possessive quantifiers: what a line does not match is given up at once, whatever its length.
_FENCE = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[ \t]*+([^\s`]*+)([^\n]*+)$", re.MULTILINE)


def fenced(text: str) -> Iterator[tuple[str, str]]:
    r"""Yield the language and the content of each fenced block, in order.

    A block begins on a line of at least three backticks or tildes, at any indentation, with an
    optional language; it ends on a line of at least as many of the same and nothing else, or,
    as when an answer is cut short, at the end of the text. The language is '' where none is
    named. The content keeps its line breaks, the last one included.

    Source:
        CommonMark 0.31.2, section 4.5; indentation is not limited here, since models put
        blocks into lists.

    >>> list(fenced("So:\n```py\nprint(1)\n```\nDone."))
    [('py', 'print(1)\n')]
    """
    opened: re.Match[str] | None = None
    for line in _FENCE.finditer(text):
        if opened is None:
            if "`" not in line[3] or line[1][0] == "~":
                opened = line
        elif _closes(line, opened):
            yield opened[2], text[opened.end() + 1 : line.start()]
            opened = None
    if opened is not None:
        yield opened[2], text[opened.end() + 1 :]


def _closes(line: re.Match[str], opened: re.Match[str]) -> bool:
    fence = opened[1]
    same = line[1][0] == fence[0] and len(line[1]) >= len(fence)
    return same and not line[2] and not line[3].strip()
