"""A whole live `qeval run` over the bare client of the same kind: see bench_live.py."""

import json
import sys
import tempfile
from pathlib import Path

from bench_live import CONCURRENCY, Work, main

SUITE = """\
targets: [qwen-plus]
cases:
  - id: "q-{{ n }}"
    rows: data/q.jsonl
    user: "What is the capital of France? ({{ n }})"
    checks: [equals: Paris.]
"""
FOLDER = Path(tempfile.mkdtemp())


def whole(work: Work) -> list[str]:
    """Return the command that runs a suite of so many cases."""
    suite = FOLDER / "suites" / f"live{work.calls}.yaml"
    data = suite.parent / "data" / "q.jsonl"
    data.parent.mkdir(parents=True, exist_ok=True)
    suite.write_text(SUITE.replace("q.jsonl", f"q{work.calls}.jsonl"))
    rows = "".join(json.dumps({"n": n}) + "\n" for n in range(work.calls))
    data.with_name(f"q{work.calls}.jsonl").write_text(rows)
    return [
        *(sys.executable, "-m", "qeval", "run", str(suite), "--mode", "live"),
        *("--base-url", f"http://127.0.0.1:{work.port}/v1", "--client", work.client),
        *("--concurrency", str(CONCURRENCY)),
    ]


if __name__ == "__main__":
    main(whole)
