"""Curves over a parameter that scenarios sweep: pass rate, diversity, agreement.

A scenario named `base:param=value` is one point; the base itself is another, with the value that
its own parameters have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from qeval.compare.columns import Column
from qeval.record import Group, Header

_POINT = re.compile(r"(?P<base>.+):(?P<param>[a-z_]+)=(?P<value>[^,=]+)")
_MOST_WORK = 20_000_000
"""Characters times pairs that similarity may cost a page; about half a second."""
_MOST_LINES = 4
"""Targets that have a curve each, of a run alone; else those of a column are put together."""
KINDS = ("pass rate", "diversity", "agreement")


class Point(NamedTuple):
    """What answers were like at one value."""

    value: str
    rate: float | None
    band: tuple[float, float] | None
    """Wilson's interval of the rate."""
    diversity: float | None
    """1 − mean similarity of two answers to one question, in [0, 1], mean over groups."""
    agreement: float | None
    """Share of pairs of answers that are equal, in [0, 1], mean over groups."""


class Line(NamedTuple):
    """One curve: a column; of a run alone, a target where there are several."""

    column: int
    label: str
    """The target; '' where the letter of the column says all."""
    colour: int
    points: tuple[Point, ...]


class Sweep(NamedTuple):
    """All curves over one parameter of one base."""

    base: str
    param: str
    values: tuple[str, ...]
    """Every value, in order: by size where they are numbers."""
    lines: tuple[Line, ...]


class _Sums:
    """One point of one curve in the making."""

    def __init__(self) -> None:
        self.passed = self.judged = 0
        self.agreements: list[float] = []
        self.similarities: list[float] = []

    def join(self, other: _Sums) -> None:
        self.passed += other.passed
        self.judged += other.judged
        self.agreements += other.agreements
        self.similarities += other.similarities

    def point(self, value: str) -> Point:
        from qeval.stats.intervals import wilson

        likeness = _mean(self.similarities)
        return Point(
            value=value,
            rate=self.passed / self.judged if self.judged else None,
            band=wilson(self.passed, self.judged),
            diversity=None if likeness is None else 1 - likeness,
            agreement=_mean(self.agreements),
        )


class Sweeps:
    """The points of every sweep of a comparison, in the making.

    Args:
        columns: What is compared. Where scenarios are the columns, points come from them all.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._places = [_places(column.header) for column in columns]
        self._runs = [_run(columns, column) for column in columns]
        self._sums: dict[tuple[str, str], dict[tuple[int, str, str], _Sums]] = {}
        self._work = _MOST_WORK

    def add(self, column: int, group: Group) -> None:
        """Count a group of a column, where its scenario is a point of a sweep."""
        for base, param, value in self._places[column].get(group.scenario, ()):
            lines = self._sums.setdefault((base, param), {})
            key = (self._runs[column], group.target, value)
            sums = lines.get(key)
            if sums is None:
                sums = lines[key] = _Sums()
            self._count(sums, group)

    def _count(self, sums: _Sums, group: Group) -> None:
        from qeval.stats.diversity import agreement, pairwise_similarity

        judged = [trial for trial in group.trials if trial.outcome in {"passed", "failed"}]
        sums.judged += len(judged)
        sums.passed += sum(trial.outcome == "passed" for trial in judged)
        texts = [trial.answer or trial.text for trial in judged]
        if (alike := agreement(texts)) is not None:
            sums.agreements.append(alike)
        if len(texts) < 2 or any(trial.answer for trial in judged):
            return
        self._work -= len(set(texts)) * sum(map(len, set(texts)))
        if self._work >= 0 and (likeness := pairwise_similarity(texts)) is not None:
            sums.similarities.append(likeness)

    def found(self) -> list[Sweep]:
        """Return the sweeps that have two values or more."""
        made = [_sweep(*key, sums) for key, sums in self._sums.items()]
        return [sweep for sweep in made if len(sweep.values) > 1]


def _run(columns: Sequence[Column], column: Column) -> int:
    """Return the first column of the same run where scenarios are the columns, else its own."""
    if column.by != "scenario":
        return columns.index(column)
    return next(n for n, other in enumerate(columns) if other.header is column.header)


def _places(header: Header) -> dict[str, list[tuple[str, str, str]]]:
    """Return, of each scenario in a sweep, base, parameter and value."""
    places: dict[str, list[tuple[str, str, str]]] = {}
    setups = {setup.name: setup for setup in header.scenarios}
    for name in setups:
        if match := _POINT.fullmatch(name):
            base, param, value = match["base"], match["param"], match["value"]
            places.setdefault(name, []).append((base, param, value))
            own = setups.get(base)
            at = None if own is None else _own(msgspec.to_builtins(own.params).get(param))
            if at is not None and (base, param, at) not in places.get(base, ()):
                places.setdefault(base, []).append((base, param, at))
    return places


def _own(value: object) -> str | None:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return f"{value:g}"
    return value if isinstance(value, str) else None


def _sweep(base: str, param: str, sums: dict[tuple[int, str, str], _Sums]) -> Sweep:
    values = ordered({value for _, _, value in sums})
    targets = sorted(
        dict.fromkeys((column, target) for column, target, _ in sums), key=lambda each: each[0]
    )
    several = len({target for _, target in targets}) > 1
    alone = len({column for column, _ in targets}) == 1
    if several and (not alone or len(targets) > _MOST_LINES):
        return _sweep(base, param, _pooled(sums))
    lines = tuple(
        Line(
            column=column,
            label=target if several else "",
            colour=number if several else column,
            points=tuple(
                sums[column, target, value].point(value)
                for value in values
                if (column, target, value) in sums
            ),
        )
        for number, (column, target) in enumerate(targets)
    )
    return Sweep(base, param, tuple(values), lines)


def _pooled(sums: dict[tuple[int, str, str], _Sums]) -> dict[tuple[int, str, str], _Sums]:
    """Put the targets of a column together."""
    pooled: dict[tuple[int, str, str], _Sums] = {}
    for (column, _, value), part in sums.items():
        pooled.setdefault((column, "", value), _Sums()).join(part)
    return pooled


def ordered(values: set[str]) -> list[str]:
    """Return values by size where all are numbers, else by the alphabet."""
    try:
        return sorted(values, key=float)
    except ValueError:
        return sorted(values)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
