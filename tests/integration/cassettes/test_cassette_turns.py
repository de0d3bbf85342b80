"""`qeval cassette check` and `prune` on conversations: every turn of each trial is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from qeval.cli import main
from qeval.simulator import running

SUITE = """\
targets: {main: {model: qwen-plus}}
tools:
  population: {description: Tells how many live somewhere., result: "1000"}
checks: [contains: it]
cases:
  - id: talk
    tools: []
    turns:
      - {user: First question}
      - {user: Second question}
      - {user: Third question}
  - id: tool
    user: How many live in Oslo?
"""
SCRIPT = """\
rules:
  - {match: ., after_tool: population, reply: "This is it."}
  - {match: Oslo, reply: {calls: [{name: population, arguments: {}}]}}
  - {match: ., reply: "This is it."}
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def talks(project: Path, capsys: Capture) -> Path:
    """A project in which a conversation and a tool call are recorded."""
    (project / "suites/facts.yaml").write_text(SUITE)
    (project / "script.yaml").write_text(SCRIPT)
    with running(project / "script.yaml") as base_url:
        assert main(["run", "suites/facts.yaml", "--mode", "record", "--base-url", base_url]) == 0
    capsys.readouterr()
    return project


def edit(project: Path, old: str, new: str) -> None:
    path = project / "suites/facts.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def check(*words: str) -> int:
    return main(["cassette", "check", *words])


def test_conversations_as_they_were_recorded_have_nothing_to_mend(
    talks: Path, capsys: Capture
) -> None:
    assert check() == 0
    assert capsys.readouterr().err == "2 files, nothing to mend\n"


def test_a_later_turn_that_asks_something_else_is_stale(talks: Path, capsys: Capture) -> None:
    edit(talks, "Third question", "Last question")

    assert check() == 1
    assert capsys.readouterr().out == (
        "cassettes/facts/main/talk.yaml: stale: trial 0 under 'default', in request 3 now asks"
        " something else: messages[4].content: 'Third question' → 'Last question'\n"
        "  if the change is meant, record it anew with `qeval run suites/facts.yaml --mode record"
        " --case talk --target main`\n"
    )


def test_a_tool_that_answers_otherwise_makes_its_turn_stale(talks: Path, capsys: Capture) -> None:
    edit(talks, 'result: "1000"', 'result: "2000"')

    assert check() == 1
    out = capsys.readouterr().out
    assert out.startswith(
        "cassettes/facts/main/tool.yaml: stale: trial 0 under 'default', in request 2 now"
    )
    assert "'1000' → '2000'" in out


def test_a_turn_more_is_told_as_missing(talks: Path, capsys: Capture) -> None:
    edit(
        talks,
        "      - {user: Third question}\n",
        "      - {user: Third question}\n      - {user: And?}\n",
    )

    assert check() == 1
    assert capsys.readouterr().out == (
        "cassettes/facts/main/talk.yaml: incomplete: trial 0 under 'default' has no recording of"
        " its request 4\n"
        "  record what is missing with `qeval run suites/facts.yaml --mode record"
        " --case talk --target main`\n"
    )


def test_a_turn_less_leaves_a_recording_that_prune_removes(talks: Path, capsys: Capture) -> None:
    edit(talks, "      - {user: Third question}\n", "")

    assert check() == 1
    assert capsys.readouterr().out == (
        "cassettes/facts/main/talk.yaml: unused: no trial reads trial 0 under 'default', in request 3\n"
        "  remove it with `qeval cassette prune facts`\n"
    )
    assert main(["cassette", "prune"]) == 0
    assert capsys.readouterr() == (
        "cassettes/facts/main/talk.yaml: trial 0 under 'default', in request 3\n",
        "1 interaction of 1 file removed\n",
    )
    assert check() == 0


def test_what_a_tool_prints_is_no_data(talks: Path, capsys: Capture) -> None:
    (talks / "suites/tools.py").write_text(
        "def population():\n    print('loud')\n    return '1000'\n"
    )
    edit(talks, 'result: "1000"', 'python: "tools.py:population"')

    assert check("--json") == 0
    out, err = capsys.readouterr()
    assert out == "[]\n"
    assert err.startswith("loud\n")


def test_show_tells_what_a_tool_answered(talks: Path, capsys: Capture) -> None:
    assert main(["cassette", "show", "tool"]) == 0

    first, second = capsys.readouterr().out.split("== default · trial 0")[1:]
    assert "> How many live in Oslo?\n\ncalls population({})\n" in first
    assert "> tool: 1000\n\nThis is it.\n" in second
