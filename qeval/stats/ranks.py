"""The middle of paired differences, without trust in their shape."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import floor, sqrt
from typing import NamedTuple

from qeval.stats.distributions import normal_quantile, normal_tail

EXACT = 50
"""Differences up to which the distribution of the signed-rank sum is counted out."""


HALVINGS = 20
"""Of the range of the values, before one mean of two is sought among those that are there."""


class Location(NamedTuple):
    """Where differences lie."""

    estimate: float
    """Hodges-Lehmann: the median of the means of all pairs of differences, each with itself too."""
    low: float | None
    high: float | None
    """The 1 − alpha interval; None of fewer than 6 differences."""
    same_low: float | None
    same_high: float | None
    """The 1 − 2·alpha interval."""
    p: float
    """Two-sided, of Wilcoxon's signed-rank test; ties and zeros stay in, which makes it larger."""
    n: int


def location(values: Sequence[float], *, alpha: float = 0.05) -> Location:
    """Return where paired differences lie.

    Args:
        values: At least one; log ratios, for measures.
        alpha: Of the two-sided interval.

    Source:
        Hodges and Lehmann (1963), Annals of Mathematical Statistics 34, 598-611; Wilcoxon
        (1945), Biometrics Bulletin 1, 80-83. The order statistics are found by counting, in
        O(n) a step, not by sorting n(n+1)/2 means.
    """
    ordered = sorted(values)
    n = len(ordered)
    count = n * (n + 1) // 2
    middle = (_order(ordered, (count + 1) // 2) + _order(ordered, count // 2 + 1)) / 2.0
    low, high = _bounds(ordered, alpha)
    same_low, same_high = _bounds(ordered, 2.0 * alpha)
    return Location(middle, low, high, same_low, same_high, _signed_rank_p(ordered), n)


def _bounds(ordered: list[float], alpha: float) -> tuple[float | None, float | None]:
    n = len(ordered)
    if n < 6:
        return None, None
    if ordered[0] == ordered[-1]:
        return ordered[0], ordered[0]
    rank = _critical(n, alpha)
    if rank < 1:
        return None, None
    count = n * (n + 1) // 2
    return _order(ordered, rank), _order(ordered, count + 1 - rank)


def _critical(n: int, alpha: float) -> int:
    """Return the largest c with P(W ≤ c − 1) ≤ alpha / 2."""
    if n > EXACT:
        spread = sqrt(n * (n + 1) * (2 * n + 1) / 24.0)
        return floor(n * (n + 1) / 4.0 - normal_quantile(1.0 - alpha / 2.0) * spread + 0.5)
    ways = _ways(n)
    rank, total = 0, ways[0]
    while total <= alpha / 2.0 * 2.0**n:
        rank += 1
        total += ways[rank]
    return rank


@lru_cache(maxsize=64)
def _ways(n: int) -> list[int]:
    """Return in how many ways signed ranks 1 … n can add up to each sum."""
    ways = [1]
    for rank in range(1, n + 1):
        longer = ways + [0] * rank
        for total, number in enumerate(ways):
            longer[total + rank] += number
        ways = longer
    return ways


def _order(ordered: list[float], rank: int) -> float:
    """Return the mean of two values that stands at a rank, from 1, among all such means."""
    n = len(ordered)
    low, high = ordered[0], ordered[-1]
    below, within = _at_most(ordered, low), n * (n + 1) // 2
    if below >= rank:
        return low
    halvings = HALVINGS
    while within - below > n:
        if halvings:
            halvings -= 1
            middle = low + (high - low) / 2.0
        else:  # many are equal, or they lie at very different distances
            low = _next(ordered, low)
            below = _at_most(ordered, low)
            if below >= rank:
                return low
            middle = _pivot(ordered, low, high)
        most = _at_most(ordered, middle)
        if most >= rank:
            high, within = middle, most
        else:
            low, below = middle, most
    return sorted(_between(ordered, low, high))[rank - below - 1]


def _rows(ordered: list[float], low: float, high: float) -> Iterator[tuple[float, int, int]]:
    """Yield each value with where its partners begin and end: means above `low`, at most `high`."""
    first = last = len(ordered) - 1
    for left, value in enumerate(ordered):
        while last >= left and value + ordered[last] > 2.0 * high:
            last -= 1
        if last < left:
            return
        while first >= left and value + ordered[first] > 2.0 * low:
            first -= 1
        yield value, max(first + 1, left), last + 1


def _between(ordered: list[float], low: float, high: float) -> Iterator[float]:
    """Yield the means above `low` and at most `high`, in no order."""
    for value, start, end in _rows(ordered, low, high):
        for right in range(start, end):
            yield (value + ordered[right]) / 2.0


def _pivot(ordered: list[float], low: float, high: float) -> float:
    """Return a mean above `low` and at most `high`: the middle one of the longest row."""
    value, start, end = max(_rows(ordered, low, high), key=lambda row: row[2] - row[1])
    return (value + ordered[(start + end - 1) // 2]) / 2.0


def _next(ordered: list[float], x: float) -> float:
    """Return the least mean above x; there is one."""
    found = ordered[-1]
    right = len(ordered) - 1
    twice = 2.0 * x
    for left, value in enumerate(ordered):
        while right >= left and value + ordered[right] > twice:
            right -= 1
        beyond = max(right + 1, left)
        if beyond < len(ordered):
            found = min(found, (value + ordered[beyond]) / 2.0)
    return found


def _at_most(ordered: list[float], x: float) -> int:
    """Count the means (v_i + v_j) / 2, i ≤ j, that are at most x."""
    count = 0
    right = len(ordered) - 1
    twice = 2.0 * x
    for left, value in enumerate(ordered):
        while right >= left and value + ordered[right] > twice:
            right -= 1
        if right < left:
            break
        count += right - left + 1
    return count


def _signed_rank_p(ordered: list[float]) -> float:
    """Return the two-sided p value of the signed-rank sum.

    Equal sizes share their ranks, and a zero counts half on either side.
    """
    n = len(ordered)
    sizes = sorted(abs(value) for value in ordered)
    positive = 0.0
    for value in ordered:
        if value >= 0:
            rank = (bisect_left(sizes, value) + 1 + bisect_right(sizes, value)) / 2.0
            positive += rank if value > 0 else rank / 2.0
    total = n * (n + 1) / 2.0
    far = max(positive, total - positive)
    if n <= EXACT:
        tail = sum(number for rank, number in enumerate(_ways(n)) if rank >= far)
        return min(1.0, 2.0 * tail / 2.0**n)
    spread = sqrt(n * (n + 1) * (2 * n + 1) / 24.0)
    # Half a rank less, so that p is below alpha where the interval leaves 0 out.
    return min(1.0, 2.0 * normal_tail((far - total / 2.0 - 0.5) / spread))
