"""What stdout and stderr hold, and what becomes of a command where they are closed or full."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from qeval.cli import main
from qeval.simulator import running

Shell: TypeAlias = Callable[[str, Path], subprocess.CompletedProcess[str]]


NOISY = """\
from qeval import Case, Check, Suite
print("loading")
suite = Suite(
    targets=["qwen-plus"], scenarios=["factual_qa"],
    cases=[Case(id="c1", user="Say 1.", checks=[Check(python="judge.py:judge")])],
)
"""
JUDGE = 'def judge(value, evidence):\n    print("judging")\n    return True\n'


def test_json_is_all_that_stdout_holds_even_where_a_suite_prints(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "suites/noisy.py").write_text(NOISY)
    (project / "suites/judge.py").write_text(JUDGE)
    with running(project / "script.yaml") as base_url:
        main(["run", "suites/noisy.py", "--mode", "record", "--base-url", base_url])
    capsys.readouterr()

    for command in ("run", "list"):
        assert main([command, "suites/noisy.py", "--json"]) == 0
        told = capsys.readouterr()
        assert json.loads(told.out)
        assert "loading" in told.err
    assert main(["report", "latest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["suite"] == "noisy"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$qeval run suites/three.yaml | head -1; exit ${PIPESTATUS[0]}", 0),
        ("$qeval schema | true; exit ${PIPESTATUS[0]}", 0),
        ("$qeval run suites/three.yaml >&-", 0),
        ("$qeval run suites/three.yaml 2>&-", 0),
        ("$qeval run suites/three.yaml >&- 2>&-", 0),
        ("$qeval run suites/three.yaml >/dev/full", 4),
        ("$qeval run suites/none.yaml 2>/dev/full", 4),
        ("NO_COLOR=1 COLUMNS=40 $qeval run suites/three.yaml", 0),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 $qeval run suites/three.yaml", 0),
        ("PYTHONIOENCODING=ascii $qeval report latest", 0),
        ("COLUMNS=-5 $qeval --help", 0),
    ],
)
def test_a_stream_that_is_closed_full_or_ascii_is_no_reason_to_fall(
    line: str, code: int, recorded: Path, shell: Shell
) -> None:
    done = shell(line, recorded)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_with_stderr_closed_stdout_holds_the_table_alone(recorded: Path, shell: Shell) -> None:
    whole = shell("$qeval run suites/three.yaml --json", recorded)
    without = shell("$qeval run suites/three.yaml --json 2>&-", recorded)

    assert without.stdout == whole.stdout
    assert json.loads(without.stdout)


def test_a_reader_who_goes_away_does_not_make_a_failed_run_pass(
    recorded: Path, shell: Shell
) -> None:
    suite = recorded / "suites/three.yaml"
    suite.write_text(suite.read_text().replace("contains: '{{ n }}'", "contains: never"))
    # 200 kB, so that the pipe is full long before all is printed
    line = "$qeval run suites/three.yaml --json | { head -c 1 >/dev/null; }; echo ${PIPESTATUS[0]}"

    assert shell(line, recorded).stdout == "1\n"
