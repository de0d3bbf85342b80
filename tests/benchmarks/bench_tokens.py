"""Counting tokens: throughput beside bare tiktoken, the first count, and ledgers in a replay.

Aims: throughput at least 0.8 of tiktoken's; the first count of a new process at most 0.25 s over
bare Python; the ledgers of 10,000 trials at most 10 % of a replayed run, loading aside; and
`--no-ledger` never loads the vocabulary.

    python tests/benchmarks/bench_tokens.py [--quick]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from side_by_side import ROOT, interleaved, python

sys.path.insert(0, str(ROOT))

from bench_run import make

from qeval.tokens import vocabulary

PIECE = 4_000
"""Characters of a text that is counted at once."""
FIRST = "import os; from qeval.tokens.counters import counter; counter('qwen-plus').count('Hi')"
LEAVE = "; os._exit(0)"
"""Tearing 151,643 entries down again is no part of a first count."""
LOAD = "from qeval.tokens import vocabulary; vocabulary.shared()"


def taken(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def texts() -> dict[str, list[str]]:
    """Source code and prose of this project, and Chinese, in pieces."""
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("qeval/**/*.py")))
    prose = "".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("*.md")))
    chinese = "今天的天气很好，我们一起去公园散步吧。你想在几点出发？" * 4_000
    return {
        name: [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
        for name, text in (("Python", code), ("prose", prose * 8), ("Chinese", chinese))
    }


def throughput(rounds: int) -> None:
    """Print our rate and tiktoken's own, on the same pieces, in turn."""
    qwen = vocabulary.shared()
    if qwen is None:
        raise SystemExit("install the extra 'qwen'")
    bare = qwen._encoding
    for name, pieces in texts().items():
        size = sum(len(piece.encode()) for piece in pieces) / 1e6
        ours, theirs = [], []
        for _ in range(rounds):
            theirs.append(taken(lambda: [len(bare.encode_ordinary(p)) for p in pieces]))  # noqa: B023 - called at once
            ours.append(taken(lambda: [qwen.count(p) for p in pieces]))  # noqa: B023 - called at once
        ratio = min(theirs) / min(ours)
        print(
            f"{name:8} {size:5.1f} MB: tiktoken {size / min(theirs):5.1f} MB/s · "
            f"count {size / min(ours):5.1f} MB/s = {ratio:.2f} (aim 0.8)"
        )


def first_count(times: int) -> None:
    """Print what a new process takes to its first count, over bare Python."""
    found = interleaved(
        {
            "python": python("-c", "import os" + LEAVE),
            "first count": python("-c", FIRST + LEAVE),
        },
        times=times,
    )
    bare, ours = min(found["python"]), min(found["first count"])
    print(f"first count: {ours - bare:.3f} s over {bare:.3f} s of bare Python (aim 0.25)")


def ledgers(count: int, times: int) -> None:
    """Print what ledgers add to a replayed run of one-trial cases."""
    folder = Path(tempfile.mkdtemp())
    try:
        make(folder, count)
        run = python("-m", "qeval", "run", "suites/many.yaml")
        commands: dict[str, Sequence[str]] = {
            "with": run,
            "without": [*run, "--no-ledger"],
            "loading": python("-c", LOAD),
            "python": python("-c", "import qeval.record"),
        }
        # A small difference of long times: the least of each is what the machine's noise leaves.
        found = {name: min(each) for name, each in interleaved(commands, times, folder).items()}
    finally:
        shutil.rmtree(folder)
    loading = found["loading"] - found["python"]
    added = found["with"] - found["without"] - loading
    print(
        f"{count:6,} trials: {found['without']:.2f} s without ledgers, {found['with']:.2f} s with: "
        f"{loading:.2f} s to load, {added:.2f} s for the ledgers = "
        f"{added / found['without']:.1%} (aim 10 %)"
    )


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    throughput(3 if quick else 7)
    first_count(5 if quick else 11)
    ledgers(1_000 if quick else 10_000, 3 if quick else 7)
