"""Rendering of the page and the table, of one-trial cases with one-token answers held in memory.

Printed for 1,000 and 10,000 cases: seconds, over the time that joining the same number of bytes
takes; bytes a trial; and the most memory that rendering to a file takes beside the run itself.
Aims: 1.2 s at 10,000, 1.25 kB a trial, memory that hardly grows with the cases.
"""

import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from qeval.exchange import Message, Usage
from qeval.record import Asked, Group, Header, Score, Setup, Trial
from qeval.report import html, text


class Words:
    """A run of `count` cases, each asked once for one word."""

    def __init__(self, count: int) -> None:
        setup = Setup(name="qwen-plus", model="qwen-plus", dialect="chat")
        self.header = Header(
            qeval="0",
            id="0" * 12,
            suite="many",
            mode="replay",
            suite_digest="0" * 64,
            targets=(setup,),
            scenarios=(Setup(name="factual_qa"),),
            planned=count,
        )
        self.asked: dict[tuple[str, str | None], Asked] = {}
        for n in range(count):
            said = f"Say the word word{n % 977} and nothing else."
            self.asked[f"q-{n}", None] = Asked(
                case=f"q-{n}",
                messages=(Message(role="user", content=said),),
                digest="0" * 16,
                where="suites/many.yaml:4",
            )
        self._groups = [self._group(n) for n in range(count)]

    def groups(self) -> Iterator[Group]:
        """Yield the groups in order."""
        return iter(self._groups)

    @staticmethod
    def _group(n: int) -> Group:
        word, right = f"word{n % 977}", n % 50 != 0
        trial = Trial(
            case=f"q-{n}",
            target="qwen-plus",
            scenario="factual_qa",
            outcome="passed" if right else "failed",
            scores=(Score(value=right, passed=right, check=f"equals '{word}'", reason="is equal"),),
            text=word,
            finish_reason="stop",
            usage=Usage(input_tokens=21, output_tokens=1),
            latency_s=0.001 * (n % 300),
        )
        return Group(
            case=trial.case,
            target=trial.target,
            scenario=trial.scenario,
            outcome=trial.outcome,
            passes="all",
            trials=(trial,),
        )


def peak(source: Words) -> float:
    """Return the most MB that rendering to a file holds at once."""
    with TemporaryDirectory() as folder:
        tracemalloc.start()
        html.write(source, Path(folder) / "report.html")
        held = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    return held


def measure(count: int, times: int) -> None:
    """Print the figures for one size: the best of a few, as noise only ever adds."""
    source = Words(count)
    text.render(Words(1))  # imports are paid here
    taken, table = [], []
    for _ in range(times):
        start = perf_counter()
        pieces = [piece.encode() for piece in html.pieces(source)]
        middle = perf_counter()
        text.render(source)
        taken.append(middle - start)
        table.append(perf_counter() - middle)
    start = perf_counter()
    size = len(b"".join([bytes([60]) * (sum(map(len, pieces)) // count)] * count))
    floor = perf_counter() - start
    print(
        f"{count:6,} cases: page {min(taken):.3f} s, {size / count:,.0f} B a trial "
        f"(joining the bytes {floor:.3f} s), {peak(source):.1f} MB at most · table {min(table):.3f} s"
    )


for wanted in map(int, sys.argv[1:] or ["1000", "10000"]):
    measure(wanted, 3)
