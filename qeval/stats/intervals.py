"""Intervals of one rate, and of the difference of two independent ones."""

from __future__ import annotations

from math import sqrt

from qeval.stats.distributions import normal_quantile


def wilson(passed: int, judged: int, level: float = 0.95) -> tuple[float, float] | None:
    """Return the score interval of a rate, each bound in [0, 1]; None without a trial.

    It treats trials as independent, which trials of one case are not: read it as the least
    doubt there is.

    Source:
        Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
        inference. Journal of the American Statistical Association 22, 209-212.

    >>> [round(bound, 3) for bound in wilson(9, 10)]
    [0.596, 0.982]
    """
    if not judged:
        return None
    z = normal_quantile(0.5 + level / 2.0)
    rate = passed / judged
    middle = rate + z * z / (2 * judged)
    spread = z * sqrt(rate * (1 - rate) / judged + z * z / (4 * judged * judged))
    scale = 1 + z * z / judged
    # At the ends the bound is exact; floating point misses it by its last digit.
    low = (middle - spread) / scale if passed else 0.0
    high = (middle + spread) / scale if passed < judged else 1.0
    return low, high


def newcombe(a: int, k_a: int, b: int, k_b: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of b/k_b − a/k_a, each bound in [−1, 1]: square and add.

    Source:
        Newcombe, R. G. (1998). Interval estimation for the difference between independent
        proportions. Statistics in Medicine 17, 873-890 (method 10).

    Raises:
        ValueError: A side has no trial.
    """
    one, two = wilson(a, k_a, level), wilson(b, k_b, level)
    if one is None or two is None:
        raise ValueError("a difference needs a trial on both sides")
    p, q = a / k_a, b / k_b
    low = q - p - sqrt((q - two[0]) ** 2 + (one[1] - p) ** 2)
    high = q - p + sqrt((two[1] - q) ** 2 + (p - one[0]) ** 2)
    return max(-1.0, low), min(1.0, high)
