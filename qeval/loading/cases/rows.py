"""The rows of a case: gathered from files, chosen by `where` and `limit`, crossed with its grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from math import prod
from pathlib import Path

from qeval.loading.cases.data import Row, Table, read_table
from qeval.loading.cases.faults import Faults
from qeval.loading.cases.filling import Template, TemplateFault
from qeval.loading.cases.ids import digest, values_suffix
from qeval.loading.cases.templates import compiled
from qeval.loading.cases.wording import Shelf
from qeval.loading.mistakes import Mistakes, meant
from qeval.loading.nodes import Path as KeyPath
from qeval.loading.source import Source, shown
from qeval.loading.texts import TAKEN
from qeval.suite import Case
from qeval.value import Json

Entry = tuple[Row, int, Table, int]
"""A row, its number from 1 over all files, its table, and its index there."""


class Item:
    """One row, or one combination, or both."""

    __slots__ = ("_entry", "_inline", "combination", "number", "own", "row")

    def __init__(
        self,
        entry: Entry | None,
        inline: Sequence[str],
        combination: tuple[Json, ...],
        own: Row,
    ) -> None:
        self._entry = entry
        self._inline = inline
        self.combination = combination
        """Values of the grid."""
        self.own = own
        """What row and grid set, the row over the grid."""
        self.row = None if entry is None else entry[0]
        self.number = 0 if entry is None else entry[1]

    @property
    def in_file(self) -> bool:
        """Whether it comes from a data file."""
        return self._entry is not None and bool(self._entry[2].name)

    def place(self) -> str:
        """Return where the row is written, `file:line`; '' where there is no row."""
        if self._entry is None:
            return ""
        _, number, table, index = self._entry
        return f"{table.name}:{table.line(index)}" if table.name else self._inline[number - 1]


class Data:
    """The rows of one case; a case without `rows` has none, and one item all the same."""

    def __init__(self, entries: list[Entry] | None, inline: Sequence[str] = ()) -> None:
        self._entries = entries
        self._inline = inline
        self.has_rows = entries is not None
        self.columns: dict[str, None] = {}
        for entry in entries or ():
            if entry[0].keys() - self.columns.keys():
                self.columns |= dict.fromkeys(entry[0])

    @property
    def called(self) -> str:
        """` of data/q.jsonl`, for messages; '' for rows in the suite."""
        names = {entry[2].name for entry in self._entries or ()}
        return f" of {names.pop()}" if len(names) == 1 and "" not in names else ""

    def count(self, grid: Mapping[str, Sequence[Json]] | None) -> int:
        """Return how many items there are."""
        rows = len(self._entries) if self._entries is not None else 1
        return rows * prod(map(len, (grid or {}).values()))

    def items(self, grid: Mapping[str, Sequence[Json]] | None) -> Iterator[Item]:
        """Yield each row with each combination of the grid, first key slowest."""
        if not grid:
            for entry in self._entries if self._entries is not None else (None,):
                yield Item(entry, self._inline, (), {} if entry is None else entry[0])
            return
        combinations = list(product(*grid.values()))
        for entry in self._entries if self._entries is not None else (None,):
            row = {} if entry is None else entry[0]
            for values in combinations:
                own = {**dict(zip(grid, values, strict=True)), **row}
                yield Item(entry, self._inline, values, own)

    def suffixes(self, row: Row | None, combination: tuple[Json, ...]) -> list[str]:
        """Return what row and combination add to an id that is no template."""
        found = []
        if row is not None:
            in_files = not self._inline
            found.append(digest(row) if in_files else values_suffix(row.values()))
        if combination:
            found.append(values_suffix(combination))
        return found


class Gathering:
    """Reads the data of a suite's cases, each file once."""

    def __init__(self, source: Source, root: Path, shelf: Shelf, mistakes: Mistakes) -> None:
        self._source = source
        self._root = root
        self._shelf = shelf
        self._mistakes = mistakes
        self._tables: dict[Path, Table | None] = {}

    def of_case(self, number: int, case: Case, given: Mapping[str, Json]) -> Data | None:
        """Return the rows of a case, or None where a mistake was noted.

        Args:
            number: Of the case, from 0.
            case: As written.
            given: Vars of suite and case, which `where` sees too.
        """
        path: KeyPath = ("cases", number, "rows")
        rows = case.rows
        if rows is None:
            return Data(None)
        if isinstance(rows, Sequence) and not isinstance(rows, str):
            table = Table(name="", rows=list(rows), line=lambda index: index)
            places = [self._source.where((*path, i)) for i in range(len(rows))]
            return Data([(row, i + 1, table, i) for i, row in enumerate(rows)], places)
        settings = {"file": rows} if isinstance(rows, str) else rows
        entries = self._entries(settings["file"], path)
        if entries is None:
            return None
        chosen = self._chosen(entries, settings, given, path)
        if chosen is None:
            return None
        if not chosen:
            why = " after `where`" if "where" in settings else ""
            hint = "loosen it" if why else "put a row into the file, or leave `rows:` out"
            self._mistakes.add(self._source.where(path), f"rows: no row is left{why}", hint)
            return None
        return Data(chosen)

    def _entries(self, files: str | Sequence[str], path: KeyPath) -> list[Entry] | None:
        found: list[Entry] = []
        sound = True
        for written in [files] if isinstance(files, str) else files:
            try:
                paths = self._shelf.glob(written, self._source.folder(path))
            except TemplateFault as fault:
                self._mistakes.add(self._source.where(path), f"rows: {fault.message}", fault.hint)
                sound = False
                continue
            for file in paths:
                table = self._table(file, path)
                sound = sound and table is not None
                first = len(found) + 1
                rows = [] if table is None else table.rows
                found += [(row, first + i, table, i) for i, row in enumerate(rows) if table]
        return found if sound else None

    def _table(self, file: Path, path: KeyPath) -> Table | None:
        if file not in self._tables:
            faults = Faults(self._mistakes)
            name = shown(file, self._root)
            where = self._source.where(path)

            def say(line: int | None, message: str, hint: str | None) -> None:
                row = name if line is None else f"{name}:{line}"
                faults.add(where, row, TemplateFault(message, hint))

            table = read_table(file, name, say)
            self._tables[file] = None if len(faults) else table
            faults.tell()
        return self._tables[file]

    def _chosen(
        self,
        entries: list[Entry],
        settings: Mapping[str, Json],
        given: Mapping[str, Json],
        path: KeyPath,
    ) -> list[Entry] | None:
        limit = settings.get("limit")
        if "where" not in settings:
            return entries[:limit]
        where = self._source.where((*path, "where"))
        try:
            test = compiled("{{ " + settings["where"] + " }}", native=True)
        except TemplateFault as fault:
            self._mistakes.add(where, f"where: {fault.message}", fault.hint)
            return None
        known = {*given, *(key for entry in entries for key in entry[0]), "row", "row_number"}
        for name in sorted(test.names - known):
            hint = meant(name, known) or f"rows have {', '.join(sorted(known)[:12])}"
            self._mistakes.add(where, f"where: no variable {name!r}", hint)
        if test.names - known:
            return None
        faults = Faults(self._mistakes)
        kept = list(islice(_kept(entries, test, given, (where, faults)), limit))
        failed = len(faults)
        faults.tell()
        return None if failed else kept


def lacking(name: str) -> TemplateFault:
    """Return the fault of a row without a value that others have."""
    return TemplateFault(f"no {name!r}", f"give every row {name!r}, or `where: {name} is defined`")


def _kept(
    entries: list[Entry], test: Template, given: Mapping[str, Json], told: tuple[str, Faults]
) -> Iterator[Entry]:
    where, faults = told
    for entry in entries:
        row, number, table, index = entry
        seen = {key: value for key, value in row.items() if key not in TAKEN}
        try:
            keep = test.fill({**given, **seen, "row": row, "row_number": number})
        except TemplateFault as fault:
            wrong = TemplateFault(f"where: {fault.message}", fault.hint)
            if fault.missing is not None:
                wrong = lacking(fault.missing)
            faults.add(where, f"{table.name}:{table.line(index)}", wrong)
            continue
        if keep:
            yield entry
