"""Putting together what a stream brings in pieces: texts, tool calls, choices."""

from __future__ import annotations

from io import StringIO

from qeval.dialects.reading import (
    CHOICE,
    arguments_of,
    content_of,
    finish_of,
    levels,
    rest,
    unnamed_message,
)
from qeval.exchange import Response, ToolCall
from qeval.value import Json

_SURE = 4
"""Characters that come again, in all, where increments were asked for and did not come: more than
the “1” that begins the “12” of a number, less than the first words of a text."""


class Mode:
    """How a stream counts: each piece is new, or each holds all that came before.

    A stream is cumulative where every piece of every text begins with the piece before it. One
    that ends with an empty piece, as incremental ones do, is not. What was asked for is not
    heeded by every gateway, so it decides only where the pieces leave a doubt.

    Args:
        known: Whether the dialect knows nothing but increments.
        asked: Whether increments were asked for; None: nobody knows.
    """

    def __init__(self, *, known: bool = False, asked: bool | None = None) -> None:
        self.incremental = known
        self.asked = asked
        self.grew = False
        """A piece began with the one before and went on."""
        self.again = 0
        """Characters of pieces with which the next one began."""
        self.paid = False
        """A piece came again, and tokens were counted for it."""
        self.tokens: int | None = None
        """Output tokens as the frame that is being read reports them."""

    @property
    def cumulative(self) -> bool:
        """Whether the last piece is the whole."""
        if self.incremental or self.asked is False:
            return not self.incremental
        if self.asked and self.again < _SURE:
            return False
        return self.grew or not self.paid


class Text:
    """One text in pieces. While all are nested, only the last and the lengths are held."""

    __slots__ = ("_joined", "_last", "_lengths", "_mode", "_tokens")

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._joined = StringIO()
        self._last = ""
        self._lengths: list[int] = []
        self._tokens: int | None = None

    def add(self, piece: str) -> int:
        """Take a piece; return how many bytes more are held, about: 0 where it said nothing."""
        if not self._mode.incremental:
            return self._nest(piece)
        if self._lengths:
            self._settle()
        return self._joined.write(piece)

    def _nest(self, piece: str) -> int:
        mode, last = self._mode, self._last
        if not last and not piece:
            return 0
        if not piece.startswith(last):
            mode.incremental = True
            return self.add(piece)
        mode.again += len(last)
        if last and len(piece) > len(last):
            mode.grew = True
        elif last and mode.tokens != self._tokens:
            mode.paid = True
        self._last, self._tokens = piece, mode.tokens
        self._lengths.append(len(piece))
        return len(piece) - len(last) + 8

    def _settle(self) -> None:
        """Join what was held as if nested."""
        for length in self._lengths:
            self._joined.write(self._last[:length])
        self._lengths.clear()

    def whole(self) -> str:
        """Return the text as far as it has come."""
        if self._lengths and self._mode.cumulative:
            return self._last
        if self._lengths:
            self._settle()
        return self._joined.getvalue()


class Call:
    """One tool call in pieces."""

    def __init__(self, mode: Mode) -> None:
        self.id = ""
        self.name = ""
        self.arguments = Text(mode)

    def add(self, fragment: dict[str, Json]) -> int:
        """Take a fragment: continuations repeat or leave out id and name."""
        identity = fragment.get("id")
        if isinstance(identity, str) and identity:
            self.id = identity
        function = fragment.get("function")
        if not isinstance(function, dict):
            return 0
        name = function.get("name")
        if isinstance(name, str) and name:
            self.name = name
        arguments = function.get("arguments")
        return 0 if arguments is None else self.arguments.add(arguments_of(arguments))

    def whole(self) -> ToolCall:
        """Return the call as far as it has come."""
        return ToolCall(id=self.id, name=self.name, arguments=self.arguments.whole())


class Choice:
    """One answer in pieces."""

    def __init__(self, mode: Mode) -> None:
        self.held = 0
        """Bytes that are held of it, about."""
        self.fault: str | None = None
        """What is not in the dialect."""
        self._mode = mode
        self._text = Text(mode)
        self._reasoning = Text(mode)
        self._calls: dict[int, Call] = {}
        self._finish: str | None = None
        self._choice: dict[str, Json] = {}
        self._message: dict[str, Json] = {}

    def add(self, choice: dict[str, Json], delta: dict[str, Json], size: int) -> bool:
        """Take the piece of one frame of so many bytes; return whether it says anything."""
        finish = choice.get("finish_reason")
        if finish is not None:
            self._finish = finish_of(finish) or self._finish
        brought = 0
        content = delta.get("content")
        if content is not None:
            brought = self._add_content(content)
        reasoning = delta.get("reasoning_content")
        if isinstance(reasoning, str):
            brought += self._reasoning.add(reasoning)
        calls = delta.get("tool_calls")
        if calls:
            brought += self._add_calls(calls)
        self.held += brought
        self._keep(choice, delta, size)
        return brought > 0

    @property
    def finished(self) -> bool:
        """Whether a reason for its end was given."""
        return self._finish is not None

    def _add_content(self, content: Json) -> int:
        if isinstance(content, str):
            return self._text.add(content)
        text = content_of(content)
        if text is None:
            self.fault = "has a content that is not text"
            return 0
        return self._text.add(text)

    def _add_calls(self, calls: Json) -> int:
        if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
            self.fault = "has tool calls that are not a list of calls"
            return 0
        brought = 0
        for position, fragment in enumerate(calls):
            index = fragment.get("index")
            number = index if isinstance(index, int) else position
            call = self._calls.get(number)
            if call is None:
                call = self._calls[number] = Call(self._mode)
                brought += 64
            brought += call.add(fragment)
        return brought

    def _keep(self, choice: dict[str, Json], delta: dict[str, Json], size: int) -> None:
        """Keep what has no word of ours; of a cumulative stream the last frame has it all."""
        beside, inside = rest(choice, _CHOICE), unnamed_message(delta)
        if beside or inside:
            self.held += size
            whole = self._mode.grew and self._mode.cumulative
            merge(self._choice, beside, whole=whole)
            merge(self._message, inside, whole=whole)

    def whole(self) -> Response:
        """Return the answer as far as it has come, without what all answers share."""
        calls = (self._calls[index].whole() for index in sorted(self._calls))
        return Response(
            text=self._text.whole(),
            reasoning=self._reasoning.whole() or None,
            tool_calls=tuple(call for call in calls if call.name),
            finish_reason=self._finish,
            extra=levels({}, choice=self._choice, message=self._message),
        )


def merge(kept: dict[str, Json], found: dict[str, Json], *, whole: bool = False) -> None:
    """Lay a frame's unknown values over those of frames before.

    Lists, and the sound and transcript of spoken answers, go on where they stopped; mappings
    are laid one over the other; the rest is replaced, and so is all if each frame is `whole`.
    """
    for key, value in found.items():
        old = kept.get(key)
        if whole:
            kept[key] = value
        elif isinstance(old, list) and isinstance(value, list):
            old.extend(value)
        elif isinstance(old, dict) and isinstance(value, dict):
            merge(old, value)
        elif key in _GOING_ON and isinstance(old, str) and isinstance(value, str):
            kept[key] = old + value
        else:
            kept[key] = value


_CHOICE = CHOICE | {"delta"}
_GOING_ON = frozenset({"data", "transcript"})
