"""One case on both sides: exact tests of a 2 × 2 table, and of graded scores."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import comb, fsum, inf, lcm, sqrt

from qeval.stats.distributions import t_tail

EXACT = 12
"""Trials of both sides together up to which all divisions of graded scores are tried."""
SHARPEST = 1_000_000_000
"""Largest denominator of a score: 0.1 + 0.2 is 0.3, and three thirds are one."""


@lru_cache(maxsize=65_536)
def mid_p(a: int, k_a: int, b: int, k_b: int) -> Fraction:
    """Return Fisher's two-sided p value, doubled, with half the weight on the table itself.

    Args:
        a: Passed of k_a trials on one side.
        k_a: At least 0.
        b: Passed of k_b trials on the other.
        k_b: At least 0.

    Source:
        The exact test is Fisher's; half the weight of what was seen, and why: Fagerland,
        Lydersen and Laake (2013), BMC Medical Research Methodology 13, 91.

    >>> float(mid_p(5, 5, 0, 5)), mid_p(3, 3, 0, 3)
    (0.003968253968253968, Fraction(1, 20))
    """
    total = a + b
    all_ = comb(k_a + k_b, total)
    least = max(0, total - k_b)
    # Twice the tail below, so that half the weight of the table itself is a whole number.
    lower = 2 * sum(_weight(x, k_a, k_b, total) for x in range(least, a))
    lower += _weight(a, k_a, k_b, total)
    return min(Fraction(1), Fraction(min(lower, 2 * all_ - lower), all_))


@lru_cache(maxsize=16_384)
def least_p(k_a: int, k_b: int, total: int) -> Fraction:
    """Return the smallest `mid_p` that any table with so many passes in all could have.

    >>> [str(least_p(5, 5, total)) for total in range(6)]
    ['1', '1/2', '2/9', '1/12', '1/42', '1/252']
    """
    ends = max(0, total - k_b), min(k_a, total)
    return min(mid_p(x, k_a, total - x, k_b) for x in ends)


def permutation_p(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the two-sided p value for graded scores of two sides; 1 where they are all equal.

    Up to 12 trials together every division of them is tried, with half the weight on those as
    far apart as the one seen, so that for scores of 0 and 1 it is `mid_p`; above, Welch's t.

    Args:
        a: Scores of one side, at least one.
        b: Of the other, at least one.
    """
    if len(a) + len(b) > EXACT:
        return _welch(a, b)
    scores = _whole([*a, *b])
    seen = sum(scores[: len(a)])
    below = equal = above = 0
    for chosen in combinations(scores, len(a)):
        total = sum(chosen)
        below += total < seen
        equal += total == seen
        above += total > seen
    all_ = below + equal + above
    return min(1.0, (2 * min(below, above) + equal) / all_)


def _whole(scores: Sequence[float]) -> list[int]:
    """Return scores as whole numbers of a common part, so that equal sums are equal."""
    shares = [Fraction(score).limit_denominator(SHARPEST) for score in scores]
    common = lcm(*(share.denominator for share in shares))
    return [share.numerator * (common // share.denominator) for share in shares]


def _weight(x: int, k_a: int, k_b: int, total: int) -> int:
    return comb(k_a, x) * comb(k_b, total - x)


def _welch(a: Sequence[float], b: Sequence[float]) -> float:
    (mean_a, part_a), (mean_b, part_b) = _moments(a), _moments(b)
    difference = mean_b - mean_a
    if part_a is None or part_b is None:
        return 1.0
    noise = part_a + part_b
    if not noise:  # two values in all: a table of passes, and no certainty
        return float(mid_p(len(a), len(a), 0, len(b))) if difference else 1.0
    spread = part_a**2 / (len(a) - 1) + part_b**2 / (len(b) - 1)
    degrees = noise**2 / spread if spread else inf
    return min(1.0, 2.0 * t_tail(abs(difference) / sqrt(noise), degrees))


def _moments(scores: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean, and the variance of the mean; None of a single score."""
    mean = fsum(scores) / len(scores)
    if len(scores) < 2:
        return mean, None
    return mean, fsum((s - mean) ** 2 for s in scores) / (len(scores) - 1) / len(scores)
