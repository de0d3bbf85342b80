"""Pass rates over two parameters at once: a table of each grid that scenarios make.

A scenario named `base:down=value,across=value` is one square. Grids of more than two parameters
have no table: their scenarios stand in the list of verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from qeval import units
from qeval.report.sweeps import ordered

if TYPE_CHECKING:
    from qeval.report.gathering import Gathered

_SQUARE = re.compile(
    r"(?P<base>.+):(?P<down>[a-z_]+)=(?P<row>[^,=]+),(?P<across>[a-z_]+)=(?P<column>[^,=]+)"
)
_SHADES = 4
"""Above the lowest, which has none."""


class Square(NamedTuple):
    """All trials under one pair of values."""

    rate: str
    of: str
    """Passed of judged."""
    shade: int
    """0, the lowest rate of the grid, to 4, its highest."""


class Table(NamedTuple):
    """The squares of one column, row by row; None where nothing was judged."""

    column: int
    rows: tuple[tuple[Square | None, ...], ...]


class Grid(NamedTuple):
    """Two parameters of one base."""

    base: str
    down: str
    across: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    lowest: str
    highest: str
    tables: tuple[Table, ...]


class _Place(NamedTuple):
    column: int
    row: str
    across: str


def grids(page: Gathered) -> list[Grid]:
    """Return the grids of a page that have two values or more each way.

    The targets of a column are put together, and columns that are scenarios of one run.
    """
    found: dict[tuple[str, str, str], dict[_Place, tuple[int, int]]] = {}
    for number, summary in enumerate(page.summaries):
        column = _first(page, number)
        for (_, scenario), cell in summary.cells.items():
            if match := _SQUARE.fullmatch(scenario):
                squares = found.setdefault((match["base"], match["down"], match["across"]), {})
                place = _Place(column, match["row"], match["column"])
                passed, judged = squares.get(place, (0, 0))
                squares[place] = passed + cell.passed, judged + cell.judged
    made = (_grid(*key, squares) for key, squares in found.items())
    return [grid for grid in made if grid and len(grid.rows) > 1 and len(grid.columns) > 1]


def _first(page: Gathered, number: int) -> int:
    """Return the first column of the same run where scenarios are the columns, else its own."""
    if page.by != "scenario":
        return number
    header = page.columns[number].header
    return next(n for n, other in enumerate(page.columns) if other.header is header)


def _grid(base: str, down: str, across: str, squares: dict[_Place, tuple[int, int]]) -> Grid | None:
    rates = {place: passed / of for place, (passed, of) in squares.items() if of}
    if not rates:
        return None
    low, high = min(rates.values()), max(rates.values())
    rows = ordered({place.row for place in rates})
    columns = ordered({place.across for place in rates})

    def square(place: _Place) -> Square | None:
        if place not in rates:
            return None
        passed, judged = squares[place]
        share = (rates[place] - low) / (high - low) if high > low else 0.0
        return Square(
            rate=units.percent(rates[place]),
            of=f"{units.count(passed)} of {units.count(judged)}",
            shade=round(share * _SHADES),
        )

    def table(column: int) -> Table:
        return Table(column, tuple(_row(column, row) for row in rows))

    def _row(column: int, row: str) -> tuple[Square | None, ...]:
        return tuple(square(_Place(column, row, value)) for value in columns)

    return Grid(
        base=base,
        down=down,
        across=across,
        rows=tuple(rows),
        columns=tuple(columns),
        lowest=units.percent(low),
        highest=units.percent(high),
        tables=tuple(table(column) for column in _drawn(list(rates))),
    )


def _drawn(places: Sequence[_Place]) -> list[int]:
    return sorted({place.column for place in places})
