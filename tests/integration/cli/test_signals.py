"""A command that is ended from outside keeps what had ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.cli import main
from qeval.simulator import running


def run(*arguments: str) -> int:
    return main(["run", "suites/three.yaml", *arguments])


SUITE = """\
targets: [qwen-plus]
scenarios: [factual_qa]
cases:
  - id: 'c{{ n }}'
    grid: {n: {numbers}}
    user: 'Say {{ n }}.'
    checks: [contains: '{{ n }}']
"""


@pytest.mark.parametrize("started", ["", "trap '' INT; "], ids=["in front", "behind, as by &"])
def test_sigterm_ends_a_recording_as_ctrl_c_does(
    project: Path, started: str, litter: Callable[[], list[str]]
) -> None:
    (project / "script.yaml").write_text("rules: [{match: '.', reply: '1', latency_s: 0.05}]\n")
    (project / "suites/three.yaml").write_text(SUITE.replace("{numbers}", f"{[*range(100)]}"))
    with running(project / "script.yaml") as base_url:
        command = f"{sys.executable} -m qeval run suites/three.yaml --mode record --concurrency 2"
        process = subprocess.Popen(
            ["bash", "-c", f"{started}exec {command} --base-url {base_url}"],
            cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        with process:
            folder = project / "cassettes/three/qwen-plus"
            deadline = time.monotonic() + 20
            while len(list(folder.glob("*.yaml"))) < 5 and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=20)

    assert process.returncode == 2, told
    assert b"interrupted; what had ended is kept" in told
    assert b"Traceback" not in told
    assert litter() == []
    (page,) = project.glob("reports/three/*/report.html")
    assert page.stat().st_size > 1000


SLOW = """\
import time
from pathlib import Path

def judge(value, evidence):
    Path(f"judging-{evidence.case}").touch()
    time.sleep(20)
    return True
"""


def test_ctrl_c_twice_keeps_what_was_answered_and_not_judged_yet(project: Path) -> None:
    (project / "suites/slow.py").write_text(SLOW)
    slow = SUITE.replace("{numbers}", f"{[*range(20)]}").replace(
        "contains: '{{ n }}'", "python: slow.py:judge"
    )
    (project / "suites/three.yaml").write_text(slow)
    (project / "script.yaml").write_text("rules: [{match: '.', reply: '1'}]\n")
    with running(project / "script.yaml") as base_url:
        command = [sys.executable, "-m", "qeval", "run", "suites/three.yaml", "--mode", "record"]
        process = subprocess.Popen(
            [*command, "--base-url", base_url],
            cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            deadline = time.monotonic() + 20
            while len(list(project.glob("judging-*"))) < 20 and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=20)

    assert process.returncode == 2, told
    assert len(list((project / "cassettes/three/qwen-plus").glob("*.yaml"))) == 20
    assert "Unclosed" not in told
    assert "Traceback" not in told


AMID = """\
import asyncio
import signal
from qeval import cli

async def ended():
    signal.raise_signal(signal.SIGTERM)

async def work():
    task = asyncio.create_task(ended())
    await asyncio.sleep(20)

cli._executed = lambda _: asyncio.run(work())
raise SystemExit(cli.main(["schema"]))
"""


def test_a_signal_amid_a_task_ends_the_command_and_is_not_that_tasks_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"trap '' INT; exec {sys.executable} -c '{AMID}'"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (2, "interrupted\n")


HALF_WRITTEN = """\
import signal
import sys
from qeval.cli import main
from qeval.store import write_baseline

def pieces(*_, **__):
    yield b"x" * 2_000_000
    signal.raise_signal(signal.{name})
    yield b"y"

sys.modules[write_baseline.__module__]._pieces = pieces
raise SystemExit(main(["baseline", "set", "latest"]))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_baseline_that_a_signal_cuts_short_leaves_no_file(recorded: Path, name: str) -> None:
    assert run() == 0

    done = subprocess.run(
        [sys.executable, "-c", HALF_WRITTEN.format(name=name)],
        cwd=recorded, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (2, "interrupted\n")
    assert [path.name for path in (recorded / "reports/baselines").iterdir()] == []


def test_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    main(["schema"])

    assert signal.getsignal(signal.SIGTERM) is before
