"""The verdict of the whole and its parts: sections 3.3, 3.5, 5 and 13."""

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from qeval.compare.judging import Weighed, Weigher
from qeval.compare.pairing import Errors
from qeval.compare.values import Reading, Settings, Word
from qeval.errors import UsageError
from qeval.record import Setup
from qeval.stats.paired import Estimate

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Making


def weighed(p: float, p_same: float, difference: float, margin: float = 0.05) -> Weighed:
    estimate = Estimate(
        difference=difference,
        se=0.01,
        low=difference - 0.02,
        high=difference + 0.02,
        p=p,
        p_same=p_same,
        same_low=-0.04,
        same_high=0.02,
        cases=40,
        degrees=39,
    )
    return Weighed(estimate=estimate, reading="suite", margin=margin)


def words(*family: Weighed) -> list[Word]:
    return Weigher(Settings(), "run", (Errors(), Errors())).words(family)


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        pytest.param([weighed(0.5, 0.5, -0.01)], ["undecided"], id="neither"),
        pytest.param([weighed(0.04, 0.5, -0.01)], ["worse"], id="worse"),
        pytest.param([weighed(0.04, 0.5, 0.01)], ["better"], id="better"),
        pytest.param([weighed(0.05, 0.5, -0.01)], ["undecided"], id="p-at-alpha"),
        pytest.param([weighed(0.5, 0.04, -0.01)], ["same"], id="same"),
        pytest.param([weighed(0.04, 0.04, -0.01)], ["same"], id="same-goes-before-worse"),
        pytest.param([weighed(0.04, 0.04, -0.01, 0.0)], ["worse"], id="no-margin-forbids-same"),
        pytest.param([weighed(0.04, 0.5, -0.01)] * 2, ["undecided"] * 2, id="Holm-of-two"),
        pytest.param(
            [weighed(0.02, 0.5, -0.01), weighed(0.04, 0.5, -0.01)], ["worse"] * 2, id="Holm-steps"
        ),
        pytest.param([weighed(0.5, 0.04, 0.0)] * 2, ["undecided"] * 2, id="Holm-of-same-too"),
        pytest.param(
            [weighed(0.04, 0.5, -0.01), Weighed(fixed="same")], ["worse", "same"], id="facts-cost-nothing"
        ),
    ],
)  # fmt: skip
def test_the_rule_goes_in_its_order(family: list[Weighed], expected: list[Word]) -> None:
    assert words(*family) == expected


@pytest.mark.parametrize(
    ("count", "old", "new", "settings", "reading"),
    [
        pytest.param(10, "11111", "11111", {}, "suite", id="run-against-run-with-trials"),
        pytest.param(10, "1", "1", {}, "cases", id="one-trial-knows-no-noise"),
        pytest.param(10, "1", "11111", {}, "cases", id="one-trial-on-one-side"),
        pytest.param(10, "11111", "11111", {"reading": "cases"}, "cases", id="as-the-user-says"),
        pytest.param(4, "11111", "11111", {"reading": "cases"}, "suite", id="few-cases-with-trials"),
        pytest.param(4, "1", "1", {"reading": "cases"}, "cases", id="few-cases-without"),
        pytest.param(1, "11", "11", {}, "suite", id="one-case"),
        pytest.param(4, "11", "11", {"reading": "cases", "min_cases": 4}, "cases", id="min-cases"),
    ],
)  # fmt: skip
def test_a_reading_falls_back_where_it_cannot_be_had(
    make: "Making", count: int, old: str, new: str, settings: dict[str, Any], reading: Reading
) -> None:
    found = make.against(
        make.run(make.cases(count, old)), make.new(make.cases(count, new)), **settings
    )

    assert found.headline.reading == reading


@pytest.mark.parametrize(
    ("once", "reading"), [pytest.param(5, "suite", id="half"), pytest.param(6, "cases", id="more")]
)
def test_half_of_the_pairs_need_two_trials_a_side(make: "Making", once: int, reading: str) -> None:
    told = {f"case-{n}": "1" if n < once else "111" for n in range(10)}

    assert make.against(make.run(told), make.new(told)).headline.reading == reading


def test_targets_and_scenarios_are_read_for_cases_like_these(make: "Making") -> None:
    told = {f"case-{n}": {("plus", "calm"): "1111", ("max", "calm"): "1110"} for n in range(8)}

    assert make.against(make.run(told), by="target").headline.reading == "cases"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        pytest.param({}, {}, "undecided", id="nothing-at-all"),
        pytest.param({"a": "1"}, {"a": "0"}, "undecided", id="one-case-one-trial"),
        pytest.param({"a": "1" * 20}, {"a": "0" * 20}, "worse", id="one-case-many-trials"),
        pytest.param({"a": "1", "b": "1"}, {"a": "0", "b": "0"}, "undecided", id="two-cases-one-trial"),
        pytest.param({f"{n}": "1" for n in range(5)}, {f"{n}": "0" for n in range(5)}, "undecided", id="five-cases-all-broken"),
        pytest.param({f"{n}": "1" for n in range(6)}, {f"{n}": "0" for n in range(6)}, "worse", id="six-cases-all-broken"),
        pytest.param({f"{n}": "1" for n in range(60)}, {f"{n}": "1" for n in range(60)}, "same", id="enough-all-pass"),
        pytest.param({f"{n}": "0" for n in range(60)}, {f"{n}": "0" for n in range(60)}, "same", id="enough-all-fail"),
        pytest.param({f"{n}": "1" for n in range(53)}, {f"{n}": "1" for n in range(53)}, "undecided", id="one-too-few"),
    ],
)  # fmt: skip
def test_edge_cases_come_out_as_they_are_written(
    make: "Making", old: dict[str, str], new: dict[str, str], word: str
) -> None:
    assert make.against(make.run(old), make.new(new)).headline.word == word


def test_all_equal_differences_leave_the_guard_alone(make: "Making") -> None:
    headline = make.against(make.run(make.cases(6, "1")), make.new(make.cases(6, "0"))).headline

    assert (headline.difference, headline.low) == (-1, -1)
    assert headline.high == pytest.approx(-0.439054, abs=1e-6)


def test_nothing_to_compare_has_no_numbers(make: "Making") -> None:
    headline = make.against(make.run({"a": "1"}), make.new({"b": "1"})).headline

    assert headline.word == "undecided"
    assert headline.difference is headline.low is headline.p is headline.margin is None
    assert headline.sentence == "not decided: nothing to compare, no case was judged on both sides."


def test_thirty_percent_of_errors_leave_the_whole_and_the_slices_open(make: "Making") -> None:
    told = {f"case-{n}": "eee11" if n < 20 else "00000" for n in range(40)}
    new = make.new(told).edited(
        lambda t: (
            msgspec.structs.replace(t, code="server_error")
            if t.code and t.case in {"case-0", "case-1", "case-2"} and t.trial < 3
            else t
        )
    )
    for number in range(40):
        new = new.asking(f"case-{number}", tags=("even",) if number % 2 == 0 else ())
    found = make.against(make.run(make.cases(40, "11111")), new)

    assert found.headline.sentence == (
        "not decided: 30 % of the new run's trials ended in errors (60 of 200, 51 of them "
        "limit_requests, 9 of them server_error); the limit is 5 %."
    )
    assert [part.verdict.word for part in found.slices] == ["undecided"]
    assert found.errors == (0.0, 0.3)
    assert {c.word for c in found.changes[:20]} == {"undecided"}
    assert {c.word for c in found.changes[20:]} == {"worse"}


def test_the_limit_itself_is_no_excess(make: "Making") -> None:
    new = make.new(make.cases(20, "11111", **{f"case_{n}": "e1111" for n in range(5)}))

    assert make.against(make.run(make.cases(20, "11111")), new).errors == (0.0, 0.05)
    assert make.against(make.run(make.cases(20, "11111")), new).headline.word == "same"


@pytest.mark.parametrize(
    ("errors", "said"),
    [pytest.param(2, 0, id="too-few-to-matter"), pytest.param(9, 1, id="many")],
)
def test_errors_that_could_change_the_word_are_told(make: "Making", errors: int, said: int) -> None:
    letters = {f"case_{n}": "e1111" for n in range(errors)}

    headline = make.against(
        make.run(make.cases(40, "11111")), make.new(make.cases(40, "11111", **letters))
    ).headline

    assert headline.word == "same"
    assert headline.sentence.count("(errors could change this)") == said


def test_lost_cases_count_against_the_side_that_has_them(make: "Making") -> None:
    new = make.new(make.cases(10, "11", case_0="ee"))

    assert make.against(make.run(make.cases(10, "11")), new).errors == (0.1, 0.1)


def test_the_headlines_of_several_columns_are_one_family(make: "Making") -> None:
    old = make.run(make.cases(41, "1"))
    fallen = {f"case_{n}": "0" for n in range(6)}
    new = make.new(make.cases(41, "1", **fallen))

    alone = make.judge(old, new)
    among = make.judge(
        old, new, make.run(make.cases(41, "1"), "third"), make.run(make.cases(41, "1"), "fourth")
    )

    assert alone.against[0].headline.word == "worse"
    assert [each.headline.word for each in among.against] == ["undecided"] * 3
    assert "not after correction for 3 columns" in among.against[0].headline.sentence


@pytest.mark.parametrize("key", ["vars.document", "tag:doc-"])
def test_cases_of_one_document_hang_together(make: "Making", key: str) -> None:
    fallen = {f"case_{n}": "0" for n in range(7)}
    old, new = make.run(make.cases(42, "1")), make.new(make.cases(42, "1", **fallen))
    for number in range(42):
        document = f"doc-{number // 7}"
        new = new.asking(f"case-{number}", vars={"document": document}, tags=(document,))

    alone = make.against(old, new).headline
    together = make.against(old, new, cluster=key).headline

    assert alone.word == "worse"
    assert together.word == "undecided"
    assert together.difference == alone.difference


def test_a_case_under_several_scenarios_is_one_cluster(make: "Making") -> None:
    places = [("plus", f"s{n}") for n in range(10)]
    old = make.run({f"c{n}": dict.fromkeys(places, "1") for n in range(8)})
    new = make.new({f"c{n}": dict.fromkeys(places, "0" if n == 0 else "1") for n in range(8)})

    headline = make.against(old, new).headline

    assert headline.cases == 80
    assert headline.word == "undecided"
    assert "80 groups of 8 cases" in headline.sentence


def test_a_cluster_of_over_half_is_told(make: "Making") -> None:
    new = make.new(make.cases(12, "1"))
    for number in range(7):
        new = new.asking(f"case-{number}", tags=("big",))

    notes = make.against(make.run(make.cases(12, "1")), new, cluster="tag:big").notes

    assert notes == (
        "One cluster holds over half of the cases: what is said of others hangs on it.",
    )


@pytest.mark.parametrize(
    ("key", "message"),
    [
        pytest.param("document", "cluster 'document' is neither a value of the cases nor a tag\n\nhint: write `vars.NAME` or `tag:PREFIX`", id="form"),
        pytest.param("vars.document", "cluster 'vars.document': no case has it\n\nhint: name a value that the cases have, short text or a number, or a tag's beginning", id="nobody"),
    ],
)  # fmt: skip
def test_a_cluster_that_is_none_is_refused(make: "Making", key: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        make.against(make.run({"a": "1"}), make.new({"a": "1"}), cluster=key)

    assert str(raised.value) == message


def test_slices_are_families_by_kind(make: "Making") -> None:
    places = [("plus", "calm"), ("plus", "wild"), ("max", "calm"), ("max", "wild")]
    told = {f"c{n}": dict.fromkeys(places, "1" * 20) for n in range(8)}
    broken = {
        case: {place: "0" * 20 if place == ("max", "wild") else said for place, said in row.items()}
        for case, row in told.items()
    }
    new = make.new(broken)
    for number in range(4):
        new = new.asking(f"c{number}", tags=("hard", "all"))
    for number in range(4, 8):
        new = new.asking(f"c{number}", tags=("all",))

    found = make.against(make.run(told), new).slices

    assert [(part.kind, part.name, part.verdict.word) for part in found] == [
        ("tag", "hard", "worse"),
        ("cell", "plus × calm", "same"),
        ("cell", "plus × wild", "same"),
        ("cell", "max × calm", "same"),
        ("cell", "max × wild", "worse"),
        ("target", "plus", "same"),
        ("target", "max", "worse"),
        ("scenario", "calm", "same"),
        ("scenario", "wild", "worse"),
    ]


def test_setups_are_no_part_of_the_verdict(make: "Making") -> None:
    old = make.run({"a": "111"})
    new = make.run({"a": "111"}).headed(scenarios=(Setup(name="plain", trials=9),))

    assert make.against(old, new).headline.word == "same"
