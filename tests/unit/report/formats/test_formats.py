"""A comparison as text, in every format, and what hostile text becomes in it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qeval.compare.values import Comparison
from qeval.errors import UsageError
from qeval.report import formats
from qeval.report.formats import conditions, failures, render
from qeval.report.formats.cells import footnotes
from qeval.report.formats.markdown import inert


def parsed(document: str) -> ET.Element:
    return ET.fromstring(document.encode())  # noqa: S314  (what we wrote ourselves)


Make = Callable[[str], Comparison]
EVERYTHING = conditions(["worse,worse:measures,undecided,drift,flip"])

HOSTILE = [
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m\x00\x07",
    "half \ud800 a character",
    "\u202egnp.exe",
    "]]> & \" ' <!-- -->",
    "\ufffe\uffff\x0b\x0c",
    "two\nlines\r\n| and | pipes |",
    "`code` ``more``",
    "@everyone see #1 and https://evil.example/x",
    "[link](javascript:alert(1)) ![i](http://x)",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
]


def test_a_terminal_reads_the_verdict_first_then_what_else_changed(told: Comparison) -> None:
    assert (
        render(told)
        == """\
suite facts, by run
A  baseline, recorded 2026-11-21
B  20261122T101500Z-abc123

B: worse by 7.5 points on this suite (95 %: 5.9 to 9.1 worse; 40 cases × 5 trials)

What else changed:
  model as reported by plus: none → qwen-plus-2

                 cases      A       B    difference          95 %  verdict
-------------  -------  -----  ------  ------------  ------------  ---------
all                 40  100 %  92.5 %          −7.5   −9.1 … −5.9  WORSE
sums                 8      –       –             0             –  SAME
dates               40  100 %  92.5 %          −7.5   −9.1 … −5.9  WORSE
output tokens       40     12    13.4         +12 %  +5 % … +20 %  WORSE
agreement            0    0.5       –             –             –  –

Worse:
  sum-3[warm-plus]: 5 of 5 → 0 of 5
  dates-7[warm-plus]: 5 of 5 → 1 of 5
  json-2[warm-plus]: 5 of 5 → 2 of 5

Drift of the bill:
  plus, chat: 0 → 40

Cases: 3 worse, 1 same, 1 new, 1 gone.

Recorded from the simulator."""
    )


def test_a_comment_on_a_pull_request_fits_one_screen(told: Comparison) -> None:
    comment = render(told, "markdown")

    assert comment.startswith("### qeval: WORSE, suite facts\n\nA: baseline (2026-11-21), B: ")
    assert "| all | 40 | 100 % | 92.5 % | −7.5 | −9.1 … −5.9 | WORSE |" in comment
    assert "- sum-3[warm-plus]: 5 of 5 → 0 of 5" in comment
    assert comment.count("\n") < 40


def test_a_comment_on_thousands_of_changes_is_no_longer(told: Comparison) -> None:
    (one,) = told.against
    many = msgspec.structs.replace(
        one,
        changes=one.changes * 1000,
        suspects=tuple(range(1, 6000, 6)),
        slices=one.slices * 50,
        environment=one.environment * 30,
        drifts=one.drifts * 30,
        notes=one.notes * 30,
    )

    comment = render(msgspec.structs.replace(told, against=(many,)), "markdown")

    assert comment.count("\n") < 50
    assert "… and 95 more" in comment
    assert "… and 26 more" in comment
    assert "\n- … and 2,995 more\n" in comment


def test_several_columns_have_a_row_each_before_the_details(told: Comparison) -> None:
    (one,) = told.against
    second = msgspec.structs.replace(one, column=2)
    side = msgspec.structs.replace(told.sides[1], letter="C", label="other")
    both = msgspec.structs.replace(told, against=(one, second), sides=(*told.sides, side))

    overview, means = render(both).split("\n\n")[1:3]
    assert overview.splitlines()[-1].startswith("C other ")
    assert means.splitlines()[2].split() == ["output", "tokens", "12", "13.4", "13.4"]
    comment = render(both, "markdown")
    assert "\n| C other | 40 | 100 % | 92.5 % | −7.5 | −9.1 … −5.9 | WORSE |\n" in comment
    assert "\n| output tokens | 12 | 13.4 | 13.4 |\n" in comment
    assert comment.count("\n") < 25


def test_a_build_server_gets_a_failure_for_each_red_verdict(told: Comparison) -> None:
    red = failures(told, conditions(["worse"]))
    suite = parsed(render(told, "junit", red))[0]

    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("12", "5", "2")
    failed = [
        (case.get("name"), failure.get("type"))
        for case in suite
        if (failure := case.find("failure")) is not None
    ]
    assert failed == [
        ("overall", "worse:overall"),
        ("sum-3[warm-plus]", "worse:cases"),
        ("dates-7[warm-plus]", "worse:cases"),
        ("json-2[warm-plus]", "worse:cases"),
        ("tag dates", "worse:slices"),
    ]


def test_what_is_not_asked_for_is_no_failure_on_a_build_server(told: Comparison) -> None:
    suite = parsed(render(told, "junit"))[0]

    assert suite.get("failures") == "0"


def test_a_spreadsheet_has_one_line_a_change(told: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(render(told, "csv"))))

    assert [row["case"] for row in rows] == ["ok-1", "sum-3", "dates-7", "json-2", "new-1", "old-1"]
    assert rows[1]["difference"] == "-1.0"
    assert (rows[4]["verdict"], rows[4]["difference"], rows[4]["state"]) == ("", "", "new")


def test_json_is_the_comparison_whole_and_what_is_red(told: Comparison) -> None:
    document = json.loads(render(told, "json", failures(told, ("worse:overall",))))

    failed = document.pop("failed")
    assert msgspec.convert(document, Comparison) == told
    assert [each["condition"] for each in failed] == ["worse:overall"]
    assert document["settings"]["alpha"] == 0.05  # defaults are there too


# Hostile text


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", formats.FORMATS)
def test_no_format_prints_what_a_terminal_obeys(form: str, text: str, hostile: Make) -> None:
    made = hostile(text)
    shown = render(made, form, failures(made, EVERYTHING))

    assert shown.encode()  # no lone surrogate
    assert not set(shown) & {"\x1b", "\x00", "\x07", "\x0b", "\x0c", "\r", "\u202e", "\ufffe"}


@pytest.mark.parametrize("text", HOSTILE)
def test_junit_is_xml_whatever_was_said(text: str, hostile: Make) -> None:
    made = hostile(text)
    root = parsed(render(made, "junit", failures(made, EVERYTHING)))

    assert len(root[0]) == 6


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=30))
def test_any_text_is_valid_in_xml_csv_and_json(hostile: Make, text: str) -> None:
    made = hostile(text)
    red = failures(made, EVERYTHING)

    parsed(render(made, "junit", red))
    rows = list(csv.reader(io.StringIO(render(made, "csv"))))
    assert {len(row) for row in rows} == {22}
    json.loads(render(made, "json", red))
    assert all(not cell.startswith(("=", "+", "@", "\t")) for row in rows for cell in row)


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "|x"])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str, hostile: Make) -> None:
    rows = list(csv.DictReader(io.StringIO(render(hostile(start), "csv"))))

    assert rows[0]["case"].startswith("'")
    assert rows[0]["difference"] == "-1.0"  # a number of ours stays one


@pytest.mark.parametrize(
    "text",
    [
        "@everyone",
        "see #12",
        "https://evil.example",
        "www.evil.example",
        "<b>",
        "![x](y)",
        "[x](y)",
        "[x]: y",
        "**bold**",
        "__bold__",
        "~~x~~",
        "# head",
        "- item",
        "1. item",
        "> quote",
        "a|b",
        "`",
        "``",
        "&lt;",
        ":tada:!",
        "$x$",
        "\\*",
    ],
)
def test_markup_of_others_is_code_in_a_comment(text: str) -> None:
    shown = inert(text)

    assert shown.startswith("`")
    assert shown.endswith("`")
    assert text in shown


@pytest.mark.parametrize(
    "text",
    [
        "worse by 6.2 points on this suite (95 %: 2.3 to 10.1 worse; 41 cases × 5 trials); worse on 3 cases: sum-3, dates-7, json-2",
        "5 of 5 → 0 of 5, worse (p = 0.004, one of 1 testable)",
        "sum-3[factual_qa-qwen3.6-plus]",
        "−9.1 … −5.9",
        "+5 % … +20 %",
    ],
)
def test_our_own_sentences_are_plain_in_a_comment(text: str) -> None:
    assert inert(text) == text


# What is red


@pytest.mark.parametrize(
    ("said", "held"),
    [
        (["worse"], ("worse:overall", "worse:cases", "worse:slices")),
        (["worse:overall"], ("worse:overall",)),
        (["drift, undecided"], ("drift", "undecided")),
        (["drift", "drift"], ("drift",)),
        (["none"], ()),
        (["none", "flip"], ("flip",)),
    ],
)
def test_conditions_are_spelt_out(said: list[str], held: tuple[str, ...]) -> None:
    assert conditions(said) == held


def test_an_unknown_condition_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        conditions(["worse,undecide"])

    assert str(raised.value) == (
        "--fail-on 'undecide' is none of worse, worse:overall, worse:slices, worse:cases, "
        "worse:measures, undecided, drift, flip, gone, not_comparable, none\n\nhint: did you mean 'undecided'?"
    )


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("worse:overall", ["overall"]),
        ("worse:cases", ["sum-3[warm-plus]", "dates-7[warm-plus]", "json-2[warm-plus]"]),
        ("worse:slices", ["tag dates"]),
        ("worse:measures", ["output_tokens"]),
        ("drift", ["plus, chat"]),
        ("undecided", []),
        ("flip", []),
        ("gone", ["old-1[warm-plus]"]),
        ("not_comparable", []),
    ],
)
def test_each_condition_finds_its_own(told: Comparison, condition: str, names: list[str]) -> None:
    assert [each.name for each in failures(told, (condition,))] == names


def test_suspects_are_listed_beside_what_is_worse(told: Comparison) -> None:
    (one,) = told.against
    changes = [
        msgspec.structs.replace(each, word="undecided") if each.case == "dates-7" else each
        for each in one.changes
    ]
    made = msgspec.structs.replace(one, changes=tuple(changes))

    shown = render(msgspec.structs.replace(told, against=(made,)))

    assert (
        "Worse:\n  sum-3[warm-plus]: 5 of 5 → 0 of 5\n  json-2[warm-plus]: 5 of 5 → 2 of 5\n\n"
        "Suspects, not decided:\n  dates-7[warm-plus]: 5 of 5 → 1 of 5\n"
    ) in shown


@pytest.mark.parametrize(
    ("difference", "word", "low", "notes"),
    [
        (-0.075, "worse", -0.091, []),
        (-0.08, "worse", -0.091, ["A difference is the mean over groups, a change in %"]),
        (-0.075, "undecided", -0.091, ["Slices are judged together (Holm)"]),
        (-0.075, "undecided", None, []),
    ],
)
def test_figures_that_seem_to_contradict_each_other_have_a_note(
    told: Comparison, difference: float, word: Any, low: float | None, notes: list[str]
) -> None:
    (one,) = told.against
    verdict = msgspec.structs.replace(
        one.headline, difference=difference, word=word, low=low, high=low and -0.059
    )
    part = msgspec.structs.replace(one.slices[1], verdict=verdict)
    made = msgspec.structs.replace(one, slices=(part,))

    found = list(footnotes(made))

    assert len(found) == len(notes)
    assert all(note.startswith(start) for note, start in zip(found, notes, strict=True))


def test_a_flip_is_red_only_from_passed_to_failed(told: Comparison) -> None:
    (one,) = told.against
    flips = tuple(
        msgspec.structs.replace(each, flip=True, difference=difference, word="undecided")
        for each, difference in zip(one.changes[:2], (1.0, -1.0), strict=True)
    )
    made = msgspec.structs.replace(one, changes=flips, suspects=(1,))

    found = failures(msgspec.structs.replace(told, against=(made,)), ("flip",))

    assert [each.name for each in found] == ["sum-3[warm-plus]"]


def test_the_worst_are_those_that_got_worse_else_the_suspects(told: Comparison) -> None:
    (one,) = told.against
    undecided = tuple(
        msgspec.structs.replace(each, word="undecided" if each.word == "worse" else each.word)
        for each in one.changes
    )

    assert [each.case for each in formats.worst(one)] == ["sum-3", "dates-7", "json-2"]
    suspects = msgspec.structs.replace(one, changes=undecided, suspects=(3, 1))
    assert [each.case for each in formats.worst(suspects)] == ["json-2", "sum-3"]
    mixed = msgspec.structs.replace(suspects, changes=(*undecided[:3], one.changes[3]))
    assert [each.case for each in formats.worst(mixed)] == ["json-2"]
