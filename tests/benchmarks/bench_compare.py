"""`compare` of two runs of 10,000 trials on disk, before anything is rendered.

Each figure is of a process of its own, over the same process that only reads both files, and, for
scale, one that only starts and imports. Runs: 10,000 cases with one trial a side, and 2,000 with
five, one answer in fifty wrong. The baseline is measured with the same trials.
Aims: 3 s, 300 MB.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from side_by_side import interleaved, median, peak_megabytes, python

from qeval.exchange import Message, Usage
from qeval.record import Asked, Header, Ledger, Score, Setup, Trial
from qeval.store import RunWriter, StoredRun, baseline_path, write_baseline

TRIALS = 10_000
WRONG = 50

IMPORT = "from qeval.session import comparing"
READ = (
    "import sys; from pathlib import Path; from qeval.store import find_source\n"
    "for name in sys.argv[1:]:\n"
    "    print(sum(len(g.trials) for g in find_source(Path('reports'), name).groups()))"
)
COMPARE = (
    "import sys; from qeval.session.comparing import compare\n"
    "print(compare(*sys.argv[1:]).against[0].headline.sentence)"
)


def write(folder: Path, name: str, trials: int, shift: int) -> None:
    """Write a run of so many trials a case; `shift` moves which answers are wrong."""
    cases = TRIALS // trials
    header = Header(
        qeval="0",
        id=name,
        suite="many",
        mode="live",
        suite_digest="0" * 64,
        targets=(Setup(name="qwen-plus", model="qwen-plus", dialect="chat"),),
        scenarios=(Setup(name="warm", trials=trials),),
        planned=TRIALS,
    )
    writer = RunWriter(folder / "reports" / "many", header)
    for n in range(cases):
        messages = (Message(role="user", content=f"Say the word word{n} and nothing else."),)
        writer.asked(
            n, Asked(case=f"q-{n}", messages=messages, tags=(f"t{n % 5}",), digest=f"{n:016x}")
        )
        for number in range(trials):
            writer.trial(n, _trial(n, number, shift))
    writer.close(header)


def _trial(n: int, number: int, shift: int) -> Trial:
    right = (n * 7 + number + shift) % WRONG != 0
    return Trial(
        case=f"q-{n}",
        target="qwen-plus",
        scenario="warm",
        trial=number,
        outcome="passed" if right else "failed",
        scores=(Score(value=float(right), passed=right, check=f"equals 'word{n}'", reason="so"),),
        text=f"word{n}" if right else f"The word is word{n + shift}, I think.",
        finish_reason="stop",
        usage=Usage(input_tokens=21 + n % 9, output_tokens=1 + (n + shift + number) % 12),
        ledger=Ledger(text=9, markup=12 + n % 9),
        request=f"{n * 8 + number:016x}",
        recording=f"{n * 8 + number + shift * 100_000:016x}",
        latency_s=0.2 + ((n * 31 + number * 17 + shift) % 300) / 1000,
    )


def measure(trials: int, times: int) -> None:
    """Print the figures for runs with so many trials a case."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "suites").mkdir()
        for run, shift in (("old", 0), ("new", 3)):
            write(folder, run, trials, shift)
        path = baseline_path(folder / "reports", "many")
        write_baseline(StoredRun(folder / "reports" / "many" / "old" / "run.jsonl"), path)
        for first in ("old", "baseline"):
            commands = {
                "imports": python("-c", IMPORT),
                "reads": python("-c", READ, first, "new"),
                "compares": python("-c", COMPARE, first, "new"),
            }
            taken = {k: median(v) for k, v in interleaved(commands, times, folder).items()}
            peaks = {k: peak_megabytes(command, folder) for k, command in commands.items()}
            print(
                f"{TRIALS // trials:,} cases × {trials}, {first} against new: "
                + " · ".join(f"{k} {taken[k]:.2f} s {peaks[k]:.0f} MB" for k in commands)
                + f" · compares / reads {taken['compares'] / taken['reads']:.1f}"
                + f" · baseline {path.stat().st_size / 1e6:.1f} MB"
            )


for wanted in map(int, sys.argv[1:] or ["1", "5"]):
    measure(wanted, 3)
