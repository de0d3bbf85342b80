"""Runs, pages, verdicts and summaries that a session leaves behind."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from qeval.cli import main
from qeval.pytest_plugin import summing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.plugin.conftest import Project

PLAIN = """\
targets: [qwen-plus]
scenarios: {plain: {temperature: 0.1}, warm: {temperature: 0.9, trials: 3, seed: each}}
cases:
  - {id: capital, user: What is the capital of France?, checks: [contains: Paris]}
  - {id: wrong, user: And the largest city of France?, checks: [contains: Lyon]}
"""


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.*"))
    }


def test_a_plain_replay_writes_nothing(project: Project) -> None:
    project.suite(PLAIN)
    project.record()
    before = digests(project.path)

    project.run()

    assert digests(project.path) == before


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_report_of_a_whole_replay_is_that_of_qeval_run(
    project: Project, workers: tuple[str, ...]
) -> None:
    path = project.suite(PLAIN)
    project.record(*workers, plugins=["xdist"])
    for run in project.runs():
        run.unlink()

    project.run("--qeval-report", "ours", *workers, plugins=["xdist"])
    main(["run", str(path)])

    ours = digests(project.path / "ours")
    assert len(ours) == 2
    assert ours.items() <= digests(project.path / "reports").items()


def test_a_selection_has_a_run_of_its_own_that_says_so(project: Project) -> None:
    project.suite(PLAIN)
    project.record()

    project.run("--qeval-report", "some", "-k", "capital and warm")

    run = project.latest("some")
    assert run.header.complete
    assert str(run.header.options["pytest"]).startswith("1 of 4 groups (")
    assert [setup.name for setup in run.header.scenarios] == ["warm"]
    assert [trial.trial for trial in run.trials()] == [0, 1, 2]


def test_a_run_that_ends_early_is_marked(project: Project) -> None:
    project.suite(PLAIN)
    project.record()

    project.run("--qeval-report", "early", "--maxfail", "1", "-k", "wrong")

    assert not project.latest("early").header.complete


def unused(done: pytest.RunResult) -> list[str]:
    return [line.strip() for line in done.outlines if "unused recordings" in line]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_only_a_whole_replay_names_unused_recordings(
    project: Project, workers: tuple[str, ...]
) -> None:
    path = project.suite(PLAIN)
    project.record()
    path.write_text(
        path.read_text().replace("trials: 3", "trials: 2").replace("id: wrong", "id: good")
    )
    arguments = (*workers, "-p", "no:warnings")

    whole = unused(project.run(*arguments, plugins=["xdist"]))
    part = unused(project.run(*arguments, "-k", "capital", plugins=["xdist"]))
    stopped = unused(project.run(*arguments, "-x", plugins=["xdist"]))

    assert whole == [
        "unused recordings: 1 file and 1 interaction; `qeval cassette check facts` names them"
    ]
    assert part == stopped == []


def test_a_missing_recording_is_counted_with_what_mends_it(project: Project) -> None:
    project.suite(PLAIN)

    done = project.run()

    text = done.stdout.str()
    assert "facts: 0 of 4 groups passed, 4 errored · replay\n" in text
    assert "  8 trials could not be replayed: 8 missing\n" in text
    assert "  hint: type `qeval run suites/facts.yaml --mode record`\n" in text


def test_a_job_summary_is_markdown_with_failures_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.suite(PLAIN)
    project.record()
    (project.path / "cassettes/facts/qwen-plus/capital.yaml").unlink()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))
    (project.path / "summary.md").write_text("earlier step\n")

    project.run("-n", "2", plugins=["xdist"])

    text = (project.path / "summary.md").read_text()
    assert text.startswith("earlier step\n### qeval: facts\n\n")
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert [line.split()[1] for line in lines[:4]] == ["failed", "failed", "errored", "errored"]
    assert text.count("### qeval") == 1


def test_a_job_summary_that_is_too_long_is_cut_and_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summing, "MOST_BYTES", 300)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))
    project.suite(PLAIN)

    project.run()

    data = (project.path / "summary.md").read_bytes()
    assert len(data) <= 300
    assert data.decode().endswith("… cut here: a job summary holds 1 MiB\n")


def test_a_regression_against_the_baseline_is_red_and_says_how_much(project: Project) -> None:
    rows = ", ".join(f"{{n: {n}}}" for n in range(30))
    path = project.suite(
        "targets: [qwen-plus]\nscenarios: {plain: {temperature: 0.1, passes: any}}\ncases:\n"
        f'  - id: "q-{{{{ n }}}}"\n    rows: [{rows}]\n    user: "number {{{{ n }}}}"\n'
        "    checks: [contains: One]\n"
    )
    project.record()
    main(["run", str(path)])
    assert main(["baseline", "set", "latest"]) == 0
    for file in project.cassettes():
        project.rewrite(file, ["Two."])

    done = project.run("--qeval-baseline", "baseline")

    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert "worse than the baseline" in done.stdout.str()


def test_a_baseline_that_is_not_there_is_told_before_anything_is_asked(
    project: Project, asked: list[str]
) -> None:
    project.suite(PLAIN)

    done = project.record("--qeval-baseline", "baseline")

    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert len(asked) == 0
    assert "Traceback" not in done.stdout.str()
