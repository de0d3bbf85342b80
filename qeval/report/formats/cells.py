"""The rows that a comparison has in a table, whatever draws it."""

from __future__ import annotations

from collections.abc import Iterator

from qeval import units
from qeval.compare.values import Against, Comparison, Measured, Verdict, Word

HEADS = ("", "cases", "A", "B", "difference", "95 %", "verdict")

_SEEN = 0.001
"""What figures of one row may miss each other by, for rounding alone: 0.1 points."""
_ORDER = {"worse": 0, "undecided": 1, "better": 2, "not_comparable": 3, "same": 4, None: 5}


def said(word: Word | None) -> str:
    """Return a verdict's word as people read it.

    >>> said("not_comparable"), said(None)
    ('NOT COMPARABLE', '–')
    """
    return units.UNKNOWN if word is None else word.replace("_", " ").upper()


OVERVIEW = ("", "cases", "A", "rate", "difference", "95 %", "verdict")


def overview(comparison: Comparison) -> Iterator[list[str]]:
    """Yield one row a column but the first, under the heads `OVERVIEW`."""
    for against in comparison.against:
        label = comparison.sides[against.column].label
        yield [f"{letter(against)} {label}", *_verdict(against.headline)]


def means(comparison: Comparison) -> Iterator[list[str]]:
    """Yield one row a measure with its mean in every column, under the letters of the sides.

    A's are those of the cases that it shares with B.
    """
    first, *others = comparison.against
    for measure in first.measures:
        row = [_amount(value, measure.unit) for value in measure.mean]
        for against in others:
            same = next((m for m in against.measures if m.name == measure.name), None)
            row.append(units.UNKNOWN if same is None else _amount(same.mean[1], same.unit))
        yield [measure.name.replace("_", " "), *row]


def heads(against: Against) -> tuple[str, ...]:
    """Return the heads of `rows`, with the letter of the column that is judged."""
    return tuple(letter(against) if head == "B" else head for head in HEADS)


def letter(against: Against) -> str:
    """Return the letter of a column, from A."""
    return chr(ord("A") + against.column)


def rows(against: Against, most: int | None = None) -> Iterator[list[str]]:
    """Yield the headline's row, then one a slice and one a measure.

    Args:
        against: The column.
        most: Slices and measures at most, worst first; None: all, in their order.
    """
    yield ["all", *_verdict(against.headline)]
    slices, measures = against.slices, against.measures
    if most is not None:
        slices = tuple(sorted(slices, key=lambda part: _ORDER[part.verdict.word])[:most])
        measures = tuple(sorted(measures, key=lambda measure: _ORDER[measure.word])[:most])
    for part in slices:
        yield [part.name, *_verdict(part.verdict)]
    for measure in measures:
        yield measured(measure)


def footnotes(against: Against) -> Iterator[str]:
    """Yield what a reader of `rows` may stumble over, where it is to be seen."""
    verdicts = [against.headline, *(part.verdict for part in against.slices)]
    if any(map(_skewed, verdicts)) or any(map(_typical, against.measures)):
        yield (
            f"A difference is the mean over groups, a change in % that of the typical group; A and "
            f"{letter(against)} count every trial, so they need not give it."
        )
    if any(v.word == "undecided" and (v.low or 0) * (v.high or 0) > 0 for v in verdicts[1:]):
        yield "Slices are judged together (Holm): one may be undecided that would not be alone."


def _skewed(verdict: Verdict) -> bool:
    """Whether a difference is another than that of the rates beside it."""
    if verdict.difference is None or not all(verdict.trials):
        return False
    a, b = (p / k for p, k in zip(verdict.passed, verdict.trials, strict=True))
    return abs(b - a - verdict.difference) >= _SEEN


def _typical(measure: Measured) -> bool:
    """Whether a change is another than that of the means beside it."""
    a, b = measure.mean
    if not a or b is None or measure.ratio is None:
        return False
    return abs(b / a - measure.ratio) >= _SEEN


def left_out(against: Against, most: int) -> int:
    """Return how many slices and measures `rows` leaves out."""
    return max(0, len(against.slices) - most) + max(0, len(against.measures) - most)


def _verdict(verdict: Verdict) -> list[str]:
    rates = [
        units.percent(passed / judged if judged else None)
        for passed, judged in zip(verdict.passed, verdict.trials, strict=True)
    ]
    difference = units.points(verdict.difference)
    interval = _between(units.points(verdict.low), units.points(verdict.high))
    if verdict.facts:
        interval = "fact"
    return [units.count(verdict.cases), *rates, difference, interval, said(verdict.word)]


def measured(measure: Measured) -> list[str]:
    """Return a measure's row, under `HEADS`."""
    form = units.change if measure.ratio is not None else _plain
    middle = measure.ratio if measure.ratio is not None else measure.difference
    interval = "fact" if measure.fact else _between(form(measure.low), form(measure.high))
    return [
        measure.name.replace("_", " "),
        units.count(measure.cases),
        *(_amount(value, measure.unit) for value in measure.mean),
        form(middle),
        interval,
        said(measure.word),
    ]


def _between(low: str, high: str) -> str:
    return units.UNKNOWN if units.UNKNOWN in {low, high} else f"{low} … {high}"


def _amount(value: float | None, unit: str) -> str:
    if unit == "tokens":
        return units.tokens(value)
    if unit == "s":
        return units.seconds(value)
    if unit.isupper():
        return units.money(value, unit)
    return _plain(value).removeprefix("+")


def _plain(value: float | None) -> str:
    """Format a share or a count that is none of whole things, signed, to three digits."""
    if value is None:
        return units.UNKNOWN
    return f"{value:+.3g}".replace("-", "−") if value else "0"
