"""A case with all that it inherits, its templates read once: what is left is to fill them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from qeval.loading.cases.filling import Template, TemplateFault, Values
from qeval.loading.cases.ids import automatic
from qeval.loading.cases.pieces import Notes, Piece, RowFault, told
from qeval.loading.cases.speech import Line, Speech
from qeval.loading.cases.templates import Filler, compiled
from qeval.loading.cases.tools import ToolRecipe, tools_of
from qeval.loading.cases.wording import Doc, Shelf, documents_of
from qeval.loading.mistakes import Mistakes
from qeval.loading.nodes import Path as KeyPath
from qeval.loading.shapes import OWN, PYTHON
from qeval.loading.source import Source
from qeval.scorers.base import SCORERS, Prepared, prepare
from qeval.suite import Case, Check, Suite
from qeval.turns import MOST_REQUESTS, Script, Turn
from qeval.value import Json, Value, canonical_json

Format = str | dict[str, Json] | None
_VERBATIM = frozenset(("python", "not-python"))
_FILED = frozenset(("json_schema", "not-json_schema"))


class CheckRecipe(Value):
    """A check whose argument may be a template."""

    piece: Piece
    make: Callable[[Values], tuple[Prepared, bytes]]
    """Returns the check ready to judge, and its content for digests; raises TemplateFault."""


class TurnRecipe(Value):
    """What the user says in one turn, and what is expected of the answer."""

    line: Line
    checks: tuple[CheckRecipe, ...]


class Recipe(Value):
    """A case ready to be filled, row by row."""

    where: str
    id: Piece | None
    base: str
    """The literal or automatic id; '' where `id` is a template."""
    tags: tuple[Piece, ...]
    lines: tuple[Line, ...]
    """In the order in which they are sent."""
    context: Piece | None
    checks: tuple[CheckRecipe, ...]
    format: Format
    turns: tuple[TurnRecipe, ...] = ()
    tools: tuple[ToolRecipe, ...] = ()
    most_requests: int = MOST_REQUESTS

    @property
    def spoken(self) -> list[Piece]:
        """All that is said."""
        return [line.piece for line in (*self.lines, *(turn.line for turn in self.turns))]

    @property
    def pieces(self) -> list[Piece]:
        """All that may differ between scenarios."""
        found = self.spoken + [check.piece for check in self.checks]
        found += [check.piece for turn in self.turns for check in turn.checks]
        found += [tool.result for tool in self.tools if tool.result is not None]
        return found if self.context is None else [*found, self.context]


class Filled(Value):
    """A case of one row, under one scenario."""

    script: Script
    checks: tuple[Prepared, ...]
    context: tuple[Doc, ...]
    vars: dict[str, Json]
    digest: str
    """16 hex digits over what is asked and expected, without paths, targets and parameters."""


class Cook:
    """Makes recipes of a suite's cases, and fills them.

    Args:
        suite: Merged over its bases.
        source: Where its elements are written.
        root: The project's root.
        mistakes: Takes what is wrong.
    """

    def __init__(self, suite: Suite, source: Source, root: Path, mistakes: Mistakes) -> None:
        self._suite = suite
        self._source = source
        self._root = root
        self._mistakes = mistakes
        self.shelf = Shelf(root)
        self._notes = Notes(source, mistakes)
        self._speech = Speech(suite, self.shelf, self._notes)
        self._checks: dict[tuple[KeyPath, bytes], CheckRecipe] = {}

    def recipe(self, number: int) -> Recipe | None:
        """Return the recipe of the case of that number, or None where a mistake was noted."""
        before = len(self._mistakes)
        case = self._suite.cases[number]
        path: KeyPath = ("cases", number)
        where = self._source.where(path)
        form = self._format(case, path)
        base, own_id = self._id(case, path)
        made = Recipe(
            where=where,
            id=own_id,
            base=base,
            tags=self._tags(case, path),
            lines=self._speech.lines(case, path),
            context=self._context(case, path),
            checks=self._all_checks(case, path, form),
            format=form,
            turns=self._turns(case, path, form),
            tools=tools_of(self._suite, case, path, self._notes, self._root),
            most_requests=case.max_turns or self._suite.max_turns or MOST_REQUESTS,
        )
        if len(self._mistakes) > before:
            return None
        if made.context is not None and not any("context" in p.seen for p in made.spoken):
            place, message = made.context.where, "context is used by no message"
            hint = "write {% for document in context %} … in `system:`, or drop `context:`"
            if made.context.inherited:
                place, message = where, "the suite's context is used by no message of the case"
                hint = "drop it with `context: []`, or use it in a message"
            self._mistakes.add(place, message, hint)
            return None
        return made

    def fill(self, recipe: Recipe, values: dict[str, Json], own: dict[str, Json]) -> Filled:
        """Fill a recipe.

        Args:
            recipe: Of one case.
            values: What templates see.
            own: What scorers see as the trial's vars.

        Raises:
            RowFault: A template cannot be filled with these values.
        """
        context: tuple[Doc, ...] = ()
        if recipe.context is not None:
            context = told(recipe.context, recipe.context.fill, values)
            values = {**values, "context": list(context)}
        script = Script(
            messages=tuple([line.fill(values) for line in recipe.lines]),
            turns=tuple([_turn(turn, values) for turn in recipe.turns]),
            tools=tuple([tool.fill(values) for tool in recipe.tools]),
            most_requests=recipe.most_requests,
        )
        made = _prepared(recipe.checks, values)
        try:
            hashed = sha256(canonical_json((script.messages, recipe.format)))
            for part in _more_content(recipe, script, values):
                hashed.update(part)
        except UnicodeEncodeError:
            fault = TemplateFault("half of a surrogate pair, which no request can carry")
            raise RowFault(recipe.spoken[-1], fault) from None
        for _, content in made:
            hashed.update(content)
        return Filled(
            script=script,
            checks=tuple([check for check, _ in made]),
            context=context,
            vars=own,
            digest=hashed.hexdigest()[:16],
        )

    def _turns(self, case: Case, path: KeyPath, form: Format) -> tuple[TurnRecipe, ...]:
        found = []
        lines = self._speech.turns(case, path)
        for i, (line, turn) in enumerate(zip(lines, case.turns or (), strict=False)):
            checks = enumerate(turn.get("checks", ()))
            made = [self._check(c, (*path, "turns", i, "checks", j), form) for j, c in checks]
            found.append(TurnRecipe(line=line, checks=tuple(c for c in made if c is not None)))
        return tuple(found)

    def _format(self, case: Case, path: KeyPath) -> Format:
        own = case.response_format is not None
        written = case.response_format if own else self._suite.response_format
        if not isinstance(written, dict):
            return written
        place: KeyPath = (*path, "response_format") if own else ("response_format",)
        folder = self._source.folder(place)
        name, schema = "answer", written["schema"]
        if isinstance(schema, str):
            read = self._notes.read("response_format", place, lambda: self._schema(schema, folder))
            if read is None:
                return None
            schema = read
        named = {"schema": schema, "name": name, "strict": True}
        return named | {key: written[key] for key in ("name", "strict") if key in written}

    def _schema(self, written: str, folder: Path) -> Json:
        text = self.shelf.text(self.shelf.find(written, folder))
        try:
            return msgspec.json.decode(text)
        except msgspec.MsgspecError as error:
            raise TemplateFault(f"{written!r} is not JSON: {error}") from None

    def _context(self, case: Case, path: KeyPath) -> Piece | None:
        own = case.context is not None
        written = case.context if own else self._suite.context
        if not written:
            return None
        place: KeyPath = (*path, "context") if own else ("context",)
        folder = self._source.folder(place)
        return self._notes.piece(
            "context", place, lambda: documents_of(written, folder, self.shelf)
        )

    def _tags(self, case: Case, path: KeyPath) -> tuple[Piece, ...]:
        written: list[tuple[KeyPath, str]] = [
            *((("tags", i), tag) for i, tag in enumerate(self._suite.tags)),
            *(((*path, "tags", i), tag) for i, tag in enumerate(case.tags)),
        ]
        found = [self._notes.piece("tags", place, _reader(tag)) for place, tag in written]
        return tuple(piece for piece in found if piece is not None)

    def _id(self, case: Case, path: KeyPath) -> tuple[str, Piece | None]:
        if case.id is None:
            return self._automatic(case, path), None
        made = self._notes.piece("id", (*path, "id"), _reader(case.id))
        if made is None or made.constant:
            return case.id, None
        return "", made

    def _automatic(self, case: Case, path: KeyPath) -> str:
        try:
            return automatic(self._speech.question(case, path))
        except TemplateFault:
            return ""  # noted where the text itself is read

    def _all_checks(self, case: Case, path: KeyPath, form: Format) -> tuple[CheckRecipe, ...]:
        dropped = set(case.without)
        found = [
            self._check(check, ("checks", i), form)
            for i, check in enumerate(self._suite.checks)
            if check.known_as.isdisjoint(dropped)
        ]
        own = enumerate(case.checks)
        found += [self._check(check, (*path, "checks", i), form) for i, check in own]
        return tuple(check for check in found if check is not None)

    def _check(self, check: Check, path: KeyPath, form: Format) -> CheckRecipe | None:
        """Return a check's recipe; inherited checks are made once for the same schema."""
        if path[0] == "cases":
            return self._made_check(check, path, form)
        key = (path, canonical_json(form))
        if key not in self._checks:
            made = self._made_check(check, path, form)
            if made is None:
                return None
            self._checks[key] = made
        return self._checks[key]

    def _made_check(self, check: Check, path: KeyPath, form: Format) -> CheckRecipe | None:
        label = next(iter(check.entries))
        if (later := _unjudged(check.entries)) is not None:
            message = f"check {later!r}: not in this version"
            self._mistakes.add(self._source.where(path), message, OWN)
            return None
        piece = self._notes.piece(
            label, path, lambda: Filler(check.entries, verbatim=_VERBATIM, schemas=_FILED)
        )
        if piece is None:
            return None
        folder = self._source.folder(path)
        schema = form["schema"] if isinstance(form, dict) else None
        simple = _simple(check.entries)

        def make(values: Values) -> tuple[Prepared, bytes]:
            entries = piece.fill(values)
            try:
                made = prepare(entries, folder=folder, root=self._root, schema=schema)
            except ValueError as error:
                message = str(error).removeprefix(f"{label}: ").removeprefix(f"{label} ")
                hint = PYTHON if label.endswith("python") else None
                raise TemplateFault(message, hint) from None
            content = entries if simple else self._content_of_check(entries, folder)
            return made, canonical_json(content)

        if piece.constant:
            once = self._notes.read(label, path, lambda: make({}))
            if once is None:
                return None
            return CheckRecipe(piece=piece, make=lambda _values: once)
        return CheckRecipe(piece=piece, make=make)

    def _content_of_check(self, value: Json, folder: Path) -> Json:
        """Return a check with its schema instead of its path, and names instead of functions."""
        if isinstance(value, dict):
            return {
                key: self._schema(item, folder)
                if key in _FILED and isinstance(item, str)
                else self._content_of_check(item, folder)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._content_of_check(item, folder) for item in value]
        return value.__qualname__ if callable(value) else value


def _turn(turn: TurnRecipe, values: Values) -> Turn:
    checks = tuple([check for check, _ in _prepared(turn.checks, values)])
    return Turn(message=turn.line.fill(values), checks=checks)


def _prepared(checks: Iterable[CheckRecipe], values: Values) -> list[tuple[Prepared, bytes]]:
    return [told(check.piece, check.make, values) for check in checks]


def _more_content(recipe: Recipe, script: Script, values: Values) -> Iterator[bytes]:
    """Yield what a digest covers beside messages, format and the case's own checks."""
    for turn, written in zip(script.turns, recipe.turns, strict=True):
        yield canonical_json(turn.message)
        yield from (content for _, content in _prepared(written.checks, values))
    for tool in recipe.tools:
        yield canonical_json((tool.definition, tool.content))
    if recipe.tools and recipe.most_requests != MOST_REQUESTS:
        yield str(recipe.most_requests).encode()


def _unjudged(entries: Mapping[str, Json]) -> str | None:
    """Return the check, this one or one in its group, that no scorer of this version judges."""
    written = next(iter(entries))
    scorer = SCORERS.find(written.removeprefix("not-"))
    if scorer is None:
        return written
    if not getattr(scorer, "group", False):
        return None
    inner = (_unjudged(check) for check in entries[written] if isinstance(check, Mapping))
    return next((name for name in inner if name is not None), None)


def _reader(text: str) -> Callable[[], Template]:
    return lambda: compiled(text)


def _simple(value: Json) -> bool:
    """Whether a check's content is what is written: no path of a schema, no function."""
    if isinstance(value, dict):
        return not any(key in _FILED for key in value) and _all_simple(value.values())
    if isinstance(value, list | tuple):
        return _all_simple(value)
    return not callable(value)


def _all_simple(values: Iterable[Json]) -> bool:
    return all(_simple(value) for value in values)
