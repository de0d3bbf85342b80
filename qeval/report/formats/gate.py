"""What of a comparison makes it red: `--fail-on`, and the few that are named for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from qeval.compare.values import Against, Change, Comparison
from qeval.errors import UsageError, suggestion
from qeval.report.marks import line
from qeval.value import Value

CONDITIONS = {
    "worse": "the headline, a slice or a case is worse",
    "worse:overall": "the headline is worse",
    "worse:slices": "a slice is worse",
    "worse:cases": "a case is worse",
    "worse:measures": "tokens, cost, latency or another measure is worse",
    "undecided": "the headline is not decided",
    "drift": "the bill changed by what the prompt does not explain",
    "flip": "a recorded answer that passed was replaced by one that fails",
    "gone": "a case of the first run is not in the other",
    "not_comparable": "a case, its checks or a scorer changed",
    "none": "nothing does",
}
"""Condition → when it holds."""

WORST = 3
"""Cases that are named."""

_ALL_WORSE = ("worse:overall", "worse:cases", "worse:slices")


class Failure(Value):
    """One reason to be red."""

    condition: str
    """The narrowest of `CONDITIONS` that it falls under; of a run against its baseline also
    `errors`, or `new failure` for a case that it does not know."""
    name: str
    """`overall`, a case's name, a slice's or a measure's."""
    why: str
    """One line."""
    column: int
    """The column that failed, from 1."""


def conditions(said: Sequence[str]) -> tuple[str, ...]:
    """Return the conditions that were written, commas parted and `worse` spelt out.

    Raises:
        UsageError: One is none of `CONDITIONS`.
    """
    found: dict[str, None] = {}
    for word in (word.strip() for text in said for word in text.split(",")):
        if word not in CONDITIONS:
            raise UsageError(
                f"--fail-on {word!r} is none of {', '.join(CONDITIONS)}",
                hint=suggestion("condition", word, CONDITIONS),
            )
        found |= dict.fromkeys(_ALL_WORSE if word == "worse" else (word,))
    return tuple(word for word in found if word != "none")


def failures(comparison: Comparison, held: Sequence[str]) -> tuple[Failure, ...]:
    """Return every reason to be red under conditions as `conditions` returns them.

    Of each column: the headline first, then cases, slices and measures; the worst case first.
    """
    found = []
    for against in comparison.against:
        for condition, finder in _FINDERS.items():
            if condition in held:
                found += [
                    Failure(
                        condition=condition, name=name, why=line(why, 300), column=against.column
                    )
                    for name, why in finder(against)
                ]
    return tuple(found)


def worst(against: Against, count: int = WORST) -> list[Change]:
    """Return the cases to look at first: those that got worse, else the suspects."""
    known = set(against.suspects)
    ranked = [against.changes[number] for number in against.suspects]
    ranked += [
        change
        for number, change in enumerate(against.changes)
        if change.word == "worse" and number not in known
    ]
    bad = [change for change in ranked if change.word == "worse"]
    return (bad or ranked)[:count]


Found: TypeAlias = Iterator[tuple[str, str]]
"""Names, each with why."""


def _headline(word: str) -> Callable[[Against], Found]:
    def find(against: Against) -> Found:
        if against.headline.word == word:
            yield "overall", against.headline.sentence

    return find


def _cases(against: Against) -> Found:
    for change in worst(against, len(against.changes)):
        if change.word == "worse":
            yield change.name, change.why


def _flips(against: Against) -> Found:
    for change in against.changes:
        if change.flip and (change.difference or 0) < 0:
            yield change.name, change.why


def _of_state(state: str) -> Callable[[Against], Found]:
    def find(against: Against) -> Found:
        for change in against.changes:
            if change.state == state:
                yield change.name, change.why

    return find


def _slices(against: Against) -> Found:
    for part in against.slices:
        if part.verdict.word == "worse":
            yield f"{part.kind} {part.name}", part.verdict.sentence


def _measures(against: Against) -> Found:
    for measure in against.measures:
        if measure.word == "worse":
            yield measure.name, measure.sentence


def _drifts(against: Against) -> Found:
    for drift in against.drifts:
        yield drift.group, drift.sentence


_FINDERS: dict[str, Callable[[Against], Found]] = {
    "worse:overall": _headline("worse"),
    "undecided": _headline("undecided"),
    "worse:cases": _cases,
    "flip": _flips,
    "gone": _of_state("gone"),
    "not_comparable": _of_state("not_comparable"),
    "worse:slices": _slices,
    "worse:measures": _measures,
    "drift": _drifts,
}
"""In the order in which they are told."""
