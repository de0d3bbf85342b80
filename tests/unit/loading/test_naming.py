from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.loading import read

Told = Callable[..., str]
Write = Callable[..., Path]
CHECKS = "checks: [contains: x]\n"


def test_a_suite_with_cases_but_no_targets_says_what_to_add(told: Told) -> None:
    assert told(f"{CHECKS}cases: [user: Hi]\n") == (
        "suites/s.yaml:1: the suite names no targets, so nobody is asked\n\n"
        "hint: add `targets: [qwen-plus]`, or default_targets under [tool.qeval]"
    )


def test_the_projects_default_targets_and_targets_are_known(write: Write) -> None:
    write(
        "[tool.qeval]\ndefault_targets = ['mine']\n"
        "[tool.qeval.targets.mine]\nbase_url = 'http://127.0.0.1:1/v1'\n",
        "pyproject.toml",
    )

    loaded = read(write(f"{CHECKS}cases: [{{user: Hi, targets: [mine]}}]\n"))

    assert loaded.suite.targets is None
    assert loaded.project.default_targets == ("mine",)
    assert loaded.warnings == ()


def test_a_model_in_no_table_is_a_warning_with_the_nearest_known(write: Write) -> None:
    loaded = read(write("targets: [qwen-plsu]\n"))

    assert loaded.warnings == (
        "suites/s.yaml:1: model 'qwen-plsu' is in no table; did you mean 'qwen-plus'?",
    )


@pytest.mark.parametrize(
    "settings",
    ["{base_url: 'http://x/v1'}", "{like: qwen-plus}", "{model: qwen-plus-2026-01-01}"],
)
def test_a_model_that_is_known_or_elsewhere_is_no_warning(settings: str, write: Write) -> None:
    assert read(write(f"targets: {{odd: {settings}}}\n")).warnings == ()


def test_a_model_name_that_is_no_id_may_be_a_target_without_settings(write: Write) -> None:
    targets = read(write("targets: {Qwen/Qwen3-8B: }\n")).suite.targets

    assert list(targets or ()) == ["Qwen/Qwen3-8B"]


def test_ids_are_unique_with_case_ignored_over_all_files(write: Write, told: Told) -> None:
    write("cases: [{id: One, user: Hi}]\n", "suites/common.yaml")

    assert told(
        f"extends: common.yaml\ntargets: [qwen-plus]\n{CHECKS}cases:\n  - {{id: one, user: Ho}}\n"
    ) == (
        "suites/s.yaml:5: case id 'one' is here twice; first in suites/common.yaml:1\n\n"
        "hint: give each case an id of its own"
    )


def test_targets_and_scenarios_are_unique_with_case_ignored(told: Told) -> None:
    assert told("targets: {App: {model: qwen-plus}, app: {model: qwen-plus}}\n") == (
        "suites/s.yaml:1: 'app' and 'App' differ in case alone\n\nhint: rename one of them"
    )


VARIED = """\
targets: [qwen-plus]
scenarios:
  plain: {temperature: 0}
  think: {grid: {thinking: [on, off]}}
checks: [contains: x]
cases:
  - id: quick
    user: Hi
    params: {thinking: off}
"""


def test_a_case_that_sets_what_its_scenario_varies_is_told_on_its_line(told: Told) -> None:
    assert told(VARIED) == (
        "suites/s.yaml:9: case 'quick' sets thinking, which scenario 'think' varies\n\n"
        "hint: restrict the case with `scenarios:`"
    )


@pytest.mark.parametrize("scenarios", ["[plain]", "['pl*']"])
def test_a_case_restricted_to_other_scenarios_may_set_it(scenarios: str, write: Write) -> None:
    assert read(write(f"{VARIED}    scenarios: {scenarios}\n")).suite.cases[0].id == "quick"


@pytest.mark.parametrize(
    ("pick", "known"),
    [
        ("think", True),
        ("'think:*'", True),
        ("'think:thinking=on'", True),
        ("'t*'", True),
        ("'x*'", False),
        ("translation", False),
    ],
)
def test_a_pick_is_a_name_a_pattern_or_one_that_a_scenario_expands_to(
    pick: str,
    known: bool,  # noqa: FBT001  # a column of the table
    write: Write,
    told: Told,
) -> None:
    text = VARIED.replace("    params: {thinking: off}\n", f"    scenarios: [{pick}]\n")

    if known:
        assert read(write(text)).suite.cases
    else:
        assert told(text).startswith("suites/s.yaml:9: unknown scenario")


def test_a_case_whose_only_checks_are_dropped_has_none(told: Told) -> None:
    text = f"targets: [qwen-plus]\n{CHECKS}cases:\n  - {{user: Hi, without: [contains]}}\n"

    assert told(text) == (
        "suites/s.yaml:4: the case has no check, so nothing could fail\n\n"
        "hint: add `checks: [length: {min_chars: 1}]` if any answer will do"
    )


def test_checks_of_a_turn_are_checks_of_the_case(write: Write) -> None:
    text = "targets: [qwen-plus]\ncases: [{turns: [{user: Hi, checks: [is_json]}]}]\n"

    assert read(write(text)).suite.cases[0].turns


def test_tools_of_a_case_add_or_pick(write: Write, told: Told) -> None:
    head = f"targets: [qwen-plus]\n{CHECKS}tools: {{book: {{description: Books.}}}}\ncases:\n"
    added = "  - {user: Hi, tools: {pay: {description: Pays.}}, results: {pay: 1, book: 2}}\n"

    assert read(write(head + added)).suite.cases[0].results == {"pay": 1, "book": 2}
    assert told(f"{head}  - {{user: Hi, tools: [bok]}}\n") == (
        "suites/s.yaml:5: unknown tool 'bok'\n\nhint: did you mean 'book'?"
    )
    assert told(f"{head}  - {{user: Hi, tools: [], results: {{book: 1}}}}\n").startswith(
        "suites/s.yaml:5: results: unknown tool 'book'"
    )
