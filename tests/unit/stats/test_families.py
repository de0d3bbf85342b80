"""Many judgements at once: printed values, statsmodels, enumeration and laws."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from qeval.stats.families import benjamini_hochberg, discoveries, holm
from qeval.stats.fisher import least_p, mid_p

PRINTED = [0.001, 0.011, 0.02, 0.04, 0.3]
PS = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def table(a: int, b: int, k: int = 5) -> tuple[Fraction, Fraction]:
    """p of a case, and the least that it could have had."""
    return mid_p(a, k, b, k), least_p(k, k, a + b)


def test_holm_has_the_printed_values() -> None:
    assert holm(PRINTED) == pytest.approx([0.005, 0.044, 0.06, 0.08, 0.3], abs=1e-12)


def test_benjamini_hochberg_has_the_printed_values() -> None:
    expected = [0.005, 0.0275, 0.1 / 3, 0.05, 0.3]

    assert benjamini_hochberg(PRINTED) == pytest.approx(expected, abs=1e-12)


@given(ps=PS)
@settings(max_examples=25, deadline=None)
def test_both_agree_with_statsmodels(ps: list[float]) -> None:
    assert holm(ps) == pytest.approx(list(multipletests(ps, method="holm")[1]), abs=1e-9)
    theirs = list(multipletests(ps, method="fdr_bh")[1])
    assert benjamini_hochberg(ps) == pytest.approx(theirs, abs=1e-9)


@given(ps=PS)
def test_adjusting_only_raises_and_keeps_the_order(ps: list[float]) -> None:
    strict, mild = holm(ps), benjamini_hochberg(ps)

    for p, high, low in zip(ps, strict, mild, strict=True):
        assert p <= low * (1 + 1e-12)
        assert low <= high * (1 + 1e-12)
        assert high <= 1
    for adjusted in (strict, mild):
        ranked = [adjusted[i] for i in sorted(range(len(ps)), key=lambda i: (ps[i], adjusted[i]))]
        assert ranked == sorted(ranked)


@given(ps=PS, order=st.randoms(use_true_random=False))
def test_each_p_is_adjusted_alike_wherever_it_stands(ps: list[float], order: random.Random) -> None:
    places = list(range(len(ps)))
    order.shuffle(places)

    assert holm([ps[i] for i in places]) == [holm(ps)[i] for i in places]


def test_no_family_is_no_judgement() -> None:
    assert holm([]) == []
    assert benjamini_hochberg([]) == []
    assert discoveries([], []) == ((), 0)


def test_one_collapse_among_forty_is_named_for_it_alone_could_be_decided() -> None:
    listed = [table(5, 0)] + [table(5, 4)] * 2 + [table(5, 5)] * 37
    ps, least = zip(*listed, strict=True)

    found = discoveries(ps, least)

    assert found.testable == 1
    assert found.rejected == (True,) + (False,) * 39
    assert min(benjamini_hochberg(ps)) > Fraction(1, 20)


def test_a_p_that_meets_its_bound_is_enough() -> None:
    p, least = table(3, 0, k=3)

    assert discoveries([p], [least]).rejected == (True,)
    assert discoveries([0.05], [0.05]).rejected == (True,)
    assert discoveries([p], [least], alpha=0.049).rejected == (False,)


def test_many_equal_collapses_are_named_though_each_alone_could_not_be() -> None:
    # Of 13, alpha / 12 still lets all in, and alpha / 13 none.
    ps, least = zip(*[table(5, 0)] * 13 + [table(5, 5)] * 27, strict=True)

    found = discoveries(ps, least)

    assert found.testable == 13
    assert found.rejected == (True,) * 13 + (False,) * 27


def test_cases_of_which_none_could_be_decided_are_not() -> None:
    ps, least = zip(*[table(5, 4)] * 10, strict=True)

    assert discoveries(ps, least) == ((False,) * 10, 0)


def step_by_step(ps: list[Fraction], least: list[Fraction]) -> tuple[tuple[bool, ...], int]:
    """The rule as it is written: K = 1, 2 …, then each p against its own share of alpha."""
    alpha, number = Fraction(1, 20), 1
    while sum(p <= alpha / number for p in least) > number:
        number += 1
    if not any(p <= alpha / number for p in least) and number > 1:
        number -= 1
    able = [i for i, p in enumerate(least) if p <= alpha / number]
    ranked = sorted(able, key=lambda i: ps[i])
    last = max((j for j, i in enumerate(ranked, 1) if ps[i] * len(able) <= alpha * j), default=0)
    bound = ps[ranked[last - 1]] if last else Fraction(-1)
    return tuple(i in able and ps[i] <= bound for i in range(len(ps))), len(able)


@given(
    counts=st.lists(
        st.integers(3, 8).flatmap(
            lambda k: st.tuples(st.integers(0, k), st.integers(0, k), st.just(k))
        ),
        max_size=60,
    )
)
def test_discoveries_follow_the_rule_as_it_is_written(counts: list[tuple[int, int, int]]) -> None:
    listed = [table(*each) for each in counts]
    ps, least = [p for p, _ in listed], [p for _, p in listed]

    assert discoveries(ps, least) == step_by_step(ps, least)


def test_ten_thousand_decidable_cases_are_judged_at_once() -> None:
    listed = [table(20 - i % 21, i * 7 % 21, k=20) for i in range(10_000)]
    ps, least = zip(*listed, strict=True)

    found = discoveries(ps, least)

    # K tried one by one would not end within the time that a test has.
    assert 1_000 < sum(found.rejected) <= found.testable
