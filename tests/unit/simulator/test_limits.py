import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.simulator.limits import Limiter
from qeval.simulator.refusals import Refusal
from qeval.simulator.script import Limits


def tried(limiter: Limiter, *times: float, patience_s: float = 0) -> list[str | float]:
    """What becomes of requests: seconds in line, or a code."""
    found: list[str | float] = []
    for now in times:
        try:
            found.append(round(limiter.enter(now, patience_s), 6))
        except Refusal as error:
            found.append(error.code)
    return found


def test_a_second_s_worth_may_come_at_once_then_the_rate_is_even() -> None:
    limiter = Limiter(Limits(rpm=120))

    assert tried(limiter, 0, 0, 0) == [0, 0, "limit_requests"]
    assert tried(limiter, 0.49, 0.51, 0.52, 1.01) == ["limit_requests", 0, "limit_requests", 0]
    assert tried(limiter, 60, 60, 60) == [0, 0, "limit_requests"]


def test_more_than_a_burst_within_a_second_rises_too_fast() -> None:
    limiter = Limiter(Limits(rpm=60, burst=3))

    assert tried(limiter, 0, 0, 0, 0.1) == [0, 0, 0, "limit_burst_rate"]
    assert tried(limiter, 1.2, 1.3) == [0, "limit_requests"]


def test_a_burst_alone_limits_every_second() -> None:
    assert tried(Limiter(Limits(burst=2)), 0, 0.5, 0.9, 1.6) == [0, 0, "limit_burst_rate", 0]


def test_who_would_wait_stands_in_line_one_after_the_other() -> None:
    limiter = Limiter(Limits(rpm=60, burst=2))

    assert tried(limiter, 0, 0, 0, 0, 0, 0, patience_s=3) == [0, 0, 1, 2, 3, "limit_burst_rate"]


def test_tokens_are_owed_until_they_have_come_back() -> None:
    limiter = Limiter(Limits(tpm=600, retry_after=True))

    assert tried(limiter, 0) == [0]
    limiter.charge(30)
    with pytest.raises(Refusal) as excinfo:
        limiter.enter(0)
    assert (excinfo.value.code, excinfo.value.status) == ("insufficient_quota", 429)
    assert excinfo.value.retry_after_s == pytest.approx(2)
    assert tried(limiter, 1.9, 2.1) == ["insufficient_quota", 0]


def test_no_pause_is_named_unless_the_script_says_so() -> None:
    limiter = Limiter(Limits(rpm=60))
    limiter.enter(0)

    with pytest.raises(Refusal) as excinfo:
        limiter.enter(0)

    assert excinfo.value.retry_after_s is None


@given(
    st.integers(1, 600),
    st.integers(1, 30),
    st.lists(st.floats(0, 2), max_size=60),
)
@settings(max_examples=100)
def test_never_is_more_served_than_the_burst_and_the_rate(
    rpm: int, burst: int, gaps: list[float]
) -> None:
    limiter = Limiter(Limits(rpm=rpm, burst=burst))
    now, served = 0.0, 0
    for gap in gaps:
        now += gap
        served += tried(limiter, now) == [0]

        assert served <= burst + now * rpm / 60 + 1e-6
