"""The score of trials, side against side: how much of what was asked an answer has.

A score compares and does not decide (suites.md section 10), so it is a measure beside the pass
rate, by the same formulas (verdicts.md section 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum

import msgspec

from qeval import units
from qeval.compare.halves import Half
from qeval.compare.judging import Weigher, mean_of
from qeval.compare.pairing import Match
from qeval.compare.phrases import number
from qeval.compare.values import Measured
from qeval.stats.paired import Pair


def scores(paired: Sequence[Match], weigher: Weigher) -> Iterator[tuple[Measured, float | None]]:
    """Yield the measure with its p, where some trial had part of what was asked of it.

    Else its score is whether it passed, and nothing is yielded.
    """
    taken = [(each, a, b) for each in paired if (a := _of(each.a)) and (b := _of(each.b))]
    if not any(0 < score < 1 for _, a, b in taken for score in (*a, *b)):
        return
    given = tuple(_pair(each, a, b) for each, a, b in taken)
    weighed = weigher.of(tuple(each for each, _, _ in taken), given)
    (word,) = weigher.words([weighed])
    mean = _mean([s for _, a, _ in taken for s in a]), _mean([s for _, _, b in taken for s in b])
    held = Measured(
        name="score",
        unit="",
        word=None if weighed.few else word,
        sentence="",
        higher_is_worse=False,
        mean=mean,
        difference=mean_of(given),
        cases=len(given),
        fact=weighed.facts,
    )
    estimate = None if weighed.facts or weighed.few else weighed.estimate
    if estimate is not None:
        held = msgspec.structs.replace(held, low=estimate.low, high=estimate.high, p=estimate.p)
    yield msgspec.structs.replace(held, sentence=_said(held, weigher)), held.p


def _of(half: Half | None) -> tuple[float, ...]:
    return half.scores if half else ()


def _pair(each: Match, a: Sequence[float], b: Sequence[float]) -> Pair:
    return Pair(
        d=_mean(b) - _mean(a),
        k_a=len(a),
        k_b=len(b),
        variance_a=_variance(a),
        variance_b=_variance(b),
        fact=bool(each.fact),
    )


def _variance(scores: Sequence[float]) -> float:
    """Unbiased variance; 0 of a single score."""
    if len(scores) < 2:
        return 0.0
    mean = _mean(scores)
    return fsum((score - mean) ** 2 for score in scores) / (len(scores) - 1)


def _mean(scores: Sequence[float]) -> float:
    return fsum(scores) / len(scores)


def _said(held: Measured, weigher: Weigher) -> str:
    change = f"{units.percent(held.mean[0])} → {units.percent(held.mean[1])}"
    over = number(held.cases, "group")
    if held.fact:
        return f"score: {held.word}, {change} in {over}, a fact."
    if held.word is None:
        return f"score: {change} in {over}, too few to judge."
    word = "not decided" if held.word == "undecided" else held.word
    if held.low is None:
        return f"score: {word}, {change} ({over})."
    sure = units.percent(1 - weigher.settings.alpha)
    ends = f"{units.points(held.low)} to {units.points(held.high)} points"
    return f"score: {word}, {change} ({sure}: {ends}; {over})."
