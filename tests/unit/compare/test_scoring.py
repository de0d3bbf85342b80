"""The score of trials as a measure beside the pass rate (section 1; suites.md section 10)."""

from collections.abc import Callable
from statistics import variance
from typing import TYPE_CHECKING

import msgspec
import pytest

from qeval.compare.values import Against, Measured
from qeval.record import Score, Trial
from qeval.stats.paired import Pair, by_suite

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Held, Making


def scored(run: "Held", value: Callable[[Trial], float]) -> "Held":
    def edit(trial: Trial) -> Trial:
        score = Score(value=value(trial), passed=trial.outcome == "passed", check="similar")
        return msgspec.structs.replace(trial, scores=(score,))

    return run.edited(edit)


def score_of(found: Against) -> Measured:
    return next(each for each in found.measures if each.name == "score")


def index(trial: Trial) -> int:
    return int(trial.case.removeprefix("case-"))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([], None),
        ([Score(value=0.5, passed=True)], 0.5),
        ([Score(value=1, passed=True, weight=3), Score(value=0, passed=False)], 0.75),
        ([Score(value=1, passed=True), Score(value=0, passed=False, severity="warn")], 1.0),
        ([Score(value=1, passed=True), Score(value=0, passed=False, weight=0)], 1.0),
        ([Score(value=0, passed=False, severity="warn")], None),
    ],
)
def test_a_trials_score_is_the_weighted_mean_of_what_decides(
    scores: list[Score], expected: float | None
) -> None:
    trial = Trial(
        case="c", target="t", scenario="s", trial=0, outcome="passed", scores=tuple(scores)
    )

    assert trial.score == expected


def test_where_all_is_passed_or_failed_there_is_no_score_beside(make: "Making") -> None:
    found = make.against(make.run(make.cases(9, "10")), make.new(make.cases(9, "11")))

    assert "score" not in {each.name for each in found.measures}


def test_scores_that_fell_are_worse_though_all_trials_pass(make: "Making") -> None:
    old = scored(make.run(make.cases(20, "11")), lambda t: 0.9 - 0.01 * t.trial)
    new = scored(make.new(make.cases(20, "11")), lambda t: 0.7 - 0.01 * t.trial)

    found = make.against(old, new)
    held = score_of(found)

    assert found.headline.word != "worse"
    assert (held.word, held.higher_is_worse, held.fact) == ("worse", False, False)
    assert held.difference == pytest.approx(-0.2)
    assert held.sentence.startswith("score: worse, 89.5 % → 69.5 % (95 %: −")
    assert held.sentence.endswith(" points; 20 groups).")


def test_the_interval_is_that_of_the_same_formulas(make: "Making") -> None:
    def old_value(trial: Trial) -> float:
        return 0.5 + 0.02 * index(trial) * (trial.trial + 1) / 2

    def new_value(trial: Trial) -> float:
        return 0.6 + 0.01 * index(trial) * (trial.trial + 1) / 2

    old = scored(make.run(make.cases(12, "11")), old_value)
    new = scored(make.new(make.cases(12, "11")), new_value)
    pairs = []
    for number in range(12):
        a = [0.5 + 0.02 * number * (trial + 1) / 2 for trial in (0, 1)]
        b = [0.6 + 0.01 * number * (trial + 1) / 2 for trial in (0, 1)]
        pairs.append(Pair(sum(b) / 2 - sum(a) / 2, 2, 2, variance(a), variance(b)))
    expected = by_suite(pairs)

    held = score_of(make.against(old, new))

    assert expected is not None
    assert (held.low, held.high, held.p) == pytest.approx((expected.low, expected.high, expected.p))


def test_scores_of_the_same_recordings_are_facts(make: "Making") -> None:
    run = scored(make.run(make.cases(9, "1")), lambda _: 0.8)

    held = score_of(make.against(run, run))

    assert (held.word, held.fact, held.p) == ("same", True, None)
    assert held.sentence == "score: same, 80 % → 80 % in 9 groups, a fact."


def test_scores_of_too_few_cases_are_shown_and_not_judged(make: "Making") -> None:
    old = scored(make.run(make.cases(5, "1")), lambda _: 0.9)
    new = scored(make.new(make.cases(5, "1")), lambda _: 0.5)

    held = score_of(make.against(old, new))

    assert (held.word, held.p) == (None, None)
    assert held.sentence == "score: 90 % → 50 % in 5 groups, too few to judge."
