"""The normal and Student's t distribution, held against scipy."""

from math import atan, inf, pi

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from qeval.stats.distributions import normal_quantile, normal_tail, t_quantile, t_tail

QUANTILES = [1e-300, 1e-12, 0.001, 0.025, 0.2, 0.49, 0.5, 0.51, 0.8, 0.95, 0.975, 0.9999]
DEGREES = [0.5, 1, 2, 2.392405, 4, 40.5, 199, 9_999, 10_001, 1e6]


@pytest.mark.parametrize("x", [-40.0, -8.0, -1.0, -1e-9, 0.0, 1e-9, 0.7, 5.0, 20.0, 38.0])
def test_normal_tail_agrees_with_scipy_also_far_out(x: float) -> None:
    assert normal_tail(x) == pytest.approx(scipy.stats.norm.sf(x), rel=1e-12)


@pytest.mark.parametrize("q", QUANTILES)
def test_normal_quantile_agrees_with_scipy(q: float) -> None:
    assert normal_quantile(q) == pytest.approx(scipy.stats.norm.ppf(q), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("degrees", DEGREES)
@pytest.mark.parametrize("t", [-3.0, -0.1, 0.0, 0.001, 0.5, 1.0, 2.0, 8.0, 30.0])
def test_t_tail_agrees_with_scipy(t: float, degrees: float) -> None:
    assert t_tail(t, degrees) == pytest.approx(scipy.stats.t.sf(t, degrees), rel=1e-9)


@pytest.mark.parametrize("t", [1e-12, 1e-8, 1e-3, 1.0, 1e3])
def test_t_tail_with_one_degree_is_that_of_cauchy(t: float) -> None:
    assert t_tail(t, 1) == pytest.approx(0.5 - atan(t) / pi, rel=1e-12)


@pytest.mark.parametrize(("t", "tail"), [(inf, 0.0), (-inf, 1.0), (1e200, 0.0), (-1e200, 1.0)])
def test_t_tail_ends_at_infinity(t: float, tail: float) -> None:
    assert t_tail(t, 3.5) == tail


@pytest.mark.parametrize("degrees", DEGREES)
@pytest.mark.parametrize("q", [0.001, 0.025, 0.2, 0.5, 0.6, 0.95, 0.975, 0.9999])
def test_t_quantile_agrees_with_scipy(q: float, degrees: float) -> None:
    assert t_quantile(q, degrees) == pytest.approx(scipy.stats.t.ppf(q, degrees), rel=1e-9)


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 12.706205), (2, 4.302653), (4, 2.776445), (40, 2.021075), (199, 1.971957)],
)
def test_t_quantile_has_the_printed_values(degrees: float, quantile: float) -> None:
    assert t_quantile(0.975, degrees) == pytest.approx(quantile, abs=5e-7)


@given(q=st.floats(1e-6, 1 - 1e-6), degrees=st.floats(0.7, 1e5))
def test_t_tail_turns_the_quantile_back(q: float, degrees: float) -> None:
    assert 1 - t_tail(t_quantile(q, degrees), degrees) == pytest.approx(q, rel=1e-9)


@given(x=st.floats(-30, 30), degrees=st.floats(0.5, 1e5))
def test_both_sides_of_a_distribution_mirror(x: float, degrees: float) -> None:
    assert t_tail(x, degrees) + t_tail(-x, degrees) == pytest.approx(1, abs=1e-15)
    assert normal_tail(x) + normal_tail(-x) == pytest.approx(1, abs=1e-15)
