"""Answers that passed in the baseline and fail now, in suites too small to decide by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qeval.cli import main
from qeval.simulator import running


def run(*arguments: str) -> int:
    return main(["run", "suites/three.yaml", *arguments])


def refreshed(project: Path, *arguments: str) -> int:
    """Ask again where the answer to some questions is wrong, and judge against the baseline."""
    with running(project / "script.yaml") as base_url:
        return run("--mode", "refresh", "--base-url", base_url, "--baseline", *arguments)


@pytest.fixture
def kept(recorded: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run() == 0
    assert main(["baseline", "set", "latest"]) == 0
    capsys.readouterr()
    return recorded


def test_with_too_few_cases_for_a_verdict_each_is_red(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = kept / "script.yaml"
    script.write_text(script.read_text().replace("reply: '2'", "reply: no"))

    assert refreshed(kept) == 1
    assert "failed on flip: c2[factual_qa-qwen-plus]\n" in capsys.readouterr().err

    assert refreshed(kept, "--fail-on", "none") == 0
    assert (
        capsys.readouterr()
        .err.rstrip()
        .endswith(
            "note: a group that passed fails now; that decides nothing, and is red only with --fail-on flip"
        )
    )


def test_where_more_cases_do_not_decide_they_are_told_and_listed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite, script = project / "suites/three.yaml", project / "script.yaml"
    suite.write_text(suite.read_text().replace("[1, 2, 3]", f"{[*range(10, 22)]}"))
    rules = "".join(f"  - {{match: '{n}', reply: '{n}'}}\n" for n in range(10, 22))
    script.write_text(f"rules:\n{rules}")
    with running(script) as base_url:
        assert run("--mode", "record", "--base-url", base_url) == 0
    assert main(["baseline", "set", "latest"]) == 0
    script.write_text(script.read_text().replace("reply: '12'", "reply: no"))
    capsys.readouterr()

    assert refreshed(project) == 0

    told = capsys.readouterr()
    assert "Suspects, not decided:\n  c12[factual_qa-qwen-plus]: passed → failed" in told.out
    assert "note: a group that passed fails now" in told.err
