"""Streams of every dialect, read piece by piece: what they share."""
# ruff: noqa: D102  # what a stream does is told once, in `stream.Stream`

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec

from qeval.dialects.errors import Envelope, failure, first_bytes, status_error
from qeval.dialects.pieces import Choice, Mode
from qeval.dialects.reading import (
    LIMIT,
    Spelling,
    levels,
    partial,
    text_of,
    unnamed_usage,
    usage_of,
)
from qeval.dialects.sse import Event, Events
from qeval.errors import ResponseError, TransportError, TrialError
from qeval.exchange import Answer, Response
from qeval.value import Json

_STEP = 65_536
"""Bytes that are read at a time of a body that is there in one piece."""


class Stream(ABC):
    """One streamed answer: `feed` it every piece, then ask for the `end`.

    Args:
        limit: Most bytes that are held, of an unfinished frame and of what was said, each. The
            length of the stream itself has no limit.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.marks: list[int] = []
        """For each frame that says something, the offset after its last byte."""
        self._events = Events(limit)
        self._limit = limit
        self._head = b""
        self._failed: tuple[Envelope, int | None] | None = None
        self._fault: str | None = None

    def feed(self, piece: bytes) -> None:
        """Read a piece, cut wherever it was cut."""
        if len(self._head) < 80:
            self._head += piece[: 80 - len(self._head)]
        if not self._over:
            self._take(self._events.feed(piece))

    def end(self, answer: Answer) -> Response:
        """Return what was said. Each error carries what had come as its `partial`.

        Raises:
            StatusError: The stream told of an error.
            ResponseError: It is not in this dialect, or holds too much.
            TransportError: It was cut (kind `cut`).
        """
        if not self._over:
            self._take(self._events.close())
        error = self._error(answer)
        if error is None:
            return self.whole(answer)
        if self.marks and self._fault is None:
            error.partial = self.whole(answer)
        raise error

    @property
    def _over(self) -> bool:
        return self._failed is not None or self._fault is not None

    def _take(self, events: list[Event]) -> None:
        for event in events:
            data = event.data
            if not isinstance(data, dict):
                continue
            said = self.failure(event.name, data)
            if said is not None:
                self._failed = said, event.status
                return
            if self.read(event, data):
                self.marks.append(event.end)
            self._fault = self.fault
            if self._fault is not None:
                return

    def _error(self, answer: Answer) -> TrialError | None:
        """Return what is wrong with the stream, now that it is over."""
        if self._failed is not None:
            said, status = self._failed
            told = msgspec.structs.replace(answer, status=status or answer.status)
            return status_error(said, told)
        fault = self._fault
        cut_short = self._events.unfinished and (self._started or answer.error is not None)
        if fault is None and not cut_short:
            fault = self._events.fault
        if fault is not None:
            return ResponseError(f"the stream {fault}")
        if self._events.done or (self.finished and answer.error is None):
            return None if self._started else self._empty()
        if answer.error is not None:
            return TransportError(answer.error, kind="cut")
        if not self._started:
            return self._empty()
        return TransportError("the stream ended before the answer did", kind="cut")

    def _empty(self) -> ResponseError:
        return ResponseError(f"the stream holds no answer; it begins {first_bytes(self._head)}")

    @property
    @abstractmethod
    def _started(self) -> bool:
        """Whether anything of an answer came."""

    @property
    @abstractmethod
    def finished(self) -> bool:
        """Whether the stream says itself that it is whole."""

    @property
    @abstractmethod
    def fault(self) -> str | None:
        """What is not in the dialect, or too much."""

    @abstractmethod
    def failure(self, name: str, data: dict[str, Json]) -> Envelope | None:
        """Return the error that an event tells of, if it does."""

    @abstractmethod
    def read(self, event: Event, data: dict[str, Json]) -> bool:
        """Read an event; return whether it brings anything of the answer."""

    @abstractmethod
    def whole(self, answer: Answer) -> Response:
        """Return the answer as far as it has come."""


def run(stream: Stream, answer: Answer, marks: list[int] | None = None) -> Response:
    """Read a streamed answer that is there as a whole.

    Args:
        stream: A fresh reader.
        answer: What came.
        marks: Filled with the ends of all frames that say something, also where this raises.

    Raises:
        StatusError, ResponseError, TransportError: As `Stream.end`.
    """
    if not 200 <= answer.status < 300:
        raise failure(answer)
    body = answer.body
    if marks is not None:
        stream.marks = marks
    for start in range(0, len(body), _STEP):
        stream.feed(body[start : start + _STEP])
    return stream.end(answer)


class ChoiceStream(Stream):
    """A stream whose frames hold choices: chat and native."""

    spelling: Spelling
    known: frozenset[str]
    """Keys of a frame that have a word of ours."""

    def __init__(self, limit: int, mode: Mode) -> None:
        super().__init__(limit)
        self._mode = mode
        self._choices: dict[int, Choice] = {}
        self._extra: dict[str, Json] = {}
        self._usage: Json = None
        self._model: str | None = None
        self._id: str | None = None
        self._held = 0

    def take(self, choice: Json, position: int, size: int) -> bool:
        """Take a choice of a frame; return whether it says anything."""
        if not isinstance(choice, dict):
            return False
        index = choice.get("index")
        number = index if isinstance(index, int) else position
        whole = self._choices.get(number)
        if whole is None:
            whole = self._choices[number] = Choice(self._mode)
            self._held += size
        delta = choice.get("delta") or choice.get("message")
        before = whole.held
        said = whole.add(choice, delta if isinstance(delta, dict) else {}, size)
        self._held += whole.held - before
        return said

    def keep(self, found: dict[str, Json], size: int) -> None:
        """Keep what has no word of ours; a later frame's value stands for an earlier one's."""
        if found:
            if found.keys() - self._extra.keys():
                self._held += size
            self._extra.update(found)

    @property
    def _started(self) -> bool:
        return bool(self._choices)

    @property
    def finished(self) -> bool:
        choices = self._choices.values()
        return bool(choices) and all(choice.finished for choice in choices)

    @property
    def fault(self) -> str | None:
        if self._held > self._limit:
            return f"holds an answer of more than {self._limit:,} bytes"
        for choice in self._choices.values():
            if choice.fault is not None:
                return choice.fault
        return None

    def whole(self, answer: Answer) -> Response:
        cut = partial(answer)
        first, *others = [
            self._shared(self._choices[index].whole(), cut=cut) for index in sorted(self._choices)
        ]
        extra = levels(dict(self._extra), usage=unnamed_usage(self._usage, self.spelling))
        return msgspec.structs.replace(
            first,
            usage=usage_of(self._usage, self.spelling),
            others=tuple(others),
            extra={**extra, **first.extra},
        )

    def _shared(self, response: Response, *, cut: bool) -> Response:
        return msgspec.structs.replace(
            response,
            model=self._model,
            id=self._id,
            truncated=cut or response.finish_reason == "length",
        )

    def name(self, model: Json, identity: Json) -> None:
        """Take who answered, as the first frame that says it does."""
        if self._model is None:
            self._model = text_of(model)
        if self._id is None:
            self._id = text_of(identity)

    def count(self, usage: Json) -> None:
        """Take the tokens of a frame: counts are cumulative, so the last stand."""
        if usage and isinstance(usage, dict):
            self._usage = usage
            self._mode.tokens = usage.get(self.spelling.output)
