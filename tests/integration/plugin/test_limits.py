"""Limits of a session: one budget, whoever asks; what was not asked is red and says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.plugin.conftest import Counted, Project


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "two workers"])
def test_a_session_makes_no_more_calls_than_it_may(
    project: Project, asked: Counted, workers: tuple[str, ...]
) -> None:
    project.numbered(20)
    plugins = ("xdist",) if workers else ()

    result = project.child(
        *project.asking("record"), "--qeval-max-calls", "5", *workers, plugins=plugins
    )

    assert len(asked) == 5
    result.assert_outcomes(passed=5, errors=15)
    lines = [line.strip() for line in result.outlines]
    told = "--qeval-max-calls: spent 5 calls of 5 calls"
    assert f"15 trials were not asked to the end: {told}" in lines
    assert sum(line.endswith(f": not asked: {told}") for line in lines) == 15
    assert result.ret == 1
    project.child(*project.asking("record"), *workers, plugins=plugins).assert_outcomes(passed=20)
    assert len(asked) == 20


def test_tokens_are_limited_by_the_ini_file_as_well(project: Project, asked: Counted) -> None:
    project.numbered(20)
    project.pytester.makeini("[pytest]\nqeval_max_tokens = 40\nqeval_concurrency = 1\n")

    result = project.child(*project.asking("live"))

    (spent,) = re.findall(
        r"not asked to the end: --qeval-max-tokens: spent (\d+)", str(result.stdout)
    )
    assert 40 <= int(spent) < 80
    assert len(asked) < 6


def test_a_replay_has_no_limits(project: Project, asked: Counted) -> None:
    project.numbered(4)
    project.record()

    project.run("--qeval-max-calls", "1", "--qeval-max-tokens", "1").assert_outcomes(passed=4)

    assert len(asked) == 4


def test_a_test_in_python_is_limited_too(project: Project, asked: Counted) -> None:
    (project.path / "tests").mkdir()
    (project.path / "tests" / "test_mine.py").write_text(
        "def test_mine(qeval):\n"
        "    for n in range(3):\n"
        "        qeval.ask(f'number {n}', model='qwen-plus')\n"
    )

    result = project.record("--qeval-max-calls", "2", "tests")

    assert len(asked) == 2
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*not asked: --qeval-max-calls: spent 2 calls of 2 calls*"])


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--qeval-max-calls", "0", "--qeval-max-calls '0' is no whole number ≥ 1"),
        ("--qeval-max-tokens", "1.5", "--qeval-max-tokens '1.5' is no whole number ≥ 1"),
        ("--qeval-max-cost", "nan", "--qeval-max-cost 'nan' is no number > 0"),
        ("--qeval-max-cost", "inf", "--qeval-max-cost 'inf' is no number > 0"),
    ],
)
def test_a_limit_that_is_none_is_refused(
    project: Project, option: str, value: str, told: str
) -> None:
    project.numbered(1)

    result = project.child(option, value)

    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{told}"])


def test_a_cost_without_a_price_is_refused(project: Project) -> None:
    project.numbered(1)

    result = project.child(*project.asking("live"), "--qeval-max-cost", "1")

    assert result.ret != 0
    assert "--qeval-max-cost 1: the price of target 'qwen-plus' is unknown" in str(result.stdout)
