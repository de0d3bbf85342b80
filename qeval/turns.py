"""What a case asks beyond its first question: further turns, and tools that answer."""

from __future__ import annotations

from collections.abc import Callable

from qeval.exchange import Message
from qeval.scorers.base import Prepared
from qeval.value import Json, Value

MOST_REQUESTS = 8
"""Requests that one turn may take where nobody says `max_turns` (suites.md section 1)."""


class Tool(Value):
    """A function that the model may call, and what it answers where the suite says so."""

    name: str
    definition: dict[str, Json]
    """`{name, description, parameters}`, as it is sent."""
    answer: Callable[[dict[str, Json], int], Json] | None = None
    """Takes the arguments, and the number of the call of this tool, from 1. It raises ValueError
    with what the model is to be told. None: a call ends the trial, and is the answer."""
    python: bool = False
    """Whether that is a function of the user's, which may take its time and fail. What it raises
    is the cause of the ValueError."""


class Turn(Value):
    """One thing that the user says in a live conversation, and what is expected of the answer."""

    message: Message
    checks: tuple[Prepared, ...] = ()
    """Of this turn's answer; the case's own judge the last."""


class Script(Value):
    """All that a case asks in a trial, whatever the model says."""

    messages: tuple[Message, ...]
    """System, history and question, or with `turns` what goes before them; the beginning of the
    answer last, if there is one."""
    turns: tuple[Turn, ...] = ()
    tools: tuple[Tool, ...] = ()
    most_requests: int = MOST_REQUESTS
    """For one turn, or for a case without."""

    @property
    def opening(self) -> tuple[Message, ...]:
        """The messages of the first request."""
        return (*self.messages, self.turns[0].message) if self.turns else self.messages

    @property
    def said(self) -> tuple[Message, ...]:
        """All messages that stand before anything was asked, for reports."""
        return (*self.messages, *(turn.message for turn in self.turns))
