"""How many cases, or trials of each, it takes to see a drop, or to call two sides the same."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, fsum, sqrt
from typing import Literal, NamedTuple

from qeval.stats.distributions import normal_quantile

DIFFICULTY = 1 / 3
"""Share of the variance of outcomes that lies between cases, where nobody knows better."""
FEW = 15
"""Below so many cases two more are taken, for Student's t asks more than the normal."""


class Design(NamedTuple):
    """What is planned, and what is to be seen."""

    rate: float
    """A's pass rate, in (0, 1)."""
    drop: float
    """B's is lower by so much; 0 < drop ≤ rate."""
    k_a: int = 1
    k_b: int = 1
    """Trials of each case."""
    reading: Literal["cases", "suite"] = "cases"
    difficulty: float = DIFFICULTY
    """In [0, 1]: 0, all cases alike; 1, each passes always or never."""
    concentrated: bool = False
    """Whether the drop breaks some cases wholly instead of each a little."""
    alpha: float = 0.05
    power: float = 0.8


def cases_needed(design: Design) -> int:
    """Return the cases with which the drop would be seen with that power, at least 1.

    The variance of a case's difference under the drop, and the guard of `paired`, made into a
    number of cases by the normal approximation; simulated power there is 76 to 88 % for 80.

    Raises:
        ValueError: The drop is not within the rate.

    >>> cases_needed(Design(0.8, 0.1)), cases_needed(Design(0.8, 0.1, 3, 3))
    (225, 76)
    """
    if not 0 < design.drop <= design.rate <= 1:
        raise ValueError(f"a drop of {design.drop} is not within a rate of {design.rate}")
    z = normal_quantile(1 - design.alpha / 2) + normal_quantile(design.power)
    return _cases(design, z, _spread(design))


def cases_for_same(design: Design) -> int:
    """Return the cases with which no change would be called the same within `drop`, at least 1.

    Both tests of sameness have to hold, so each is given half of what may go wrong; their guard
    is the harder one of `paired`.
    """
    z = normal_quantile(1 - design.alpha) + normal_quantile((1 + design.power) / 2)
    noise = 1 / design.k_a + 1 / design.k_b
    if design.reading == "suite":
        guard, least = 2 * (design.k_a**-2 + design.k_b**-2), 0
    else:
        guard, least = 2.0, ceil(z * z * (1 - design.drop) / design.drop)
    return max(least, _cases(design, z, (_within(design) * noise, guard)))


def smallest_drop(design: Design, cases: int) -> float | None:
    """Return the least drop that so many cases would show; None: not even one of the whole rate.

    Args:
        design: Its `drop` is not looked at.
        cases: At least 1.
    """
    if cases_needed(design._replace(drop=design.rate)) > cases:
        return None
    low, high = 0.0, design.rate
    for _ in range(40):
        middle = (low + high) / 2
        if cases_needed(design._replace(drop=middle)) > cases:
            low = middle
        else:
            high = middle
    return high


def difficulty(rates: Sequence[float], k: int) -> float:
    """Return the share of variance between cases, in [0, 1], from rates of k ≥ 2 trials each."""
    mean = fsum(rates) / len(rates)
    whole = mean * (1 - mean)
    if not whole:
        return DIFFICULTY
    within = fsum(p * (1 - p) for p in rates) / len(rates) * k / (k - 1)
    return min(1.0, max(0.0, 1 - within / whole))


def _cases(design: Design, z: float, spread: tuple[float, float]) -> int:
    """Return the cases whose error is so small that `drop` is z of it.

    The square of the error of n cases is variance / n + guard / n².
    """
    variance, guard = spread
    added = z * sqrt(guard) / design.drop  # if there were the guard alone; with both it is less
    if variance:
        added = min(added, guard / variance)
    n = ceil(z * z * variance / design.drop**2 + added)
    return n + 2 if n < FEW and design.reading == "cases" else n


def _within(design: Design) -> float:
    """Return the variance of a trial of one case, on average."""
    return (1 - design.difficulty) * design.rate * (1 - design.rate)


def _spread(design: Design) -> tuple[float, float]:
    """Return the variance of one case's difference under the drop, and the guard."""
    p, drop = design.rate, design.drop
    between = design.difficulty * p * (1 - p)
    second = p * p + between
    lost = drop / p
    kept = 1 - lost
    k = max(design.k_a, design.k_b)
    if design.concentrated:
        variance = _within(design) * (1 / design.k_a + kept / design.k_b)
        of_cases = lost * second - drop * drop
    else:
        variance = _within(design) / design.k_a + kept * (p - kept * second) / design.k_b
        of_cases = lost * lost * between
    if design.reading == "cases":
        variance += of_cases
    return variance, 2 / k if design.concentrated else 2 / (k * k)
