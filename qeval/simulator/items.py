"""Requests of the responses dialect: items → Message, settings → the parameters of chat."""

from __future__ import annotations

from typing import Any

import msgspec

from qeval.exchange import Message, ToolCall
from qeval.simulator.messages import content
from qeval.simulator.refusals import Refusal, invalid
from qeval.value import Json

_LEAST = 16
"""Least `max_output_tokens`."""
_MOST = 65_536

_ROLES = frozenset({"system", "developer", "user", "assistant"})


def read_input(sent: Any) -> tuple[Message, ...]:
    """Return the messages that a text or a list of items stands for.

    Raises:
        Refusal: It is neither, or an item is none.
    """
    if isinstance(sent, str):
        return (Message(role="user", content=sent),)
    if not isinstance(sent, list) or not sent:
        raise Refusal("Required parameter(s) missing or invalid: input")
    found = _Messages()
    for index, item in enumerate(sent):
        if not isinstance(item, dict):
            raise Refusal(f"Invalid type for 'input.[{index}]': an item")
        found.add(item, index)
    if not found.messages:
        raise Refusal("Required parameter(s) missing or invalid: input has no message")
    return tuple(found.messages)


class _Messages:
    """Puts items together: reasoning and calls have their own, and belong to one answer."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._reasoning: str | None = None

    def add(self, item: dict[str, Any], index: int) -> None:
        """Take an item; what the service's own tools left is passed over."""
        kind = item.get("type", "message")
        if kind == "reasoning":
            summary = content(item.get("summary"), f"input.[{index}].summary")
            self._reasoning = summary if isinstance(summary, str) else None
        elif kind == "function_call":
            self._call(item)
        elif kind == "function_call_output":
            output = content(item.get("output"), f"input.[{index}].output")
            identity = str(item.get("call_id"))
            self.messages.append(Message(role="tool", content=output, tool_call_id=identity))
        elif kind == "message":
            self.messages.append(_message(item, index, self._thought()))

    def _call(self, item: dict[str, Any]) -> None:
        call = ToolCall(
            id=str(item.get("call_id")),
            name=str(item.get("name")),
            arguments=str(item.get("arguments")),
        )
        if self.messages and self.messages[-1].role == "assistant":
            last = self.messages[-1]
            self.messages[-1] = msgspec.structs.replace(last, tool_calls=(*last.tool_calls, call))
        else:
            thought = self._thought()
            self.messages.append(Message(role="assistant", tool_calls=(call,), reasoning=thought))

    def _thought(self) -> str | None:
        thought, self._reasoning = self._reasoning, None
        return thought


def _message(item: dict[str, Any], index: int, reasoning: str | None) -> Message:
    role = item.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise Refusal(f"{role!r} is no role - 'input.[{index}].role'")
    return Message(
        role="system" if role == "developer" else role,
        content=content(item.get("content"), f"input.[{index}].content"),
        reasoning=reasoning,
    )


def read_settings(sent: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that the service heeds, in the words of chat; it ignores the rest.

    Raises:
        Refusal: One is not what it takes.
    """
    parameters = {key: sent.get(key) for key in ("temperature", "top_p", "enable_thinking")}
    limit = sent.get("max_output_tokens")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
        raise Refusal(f"{limit!r} is not of type 'integer' - 'max_output_tokens'")
    if limit is not None and not _LEAST <= limit <= _MOST:
        raise invalid(f"Range of max_output_tokens should be [{_LEAST}, {_MOST}]")
    parameters["max_completion_tokens"] = limit
    reasoning = sent.get("reasoning")
    if isinstance(reasoning, dict):
        parameters["reasoning_effort"] = reasoning.get("effort")
    tools = sent.get("tools")
    functions = [_tool(tool) for tool in tools] if isinstance(tools, list) else []
    parameters["tools"] = [tool for tool in functions if tool is not None] or None
    choice = sent.get("tool_choice")
    if isinstance(choice, dict) and not isinstance(choice.get("name"), str):
        choice = _limited(choice)
    parameters["tool_choice"] = choice
    return parameters


def _tool(sent: Any) -> dict[str, Json] | None:
    """Return a function as chat has it; None for the service's own tools."""
    if not isinstance(sent, dict) or sent.get("type") != "function":
        return None
    if "function" in sent or "name" not in sent:
        raise Refusal("tools of type function are flat here: 'name' stands beside 'type'")
    return {"function": {key: value for key, value in sent.items() if key != "type"}}


def _limited(choice: dict[str, Json]) -> Json:
    """Return the one tool to which a choice is limited, where it must be called; else `auto`."""
    tools = choice.get("tools")
    names = [t.get("name") for t in tools if isinstance(t, dict)] if isinstance(tools, list) else []
    one = choice.get("mode") == "required" and len(names) == 1 and isinstance(names[0], str)
    return {"name": names[0]} if one else "auto"
