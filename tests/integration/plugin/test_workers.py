"""pytest-xdist: one asker, one recorder, one report; nothing lost, nothing doubled."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.plugin.conftest import Counted, Project

XDIST = ["xdist"]
GRID = """\
targets: [qwen-plus, qwen3-max]
scenarios: {cool: {temperature: 0.1, seed: 1}, warm: {temperature: 0.9, seed: 2}}
cases:
  - id: "q-{{ n }}"
    rows: [ROWS]
    user: "number {{ n }}"
    checks: [contains: One]
"""


def grid(project: Project, cases: int) -> None:
    rows = ", ".join(f"{{n: {n}}}" for n in range(cases))
    project.suite(GRID.replace("ROWS", rows), "many.yaml")


def digests(folder: Path, pattern: str) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob(pattern))
    }


def undated(folder: Path) -> dict[str, str]:
    """The recordings without what every recording has anew."""
    volatile = re.compile(r'"(date|latency_s)": [^,}]+|"(chunk_times)": \[[^]]*\]')
    seal = re.compile(r', "seal": "[0-9a-f]+"')
    return {
        path.relative_to(folder).as_posix(): seal.sub("", volatile.sub("", path.read_text()))
        for path in sorted(folder.rglob("*.yaml"))
    }


def test_four_workers_record_400_groups_with_400_requests(project: Project, asked: Counted) -> None:
    grid(project, 100)

    recorded = project.child(*project.asking("record"), "-n", "4", plugins=XDIST)

    recorded.assert_outcomes(passed=400)
    assert Counter(asked.prompts) == {f"number {n}": 4 for n in range(100)}
    assert len(project.cassettes("many")) == 200
    assert not [p for p in (project.path / "cassettes").rglob("*") if p.name.startswith(".")]
    assert sum(1 for _ in project.latest().trials()) == 400
    asked.prompts.clear()

    project.child("-n", "4", "--qeval-report", "parallel", plugins=XDIST).assert_outcomes(
        passed=400
    )
    project.child("--qeval-report", "serial").assert_outcomes(passed=400)

    parallel = digests(project.path / "parallel", "*.*")
    assert parallel == digests(project.path / "serial", "*.*")
    assert len(parallel) == 2
    assert len(asked) == 0


def test_workers_and_one_process_record_the_same(project: Project) -> None:
    grid(project, 6)
    project.record("-n", "2", plugins=XDIST).assert_outcomes(passed=24)
    parallel = undated(project.path / "cassettes")
    for path in project.cassettes("many"):
        path.unlink()

    project.record().assert_outcomes(passed=24)

    assert undated(project.path / "cassettes") == parallel


@pytest.mark.parametrize("dist", ["load", "worksteal", "loadscope", "loadfile", "loadgroup"])
def test_every_way_to_hand_out_items_asks_each_once(
    project: Project, asked: Counted, dist: str
) -> None:
    grid(project, 5)

    done = project.run(*project.asking("live"), "-n", "2", "--dist", dist, plugins=XDIST)

    done.assert_outcomes(passed=20)
    assert len(asked) == 20
    assert sum(1 for _ in project.latest().trials()) == 20


def test_a_selection_is_asked_and_nothing_else(project: Project, asked: Counted) -> None:
    grid(project, 5)

    project.record("-n", "2", "-k", "q-3", plugins=XDIST).assert_outcomes(passed=4)

    assert asked.prompts == ["number 3"] * 4


def test_replay_in_each_worker_asks_nobody(project: Project, asked: Counted) -> None:
    grid(project, 3)
    project.record()
    asked.prompts.clear()

    done = project.run("-n", "2", "--dist", "each", plugins=XDIST)

    done.assert_outcomes(passed=24)
    assert len(asked) == 0


def test_recording_in_each_worker_is_refused(project: Project, asked: Counted) -> None:
    grid(project, 3)

    done = project.child(*project.asking("record"), "-n", "2", "--dist", "each", plugins=XDIST)

    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "with --dist each every worker would ask, and record, the same" in done.stderr.str()
    assert len(asked) == 0


def test_recording_on_another_host_is_refused(project: Project, asked: Counted) -> None:
    grid(project, 3)

    arguments = ("--dist", "load", "--tx", "socket=127.0.0.1:1")
    done = project.child(*project.asking("record"), *arguments, plugins=XDIST)

    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "worker 'socket=127.0.0.1:1' is not on this machine" in done.stderr.str()
    assert len(asked) == 0


CRASHING = """\
import os
from pathlib import Path

def pytest_runtest_call(item):
    marker = Path("crashed")
    if item.name.startswith("q-7[cool-qwen-plus]") and not marker.exists():
        marker.touch()
        os._exit(1)
"""


@pytest.mark.parametrize("dist", ["load", "worksteal"])
def test_a_worker_that_dies_loses_and_doubles_nothing(
    project: Project, asked: Counted, dist: str
) -> None:
    grid(project, 20)
    (project.path / "conftest.py").write_text(CRASHING)

    done = project.child(*project.asking("record"), "-n", "2", "--dist", dist, plugins=XDIST)

    outcomes = done.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"]) == (79, 1)  # the one it died in
    assert len(asked) == 80
    trials = [trial.key for trial in project.latest().trials()]
    assert len(trials) == len(set(trials)) == 80


def test_an_error_of_the_asker_reaches_the_worker(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qeval.transport.cassettes.files.replace", full)
    grid(project, 30)

    done = project.record("-n", "2", plugins=XDIST)

    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert "cannot write cassettes/many/" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_one_summary_and_no_word_from_workers(project: Project) -> None:
    grid(project, 3)
    project.record()

    done = project.run("-n", "2", plugins=XDIST)

    said = [line for line in done.outlines if line.startswith("many: ")]
    assert len(said) == 1
    assert said[0].startswith("many: 12 of 12 groups passed · replay, recorded ")
