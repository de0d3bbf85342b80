"""A project of one small suite, with and without its recordings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from qeval.cli import main
from qeval.simulator import running

ROOT = Path(__file__).parents[3]

Shell: TypeAlias = Callable[[str, Path], subprocess.CompletedProcess[str]]

SUITE = """\
targets: [qwen-plus]
scenarios: [factual_qa]
cases:
  - id: 'c{{ n }}'
    grid: {n: [1, 2, 3]}
    user: 'Say {{ n }}.'
    checks: [contains: '{{ n }}']
"""

SCRIPT = """\
rules:
  - {match: '1', reply: '1'}
  - {match: '2', reply: '2'}
  - {match: '3', reply: '3'}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "three.yaml").write_text(SUITE)
    (tmp_path / "script.yaml").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_REGION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def recorded(project: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    with running(project / "script.yaml") as base_url:
        recording = ["--mode", "record", "--base-url", base_url]
        assert main(["run", "suites/three.yaml", *recording]) == 0
    capsys.readouterr()
    return project


@pytest.fixture
def shell() -> Shell:
    """Runs a line of shell in which `$qeval` is the command."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "qeval": f"{sys.executable} -m qeval"}

    def ran(line: str, project: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return ran


@pytest.fixture
def litter(project: Path) -> Callable[[], list[str]]:
    """Returns names of what a command left half done."""

    def found() -> list[str]:
        names = [path.name for path in (project / "reports").rglob("*")]
        return [name for name in names if name.startswith(".") or name.endswith(".sorted")]

    return found
