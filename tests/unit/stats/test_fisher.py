"""One case: Fisher's mid-p and the permutation of graded scores, held against enumeration."""

import random
from fractions import Fraction
from itertools import combinations
from math import comb, fsum

import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.stats.fisher import least_p, mid_p, permutation_p
from qeval.stats.intervals import newcombe

LEVEL = Fraction(1, 20)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    k_a, k_b = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    return draw(st.integers(0, k_a)), k_a, draw(st.integers(0, k_b)), k_b


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((5, 5, 0, 5), 0.00396825),
        ((5, 5, 1, 5), 0.0238095),
        ((5, 5, 2, 5), 0.0833333),
        ((10, 10, 6, 10), 0.0433437),
        ((20, 20, 16, 20), 0.0530146),
        ((20, 20, 3, 5), 0.0333333),
    ],
)
def test_mid_p_has_the_printed_values(table: tuple[int, int, int, int], p: float) -> None:
    assert float(mid_p(*table)) == pytest.approx(p, rel=2e-6)


def test_mid_p_is_a_fraction_so_that_a_bound_that_is_met_is_met() -> None:
    assert mid_p(3, 3, 0, 3) == LEVEL


@given(table=tables())
@settings(deadline=None)
def test_mid_p_is_the_doubled_hypergeometric_tail(table: tuple[int, int, int, int]) -> None:
    a, k_a, b, k_b = table
    held = scipy.stats.hypergeom(k_a + k_b, a + b, k_a)
    tails = held.cdf(a - 1) + held.pmf(a) / 2, held.sf(a) + held.pmf(a) / 2

    assert float(mid_p(*table)) == pytest.approx(min(1, 2 * min(tails)), abs=1e-9)


@given(table=tables())
def test_mid_p_is_the_same_from_the_other_side_and_for_failures(
    table: tuple[int, int, int, int],
) -> None:
    a, k_a, b, k_b = table

    assert mid_p(b, k_b, a, k_a) == mid_p(*table)
    assert mid_p(k_a - a, k_a, k_b - b, k_b) == mid_p(*table)


@given(table=tables())
def test_least_p_is_the_smallest_that_the_same_number_of_passes_can_have(
    table: tuple[int, int, int, int],
) -> None:
    a, k_a, b, k_b = table
    total = a + b
    every = [mid_p(x, k_a, total - x, k_b) for x in range(max(0, total - k_b), min(k_a, total) + 1)]

    assert least_p(k_a, k_b, total) == min(every)


def test_least_p_has_the_printed_values() -> None:
    found = [float(least_p(5, 5, total)) for total in range(11)]
    half = [1, 0.5, 0.222222, 0.0833333, 0.0238095, 0.00396825]

    assert found == pytest.approx(half + half[-2::-1], rel=2e-6)


def chance(k: int, x: int, rate: float) -> float:
    return comb(k, x) * rate**x * (1 - rate) ** (k - x)


def chance_of_naming(k: int, rate_a: float, rate_b: float) -> float:
    """The exact chance that one case is judged to differ."""
    return fsum(
        chance(k, a, rate_a) * chance(k, b, rate_b)
        for a in range(k + 1)
        for b in range(k + 1)
        if mid_p(a, k, b, k) <= LEVEL
    )


@pytest.mark.parametrize(
    ("k", "size", "to_half", "to_four_fifths"),
    [(3, 3.1, 12, 1), (5, 2.1, 19, 1), (8, 2.8, 64, 6), (10, 4.2, 83, 12), (20, 4.6, 99, 37)],
)
def test_one_case_is_named_as_often_as_was_computed_for_the_choice_of_mid_p(
    k: int, size: float, to_half: float, to_four_fifths: float
) -> None:
    worst = max(chance_of_naming(k, step / 200, step / 200) for step in range(1, 101))

    assert 100 * worst == pytest.approx(size, abs=0.051)
    assert 100 * chance_of_naming(k, 1, 0.5) == pytest.approx(to_half, abs=0.51)
    assert 100 * chance_of_naming(k, 1, 0.8) == pytest.approx(to_four_fifths, abs=0.51)


@pytest.mark.parametrize(("k", "size"), [(5, 6.2), (8, 7.7), (10, 4.2), (20, 5.3)])
def test_the_interval_of_one_case_would_name_more_often_than_it_may(k: int, size: float) -> None:
    outside = [
        (a, b)
        for a in range(k + 1)
        for b in range(k + 1)
        if not newcombe(a, k, b, k)[0] <= 0 <= newcombe(a, k, b, k)[1]
    ]
    worst = max(
        fsum(chance(k, a, step / 200) * chance(k, b, step / 200) for a, b in outside)
        for step in range(1, 101)
    )

    assert 100 * worst == pytest.approx(size, abs=0.051)


SCORES = st.lists(
    st.sampled_from([0.0, 0.1, 0.2, 0.3, 1 / 3, 0.5, 2 / 3, 0.7, 1.0]), min_size=1, max_size=5
)


@given(table=tables())
def test_permutation_of_passes_is_mid_p(table: tuple[int, int, int, int]) -> None:
    a, k_a, b, k_b = (min(number, 6) for number in table)
    k_a, k_b = max(k_a, 1), max(k_b, 1)
    scores = [1.0] * a + [0.0] * (k_a - a), [1.0] * b + [0.0] * (k_b - b)

    assert permutation_p(*scores) == float(mid_p(a, k_a, b, k_b))


@given(a=SCORES, b=SCORES)
def test_permutation_tries_every_division(a: list[float], b: list[float]) -> None:
    pooled = a + b
    sums = [sum(pooled[i] for i in chosen) for chosen in combinations(range(len(pooled)), len(a))]
    far = [each - sum(a) for each in sums]
    equal = sum(abs(each) < 1e-9 for each in far)
    below = sum(each <= -1e-9 for each in far)
    tail = min(below, len(sums) - below - equal) + equal / 2

    assert permutation_p(a, b) == pytest.approx(min(1, 2 * tail / len(sums)), abs=1e-12)


@given(a=SCORES, b=SCORES, order=st.randoms(use_true_random=False))
def test_permutation_knows_neither_sides_nor_order(
    a: list[float], b: list[float], order: random.Random
) -> None:
    p = permutation_p(a, b)
    order.shuffle(a)
    order.shuffle(b)

    assert permutation_p(b, a) == p
    assert 0 < p <= 1


def test_sums_that_differ_by_floating_point_alone_are_equal() -> None:
    assert permutation_p([0.1, 0.2], [0.3, 0.0]) == 1


def test_many_graded_trials_are_judged_as_welch_does() -> None:
    a = [0.9, 0.8, 0.75, 1.0, 0.6, 0.95, 0.85]
    b = [0.7, 0.6, 0.8, 0.4, 0.75, 0.65]

    theirs = scipy.stats.ttest_ind(a, b, equal_var=False).pvalue

    assert permutation_p(a, b) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "p"),
    [
        ([0.5] * 7, [0.5] * 7, 1.0),
        ([0.5] * 7, [0.6] * 7, 1 / comb(14, 7)),
        ([0.5] * 12, [0.9], 1.0),
        ([0.9], [0.5] * 12, 1.0),
    ],
)
def test_many_graded_trials_without_a_spread_are_no_certainty(
    a: list[float], b: list[float], p: float
) -> None:
    assert permutation_p(a, b) == pytest.approx(p, rel=1e-12)
