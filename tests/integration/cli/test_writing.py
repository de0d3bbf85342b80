"""Where nothing can be written: told as what it is, and nothing is left half done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from qeval.cli import main
from qeval.simulator import running

Litter: TypeAlias = Callable[[], list[str]]
Shell: TypeAlias = Callable[[str, Path], subprocess.CompletedProcess[str]]


def run(*arguments: str) -> int:
    return main(["run", "suites/three.yaml", *arguments])


def test_a_file_in_the_place_of_reports_ends_4_before_anything_is_asked(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (recorded / "reports").rename(recorded / "old")
    (recorded / "reports").write_text("")

    assert run() == 4

    assert capsys.readouterr().err.startswith(
        "cannot write reports/three: Not a directory\n\nhint:"
    )


def test_a_replay_that_cannot_be_kept_leaves_nothing_half_done(
    recorded: Path, litter: Litter, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    (folder,) = [p for p in (recorded / "reports/three").iterdir() if "T" not in p.name]
    for path in folder.iterdir():
        path.unlink()
    (folder / "run.jsonl").mkdir()
    capsys.readouterr()

    assert run() == 4

    assert "cannot write reports/three/" in capsys.readouterr().err
    assert litter() == []


@pytest.mark.parametrize("asking", ["replay", "record"])
def test_a_full_disk_is_told_as_that_and_leaves_nothing_half_done(
    asking: str,
    recorded: Path,
    litter: Litter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **options: object) -> object:
        target = Path("/dev/full") if mode == "w+b" else path
        return opened(target, mode, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)

    assert run("--mode", asking) == 4

    told = capsys.readouterr().err
    assert "cannot write reports/three/" in told or "cannot write three/" in told
    assert "No space left on device" in told
    assert litter() == []


@pytest.mark.parametrize("place", ["cassettes", "cassettes/three", "cassettes/three/qwen-plus"])
def test_a_file_in_the_place_of_a_cassette_folder_is_a_miss_that_says_so(
    place: str, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (recorded / place).rename(recorded / "old")
    (recorded / place).write_text("")

    assert run() == 4

    told = capsys.readouterr()
    assert "cannot read cassettes/three/qwen-plus/c1.yaml: Not a directory" in told.out
    assert "3 trials could not be replayed: 3 damaged" in told.err


def test_the_hint_for_a_damaged_cassette_is_one_that_mends_it(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded / "cassettes/three/qwen-plus/c1.yaml"
    path.write_text("")

    assert run() == 4

    told = capsys.readouterr().err
    assert "1 trial could not be replayed: 1 damaged" in told
    assert (
        "hint: mend or delete the damaged files, then type `qeval run suites/three.yaml --mode record`"
        in told
    )
    path.unlink()
    with running(recorded / "script.yaml") as base_url:
        assert run("--mode", "record", "--base-url", base_url) == 0
    assert run() == 0


@pytest.mark.parametrize("folder", ["suites/three.yaml", "suites/three.yaml/x"])
def test_init_where_no_folder_can_be_says_so(
    folder: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", folder]) == 4

    told = capsys.readouterr().err
    assert told.startswith(f"cannot write {folder}/suites/first.yaml: Not a directory\n\nhint: ")


def test_init_twice_touches_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "new"]) == 0
    (project / "new/suites/first.yaml").write_text("mine")

    assert main(["init", "new"]) == 4

    assert "there already" in capsys.readouterr().err
    assert (project / "new/suites/first.yaml").read_text() == "mine"


def test_what_init_writes_records_replays_and_passes_its_test(project: Path, shell: Shell) -> None:
    new = project / "new"
    assert main(["init", str(new)]) == 0
    os.chdir(new)  # the fixture's monkeypatch goes back
    with running(new / "suites/first.simulator.yaml") as base_url:
        arguments = ["run", "suites/first.yaml", "--mode", "record", "--base-url", base_url]
        assert main(arguments) == 0
    assert main(["run", "suites/first.yaml"]) == 0

    done = shell(f"{sys.executable} -m pytest -q tests", new)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert (new / "tests/test_first.py").read_text().count("import") == 1


def no_room(*words: str) -> str:
    """A program that is qeval with room for not one byte in any file."""
    return (
        "import resource, signal, sys\n"
        "from qeval.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        f"raise SystemExit(main({list(words)!r}))\n"
    )


def without_room(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", no_room(*words)],
        cwd=project, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_paid_run_without_room_for_its_header_leaves_no_run_that_none_can_read(
    recorded: Path,
) -> None:
    shutil.rmtree(recorded / "reports")
    with running(recorded / "script.yaml") as base_url:
        done = without_room(
            recorded, "run", "suites/three.yaml", "--mode", "live", "--base-url", base_url
        )

    assert done.returncode == 4, done.stderr
    assert "File too large" in done.stderr
    assert list((recorded / "reports/three").iterdir()) == []


def test_init_without_room_leaves_nothing_that_the_next_try_trips_over(tmp_path: Path) -> None:
    done = without_room(tmp_path, "init")

    assert done.returncode == 4
    assert done.stderr.startswith("cannot write suites/first.yaml: File too large\n\nhint: ")
    assert main(["init", str(tmp_path)]) == 0
