"""Suites under pytest over what pytest itself takes, over pytest-recording, and live over the ideal.

Whole sessions as processes, in turn, without other plugins. Aims: 1,000 replayed items over 1,000
empty parametrized tests ≤ 1.5 warm of byte code (≤ 1.6 cold), and over pytest-recording with
httpx on the same recordings ≤ 0.5; a session without suites ≤ 1.03; 1,000 live items at 200 ms,
64 in flight, ≤ 1.5 x the ideal 3.2 s and ≤ 1.8 with four workers, with 1,000 requests.

    python tests/benchmarks/bench_plugin.py [replay] [cold] [startup] [live]
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from side_by_side import ROOT, median
from words import SERVED, serve

COUNT = 1000
IDEAL_S = 3.2
CODE = "bytecode"
"""Where byte code lies, so that it is warm or cold as a measurement wants it."""
SUITE = """\
targets: [qwen-plus]
scenarios: [factual_qa]
cases:
  - id: "q-{{ n }}"
    rows: data/q.jsonl
    user: "Say the word {{ word }} and nothing else."
    checks: [equals: "{{ word }}"]
"""
EMPTY = f"""\
import pytest

@pytest.mark.parametrize("n", range({COUNT}))
def test_nothing(n):
    pass
"""
RECORDING = f"""\
import json
import httpx
import pytest

client = httpx.Client()
URL = "https://model-studio.invalid/compatible-mode/v1/chat/completions"

@pytest.fixture(scope="module")
def vcr_cassette_dir():
    return "cassettes/many/qwen-plus"

@pytest.fixture
def default_cassette_name(n):
    return f"q-{{n}}"

@pytest.mark.vcr
@pytest.mark.parametrize("n", range({COUNT}))
def test_word(n):
    word = f"word{{n % 977}}"
    user = f"Say the word {{word}} and nothing else."
    body = {{"model": "qwen-plus", "messages": [{{"role": "user", "content": user}}]}}
    answer = client.post(URL, json=body).json()
    assert answer["choices"][0]["message"]["content"] == word
"""
ONE = "def test_it():\n    pass\n"
PLAIN = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
OURS = [*PLAIN, "-p", "qeval.pytest_plugin"]


def make(folder: Path) -> None:
    """Write the project."""
    data = folder / "suites" / "data"
    data.mkdir(parents=True)
    (folder / "suites" / "many.yaml").write_text(SUITE)
    rows = [json.dumps({"n": n, "word": f"word{n % 977}"}) for n in range(COUNT)]
    (data / "q.jsonl").write_text("\n".join(rows))
    for name, text in (("empty", EMPTY), ("recording", RECORDING), ("one", ONE)):
        (folder / f"test_{name}.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")


def taken(command: Sequence[str], folder: Path) -> float:
    """Seconds that a session takes, which must be green; its byte code lies in the folder."""
    said = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]),
        "PYTHONPYCACHEPREFIX": str(folder / CODE),
    }
    for name in ("CI", "PYTHONDONTWRITEBYTECODE"):
        said.pop(name, None)
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=said, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return seconds


def in_turn(commands: Mapping[str, Sequence[str]], times: int, folder: Path) -> dict[str, float]:
    """The median of each command, run in turn after one that does not count."""
    found: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(times + 1):
        for name, command in commands.items():
            seconds = taken(command, folder)
            if number:
                found[name].append(seconds)
    return {name: median(values) for name, values in found.items()}


def record(folder: Path) -> None:
    """Record every case against a server of one-token answers."""
    with serve() as url:
        asking = ("--qeval-mode", "record", "--qeval-base-url", url)
        taken([*OURS, "suites/many.yaml", *asking], folder)


def replay(folder: Path) -> None:
    """Replayed items over empty tests and over pytest-recording, byte code warm."""
    found = in_turn(
        {
            "empty": [*PLAIN, "test_empty.py"],
            "ours": [*OURS, "suites/many.yaml"],
            "recording": [*PLAIN, "-p", "pytest_recording.plugin", "test_recording.py"],
        },
        5,
        folder,
    )
    ours = found["ours"]
    print(
        f"replay {COUNT:,}: {ours:.2f} s · empty tests {found['empty']:.2f} s ="
        f" {ours / found['empty']:.2f} (aim 1.5) · pytest-recording {found['recording']:.2f} s ="
        f" {ours / found['recording']:.2f} (aim 0.5)"
    )


def cold(folder: Path) -> None:
    """The same without byte code of ours: pytest rewrites and compiles every module it imports."""
    sessions = ([*PLAIN, "test_empty.py"], [*OURS, "suites/many.yaml"])
    for command in sessions:
        taken(command, folder)
    ours = folder / CODE / str(ROOT).lstrip("/") / "qeval"
    empty, with_ours, without = [], [], []
    for _ in range(3):
        empty.append(taken(sessions[0], folder))
        without.append(taken(sessions[1], folder))
        shutil.rmtree(ours)
        with_ours.append(taken(sessions[1], folder))
    print(
        f"cold: {median(with_ours):.2f} s, warm {median(without):.2f} s,"
        f" empty {median(empty):.2f} s = {median(with_ours) / median(empty):.2f} (aim 1.6)"
    )
    for name, values in (("cold", with_ours), ("warm", without)):
        cost = (median(values) - median(empty)) / COUNT
        print(f"an item {name}, over an empty test: {cost * 1e6:+.0f} µs")


def startup(folder: Path) -> None:
    """A session without suites, with the plugin and with an empty one, in processor time.

    The difference is a few milliseconds, which the clock on the wall hides behind neighbours. To
    name a plugin with `-p` lets pytest look through all distributions, so both are named.
    """
    (folder / "empty_plugin.py").write_text("")
    empty = [*PLAIN, "-p", "empty_plugin", "test_one.py"]
    commands = {"without": empty, "with": [*OURS, "test_one.py"]}
    found: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(31):
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken(command, folder)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if number:
                used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
                found[name].append(used)
    ours, bare = min(found["with"]), min(found["without"])
    print(
        f"start-up: {ours * 1000:.0f} ms of the processor with, {bare * 1000:.0f} ms without"
        f" = {ours / bare:.3f} (aim 1.03)"
    )


def live(folder: Path) -> None:
    """1,000 items at 200 ms with 64 in flight, serial and with four workers."""
    for name, more, aim in (("serial", [], 1.5), ("-n 4", ["-p", "xdist", "-n", "4"], 1.8)):
        seconds = []
        for _ in range(3):
            with serve(0.2) as url:
                SERVED[0] = 0
                asking = ["--qeval-mode", "live", "--qeval-base-url", url]
                many = ["suites/many.yaml", "--qeval-concurrency", "64"]
                seconds.append(taken([*OURS, *many, *asking, *more], folder))
            if SERVED[0] != COUNT:
                raise SystemExit(f"{name}: {SERVED[0]} requests instead of {COUNT}")
        best = min(seconds)  # the ideal has no neighbours either
        print(
            f"live {COUNT:,} {name}: {best:.2f} s = {best / IDEAL_S:.2f} x ideal (aim {aim}),"
            f" {SERVED[0]:,} requests"
        )


def main() -> None:
    """Print what was asked for; everything without a name."""
    parts = {"replay": replay, "cold": cold, "startup": startup, "live": live}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        record(folder)
        for part in sys.argv[1:] or parts:
            parts[part](folder)


if __name__ == "__main__":
    main()
