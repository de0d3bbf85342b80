"""When what is asked, and that nothing is asked twice or lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.plugin.conftest import Counted, Project

import importlib

SLOW = """\
targets: [qwen-plus]
checks: [contains: At last]
cases:
  - {id: a, user: "slow a"}
  - {id: b, user: "slow b"}
  - {id: c, user: "slow c"}
  - {id: d, user: "slow d"}
"""


def test_what_was_recorded_is_replayed_without_asking(project: Project, asked: Counted) -> None:
    project.numbered(10)
    project.record().assert_outcomes(passed=10)
    assert len(asked) == 10
    asked.prompts.clear()

    project.run().assert_outcomes(passed=10)

    assert len(asked) == 0
    assert len(project.cassettes("many")) == 10


@pytest.mark.parametrize(
    ("mode", "asked_again", "changed"),
    [("record", 0, False), ("refresh", 5, False), ("live", 5, False)],
)
def test_each_mode_asks_what_it_says(
    project: Project, asked: Counted, mode: str, asked_again: int, *, changed: bool
) -> None:
    project.numbered(5)
    project.record()
    before = {path: path.read_bytes() for path in project.cassettes("many")}
    asked.prompts.clear()

    project.run(*project.asking(mode)).assert_outcomes(passed=5)

    assert len(asked) == asked_again
    after = {path: path.read_bytes() for path in project.cassettes("many")}
    assert (after != before) is changed


def test_live_records_nothing_and_keeps_the_run(project: Project, asked: Counted) -> None:
    project.numbered(3)

    project.run(*project.asking("live")).assert_outcomes(passed=3)

    assert not (project.path / "cassettes").exists()
    assert sum(1 for _ in project.latest().trials()) == 3


def test_items_are_asked_ahead_and_not_one_by_one(project: Project, asked: Counted) -> None:
    project.suite(SLOW, "slow.yaml")

    project.run(*project.asking("live")).assert_outcomes(passed=4)

    assert asked.times[-1] - asked.times[0] < 0.3  # before the first answer had come


def test_the_first_failure_under_x_bounds_what_was_asked(project: Project, asked: Counted) -> None:
    rows = ", ".join(f"{{n: {n}, want: {'Two' if n == 5 else 'One'}}}" for n in range(60))
    project.suite(
        f'targets: [qwen-plus]\ncases:\n  - id: "q-{{{{ n }}}}"\n    rows: [{rows}]\n'
        '    user: "number {{ n }}"\n    checks: [contains: "{{ want }}"]\n'
    )

    done = project.record("-x", "--qeval-concurrency", "4")

    done.assert_outcomes(passed=5, failed=1)
    assert 6 <= len(asked) <= 6 + 4


def test_a_selection_records_its_own_and_drops_nothing(project: Project, asked: Counted) -> None:
    project.suite(
        """\
        targets: [qwen-plus]
        scenarios: {cool: {temperature: 0.1}, warm: {temperature: 0.9}}
        cases:
          - id: capital
            user: What is the capital of France?
            checks: [contains: Paris]
        """
    )
    project.record("-k", "cool")
    (path,) = project.cassettes()

    project.record("-k", "warm").assert_outcomes(passed=1, deselected=1)

    assert len(asked) == 2
    assert 'scenario: "cool"' in path.read_text()
    assert 'scenario: "warm"' in path.read_text()
    project.run().assert_outcomes(passed=2)


def test_a_case_is_written_when_its_last_group_has_ended(project: Project) -> None:
    project.suite(SLOW, "slow.yaml")
    project.run(*project.asking("record"), "--qeval-concurrency", "1", "-x")

    assert [path.stem for path in project.cassettes("slow")] == ["a", "b", "c", "d"]
    assert not [p for p in (project.path / "cassettes").rglob("*") if p.name.startswith(".")]


def test_an_errored_group_is_asked_again_by_a_rerun(project: Project, asked: Counted) -> None:
    project.suite(
        "targets: [qwen-plus]\ncases:\n  - {id: flaky, user: flaky, checks: [contains: Here]}\n"
        '  - {id: capital, user: "France?", checks: [contains: Lyon]}\n'
    )

    done = project.run(*project.asking("live"), "--reruns", "2", plugins=["pytest_rerunfailures"])

    # The flaky one was errored once; a judged group is told the same again, at no cost.
    assert done.parseoutcomes() == {"passed": 1, "failed": 1, "rerun": 3}
    assert sorted(asked.prompts) == ["France?", "flaky", "flaky"]
    outcomes = {trial.case: trial.outcome for trial in project.latest().trials()}
    assert outcomes == {"flaky": "passed", "capital": "failed"}


def test_a_target_that_refuses_the_account_is_asked_once(project: Project, asked: Counted) -> None:
    project.numbered(4)
    project.run("--qeval-mode", "record").assert_outcomes(errors=4)  # no key is set

    assert len(asked) == 0


def test_live_durations_are_the_time_asked(project: Project) -> None:
    project.suite(SLOW, "slow.yaml")

    done = project.run(*project.asking("live"), "--durations=4", "-vv")

    times = [float(m[1]) for line in done.outlines if (m := re.match(r"([\d.]+)s call", line))]
    assert len(times) == 4
    assert all(0.3 <= seconds < 3 for seconds in times)  # a busy machine takes its own
    assert "setup" not in done.stdout.str()  # nobody is blamed for having stood first in line


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_ctrl_c_keeps_what_was_paid_for(
    project: Project, asked: Counted, workers: tuple[str, ...]
) -> None:
    rows = ", ".join(f"{{n: {n}}}" for n in range(40))
    project.suite(
        f'targets: [qwen-plus]\ncases:\n  - id: "q-{{{{ n }}}}"\n    rows: [{rows}]\n'
        '    user: "slow {{ n }}"\n    checks: [contains: At last]\n',
        "many.yaml",
    )
    arguments = [*project.asking("record"), "--qeval-concurrency", "4", *workers]
    process = project.start(*arguments, plugins=["xdist"])

    conftest = importlib.import_module("tests.integration.plugin.conftest")
    seconds, output = conftest.interrupted(process, project.path / "cassettes", 8)

    written = project.cassettes("many")
    assert process.returncode == 2, output
    assert seconds < 5
    assert 8 <= len(written) <= len(asked) < 40
    assert len(asked) - len(written) <= 4  # those that were under way
    run = project.latest()
    assert not run.header.complete
    asked.prompts.clear()
    project.record().assert_outcomes(passed=40)
    assert len(asked) == 40 - len(written)


def test_a_full_disk_is_told_once_and_red(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qeval.transport.cassettes.files.replace", full)
    project.numbered(3)

    done = project.record()

    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert "cannot write cassettes/many/qwen-plus/q-" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_an_answer_with_a_key_is_kept_nowhere(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-plugin-secret-0123456789")
    project.suite("targets: [qwen-plus]\ncases: [{id: leak, user: leak, checks: [contains: no]}]\n")

    done = project.run(*project.asking("record"), "-vv", "--junitxml=junit.xml")

    done.assert_outcomes(errors=1)
    assert "sk-plugin-secret" not in done.stdout.str()
    for file in _files(project.path):
        assert b"sk-plugin-secret" not in file.read_bytes(), file


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
