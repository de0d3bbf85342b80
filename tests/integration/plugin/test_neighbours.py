"""Beside each plugin that people have: the same outcomes, nothing asked twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.plugin.conftest import Counted, Project

NEIGHBOURS = {
    "nobody": ([], []),
    "xdist": (["xdist"], ["-n", "2"]),
    "rerunfailures": (["pytest_rerunfailures"], ["--reruns", "2"]),
    "randomly": (["randomly"], ["-p", "randomly", "-p", "no:cacheprovider"]),
    "timeout-signal": (["pytest_timeout"], ["--timeout", "30", "--timeout-method", "signal"]),
    "timeout-thread": (["pytest_timeout"], ["--timeout", "30", "--timeout-method", "thread"]),
    "asyncio": (["pytest_asyncio.plugin"], ["-o", "asyncio_mode=strict"]),
    "anyio": (["anyio"], []),
    "everybody": (
        [
            "xdist",
            "pytest_rerunfailures",
            "pytest_randomly",
            "pytest_timeout",
            "pytest_asyncio.plugin",
        ],
        ["-n", "2", "--reruns", "1", "--timeout", "30", "-o", "asyncio_mode=strict"],
    ),
}
NEIGHBOURS["randomly"] = (["pytest_randomly"], [])
NEIGHBOURS["anyio"] = (["anyio.pytest_plugin"], [])
OURS = """\
targets: [qwen-plus]
cases:
  - id: "q-{{ n }}"
    rows: [{n: 0}, {n: 1}, {n: 2}, {n: 3}]
    user: "number {{ n }}"
    checks: [contains: One]
  - {id: wrong, user: number 9, checks: [contains: Two]}
  - {id: broken, user: broken, checks: [contains: One]}
"""
THEIRS = """\
import random

def test_of_theirs():
    assert random.random() < 1
"""


@pytest.mark.parametrize("mode", ["record", "replay"])
@pytest.mark.parametrize("name", NEIGHBOURS)
def test_outcomes_and_requests_are_the_same_beside(
    project: Project, asked: Counted, name: str, mode: str
) -> None:
    plugins, arguments = NEIGHBOURS[name]
    project.suite(OURS)
    (project.path / "test_theirs.py").write_text(THEIRS)
    reruns = any("reruns" in each for each in arguments)
    if mode == "replay":
        project.record()
        asked.prompts.clear()

    how = project.asking("record") if mode == "record" else ()
    done = project.child(*how, *arguments, plugins=plugins)

    outcomes = done.parseoutcomes()
    outcomes.pop("rerun", None)
    assert outcomes == {"passed": 5, "failed": 1, "errors": 1}
    said = {prompt: asked.prompts.count(prompt) for prompt in asked.prompts}
    broken = said.pop("broken", 0)
    # An errored group is asked again by a rerun, which finds its recording.
    assert said == ({f"number {n}": 1 for n in (0, 1, 2, 3, 9)} if mode == "record" else {})
    assert broken == (mode == "record"), reruns


def test_a_wait_that_times_out_is_that_items_error_and_the_rest_goes_on(
    project: Project, asked: Counted
) -> None:
    project.suite(
        "targets: [qwen-plus]\nchecks: [length: {min_chars: 1}]\ncases:\n"
        '  - {id: long, user: endless}\n  - {id: short, user: "number 1"}\n'
    )

    arguments = ("--timeout", "1.5", "--timeout-method", "signal")
    done = project.child(*project.asking("live"), *arguments, plugins=["pytest_timeout"])

    done.assert_outcomes(passed=1, errors=1)
    assert "Timeout" in done.stdout.str()
    assert len(asked) == 2
