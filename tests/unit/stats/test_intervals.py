"""Intervals of rates: the printed values, statsmodels, and laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from qeval.stats.intervals import newcombe, wilson

LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.999])


@st.composite
def rates(draw: st.DrawFn) -> tuple[int, int]:
    judged = draw(st.integers(1, 200))
    return draw(st.integers(0, judged)), judged


@pytest.mark.parametrize(
    ("passed", "judged", "bounds"),
    [(8, 10, (0.490162, 0.943318)), (0, 20, (0.0, 0.161125)), (5, 5, (0.565518, 1.0))],
)
def test_wilson_has_the_printed_values(
    passed: int, judged: int, bounds: tuple[float, float]
) -> None:
    assert wilson(passed, judged) == pytest.approx(bounds, abs=5e-7)


def test_wilson_of_no_trial_is_unknown() -> None:
    assert wilson(0, 0) is None


@given(rate=rates(), level=LEVELS)
@settings(deadline=None)
def test_wilson_agrees_with_statsmodels(rate: tuple[int, int], level: float) -> None:
    theirs = proportion_confint(*rate, alpha=1 - level, method="wilson")

    assert wilson(*rate, level) == pytest.approx(theirs, abs=1e-9)


@given(rate=rates(), level=LEVELS)
def test_wilson_holds_the_rate_mirrors_and_is_exact_at_the_ends(
    rate: tuple[int, int], level: float
) -> None:
    passed, judged = rate
    bounds, mirrored = wilson(passed, judged, level), wilson(judged - passed, judged, level)

    assert bounds is not None
    assert mirrored is not None
    assert 0 <= bounds[0] <= passed / judged <= bounds[1] <= 1
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx(bounds, abs=1e-12)
    assert (bounds[0] == 0) == (passed == 0)
    assert (bounds[1] == 1) == (passed == judged)


@pytest.mark.parametrize(
    ("table", "level", "bounds"),
    [
        ((5, 5, 1, 5), 0.95, (-0.963776, -0.192591)),
        ((20, 20, 16, 20), 0.95, (-0.416017, 0.000509)),
        ((11, 11, 11, 11), 0.90, (-0.197405, 0.197405)),
    ],
)
def test_newcombe_has_the_printed_values(
    table: tuple[int, int, int, int], level: float, bounds: tuple[float, float]
) -> None:
    assert newcombe(*table, level) == pytest.approx(bounds, abs=5e-7)


def test_ten_trials_that_all_pass_are_not_yet_the_same_within_twenty_points() -> None:
    assert newcombe(10, 10, 10, 10, 0.90)[1] > 0.20


@given(one=rates(), two=rates(), level=LEVELS)
@settings(deadline=None)
def test_newcombe_agrees_with_statsmodels(
    one: tuple[int, int], two: tuple[int, int], level: float
) -> None:
    theirs = confint_proportions_2indep(
        *two, *one, method="newcomb", compare="diff", alpha=1 - level
    )

    assert newcombe(*one, *two, level) == pytest.approx(theirs, abs=1e-9)


@given(one=rates(), two=rates(), level=LEVELS)
def test_newcombe_holds_the_difference_and_mirrors(
    one: tuple[int, int], two: tuple[int, int], level: float
) -> None:
    low, high = newcombe(*one, *two, level)
    back = newcombe(*two, *one, level)

    assert -1 <= low <= two[0] / two[1] - one[0] / one[1] <= high <= 1
    assert (-back[1], -back[0]) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize("table", [(0, 0, 1, 2), (1, 2, 0, 0)])
def test_newcombe_needs_a_trial_on_both_sides(table: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="needs a trial on both sides"):
        newcombe(*table)
