"""The page's index: what its list, its filters and its first search need of every row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qeval.compare.columns import Column
from qeval.compare.values import Comparison
from qeval.record import Group, Setup, Trial
from qeval.report.marks import line
from qeval.report.packing import FORMAT, Packer
from qeval.report.rows import Row
from qeval.report.summary import warnings
from qeval.value import Json

EXCERPT = 140
"""Characters of a question that the list shows."""
CODES = {"passed": "p", "failed": "f", "errored": "e", "refused": "r", "skipped": "s"}
"""Outcome → its letter in the index."""
ERROR = "error: "
"""Before the code of an error, among the checks that failed."""


class _Numbers(dict[str, int]):
    """Names, numbered as they come."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


class Listing:
    """The index in the making."""

    def __init__(self) -> None:
        self._cases: dict[str, int] = {}
        self._told: list[Json] = []
        self._targets = _Numbers()
        self._scenarios = _Numbers()
        self._checks = _Numbers()
        self._tags = _Numbers()
        self._rows: list[Json] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def cases(self) -> int:
        """How many cases there are."""
        return len(self._cases)

    def add(self, row: Row) -> None:
        """Add a row."""
        case, target, scenario = row.place
        self._rows.append(
            [
                self._case(case, row),
                -1 if target is None else self._targets[target],
                -1 if scenario is None else self._scenarios[scenario],
                _words(row),
                ["".join(CODES[t.outcome] for t in g.trials) if g else "" for g in row.groups],
                sorted(self._failed(row.groups)),
                [_mean(g, _output) for g in row.groups],
                [_mean(g, _latency) for g in row.groups],
                (1 if row.differs else 0) | (2 if _warned(row.groups) else 0),
            ]
        )

    def index(
        self, columns: Sequence[Column], comparison: Comparison | None, packer: Packer
    ) -> dict[str, Any]:
        """Return the whole index."""
        return {
            "packed": FORMAT if packer.deflate else "",
            "by": comparison.by if comparison else "run",
            "columns": sides(columns, comparison),
            "setups": [_setups(column) for column in columns],
            "targets": list(self._targets),
            "scenarios": list(self._scenarios),
            "checks": list(self._checks),
            "tags": list(self._tags),
            "cases": self._told,
            "rows": self._rows,
            "firsts": packer.firsts,
        }

    def _case(self, case: str, row: Row) -> int:
        number = self._cases.get(case)
        if number is None:
            number = self._cases[case] = len(self._cases)
            asked = next((each for each in reversed(row.asked) if each), None)
            messages = asked.messages if asked else ()
            question = next((m.text for m in reversed(messages) if m.role == "user"), "")
            tags = [self._tags[tag] for tag in asked.tags] if asked else []
            self._told.append([case, line(question, EXCERPT), tags])
        return number

    def _failed(self, groups: Iterable[Group | None]) -> set[int]:
        return {
            self._checks[name]
            for group in groups
            if group and group.outcome != "passed"
            for trial in group.trials
            for name in _shortfalls(trial)
        }


def sides(columns: Sequence[Column], comparison: Comparison | None) -> list[list[str]]:
    """Return letter, label and date of every column."""
    if comparison is None:
        (column,) = columns
        date = (column.header.recorded_to or "").partition("T")[0]
        return [["A", column.label, date]]
    return [[side.letter, side.label, side.date] for side in comparison.sides]


def _setups(column: Column) -> dict[str, tuple[Setup, ...]]:
    return {"targets": column.header.targets, "scenarios": column.header.scenarios}


def _words(row: Row) -> list[str]:
    """Return verdict or state a column from the second on; of a single one, how it ended."""
    if not row.changes:
        (group,) = row.groups
        return [group.outcome if group else ""]
    return [(change.word or change.state) if change else "" for change in row.changes]


def _shortfalls(trial: Trial) -> list[str]:
    if trial.code and trial.outcome in {"errored", "refused"}:
        return [ERROR + line(trial.code, 60)]
    if trial.outcome != "failed":
        return []
    return [line(s.check, 60) for s in trial.scores if not s.passed and s.severity == "fail"]


def _warned(groups: Iterable[Group | None]) -> bool:
    return any(warnings(trial) for group in groups if group for trial in group.trials)


def _output(trial: Trial) -> float | None:
    return trial.usage.output_tokens


def _latency(trial: Trial) -> float | None:
    return trial.latency_s


def _mean(group: Group | None, value: Any) -> float | None:
    known = [found for t in group.trials if (found := value(t)) is not None] if group else []
    return round(sum(known) / len(known), 3) if known else None
