"""Messages of a request body → Message: roles, content, parts, tool calls and their answers."""

from __future__ import annotations

from typing import Any

from qeval.exchange import Message, Part, ToolCall
from qeval.simulator.refusals import Refusal, invalid

_ROLES = ("system", "assistant", "user", "tool")
_NATIVE = ("text", "image", "video", "audio")
_PIXELS = ("min_pixels", "max_pixels", "total_pixels")


def read_messages(sent: Any) -> tuple[Message, ...]:
    """Return the messages of a chat or a native request.

    Raises:
        Refusal: They are not what the service takes.
    """
    if not isinstance(sent, list):
        raise Refusal("you must provide a messages parameter")
    if not sent:
        raise Refusal("[] is too short - 'messages'")
    messages = tuple(_message(message, index) for index, message in enumerate(sent))
    check_order(messages)
    return messages


def check_order(messages: tuple[Message, ...]) -> None:
    """Refuse what a tool answered that was not called.

    Raises:
        Refusal: There is such a message.
    """
    called: set[str] = set()
    for message in messages:
        called |= {call.id for call in message.tool_calls}
        if message.role == "tool" and message.tool_call_id not in called:
            raise invalid(
                'messages with role "tool" must be a response to a preceeding message with '
                '"tool_calls".'
            )


def _message(sent: Any, index: int) -> Message:
    role = sent.get("role") if isinstance(sent, dict) else None
    if not isinstance(role, str) or role not in _ROLES:
        raise Refusal(f"{role!r} is not one of {list(_ROLES)} - 'messages.{index}.role'")
    reasoning = sent.get("reasoning_content")
    identity = sent.get("tool_call_id")
    return Message(
        role=role,
        content=content(sent.get("content"), f"messages.[{index}].content"),
        tool_calls=_calls(sent.get("tool_calls"), index),
        tool_call_id=identity if isinstance(identity, str) else None,
        reasoning=reasoning if isinstance(reasoning, str) and reasoning else None,
        partial=sent.get("partial") is True,
    )


def _calls(sent: Any, index: int) -> tuple[ToolCall, ...]:
    if not sent:
        return ()
    where = f"messages.[{index}].tool_calls"
    if not isinstance(sent, list):
        raise Refusal(f"Invalid type for '{where}': a list of calls")
    found = []
    for call in sent:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise Refusal(f"'function' with a 'name' is a required property - '{where}'")
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            raise Refusal(f"{arguments!r} is not of type 'string' - '{where}.function.arguments'")
        found.append(
            ToolCall(id=str(call.get("id") or ""), name=function["name"], arguments=arguments)
        )
    return tuple(found)


def content(sent: Any, where: str) -> str | tuple[Part, ...]:
    """Return a content: parts that are all text are one text.

    Raises:
        Refusal: It is neither text nor a list of parts.
    """
    if isinstance(sent, str) or sent is None:
        return sent or ""
    if not isinstance(sent, list):
        raise Refusal(f"Invalid type for '{where}': a string or a list of parts")
    parts = tuple(_part(part, where) for part in sent)
    if all(part.text is not None and not part.cache for part in parts):
        return "".join(part.text or "" for part in parts)
    return parts


def _part(sent: Any, where: str) -> Part:
    """Return a part, whichever dialect wrote it."""
    kind = sent.get("type") if isinstance(sent, dict) else None
    if not isinstance(sent, dict):
        raise Refusal(f"Invalid type for '{where}': a list of parts")
    medium, value = _medium(sent, kind)
    if medium == "video" and isinstance(value, list):
        if len(value) < 4 or not all(isinstance(frame, str) for frame in value):
            raise invalid("The video modality input does not meet the requirements: 4 frames")
        value = tuple(value)
    elif not isinstance(value, str):
        known = "text, image, video and audio"
        raise Refusal(f"a part is none of {known} - '{where}'")
    pixels = {
        key: sent[key]
        for key in _PIXELS
        if medium != "text" and isinstance(sent.get(key), int) and sent[key] > 0
    }
    fps = sent.get("fps")
    if medium == "video" and isinstance(fps, int | float) and fps > 0:
        pixels["fps"] = float(fps)
    return Part(**{medium: value}, **pixels, cache=_marked(sent))


def _marked(part: dict[str, Any]) -> bool:
    """Return whether a part ends what the cache is to keep."""
    marker = part.get("cache_control")
    return isinstance(marker, dict) and marker.get("type") == "ephemeral"


_KINDS: dict[Any, tuple[str, str, str]] = {
    "text": ("text", "text", ""),
    "input_text": ("text", "text", ""),
    "output_text": ("text", "text", ""),
    "summary_text": ("text", "text", ""),
    "image_url": ("image", "image_url", "url"),
    "input_image": ("image", "image_url", "url"),
    "video_url": ("video", "video_url", "url"),
    "video": ("video", "video", ""),
    "input_audio": ("audio", "input_audio", "data"),
}
"""Type of a part → what it is, the key of its value, and the key within that."""


def _medium(sent: dict[str, Any], kind: Any) -> tuple[str, Any]:
    """Return what a part is, and its text or address."""
    if kind is None:
        name = next((name for name in _NATIVE if name in sent), "text")
        return name, sent.get(name)
    medium, key, inner = _KINDS.get(kind if isinstance(kind, str) else None, ("text", "", ""))
    value = sent.get(key)
    return medium, value.get(inner) if isinstance(value, dict) else value
