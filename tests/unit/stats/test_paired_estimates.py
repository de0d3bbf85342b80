"""The difference of two sides over many cases: printed values, oracles and laws."""

import random
from collections.abc import Sequence
from fractions import Fraction
from math import comb, sqrt

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar

from qeval.stats.paired import Estimate, Pair, by_cases, by_suite

DRIFTED = [-0.2, -0.4, 0, 0, 0.2, -0.2, 0, -0.6, -0.2, 0]
DOCUMENTS = [0, 0, 0, 1, 1, 2, 3, 3, 3, 3]


def tried(a: int, k_a: int, b: int, k_b: int) -> Pair:
    """A pair of so many passes of so many trials."""

    def variance(passed: int, k: int) -> float:
        return passed * (k - passed) / (k * (k - 1)) if k > 1 else 0.0

    return Pair(
        float(Fraction(b, k_b) - Fraction(a, k_a)), k_a, k_b, variance(a, k_a), variance(b, k_b)
    )


def asked_once(cases: int, worse: int, better: int) -> list[Pair]:
    return [Pair(-1.0)] * worse + [Pair(1.0)] * better + [Pair(0.0)] * (cases - worse - better)


def cases(pairs: Sequence[Pair], margin: float = 0.05) -> Estimate:
    found = by_cases(pairs, margin=margin)
    assert found is not None
    return found


def suite(pairs: Sequence[Pair], margin: float = 0.05) -> Estimate:
    found = by_suite(pairs, margin=margin)
    assert found is not None
    return found


def bounds(found: Estimate) -> tuple[float, float]:
    return found.low, found.high


@st.composite
def pairings(draw: st.DrawFn, least: int = 2) -> list[Pair]:
    k_a, k_b = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    passes = st.tuples(st.integers(0, k_a), st.integers(0, k_b))
    return [tried(a, k_a, b, k_b) for a, b in draw(st.lists(passes, min_size=least, max_size=40))]


# --- printed values


def test_forty_one_cases_of_which_nine_broke_and_two_healed_got_worse() -> None:
    found = cases(asked_once(41, 9, 2))

    assert found.difference == pytest.approx(-0.170732, abs=5e-7)
    assert found.se == pytest.approx(0.0827969, abs=5e-8)
    assert bounds(found) == pytest.approx((-0.338071, -0.003393), abs=6e-7)
    assert found.p == pytest.approx(0.0457402, abs=5e-8)


@pytest.mark.parametrize(
    ("worse", "se", "p"), [(4, 0.0121352, 0.1009112), (6, 0.0139473, 0.0326854)]
)
def test_four_broken_cases_of_two_hundred_are_not_yet_worse_and_six_are(
    worse: int, se: float, p: float
) -> None:
    found = cases(asked_once(200, worse, 0))

    assert found.se == pytest.approx(se, abs=5e-8)
    assert found.p == pytest.approx(p, abs=5e-8)


def test_ten_cases_of_five_trials() -> None:
    found = cases([Pair(d, 5, 5) for d in DRIFTED])

    assert found.difference == pytest.approx(-0.14, abs=1e-12)
    assert found.se == pytest.approx(0.0803779, abs=5e-8)
    assert bounds(found) == pytest.approx((-0.321827, 0.041827), abs=6e-7)
    assert found.p == pytest.approx(0.115529, abs=5e-7)


def test_the_same_in_four_documents_is_less_sure() -> None:
    found = by_cases([Pair(d, 5, 5) for d in DRIFTED], clusters=DOCUMENTS)

    assert found is not None
    assert found.degrees == pytest.approx(2.392405, abs=5e-7)
    assert found.se == pytest.approx(0.0832209, abs=5e-8)
    assert bounds(found) == pytest.approx((-0.447280, 0.167280), abs=6e-7)


@pytest.mark.parametrize(
    ("n", "bound", "same"), [(53, 0.050135, False), (54, 0.049652, True), (60, 0.047019, True)]
)
def test_unchanged_cases_are_the_same_from_fifty_four_on(n: int, bound: float, same: bool) -> None:  # noqa: FBT001  # a column of the table
    found = cases(asked_once(n, 0, 0))

    assert (found.same_low, found.same_high) == pytest.approx((-bound, bound), abs=5e-7)
    assert (found.p_same < 0.05) == same


def test_sixty_unchanged_cases_have_the_printed_p() -> None:
    found = cases(asked_once(60, 0, 0))

    assert found.p_same == pytest.approx(0.0403577, abs=5e-8)
    assert found.p == 1


@pytest.mark.parametrize(("margin", "least"), [(0.10, 27), (0.05, 54), (0.03, 90), (0.02, 135)])
def test_the_least_cases_for_the_same_follow_the_margin(margin: float, least: int) -> None:
    assert cases(asked_once(least, 0, 0), margin).p_same < 0.05
    assert cases(asked_once(least - 1, 0, 0), margin).p_same > 0.05


def test_few_changes_in_two_hundred_cases_are_the_same() -> None:
    found = cases(asked_once(200, 5, 3))

    assert found.se == pytest.approx(0.0157562, abs=5e-8)
    assert bounds(found) == pytest.approx((-0.041071, 0.021071), abs=6e-7)
    assert (found.same_low, found.same_high) == pytest.approx((-0.036038, 0.016038), abs=6e-7)
    assert found.p_same == pytest.approx(0.00594616, abs=5e-9)


def test_three_cases_that_fail_one_answer_in_five_change_this_suite_but_not_such_cases() -> None:
    pairs = [tried(20, 20, 16, 20)] * 3 + [tried(20, 20, 20, 20)] * 37
    found = suite(pairs)

    assert found.difference == pytest.approx(-0.015, abs=1e-12)
    assert found.se == pytest.approx(0.00434908, abs=5e-9)
    assert bounds(found) == pytest.approx((-0.023524, -0.006476), abs=6e-7)
    assert found.p == pytest.approx(0.000562651, abs=5e-10)
    assert cases(pairs).p == pytest.approx(0.172430, abs=5e-7)


def test_with_five_trials_one_answer_in_five_is_not_seen_and_a_collapse_is() -> None:
    steady = [tried(5, 5, 5, 5)] * 37

    assert suite([tried(5, 5, 4, 5)] * 3 + steady).p == pytest.approx(0.179712, abs=5e-7)
    assert bounds(suite([tried(5, 5, 0, 5)] * 3 + steady)) == pytest.approx(
        (-0.088859, -0.061141), abs=6e-7
    )


def test_sides_may_differ_in_their_trials_and_cases_too() -> None:
    a, b = [(5, 5), (4, 5), (5, 5), (3, 4)], [(10, 10), (6, 10), (7, 10), (9, 10)]

    found = suite([tried(*one, *other) for one, other in zip(a, b, strict=True)])

    assert found.difference == pytest.approx(-0.0875, abs=1e-12)
    assert found.se == pytest.approx(0.116760, abs=5e-7)
    assert bounds(found) == pytest.approx((-0.316345, 0.141345), abs=6e-7)


def test_all_cases_broken_is_not_certainty() -> None:
    found = cases(asked_once(6, 6, 0))

    assert found.se == pytest.approx(0.218218, abs=5e-7)
    assert bounds(found) == pytest.approx((-1.0, -0.439053), abs=6e-7)


def test_sixty_six_unchanged_trials_a_side_are_the_same_in_this_suite() -> None:
    assert suite([tried(3, 3, 3, 3)] * 22).p_same < 0.05
    assert suite([tried(3, 3, 3, 3)] * 21).p_same > 0.05


# --- edges


def test_nothing_to_compare_is_unknown() -> None:
    assert by_suite([]) is None
    assert by_cases([]) is None


def test_one_case_says_nothing_of_others_but_something_of_itself() -> None:
    pair = tried(20, 20, 3, 20)

    assert by_cases([pair]) is None
    assert suite([pair]).p < 0.05


def test_one_cluster_says_nothing_of_others() -> None:
    assert by_cases(asked_once(30, 10, 0), clusters=["one"] * 30) is None


def test_facts_bring_no_noise_of_their_own() -> None:
    facts = [Pair(-1.0, fact=True)] * 10 + [Pair(0.0, fact=True)] * 30

    # What is left is the guard: one trial each way of 40 cases.
    assert suite(facts).se == pytest.approx(sqrt(2) / 40, rel=1e-12)


def test_one_trial_bounds_its_noise_by_the_change_it_shows() -> None:
    pairs = asked_once(50, 4, 1)

    assert suite(pairs).se == pytest.approx(sqrt(5 + 2) / 50, rel=1e-12)


def test_what_floating_point_leaves_of_equal_rates_is_no_difference() -> None:
    found = cases([Pair(1e-17, 5, 5)] * 30)

    assert found.difference == 0
    assert found.se == pytest.approx(sqrt(2 / 25 / (30 * 31)), rel=1e-9)


def test_a_margin_of_zero_is_never_the_same() -> None:
    assert cases(asked_once(5_000, 0, 0), 0.0).p_same >= 0.5
    assert suite(asked_once(5_000, 0, 0), 0.0).p_same >= 0.5


# --- oracles


@given(pairs=pairings())
@settings(deadline=None)
def test_the_guard_is_two_imaginary_cases_beside_the_mean(pairs: list[Pair]) -> None:
    d = np.array([pair.d for pair in pairs])
    changed = d[np.abs(d) > 1e-9]
    k = max(pairs[0].k_a, pairs[0].k_b)
    u = np.sqrt(np.mean(changed**2)) if len(changed) else 1 / k
    more = np.concatenate([d, [d.mean() + u, d.mean() - u]])
    se = sqrt(more.var(ddof=1) / len(d))

    found = cases(pairs)

    assert found.se == pytest.approx(se, rel=1e-9)
    t = scipy.stats.t(len(d) - 1)
    assert found.p == pytest.approx(2 * t.sf(abs(d.mean()) / se), abs=1e-9)
    harder = np.concatenate([d, [d.mean() + 1, d.mean() - 1]])
    same = sqrt(max(harder.var(ddof=1), 0.05 * 0.95) / len(d))
    sides = t.sf((d.mean() + 0.05) / same), t.sf((0.05 - d.mean()) / same)
    assert found.p_same == pytest.approx(max(sides), abs=1e-9)


@st.composite
def documents(draw: st.DrawFn) -> tuple[list[float], list[int]]:
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=8))
    clusters = [number for number, size in enumerate(sizes) for _ in range(size)]
    steps = st.integers(-5, 5).map(lambda step: step / 5)
    return draw(st.lists(steps, min_size=len(clusters), max_size=len(clusters))), clusters


def bell_and_mccaffrey(d: Sequence[float], clusters: Sequence[int]) -> tuple[float, float]:
    """CR2 variance and degrees of freedom of a regression on one constant, by matrices."""
    y, x = np.array(d), np.ones((len(d), 1))
    bread = np.linalg.inv(x.T @ x)
    left = np.eye(len(d)) - x @ bread @ x.T
    residuals = left @ y
    variance, columns = 0.0, []
    for cluster in sorted(set(clusters)):
        rows = np.array([i for i, each in enumerate(clusters) if each == cluster])
        values, vectors = np.linalg.eigh(left[np.ix_(rows, rows)])
        adjust = vectors @ np.diag(values**-0.5) @ vectors.T
        ask = adjust @ x[rows] @ bread
        variance += float((ask.T @ residuals[rows])[0] ** 2)
        columns.append((left[:, rows] @ ask)[:, 0])
    inner = np.array(columns) @ np.array(columns).T
    return variance, float(np.trace(inner) ** 2 / np.trace(inner @ inner))


@given(held=documents())
@settings(deadline=None)
def test_clusters_are_judged_by_cr2(held: tuple[list[float], list[int]]) -> None:
    d, clusters = held
    count = len(set(clusters))
    variance, degrees = bell_and_mccaffrey(d, clusters)
    totals = [
        sum(each for each, c in zip(d, clusters, strict=True) if c == i) for i in range(count)
    ]
    changed = [total**2 for total in totals if abs(total) > 1e-9]
    u2 = np.mean(changed) * (count / len(d)) ** 2 if changed else 1 / 25
    squared = (count - 1) / (count + 1) * (variance + 2 * u2 / (count * (count - 1)))

    found = by_cases([Pair(each, 5, 5) for each in d], clusters=clusters)

    assert found is not None
    assert found.degrees == pytest.approx(degrees, rel=1e-9)
    assert found.se**2 == pytest.approx(squared, rel=1e-9)


@given(pairs=pairings())
def test_clusters_of_one_case_are_no_clusters(pairs: list[Pair]) -> None:
    found = by_cases(pairs, clusters=range(len(pairs)))

    assert found == by_cases(pairs)


@pytest.mark.parametrize("n", [50, 200])
def test_with_one_trial_the_verdict_lies_between_both_of_mcnemar(n: int) -> None:
    for worse in range(26):
        for better in range(worse):
            exact = mcnemar([[0, worse], [better, 0]], exact=True).pvalue
            middle = exact - comb(worse + better, better) / 2 ** (worse + better)
            ours = cases(asked_once(n, worse, better)).p < 0.05

            assert not exact < 0.045 or ours, (worse, better)
            assert not ours or middle < 0.055, (worse, better)


def exchanged(pairs: Sequence[tuple[int, int]], k: int) -> float:
    """The exact p of exchanging trials between the sides of each case, mid-p, doubled."""
    ways = {0: 1.0}
    for a, b in pairs:
        held = scipy.stats.hypergeom(2 * k, a + b, k)
        single = {a + b - 2 * x: float(held.pmf(x)) for x in range(max(0, a + b - k), k + 1)}
        longer: dict[int, float] = {}
        for total, weight in ways.items():
            for step, part in single.items():
                longer[total + step] = longer.get(total + step, 0.0) + weight * part
        ways = longer
    seen = sum(b - a for a, b in pairs)
    below = sum(weight for total, weight in ways.items() if total < seen)
    here = ways[seen]
    return min(1.0, 2 * min(below + here / 2, 1 - below - here / 2))


@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_this_suite_is_judged_as_by_exchanging_trials_within_cases(drop: float) -> None:
    draw, k = random.Random(20_261_122), 5  # noqa: S311  # a simulation
    agreed = []
    for _ in range(100):
        rates = [draw.betavariate(1.6, 0.4) for _ in range(40)]
        counts = [
            (
                sum(draw.random() < rate for _ in range(k)),
                sum(draw.random() < rate - drop for _ in range(k)),
            )
            for rate in rates
        ]
        exact = exchanged(counts, k)
        ours = suite([tried(a, k, b, k) for a, b in counts]).p
        agreed.append((exact < 0.05) == (ours < 0.05))
        assert ours == pytest.approx(exact, abs=0.05)

    assert sum(agreed) >= 95


# --- laws


@given(pairs=pairings())
def test_exchanging_the_sides_mirrors_the_estimate(pairs: list[Pair]) -> None:
    back = [Pair(-p.d, p.k_b, p.k_a, p.variance_b, p.variance_a, p.fact) for p in pairs]

    for judge in (cases, suite):
        found, mirrored = judge(pairs), judge(back)
        assert mirrored.difference == -found.difference
        assert (mirrored.low, mirrored.high) == (-found.high, -found.low)
        assert (mirrored.p, mirrored.p_same) == (found.p, found.p_same)


@given(pairs=pairings(), order=st.randoms(use_true_random=False))
def test_the_order_of_cases_changes_not_one_bit(pairs: list[Pair], order: random.Random) -> None:
    other = list(pairs)
    order.shuffle(other)

    assert cases(other) == cases(pairs)
    assert suite(other) == suite(pairs)


@given(pairs=pairings())
def test_the_interval_holds_the_difference_and_stays_in_range(pairs: list[Pair]) -> None:
    for found in (cases(pairs), suite(pairs)):
        assert -1 <= found.low <= found.difference <= found.high <= 1
        assert found.low < found.high
        assert 0 <= found.p <= 1
        assert 0 < found.p_same <= 1
        assert found.cases == len(pairs)


@given(pairs=pairings(), margin=st.floats(0.001, 0.5))
def test_same_means_that_the_narrower_interval_lies_within_the_margin(
    pairs: list[Pair], margin: float
) -> None:
    for found in (cases(pairs, margin), suite(pairs, margin)):
        inside = -margin < found.same_low and found.same_high < margin
        assert inside == (found.p_same < 0.05) or found.p_same == pytest.approx(0.05, abs=1e-9)


@given(pairs=pairings())
def test_worse_and_better_mean_that_the_interval_leaves_out_zero(pairs: list[Pair]) -> None:
    for found in (cases(pairs), suite(pairs)):
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
