"""Many judgements at once: how often any of them, or how many of them, may be wrong."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias, TypeVar

P = TypeVar("P", float, Fraction)
Number: TypeAlias = float | Fraction


class Discoveries(NamedTuple):
    """Which of many cases are judged to differ."""

    rejected: tuple[bool, ...]
    """In the order given."""
    testable: int
    """Cases that share alpha: the others could not have been judged whatever had happened."""


def holm(ps: Sequence[float]) -> list[float]:
    """Return p values adjusted so that any false judgement is as rare as alpha.

    Source:
        Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
        Journal of Statistics 6, 65-70.

    >>> [round(p, 3) for p in holm([0.001, 0.011, 0.02, 0.04, 0.3])]
    [0.005, 0.044, 0.06, 0.08, 0.3]
    """
    adjusted = list(ps)
    highest = 0.0
    for rank, place in enumerate(_order(ps)):
        highest = max(highest, min(1.0, ps[place] * (len(ps) - rank)))
        adjusted[place] = highest
    return adjusted


def benjamini_hochberg(ps: Sequence[P]) -> list[P]:
    """Return p values adjusted so that few of the judgements are false.

    Source:
        Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of
        the Royal Statistical Society B 57, 289-300.

    >>> [round(p, 4) for p in benjamini_hochberg([0.001, 0.011, 0.02, 0.04, 0.3])]
    [0.005, 0.0275, 0.0333, 0.05, 0.3]
    """
    adjusted = list(ps)
    order = _order(ps)
    lowest: P | None = None
    for rank in range(len(ps), 0, -1):
        place = order[rank - 1]
        value = ps[place] * len(ps) / rank
        lowest = value if lowest is None or value < lowest else lowest
        adjusted[place] = lowest
    return adjusted


def discoveries(ps: Sequence[Number], least: Sequence[Number], alpha: float = 0.05) -> Discoveries:
    """Return which cases differ, the false discovery rate being at most alpha.

    Cases that could not reach alpha / K whatever had happened are left out, with the smallest K
    that leaves at most K cases; the others are judged by Benjamini and Hochberg. Should that
    leave none, for many cases share one least p value, those are judged that K − 1 leaves. The
    least p values say nothing of what happened, so choosing by them costs nothing. A p value
    equal to its bound counts.

    Args:
        ps: Of each case; a Fraction is compared exactly.
        least: The smallest that the case could have had, known without the direction.
        alpha: Rate of false discoveries.

    Source:
        Tarone (1990), Biometrics 46, 515-522; Gilbert (2005), Journal of the Royal Statistical
        Society C 54, 143-158.
    """
    bound = _exact(alpha)
    exact = [_exact(p) for p in least]
    ranked = sorted(exact)

    def left(number: int) -> int:
        return bisect_right(ranked, bound / number)

    # K − left(K) only grows with K, so the first K is found by halving.
    number = bisect_left(range(len(ps) + 1), 0, lo=1, key=lambda each: each - left(each))
    if number > 1 and not left(number):
        number -= 1
    chosen = [place for place, p in enumerate(exact) if p <= bound / number]
    adjusted = benjamini_hochberg([_exact(ps[place]) for place in chosen])
    named = {place for place, p in zip(chosen, adjusted, strict=True) if p <= bound}
    return Discoveries(tuple(place in named for place in range(len(ps))), len(chosen))


def _exact(p: Number) -> Fraction:
    """Return a p value as a fraction; a float as the decimal number that it is written as."""
    return p if isinstance(p, Fraction) else Fraction(str(p))


def _order(ps: Sequence[P]) -> list[int]:
    return sorted(range(len(ps)), key=lambda place: ps[place])
