"""Numbers as text: what a figure looks like at the edges of its range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval import units


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0.0 ms"),
        (0.00949, "9.5 ms"),
        (0.0096, "10 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (119.94, "119.9 s"),
        (119.96, "2 min 0 s"),
        (3599.6, "60 min 0 s"),
    ],
)
def test_seconds_change_their_unit_where_the_digits_would_run_over(
    value: float | None, shown: str
) -> None:
    assert units.seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.9999, "99.9 %"),
        (0.99951, "99.9 %"),
        (0.00001, "0.1 %"),
        (0.5, "50 %"),
        (0.3333, "33.3 %"),
    ],
)
def test_only_all_is_100_percent_and_only_none_is_0(value: float | None, shown: str) -> None:
    assert units.percent(value) == shown


@given(st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True))
def test_a_share_strictly_between_is_never_shown_as_an_end(value: float) -> None:
    assert units.percent(value) not in {"0 %", "100 %"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (17.0, "17"),
        (17.04, "17.0"),
        (999.94, "999.9"),
        (999.96, "1,000"),
        (1234.5, "1,234"),
    ],
)
def test_mean_tokens_have_a_decimal_below_a_thousand(value: float | None, shown: str) -> None:
    assert units.tokens(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (999_499_999, "999 MB"),
        (1_234_567_890, "1.23 GB"),
        (1_234_567_890_123, "1,234 GB"),
    ],
)
def test_sizes_count_in_thousands_and_never_in_exponents(value: int | None, shown: str) -> None:
    assert units.size(value) == shown


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_a_count_loses_nothing(value: int) -> None:
    assert int(units.count(value).replace(",", "")) == value
