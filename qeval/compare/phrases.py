"""What is said of a single case, and the small parts of which sentences are made."""

from __future__ import annotations

from collections.abc import Sequence

from qeval import units
from qeval.compare.pairing import Fact, Match
from qeval.compare.values import Change, Word

NAMED = 3
"""Cases that a sentence names."""


def points(value: float) -> str:
    """Return the size of a difference in points, without its sign: `6.2`; never 0 if it is not."""
    shown = units.points(abs(value)).lstrip("+")
    return "less than 0.1" if shown == "0" and value else shown


def amount(value: float) -> str:
    """Return a size with its word: `1 point`, `6.2 points`."""
    shown = points(value)
    return f"{shown} point" if shown == "1" else f"{shown} points"


def number(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 case`, `12 cases`."""
    return f"{units.count(count)} {one if count == 1 else many or one + 's'}"


def named(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are: `a, b, c and 4 more`."""
    more = len(names) - NAMED
    listed = ", ".join(names[:NAMED])
    return f"{listed} and {units.count(more)} more" if more > 0 else listed


def span(low: float, high: float) -> str:
    """Return an interval in words: `2.3 to 10.1 worse`, `4.1 worse to 2.1 better`."""
    if high <= 0:
        return f"{points(high)} to {points(low)} worse"
    if low >= 0:
        return f"{points(low)} to {points(high)} better"
    return f"{points(low)} worse to {points(high)} better"


def case(each: Change, word: Word, p: float, *, testable: int, more: int | None) -> str:
    """Say how a case that was tested came out, and how many trials would decide it."""
    start, tested = _passes(each), f"p {units.chance(p)}"
    if word in {"worse", "better"}:
        return f"{start}, {word} ({tested}, one of {units.count(testable)} testable)"
    if word == "same":
        return f"{start}, the same within 20 points"
    if not each.difference:
        return f"{start}, no change seen: not decided"
    suspect = "suspect: " if (each.difference or 0) < 0 else ""
    would = f"; {more} trials a side would tell" if more else ""
    return f"{start}, {suspect}not decided ({tested}{would})"


def untested_case(each: Change, *, flip: bool) -> str:
    """Say what is seen of a sample that is too small for a test."""
    if flip:
        now = "passed" if each.passed[1] else "failed"
        before = "passed" if each.passed[0] else "failed"
        return f"{before} → {now}, one trial each: not decided"
    seen = (
        "not decided"
        if each.passed[0] * each.judged[1] != each.passed[1] * each.judged[0]
        else "no change seen: not decided"
    )
    return f"{_passes(each)}, {seen}"


def fact_case(each: Change, word: Word, fact: Fact) -> str:
    """Say what is known of a case without chance."""
    source = "the same recordings" if fact == "recording" else "a deterministic target"
    told = "as before" if word == "same" else word
    return f"{_passes(each)}, {told}: {source}, a fact"


def unpaired(each: Match) -> str:
    """Say why a match has no partner."""
    if each.state == "lost" and not each.why:
        sides = [
            side
            for side, half in (("before", each.a), ("now", each.b))
            if half is not None and not half.judged
        ]
        codes = [code for half in (each.a, each.b) if half for code in half.codes]
        why = f" ({', '.join(sorted(set(codes)))})" if codes else ""
        return f"lost: no trial was judged {' and '.join(sides)}{why}"
    return f"{each.state}: {each.why}" if each.why else each.state


def _passes(each: Change) -> str:
    (a, b), (k_a, k_b) = each.passed, each.judged
    return f"{units.count(a)} of {units.count(k_a)} → {units.count(b)} of {units.count(k_b)}"
