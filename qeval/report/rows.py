"""Columns side by side: each group as every column has it, in the suite's order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from qeval.compare.columns import Column
from qeval.compare.values import Change, Comparison
from qeval.record import Asked, Group, Trial
from qeval.value import clean

Key = tuple[str, str | None, str | None]
"""Case, target and scenario; the side that is compared is None."""


class Row(NamedTuple):
    """One group in every column."""

    place: Key
    groups: tuple[Group | None, ...]
    """A column's own; None where it did not ask."""
    asked: tuple[Asked | None, ...]
    changes: tuple[Change | None, ...] = ()
    """Of the columns from the second on: what became of it against the first."""

    @property
    def differs(self) -> bool:
        """Whether the columns answered differently, or were judged differently."""
        first, *others = (_answers(group) for group in self.groups)
        return any(other != first for other in others)


def rows(columns: Sequence[Column], comparison: Comparison | None) -> Iterator[Row]:
    """Yield every row in the suite's order.

    Columns are read in step, so where they have one order, as two runs of a suite do, little is
    held at a time; where they have not, what comes early waits.
    """
    if comparison is None:
        for group in columns[0].groups():
            own = (group.case, group.target, group.scenario)
            yield Row(own, (group,), (columns[0].asked(group),))
        return
    found: list[dict[Key, Change]] = [
        {(each.case, each.target, each.scenario): each for each in against.changes}
        for against in comparison.against
    ]
    readers = [_Reader(column) for column in columns]
    for place in _order([list(changes) for changes in found]):
        groups = tuple(
            reader.take(place) if _has(place, number, found) else None
            for number, reader in enumerate(readers)
        )
        asked = tuple(
            None if group is None else column.asked(group)
            for column, group in zip(columns, groups, strict=True)
        )
        yield Row(place, groups, asked, tuple(changes.get(place) for changes in found))


class _Reader:
    """Gives a column's groups by their place; keeps those that were not asked for yet."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._left = column.groups()
        self._early: dict[Key, Group] = {}

    def take(self, place: Key) -> Group | None:
        if place in self._early:
            return self._early.pop(place)
        for group in self._left:
            there = self._column.place(group)
            key = (there.case, there.target, there.scenario)
            if key == place:
                return group
            self._early[key] = group
        return None


def _has(place: Key, column: int, found: Sequence[dict[Key, Change]]) -> bool:
    """Tell from the changes whether a column has a place, so that no reader runs ahead."""
    if column:
        change = found[column - 1].get(place)
        return change is not None and change.state != "gone"
    return any(place in changes and changes[place].state != "new" for changes in found)


def _order(lists: Sequence[list[Key]]) -> list[Key]:
    """Merge lists in one order: that of the first, what is new after what it came after."""
    order, *others = lists
    for other in others:
        known = set(order)
        if known.issuperset(other):
            continue
        after: dict[Key | None, list[Key]] = {}
        last: Key | None = None
        for place in other:
            if place in known:
                last = place
            else:
                after.setdefault(last, []).append(place)
        order = after.get(None, []) + [
            each for place in order for each in (place, *after.get(place, ()))
        ]
    return order


def _answers(group: Group | None) -> object:
    return None if group is None else [(trial.outcome, _digest(trial)) for trial in group.trials]


def _digest(trial: Trial) -> str:
    """Return what stands for an answer, the same whether its text was kept or its digest."""
    if trial.answer is not None:
        return trial.answer
    return sha256(clean(trial.text).encode()).hexdigest()[:16]
