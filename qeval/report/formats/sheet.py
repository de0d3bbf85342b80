"""A comparison, or a run, as CSV: one line a change, or a trial.

A spreadsheet runs a cell that begins like a formula; such a text gets an apostrophe before it,
which a spreadsheet takes as "this is text" (CWE-1236). Figures of our own are left as they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from qeval.compare.values import Comparison
from qeval.record import Source
from qeval.report.formats import cells
from qeval.report.marks import line

Cell: TypeAlias = str | int | float | bool | None

CHANGES = (
    "suite", "column", "case", "target", "scenario", "state", "verdict",
    "passed_a", "judged_a", "planned_a", "passed_b", "judged_b", "planned_b",
    "difference", "low", "high", "p", "fact", "flip", "tags", "where", "why",
)  # fmt: skip
"""Differences are fractions: 0.05 is five points; what is unknown is empty."""

TRIALS = (
    "suite", "case", "target", "scenario", "trial", "outcome", "score", "finish_reason",
    "truncated", "input_tokens", "output_tokens", "latency_s", "cost", "attempts", "code",
    "failed_checks",
)  # fmt: skip

_FORMULA = ("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠", "|", "%")


def render(comparison: Comparison) -> str:
    """Return every change of every column."""
    rows = (
        (
            comparison.suite, cells.letter(against), change.case, change.target, change.scenario,
            change.state, change.word, change.passed[0], change.judged[0], change.planned[0],
            change.passed[1], change.judged[1], change.planned[1], change.difference, change.low,
            change.high, change.p, change.fact, change.flip, " ".join(change.tags), change.where,
            change.why,
        )
        for against in comparison.against
        for change in against.changes
    )  # fmt: skip
    return _written(CHANGES, rows)


def render_run(source: Source) -> str:
    """Return every trial of a run; its score is the weighted mean of its checks' values."""
    rows = (
        (
            source.header.suite, trial.case, trial.target, trial.scenario, trial.trial,
            trial.outcome, trial.score, trial.finish_reason, trial.truncated,
            trial.usage.input_tokens, trial.usage.output_tokens, trial.latency_s, trial.cost,
            trial.attempts, trial.code,
            "; ".join(score.check for score in trial.scores if not score.passed),
        )
        for group in source.groups()
        for trial in group.trials
    )  # fmt: skip
    return _written(TRIALS, rows)


def _written(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_tame(cell) for cell in row] for row in rows)
    return held.getvalue().rstrip("\n")


def _tame(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet runs; numbers stay numbers, booleans are 0 and 1."""
    if isinstance(cell, bool):
        return int(cell)
    if not isinstance(cell, str):
        return cell
    text = line(cell, 1000)
    return f"'{text}" if text.startswith(_FORMULA) else text
