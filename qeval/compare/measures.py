"""Measures: tokens, cost, latency and how much answers differ among themselves.

verdicts.md sections 6 and 9. The case is the unit here too. Tokens, cost and latency are compared
by the Hodges–Lehmann estimate of the log ratios, with Wilcoxon's interval; totals are printed and
never judged. What is counted and not drawn is a fact: input tokens and template overhead, and
whatever comes from the same recordings on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import exp, fsum, log, log1p
from statistics import median

import msgspec

from qeval import units
from qeval.compare.columns import Column
from qeval.compare.diversity import diversities
from qeval.compare.halves import Spent, setup
from qeval.compare.judging import Weigher
from qeval.compare.pairing import Match
from qeval.compare.scoring import scores
from qeval.compare.values import TOLERANCES, Measured, Settings, Word
from qeval.stats.families import holm
from qeval.stats.ranks import Location, location
from qeval.value import Value

LEAST = 6
"""Groups below which there is no interval, and no verdict."""
_LIVE = frozenset(("live", "record", "refresh"))


class Kind(Value):
    """A measure, and how it reads of a trial."""

    name: str
    noun: str
    """`3.2 % more output tokens`: what follows more or fewer."""
    unit: str
    value: Callable[[Spent], float | None]
    of_case: Callable[[Sequence[float]], float]
    """A case's trials in one number."""
    counted: bool = False
    """The same request always has the same: a change is a fact."""
    share: bool = False


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


KINDS = (
    Kind(
        name="input_tokens",
        noun="input tokens",
        unit="tokens",
        value=lambda spent: spent.input_tokens,
        of_case=_mean,
        counted=True,
    ),
    Kind(
        name="output_tokens",
        noun="output tokens",
        unit="tokens",
        value=lambda spent: spent.output_tokens,
        of_case=_mean,
    ),
    Kind(name="cost", noun="cost", unit="", value=lambda spent: spent.cost, of_case=_mean),
    Kind(
        name="latency",
        noun="latency",
        unit="s",
        value=lambda spent: spent.latency_s,
        of_case=median,
    ),
    Kind(
        name="overhead",
        noun="token overhead",
        unit="",
        value=lambda spent: spent.overhead,
        of_case=_mean,
        counted=True,
        share=True,
    ),
)


class Sides(Value):
    """The groups that have a measure on both sides."""

    values: tuple[tuple[float, float], ...]
    """A number of each group, of A and of B."""
    mean: tuple[float, float]
    total: tuple[float | None, float | None]
    same_recordings: bool
    exact: bool
    """Every group has one value on each side."""


def measures(
    columns: tuple[Column, Column], matches: Sequence[Match], weigher: Weigher
) -> tuple[Measured, ...]:
    """Return every measure that both columns have, each judged as one of a family.

    Latencies are judged only where both runs asked an endpoint (`live`, `record` or `refresh`)
    and share no recording: a replay shows its cassette's latencies, which are no news of today.
    """
    settings = weigher.settings
    paired = [each for each in matches if each.state == "paired"]
    found: list[tuple[Measured, float | None]] = list(scores(paired, weigher))
    for kind in KINDS:
        chosen = paired
        if kind.name == "cost":
            chosen = [each for each in paired if _one_currency(columns, each)]
        sides = _sides(kind, chosen)
        if sides is not None:
            found.append(_measured(_in_money(kind, columns), sides, columns, settings))
    found += diversities(paired, settings)
    return tuple(_corrected(found, settings.alpha))


def _in_money(kind: Kind, columns: tuple[Column, Column]) -> Kind:
    if kind.name != "cost":
        return kind
    currencies = {t.currency for column in columns for t in column.header.targets if t.currency}
    return msgspec.structs.replace(kind, unit=currencies.pop() if len(currencies) == 1 else "")


def _one_currency(columns: tuple[Column, Column], each: Match) -> bool:
    assert each.a is not None and each.b is not None  # noqa: S101, PT018  # it is paired
    held = [
        setup(column.header.targets, half.target)
        for column, half in zip(columns, (each.a, each.b), strict=True)
    ]
    return held[0] is None or held[1] is None or held[0].currency == held[1].currency


def _sides(kind: Kind, paired: Sequence[Match]) -> Sides | None:
    values: list[tuple[float, float]] = []
    trials: tuple[list[float | None], list[float | None]] = ([], [])
    exact = same = True
    for each in paired:
        assert each.a is not None and each.b is not None  # noqa: S101, PT018  # it is paired
        known = []
        for side, half in zip(trials, (each.a, each.b), strict=True):
            own = [kind.value(spent) for spent in half.spent]
            side.extend(own)
            known.append([value for value in own if value is not None])
        if known[0] and known[1]:
            values.append((kind.of_case(known[0]), kind.of_case(known[1])))
            exact = exact and len(set(known[0])) == len(set(known[1])) == 1
            same = same and each.fact == "recording"
    if not values:
        return None
    return Sides(
        values=tuple(values),
        mean=(_middle(kind, trials[0]), _middle(kind, trials[1])),
        total=(_total(kind, trials[0]), _total(kind, trials[1])),
        same_recordings=same,
        exact=exact,
    )


def _middle(kind: Kind, trials: Sequence[float | None]) -> float:
    return kind.of_case([value for value in trials if value is not None])


def _total(kind: Kind, trials: Sequence[float | None]) -> float | None:
    known = [value for value in trials if value is not None]
    return (
        fsum(known) if len(known) == len(trials) and kind.unit != "s" and not kind.share else None
    )


def _measured(
    kind: Kind, sides: Sides, columns: tuple[Column, Column], settings: Settings
) -> tuple[Measured, float | None]:
    """Return a measure with its word as if it stood alone, and the p that its family corrects."""
    bare = Measured(
        name=kind.name,
        unit=kind.unit,
        word=None,
        sentence="",
        mean=sides.mean,
        total=sides.total,
        cases=len(sides.values),
    )
    tolerance = settings.tolerances.get(kind.name, TOLERANCES.get(kind.name, 0.0))
    if kind.name == "latency" and (sides.same_recordings or not _live(columns)):
        return _as_recorded(bare, columns), None
    if sides.same_recordings or (kind.counted and sides.exact):
        return _fact(bare, kind, sides, tolerance), None
    return _located(bare, kind, sides, tolerance, settings.alpha)


def _live(columns: tuple[Column, Column]) -> bool:
    return all(column.header.mode in _LIVE for column in columns)


def _as_recorded(bare: Measured, columns: tuple[Column, Column]) -> Measured:
    days = [(column.header.recorded_to or "").partition("T")[0] for column in columns]
    when = " and ".join(dict.fromkeys(day for day in days if day)) or "an unknown day"
    change = f"{units.seconds(bare.mean[0])} → {units.seconds(bare.mean[1])}"
    return msgspec.structs.replace(
        bare,
        ratio=_ratio(bare.mean),
        sentence=f"latency: {change}, median as recorded on {when}; not judged.",
    )


def _ratio(mean: tuple[float | None, float | None]) -> float | None:
    a, b = mean
    return b / a if a and b is not None else None


def _fact(bare: Measured, kind: Kind, sides: Sides, tolerance: float) -> Measured:
    """Judge what is counted: by the mean over groups, beyond the tolerance, without an interval."""
    deltas = [b - a for a, b in sides.values]
    changed = sum(bool(delta) for delta in deltas)
    mean_a = _mean([a for a, _ in sides.values])
    delta = fsum(deltas) / len(deltas)
    limit = tolerance if kind.share else tolerance * mean_a
    word: Word = "same" if abs(delta) <= limit else "worse" if delta > 0 else "better"
    of = f"{units.count(changed)} of {units.count(len(deltas))} groups"
    if not changed:
        said = f"{kind.noun}: the same in {units.count(len(deltas))} groups, a fact."
    elif kind.share:
        said = f"{kind.noun}: {units.points(delta)} points, {word}, on {of}, a fact."
    else:
        ratio = units.change(1 + delta / mean_a) if mean_a else units.UNKNOWN
        said = f"{kind.noun}: {ratio} on average, {word}; changed on {of}, a fact."
    return msgspec.structs.replace(
        bare,
        word=word,
        fact=True,
        difference=delta,
        ratio=None if kind.share or not mean_a else 1 + delta / mean_a,
        sentence=said,
    )


def _located(
    bare: Measured, kind: Kind, sides: Sides, tolerance: float, alpha: float
) -> tuple[Measured, float | None]:
    """Judge by the Hodges–Lehmann estimate, of log ratios where every value is above 0."""
    ratios = not kind.share and all(a > 0 and b > 0 for a, b in sides.values)
    steps = [log(b / a) if ratios else b - a for a, b in sides.values]
    found = location(steps, alpha=alpha)
    if ratios:
        limit, low, high = log1p(tolerance), *_exp(found)
        held = msgspec.structs.replace(bare, ratio=exp(found.estimate), low=low, high=high)
    else:
        limit = tolerance * (1 if kind.share else median(a for a, _ in sides.values))
        held = msgspec.structs.replace(
            bare, difference=found.estimate, low=found.low, high=found.high
        )
    if found.low is None or len(steps) < LEAST:
        few = f"{kind.noun}: {_shift(held, kind)} in {len(steps)} groups, too few to judge."
        return msgspec.structs.replace(held, sentence=few), None
    held = msgspec.structs.replace(held, word=_word(found, limit, alpha), p=found.p)
    return msgspec.structs.replace(held, sentence=_said(held, kind, alpha)), found.p


def _exp(found: Location) -> tuple[float | None, float | None]:
    return tuple(None if edge is None else exp(edge) for edge in (found.low, found.high))  # type: ignore[return-value]  # two go in


def _word(found: Location, limit: float, alpha: float) -> Word:
    edges = (found.same_low, found.same_high)
    if limit > 0 and None not in edges and -limit < (edges[0] or 0) and (edges[1] or 0) < limit:
        return "same"
    if found.p < alpha and found.estimate:
        return "worse" if found.estimate > 0 else "better"
    return "undecided"


def _said(held: Measured, kind: Kind, alpha: float) -> str:
    low, high = (_edge(edge, kind, ratio=held.ratio is not None) for edge in (held.low, held.high))
    word = "not decided" if held.word == "undecided" else held.word
    return (
        f"{kind.noun}: {word}, {_shift(held, kind)} "
        f"({units.percent(1 - alpha)}: {low} to {high}; {units.count(held.cases)} groups)."
    )


def _shift(held: Measured, kind: Kind) -> str:
    if held.ratio is not None:
        return units.change(held.ratio)
    return _edge(held.difference, kind, ratio=False)


def _edge(value: float | None, kind: Kind, *, ratio: bool) -> str:
    if value is None or ratio:
        return units.change(value)
    if kind.share:
        return f"{units.points(value)} points"
    sign = "−" if value < 0 else "+" if value else ""
    if kind.name == "latency":
        return sign + units.seconds(abs(value))
    if kind.name == "cost":
        return sign + units.money(abs(value), kind.unit or None)
    return f"{sign}{units.tokens(abs(value))}"


def _corrected(found: Sequence[tuple[Measured, float | None]], alpha: float) -> Iterator[Measured]:
    """Take back what is better or worse alone but not after Holm's correction of the family."""
    adjusted = iter(holm([p for _, p in found if p is not None]))
    tested = sum(p is not None for _, p in found)
    for each, p in found:
        if p is None:
            yield each
            continue
        if next(adjusted) >= alpha and each.word in {"better", "worse"}:
            said = each.sentence.replace(f"{each.word},", "not decided,", 1)
            after = f"{said.removesuffix('.')}; not after correction for {tested} measures."
            yield msgspec.structs.replace(each, word="undecided", sentence=after)
        else:
            yield each
