"""How much the answers of one group differ among themselves, side against side.

verdicts.md section 9: of groups with two judged answers or more on both sides, only numbers whose
expectation does not depend on how many there are. Answers are equal where their texts are, since
a baseline keeps no more than a digest. Agreement and similarity are better higher, distinct answers
and words better fewer: what is asked of them here is to be steady.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import fsum
from typing import Literal

import msgspec

from qeval import units
from qeval.compare.halves import Half
from qeval.compare.pairing import Match
from qeval.compare.phrases import number
from qeval.compare.values import DEFAULT_MARGIN, Measured, Settings, Word
from qeval.stats.diversity import (
    Grams,
    agreement,
    distinct_answers,
    distinct_n,
    modal_agreement,
    ngram_share,
)
from qeval.stats.paired import Estimate, Pair, by_cases
from qeval.value import Value


class Diversity(Value):
    """A number of a group's answers."""

    name: str
    noun: str
    value: Callable[[Half], float | None]
    scale: float = 1.0
    """What it can differ by at most; differences are judged as shares of it."""
    higher_is_worse: bool = False
    unit: str = ""
    plain: Callable[[Half], float | None] | None = None
    """The number as others print it, which depends on how many answers there are: shown beside."""


class _Sides(Value):
    """The groups that have the number on both sides."""

    matches: tuple[Match, ...]
    values: tuple[tuple[float, float], ...]

    @property
    def mean(self) -> tuple[float, float]:
        a, b = (fsum(column) / len(column) for column in zip(*self.values, strict=True))
        return a, b


def diversities(paired: Sequence[Match], settings: Settings) -> list[tuple[Measured, float | None]]:
    """Return agreement, distinct answers, similarity and wording, each with its p where it has one.

    They are judged in the reading `cases`, with the margin of the whole as a share of what the
    number can differ by at most; groups of one case hang together.
    """
    several = [m for m in paired if m.a and m.b and min(m.a.judged, m.b.judged) > 1]
    least = min((half.judged for m in several for half in (m.a, m.b) if half), default=2)
    kinds = (
        Diversity(
            name="agreement",
            noun="agreement of answers to one question",
            value=lambda half: agreement(half.answers),
        ),
        Diversity(
            name="modal_agreement",
            noun=f"share of the commonest answer in {least}",
            value=lambda half: _modal(half.answers, least),
        ),
        Diversity(
            name="distinct_answers",
            noun=f"distinct answers in {least}",
            value=lambda half: distinct_answers(half.answers, least),
            scale=float(least - 1),
            higher_is_worse=True,
            unit="answers",
        ),
        Diversity(
            name="similarity",
            noun="similarity of answers to one question",
            value=lambda half: half.similarity,
        ),
        _distinct("words", least),
        _distinct("pairs", least),
        Diversity(
            name="pairwise_bleu",
            noun="BLEU of answers to one question against each other",
            value=lambda half: half.wording.bleu if half.wording else None,
        ),
    )
    return [_judged(kind, sides, settings) for kind in kinds if (sides := _sides(kind, several))]


def _distinct(which: Literal["words", "pairs"], least: int) -> Diversity:
    """Return distinct-1 or distinct-2."""

    def counted(half: Half) -> Grams | None:
        return getattr(half.wording, which, None)

    return Diversity(
        name="distinct_1" if which == "words" else "distinct_2",
        noun=f"distinct {'words' if which == 'words' else 'pairs of words'} in {least} answers",
        value=lambda half: distinct_n(held, least) if (held := counted(half)) else None,
        higher_is_worse=True,
        plain=lambda half: ngram_share(held) if (held := counted(half)) else None,
    )


def _sides(kind: Diversity, several: Sequence[Match]) -> _Sides | None:
    known = [
        (each, (a, b))
        for each in several
        if each.a
        and each.b
        and (a := kind.value(each.a)) is not None
        and (b := kind.value(each.b)) is not None
    ]
    if not known:
        return None
    return _Sides(
        matches=tuple(each for each, _ in known), values=tuple(values for _, values in known)
    )


def _judged(kind: Diversity, sides: _Sides, settings: Settings) -> tuple[Measured, float | None]:
    steps = [(b - a) / kind.scale for a, b in sides.values]
    held = Measured(
        name=kind.name,
        unit=kind.unit,
        word=None,
        sentence="",
        higher_is_worse=kind.higher_is_worse,
        mean=sides.mean,
        difference=fsum(steps) / len(steps) * kind.scale,
        cases=len(steps),
    )
    change = f"{_shown(kind, held.mean[0])} → {_shown(kind, held.mean[1])}"
    over = number(len(steps), "group")
    if all(match.fact == "recording" for match in sides.matches):
        said = f"{kind.noun}: {_shown(kind, held.mean[1])} in {over}, the same recordings."
        return msgspec.structs.replace(held, word="same", fact=True, sentence=said), None
    estimate = _estimate(steps, sides.matches, settings)
    clusters = len({match.place.case for match in sides.matches})
    if estimate is None or clusters < settings.min_cases:
        said = f"{kind.noun}: {change} in {over}, too few to judge."
        return msgspec.structs.replace(held, sentence=said), None
    word = _word(estimate, settings, higher_is_worse=kind.higher_is_worse)
    told = "not decided" if word == "undecided" else word
    judged = msgspec.structs.replace(
        held,
        word=word,
        low=estimate.low * kind.scale,
        high=estimate.high * kind.scale,
        p=estimate.p,
        sentence=f"{kind.noun}: {told}, {change} ({over}{_plain(kind, sides.matches)}).",
    )
    return judged, estimate.p


def _plain(kind: Diversity, matches: Sequence[Match]) -> str:
    """Say the plain number of all answers, where another number of them makes it another."""
    if kind.plain is None or all(m.a and m.b and m.a.judged == m.b.judged for m in matches):
        return ""
    sides = [
        [value for half in halves if half and (value := kind.plain(half)) is not None]
        for halves in ([m.a for m in matches], [m.b for m in matches])
    ]
    a, b = (units.percent(fsum(side) / len(side)) for side in sides)
    return f"; of all answers {a} and {b}, not comparable"


def _shown(kind: Diversity, value: float | None) -> str:
    return units.tokens(value) if kind.unit else units.percent(value)


def _estimate(
    steps: Sequence[float], matches: Sequence[Match], settings: Settings
) -> Estimate | None:
    made = [
        Pair(d=step, k_a=m.a.judged, k_b=m.b.judged, variance_a=0.0, variance_b=0.0)
        for step, m in zip(steps, matches, strict=True)
        if m.a and m.b
    ]
    cases = [match.place.case for match in matches]
    return by_cases(
        made,
        alpha=settings.alpha,
        margin=settings.margin or DEFAULT_MARGIN,
        clusters=cases if len(set(cases)) < len(cases) else None,
    )


def _word(estimate: Estimate, settings: Settings, *, higher_is_worse: bool) -> Word:
    if estimate.p_same < settings.alpha and settings.margin != 0:
        return "same"
    if estimate.p < settings.alpha and estimate.difference:
        return "worse" if (estimate.difference > 0) == higher_is_worse else "better"
    return "undecided"


_modal = lru_cache(maxsize=10_000)(modal_agreement)
