"""A project of two cases, recorded from the simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from qeval.cli import main
from qeval.simulator import running

SUITE = """\
targets: {main: {model: qwen-plus}}
scenarios: {warm: {temperature: 0.7, top_p: 0.8, trials: 2}}
cases:
  - id: capital
    user: What is the capital of France?
    checks: [contains: Paris]
  - id: river
    user: Which river flows through Vienna?
    checks: [contains: Danube]
"""
SCRIPT = """\
rules:
  - {match: France, reply: "It is Paris."}
  - {match: Vienna, reply: "The Danube."}
  - {match: ., reply: I do not know.}
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "facts.yaml").write_text(SUITE)
    (tmp_path / "script.yaml").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_REGION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def recorded(project: Path, capsys: Capture) -> Path:
    record(project)
    capsys.readouterr()
    return project


@pytest.fixture
def capital(recorded: Path) -> Path:
    return recorded / "cassettes" / "facts" / "main" / "capital.yaml"


def record(project: Path, suite: str = "suites/facts.yaml") -> None:
    with running(project / "script.yaml") as base_url:
        assert main(["run", suite, "--mode", "record", "--base-url", base_url]) == 0
