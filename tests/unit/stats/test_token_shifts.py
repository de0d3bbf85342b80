"""A change of the bill: which kind it is, and what leaves it as it is."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval.stats.drift import Shift, paired, unpaired

SIZES = st.lists(st.integers(1, 4_000), min_size=2, max_size=30)


def bills(sizes: list[int], before: int, after: int) -> list[tuple[int | None, int, int]]:
    """Requests that were billed so much over their prediction."""
    return [(size, size + before, size + after) for size in sizes]


def test_equal_bills_are_no_drift() -> None:
    assert paired(bills([10, 200, 3_000], 7, 7)) is None
    assert paired([]) is None


def test_a_constant_more_on_every_request_is_constant() -> None:
    found = paired(bills(list(range(10, 48)), 0, 40))

    assert found == Shift("constant", True, 38, 38, 40, 0, 40)


def test_a_constant_without_a_prediction_has_no_residuals() -> None:
    found = paired([(None, 100, 95), (None, 220, 215)])

    assert found == Shift("constant", False, 2, 2, -5)


def test_a_constant_over_residuals_that_differ_names_only_the_change() -> None:
    assert paired([(10, 12, 15), (10, 13, 16)]) == Shift("constant", True, 2, 2, 3)


def test_a_constant_more_on_some_requests_is_partial() -> None:
    found = paired(bills(list(range(27)), 0, 0) + bills(list(range(11)), 0, 40))

    assert found == Shift("partial", True, 11, 38, 40)


def test_a_share_more_is_proportional() -> None:
    sizes = [100, 400, 900, 1_600, 2_500, 3_600]

    found = paired([(size, size, round(size * 1.036)) for size in sizes])

    assert found is not None
    assert found.kind == "proportional"
    assert found.upwards
    assert found.change == pytest.approx(0.036, abs=0.001)
    assert (found.affected, found.requests) == (6, 6)


def test_a_share_less_is_proportional_downwards() -> None:
    found = paired([(size, size, round(size * 0.9)) for size in range(100, 20_000, 100)])

    assert found is not None
    assert (found.kind, found.upwards) == ("proportional", False)
    assert found.change == pytest.approx(-0.1, abs=1e-3)


def test_changes_without_a_rule_are_irregular() -> None:
    found = paired([(100, 100, 103), (100, 100, 90), (100, 100, 101)])

    assert found == Shift("irregular", False, 3, 3, 1.0)


def test_a_slope_of_less_than_half_a_percent_is_irregular() -> None:
    found = paired([(1_000, 1_000, 1_003), (2_000, 2_000, 2_004), (3_000, 3_000, 3_005)])

    assert found is not None
    assert found.kind == "irregular"


def test_requests_without_a_prediction_do_not_make_a_slope() -> None:
    found = paired([(None, 100, 110), (None, 200, 230)])

    assert found is not None
    assert found.kind == "irregular"


def test_the_slope_is_of_the_requests_that_have_a_prediction() -> None:
    known = [(size, size, size + size // 20) for size in (100, 400, 900, 1_600)]

    found = paired([(None, 100, 107), *known, (None, 50, 90)])

    assert found == Shift("proportional", True, 6, 6, 0.05)


def test_a_new_constant_residual_is_a_constant_shift() -> None:
    assert unpaired([0] * 38, [40] * 38) == Shift("constant", True, 38, 38, 40, 0, 40)


def test_some_new_residuals_are_a_partial_shift() -> None:
    assert unpaired([3, 3], [3, 3, 0]) == Shift("partial", False, 1, 3, -3)


def test_new_residuals_of_many_sizes_are_irregular() -> None:
    assert unpaired([3, 3], [5, 9, 3]) == Shift("irregular", True, 2, 3, 4.0)


def test_the_same_residual_is_no_drift() -> None:
    assert unpaired([3, 3, 3], [3]) is None


@pytest.mark.parametrize(("old", "new"), [([], [1]), ([1], [])])
def test_an_empty_side_shows_nothing(old: list[int], new: list[int]) -> None:
    assert unpaired(old, new) is None


@pytest.mark.parametrize(
    ("m", "drift"),
    [(4, False), (5, True)],  # 2 of 126 divisions are more than one in a hundred, 2 of 252 less
)
def test_spread_residuals_drift_where_all_new_lie_beyond_all_old(m: int, drift: bool) -> None:  # noqa: FBT001  # a column of the table
    found = unpaired([1, 2, 3, 2, 1], [9, 8, 12, 7, 10][:m])

    assert (found is not None) == drift
    if found is not None:
        assert found == Shift("irregular", True, 5, 5, 7.0)


def test_spread_residuals_that_overlap_are_no_drift() -> None:
    assert unpaired([1, 2, 3] * 20, [2, 4, 5] * 20) is None


def test_one_old_residual_proves_little() -> None:
    assert unpaired([5], [9] * 100) is None
    assert unpaired([5], [9] * 200) is not None


@given(sizes=SIZES, before=st.integers(-5, 50), after=st.integers(-5, 50), by=st.integers(-9, 90))
def test_what_both_bills_hold_besides_changes_no_shift(
    sizes: list[int], before: int, after: int, by: int
) -> None:
    found = paired(bills(sizes, before, after))
    moved = paired([(n, old + by, new + by) for n, old, new in bills(sizes, before, after)])

    if found is None:
        assert moved is None
    else:
        assert moved is not None
        assert moved[:5] == found[:5]
        assert (found.kind, found.change) == ("constant", after - before)


@given(
    old=st.lists(st.integers(0, 9), max_size=12),
    new=st.lists(st.integers(0, 30), max_size=12),
    by=st.integers(-50, 50),
)
def test_residuals_may_start_anywhere(old: list[int], new: list[int], by: int) -> None:
    found = unpaired(old, new)
    moved = unpaired([each + by for each in old], [each + by for each in new])

    assert (moved and moved[:5]) == (found and found[:5])


@given(
    changes=st.lists(
        st.tuples(st.integers(1, 500), st.integers(0, 500), st.integers(0, 500)), max_size=150
    ),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_requests_is_irrelevant_and_exchange_turns_the_direction(
    changes: list[tuple[int | None, int, int]], order: random.Random
) -> None:
    found = paired(changes)
    other = [(n, new, old) for n, old, new in changes]
    order.shuffle(other)
    back = paired(other)

    assert (back is None) == (found is None)
    if found is not None and back is not None:
        assert (back.kind, back.affected, back.requests) == (
            found.kind,
            found.affected,
            found.requests,
        )
        assert back.change == -found.change
