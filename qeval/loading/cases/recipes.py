"""A case with all that it inherits, its templates read once: what is left is to fill them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import UNSET

from qeval.exchange import Message
from qeval.loading.cases.filling import Template, TemplateFault, Values
from qeval.loading.cases.ids import automatic
from qeval.loading.cases.templates import Filler, compiled
from qeval.loading.cases.wording import (
    NOT_YET,
    Doc,
    Shelf,
    content_of,
    documents_of,
    question,
)
from qeval.loading.mistakes import Mistakes
from qeval.loading.nodes import Path as KeyPath
from qeval.loading.source import Source
from qeval.scorers.base import SCORERS, Prepared, prepare
from qeval.suite import Case, Check, Suite
from qeval.value import Json, Value, canonical_json

T = TypeVar("T")

Format = str | dict[str, Json] | None
_VERBATIM = frozenset(("python", "not-python"))
_FILED = frozenset(("json_schema", "not-json_schema"))
_LATER = ("turns", "history", "partial", "results")
"""Keys of a case that a later version will send."""


class Piece(Value):
    """Something with templates in it, and where it stands."""

    label: str
    """What messages call it: `user`, `checks`, …"""
    where: str
    names: frozenset[str]
    """Variables that must be there."""
    seen: frozenset[str]
    """All variables in it."""
    fill: Callable[[Values], Json]
    constant: bool = False
    inherited: bool = False


class CheckRecipe(Value):
    """A check whose argument may be a template."""

    piece: Piece
    make: Callable[[Values], tuple[Prepared, bytes]]
    """Returns the check ready to judge, and its content for digests; raises TemplateFault."""


class Recipe(Value):
    """A case ready to be filled, row by row."""

    where: str
    id: Piece | None
    base: str
    """The literal or automatic id; '' where `id` is a template."""
    tags: tuple[Piece, ...]
    messages: tuple[tuple[str, Piece], ...]
    """Role and content, in the order in which they are sent."""
    context: Piece | None
    checks: tuple[CheckRecipe, ...]
    format: Format

    @property
    def pieces(self) -> list[Piece]:
        """All that may differ between scenarios."""
        found = [piece for _, piece in self.messages] + [check.piece for check in self.checks]
        return found if self.context is None else [*found, self.context]


class Filled(Value):
    """A case of one row, under one scenario."""

    messages: tuple[Message, ...]
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
        self._checks: dict[tuple[KeyPath, bytes], CheckRecipe] = {}

    def recipe(self, number: int) -> Recipe | None:
        """Return the recipe of the case of that number, or None where a mistake was noted."""
        before = len(self._mistakes)
        case = self._suite.cases[number]
        path: KeyPath = ("cases", number)
        where = self._source.where(path)
        self._refuse(case, path)
        form = self._format(case, path)
        messages = self._messages(case, path)
        base, own_id = self._id(case, path)
        made = Recipe(
            where=where,
            id=own_id,
            base=base,
            tags=self._tags(case, path),
            messages=messages,
            context=self._context(case, path),
            checks=self._all_checks(case, path, form),
            format=form,
        )
        if len(self._mistakes) > before:
            return None
        if made.context is not None and not any("context" in p.seen for _, p in messages):
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
            context = _told(recipe.context, recipe.context.fill, values)
            values = {**values, "context": list(context)}
        messages = tuple(
            [
                Message(role=role, content=_told(piece, piece.fill, values))
                for role, piece in recipe.messages
            ]
        )
        made = [_told(check.piece, check.make, values) for check in recipe.checks]
        try:
            hashed = sha256(canonical_json((messages, recipe.format)))
        except UnicodeEncodeError:
            fault = TemplateFault("half of a surrogate pair, which no request can carry")
            raise RowFault(recipe.messages[-1][1], fault) from None
        for _, content in made:
            hashed.update(content)
        return Filled(
            messages=messages,
            checks=tuple([check for check, _ in made]),
            context=context,
            vars=own,
            digest=hashed.hexdigest()[:16],
        )

    def _read(self, label: str, path: KeyPath, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except TemplateFault as fault:
            message = f"{label}: {fault.message}"
            self._mistakes.add(self._source.where(path), message, fault.hint)
        return None

    def _piece(
        self, label: str, path: KeyPath, make: Callable[[], Template | Filler]
    ) -> Piece | None:
        made = self._read(label, path, make)
        if made is None:
            return None
        return Piece(
            label=label,
            where=self._source.where(path),
            names=made.names,
            seen=made.seen,
            fill=made.fill,
            constant=made.constant,
            inherited=path[0] != "cases",
        )

    def _refuse(self, case: Case, path: KeyPath) -> None:
        """Note what this version can read but not send."""
        found = [key for key in _LATER if getattr(case, key)]
        tools = self._suite.tools if case.tools is None else case.tools
        if tools:
            found.append("tools")
        if case.max_turns is not None:
            found.append("max_turns")
        for key in found:
            self._mistakes.add(self._source.where(path), f"{key}: {NOT_YET}")

    def _format(self, case: Case, path: KeyPath) -> Format:
        own = case.response_format is not None
        written = case.response_format if own else self._suite.response_format
        if not isinstance(written, dict):
            return written
        place: KeyPath = (*path, "response_format") if own else ("response_format",)
        folder = self._source.folder(place)
        name, schema = "answer", written["schema"]
        if isinstance(schema, str):
            read = self._read("response_format", place, lambda: self._schema(schema, folder))
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

    def _messages(self, case: Case, path: KeyPath) -> tuple[tuple[str, Piece], ...]:
        found: list[tuple[str, Piece | None]] = []
        if case.messages is not None:
            found += [
                (message["role"], self._message(message, (*path, "messages", i)))
                for i, message in enumerate(case.messages)
            ]
        elif case.user is not None:
            found.append(("user", self._content("user", case.user, (*path, "user"))))
        if not any(role == "system" for role, _ in found):
            system = self._system(case, path)
            found[:0] = [] if system is None else [("system", system)]
        return tuple((role, piece) for role, piece in found if piece is not None)

    def _message(self, message: Mapping[str, Json], path: KeyPath) -> Piece | None:
        if message["role"] == "tool":
            self._mistakes.add(self._source.where(path), f"messages of role 'tool': {NOT_YET}")
            return None
        for key in message.keys() - {"role", "content"}:
            self._mistakes.add(self._source.where(path), f"{key} in messages: {NOT_YET}")
        return self._content("messages", message.get("content", ""), path)

    def _system(self, case: Case, path: KeyPath) -> Piece | None:
        own = case.system is not UNSET
        written = case.system if own else self._suite.system
        if written is None or written is UNSET:
            return None
        return self._content("system", written, (*path, "system") if own else ("system",))

    def _content(self, label: str, written: Json, path: KeyPath) -> Piece | None:
        folder = self._source.folder(path)
        return self._piece(label, path, lambda: content_of(written, folder, self.shelf))

    def _context(self, case: Case, path: KeyPath) -> Piece | None:
        own = case.context is not None
        written = case.context if own else self._suite.context
        if not written:
            return None
        place: KeyPath = (*path, "context") if own else ("context",)
        folder = self._source.folder(place)
        return self._piece("context", place, lambda: documents_of(written, folder, self.shelf))

    def _tags(self, case: Case, path: KeyPath) -> tuple[Piece, ...]:
        written: list[tuple[KeyPath, str]] = [
            *((("tags", i), tag) for i, tag in enumerate(self._suite.tags)),
            *(((*path, "tags", i), tag) for i, tag in enumerate(case.tags)),
        ]
        found = [self._piece("tags", place, _reader(tag)) for place, tag in written]
        return tuple(piece for piece in found if piece is not None)

    def _id(self, case: Case, path: KeyPath) -> tuple[str, Piece | None]:
        if case.id is None:
            return self._automatic(case, path), None
        made = self._piece("id", (*path, "id"), _reader(case.id))
        if made is None or made.constant:
            return case.id, None
        return "", made

    def _automatic(self, case: Case, path: KeyPath) -> str:
        if case.messages is not None:
            asked = [message.get("content", "") for message in case.messages]
            place: KeyPath = (*path, "messages", len(asked) - 1)
            written = asked[-1]
        else:
            place, written = (*path, "user"), case.user or ""
        folder = self._source.folder(place)
        try:
            return automatic(question(written, folder, self.shelf))
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
            self._mistakes.add(self._source.where(path), f"check {later!r}: {NOT_YET}")
            return None
        piece = self._piece(
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
                raise TemplateFault(message) from None
            content = entries if simple else self._content_of_check(entries, folder)
            return made, canonical_json(content)

        if piece.constant:
            once = self._read(label, path, lambda: make({}))
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


class RowFault(Exception):  # noqa: N818  # carries a fault to where the row is known
    """A piece that cannot be filled with a row's values."""

    def __init__(self, piece: Piece, fault: TemplateFault) -> None:
        super().__init__(fault.message)
        self.piece = piece
        self.fault = fault


def _told(piece: Piece, make: Callable[[Values], T], values: Values) -> T:
    try:
        return make(values)
    except TemplateFault as fault:
        raise RowFault(piece, fault) from None


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
