"""Limits on what a run may spend: they hold within trials, and an unfinished trial is not judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import qeval
from qeval.session import Budget, Result
from qeval.simulator import Log, running

SCRIPT = """
rules:
  - {match: broken, reply: never, fault: {kind: cut}}
  - {match: blocked, fault: {code: DataInspectionFailed, status: 400}}
  - {match: tool, after_tool: look, reply: Found.}
  - {match: tool, replies: [{text: "", calls: [{name: look, arguments: {}}]}]}
  - {match: several, replies: [One., Two.]}
  - {match: ".", reply: Yes.}
"""
MOST_TOKENS = 300
"""Of any request here, with its answer."""
CASES = {
    "plain": "  - {id: c, user: plain, trials: 20, checks: [contains: Yes]}\n",
    "broken": "  - {id: c, user: broken, trials: 20, checks: [contains: Yes]}\n",
    "blocked": "  - {id: c, user: blocked, trials: 20, checks: [contains: Yes]}\n",
    "tool": (
        "  - {id: c, user: tool, trials: 20, checks: [contains: Found],\n"
        "     tools: {look: {description: looks, result: nothing}}}\n"
    ),
    "several": "  - {id: c, user: several, trials: 20, params: {n: 4}, checks: [contains: .]}\n",
    "turns": (
        "  - {id: c, turns: [{user: one}, {user: two}, {user: three}], trials: 20,\n"
        "     checks: [contains: Yes]}\n"
    ),
}
EDITED = {"edited": CASES["turns"].replace("three", "four")}


class Asked:
    """A simulator, and a suite that asks it."""

    def __init__(self, root: Path, url: str, log: Log) -> None:
        self.root = root
        self.url = url
        self.log = log

    def run(self, name: str, mode: str = "live", **budget: Any) -> Result:
        suite = self.root / "suites" / "s.yaml"
        suite.write_text(f"targets: [qwen-plus]\ncases:\n{(CASES | EDITED)[name]}")
        return qeval.run(
            suite, mode=mode, base_url=self.url, concurrency=8, budget=Budget(**budget)
        )

    def __len__(self) -> int:
        return len(self.log.served)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.qeval]\n")
    (tmp_path / "suites").mkdir()
    (tmp_path / "script.yaml").write_text(SCRIPT)
    log = Log()
    with running(tmp_path / "script.yaml", log) as base:
        yield Asked(tmp_path, base.removesuffix("/compatible-mode/v1"), log)


@pytest.mark.parametrize("name", CASES)
def test_no_more_calls_leave_than_may_whatever_becomes_of_the_trials(
    asked: Asked, name: str
) -> None:
    result = asked.run(name, calls=5)

    assert len(asked) == 5
    assert result.exit_code == 2
    assert result.early == "--max-calls: spent 5 calls of 5 calls"
    assert sum(result.outcomes.values()) <= 1


@pytest.mark.parametrize("name", ["plain", "turns", "tool"])
def test_a_limit_on_tokens_is_passed_by_what_is_in_flight_alone(asked: Asked, name: str) -> None:
    result = asked.run(name, tokens=60)

    spent = int(result.early.split()[2].replace(",", ""))
    assert result.exit_code == 2
    assert result.early == f"--max-tokens: spent {spent:,} tokens of 60 tokens"
    assert 60 <= spent <= 60 + 8 * MOST_TOKENS
    assert len(asked) < 20


def test_an_unfinished_trial_is_recorded_as_far_as_it_came_and_goes_on_later(asked: Asked) -> None:
    first = asked.run("turns", "record", calls=7)
    kept = list(first.run().trials())
    assert len(asked) == 7
    assert all(trial.outcome == "passed" for trial in kept)

    second = asked.run("turns", "record")

    assert len(asked) == 60  # three of each of 20 trials, and none of them twice
    assert (second.exit_code, asked.run("turns", "replay").exit_code) == (0, 0)


def test_what_is_replayed_spends_nothing_even_within_a_trial(asked: Asked) -> None:
    asked.run("turns", "record")
    before = len(asked)

    result = asked.run("edited", "record", calls=6)

    assert len(asked) - before == 6
    assert result.early == "--max-calls: spent 6 calls of 6 calls"
