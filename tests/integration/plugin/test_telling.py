"""What a failing, an errored and a warning item says, whole."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.plugin.conftest import Project

SUITE = """\
targets: [qwen-plus]
scenarios: {warm: {temperature: 0.9, top_p: 0.95, trials: 5, passes: 4/5, seed: each}}
cases:
  - id: capital-of-france
    user: What is the capital of France?
    checks: [contains: Paris, not-contains: Lyon]
  - id: hostile
    user: hostile question
    checks: [contains: Paris]
  - id: soft
    user: And the capital of France?
    checks: [contains: Paris, {contains: Lyon, severity: warn}]
"""
ANSWERS = (
    "Paris.",
    "It is Lyon, on the Rhône and the Saône, " + "which is a lovely town. " * 60,
    "Paris, of course.",
    "Marseille.",
    "Paris?",
)

FAILED = """\
suites/facts.yaml:4: 3 of 5 trials passed, 4 needed

prompt     What is the capital of France?
trial 0    passed   Paris.
trial 1    failed   It is Lyon, on the Rhône and the Saône, which is a lovely town. which is a lovely town. which is a lovely town. which is a lovely town. which is a lovely town. … [1,480 characters, -vv shows all]
             contains 'Paris'       not found
             not-contains 'Lyon'    found at 6
trial 3    failed   Marseille.
             contains 'Paris'    not found
trials 2, 4   passed
scenario warm · target qwen-plus · seed the trial's number · temperature 0.9, top_p 0.95, thinking False · recorded 2026-11-22

cassettes/facts/qwen-plus/capital-of-france.yaml

hint: see all answers with `qeval cassette show capital-of-france`, or run `pytest -vv "suites/facts.yaml::capital-of-france[warm-qwen-plus]"`
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    """Recordings of a known day, with the answers above in place of the simulator's."""
    project.suite(SUITE)
    project.record()
    for path in project.cassettes():
        project.rewrite(path, ANSWERS if path.stem.startswith("capital") else ())
    return project


def _told(done: pytest.RunResult, title: str) -> str:
    """The text of one item, without its title."""
    text: str = done.stdout.str()
    body = re.split(rf"_+ {re.escape(title)} _+\n", text)[1]
    body = re.sub(r"\A\[gw\d\].*\n", "", body)
    return re.split(r"\n(?:_{5,} .* _{5,}|={5,} .* ={5,})\n", body)[0] + "\n"


def _junit(project: Project) -> ET.ElementTree[ET.Element]:
    return ET.parse(project.path / "junit.xml")  # noqa: S314  # pytest has just written it


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_failed_item_says_all_that_a_stranger_needs(
    recorded: Project, workers: tuple[str, ...]
) -> None:
    done = recorded.run(*workers, plugins=["xdist"])

    assert _told(done, "capital-of-france[warm-qwen-plus]") == FAILED


def test_vv_shows_every_answer_whole(recorded: Project) -> None:
    done = recorded.run("-vv", "-k", "capital-of")

    told = _told(done, "capital-of-france[warm-qwen-plus]")
    assert ANSWERS[1].strip() in told
    assert "trial 2    passed   Paris, of course." in told
    assert "trial 4    passed   Paris?" in told
    assert "characters" not in told


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_an_errored_item_says_why_there_is_no_answer(
    recorded: Project, workers: tuple[str, ...]
) -> None:
    (recorded.path / "cassettes/facts/qwen-plus/soft.yaml").unlink()

    done = recorded.run("-k", "soft", *workers, plugins=["xdist"])

    done.assert_outcomes(errors=1, deselected=2 if not workers else 0)
    told = _told(done, "ERROR at setup of soft[warm-qwen-plus]")
    assert told == (
        "suites/facts.yaml:10: 0 of 5 trials passed, 4 needed\n"
        "\n"
        "prompt     And the capital of France?\n"
        + "".join(
            f"trial {trial}    errored  no recording of case 'soft': "
            "cassettes/facts/qwen-plus/soft.yaml is not there\n"
            for trial in range(5)
        )
        + "scenario warm · target qwen-plus · seed the trial's number · temperature 0.9, "
        "top_p 0.95, thinking False\n"
        "\n"
        "cassettes/facts/qwen-plus/soft.yaml\n"
        "\n"
        "hint: see what differs with `qeval cassette why soft`, or record it with "
        '`pytest --qeval-mode record "suites/facts.yaml::soft[warm-qwen-plus]"`\n'
    )


def test_the_short_summary_carries_the_case(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    done = recorded.run("-k", "capital-of")

    (line,) = [line for line in done.outlines if line.startswith("FAILED ")]
    assert line == (
        "FAILED suites/facts.yaml::capital-of-france[warm-qwen-plus] - 3 of 5 trials passed, "
        "4 needed: contains 'Paris': not found; not-contains 'Lyon': found at 6"
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_hostile_answers_reach_neither_terminal_nor_xml(
    recorded: Project, workers: tuple[str, ...]
) -> None:
    done = recorded.run("-vv", "--junitxml=junit.xml", *workers, plugins=["xdist"])

    text = done.stdout.str()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "␛[31mred" in text
    tree = _junit(recorded)
    failures = {case.get("name"): case.find("failure") for case in tree.iter("testcase")}
    told = failures["hostile[warm-qwen-plus]"]
    assert told is not None
    assert "␛[31mred ‹RLO› ]]> ␀ end" in (told.text or "")


def test_junit_counts_errors_and_failures_apart(recorded: Project) -> None:
    (recorded.path / "cassettes/facts/qwen-plus/soft.yaml").unlink()

    recorded.run("--junitxml=junit.xml")

    (suite,) = _junit(recorded).iter("testsuite")
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("3", "1", "2")
    (failure,) = [c.find("failure") for c in suite if "capital" in str(c.get("name"))]
    assert failure is not None
    assert str(failure.get("message")).startswith("3 of 5 trials passed, 4 needed: ")


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_soft_check_warns_and_does_not_fail(recorded: Project, workers: tuple[str, ...]) -> None:
    done = recorded.run("-k", "soft", *workers, plugins=["xdist"])

    outcomes = done.parseoutcomes()
    assert (outcomes["passed"], outcomes["warnings" if "warnings" in outcomes else "warning"]) == (
        1,
        1,
    )
    text = done.stdout.str()
    assert "QevalCheckWarning: soft[warm-qwen-plus]: contains 'Lyon': not found" in text
    assert "suites/facts.yaml:10" in text


def test_warnings_as_errors_fail_a_soft_check_unless_excepted(recorded: Project) -> None:
    strict = ("-k", "soft", "-W", "error")

    recorded.run(*strict).assert_outcomes(failed=1, deselected=2)
    excepted = recorded.run(*strict, "-W", "ignore::qeval.pytest_plugin.QevalCheckWarning")
    excepted.assert_outcomes(passed=1, deselected=2)


def test_junit_properties_are_written_when_asked_for(recorded: Project) -> None:
    recorded.run("--junitxml=junit.xml", "--qeval-junit-properties", "-k", "capital-of")

    (case,) = _junit(recorded).iter("testcase")
    said = {each.get("name"): each.get("value") for each in case.iter("property")}
    assert said["qeval.passed"] == "3/5"
    assert said["qeval.outcome"] == "failed"
    assert float(str(said["qeval.score"])) == pytest.approx((1 + 0 + 1 + 0.5 + 1) / 5)
    assert int(str(said["qeval.output_tokens"])) > 0
    assert "None" not in said.values()
