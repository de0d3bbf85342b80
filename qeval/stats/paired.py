"""Is B's mean over the cases another than A's? Two readings, each with a guard.

The guard is one imaginary change each way: it keeps few changes, and none, from being taken for
certainty. Chosen by simulation; `tests/benchmarks/bench_verdicts.py` runs it again in small.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import fsum, sqrt
from typing import NamedTuple

from qeval.stats.distributions import normal_quantile, normal_tail, t_quantile, t_tail

NONE = 1e-12
"""A difference smaller than this is none: what floating point leaves of equal rates."""


class Pair(NamedTuple):
    """One case on both sides."""

    d: float
    """B's rate minus A's, in [−1, 1]."""
    k_a: int = 1
    k_b: int = 1
    """Judged trials, at least 1."""
    variance_a: float = 0.0
    variance_b: float = 0.0
    """Unbiased variance of the trials of a side; 0 where there is one."""
    fact: bool = False
    """The same recording, or a deterministic target: no noise."""


class Estimate(NamedTuple):
    """A difference, how sure it is, and how sure it is negligible."""

    difference: float
    se: float
    low: float
    high: float
    """The 1 − alpha interval, cut to [−1, 1]."""
    p: float
    """Two-sided."""
    p_same: float
    """Of two one-sided tests: small where the difference is within the margin."""
    same_low: float
    same_high: float
    """The 1 − 2·alpha interval that must lie inside the margin."""
    cases: int
    degrees: float | None
    """Of Student's t; None: the normal distribution."""


def by_cases(
    pairs: Sequence[Pair],
    *,
    alpha: float = 0.05,
    margin: float = 0.05,
    clusters: Sequence[Hashable] | None = None,
) -> Estimate | None:
    """Judge whether it would hold for cases like these: the spread between cases counts.

    Args:
        pairs: One a case.
        alpha: Two-sided for the interval; of each of the two tests of sameness.
        margin: Largest difference that does not matter, at least 0.
        clusters: Of each case; cases of one cluster hang together. None: each its own.

    Returns:
        None where there are fewer than two clusters.

    Source:
        CR2 variance and its degrees of freedom for an intercept alone: Bell and McCaffrey
        (2002), Survey Methodology 28, 169-181; Pustejovsky and Tipton (2018), Journal of
        Business & Economic Statistics 36, 672-683. Two one-sided tests: Schuirmann (1987),
        Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    n = len(pairs)
    groups = _groups(pairs, clusters)
    count = len(groups)
    if count < 2:
        return None
    mean = _clean(fsum(pair.d for pair in pairs) / n)
    variance, degrees = _clustered(groups, n, mean)
    least = 1.0 / max(max(pair.k_a, pair.k_b) for pair in pairs) ** 2
    u2 = _guard(groups, n, least)
    shrink = (count - 1) / (count + 1)
    se = sqrt(shrink * (variance + 2.0 * u2 / (count * (count - 1))))
    full = shrink * (variance + 2.0 / (count * (count - 1)))
    same = sqrt(max(full, margin * (1.0 - margin) / count))
    return _estimate(mean, (se, same), (alpha, margin), n, degrees)


def by_suite(
    pairs: Sequence[Pair], *, alpha: float = 0.05, margin: float = 0.05
) -> Estimate | None:
    """Judge whether this suite changed: the cases are fixed, asking again is the only noise.

    Args:
        pairs: One a case.
        alpha: Two-sided for the interval; of each of the two tests of sameness.
        margin: Largest difference that does not matter, at least 0.

    Returns:
        None without a case.

    Source:
        The variance of a mean of independent differences (Miller 2024, arXiv:2411.00640,
        section 3.1), with one imaginary trial each way; two for sameness.
    """
    n = len(pairs)
    if not n:
        return None
    mean = _clean(fsum(pair.d for pair in pairs) / n)
    noise = fsum(_noise(pair) for pair in pairs)
    h = fsum(1.0 / pair.k_a**2 + 1.0 / pair.k_b**2 for pair in pairs) / n
    se = sqrt(noise + h) / n
    same = sqrt(noise + 2.0 * h) / n
    return _estimate(mean, (se, same), (alpha, margin), n, None)


def _noise(pair: Pair) -> float:
    if pair.fact:
        return 0.0
    if pair.k_a >= 2 and pair.k_b >= 2:
        return pair.variance_a / pair.k_a + pair.variance_b / pair.k_b
    return pair.d * pair.d  # with one trial nothing tells the noise; the change itself bounds it


def _groups(pairs: Sequence[Pair], clusters: Sequence[Hashable] | None) -> list[list[float]]:
    if clusters is None:
        return [[pair.d] for pair in pairs]
    held: dict[Hashable, list[float]] = {}
    for pair, cluster in zip(pairs, clusters, strict=True):
        held.setdefault(cluster, []).append(pair.d)
    return list(held.values())


def _clustered(groups: list[list[float]], n: int, mean: float) -> tuple[float, float]:
    """Return the CR2 variance of the mean, and Satterthwaite's degrees of freedom."""
    weights = [len(group) / n for group in groups]
    sums = [fsum(d - mean for d in group) for group in groups]
    pairs = list(zip(sums, weights, strict=True))
    variance = fsum(s * s / (1.0 - w) for s, w in pairs) / (n * n)
    if len(groups) == n:
        return variance, n - 1.0
    x = [w * w / (1.0 - w) for w in weights]
    spread = fsum(w * w for w in weights) + fsum(x) ** 2 - fsum(each * each for each in x)
    return variance, 1.0 / spread


def _guard(groups: list[list[float]], n: int, least: float) -> float:
    """Return the square of an imaginary change: as large as those seen, else of one trial."""
    totals = [fsum(group) for group in groups]
    changed = [total * total for total in totals if abs(total) >= NONE]
    if not changed:
        return least
    return fsum(changed) / len(changed) * (len(groups) / n) ** 2


def _estimate(
    mean: float,
    errors: tuple[float, float],
    rule: tuple[float, float],
    n: int,
    degrees: float | None,
) -> Estimate:
    (se, same), (alpha, margin) = errors, rule
    two_sided = _quantile(1.0 - alpha / 2.0, degrees)
    one_sided = _quantile(1.0 - alpha, degrees)
    upper = _tail((mean + margin) / same, degrees)
    lower = _tail((margin - mean) / same, degrees)
    return Estimate(
        difference=mean,
        se=se,
        low=max(-1.0, mean - two_sided * se),
        high=min(1.0, mean + two_sided * se),
        p=min(1.0, 2.0 * _tail(abs(mean) / se, degrees)),
        p_same=max(upper, lower),
        same_low=mean - one_sided * same,
        same_high=mean + one_sided * same,
        cases=n,
        degrees=degrees,
    )


def _quantile(q: float, degrees: float | None) -> float:
    return normal_quantile(q) if degrees is None else t_quantile(q, degrees)


def _tail(x: float, degrees: float | None) -> float:
    return normal_tail(x) if degrees is None else t_tail(x, degrees)


def _clean(value: float) -> float:
    return 0.0 if abs(value) < NONE else value
