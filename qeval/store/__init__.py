"""What is kept on disk: run files, and baselines."""

from qeval.store.baselines import Baseline, baseline_path, baselines, find_source, write_baseline
from qeval.store.runs import FILE, RunWriter, StoredRun, find_run

__all__ = [
    "FILE",
    "Baseline",
    "RunWriter",
    "StoredRun",
    "baseline_path",
    "baselines",
    "find_run",
    "find_source",
    "write_baseline",
]
