"""Each case by itself: Fisher's mid-p, with the false discovery rate held over the list.

verdicts.md section 4. A case is decided from the p of its own table of passes; only those that
could reach the level at all share it (Tarone 1990, Gilbert 2005, Benjamini & Hochberg 1995).
Facts and incomparable cases stand outside the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import inf

import msgspec

from qeval.compare import phrases
from qeval.compare.pairing import Match
from qeval.compare.values import CASE_MARGIN, Change, Settings, Word
from qeval.stats.families import discoveries
from qeval.stats.fisher import least_p, mid_p
from qeval.stats.intervals import newcombe

LEAST_TRIALS = 3
"""Judged trials a side below which a case is never decided, and no p is computed."""

STEPS = (3, 5, 10, 20, 50, 100)
"""Trials a side that are proposed."""


def changes(matches: Sequence[Match], settings: Settings, *, errored: bool) -> tuple[Change, ...]:
    """Return every match as a change, in its order.

    Args:
        matches: Of one column against the first.
        settings: `alpha` is the false discovery rate; the margin of a case is 0.20.
        errored: Whether errors exceed their limit: then cases with an error are not decided.
    """
    made = [_change(each) for each in matches]
    listed = [number for number, each in enumerate(matches) if _testable(each, errored=errored)]
    ps = [_p(made[number]) for number in listed]
    least = [_least(made[number]) for number in listed]
    named = discoveries(ps, least, settings.alpha)
    for number, p, rejected in zip(listed, ps, named.rejected, strict=True):
        each = made[number]
        word: Word = "undecided"
        if rejected:
            word = "worse" if (each.difference or 0) < 0 else "better"
        elif _same(each, settings.alpha):
            word = "same"
        more = _more(each.passed, each.judged, settings.alpha) if word == "undecided" else None
        why = phrases.case(each, word, float(p), testable=named.testable, more=more)
        made[number] = msgspec.structs.replace(each, word=word, p=float(p), why=why)
    return tuple(made)


def suspects(found: Sequence[Change]) -> tuple[int, ...]:
    """Return the numbers of changes that got worse or might have, the worst first.

    By p (a fact needs none and comes first, a case without p last), then by difference, then in
    the suite's order.
    """
    ranked = [
        (0.0 if each.fact else inf if each.p is None else each.p, each.difference, number)
        for number, each in enumerate(found)
        if each.word in {"worse", "undecided"} and each.difference and each.difference < 0
    ]
    return tuple(number for _, _, number in sorted(ranked))


def _testable(each: Match, *, errored: bool) -> bool:
    if each.state != "paired" or each.fact or each.a is None or each.b is None:
        return False
    return min(each.a.judged, each.b.judged) >= LEAST_TRIALS and not (errored and each.errored)


def _change(each: Match) -> Change:
    """Return a match as a change; of a sample, not decided yet."""
    a, b = each.a, each.b
    bare = Change(
        case=each.place.case,
        target=each.place.target,
        scenario=each.place.scenario,
        state=each.state,
        tags=each.asked.tags,
        where=each.asked.where,
        passed=(a.passed if a else 0, b.passed if b else 0),
        judged=(a.judged if a else 0, b.judged if b else 0),
        planned=(a.planned if a else 0, b.planned if b else 0),
    )
    if each.state == "not_comparable":
        return msgspec.structs.replace(
            bare, word="not_comparable", why=f"not comparable: {each.why}"
        )
    if each.state != "paired" or a is None or b is None:
        return msgspec.structs.replace(bare, why=phrases.unpaired(each))
    difference = Fraction(b.passed, b.judged) - Fraction(a.passed, a.judged)
    if each.fact:
        word: Word = "worse" if difference < 0 else "better" if difference else "same"
        return msgspec.structs.replace(
            bare,
            word=word,
            fact=True,
            difference=float(difference),
            why=phrases.fact_case(bare, word, each.fact),
        )
    flip = a.judged == b.judged == 1 and bool(difference) and _replaced(each)
    low, high = _newcombe(a.passed, a.judged, b.passed, b.judged, 0.95)
    return msgspec.structs.replace(
        bare,
        word="undecided",
        difference=float(difference),
        low=low,
        high=high,
        flip=flip,
        why=phrases.untested_case(bare, flip=flip),
    )


def _replaced(each: Match) -> bool:
    """Whether both sides are known to cite a recording; they differ, or it were a fact."""
    return bool(each.a and each.b and each.a.recordings and each.b.recordings)


def _p(each: Change) -> Fraction:
    return _mid_p(each.passed[0], each.judged[0], each.passed[1], each.judged[1])


def _least(each: Change) -> Fraction:
    return _least_p(each.judged[0], each.judged[1], sum(each.passed))


@lru_cache(maxsize=10_000)
def _more(passed: tuple[int, int], judged: tuple[int, int], alpha: float) -> int | None:
    """Return how many trials a side would decide this case by itself, if its shares stay."""
    shares = [Fraction(a, k) for a, k in zip(passed, judged, strict=True)]
    for k in STEPS:
        a, b = (round(share * k) for share in shares)
        if k > max(judged) and _mid_p(a, k, b, k) <= alpha:
            return k
    return None


def _same(each: Change, alpha: float) -> bool:
    """Whether Newcombe's interval of 1 − 2 alpha lies inside the margin of a case."""
    (a, b), (k_a, k_b) = each.passed, each.judged
    low, high = _newcombe(a, k_a, b, k_b, 1 - 2 * alpha)
    return low > -CASE_MARGIN and high < CASE_MARGIN


_mid_p = lru_cache(maxsize=10_000)(mid_p)
_least_p = lru_cache(maxsize=10_000)(least_p)
_newcombe = lru_cache(maxsize=10_000)(newcombe)
