"""How many cases it takes: the printed table, simulation, and laws."""

import random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval.stats.paired import Pair, by_cases, by_suite
from qeval.stats.power import (
    DIFFICULTY,
    Design,
    cases_for_same,
    cases_needed,
    difficulty,
    smallest_drop,
)

TABLE = [
    # drop, rate, cases at 1, 3, 5 and 10 trials: spread out, concentrated
    (0.05, 0.50, (1097, 368, 222, 113), (1097, 434, 300, 200)),
    (0.05, 0.80, (786, 263, 158, 80), (786, 351, 263, 197)),
    (0.05, 0.95, (357, 119, 72, 36), (357, 219, 190, 168)),
    (0.05, 0.99, (222, 74, 45, 23), (222, 175, 165, 157)),
    (0.10, 0.50, (286, 97, 60, 31), (286, 128, 95, 71)),
    (0.10, 0.80, (225, 76, 46, 24), (225, 118, 95, 78)),
    (0.10, 0.95, (129, 43, 26, 15), (129, 90, 82, 75)),
    (0.20, 0.50, (77, 28, 18, 12), (77, 40, 32, 26)),
    (0.20, 0.80, (70, 24, 15, 10), (70, 42, 36, 32)),
    (0.20, 0.95, (51, 17, 13, 8), (51, 38, 35, 33)),
]

DESIGNS = st.builds(
    Design,
    rate=st.floats(0.3, 1),
    drop=st.floats(0.01, 0.3),
    k_a=st.integers(1, 20),
    k_b=st.integers(1, 20),
    reading=st.sampled_from(["cases", "suite"]),
    difficulty=st.floats(0, 1),
    concentrated=st.booleans(),
    alpha=st.just(0.05),
    power=st.just(0.8),
)


@pytest.mark.parametrize(("drop", "rate", "spread", "concentrated"), TABLE)
def test_cases_needed_have_the_printed_values(
    drop: float, rate: float, spread: tuple[int, ...], concentrated: tuple[int, ...]
) -> None:
    designs = [Design(rate, drop, k, k) for k in (1, 3, 5, 10)]

    assert tuple(map(cases_needed, designs)) == spread
    broken = [design._replace(concentrated=True) for design in designs]
    assert tuple(map(cases_needed, broken)) == concentrated


@given(design=DESIGNS)
def test_more_power_a_smaller_drop_or_a_stricter_level_needs_no_fewer_cases(
    design: Design,
) -> None:
    needed = cases_needed(design)

    assert needed >= 1
    assert cases_needed(design._replace(power=0.9)) >= needed
    assert cases_needed(design._replace(alpha=0.01)) >= needed
    assert cases_for_same(design._replace(power=0.9)) >= cases_for_same(design) >= 1


@given(design=DESIGNS)
def test_the_question_of_this_suite_needs_no_more_cases_than_that_of_such_cases(
    design: Design,
) -> None:
    assert (
        cases_needed(design._replace(reading="suite"))
        <= cases_needed(design._replace(reading="cases")) + 1
    )  # the guard weighs a little more where there is less variance


def test_a_rate_without_variance_is_not_seen_from_one_case() -> None:
    certain = Design(1.0, 0.05, 5, 5, "suite", difficulty=1.0, concentrated=True)

    assert cases_needed(certain) > 30


@pytest.mark.parametrize("drop", [0.0, -0.1, 0.6])
def test_a_drop_must_be_within_the_rate(drop: float) -> None:
    with pytest.raises(ValueError, match=r"is not within a rate of 0\.5"):
        cases_needed(Design(0.5, drop))


@pytest.mark.parametrize("cases", [20, 60, 76, 200, 1_000])
def test_the_smallest_drop_is_the_one_that_needs_so_many_cases(cases: int) -> None:
    design = Design(0.8, 0.1, 3, 3)

    drop = smallest_drop(design, cases)

    assert drop is not None
    assert cases_needed(design._replace(drop=drop)) <= cases
    assert cases_needed(design._replace(drop=drop * 0.98)) > cases


def test_too_few_cases_show_no_drop_at_all() -> None:
    assert smallest_drop(Design(0.2, 0.1), 3) is None


def passes(draw: random.Random, rate: float, k: int) -> int:
    return sum(draw.random() < rate for _ in range(k))


def same_share(design: Design, cases: int, replications: int) -> float:
    """How often no change is called the same, simulated."""
    draw = random.Random(7)  # noqa: S311  # a simulation
    whole = 1 / design.difficulty - 1
    k = design.k_a
    judge = by_cases if design.reading == "cases" else by_suite
    same = 0
    for _ in range(replications):
        pairs = []
        for _ in range(cases):
            rate = draw.betavariate(design.rate * whole, (1 - design.rate) * whole)
            a, b = passes(draw, rate, k), passes(draw, rate, k)
            noise = [p * (k - p) / (k * max(1, k - 1)) for p in (a, b)]
            pairs.append(Pair((b - a) / k, k, k, noise[0], noise[1]))
        found = judge(pairs, margin=design.drop)
        same += found is not None and found.p_same < design.alpha
    return same / replications


@pytest.mark.parametrize(
    "design",
    [
        Design(0.8, 0.10, 3, 3),
        Design(0.95, 0.10, 1, 1),
        Design(0.8, 0.10, 5, 5, "suite"),
        Design(0.95, 0.05, 3, 3, "suite"),
    ],
)
def test_no_change_is_called_the_same_about_as_often_as_planned(design: Design) -> None:
    share = same_share(design, cases_for_same(design), 300)

    assert 0.72 <= share <= 0.90  # 0.8, and three standard errors of 300 replications


def test_sameness_takes_at_least_the_cases_that_the_guard_asks() -> None:
    z = NormalDist().inv_cdf(0.95) + NormalDist().inv_cdf(0.9)

    assert cases_for_same(Design(0.999, 0.05, 20, 20)) >= z * z * 0.95 / 0.05


@given(
    passed=st.lists(st.integers(0, 5), min_size=1, max_size=40),
    order=st.randoms(use_true_random=False),
)
def test_difficulty_is_a_share(passed: list[int], order: random.Random) -> None:
    rates = [each / 5 for each in passed]
    found = difficulty(rates, 5)
    order.shuffle(rates)

    assert 0 <= found <= 1
    assert difficulty(rates, 5) == pytest.approx(found, abs=1e-12)


def test_difficulty_is_one_where_each_case_passes_always_or_never() -> None:
    assert difficulty([1.0] * 7 + [0.0] * 3, 5) == 1


def test_difficulty_is_none_where_cases_spread_no_more_than_trials() -> None:
    assert difficulty([0.6, 0.4, 0.6, 0.4], 5) == 0


def test_difficulty_is_the_usual_where_nothing_ever_fails() -> None:
    assert difficulty([1.0] * 10, 5) == DIFFICULTY
