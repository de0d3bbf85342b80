"""`qeval cassette diff A B`: the answers of two sides beside each other."""

from __future__ import annotations

import argparse
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from unicodedata import combining, east_asian_width

import msgspec

from qeval import units
from qeval.cli.cassettes_shown import body, place
from qeval.cli.choosing import several
from qeval.cli.terminal import give, give_json, say
from qeval.report.marks import visible
from qeval.session.cassette_answers import Pair, Reading, compared, side

_NARROWEST = 60
"""Columns of a terminal that two texts need."""


def execute(arguments: argparse.Namespace) -> int:
    """Print the answers that differ; as in `git diff`, a difference is no failure."""
    pairs = compared(side(arguments.a), side(arguments.b))
    moved = [pair for pair in pairs if not pair.same]
    if arguments.format == "json":
        plain = msgspec.to_builtins(moved)
        give_json(plain)
    elif moved:
        width = max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST)
        head = "\n".join(_columns([visible(arguments.a)], [visible(arguments.b)], width))
        give("\n\n".join([head, *(_beside(pair, width) for pair in moved)]))
    counts = Counter(map(_word, pairs))
    said = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    say(f"{several(len(pairs), 'answer')}: {said or 'none'}")
    return 0


def _word(pair: Pair) -> str:
    if pair.same:
        return "equal"
    return "different" if pair.a and pair.b else "only in A" if pair.a else "only in B"


def _beside(pair: Pair, width: int) -> str:
    case = f"{visible(pair.case)} · " if pair.case else ""
    whose = next(place(one) for one in (pair.a, pair.b) if one is not None)
    return "\n".join([f"== {case}{whose}", *_columns(_lines(pair.a), _lines(pair.b), width)])


def _lines(one: Reading | None) -> list[str]:
    if one is None:
        return ["(not recorded)"]
    answer = body(msgspec.structs.replace(one, asked=""))
    return [*answer.expandtabs(4).splitlines(), f"[{units.count(one.usage.output_tokens)} tokens]"]


def _columns(left: Sequence[str], right: Sequence[str], width: int) -> list[str]:
    """Lay two texts beside each other, each wrapped to half of the width; `|` marks a change."""
    half = (width - 3) // 2
    wrapped = ([part for text in texts for part in _wrapped(text, half)] for texts in (left, right))
    return [
        f"{a}{' ' * (half - _cells(a))} {' ' if a == b else '|'} {b}".rstrip()
        for a, b in zip_longest(*wrapped, fillvalue="")
    ]


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text, broken after blanks where there are some."""
    while _cells(text) > width:
        end, used = 0, 0
        while used + _cells(text[end]) <= width:
            used += _cells(text[end])
            end += 1
        blank = text.rfind(" ", 0, end + 1)
        end = blank if blank > 0 else end
        yield text[:end]
        text = text[end:].removeprefix(" ")
    yield text


def _cells(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters take two."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
