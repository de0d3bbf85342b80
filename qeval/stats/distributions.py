"""Tails and quantiles of the normal and of Student's t distribution."""

from __future__ import annotations

from functools import lru_cache
from math import erfc, exp, inf, lgamma, log, log1p, pi, sqrt

_LARGE = 10_000.0
"""Degrees of freedom from which the difference of two log-gammas has lost too many digits."""


def normal_tail(x: float) -> float:
    """Return P(Z > x) of the standard normal distribution, exact also far out."""
    return 0.5 * erfc(x / sqrt(2.0))


@lru_cache(maxsize=256)
def normal_quantile(q: float) -> float:
    """Return the q-quantile of the standard normal distribution, 0 < q < 1, to 1e-15.

    `statistics.NormalDist` has one too, but takes longer to import than a run to report.

    Source:
        The start: Abramowitz and Stegun (1964), Handbook of Mathematical Functions, 26.2.23.

    >>> round(normal_quantile(0.975), 12)
    1.95996398454
    """
    if q == 0.5:
        return 0.0
    if q > 0.5:
        return -normal_quantile(1.0 - q)
    # Hastings' start is right to 4.5e-4, and each of Newton's steps squares that.
    t = sqrt(-2.0 * log(q))
    x = (2.515517 + t * (0.802853 + t * 0.010328)) / (
        1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    ) - t
    for _ in range(4):
        x -= (normal_tail(-x) - q) * sqrt(2.0 * pi) * exp(x * x / 2.0)
    return x


def t_tail(t: float, degrees: float) -> float:
    """Return P(T > t) of Student's t distribution with `degrees` > 0, which need not be whole."""
    square = t * t
    if square == inf:
        return 0.0 if t > 0 else 1.0
    whole = degrees + square
    near, far = degrees / whole, square / whole
    # log(near), which 1 − far would lose where t is small and the degrees are many
    logs = -log1p(square / degrees), log(far) if far else -inf
    half = 0.5 * _beta_share((degrees / 2.0, 0.5), (near, far), logs)
    return half if t >= 0 else 1.0 - half


@lru_cache(maxsize=4096)
def t_quantile(q: float, degrees: float) -> float:
    """Return the q-quantile of Student's t distribution, 0 < q < 1, to about 1e-12 of itself.

    >>> round(t_quantile(0.975, 4), 6)
    2.776445
    """
    if q == 0.5:
        return 0.0
    if q > 0.5:
        return -t_quantile(1.0 - q, degrees)
    low, high = 0.0, 2.0
    while t_tail(high, degrees) > q:
        low, high = high, high * 2.0
    while high - low > 1e-13 * high:
        middle = (low + high) / 2.0
        if t_tail(middle, degrees) > q:
            low = middle
        else:
            high = middle
    return -(low + high) / 2.0


def _beta_share(
    powers: tuple[float, float], shares: tuple[float, float], logs: tuple[float, float]
) -> float:
    """Return the regularised incomplete beta function, by Lentz's continued fraction.

    Args:
        powers: a and b of I_x(a, b).
        shares: x and 1 − x, each to its own precision.
        logs: Of the two.
    """
    (a, b), (x, y) = powers, shares
    if not x or not y:
        return 0.0 if not x else 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _beta_share((b, a), (y, x), (logs[1], logs[0]))
    front = exp(_log_gamma_sum(a, b) + a * logs[0] + b * logs[1])
    return front * _fraction(a, b, x) / a


def _log_gamma_sum(a: float, b: float) -> float:
    """Return log Γ(a+b) − log Γ(a) − log Γ(b)."""
    large, small = max(a, b), min(a, b)
    if small == 0.5 and large > _LARGE / 2.0:
        step = 0.5 * log(large) - 1.0 / (8.0 * large) + 1.0 / (192.0 * large**3)
        return step - lgamma(0.5)
    return lgamma(a + b) - lgamma(a) - lgamma(b)


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function."""
    tiny = 1e-300
    c = 1.0
    d = 1.0 / _apart(1.0 - (a + b) * x / (a + 1.0), tiny)
    value, factor, m = d, inf, 0
    while abs(factor - 1.0) >= 1e-15 and m < 400:
        m += 1
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _apart(1.0 + numerator * d, tiny)
            c = _apart(1.0 + numerator / c, tiny)
            factor = c * d
            value *= factor
    return value


def _apart(value: float, tiny: float) -> float:
    """Keep a denominator away from zero."""
    return tiny if abs(value) < tiny else value
