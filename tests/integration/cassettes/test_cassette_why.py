"""`qeval cassette why`: the cause of each kind of miss, and the command that mends it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qeval.cli import main
from qeval.simulator import running

Capture = pytest.CaptureFixture[str]


def cassette(*words: str) -> int:
    return main(["cassette", *words])


def edit(path: Path, old: str, new: str) -> None:
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new))


def suite(project: Path) -> Path:
    return project / "suites" / "facts.yaml"


def told(capsys: Capture) -> str:
    """Return what was printed to stdout, with recording dates made equal."""
    return re.sub(r"20\d\d-\d\d-\d\d", "2026-11-22", capsys.readouterr().out)


WHY = """\
facts · capital · main · warm · trial {trial}
{state}

case      suites/facts.yaml:4
cassette  cassettes/facts/main/capital.yaml
{near}
would be sent: POST https://model-studio.invalid/compatible-mode/v1/chat/completions
{{
  "model": "{model}",
  "messages": [
    {{
      "role": "user",
      "content": "What is the capital of {land}?"
    }}
  ],
  "temperature": {temperature},
  "top_p": 0.8,
  "enable_thinking": false
}}

hint: {hint} `qeval run suites/facts.yaml --mode record --case capital --target main`
"""
NEAREST = "nearest   trial 0 under 'warm', recorded 2026-11-22, from simulator\n"
MEANT = "if the change is meant, record it anew with"


def expected(**said: Any) -> str:
    plain = {"trial": 0, "model": "qwen-plus", "land": "France", "temperature": 0.7, "hint": MEANT}
    return WHY.format(**plain | said)


def test_why_of_a_changed_prompt(capital: Path, project: Path, capsys: Capture) -> None:
    assert capital.exists()
    edit(suite(project), "of France", "of Spain")

    assert cassette("why", "capital") == 0
    assert told(capsys) == expected(
        state="stale: prompt changed",
        land="Spain",
        near=NEAREST
        + """
field                recorded                          now
-------------------  --------------------------------  -------------------------------
messages[0].content  'What is the capital of France?'  'What is the capital of Spain?'
""",
    )


def test_why_of_a_changed_temperature(capital: Path, project: Path, capsys: Capture) -> None:
    assert capital.exists()
    edit(suite(project), "temperature: 0.7", "temperature: 0.9")

    assert cassette("why", "capital") == 0
    assert told(capsys) == expected(
        state="stale: temperature changed",
        temperature=0.9,
        near=NEAREST
        + """
field        recorded    now
-----------  ----------  -----
temperature  0.7         0.9
""",
    )


def test_why_of_a_changed_model(capital: Path, project: Path, capsys: Capture) -> None:
    assert capital.exists()
    edit(suite(project), "model: qwen-plus", "model: qwen-max")

    assert cassette("why", "capital") == 0
    assert told(capsys) == expected(
        state="stale: model changed",
        model="qwen-max",
        near=NEAREST
        + """
field    recorded     now
-------  -----------  ----------
model    'qwen-plus'  'qwen-max'
""",
    )


def test_why_of_one_trial_more(capital: Path, project: Path, capsys: Capture) -> None:
    assert capital.exists()
    edit(suite(project), "trials: 2", "trials: 3")

    assert cassette("why", "capital") == 0
    assert told(capsys) == expected(
        state="exhausted: one trial more", trial=2, near=NEAREST, hint="record it with"
    )


def test_why_of_a_file_that_is_gone(capital: Path, capsys: Capture) -> None:
    capital.unlink()

    assert cassette("why", "capital") == 0
    assert told(capsys) == expected(state="missing: no file", near="", hint="record it with")


@pytest.mark.parametrize("command", [0, 1])
def test_the_command_that_why_names_mends_the_miss(
    capital: Path, project: Path, capsys: Capture, command: int
) -> None:
    if command:
        edit(suite(project), "trials: 2", "trials: 3")
    else:
        capital.unlink()
    cassette("why", "capital", "--json")
    words = json.loads(capsys.readouterr().out)["mend"].split("`")[1].split()
    with running(project / "script.yaml") as base_url:
        assert main([*words[1:], "--base-url", base_url]) == 0
    capsys.readouterr()

    assert cassette("why", "capital") == 0
    assert told(capsys).splitlines()[1] == "recorded"


def test_why_of_what_is_recorded_has_nothing_to_mend(capital: Path, capsys: Capture) -> None:
    assert capital.exists()
    assert cassette("why", "capital", "--trial", "1", "--json") == 0
    out = json.loads(capsys.readouterr().out)

    assert (out["miss"], out["cause"], out["mend"]) == ("none", "recorded", "")
    assert out["changes"] == []
    assert json.loads(out["body"])["temperature"] == 0.7


def test_why_of_a_trial_beyond_the_plan_names_the_number_to_ask(
    capital: Path, capsys: Capture
) -> None:
    assert capital.exists()
    cassette("why", "capital", "--trial", "4", "--json")
    out = json.loads(capsys.readouterr().out)

    assert (out["miss"], out["cause"]) == ("exhausted", "3 trials more")
    assert out["mend"].endswith("--case capital --target main --trials 5`")


def test_why_of_a_renamed_case_names_the_file_to_rename(
    capital: Path, project: Path, capsys: Capture
) -> None:
    edit(suite(project), "id: capital", "id: seat")
    cassette("why", "seat", "--json")
    out = json.loads(capsys.readouterr().out)
    said = out["mend"].split("`")[1]
    assert (out["miss"], out["cause"]) == ("missing", "case renamed")
    subprocess.run(said.split(), check=True)

    assert not capital.exists()
    assert cassette("why", "seat") == 0
    assert told(capsys).splitlines()[1] == "recorded"


def test_a_case_whose_name_went_with_its_prompt_is_compared_with_what_it_was(
    capital: Path, project: Path, capsys: Capture
) -> None:
    assert capital.exists()
    edit(
        suite(project),
        "id: capital\n    user: What is the",
        "id: capital-now\n    user: Which is the",
    )

    main(["run", "suites/facts.yaml"])
    said = capsys.readouterr().err
    cassette("why", "capital-now", "--json")
    out = json.loads(capsys.readouterr().out)

    assert (
        "'capital' has a recording and no case, and 'capital-now' a case and no recording;"
        " `qeval cassette why capital-now` compares them\n"
    ) in said
    assert (out["miss"], out["cause"]) == ("missing", "case renamed, prompt changed")
    assert "capital.yaml" in out["nearest"]
    assert [change["field"] for change in out["changes"]] == ["messages[0].content"]
    assert out["mend"].startswith("if it is the same case, give it back its name, `id: capital`; ")


@pytest.mark.parametrize(
    ("how", "miss", "cause"),
    [
        (lambda text: text.replace("Paris", "Rome", 1), "damaged", "file damaged"),
        (lambda text: text.replace("- request", "-request", 1), "damaged", "file damaged"),
        (lambda _: "", "damaged", "file damaged"),
    ],
)
def test_why_of_a_damaged_file(
    capital: Path, capsys: Capture, how: Callable[[str], str], miss: str, cause: str
) -> None:
    capital.write_text(how(capital.read_text()))
    assert cassette("why", "capital", "--json") == 0
    out = json.loads(capsys.readouterr().out)

    assert (out["miss"], out["cause"]) == (miss, cause)
    assert "restore the file, or delete it and type `qeval run suites/facts.yaml" in out["mend"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["capitol"], "no suite has a case 'capitol'"),
        (["suites/facts.yaml"], "'suites/facts.yaml' is a suite, and `why` explains a case"),
        (["capitol", "--suite", "facts"], "suite facts has no case 'capitol'"),
        (["capital", "--suite", "fact"], "there is no suite 'fact'"),
        (["capital", "--target", "mian"], "the case is not asked of target 'mian'"),
        (["capital", "--scenario", "worm"], "the case is not asked under 'worm'"),
    ],
)
def test_why_of_what_is_not_planned_names_the_nearest(
    recorded: Path, capsys: Capture, words: list[str], message: str
) -> None:
    assert recorded.exists()
    assert cassette("why", *words) == 4
    fact, hint = capsys.readouterr().err.split("\n\n")

    assert fact == message
    assert hint.startswith("hint: ")


def test_why_of_a_case_in_two_suites_asks_which(recorded: Path, capsys: Capture) -> None:
    suite(recorded).with_name("more.yaml").write_text(suite(recorded).read_text())
    assert cassette("why", "capital") == 0
    shutil.copytree(recorded / "cassettes" / "facts", recorded / "cassettes" / "more")

    assert cassette("why", "capital") == 4
    assert "case 'capital' is in suites facts, more" in capsys.readouterr().err
    assert cassette("why", "capital", "--suite", "suites/more.yaml") == 0
    assert capsys.readouterr().out.startswith("more · capital · main")


def test_why_of_a_suite_that_is_not_recorded(recorded: Path, capsys: Capture) -> None:
    suite(recorded).with_name("more.yaml").write_text(suite(recorded).read_text())

    assert cassette("why", "capital", "--suite", "more") == 0
    assert "missing: target not recorded" in capsys.readouterr().out


def test_why_in_a_suite_with_mistakes_names_them(recorded: Path, capsys: Capture) -> None:
    edit(suite(recorded), "checks: [contains: Paris]", "checks: [contain: Paris]")

    assert cassette("why", "capital") == 4
    assert "suites/facts.yaml:6: unknown check 'contain'" in capsys.readouterr().err
