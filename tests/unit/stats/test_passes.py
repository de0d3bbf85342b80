"""The chance that one of k trials passes, or all: printed values, enumeration, variances."""

from itertools import combinations
from math import comb, fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval.stats.passes import (
    pass_at_k,
    pass_hat_k,
    variance_of_pass_at_k,
    variance_of_pass_hat_k,
)


@st.composite
def trials(draw: st.DrawFn) -> tuple[int, int, int]:
    n = draw(st.integers(1, 9))
    return n, draw(st.integers(0, n)), draw(st.integers(1, n))


@pytest.mark.parametrize(
    ("k", "one", "every"), [(1, 0.3, 0.8), (2, 8 / 15, 28 / 45), (5, 11 / 12, 2 / 9)]
)
def test_both_have_the_printed_values(k: int, one: float, every: float) -> None:
    assert pass_at_k(10, 3, k) == pytest.approx(one, abs=1e-12)
    assert pass_hat_k(10, 8, k) == pytest.approx(every, abs=1e-12)


def test_variances_have_the_printed_values() -> None:
    assert variance_of_pass_hat_k(10, 8, 2) == pytest.approx(0.0538272, abs=5e-8)
    assert variance_of_pass_at_k(10, 3, 2) == pytest.approx(0.0511111, abs=5e-8)
    assert variance_of_pass_hat_k(10, 8, 1) == pytest.approx(0.8 * 0.2 / 9, abs=1e-12)


@given(held=trials())
def test_both_are_shares_of_all_ways_to_choose_k_trials(held: tuple[int, int, int]) -> None:
    n, c, k = held
    drawn = list(combinations([True] * c + [False] * (n - c), k))

    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, drawn)) / len(drawn), abs=1e-12)
    assert pass_hat_k(n, c, k) == pytest.approx(sum(map(all, drawn)) / len(drawn), abs=1e-12)


def test_fewer_trials_than_k_are_unknown() -> None:
    assert pass_at_k(4, 4, 5) is None
    assert pass_hat_k(4, 4, 5) is None
    assert variance_of_pass_hat_k(9, 9, 5) is None
    assert variance_of_pass_at_k(9, 9, 5) is None


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.85])
@pytest.mark.parametrize(("n", "k"), [(4, 1), (4, 2), (10, 2), (10, 5)])
def test_the_variance_is_unbiased_and_so_is_the_chance(n: int, k: int, rate: float) -> None:
    weights = [comb(n, c) * rate**c * (1 - rate) ** (n - c) for c in range(n + 1)]

    def mean(values: list[float | None]) -> float:
        return fsum(w * v for w, v in zip(weights, values, strict=True) if v is not None)

    true = fsum(
        comb(k, j) * comb(n - k, k - j) / comb(n, k) * (rate ** (2 * k - j) - rate ** (2 * k))
        for j in range(1, k + 1)
    )

    every = range(n + 1)
    assert mean([pass_hat_k(n, c, k) for c in every]) == pytest.approx(rate**k, abs=1e-12)
    assert mean([variance_of_pass_hat_k(n, c, k) for c in every]) == pytest.approx(true, abs=1e-12)
    # One of k passes unless all of k fail, so its variance is that of failing.
    assert mean([pass_at_k(n, n - c, k) for c in every]) == pytest.approx(1 - rate**k, abs=1e-12)
    assert mean([variance_of_pass_at_k(n, n - c, k) for c in every]) == pytest.approx(
        true, abs=1e-12
    )
