"""Whole processes measured side by side: the minimum or median of interleaved runs, and ratios."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def wall(command: Sequence[str], folder: Path = ROOT) -> float:
    """Seconds that one run of the command takes, as a whole process."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def interleaved(
    commands: Mapping[str, Sequence[str]], times: int, folder: Path = ROOT
) -> dict[str, list[float]]:
    """Run the commands in turn, so that a drift of the machine's speed meets all alike."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for name, command in commands.items():  # byte code and disk cache are warm in what counts
        wall(command, folder)
        del name
    for _ in range(times):
        for name, command in commands.items():
            taken[name].append(wall(command, folder))
    return taken


def peak_megabytes(command: Sequence[str], folder: Path) -> float:
    """Peak resident memory of one run, in MB."""
    pid = os.fork()
    if pid == 0:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        (folder / "peak").write_text(str(peak))
        os._exit(done.returncode)
    os.waitpid(pid, 0)
    return int((folder / "peak").read_text()) / 1000


def python(*arguments: str) -> list[str]:
    """The command that starts this Python."""
    return [sys.executable, *arguments]


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)
