"""A whole replayed `qeval run`, table and report included, on 1,000 and 10,000 one-trial cases.

Cases come from one JSONL, answers are one token long. Printed: seconds, over the floor of a
Python that reads the same cassettes' bytes and answers' JSON; peak memory; bytes a trial.
Aims: 0.7 s and 3 s, 150 MB, run file ≤ 0.7 kB and report ≤ 1.25 kB a trial.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from side_by_side import interleaved, median, peak_megabytes, python
from words import serve

SUITE = """\
targets: [qwen-plus]
scenarios: [factual_qa]
cases:
  - id: "q-{{ n }}"
    rows: data/q.jsonl
    user: "Say the word {{ word }} and nothing else."
    checks: [equals: "{{ word }}"]
"""

FLOOR = """\
import json, sys
from pathlib import Path
sys.stdout.write(str(sum(len(p.read_bytes()) for p in sorted(Path("cassettes").rglob("*.yaml")))))
for line in open("suites/data/q.jsonl"): json.loads(line)
"""


def make(folder: Path, count: int) -> None:
    """Write a project with `count` cases and record it against a server of one-token answers."""
    data = folder / "suites" / "data"
    data.mkdir(parents=True)
    (folder / "suites" / "many.yaml").write_text(SUITE)
    with (data / "q.jsonl").open("w") as file:
        for n in range(count):
            file.write(json.dumps({"n": n, "word": f"word{n % 977}"}) + "\n")
    with serve() as base_url:
        subprocess.run(
            [
                *python("-m", "qeval", "run", "suites/many.yaml", "--mode", "record"),
                *("--base-url", base_url, "--concurrency", "64"),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
        )


def measure(count: int, times: int) -> None:
    """Print the figures for one size."""
    folder = Path(tempfile.mkdtemp())
    try:
        make(folder, count)
        command = python("-m", "qeval", "run", "suites/many.yaml")
        taken = interleaved({"floor": python("-c", FLOOR), "qeval run": command}, times, folder)
        ours, floor = median(taken["qeval run"]), median(taken["floor"])
        peak = peak_megabytes(command, folder)
        run = max(folder.glob("reports/many/*/run.jsonl"), key=lambda p: p.stat().st_mtime)
        page = run.with_name("report.html")
        print(
            f"{count:6,} cases: {ours:5.2f} s, floor {floor:.2f} s, ratio {ours / floor:4.1f} · "
            f"peak {peak:.0f} MB · run file {run.stat().st_size / count:.0f} B a trial · "
            f"report {page.stat().st_size / count:.0f} B a trial"
        )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    for size in map(int, sys.argv[1:] or ["1000", "10000"]):
        measure(size, 5 if size < 5000 else 3)
