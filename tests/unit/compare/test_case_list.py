"""Each case by itself, and the suspects (section 4)."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Making


@pytest.mark.parametrize(
    ("old", "new", "word", "why"),
    [
        pytest.param("11111", "00000", "worse", "5 of 5 → 0 of 5, worse (p = 0.004, one of 1 testable)", id="broken-outright"),
        pytest.param("00000", "11111", "better", "0 of 5 → 5 of 5, better (p = 0.004, one of 1 testable)", id="mended-outright"),
        pytest.param("11111", "11110", "undecided", "5 of 5 → 4 of 5, suspect: not decided (p = 0.50; 50 trials a side would tell)", id="one-in-five"),
        pytest.param("11111", "11000", "undecided", "5 of 5 → 2 of 5, suspect: not decided (p = 0.083; 10 trials a side would tell)", id="three-in-five"),
        pytest.param("11110", "11111", "undecided", "4 of 5 → 5 of 5, not decided (p = 0.50; 50 trials a side would tell)", id="perhaps-better"),
        pytest.param("111", "000", "worse", "3 of 3 → 0 of 3, worse (p = 0.05, one of 1 testable)", id="p-equal-to-alpha-counts"),
        pytest.param("11", "00", "undecided", "2 of 2 → 0 of 2, not decided", id="below-three-trials"),
        pytest.param("11111", "00", "undecided", "5 of 5 → 0 of 2, not decided", id="below-three-on-one-side"),
        pytest.param("1", "0", "undecided", "passed → failed, one trial each: not decided", id="one-trial"),
        pytest.param("1" * 11, "1" * 11, "same", "11 of 11 → 11 of 11, the same within 20 points", id="same-needs-eleven"),
        pytest.param("1" * 10, "1" * 10, "undecided", "10 of 10 → 10 of 10, no change seen: not decided", id="ten-are-too-few"),
    ],
)  # fmt: skip
def test_a_case_is_decided_from_its_own_passes(
    make: "Making", old: str, new: str, word: str, why: str
) -> None:
    change = make.against(make.run({"it": old}), make.new({"it": new})).changes[0]

    assert (change.word, change.why) == (word, why)


def test_no_p_is_computed_below_three_trials(make: "Making") -> None:
    change = make.against(make.run({"it": "11"}), make.new({"it": "00"})).changes[0]

    assert change.p is None
    assert change.low is not None


def test_three_of_forty_broken_outright_are_named(make: "Making") -> None:
    broken = {"case_4": "00000", "case_17": "00000", "case_30": "00000"}
    old, new = make.run(make.cases(40, "11111")), make.new(make.cases(40, "11111", **broken))

    found = make.against(old, new)

    assert [c.case for c in found.changes if c.word == "worse"] == ["case-4", "case-17", "case-30"]
    assert [found.changes[n].case for n in found.suspects] == ["case-4", "case-17", "case-30"]
    assert found.counts == {"undecided": 37, "worse": 3}


def test_only_those_that_could_be_decided_share_the_level(make: "Making") -> None:
    changed = {"case_0": "00000", "case_1": "11110", "case_2": "11110"}
    old, new = make.run(make.cases(40, "11111")), make.new(make.cases(40, "11111", **changed))

    assert make.against(old, new).changes[0].why == (
        "5 of 5 → 0 of 5, worse (p = 0.004, one of 1 testable)"
    )


@pytest.mark.parametrize("broken", [12, 13, 40])
def test_a_collapse_names_every_case(make: "Making", broken: int) -> None:
    letters = {f"case_{n}": "00000" for n in range(broken)}
    old, new = make.run(make.cases(40, "11111")), make.new(make.cases(40, "11111", **letters))

    assert make.against(old, new).counts.get("worse") == broken


def test_newcombe_s_interval_is_of_the_case_alone(make: "Making") -> None:
    change = make.against(make.run({"it": "11111"}), make.new({"it": "10000"})).changes[0]

    assert change.low == pytest.approx(-0.963776, abs=1e-6)
    assert change.high == pytest.approx(-0.192591, abs=1e-6)


def test_suspects_go_by_p_then_difference_then_the_suite_s_order(make: "Making") -> None:
    old = make.run(
        {"a": "11111", "b": "11111", "c": "11", "d": "11111", "e": "11111", "f": "11110"}
    )
    new = make.new(
        {"a": "11110", "b": "11100", "c": "00", "d": "11111", "e": "11110", "f": "11111"}
    )

    found = make.against(old, new)

    assert [found.changes[n].case for n in found.suspects] == ["b", "a", "e", "c"]


def test_a_case_that_is_the_same_within_its_margin_is_no_suspect(make: "Making") -> None:
    old, new = make.run({"it": "1" * 60}), make.new({"it": "1" * 59 + "0"})

    found = make.against(old, new)

    assert found.changes[0].word == "same"
    assert found.suspects == ()


def test_an_error_leaves_its_case_open_only_beyond_the_limit(make: "Making") -> None:
    told = make.cases(10, "11111", case_0="e0000")
    old = make.run(make.cases(10, "11111"))

    within = make.against(old, make.new(told))
    beyond = make.against(old, make.new(told), max_errors=0.01)

    assert within.changes[0].word == "worse"
    assert beyond.changes[0].word == "undecided"
    assert beyond.changes[0].why == "5 of 5 → 0 of 4, not decided"
