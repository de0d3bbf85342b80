"""Conversations in the words of the vendors' SDKs and in ours, and one call made by both."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from qeval.dialects.base import DIALECTS
from qeval.exchange import Message, Params, Request, ToolCall

if TYPE_CHECKING:
    from tests.integration.conftest import Loopback

Fields: TypeAlias = dict[str, Any]
Call: TypeAlias = tuple[str | tuple[Message, ...], Fields, Fields]
"""A conversation, by name or in our words; what else the SDK is told; and what else we are.

The SDK is told a conversation by name too, unless it is given `messages` or `input` of its own.
"""
Sdk: TypeAlias = Callable[["Loopback", Fields], None]
Alike: TypeAlias = Callable[[str, Sdk, Call], None]

QUESTION = {"role": "user", "content": "What is the capital of France?"}
BRIEF = {"role": "system", "content": "Be brief."}
CALLED = {
    "role": "assistant",
    "content": "",
    "reasoning_content": "I need the weather.",
    "tool_calls": [
        {
            "id": "call_a1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
        }
    ],
}
RESULT = {"role": "tool", "content": "Sun — 21 °C", "tool_call_id": "call_a1"}
BEGUN = {"role": "assistant", "content": "The capital", "partial": True}

OUR_QUESTION = Message(role="user", content="What is the capital of France?")
OUR_BRIEF = Message(role="system", content="Be brief.")
OUR_CALLED = Message(
    role="assistant",
    reasoning="I need the weather.",
    tool_calls=(ToolCall(id="call_a1", name="get_weather", arguments='{"city": "Paris"}'),),
)
OUR_RESULT = Message(role="tool", content="Sun — 21 °C", tool_call_id="call_a1")
OUR_BEGUN = Message(role="assistant", content="The capital", partial=True)

CONVERSATIONS: dict[str, tuple[list[Fields], tuple[Message, ...]]] = {
    "asked": ([QUESTION], (OUR_QUESTION,)),
    "brief": ([BRIEF, QUESTION], (OUR_BRIEF, OUR_QUESTION)),
    "tool-loop": (
        [BRIEF, QUESTION, CALLED, RESULT],
        (OUR_BRIEF, OUR_QUESTION, OUR_CALLED, OUR_RESULT),
    ),
    "prefix": ([QUESTION, BEGUN], (OUR_QUESTION, OUR_BEGUN)),
}


def _http(kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


EMPTY = _http("application/json", b'{"choices":[],"output":{"choices":[]},"request_id":"r"}')
EVENTS = _http("text/event-stream", b"")


def ask(messages: tuple[Message, ...], fields: Fields) -> Request:
    apart = fields.keys() & {"response_format", "tools", "previous_response_id"}
    return Request(
        model="m",
        messages=messages,
        params=Params(**{name: value for name, value in fields.items() if name not in apart}),
        **{name: fields[name] for name in apart},
    )


@pytest.fixture
def alike(loopback: Loopback) -> Alike:
    """Makes a call with an SDK, and holds what we would send for it against that."""

    def compare(dialect: str, sdk: Sdk, call: Call) -> None:
        named, told, fields = call
        theirs, ours = CONVERSATIONS[named] if isinstance(named, str) else ([], named)
        if not told.keys() & {"messages", "input"}:
            told = {"messages": theirs, **told}
        loopback.says([EVENTS if told.get("stream") else EMPTY])
        sdk(loopback, told)
        seen = loopback.seen[-1]

        wire = DIALECTS.get(dialect).write(ask(ours, fields))

        assert json.loads(wire.body) == seen.json
        assert f"/v1{wire.path}" == seen.path
        for name, value in wire.headers:
            if name.startswith("x-") or name == "accept":
                assert seen.headers[name] == value
        wanted = {"x-dashscope-sse", "x-dashscope-ossresourceresolve"}
        assert wanted & seen.headers.keys() == wanted & dict(wire.headers).keys()

    return compare
