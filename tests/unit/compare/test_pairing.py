"""Which groups stand against each other, and which leave the comparison (section 1)."""

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from qeval.compare.columns import columns
from qeval.errors import UsageError
from qeval.exchange import Message
from qeval.record import Score, Trial

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Making


@pytest.mark.parametrize(
    ("old", "new", "state", "word", "why"),
    [
        pytest.param("11", "11", "paired", "undecided", "2 of 2 → 2 of 2, no change seen: not decided", id="judged-on-both"),
        pytest.param(None, "11", "new", None, "new", id="planned-on-one-side-only"),
        pytest.param("11", None, "gone", None, "gone", id="planned-on-the-other-only"),
        pytest.param("11", "ee", "lost", None, "lost: no trial was judged now (limit_requests)", id="errored"),
        pytest.param("rr", "11", "lost", None, "lost: no trial was judged before", id="refused"),
        pytest.param("ee", "ee", "lost", None, "lost: no trial was judged before and now (limit_requests)", id="errored-twice"),
        pytest.param("ss", "11", "new", None, "new: skipped before", id="no-longer-skipped"),
        pytest.param("11", "ss", "gone", None, "gone: skipped now", id="skipped-now"),
        pytest.param("ss", "ss", "lost", None, "lost: skipped", id="skipped-twice"),
        pytest.param("1e", "1r", "paired", "undecided", "1 of 1 → 1 of 1, no change seen: not decided", id="one-judged-each"),
    ],
)  # fmt: skip
def test_a_group_stands_where_its_trials_put_it(
    make: "Making", old: str | None, new: str | None, state: str, word: str | None, why: str
) -> None:
    other = {"other": "11"}
    before = make.run(other | ({"it": old} if old else {}))
    after = make.new(other | ({"it": new} if new else {}))

    found = next(each for each in make.against(before, after).changes if each.case == "it")

    assert (found.state, found.word, found.why) == (state, word, why)


def test_what_does_not_count_stands_beside(make: "Making") -> None:
    change = make.against(make.run({"it": "110e"}), make.new({"it": "1rse"})).changes[0]

    assert change.passed == (2, 1)
    assert change.judged == (3, 1)
    assert change.planned == (4, 3)


def test_a_truncated_answer_counts_as_it_was_judged(make: "Making") -> None:
    cut = make.new({"it": "10"}).edited(lambda t: msgspec.structs.replace(t, truncated=True))

    assert make.against(make.run({"it": "11"}), cut).changes[0].judged == (2, 2)


@pytest.mark.parametrize(
    ("fields", "score", "why"),
    [
        pytest.param({"digest": "x", "messages": (Message(role="user", content="b"),)}, {}, "its question changed", id="question"),
        pytest.param({"digest": "x"}, {"check": "contains 'y'"}, "its checks changed", id="checks"),
        pytest.param({"digest": "x"}, {}, "its checks or its response format changed", id="threshold"),
        pytest.param({}, {"version": 2}, "the scorer of \"contains 'x'\" changed: version 1 → 2", id="scorer"),
        pytest.param({"digest": "x", "messages": ()}, {}, "its question or its checks changed", id="no-messages-kept"),
        pytest.param(
            {"digest": "x", "messages": (Message(role="user", content="b"),)},
            {"check": "contains 'y'"},
            "its question and its checks changed",
            id="both",
        ),
    ],
)  # fmt: skip
def test_a_changed_case_is_not_comparable_and_says_what_changed(
    make: "Making", fields: dict[str, Any], score: dict[str, Any], why: str
) -> None:
    def rescored(trial: Trial) -> Trial:
        scores = tuple(msgspec.structs.replace(s, **score) for s in trial.scores)
        return msgspec.structs.replace(trial, scores=scores)

    asked = {"messages": (Message(role="user", content="a"),)}
    old = make.run({"it": "111"}).asking("it", **asked)
    new = make.new({"it": "000"}).asking("it", **(asked | fields)).edited(rescored)

    found = make.against(old, new)

    assert found.changes[0].word == "not_comparable"
    assert found.changes[0].why == f"not comparable: {why}"
    assert found.headline.word == "not_comparable"
    assert found.headline.sentence == f"not comparable: of every case, {why}."


def test_what_is_not_comparable_leaves_every_number_and_is_counted(make: "Making") -> None:
    told = make.cases(12, "11111", case_3="00000")
    new = make.new(told).asking("case-3", digest="another")

    found = make.against(make.run(make.cases(12, "11111")), new)

    assert found.headline.cases == 11
    assert found.headline.difference == 0
    assert found.headline.sentence.endswith("Left out: 1 not comparable.")
    assert found.counts == {"not_comparable": 1, "undecided": 11}
    assert found.suspects == ()


def test_scenarios_of_one_run_may_word_a_question_differently(make: "Making") -> None:
    told = {"it": {("plus", "short"): "111", ("plus", "long"): "000"}}
    run = make.run(told)
    asked = run.asked.pop(("it", None))
    for scenario in ("short", "long"):
        run.asked["it", scenario] = msgspec.structs.replace(
            asked, scenario=scenario, digest=scenario
        )

    found = make.against(run, by="scenario")

    assert found.changes[0].state == "paired"
    assert (found.changes[0].target, found.changes[0].scenario) == ("plus", None)


def test_targets_are_joined_under_their_scenario(make: "Making") -> None:
    told = {
        "it": {
            ("plus", "calm"): "1111",
            ("plus", "wild"): "1100",
            ("max", "calm"): "0000",
            ("max", "wild"): "1111",
        }
    }

    found = make.against(make.run(told), by="target")

    assert [(c.scenario, c.passed) for c in found.changes] == [("calm", (4, 0)), ("wild", (2, 4))]


def test_what_an_interrupted_run_did_not_come_to_is_lost(make: "Making") -> None:
    old = make.run(make.cases(10, "11"))
    new = make.new(make.cases(8, "11")).headed(complete=False, planned=20)

    found = make.against(old, new)

    assert found.counts["lost"] == 2
    assert found.errors == (0.2, 0.2)
    assert found.headline.word == "undecided"
    assert "the new run did not end: 4 of its trials are lost." in found.notes


def test_the_suite_s_order_is_kept_and_what_is_gone_comes_last(make: "Making") -> None:
    old = make.run({"b": "1", "gone": "1", "a": "1"})
    new = make.new({"c": "1", "a": "1", "b": "1"})

    assert [c.case for c in make.against(old, new).changes] == ["c", "a", "b", "gone"]


def test_scores_keep_their_check_names_apart(make: "Making") -> None:
    two = (Score(value=1.0, passed=True, check="a"), Score(value=1.0, passed=True, check="b"))
    old = make.run({"it": "111"}).edited(lambda t: msgspec.structs.replace(t, scores=two))
    new = make.new({"it": "111"}).edited(lambda t: msgspec.structs.replace(t, scores=two[:1]))

    found = make.against(old, new).changes[0]

    assert found.why == "not comparable: its checks changed"


def test_what_the_old_run_did_not_come_to_is_lost_too(make: "Making") -> None:
    old = make.run({"a": "1"}).headed(complete=False, planned=2)

    found = make.against(old, make.new({"a": "1", "b": "1"})).changes[1]

    assert (found.state, found.why) == ("lost", "lost: the old run did not come to it")


def test_a_comparison_has_two_to_eight_columns(make: "Making") -> None:
    run = make.run({"a": "1"})

    with pytest.raises(UsageError) as raised:
        make.judge(run, by="target")

    assert str(raised.value) == (
        "a comparison has 2 to 8 columns, and by target there are 1\n\n"
        "hint: name other runs, another `--by`, or choose with `--target` and `--scenario`"
    )


def test_a_column_finds_what_its_group_asks(make: "Making") -> None:
    run = make.run({"a": "1"})
    column = columns([run, run], "run")[0]

    assert column.asked(run.held[0]) == run.asked["a", None]
