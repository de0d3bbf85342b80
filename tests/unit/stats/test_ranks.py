"""The middle of paired differences: printed values, scipy, enumeration and laws."""

import random
from itertools import combinations_with_replacement, product
from math import exp, log
from statistics import median

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from qeval.stats.ranks import _order, location

RATIOS = [1.10, 0.95, 1.30, 1.22, 1.05, 1.41, 1.15, 0.99]
VALUES = st.lists(
    st.one_of(st.integers(-9, 9).map(float), st.floats(-5, 5)), min_size=1, max_size=30
)


def means(values: list[float]) -> list[float]:
    """The means of all pairs, each with itself too."""
    return sorted((a + b) / 2 for a, b in combinations_with_replacement(sorted(values), 2))


def test_eight_ratios_have_the_printed_values() -> None:
    found = location([log(ratio) for ratio in RATIOS])

    assert found.low is not None
    assert found.high is not None
    assert exp(found.estimate) == pytest.approx(1.133136, abs=5e-7)
    assert exp(found.low) == pytest.approx(0.998749, abs=5e-7)
    assert exp(found.high) == pytest.approx(1.3, abs=1e-9)
    assert found.p == 0.0546875
    assert found.n == 8


@given(values=VALUES)
def test_the_estimate_is_the_median_of_all_means(values: list[float]) -> None:
    assert location(values).estimate == pytest.approx(median(means(values)), abs=1e-12)


@given(
    values=st.lists(
        st.sampled_from([0.0, 1e-300, 0.1, 1.0, 3.0, 1e300])
        | st.floats(-1e9, 1e9, allow_subnormal=False),
        min_size=1,
        max_size=30,
    ),
    data=st.data(),
)
def test_any_rank_is_found_exactly_however_far_apart_or_alike_values_are(
    values: list[float], data: st.DataObject
) -> None:
    ordered = means(values)
    rank = data.draw(st.integers(1, len(ordered)))

    assert _order(sorted(values), rank) == ordered[rank - 1]


def signed_rank_tail(n: int, rank: int) -> float:
    """P(W ≤ rank), by all signs."""
    halves = product((0, 1), repeat=n)
    sums = [sum(i for i, sign in enumerate(signs, 1) if sign) for signs in halves]
    return sum(each <= rank for each in sums) / len(sums)


@pytest.mark.parametrize("n", [6, 7, 8, 10, 12])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.10, 0.2])
def test_the_interval_is_of_the_means_at_the_exact_ranks(n: int, alpha: float) -> None:
    draw = random.Random(n)  # noqa: S311  # a simulation
    values = [draw.gauss(0.1, 1) for _ in range(n)]
    rank = 0
    while signed_rank_tail(n, rank) <= alpha / 2:
        rank += 1

    found = location(values, alpha=alpha)

    if rank:
        ordered = means(values)
        assert found.low == ordered[rank - 1]
        assert found.high == ordered[-rank]
    else:
        assert found.low is None
        assert found.high is None


@pytest.mark.parametrize("n", [51, 80, 120])
def test_the_interval_of_many_is_at_the_ranks_of_the_normal_distribution(n: int) -> None:
    draw = random.Random(n)  # noqa: S311  # a simulation
    values = [draw.gauss(0.1, 1) for _ in range(n)]
    ordered = means(values)
    spread = (n * (n + 1) * (2 * n + 1) / 24) ** 0.5
    rank = int(len(ordered) / 2 - scipy.stats.norm.ppf(0.975) * spread + 0.5)

    found = location(values)

    assert (found.low, found.high) == (ordered[rank - 1], ordered[-rank])


@pytest.mark.parametrize("n", [6, 15, 50, 51, 80, 400])
def test_p_agrees_with_scipy(n: int) -> None:
    draw = random.Random(n)  # noqa: S311  # a simulation
    values = [draw.gauss(0.2, 1) for _ in range(n)]
    method = "exact" if n <= 50 else "asymptotic"

    theirs = scipy.stats.wilcoxon(values, method=method, correction=True).pvalue

    assert location(values).p == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("n", [8, 40, 51, 120])
@pytest.mark.parametrize("shift", [step / 50 for step in range(0, 40, 3)])
def test_p_is_below_alpha_where_the_interval_leaves_out_zero(n: int, shift: float) -> None:
    draw = random.Random(n)  # noqa: S311  # a simulation
    found = location([draw.gauss(shift, 1) for _ in range(n)])

    assert found.low is not None
    assert found.high is not None
    assert (found.p <= 0.05) == (found.low > 0 or found.high < 0)


def test_fewer_than_six_differences_have_no_interval() -> None:
    found = location([0.1, 0.2, 0.3, 0.4, 0.5])

    assert (found.low, found.high, found.same_low, found.same_high) == (None,) * 4
    assert found.estimate == pytest.approx(0.3)


def test_equal_differences_are_their_own_interval() -> None:
    found = location([0.25] * 9)

    assert (found.estimate, found.low, found.high, found.same_low, found.same_high) == (0.25,) * 5


def test_no_difference_at_all_is_no_change() -> None:
    found = location([0.0] * 60)

    assert (found.estimate, found.low, found.high, found.p) == (0, 0, 0, 1)


@given(values=VALUES, order=st.randoms(use_true_random=False))
def test_exchanging_the_sides_mirrors_and_order_is_irrelevant(
    values: list[float], order: random.Random
) -> None:
    found = location(values)
    other = [-value for value in values]
    order.shuffle(other)
    mirrored = location(other)

    assert mirrored.estimate == pytest.approx(-found.estimate, abs=1e-12)
    assert mirrored.p == pytest.approx(found.p, abs=1e-12)
    if found.low is not None and found.high is not None:
        assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-12)


@given(values=VALUES, shift=st.integers(-3, 3))
def test_a_shift_of_all_moves_the_estimate_and_its_interval(
    values: list[float], shift: int
) -> None:
    found, moved = location(values), location([value + shift for value in values])

    assert moved.estimate == pytest.approx(found.estimate + shift, abs=1e-9)
    if found.low is not None:
        assert moved.low == pytest.approx(found.low + shift, abs=1e-9)


@given(values=VALUES)
def test_the_narrower_interval_lies_within_and_both_hold_the_estimate(values: list[float]) -> None:
    found = location(values)

    if found.low is not None:
        assert found.high is not None
        assert found.same_low is not None
        assert found.same_high is not None
        inner = found.low <= found.same_low <= found.estimate <= found.same_high <= found.high
        assert inner
    assert 0 < found.p <= 1
