"""The spine, whole: a suite recorded from the simulator and replayed without it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qeval.cli import main
from qeval.simulator import running
from qeval.store import StoredRun

ROOT = Path(__file__).parents[2]

SUITE = """\
targets: [qwen-plus]
scenarios:
  factual_qa:
  creative_writing: {trials: 20}
cases:
  - id: die
    user: Throw a die.
    checks: [matches: '^[1-6]$']
  - id: capital
    user: What is the capital of France?
    scenarios: [factual_qa]
    checks: [contains: Paris]
"""

SCRIPT = """\
rules:
  - match: die
    replies: [{text: "1"}, {text: "2"}, {text: "3"}, {text: "4"}, {text: "5"}, {text: "6"}]
  - match: France
    reply: Paris
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "dice.yaml").write_text(SUITE)
    (tmp_path / "script.yaml").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    return tmp_path


@pytest.fixture
def server(project: Path) -> Iterator[str]:
    with running(project / "script.yaml") as base_url:
        yield base_url


def run(*arguments: str) -> int:
    return main(["run", "suites/dice.yaml", *arguments])


def latest(project: Path) -> StoredRun:
    files = project.glob("reports/dice/*/run.jsonl")
    return StoredRun(max(files, key=lambda path: path.stat().st_mtime_ns))


def cassette(project: Path, case: str = "die") -> Path:
    return project / "cassettes" / "dice" / "qwen-plus" / f"{case}.yaml"


def answers(project: Path) -> dict[tuple[str, str, int], str]:
    return {(t.case, t.scenario, t.trial): t.text for t in latest(project).trials()}


def test_what_was_recorded_is_replayed_without_key_or_server(project: Path) -> None:
    with running(project / "script.yaml") as base_url:
        assert run("--mode", "record", "--base-url", base_url, "--concurrency", "20") == 0
    recorded = answers(project)
    assert len(recorded) == 22
    assert len(set(recorded.values())) > 3

    assert run() == 0

    assert answers(project) == recorded
    assert latest(project).header.sources == ("simulator",)


def test_twenty_like_trials_get_their_own_answers_in_any_order(project: Path, server: str) -> None:
    assert run("--mode", "record", "--base-url", server, "--concurrency", "20") == 0
    recorded = answers(project)
    shuffled = SUITE.replace(
        "  factual_qa:\n  creative_writing: {trials: 20}",
        "  creative_writing: {trials: 20}\n  factual_qa:",
    )
    (project / "suites" / "dice.yaml").write_text(shuffled)

    assert run() == 0

    assert answers(project) == recorded


def test_a_refresh_that_finds_the_same_leaves_the_files_as_they_were(project: Path) -> None:
    for mode in ("record", "refresh"):
        with running(project / "script.yaml") as base_url:
            assert run("--mode", mode, "--base-url", base_url, "--concurrency", "1") == 0
        data = cassette(project).read_bytes(), cassette(project).stat().st_mtime_ns
        if mode == "record":
            before = data

    assert data == before


VOLATILE = re.compile(
    rb'(?m)^ *("?(?:id|created)"?: .*|recorded:.*|(?:  )+(?:date|latency_s|request_id|chunk_times|first_token_s): .*)$'
)


def test_two_recordings_of_the_same_answers_differ_only_in_what_is_volatile(project: Path) -> None:
    seen = []
    for _ in range(2):
        shutil.rmtree(project / "cassettes", ignore_errors=True)
        with running(project / "script.yaml") as base_url:
            assert run("--mode", "record", "--base-url", base_url, "--concurrency", "1") == 0
        seen.append(cassette(project).read_bytes())

    assert VOLATILE.sub(b"", seen[0]) == VOLATILE.sub(b"", seen[1])


def test_record_asks_only_for_what_is_missing(project: Path, server: str) -> None:
    assert run("--mode", "record", "--base-url", server) == 0
    before = cassette(project).read_bytes()
    cassette(project, "capital").unlink()

    assert run("--mode", "record", "--base-url", server) == 0

    assert cassette(project).read_bytes() == before
    assert cassette(project, "capital").exists()


def test_a_miss_errors_its_trial_and_names_the_command(
    project: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--mode", "record", "--base-url", server)
    cassette(project, "capital").unlink()
    capsys.readouterr()

    assert run() == 4

    told = capsys.readouterr()
    assert "1 trial could not be replayed: 1 missing" in told.err
    assert "hint: type `qeval run suites/dice.yaml --mode record`" in told.err
    outcomes = [trial.outcome for trial in latest(project).trials()]
    assert (outcomes.count("errored"), outcomes.count("passed")) == (1, 21)


def test_a_changed_prompt_is_stale_and_shows_what_changed(
    project: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--mode", "record", "--base-url", server)
    path = project / "suites" / "dice.yaml"
    path.write_text(path.read_text().replace("of France?", "of Spain?"))

    assert run() == 4

    errors = [trial.error for trial in latest(project).trials() if trial.error]
    assert len(errors) == 1
    assert "messages[0].content" in errors[0]
    assert "Spain" in errors[0]
    assert "France" in errors[0]


def test_no_key_names_variable_and_region(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASHSCOPE_REGION", raising=False)

    assert run("--mode", "record") == 4

    told = capsys.readouterr().err
    assert "DASHSCOPE_API_KEY is not set (region ap-southeast-1)" in told
    assert told.count("DASHSCOPE_API_KEY is not set") == 1
    assert not (project / "cassettes").exists() or not list((project / "cassettes").rglob("*.yaml"))


def test_a_failed_check_ends_1_and_says_which(
    project: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--mode", "record", "--base-url", server)
    path = project / "suites" / "dice.yaml"
    path.write_text(path.read_text().replace("contains: Paris", "contains: Rome"))
    capsys.readouterr()

    assert run() == 1

    assert "contains 'Rome': not found" in capsys.readouterr().out


def test_last_failed_asks_only_what_did_not_pass(project: Path, server: str) -> None:
    run("--mode", "record", "--base-url", server)
    path = project / "suites" / "dice.yaml"
    path.write_text(path.read_text().replace("contains: Paris", "contains: Rome"))
    assert run() == 1

    assert run("--last-failed") == 1

    assert [trial.case for trial in latest(project).trials()] == ["capital"]


def test_retry_errors_keeps_what_was_answered(project: Path) -> None:
    script = project / "script.yaml"
    script.write_text(
        "rules:\n  - match: die\n    reply: '3'\n  - match: France\n    fault: {status: 400, code: odd, message: no}\n"
    )
    with running(script) as base_url:
        assert run("--mode", "live", "--base-url", base_url) == 1
    assert [t.outcome for t in latest(project).trials()].count("errored") == 1
    script.write_text("rules:\n  - match: France\n    reply: Paris\n")

    with running(script) as base_url:
        assert run("--mode", "live", "--base-url", base_url, "--retry-errors") == 0

    assert len(list(latest(project).trials())) == 22


def test_a_budget_on_retries_keeps_what_need_not_be_asked(project: Path) -> None:
    broken = "rules:\n  - {match: die, fault: {status: 400, code: no, times: 1}, reply: '1'}\n"
    (project / "script.yaml").write_text(broken + "  - {match: France, reply: Paris}\n")
    with running(project / "script.yaml") as base_url:
        live = ("--mode", "live", "--base-url", base_url, "--concurrency", "1")
        assert run(*live) == 1
        before = {trial.key: trial.outcome for trial in latest(project).trials()}
        assert [*before.values()].count("errored") == 2

        assert run(*live, "--retry-errors", "--max-calls", "2") == 0

    after = {trial.key: trial.outcome for trial in latest(project).trials()}
    assert after.keys() == before.keys()
    assert set(after.values()) == {"passed"}


def test_nothing_to_run_ends_5(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-k", "nowhere") == 5
    assert "nothing to run" in capsys.readouterr().err


def test_an_account_that_is_refused_stops_its_target_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = project / "script.yaml"
    script.write_text(
        "rules:\n  - match: .*\n    fault: {status: 401, code: invalid_api_key, message: bad key}\n"
    )
    with running(script) as base_url:
        assert run("--mode", "live", "--base-url", base_url, "--concurrency", "1") == 1

    told = capsys.readouterr()
    assert told.err.count("stopped asking qwen-plus") == 1
    assert [t.outcome for t in latest(project).trials()] == ["errored"] * 22


BAD_ANSWERS = {
    "html": "fault: {kind: html}",
    "empty": "fault: {kind: empty}",
    "garbage": "fault: {kind: garbage}",
    "cut": "fault: {kind: cut}",
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_a_bad_answer_is_an_errored_trial_and_the_run_goes_on(project: Path, kind: str) -> None:
    script = project / "script.yaml"
    script.write_text(
        f"rules:\n  - match: France\n    {BAD_ANSWERS[kind]}\n  - match: die\n    reply: '3'\n"
    )
    with running(script) as base_url:
        assert run("--mode", "live", "--base-url", base_url) == 1

    trials = list(latest(project).trials())
    errored = [trial for trial in trials if trial.outcome == "errored"]
    assert [trial.case for trial in errored] == ["capital"]
    assert errored[0].error


HOSTILE = "</script><script>alert(1)</script>\x1b[31mred\x00\u202eevil\ud800"


def test_a_hostile_answer_is_shown_harmlessly_everywhere(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = project / "script.yaml"
    text = json.dumps(HOSTILE.replace("\ud800", ""))
    script.write_text(
        f"rules:\n  - match: France\n    reply: {text}\n  - match: die\n    reply: '3'\n"
    )
    with running(script) as base_url:
        assert run("--mode", "record", "--base-url", base_url) == 1
    assert run() == 1

    told = capsys.readouterr()
    page = (latest(project).path.parent / "report.html").read_text()
    for text in (told.out, told.err, page, cassette(project, "capital").read_text()):
        assert not set("\x1b\x00\u202e") & set(text)
    assert "<script>alert" not in page


KEY = "sk-0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("mode", ["record", "live"])
def test_a_key_that_comes_back_in_an_answer_reaches_no_file(
    project: Path, mode: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    script = project / "script.yaml"
    script.write_text(
        f"rules:\n  - match: France\n    reply: 'Paris, and {KEY}'\n  - match: die\n    reply: '3'\n"
    )
    with running(script) as base_url:
        assert run("--mode", mode, "--base-url", base_url) != 0

    files = [*project.rglob("cassettes/**/*"), *project.rglob("reports/**/*")]
    for path in files:
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    told = capsys.readouterr()
    assert KEY not in told.out + told.err


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "qeval", *arguments]


def slow_project(project: Path) -> None:
    (project / "script.yaml").write_text(
        "rules:\n  - match: '.*'\n    reply: Paris\n    latency_s: 0.05\n"
    )
    (project / "suites" / "dice.yaml").write_text(
        "targets: [qwen-plus]\ncases:\n"
        "  - id: 'c{{ n }}'\n    grid: {n: [" + ", ".join(map(str, range(60))) + "]}\n"
        "    user: 'Capital {{ n }}?'\n    checks: [contains: Paris]\n"
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_recording_keeps_what_was_paid_for(project: Path, how: signal.Signals) -> None:
    slow_project(project)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with running(project / "script.yaml") as base_url:
        arguments = ["run", "suites/dice.yaml", "--mode", "record", "--base-url", base_url]
        process = subprocess.Popen(
            command(*arguments, "--concurrency", "2"), cwd=project, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        folder = project / "cassettes" / "dice" / "qwen-plus"
        deadline = time.monotonic() + 20
        while len(list(folder.glob("*.yaml"))) < 10 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(how)
        _, told = process.communicate(timeout=20)

        assert process.returncode == (2 if how == signal.SIGINT else -9), told
        stored = latest(project)
        assert not stored.header.complete
        kept = {trial.case for trial in stored.trials()}
        files = {path.stem: path.read_bytes() for path in folder.glob("*.yaml")}
        assert 10 <= len(files) < 60
        assert len(kept & set(files)) >= len(files) - 2

        assert main(arguments) == 0
        for case, data in files.items():
            assert (folder / f"{case}.yaml").read_bytes() == data
    assert main(["run", "suites/dice.yaml"]) == 0
    assert not [path for path in folder.iterdir() if path.suffix != ".yaml"]


def test_two_replays_give_the_same_bytes_wherever_and_whenever(project: Path, server: str) -> None:
    run("--mode", "record", "--base-url", server)
    seen = []
    for name, zone, seed in (("a", "UTC", "0"), ("deeper/b", "Asia/Tokyo", "77")):
        copy = project / name
        copy.mkdir(parents=True)
        for part in ("suites", "cassettes"):
            shutil.copytree(project / part, copy / part)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TZ": zone, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            command("run", "suites/dice.yaml"),
            cwd=copy,
            env=environment,
            capture_output=True,
            check=True,
        )
        (folder,) = (copy / "reports" / "dice").iterdir()
        seen.append(
            (
                folder.name,
                done.stdout,
                (folder / "run.jsonl").read_bytes(),
                (folder / "report.html").read_bytes(),
            )
        )

    assert seen[0] == seen[1]


@pytest.mark.parametrize("mode", ["replay", "live"])
def test_the_answers_of_one_request_are_retried_together(
    project: Path, server: str, mode: str
) -> None:
    path = project / "suites" / "dice.yaml"
    path.write_text(
        "targets: [qwen-plus]\nparams: {n: 2}\ntrials: 2\n"
        "cases: [{id: die, user: Throw a die., checks: [matches: '^[1-6]$']}]\n"
    )
    assert run("--mode", "record", "--base-url", server) == 0
    kept = max(project.glob("reports/dice/*/run.jsonl"))
    lines = kept.read_text().splitlines()
    lines[-1] = lines[-1].replace('"outcome":"passed"', '"outcome":"errored"')
    kept.write_text("\n".join([*lines, ""]))

    assert run("--retry-errors", "--mode", mode, "--base-url", server) == 0

    assert [trial.outcome for trial in latest(project).trials()] == ["passed", "passed"]


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        (
            "params: {n: 2}\ntrials: 2\ncases:\n  - {id: a, user: A, checks: [is_json]}\n",
            ["--trials", "3"],
            "3 trials are no multiple of n 2, which case 'a' sets under 'default'\n\nhint: ask 4",
        ),
        (
            (
                "params: {n: 2}\ntrials: 2\nchecks: [contains: x]\ncases:\n  - {id: a, user: A}\n"
                "  - {id: b, turns: [{user: A}, {user: B}]}\n"
            ),
            [],
            "suites/dice.yaml:7: n 2 does not go with turns: the next one can answer one answer",
        ),
        (
            (
                "checks: [contains: x]\ncases:\n"
                "  - turns: [{user: A}, {user: B}]\n    partial: 'Well: '\n"
            ),
            [],
            "suites/dice.yaml:5: partial does not go with turns: it could begin the first answer",
        ),
    ],
    ids=["trials", "n-with-turns", "partial-with-turns"],
)
def test_what_does_not_go_together_is_refused_before_anything_is_asked(
    project: Path, capsys: pytest.CaptureFixture[str], text: str, arguments: list[str], told: str
) -> None:
    (project / "suites" / "dice.yaml").write_text(f"targets: [qwen-plus]\n{text}")

    assert run(*arguments) == 4

    assert told in capsys.readouterr().err
    assert not (project / "reports").exists()


TOOL = """\
tools: {look: {description: Looks., python: "look.py:look"}}
cases: [{id: a, user: Look it up., checks: [contains: done]}]
"""


def test_what_a_python_tool_raises_is_told_and_replayed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "suites" / "dice.yaml").write_text(f"targets: [qwen-plus]\n{TOOL}")
    (project / "suites" / "look.py").write_text("def look():\n    raise KeyError(object())\n")
    (project / "script.yaml").write_text(
        "rules:\n  - {match: Look, after_tool: look, reply: done}\n"
        "  - {match: Look, replies: [{calls: [{name: look, arguments: {}}]}]}\n"
    )
    with running(project / "script.yaml") as base_url:
        assert run("--mode", "record", "--base-url", base_url) == 0

    assert run() == 0

    (trial,) = latest(project).trials()
    warned = [score.reason for score in trial.scores if not score.passed]
    assert warned == ["look failed: KeyError: <object object at 0x…>"]
    assert "1 warning" in capsys.readouterr().out
