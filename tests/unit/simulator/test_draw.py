import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.simulator.draw import choose, probabilities, uniform

weights = st.lists(st.floats(min_value=0.01, max_value=100), min_size=1, max_size=8)
temperatures = st.floats(min_value=0.01, max_value=10)


@pytest.mark.parametrize(
    ("given_weights", "temperature", "top_p", "expected"),
    [
        pytest.param([3, 1], 1, 1, (0.75, 0.25), id="weights-as-they-are"),
        pytest.param([3, 1], 0.5, 1, (0.9, 0.1), id="half-squares-the-weights"),
        pytest.param([4, 1], 2, 1, (2 / 3, 1 / 3), id="two-takes-the-root"),
        pytest.param([1, 3], 0, 1, (0, 1), id="zero-takes-the-heaviest"),
        pytest.param([2, 3, 3], 0, 1, (0, 1, 0), id="a-tie-goes-to-the-first"),
        pytest.param([5, 3, 2], 1, 0.5, (1, 0, 0), id="half-is-reached-by-the-first"),
        pytest.param([5, 3, 2], 1, 0.51, (5 / 8, 3 / 8, 0), id="a-little-more-needs-the-second"),
        pytest.param([2, 3, 5], 1, 0.8, (0, 3 / 8, 5 / 8), id="order-does-not-matter"),
        pytest.param([4, 1], 1, 0.8, (1, 0), id="rounding-lets-nobody-in"),
        pytest.param([1, 1], 1, 0.5, (1, 0), id="a-tie-keeps-the-first"),
        pytest.param([1e9, 1e-9], 5e-324, 1, (1, 0), id="next-to-zero-does-not-overflow"),
    ],
)
def test_probabilities_match_hand_worked_values(
    given_weights: list[float], temperature: float, top_p: float, expected: tuple[float, ...]
) -> None:
    assert probabilities(given_weights, temperature, top_p) == pytest.approx(expected)


@given(weights, temperatures, st.floats(min_value=0, max_value=1))
@settings(max_examples=100)
def test_probabilities_sum_to_one(w: list[float], temperature: float, top_p: float) -> None:
    found = probabilities(w, temperature, top_p)

    assert math.fsum(found) == pytest.approx(1)
    assert min(found) >= 0


@given(weights, temperatures)
@settings(max_examples=60)
def test_a_small_top_p_leaves_only_the_most_probable(w: list[float], temperature: float) -> None:
    assert probabilities(w, temperature, 1e-9) == probabilities(w, 0)


@given(weights)
@settings(max_examples=60)
def test_a_great_temperature_flattens(w: list[float]) -> None:
    assert probabilities(w, 1e9) == pytest.approx([1 / len(w)] * len(w), rel=1e-6)


@given(weights, temperatures, temperatures)
@settings(max_examples=100)
def test_more_temperature_never_favours_the_heaviest(
    w: list[float], one: float, other: float
) -> None:
    cold, hot = sorted([one, other])
    top = w.index(max(w))

    assert probabilities(w, hot)[top] <= probabilities(w, cold)[top] + 1e-12


@given(weights, temperatures, st.floats(min_value=0.01, max_value=1))
@settings(max_examples=100)
def test_the_nucleus_is_the_smallest_set_that_reaches_top_p(
    w: list[float], temperature: float, top_p: float
) -> None:
    before = probabilities(w, temperature)
    kept = [i for i, share in enumerate(probabilities(w, temperature, top_p)) if share > 0]
    inside = [before[i] for i in kept]
    outside = [before[i] for i in range(len(w)) if i not in kept]

    assert math.fsum(inside) >= top_p - 1e-9
    assert math.fsum(inside) - min(inside) < top_p
    assert max(outside, default=0) <= min(inside)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.8])
def test_two_thousand_draws_follow_the_probabilities(temperature: float) -> None:
    shares = probabilities([5, 3, 1, 1], temperature)
    draws = 2000

    seen = Counter(choose(shares, uniform("a test", n)) for n in range(draws))

    squares = sum((seen[i] - draws * p) ** 2 / (draws * p) for i, p in enumerate(shares))
    assert squares < 16.27  # chi-square, 3 degrees of freedom, 0.999 quantile


def test_the_uniform_numbers_fill_the_range_evenly() -> None:
    bins = Counter(int(uniform("bins", n) * 20) for n in range(2000))

    assert set(bins) == set(range(20))
    assert sum((bins[i] - 100) ** 2 / 100 for i in bins) < 43.8  # 19 degrees of freedom, 0.999


def test_the_uniform_number_is_a_fixed_function_of_its_parts() -> None:
    assert uniform(1, b"prompt", "seed", 7) == uniform(1, b"prompt", "seed", 7)
    assert uniform(1, "23") != uniform(12, "3")


@pytest.mark.parametrize(("point", "index"), [(0.0, 1), (0.7499, 1), (0.75, 3), (1 - 2**-53, 3)])
def test_choose_never_lands_on_what_has_no_share(point: float, index: int) -> None:
    assert choose((0.0, 0.75, 0.0, 0.25, 0.0), point) == index


def test_choose_survives_a_sum_below_one() -> None:
    assert choose((0.5, 0.4999, 0.0), 0.99999) == 1
