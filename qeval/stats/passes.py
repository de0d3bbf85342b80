"""The chance that one of k trials passes, or all of them, from n trials of which c passed."""

from __future__ import annotations

from math import comb


def pass_at_k(n: int, c: int, k: int) -> float | None:
    """Return the unbiased chance that at least one of k trials passes; None if n < k.

    Source:
        Chen et al. (2021), arXiv:2107.03374.

    >>> [round(pass_at_k(10, 3, k), 6) for k in (1, 2, 5)]
    [0.3, 0.533333, 0.916667]
    """
    return None if n < k else 1 - comb(n - c, k) / comb(n, k)


def pass_hat_k(n: int, c: int, k: int) -> float | None:
    """Return the unbiased chance that all of k trials pass; None if n < k.

    Source:
        Yao et al. (2024), arXiv:2406.12045.

    >>> [round(pass_hat_k(10, 8, k), 6) for k in (1, 2, 5)]
    [0.8, 0.622222, 0.222222]
    """
    return None if n < k else comb(c, k) / comb(n, k)


def variance_of_pass_hat_k(n: int, c: int, k: int) -> float | None:
    """Return an estimate of the variance of `pass_hat_k`; None if n < 2k.

    Unbiased, so that sums of it are good; for a single case it may be below 0.

    >>> round(variance_of_pass_hat_k(10, 8, 2), 7)
    0.0538272
    """
    if n < 2 * k:
        return None
    share = comb(c, k) / comb(n, k)
    return share * share - comb(c, 2 * k) / comb(n, 2 * k)


def variance_of_pass_at_k(n: int, c: int, k: int) -> float | None:
    """Return an estimate of the variance of `pass_at_k`; None if n < 2k."""
    return variance_of_pass_hat_k(n, n - c, k)
