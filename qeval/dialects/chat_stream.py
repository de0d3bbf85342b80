"""Streams of the chat dialect."""
# ruff: noqa: D102  # what a stream does is told once, in `stream.Stream`

from __future__ import annotations

from qeval.dialects.errors import Envelope, envelope
from qeval.dialects.pieces import Mode
from qeval.dialects.reading import COMPATIBLE, COMPLETION, LIMIT, failure_of, rest
from qeval.dialects.sse import Event
from qeval.dialects.stream import ChoiceStream
from qeval.value import Json


class ChatStream(ChoiceStream):
    """Chunks, each with what is new in each choice."""

    spelling = COMPATIBLE

    def __init__(self, limit: int = LIMIT) -> None:
        super().__init__(limit, Mode(known=True))

    def failure(self, name: str, data: dict[str, Json]) -> Envelope | None:
        return envelope(data) if name == "error" else failure_of(data)

    def read(self, event: Event, data: dict[str, Json]) -> bool:
        self.name(data.get("model"), data.get("id"))
        self.count(data.get("usage"))
        self.keep(rest(data, COMPLETION), event.size)
        said = False
        choices = data.get("choices")
        if isinstance(choices, list):
            for position, choice in enumerate(choices):
                said = self.take(choice, position, event.size) or said
        return said
