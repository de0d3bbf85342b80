from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.errors import SuiteError
from qeval.loading import read
from qeval.suite import Scenario, Target

Write = Callable[..., Path]
BASE = """\
targets:
  a: {model: qwen-plus}
  b: {model: qwen3-max}
scenarios: [factual_qa]
system: {file: base.md}
params: {temperature: 0, top_p: 0.5}
vars: {shop: Lamps}
checks: [finish_reason: stop, {max_output_tokens: 80, name: short}]
tags: [base]
context: [one, two]
cases:
  - {id: first, user: Hi, checks: [contains: x]}
  - {id: second, user: Ho}
"""
NEXT = """\
extends: base/common.yaml
params: {top_p: 0.9}
checks: [is_json]
without: [short]
tags: [next]
context: [three]
cases:
  - {id: third, user: He}
  - {id: first, user: Ha}
"""


def test_files_lie_over_each_other_by_the_rules(write: Write) -> None:
    write(BASE, "suites/base/common.yaml")
    suite = read(write(NEXT)).suite

    assert suite.params == {"temperature": 0, "top_p": 0.9}
    assert suite.vars == {"shop": "Lamps"}
    assert [check.entries for check in suite.checks] == [
        {"finish_reason": "stop"},
        {"is_json": None},
    ]
    assert suite.without == ()
    assert suite.tags == ("base", "next")
    assert suite.context == ("three",)
    assert [(case.id, case.user) for case in suite.cases] == [
        ("first", "Ha"),
        ("second", "Ho"),
        ("third", "He"),
    ]


def test_every_element_knows_the_file_and_folder_it_is_written_in(
    write: Write, tmp_path: Path
) -> None:
    write(BASE, "suites/base/common.yaml")
    source = read(write(NEXT)).source
    base = "suites/base/common.yaml"

    assert source.where(("cases", 0)) == "suites/s.yaml:9"
    assert source.where(("cases", 1, "user")) == f"{base}:13"
    assert source.where(("cases", 2)) == "suites/s.yaml:8"
    assert source.where(("system",)) == f"{base}:5"
    assert source.where(("targets", "b", "model")) == f"{base}:3"
    assert source.where(("params", "top_p")) == "suites/s.yaml:2"
    assert source.where(("params", "temperature")) == f"{base}:6"
    assert source.where(("checks", 0, "finish_reason")) == f"{base}:8"
    assert source.where(("checks", 1, "is_json")) == "suites/s.yaml:3"
    assert source.where(("context", 0)) == "suites/s.yaml:6"
    assert source.where(("tags", 0)) == f"{base}:9"
    assert source.where(()) == "suites/s.yaml:1"
    assert source.folder(("system",)) == tmp_path.resolve() / "suites/base"
    assert source.folder(("cases", 0, "user")) == tmp_path.resolve() / "suites"


def test_a_list_picks_among_inherited_definitions_and_a_mapping_adds(write: Write) -> None:
    write(BASE, "suites/base/common.yaml")
    picked = read(write("extends: base/common.yaml\ntargets: [b, qwen-flash]\n")).suite
    added = read(write("extends: base/common.yaml\nscenarios: {hot: {temperature: 1}}\n")).suite

    assert picked.targets == {"b": Target(model="qwen3-max"), "qwen-flash": None}
    assert added.scenarios == {"factual_qa": None, "hot": Scenario(temperature=1)}


def test_bases_are_read_in_order_and_each_once(write: Write) -> None:
    write("tags: [root]\n", "suites/root.yaml")
    write("extends: root.yaml\ntags: [left]\n", "suites/left.yaml")
    write("extends: root.yaml\ntags: [right]\n", "suites/right.yaml")

    assert read(write("extends: [left.yaml, right.yaml]\ntags: [own]\n")).suite.tags == (
        "root",
        "left",
        "right",
        "own",
    )


def test_a_circle_prints_its_chain(write: Write) -> None:
    write("extends: b.yaml\n", "suites/a.yaml")
    write("description: x\nextends: s.yaml\n", "suites/b.yaml")

    with pytest.raises(SuiteError) as caught:
        read(write("extends: a.yaml\n"))

    assert str(caught.value) == (
        "suites/b.yaml:2: extends goes round in a circle: "
        "suites/s.yaml → suites/a.yaml → suites/b.yaml → suites/s.yaml\n\n"
        "hint: take one of them out of `extends:`"
    )


def test_a_missing_base_names_the_nearest_file(write: Write) -> None:
    write("tags: [a]\n", "suites/common.yaml")

    with pytest.raises(SuiteError) as caught:
        read(write("description: x\nextends:\n  - comon.yaml\n"))

    assert str(caught.value) == (
        "suites/s.yaml:3: extends 'comon.yaml': there is no such suite file\n\n"
        "hint: did you mean 'common.yaml'?"
    )


def test_a_mistake_in_a_base_is_told_there(write: Write) -> None:
    write("params: {temperature: 9}\n", "suites/common.yaml")

    with pytest.raises(SuiteError) as caught:
        read(write("extends: common.yaml\n"))

    assert caught.value.where == "suites/common.yaml:1"


def test_a_path_in_a_base_is_relative_to_the_base(write: Write) -> None:
    write("def f(value, evidence): return True\n", "suites/base/judge.py")
    write("checks: [python: 'judge.py:f']\n", "suites/base/common.yaml")

    assert read(write("extends: base/common.yaml\n")).suite.checks[0].entries == {
        "python": "judge.py:f"
    }


def test_a_base_may_be_written_in_python_and_json(write: Write) -> None:
    write("from qeval.suite import Suite\nsuite = Suite(tags=['py'])\n", "suites/a.py")
    write('{"tags": ["js \\ud83d\\ude00"]}', "suites/b.json")

    assert read(write("extends: [a.py, b.json]\n")).suite.tags == ("py", "js 😀")


@pytest.mark.parametrize(
    "line",
    [
        "checks: x",
        "checks: [5]",
        "checks: [contain: x]",
        "targets: 5",
        "targets: {a: 5}",
        "targets: [[a]]",
        "scenarios: 5",
        "scenarios: {a: {sweep: 3}}",
        "tools: 5",
        "tools: {a: 5}",
        "vars: 5",
        "params: [1]",
        "cases: 5",
        "cases: [5, {id: [a], user: {}, checks: 5, without: [1, [2]], scenarios: [[a]], tools: 5}]",
        "cases: [{user: Hi, turns: [5], results: 5, params: 5, targets: 5, checks: [is_json]}]",
        "without: 5",
        "without: [[a]]",
        "extends: 5",
        "extends: [[a]]",
        "tags: [[a]]",
    ],
)
@pytest.mark.parametrize("base", [True, False])
def test_what_is_no_good_on_either_side_is_told_once_and_nothing_else(
    line: str,
    base: bool,  # noqa: FBT001  # a column of the table
    write: Write,
) -> None:
    sound = BASE.replace("vars:", "tools: {book: {description: Books.}}\nvars:")
    bad = f"{line}\n"
    if base:
        write(bad, "suites/common.yaml")
        path = write(f"extends: common.yaml\n{sound}")
    else:
        write(sound, "suites/common.yaml")
        path = write(bad if "extends" in line else f"extends: common.yaml\n{bad}")

    with pytest.raises(SuiteError) as caught:
        read(path)

    places = {mistake.partition(":")[0] for mistake in caught.value.mistakes}
    assert places == {"suites/common.yaml" if base else "suites/s.yaml"}
