"""One case as written → the cases that it stands for: rows, grid, ids, values (section 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qeval.loading.cases.faults import Faults
from qeval.loading.cases.filling import TemplateFault
from qeval.loading.cases.ids import joined, rendered
from qeval.loading.cases.pieces import Piece, RowFault
from qeval.loading.cases.recipes import Cook, Filled, Format, Recipe
from qeval.loading.cases.rows import Data, Gathering, Item, lacking
from qeval.loading.mistakes import Mistakes, meant
from qeval.loading.project import Project
from qeval.loading.source import Source
from qeval.loading.texts import TAKEN
from qeval.suite import Case, Suite
from qeval.value import Json, Value

MOST = 1_000_000
"""Cases that one case may stand for."""
Vars = dict[str, Json]


class Expanded(Value):
    """One case of the plan."""

    id: str
    where: str
    """`file:line` of the case in the suite."""
    tags: tuple[str, ...]
    format: Format
    """What `response_format` says, its schema read."""
    filled: dict[str, Filled]
    """By scenario; one and the same value where scenarios have no `vars`."""
    per_scenario: bool = False
    """Whether messages or checks depend on the scenario's `vars`."""


class Expander:
    """Expands the cases of a suite, one after the other, and sees that their ids are unique."""

    def __init__(self, suite: Suite, source: Source, project: Project, mistakes: Mistakes) -> None:
        self._suite = suite
        self._source = source
        self._mistakes = mistakes
        self._cook = Cook(suite, source, project.root, mistakes)
        self._rows = Gathering(source, project.root, self._cook.shelf, mistakes)
        self._ids: dict[str, str] = {}
        """Ids in lower case, and where in suite or data they come from."""
        self._told: set[tuple[str, str, str]] = set()

    def expand(self, number: int, scenarios: Mapping[str, Vars]) -> Iterator[Expanded]:
        """Yield the cases that the case of that number stands for, in order of rows and grid.

        Args:
            number: Of the authored case, from 0.
            scenarios: Those under which it is asked, with their `vars`.

        What is wrong is noted in the mistakes; what has a mistake is not yielded.
        """
        case = self._suite.cases[number]
        recipe = self._cook.recipe(number)
        data = self._rows.of_case(number, case, {**self._suite.vars, **case.vars})
        if recipe is None or data is None:
            return
        if (count := data.count(case.grid)) > MOST:
            message = f"the case stands for {count:,} cases; at most {MOST:,} may be"
            self._mistakes.add(
                recipe.where, message, "take values out of `grid:`, or set a `limit:`"
            )
            return
        batch = _Batch(case, recipe, data, scenarios, self._suite)
        if self._check_names(batch):
            return
        faults = Faults(self._mistakes)
        for item in data.items(case.grid):
            try:
                own_id = batch.own_id(item.own, item.row, item.number, item.combination)
                if self._unique(batch, own_id, item.place(), faults):
                    yield batch.expanded(self._cook, own_id, item.own, (item.row, item.number))
            except RowFault as fault:
                _tell(fault, item, faults)
        faults.tell()

    def _unique(self, batch: _Batch, own_id: str, row: str, faults: Faults) -> bool:
        here = row or batch.recipe.where
        key = own_id.lower()
        other = self._ids.get(key)
        if other is None:
            self._ids[key] = here
            return True
        places = [other] if other == here else [other, here]
        message = f"case id {own_id!r} is that of {' and of '.join(places)}"
        if len(places) == 1:
            message = f"case id {own_id!r} comes twice from {here}"
        hint = "give each an `id:`"
        if batch.data.has_rows or batch.case.grid:
            hint = "let `id:` be a template of what differs"
        faults.add(batch.recipe.where, "", TemplateFault(message, hint))
        return False

    def _check_names(self, batch: _Batch) -> bool:
        """Note every variable that nobody sets; once for each template."""
        before = len(self._mistakes)
        fixed = batch.known
        own = [*batch.recipe.tags, *([batch.recipe.id] if batch.recipe.id else [])]
        for piece in own:
            for name in sorted(piece.names - fixed):
                if any(name in values for values in batch.scenarios.values()):
                    message = f"{piece.label}: {name!r} differs by scenario, which this may not"
                    hint = f"set {name} in `vars` of the suite or of the case"
                    self._mistakes.add(piece.where, message, hint)
                else:
                    self._unknown(piece, name, batch)
        for piece in batch.recipe.pieces:
            for name in sorted(piece.names - fixed):
                lacking = [s for s, values in batch.scenarios.items() if name not in values]
                if len(lacking) == len(batch.scenarios):
                    self._unknown(piece, name, batch)
                elif lacking:
                    message = f"{piece.label}: no variable {name!r} under scenario {lacking[0]!r}"
                    hint = f"set {name} in `vars` of every scenario, or of the suite"
                    self._mistakes.add(piece.where, message, hint)
        return len(self._mistakes) > before or any(
            (p.where, p.label, n) in self._told
            for p in (*own, *batch.recipe.pieces)
            for n in p.names - fixed
        )

    def _unknown(self, piece: Piece, name: str, batch: _Batch) -> None:
        key = (piece.where, piece.label, name)
        if key in self._told:
            return
        self._told.add(key)
        message = f"{piece.label}: no variable {name!r}{batch.listing(piece)}"
        known = {*batch.known, *(n for values in batch.scenarios.values() for n in values)}
        hint = meant(name, known - {"context", "row", "row_number"})
        if name in batch.columns and name in TAKEN:
            hint = f'write row["{name}"]: the bare name is reserved'
        elif name == "context":
            hint = "give the case `context:`, a list of documents"
        elif name in {"row", "row_number"}:
            hint = "give the case `rows:`"
        hint = hint or f"set it in `vars: {{{name}: …}}`, or name a column of `rows:` so"
        self._mistakes.add(piece.where, message, hint)


class _Batch:
    """A case's recipe with the values that all of its rows share."""

    def __init__(
        self,
        case: Case,
        recipe: Recipe,
        data: Data,
        scenarios: Mapping[str, Vars],
        suite: Suite,
    ) -> None:
        self.case = case
        self.recipe = recipe
        self.data = data
        self.scenarios = scenarios
        self.columns = data.columns
        given = suite.vars.keys() | case.vars.keys() | set(case.grid or ())
        offered = {"row", "row_number"} if data.has_rows else set()
        offered |= {"context"} if recipe.context is not None else set()
        self.known = frozenset(given | (set(data.columns) - TAKEN) | offered)
        used = frozenset[str]().union(*(piece.seen for piece in recipe.pieces))
        self.extras = not _seen_in(recipe).isdisjoint(("row", "row_number"))
        self.hidden = not TAKEN.isdisjoint(data.columns)
        self.shared: Vars = {**suite.vars, **case.vars}
        self.by_scenario = {
            name: {**suite.vars, **values, **case.vars} for name, values in scenarios.items()
        }
        self.varied = any(scenarios.values())
        self.per_scenario = self.varied and not used.isdisjoint(
            frozenset[str]().union(*scenarios.values()) - case.vars.keys() - set(case.grid or ())
        )
        self.tags = (
            tuple(dict.fromkeys(piece.fill({}) for piece in recipe.tags))
            if all(piece.constant for piece in recipe.tags)
            else None
        )

    def listing(self, piece: Piece) -> str:
        """Return which variables there are, for a message."""
        if piece.inherited:
            return f" for the case on line {self.recipe.where.rpartition(':')[2]}"
        if not self.data.has_rows:
            return ""
        return f" (rows{self.data.called} have {', '.join(list(self.columns)[:12])})"

    def own_id(
        self, own: Vars, row: Vars | None, number: int, combination: tuple[Json, ...]
    ) -> str:
        """Return the id of one row."""
        recipe = self.recipe
        if recipe.id is None:
            return joined(recipe.base, self.data.suffixes(row, combination))
        values = self._seen({**self.shared, **own} if self.shared else own, row, number)
        try:
            text = recipe.id.fill(values)
        except TemplateFault as fault:
            raise RowFault(recipe.id, fault) from None
        made = rendered(text)
        if made is None:
            raise RowFault(
                recipe.id,
                TemplateFault(
                    f"{text!r} leaves nothing of which to make an id",
                    "use a column with letters or digits in every row, or row_number",
                ),
            )
        return made

    def expanded(
        self, cook: Cook, own_id: str, own: Vars, row: tuple[Vars | None, int]
    ) -> Expanded:
        """Fill everything for one row."""
        if self.varied:
            filled = {
                name: self._filled(cook, {**values, **own}, row)
                for name, values in self.by_scenario.items()
            }
        else:
            values = {**self.shared, **own} if self.shared else own
            filled = dict.fromkeys(self.scenarios, self._filled(cook, values, row))
        return Expanded(
            id=own_id,
            where=self.recipe.where,
            format=self.recipe.format,
            tags=self.tags if self.tags is not None else self._tags(own, row),
            filled=filled,
            per_scenario=self.per_scenario,
        )

    def _filled(self, cook: Cook, values: Vars, row: tuple[Vars | None, int]) -> Filled:
        return cook.fill(self.recipe, self._seen(values, *row), values)

    def _seen(self, values: Vars, row: Vars | None, number: int) -> Vars:
        """Return what templates see: all values, and the row as such where it is asked for."""
        if self.hidden:
            values = {key: value for key, value in values.items() if key not in TAKEN}
        return {**values, "row": row, "row_number": number} if self.extras else values

    def _tags(self, own: Vars, row: tuple[Vars | None, int]) -> tuple[str, ...]:
        values = self._seen({**self.shared, **own}, *row)
        found: dict[str, None] = {}
        for piece in self.recipe.tags:
            try:
                found.setdefault(piece.fill(values))
            except TemplateFault as fault:
                raise RowFault(piece, fault) from None
        return tuple(tag for tag in found if tag)


def _tell(fault: RowFault, item: Item, faults: Faults) -> None:
    """Note what is wrong with a row: at its line in the suite, or with its line in the data."""
    missing = fault.fault.missing
    if item.in_file and missing is not None:
        faults.add(fault.piece.where, item.place(), lacking(missing))
        return
    told = TemplateFault(f"{fault.piece.label}: {fault.fault.message}", fault.fault.hint)
    if item.in_file:
        faults.add(fault.piece.where, item.place(), told)
    else:
        faults.add(item.place() or fault.piece.where, "", told)


def _seen_in(recipe: Recipe) -> frozenset[str]:
    own = [*recipe.tags, *([] if recipe.id is None else [recipe.id])]
    return frozenset[str]().union(*(piece.seen for piece in (*own, *recipe.pieces)))
