"""What is no sample: the same recordings, and deterministic targets (section 2)."""

from typing import TYPE_CHECKING

import msgspec
import pytest

from qeval.compare.values import Comparison
from qeval.record import Trial
from qeval.report.formats.gate import conditions, failures

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Held, Making


def red(comparison: Comparison, said: str) -> tuple[str, ...]:
    found = failures(comparison, conditions([said]))
    return tuple(f"{failure.name}: {failure.why}" for failure in found)


FACT = "These are the same recordings: a fact, not a sample."


def declared(run: "Held") -> "Held":
    targets = tuple(msgspec.structs.replace(t, deterministic=True) for t in run.header.targets)
    return run.headed(targets=targets)


@pytest.mark.parametrize(
    ("changed", "word", "sentence"),
    [
        pytest.param({}, "same", f"the same: nothing changed in 4 groups of answers. {FACT}", id="nothing"),
        pytest.param({"case_0": "00"}, "worse", f"worse: 2 recorded answers that passed now fail under today's checks: case-0. {FACT}", id="worse"),
        pytest.param({"case_0": "10"}, "worse", f"worse: 1 recorded answer that passed now fails under today's checks: case-0. {FACT}", id="one-answer"),
    ],
)  # fmt: skip
def test_the_same_recordings_judged_again_are_facts(
    make: "Making", changed: dict[str, str], word: str, sentence: str
) -> None:
    old = make.run(make.cases(4, "11"))
    again = make.run(make.cases(4, "11", **changed))

    headline = make.against(old, again).headline

    assert headline.word == word
    assert headline.sentence == sentence
    assert headline.facts
    assert headline.p is headline.p_same is headline.low is headline.high is None


def test_facts_that_balance_are_the_same_on_average_and_red_all_the_same(make: "Making") -> None:
    old, again = make.run({"a": "11", "b": "00"}), make.run({"a": "00", "b": "11"})

    comparison = make.judge(old, again)

    headline = comparison.against[0].headline
    assert headline.word == "same"
    assert headline.sentence == (
        "the same on average: 2 recorded answers that passed now fail and 2 recorded answers that "
        f"failed now pass under today's checks: a. {FACT}"
    )
    assert red(comparison, "worse") == (
        "a[plain-plus]: 2 of 2 → 0 of 2, worse: the same recordings, a fact",
    )
    assert red(comparison, "worse:overall") == ()


def test_a_margin_that_the_user_sets_holds_for_facts_too(make: "Making") -> None:
    old, again = make.run(make.cases(40, "1")), make.run(make.cases(40, "1", case_1="0"))

    assert make.against(old, again).headline.word == "worse"
    assert make.against(old, again, margin=0.05).headline.word == "same"


def test_a_deterministic_target_with_one_changed_answer_is_a_fact(make: "Making") -> None:
    old = declared(make.run(make.cases(40, "1")))
    new = declared(make.new(make.cases(40, "1", case_7="0")))

    found = make.against(old, new)

    assert found.headline.word == "worse"
    assert found.headline.sentence == (
        "worse: 1 answer that passed now fails: case-7. "
        "Targets are declared deterministic: a fact, not a sample."
    )
    assert [found.changes[n].why for n in found.suspects] == [
        "1 of 1 → 0 of 1, worse: a deterministic target, a fact"
    ]


def test_a_declaration_on_one_side_only_is_none(make: "Making") -> None:
    old, new = make.run(make.cases(9, "1")), declared(make.new(make.cases(9, "1")))

    assert not make.against(old, new).headline.facts


def test_two_answers_to_one_question_refute_the_declaration_and_warn_once(make: "Making") -> None:
    old = declared(make.run(make.cases(9, "11")))
    new = declared(make.new(make.cases(9, "11", case_1="10", case_2="01")))

    found = make.against(old, new)

    assert not found.headline.facts
    assert found.notes == (
        (
            "plus is declared deterministic, but in the new run it gave two answers to one "
            "question: its answers are judged as ones that vary."
        ),
    )


def test_answers_that_differ_by_their_seed_refute_nothing(make: "Making") -> None:
    def seeded(trial: Trial) -> Trial:
        return msgspec.structs.replace(trial, request=f"seed {trial.trial}")

    old = declared(make.run(make.cases(9, "10"))).edited(seeded)
    new = declared(make.new(make.cases(9, "10"))).edited(seeded)

    assert make.against(old, new).headline.facts


def test_equal_answers_of_two_recordings_prove_nothing(make: "Making") -> None:
    found = make.against(make.run(make.cases(9, "11")), make.new(make.cases(9, "11")))

    assert not any(change.fact for change in found.changes)


def test_facts_stand_in_the_mean_beside_samples_and_are_told_apart(make: "Making") -> None:
    old = make.run(make.cases(10, "11111"))
    again = make.run(make.cases(10, "11111", case_0="00000"))
    fresh = make.new(make.cases(10, "11111"))
    again.held[5:] = fresh.held[5:]

    found = make.against(old, again)

    assert found.headline.difference == pytest.approx(-0.1)
    assert [change.fact for change in found.changes] == [True] * 5 + [False] * 5
    assert found.headline.sentence.endswith(
        f"5 recorded answers that passed now fail under today's checks. {FACT}"
    )


def test_a_replaced_recording_is_one_draw_and_shown_as_a_flip(make: "Making") -> None:
    old = make.run(make.cases(40, "1", case_3="0"))
    new = make.new(make.cases(40, "1", case_1="0", case_2="0"))

    comparison = make.judge(old, new)

    found = comparison.against[0]
    flips = [(c.case, c.word, c.why) for c in found.changes if c.flip]
    assert flips == [
        ("case-1", "undecided", "passed → failed, one trial each: not decided"),
        ("case-2", "undecided", "passed → failed, one trial each: not decided"),
        ("case-3", "undecided", "failed → passed, one trial each: not decided"),
    ]
    assert found.headline.sentence.endswith(
        "2 recordings were replaced and now fail; one trial each, so this may be chance."
    )
    assert red(comparison, "worse") == ()
    assert red(comparison, "flip") == (
        "case-1[plain-plus]: passed → failed, one trial each: not decided",
        "case-2[plain-plus]: passed → failed, one trial each: not decided",
    )


def test_deterministic_targets_side_by_side_are_named(make: "Making") -> None:
    told = {"a": {("plus", "calm"): "1", ("max", "calm"): "0"}}

    headline = make.against(declared(make.run(told)), by="target").headline

    assert headline.sentence == (
        "worse: 1 answer passes with plus and fails with max: a. "
        "Targets are declared deterministic: a fact, not a sample."
    )
