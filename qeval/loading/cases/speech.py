"""What is said to the model: contents of messages, and the messages of a case in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from qeval.exchange import Message, Part, ToolCall
from qeval.loading.cases.data import read_table
from qeval.loading.cases.filling import Template, TemplateFault, Values
from qeval.loading.cases.media import KINDS, media_part
from qeval.loading.cases.pieces import Notes, Piece, told
from qeval.loading.cases.templates import literal
from qeval.loading.cases.wording import Shelf, question, text_of, together
from qeval.loading.nodes import Path as KeyPath
from qeval.suite import Case, Suite
from qeval.value import Json, Value


class Line(Value):
    """A message whose content is still to be filled."""

    role: str
    piece: Piece
    more: dict[str, Any] = {}
    """Its other fields."""

    def fill(self, values: Values) -> Message:
        """Return the message; raises RowFault."""
        return Message(
            role=self.role, content=told(self.piece, self.piece.fill, values), **self.more
        )


class Speech:
    """Reads what the cases of a suite say.

    Args:
        suite: Merged over its bases.
        shelf: Reads the files that are named.
        notes: Takes what is wrong.
    """

    def __init__(self, suite: Suite, shelf: Shelf, notes: Notes) -> None:
        self._suite = suite
        self._shelf = shelf
        self._notes = notes

    def lines(self, case: Case, path: KeyPath) -> tuple[Line, ...]:
        """Return what is said before the first answer: system, history, messages, partial.

        The message of the first of several `turns` is not among them.
        """
        asked = [*self._history(case, path), *self._asked(case, path)]
        system = None
        if not any(line is not None and line.role == "system" for line in asked):
            system = self._system(case, path)
        partial = self._partial(case, path)
        return tuple(line for line in (system, *asked, partial) if line is not None)

    def turns(self, case: Case, path: KeyPath) -> tuple[Line, ...]:
        """Return what the user says in a live conversation, turn by turn."""
        found = [
            self._line("user", turn["user"], (*path, "turns", i, "user"))
            for i, turn in enumerate(case.turns or ())
        ]
        return tuple(line for line in found if line is not None)

    def question(self, case: Case, path: KeyPath) -> str:
        """Return the unrendered question, from which an automatic id is made.

        Raises:
            TemplateFault: A file that it names cannot be read.
        """
        if case.messages is not None:
            number = len(case.messages) - 1
            place: KeyPath = (*path, "messages", number)
            written = case.messages[number].get("content", "")
        elif case.turns is not None:
            place, written = (*path, "turns", 0), case.turns[0]["user"]
        else:
            place, written = (*path, "user"), case.user or ""
        return question(written, self._notes.folder(place), self._shelf)

    def _asked(self, case: Case, path: KeyPath) -> Iterator[Line | None]:
        for i, message in enumerate(case.messages or ()):
            yield self._message(message, (*path, "messages", i))
        if case.user is not None:
            yield self._line("user", case.user, (*path, "user"))

    def _message(self, message: Mapping[str, Json], path: KeyPath) -> Line | None:
        line = self._line(message["role"], message.get("content", ""), path)
        if line is None:
            return None
        try:
            more = msgspec.convert(message, _More).fields()
        except msgspec.ValidationError as error:
            wanted = "tool_calls are a list of {id, function: {name, arguments}}, all of them text"
            self._notes.add(path, f"messages: {error}", wanted)
            return None
        return msgspec.structs.replace(line, more=more)

    def _system(self, case: Case, path: KeyPath) -> Line | None:
        own = case.system is not UNSET
        written = case.system if own else self._suite.system
        if written is None or written is UNSET:
            return None
        return self._line("system", written, (*path, "system") if own else ("system",), "system")

    def _partial(self, case: Case, path: KeyPath) -> Line | None:
        if case.partial is None:
            return None
        line = self._line("assistant", case.partial, (*path, "partial"), "partial")
        return None if line is None else msgspec.structs.replace(line, more={"partial": True})

    def _line(self, role: str, written: Json, path: KeyPath, label: str = "") -> Line | None:
        folder = self._notes.folder(path)
        name = label or str(next(key for key in path[2:] if isinstance(key, str)))
        piece = self._notes.piece(name, path, lambda: content_of(written, folder, self._shelf))
        return None if piece is None else Line(role=role, piece=piece)

    def _history(self, case: Case, path: KeyPath) -> list[Line]:
        """Return the messages of an earlier conversation, as its file has them."""
        if case.history is None:
            return []
        place = (*path, "history")
        written = case.history
        folder = self._notes.folder(place)
        messages = self._notes.read(
            "history", place, lambda: _earlier(written, folder, self._shelf)
        )
        found = []
        for message in messages or ():
            piece = self._notes.piece("history", place, _fixed(message.content or ""))
            if piece is not None:
                found.append(Line(role=message.role, piece=piece, more=message.fields()))
        return found


class _Function(msgspec.Struct):
    name: str
    arguments: str


class _Call(msgspec.Struct):
    function: _Function
    id: str = ""


class _More(msgspec.Struct):
    """What a message may carry beside role and content, as the chat dialect writes it."""

    tool_calls: tuple[_Call, ...] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None

    def fields(self) -> dict[str, Any]:
        """Return it in our words."""
        calls = tuple(
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in self.tool_calls or ()
        )
        return {
            "tool_calls": calls,
            "tool_call_id": self.tool_call_id,
            "reasoning": self.reasoning_content,
        }


class _Earlier(_More, kw_only=True):
    """A message of an earlier conversation; without content where it calls tools."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None


def _fixed(content: object) -> Callable[[], Template]:
    return lambda: literal(content)


def _earlier(written: str, folder: Path, shelf: Shelf) -> list[_Earlier]:
    wrong: list[tuple[str, str]] = []
    form = "write messages as {role, content}, in their order"
    table = read_table(
        shelf.find(written, folder),
        written,
        lambda line, message, _hint: wrong.append((f"{written}:{line or 1}: {message}", form)),
    )
    found = []
    for number, row in enumerate(table.rows):
        place = f"{written}:{table.line(number)}"
        if isinstance(row.get("content"), list | tuple):
            fact = "content is a list of parts, and a history holds text"
            hint = "write the text itself; `messages:` of the case takes parts"
            wrong.append((f"{place}: {fact}", hint))
            continue
        try:
            found.append(msgspec.convert(row, _Earlier))
        except msgspec.ValidationError as error:
            wrong.append((f"{place}: {error}", form))
    if wrong:
        raise TemplateFault(*wrong[0])
    return found


def content_of(written: Json, folder: Path, shelf: Shelf) -> Template:
    """Read a message's content: its filling is text or, of a list, a tuple of parts.

    Raises:
        TemplateFault: Something in it cannot be read.
    """

    def part(item: Json) -> Template:
        if isinstance(item, dict) and not item.keys().isdisjoint(KINDS):
            return media_part(item, folder, shelf)
        cache = isinstance(item, dict) and bool(item.get("cache"))
        text = text_of(item, folder, shelf)
        return Template(
            lambda values: Part(text=text.fill(values), cache=cache),
            text.names,
            seen=text.seen,
            constant=text.constant,
        )

    whole = isinstance(written, list | tuple)
    if not whole and not (isinstance(written, dict) and (written.keys() & {*KINDS, "cache"})):
        return text_of(written, folder, shelf)
    parts = [part(item) for item in (written if whole else [written])]

    def fill(values: Values) -> tuple[Part, ...]:
        return tuple(part.fill(values) for part in parts)

    return literal(fill({})) if all(part.constant for part in parts) else together(fill, parts)
