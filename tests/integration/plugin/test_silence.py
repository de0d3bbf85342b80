"""Sessions that use nothing of qeval: nothing imported, nothing printed, nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.plugin.conftest import Project

PROBE = """\
import sys

import pytest

@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        ours = sorted(name for name in sys.modules if name.startswith("qeval"))
        heavy = {"yaml", "msgspec", "jinja2", "httpx2", "asyncio", "vcr"} & set(sys.modules)
        print("imported", ours, sorted(heavy))
"""
THIN = ["qeval", "qeval.pytest_plugin"]
CONTROLLER = [*THIN, "qeval.pytest_plugin.controller"]


@pytest.mark.parametrize("mode", [(), ("--qeval-mode", "replay")])
@pytest.mark.parametrize(("workers", "modules"), [((), THIN), (("-n", "1"), CONTROLLER)])
def test_a_session_without_suites_imports_nothing_and_says_nothing(
    project: Project, workers: tuple[str, ...], modules: list[str], mode: tuple[str, ...]
) -> None:
    (project.path / "test_it.py").write_text("def test_it():\n    pass\n")
    (project.path / "conftest.py").write_text(PROBE)
    before = {path.name for path in project.path.iterdir()}

    done = project.child("-q", "-s", *workers, *mode, plugins=["xdist"] if workers else [])

    done.assert_outcomes(passed=1)
    assert f"imported {modules} []" in done.outlines
    said = [line for line in done.outlines if "qeval" in line]
    assert [line for line in said if not line.startswith(("running: ", "imported "))] == []
    left = {path.name for path in project.path.iterdir()} - before
    assert left <= {
        "__pycache__",
        "runpytest-0",
        "runpytest-current",
        "stdout",
        "stderr",
    }  # the tester's own


def test_the_options_are_told_by_help(project: Project) -> None:
    text = project.child("--help").stdout.str()

    for name in ("mode", "report", "baseline", "junit-properties", "concurrency", "base-url"):
        assert f"--qeval-{name}" in text
        assert f"qeval_{name.replace('-', '_')}" in text


def test_a_replay_imports_neither_http_nor_an_event_loop(project: Project) -> None:
    project.suite()
    project.record()
    (project.path / "conftest.py").write_text(PROBE)

    done = project.child("-q", "-s", "-k", "capital")

    (line,) = [line for line in done.outlines if line.startswith("imported ")]
    for name in ("httpx2", "asyncio", "vcr", "qeval.session.ahead", "qeval.store"):
        assert f"'{name}'" not in line
