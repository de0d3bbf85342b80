"""10,000 rows → groups ready to ask, over reading the same rows as JSON and nothing else.

Run it as `python tests/benchmarks/bench_expand.py [ROWS]`. The aim is 0.2 s for 10,000 rows of
bare names, 0.5 s at most, and 25 MB.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from qeval.loading import read
from qeval.plan import plan

HEAD = "targets: [qwen-plus]\nsystem: Answer with one word.\ncases:\n"
KINDS = {
    "bare names": (
        '  - id: "{{ qid }}"\n    rows: data/q.jsonl\n    user: "{{ question }}"\n'
        '    checks: [contains: "{{ answer }}"]\n'
    ),
    "automatic ids": (
        '  - rows: data/q.jsonl\n    user: "Say it: {{ question }}"\n'
        '    checks: [contains: "{{ answer }}"]\n'
    ),
    "expressions": (
        '  - id: "q-{{ row_number }}"\n    rows: data/q.jsonl\n    user: "{{ question | trim }}"\n'
        "    checks: [contains: \"{{ answer ~ '' }}\"]\n"
    ),
}
ROUNDS = 5


def best(work: Callable[[], object]) -> float:
    """Return the shortest of some rounds, in seconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main(count: int) -> None:
    """Measure each kind of case, and print a line for it."""
    with tempfile.TemporaryDirectory() as folder:
        suites = Path(folder) / "suites"
        (suites / "data").mkdir(parents=True)
        data = suites / "data" / "q.jsonl"
        rows = (
            {"qid": f"q-{i}", "question": f"Which number comes after {i}?", "answer": str(i + 1)}
            for i in range(count)
        )
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        floor = best(lambda: [json.loads(line) for line in data.read_bytes().splitlines()])
        print(f"json.loads of {count:,} rows: {floor:.3f} s")
        suite = suites / "s.yaml"
        for kind, case in KINDS.items():
            suite.write_text(HEAD + case, encoding="utf-8")
            loaded = read(suite)
            took = best(lambda: plan(read(suite)))
            tracemalloc.start()
            planned = plan(loaded)
            kept, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert len(planned.groups) == count
            print(
                f"{kind}: {took:.3f} s, {count / took:,.0f} rows/s, {took / floor:.1f} × json.loads, "
                f"{kept / 1e6:.1f} MB kept, {peak / 1e6:.1f} MB at most"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
