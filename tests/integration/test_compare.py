"""A suite of 40 cases with 5 trials against its baseline: five things that can have happened."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qeval.cli import main
from qeval.simulator import running
from qeval.simulator.script import Fault, Range, Reply, Rule, Script

SUITE = """\
targets: {plus: {model: qwen-plus, deterministic: DETERMINISTIC}}
scenarios: {warm: {temperature: 0.7, trials: 5, seed: each}}
cases:
  - id: 'say-{{ n }}'
    grid: {n: [NUMBERS]}
    user: 'Say the number {{ n }}.'
    checks: [equals: '{{ n }}']
"""
CASES = 40
BROKEN = ("say-7", "say-19", "say-33")


def rule(case: str, text: str = "", **more: Any) -> Rule:
    number = case.removeprefix("say-")
    replies = () if more.get("fault") else (Reply(text=text or number),)
    return Rule(match=f" {number}\\.", replies=replies, **more)


def script(*first: Rule, seed: int = 0) -> Script:
    """Right answers to all, after what comes first. Another seed makes other recordings."""
    return Script(rules=(*first, *(rule(f"say-{n}") for n in range(1, CASES + 1))), seed=seed)


class Said(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def against(self) -> Any:
        (one,) = self.json["against"]
        return one


class Shell:
    """A project in which commands are typed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str] | None) -> None:
        self.folder = folder
        self._capsys = capsys

    def suite(self, *, deterministic: bool = False, numbers: Iterable[int] = ()) -> None:
        listed = ", ".join(str(n) for n in (numbers or range(1, CASES + 1)))
        text = SUITE.replace("NUMBERS", listed)
        text = text.replace("DETERMINISTIC", str(deterministic).lower())
        (self.folder / "suites" / "numbers.yaml").write_text(text)

    def __call__(self, *arguments: str) -> Said:
        assert self._capsys is not None
        self._capsys.readouterr()
        code = main(arguments)
        return Said(code, *self._capsys.readouterr())

    def ask(self, answers: Script, *arguments: str, mode: str = "live") -> Said:
        with running(answers) as url:
            return self("run", "suites/numbers.yaml", "--mode", mode, "--base-url", url, *arguments)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which the suite was recorded, once for all tests."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "suites").mkdir()
    Shell(folder, None).suite()
    with contextlib.chdir(folder), running(script()) as url:
        mode = ("--mode", "record", "--base-url", url)
        assert main(["run", "suites/numbers.yaml", *mode]) == 0
    return folder


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    (tmp_path / "suites").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    made = Shell(tmp_path, capsys)
    made.suite()
    return made


def baseline(shell: Shell, *arguments: str) -> None:
    """Record the suite as it is, and keep the run."""
    assert shell.ask(script(), mode="record").code == 0
    assert shell("baseline", "set", "latest", *arguments).code == 0


@pytest.fixture
def kept(shell: Shell, recorded: Path) -> Shell:
    """A project with a baseline of 40 right answers, five times each."""
    for name in ("cassettes", "reports"):
        shutil.copytree(recorded / name, shell.folder / name)
    assert shell("baseline", "set", "latest", "--with-answers").code == 0
    return shell


def test_three_cases_broken_outright_are_named_and_red(kept: Shell) -> None:
    bad = [rule(case, "no idea") for case in BROKEN]

    said = kept.ask(script(*bad, seed=1), "--baseline", "--json")

    assert said.code == 1
    assert said.against["headline"]["word"] == "worse"
    worse = [change["case"] for change in said.against["changes"] if change["word"] == "worse"]
    assert worse == [*BROKEN]
    for case in BROKEN:
        assert f"  {case}[warm-plus]: 5 of 5 → 0 of 5, worse" in said.err
    assert (
        "failed on worse:cases: say-7[warm-plus], say-19[warm-plus], say-33[warm-plus]" in said.err
    )


ONE_IN_FIVE = script(
    *(rule(case, "no idea", params={"seed": Range(equals=3)}) for case in BROKEN), seed=1
)


def test_one_answer_in_five_is_not_decided_and_the_three_head_the_suspects(kept: Shell) -> None:
    said = kept.ask(ONE_IN_FIVE, "--baseline", "--json", "--margin", "2%")

    assert said.code == 0
    headline = said.against["headline"]
    assert headline["word"] == "undecided"
    assert headline["difference"] == pytest.approx(-0.015)
    assert headline["p"] == pytest.approx(0.179712, abs=1e-6)  # verdicts.md, vector 9
    changes = said.against["changes"]
    assert [changes[number]["case"] for number in said.against["suspects"]] == [*BROKEN]
    assert "suspects: say-7, say-19, say-33" in headline["sentence"]
    assert "trials of each case" in headline["sentence"]


def test_within_the_usual_margin_one_answer_in_five_is_the_same_with_three_suspects(
    kept: Shell,
) -> None:
    # 1.5 points are fewer than 5, and 40 cases × 5 trials are enough to say so: section 3.4.
    said = kept.ask(ONE_IN_FIVE, "--baseline")

    assert said.code == 0
    assert "B: the same within 5 points" in said.out
    for case in BROKEN:
        assert f"  {case}[warm-plus]: 5 of 5 → 4 of 5, suspect: not decided" in said.out


def test_an_undecided_verdict_is_red_only_where_that_is_asked_for(kept: Shell) -> None:
    said = kept.ask(ONE_IN_FIVE, "--baseline", "--fail-on", "undecided", "--margin", "0.02")

    assert said.code == 1
    assert "failed on undecided: overall" in said.err
    for case in BROKEN:
        assert f"  {case}[warm-plus]: 5 of 5 → 4 of 5" in said.err


def test_nothing_changed_is_the_same_and_green(kept: Shell) -> None:
    said = kept.ask(script(seed=1), "--baseline", "--json")

    assert (said.code, said.against["headline"]["word"]) == (0, "same")
    assert "failed" not in said.err


def test_thirty_percent_errors_decide_nothing_and_say_why(kept: Shell) -> None:
    bad = [
        rule(f"say-{n}", fault=Fault(status=400, code="invalid_parameter_error"))
        for n in range(1, 13)
    ]

    said = kept.ask(script(*bad, seed=1), "--baseline", "--json")

    assert said.code == 1
    assert said.against["headline"]["word"] == "undecided"
    assert (
        "30 % of the new run's trials ended in errors (60 of 200"
        in (said.against["headline"]["sentence"])
    )
    assert said.against["errors"][1] == 0.3
    assert "failed on errors: overall" in said.err
    assert kept("compare", "baseline", "latest").code == 1
    assert kept("compare", "baseline", "latest", "--fail-on", "none").code == 0


def test_one_changed_answer_of_a_deterministic_target_is_a_fact(shell: Shell) -> None:
    shell.suite(deterministic=True)
    baseline(shell)

    said = shell.ask(script(rule("say-7", "no idea"), seed=1), "--baseline", "--json")

    assert said.code == 1
    (changed,) = (each for each in said.against["changes"] if each["word"] != "same")
    assert (changed["case"], changed["word"], changed["fact"], changed["p"]) == (
        "say-7",
        "worse",
        True,
        None,
    )
    assert said.against["headline"]["facts"]
    assert "a fact" in changed["why"]


# The command line


def test_a_run_against_itself_holds_only_facts(kept: Shell) -> None:
    assert kept("run", "suites/numbers.yaml").code == 0

    said = kept("compare", "baseline", "latest", "--json")

    assert said.code == 0
    assert {change["word"] for change in said.against["changes"]} == {"same"}
    assert all(change["fact"] for change in said.against["changes"])


def test_the_page_of_a_run_with_a_baseline_is_the_comparison(kept: Shell) -> None:
    said = kept.ask(script(rule("say-7", "no idea"), seed=1), "--baseline")

    page = said.err.partition("report: ")[2].split()[0]
    assert "say-7" in (kept.folder / page).read_text()
    assert "5 of 5 → 0 of 5" in (kept.folder / page).read_text()


def test_a_missing_baseline_is_told_before_anything_is_asked(shell: Shell) -> None:
    said = shell("run", "suites/numbers.yaml", "--mode", "live", "--baseline")

    assert said == Said(
        4,
        "",
        "suite 'numbers' has no baseline\n\n"
        "hint: run it, then keep the run as one: `qeval baseline set latest`\n",
    )
    assert not (shell.folder / "reports").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fail-on", "wors"], "--fail-on 'wors' is none of worse, "),
        (
            ["--margin", "7"],
            "margin 7 is out of range: ≥ 0 and ≤ 1\n\nhint: write shares as fractions",
        ),
        (["--alpha", "0"], "alpha 0 is out of range: > 0 and ≤ 0.5"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_is_asked(
    arguments: list[str], told: str, shell: Shell
) -> None:
    said = shell("run", "suites/numbers.yaml", "--mode", "live", "--baseline", *arguments)

    assert said.code == 4
    assert told in said.err


def test_a_failure_that_the_baseline_knows_is_none(shell: Shell) -> None:
    known = rule("say-7", "no idea")
    assert shell.ask(script(known), mode="record").code == 1
    assert shell("baseline", "set", "latest").code == 0

    assert shell.ask(script(known, seed=1), "--baseline").code == 0


def test_a_new_case_that_fails_is_red(shell: Shell) -> None:
    shell.suite(numbers=range(1, 20))
    baseline(shell)
    shell.suite(numbers=range(1, 21))

    assert shell.ask(script(seed=1), "--baseline").code == 0
    said = shell.ask(script(rule("say-20", "no idea"), seed=1), "--baseline")

    assert said.code == 1
    assert (
        "failed on new failure: say-20[warm-plus]\n  say-20[warm-plus]: new, and failed: "
        in said.err
    )


def test_choosing_cases_leaves_the_rest_of_the_baseline_aside(kept: Shell) -> None:
    said = kept.ask(script(seed=1), "--baseline", "--json", "-k", "say-7")

    assert {change["case"] for change in said.against["changes"]} == {"say-7"}


def test_the_baseline_can_be_any_run(shell: Shell) -> None:
    first = shell.ask(script(), "--limit", "3", mode="record")
    name = next((shell.folder / "reports" / "numbers").iterdir()).name

    said = shell.ask(script(seed=1), "--limit", "3", "--baseline", name, "--json")

    assert first.code == said.code == 0
    assert said.json["sides"][0]["run"] == name


@pytest.mark.parametrize("form", ["table", "markdown", "junit", "csv", "json"])
def test_every_format_goes_to_stdout_whole(form: str, kept: Shell) -> None:
    assert kept("run", "suites/numbers.yaml").code == 0

    said = kept("compare", "baseline", "latest", "--format", form, "--output", "page.html")

    assert said.code == 0
    assert said.out
    assert said.err.endswith("\nreport: page.html\n")
    assert (kept.folder / "page.html").is_file()


def test_one_run_has_nothing_to_be_compared_with(shell: Shell) -> None:
    assert shell("compare", "latest") == Said(
        4,
        "",
        "one run, 'latest', has nothing to be compared with\n\n"
        "hint: name two, `qeval compare baseline latest`, or compare its own sides with "
        "`--by target` or `--by scenario`\n",
    )


def test_runs_without_a_common_case_say_what_each_asked(shell: Shell) -> None:
    shell.suite(numbers=[1, 2])
    baseline(shell)
    shell.suite(numbers=[3, 4])

    said = shell.ask(script(), "--baseline")

    assert said.code == 4
    assert "these have no case in common that was asked of the same" in said.err


def test_baselines_are_listed_and_shown(shell: Shell) -> None:
    none = shell("baseline", "list")
    assert none == Said(
        0, "", "no baseline yet\n\nhint: keep a run as one: `qeval baseline set latest`\n"
    )
    baseline(shell, "--with-answers")

    listed, shown = shell("baseline", "list", "--json"), shell("baseline", "show")

    (row,) = listed.json
    assert (row["suite"], row["groups"], row["trials"], row["answers"]) == (
        "numbers",
        "40/40",
        "200/200",
        "kept",
    )
    assert "40/40" in shown.out
    assert shell("baseline", "show", "other").code == 4


def test_changed_checks_are_not_comparable_until_kept_answers_are_judged_again(
    kept: Shell,
) -> None:
    suite = kept.folder / "suites" / "numbers.yaml"
    suite.write_text(suite.read_text().replace("[equals:", "[starts_with:"))

    plain = kept.ask(script(seed=1), "--baseline", "--json")
    again = kept.ask(script(seed=1), "--baseline", "--json", "--rescore")

    assert plain.against["headline"]["word"] == "not_comparable"
    assert again.against["headline"]["word"] == "same"
    assert "answers of baseline judged by today's checks: 40 cases" in again.err


def test_answers_to_another_question_are_not_judged_again(kept: Shell) -> None:
    suite = kept.folder / "suites" / "numbers.yaml"
    suite.write_text(suite.read_text().replace("Say the", "Now say the"))

    said = kept.ask(script(seed=1), "--baseline", "--json", "--rescore")

    assert said.against["headline"]["word"] == "not_comparable"
    assert "40 changed cases could not be judged again" in said.err


def test_a_baseline_of_a_part_with_errors_is_warned_of(shell: Shell) -> None:
    fault = rule("say-2", fault=Fault(status=400, code="invalid_parameter_error"))
    assert shell.ask(script(fault), "--limit", "2").code == 1

    said = shell("baseline", "set", "latest")

    assert said.code == 0
    assert said.err.startswith(
        "warning: this run asked only a part of the suite; what it left out will be new\n"
        "warning: 5 trials of this run errored, and will be judged as missing\n"
    )


@pytest.mark.parametrize("form", ["table", "markdown", "junit", "csv", "json"])
def test_a_baseline_has_a_table_and_a_page_like_a_run(form: str, kept: Shell) -> None:
    said = kept("report", "baseline", "--format", form)

    assert (said.code, said.err) == (0, "\nreport: reports/numbers/baseline.html\n")
    assert "say-7" in said.out or form in {"table", "markdown"}
    assert (kept.folder / "reports/numbers/baseline.html").is_file()


def test_several_runs_are_reported_side_by_side_and_nothing_is_red(kept: Shell) -> None:
    assert kept.ask(script(rule("say-7", "no idea"), seed=1)).code == 1

    said = kept("report", "baseline", "latest")

    assert said.code == 0
    assert "say-7[warm-plus]: 5 of 5 → 0 of 5, worse" in said.out
    assert said.err == "\nreport: reports/numbers/comparison.html\n"


def test_a_folder_that_cannot_be_made_for_the_page_is_told(kept: Shell) -> None:
    assert kept("run", "suites/numbers.yaml").code == 0
    run = next((kept.folder / "reports" / "numbers").iterdir())
    moved = run.rename(kept.folder / run.name)
    shutil.rmtree(kept.folder / "reports" / "numbers")
    (kept.folder / "reports" / "numbers").write_text("in the way")

    said = kept("compare", "baseline", moved.name)

    assert said.code == 4
    assert said.err.startswith("cannot write reports/numbers: ")


# Kept answers judged again


def test_what_errored_stays_so_when_answers_are_judged_again(shell: Shell) -> None:
    shell.suite(numbers=range(1, 25))
    fault = rule("say-2", fault=Fault(status=400, code="invalid_parameter_error"))
    assert shell.ask(script(fault)).code == 1
    assert shell("baseline", "set", "latest", "--with-answers").code == 0
    suite = shell.folder / "suites" / "numbers.yaml"
    suite.write_text(suite.read_text().replace("[equals:", "[starts_with:"))

    said = shell.ask(script(seed=1), "--baseline", "--json", "--rescore")

    states = {change["case"]: change["state"] for change in said.against["changes"]}
    assert {case for case, state in states.items() if state != "paired"} == {"say-2"}
    assert states["say-2"] == "lost"


def test_answers_that_were_not_kept_cannot_be_judged_again(kept: Shell) -> None:
    assert kept("baseline", "set", "latest").code == 0
    suite = kept.folder / "suites" / "numbers.yaml"
    suite.write_text(suite.read_text().replace("[equals:", "[starts_with:"))

    said = kept.ask(script(seed=1), "--baseline", "--json", "--rescore")

    assert said.against["headline"]["word"] == "not_comparable"
    assert "their answers are not kept, or another question was asked" in said.err


def test_a_check_of_what_is_not_kept_leaves_the_case_as_it_was(kept: Shell) -> None:
    suite = kept.folder / "suites" / "numbers.yaml"
    changed = suite.read_text().replace("[equals: '{{ n }}']", "[max_overhead_share: 0.9]")
    suite.write_text(changed)

    said = kept.ask(script(seed=1), "--baseline", "--json", "--rescore")

    assert said.against["headline"]["word"] == "not_comparable"


def test_without_the_suite_no_answer_is_judged_again(kept: Shell) -> None:
    (kept.folder / "suites" / "numbers.yaml").unlink()

    assert kept("compare", "baseline", "latest", "--rescore") == Said(
        4,
        "",
        "there is no suite 'numbers' below suites/ to judge the old answers by\n\n"
        "hint: compare without `--rescore`\n",
    )
