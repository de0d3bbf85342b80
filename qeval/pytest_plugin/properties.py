"""Figures of an item for JUnit files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qeval.record import Trial
from qeval.session.asking import Record


def properties(record: Record) -> Iterator[tuple[str, object]]:
    """Yield name and value of each figure that is known; sums are over the item's trials.

    `qeval.score` is the mean of the weighted means of what counts (suites.md section 10), in
    [0, 1]; `qeval.cost` is in the currency of the target's prices.
    """
    trials = record.group.trials
    passed = sum(trial.outcome == "passed" for trial in trials)
    yield "qeval.outcome", record.group.outcome
    yield "qeval.passed", f"{passed}/{len(trials)}"
    figures = (
        ("qeval.input_tokens", _sum([trial.usage.input_tokens for trial in trials])),
        ("qeval.output_tokens", _sum([trial.usage.output_tokens for trial in trials])),
        ("qeval.cost", _sum([trial.cost for trial in trials])),
        ("qeval.latency_s", _sum([trial.latency_s for trial in trials])),
        ("qeval.score", _score(trials)),
    )
    yield from ((name, value) for name, value in figures if value is not None)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None


def _score(trials: Sequence[Trial]) -> float | None:
    judged = (trial.score for trial in trials if trial.outcome in {"passed", "failed"})
    scores = [score for score in judged if score is not None]
    return sum(scores) / len(scores) if scores else None
