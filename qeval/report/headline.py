"""The verdict in a sentence, and what stands around it at the top of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qeval import units
from qeval.compare.values import Against, Change, Comparison, Measured
from qeval.record import Source
from qeval.report import links
from qeval.report.summary import Summary

WORST = 3
"""Suspects that the top links to."""
_MEASURES = (("output_tokens", "output tokens"), ("cost", "cost"))


class Link(NamedTuple):
    """A row of the list, named at the top."""

    name: str
    href: str
    why: str


class Head(NamedTuple):
    """The top of the page."""

    words: tuple[str, ...]
    """Verdict of each column from the second on; of a run alone, how it ended."""
    title: str
    lead: str
    facts: tuple[str, ...]
    worst: tuple[Link, ...]


def of_run(source: Source, summary: Summary) -> Head:
    """Return the top of a run's own page."""
    worst = tuple(
        Link(each.case, links.fragment((each.case, each.target, each.scenario)), each.because)
        for each in summary.short[:WORST]
    )
    return Head(
        (summary.verdict,), title(summary), _lead(summary), (_shape(source, summary),), worst
    )


def of_comparison(comparison: Comparison) -> Head:
    """Return the top of a comparison's page: of two columns in words, of more in short."""
    words = tuple(against.headline.word for against in comparison.against)
    links_ = tuple(_worst(comparison))
    if len(comparison.against) > 1:
        lead = "Each column is judged against A, the first."
        return Head(words, _several(comparison), lead, (), links_)
    (against,) = comparison.against
    sentence = against.headline.sentence
    lead = sentence[:1].upper() + sentence[1:]
    return Head(words, compared(against), lead, tuple(_beside(against)), links_)


def title(summary: Summary) -> str:
    """Say how a run went, in a few words.

    >>> from qeval.report.summary import Cell
    >>> title(Summary(total=Cell(groups=3, groups_passed=3), cells={}, targets={}, scenarios={},
    ...               short=(), short_total=0, errors={}))
    'All 3 groups passed'
    """
    total = summary.total
    passed, groups = units.count(total.groups_passed), units.count(total.groups)
    if total.groups and total.groups_passed == total.groups:
        return f"All {groups} groups passed" if total.groups > 1 else "The one group passed"
    if not summary.short_total:
        return f"{passed} of {groups} groups passed, the others were skipped"
    return f"{passed} of {groups} groups passed"


def compared(against: Against) -> str:
    """Say what changed, in a few words: `Worse on 3 of 38 cases; pass rate −3.5 points`."""
    headline = against.headline
    if headline.word == "not_comparable":
        return "Not comparable"
    pairs = [each for each in against.changes if each.state == "paired"]
    # Under several targets or scenarios a case has several groups, each with its own verdict.
    noun = "case" if len({each.case for each in pairs}) == len(pairs) else "group"
    counted = {word: sum(each.word == word for each in pairs) for word in ("worse", "better")}
    moved = "" if headline.difference is None else f"pass rate {_moved(headline.difference)}"
    first = "worse" if counted["worse"] else headline.word
    if counted.get(first):
        counts = f"{units.count(counted[first])} of {_number(len(pairs), noun)}"
        said = f"{first.capitalize()} on {counts}"
    else:
        said = {"same": "The same", "undecided": "Not decided"}.get(first, first.capitalize())
    return f"{said}; {moved}" if moved else said


def _moved(difference: float) -> str:
    shown = units.points(difference)
    return "unchanged" if shown == "0" else f"{shown} point{'' if shown[1:] == '1' else 's'}"


def _several(comparison: Comparison) -> str:
    """Say how many columns are worse, better and so on than the first."""
    counts: dict[str, int] = {}
    for against in comparison.against:
        counts[against.headline.word] = counts.get(against.headline.word, 0) + 1
    names = {
        "worse": "worse than A",
        "better": "better than A",
        "same": "the same as A",
        "undecided": "not decided",
        "not_comparable": "not comparable",
    }
    of = len(comparison.against)
    said = [f"{counts[word]} of {of} {name}" for word, name in names.items() if word in counts]
    return "; ".join(said)


def _beside(against: Against) -> Iterator[str]:
    """Yield what the change cost, and what else is to be counted."""
    held = {measure.name: measure for measure in against.measures}
    for name, said in _MEASURES:
        measure = held.get(name)
        if measure is not None and measure.ratio is not None:
            yield _cost(measure, said)
    better = _cases(against.changes, "better")
    if better and _cases(against.changes, "worse"):
        yield f"better on {_number(better, 'case')}"
    for state, said in (("new", "new"), ("gone", "gone"), ("not_comparable", "not comparable")):
        count = len({each.case for each in against.changes if each.state == state})
        if count:
            yield f"{_number(count, 'case')} {said}"


def _cost(measure: Measured, said: str) -> str:
    assert measure.ratio is not None  # noqa: S101  # the caller looked
    if measure.word == "undecided":  # its figure stands with its interval, below
        return f"{said} not decided"
    shown = units.change(measure.ratio)
    if shown == "0 %":
        return f"{said} unchanged"
    more = "higher" if measure.name == "cost" else "more"
    less = "lower" if measure.name == "cost" else "fewer"
    size = shown[1:]
    word = more if measure.ratio > 1 else less
    return f"{size} {word} {said}" if measure.name != "cost" else f"{said} {size} {word}"


def _worst(comparison: Comparison) -> Iterator[Link]:
    """Yield the worst of all columns: each column's first, then each one's second, and so on."""
    seen: set[tuple[str, str | None, str | None]] = set()
    for rank in range(WORST):
        for against in comparison.against:
            if rank >= len(against.suspects) or len(seen) >= WORST:
                continue
            change = against.changes[against.suspects[rank]]
            place = (change.case, change.target, change.scenario)
            if place not in seen:
                seen.add(place)
                yield Link(change.name, links.fragment(place), change.why)


def _cases(changes: Sequence[Change], word: str) -> int:
    return len({each.case for each in changes if each.word == word})


def _lead(summary: Summary) -> str:
    total = summary.total
    if not total.judged:
        return "No trial could be judged."
    said = f"{units.count(total.passed)} of {units.count(total.judged)} judged trials passed"
    others = [
        f"{units.count(count)} {name}"
        for name, count in (("errored", total.errored), ("refused", total.refused))
        if count
    ]
    return " · ".join([said, *others])


def _shape(source: Source, summary: Summary) -> str:
    """Say what a group is, by this run's own numbers."""
    sizes = (
        ("case", len({case for case, _ in source.asked})),
        ("target", len(summary.targets)),
        ("scenario", len(summary.scenarios)),
    )
    counted = " × ".join(_number(count, name) for name, count in sizes)
    return f"{counted}; a group is one case asked of one target under one scenario"


def _number(count: int, noun: str) -> str:
    return f"{units.count(count)} {noun}{'' if count == 1 else 's'}"
