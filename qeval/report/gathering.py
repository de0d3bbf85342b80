"""One walk over all columns: everything that the page says is gathered on the way."""

from __future__ import annotations

from collections.abc import Sequence

from qeval.compare.columns import Column
from qeval.compare.values import By, Comparison
from qeval.report.listing import Listing, sides
from qeval.report.packing import Packer
from qeval.report.printed import Printed
from qeval.report.rows import rows
from qeval.report.spending import Spending
from qeval.report.summary import Summary, Tally
from qeval.report.sweeps import Sweeps


class Gathered:
    """What a page is made of.

    Args:
        columns: What it shows, 1 to 8.
        comparison: Of the columns; None of one alone.
        deflate: Whether its data are packed.
    """

    def __init__(
        self, columns: Sequence[Column], comparison: Comparison | None, *, deflate: bool
    ) -> None:
        self.columns = columns
        self.comparison = comparison
        self.by: By = comparison.by if comparison else "run"
        self.sides = sides(columns, comparison)
        """Letter, label and date of every column."""
        self.listing = Listing()
        self.packer = Packer(deflate=deflate)
        self.printed = Printed(columns, [letter for letter, _, _ in self.sides])
        self.spending = [Spending(column.header) for column in columns]
        self.sweeps = Sweeps(columns)
        tallies = [Tally(column.header) for column in columns]
        for row in rows(columns, comparison):
            self.listing.add(row)
            self.packer.add(row)
            self.printed.add(row)
            for number, group in enumerate(row.groups):
                if group is not None:
                    tallies[number].add(group)
                    self.spending[number].add(group)
                    self.sweeps.add(number, group)
        self.summaries: list[Summary] = [tally.summary() for tally in tallies]
