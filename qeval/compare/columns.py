"""Columns: a run, or the part of it that asked one target or used one scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from qeval.compare.values import By, Side
from qeval.errors import UsageError
from qeval.record import Asked, Group, Header, Source
from qeval.value import Value

MOST = 8
"""Columns that a comparison holds."""


class Place(Value, order=True):
    """Where a group stands whichever column it is of; the side compared is None."""

    case: str
    target: str | None
    scenario: str | None


class Column:
    """One column: a run, or those of its groups that are of one target or scenario.

    Args:
        source: A stored run or a baseline.
        by: The side that is compared.
        name: The target or scenario that this column shows; of `run`, unused.
    """

    def __init__(self, source: Source, by: By = "run", name: str | None = None) -> None:
        self.source = source
        self.by = by
        self.name = name

    @property
    def header(self) -> Header:
        """The header of the run it is taken from."""
        return self.source.header

    @property
    def label(self) -> str:
        """What tells it from its neighbours."""
        return self.name if self.name is not None else self.header.id

    def groups(self) -> Iterator[Group]:
        """Yield its groups in plan order; can be called again."""
        if self.by == "run":
            return self.source.groups()
        return (group for group in self.source.groups() if getattr(group, self.by) == self.name)

    def place(self, group: Group) -> Place:
        """Return where a group stands in every column."""
        return Place(
            case=group.case,
            target=None if self.by == "target" else group.target,
            scenario=None if self.by == "scenario" else group.scenario,
        )

    def asked(self, group: Group) -> Asked | None:
        """Return what a group's case asks."""
        asked = self.source.asked
        return asked.get((group.case, None)) or asked.get((group.case, group.scenario))


def columns(sources: Sequence[Source], by: By) -> list[Column]:
    """Return the columns of a comparison: one a run, or one a target or scenario of each run.

    Raises:
        UsageError: There are fewer than two, or more than 8.
    """
    if by == "run":
        found = [Column(source) for source in sources]
    else:
        setups = "targets" if by == "target" else "scenarios"
        found = list(
            chain.from_iterable(
                (Column(source, by, setup.name) for setup in getattr(source.header, setups))
                for source in sources
            )
        )
    if not 2 <= len(found) <= MOST:
        raise UsageError(
            f"a comparison has 2 to {MOST} columns, and by {by} there are {len(found)}",
            hint="name other runs, another `--by`, or choose with `--target` and `--scenario`",
        )
    return found


def sides(held: Sequence[Column]) -> tuple[Side, ...]:
    """Return what stands at the head of each column."""
    several = len({id(column.source) for column in held}) > 1
    return tuple(
        Side(
            letter=chr(ord("A") + number),
            label=column.label
            if column.name is None or not several
            else f"{column.name} ({column.header.id})",
            run=column.header.id,
            date=(column.header.recorded_to or "").partition("T")[0],
        )
        for number, column in enumerate(held)
    )
