"""What answers of every dialect have in common: texts, counts, tool calls, usage, the raw bag."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from qeval.dialects.errors import Envelope, check, decode, envelope, first_bytes, status_error
from qeval.errors import ResponseError
from qeval.exchange import Answer, ToolCall, Usage
from qeval.value import Json, to_json

Failure: TypeAlias = Callable[[dict[str, Json]], Envelope | None]
"""Tells the error that an object of status 200 holds; None where it holds none."""

LIMIT = 32_000_000
"""Most bytes that are held of one streamed answer, unless a caller says otherwise."""
BOM = b"\xef\xbb\xbf"

_MOST = 2**53
"""Above it readers of JSON lose digits (RFC 8259, section 6), and no sum of counts is sure."""

_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":", b"status:")

# Keys that have a word of ours, by level.
COMPLETION = frozenset({"id", "object", "created", "model", "choices", "usage", "request_id"})
CHOICE = frozenset({"index", "finish_reason", "message"})
_MESSAGE = frozenset({"role", "content", "reasoning_content", "tool_calls"})
_MEDIA = frozenset({"image_tokens", "video_tokens", "audio_tokens"})
_PLAIN = frozenset({"text", "type"})
_DETAILS = frozenset(
    {"cached_tokens", "image_tokens", "video_tokens", "audio_tokens", "reasoning_tokens"}
)


class Spelling(NamedTuple):
    """What a dialect calls the parts of a usage. Of several details, the first that counts wins."""

    input: str
    output: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    details: tuple[str, ...]
    known: frozenset[str]
    """Keys of a usage that are not kept in the raw bag."""


def _spelling(given: str, made: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Spelling:
    details = (*inputs, *outputs)
    known = frozenset({given, made, "total_tokens", *details, *_MEDIA})
    return Spelling(given, made, inputs, outputs, details, known)


COMPATIBLE = _spelling(
    "prompt_tokens", "completion_tokens", ("prompt_tokens_details",), ("completion_tokens_details",)
)
NATIVE = _spelling(
    "input_tokens",
    "output_tokens",
    ("input_tokens_details", "prompt_tokens_details"),
    ("output_tokens_details",),
)


def is_stream(answer: Answer) -> bool:
    """Whether a body is a stream. A stream's head decides, not what was asked for."""
    start = answer.body[:256].removeprefix(BOM).lstrip()
    if start.startswith(_BEGINNINGS):
        return True
    said = "event-stream" in (answer.header("content-type") or "")
    return said and not start.startswith((b"{", b"["))


def failure_of(document: dict[str, Json]) -> Envelope | None:
    """Return the error inside a 2xx body of chat, if there is one."""
    if document.get("error") or (document.get("code") and not document.get("choices")):
        return envelope(document)
    return None


def document_of(answer: Answer, failure: Failure) -> dict[str, Json]:
    """Return the object that a whole body is.

    Args:
        answer: Of any status.
        failure: Tells the dialect's errors.

    Raises:
        StatusError: An error, by status or inside a 2xx body.
        ResponseError: No JSON, or no object.
        TransportError: The body was cut.
    """
    check(answer)
    document = decode(answer.body)
    if not isinstance(document, dict):
        raise misshapen("is not a JSON object", answer.body)
    said = failure(document)
    if said is not None:
        raise status_error(said, answer)
    return document


def misshapen(what: str, body: bytes) -> ResponseError:
    """Return the error for a body that is JSON, but not what the dialect says."""
    return ResponseError(f"the answer {what}; it begins {first_bytes(body)}")


def dicts(value: Json) -> list[dict[str, Json]]:
    """Return the mappings of a list, in order of their `index` where they have one."""
    if not isinstance(value, list):
        return []
    return _ordered([item for item in value if isinstance(item, dict)])


def _ordered(items: list[dict[str, Json]]) -> list[dict[str, Json]]:
    if len(items) > 1 and all(isinstance(item.get("index"), int) for item in items):
        return sorted(items, key=_index)
    return items


def _index(item: dict[str, Json]) -> int:
    return int(item["index"])


def text_of(value: Json) -> str | None:
    """Return a text that is one and not empty, else None."""
    return value if isinstance(value, str) and value else None


def finish_of(value: Json) -> str | None:
    """Return the reason; native streams write a missing one as the text `null`."""
    return None if value == "null" else text_of(value)


def partial(answer: Answer) -> bool:
    """Whether the endpoint ran out of time and sent what it had, as if it were whole."""
    return (answer.header("x-dashscope-partialresponse") or "").lower() == "true"


def content_of(value: Json) -> str | None:
    """Return the text of a content, parts of text joined; None where it is no content."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(part, dict) for part in value):
        return "".join(text_of(part.get("text")) or "" for part in value)
    return None


def tool_calls(value: Json, body: bytes) -> tuple[ToolCall, ...]:
    """Return the calls of a message, in order of their `index`; one without a name is none.

    Raises:
        ResponseError: They are not calls of functions.
    """
    if not value:
        return ()
    if not isinstance(value, list):
        raise misshapen("has tool calls that are not a list", body)
    for call in value:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str | None):
            raise misshapen("has a tool call without a function", body)
    return tuple(
        ToolCall(
            id=text_of(call.get("id")) or "",
            name=name,
            arguments=arguments_of(call["function"].get("arguments")),
        )
        for call in _ordered(value)
        if (name := text_of(call["function"].get("name")))
    )


def arguments_of(value: Json) -> str:
    """Return the JSON text of a call's arguments; some servers send the object itself."""
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value).decode()


def usage_of(value: Json, spelling: Spelling) -> Usage:
    """Return the tokens that an answer reports; what it leaves out is unknown, never zero."""
    if not isinstance(value, dict):
        return Usage()
    inputs = _details(value, spelling.inputs)
    outputs = _details(value, spelling.outputs)
    # Newer answers count media in the details, older ones beside them.
    media = inputs if _MEDIA.isdisjoint(value) else {**value, **_counted(inputs)}
    return Usage(
        input_tokens=count_of(value.get(spelling.input)),
        output_tokens=count_of(value.get(spelling.output)),
        total_tokens=count_of(value.get("total_tokens")),
        cached_input_tokens=count_of(inputs.get("cached_tokens")),
        reasoning_tokens=count_of(outputs.get("reasoning_tokens")),
        image_tokens=count_of(media.get("image_tokens")),
        video_tokens=count_of(media.get("video_tokens")),
        audio_tokens=count_of(media.get("audio_tokens")),
    )


def _counted(details: dict[str, Json]) -> dict[str, Json]:
    return {name: count for name, count in details.items() if count is not None}


def _details(usage: dict[str, Json], names: tuple[str, ...]) -> dict[str, Json]:
    first = usage.get(names[0])
    if len(names) == 1:
        return first if isinstance(first, dict) else {}
    found: dict[str, Json] = {}
    for name in reversed(names):
        details = usage.get(name)
        if isinstance(details, dict):
            found.update(_counted(details))
    return found


def count_of(value: Json) -> int | None:
    """Return a count of tokens; what is no whole number from 0 to 2⁵³ was not reported."""
    if type(value) is int:  # not a switch, which is an int too
        return value if 0 <= value <= _MOST else None
    return count_of(int(value)) if isinstance(value, float) and value.is_integer() else None


def unnamed_usage(usage: Json, spelling: Spelling) -> dict[str, Json]:
    """Return the parts of a usage that `Usage` has no field for."""
    if not isinstance(usage, dict):
        return {}
    found = rest(usage, spelling.known)
    for name in spelling.details:
        details = usage.get(name)
        if isinstance(details, dict):
            unknown = rest(details, _DETAILS)
            if unknown:
                found[name] = unknown
    return found


def rest(mapping: dict[str, Json], known: frozenset[str]) -> dict[str, Json]:
    """Return what has no word of ours; nulls and empty values are left out."""
    return {key: value for key, value in mapping.items() if value and key not in known}


def unnamed_message(message: dict[str, Json]) -> dict[str, Json]:
    """Return the parts of a message that have no word of ours, such as results of OCR."""
    found = rest(message, _MESSAGE)
    content = message.get("content")
    if type(content) is list:
        items = [part for part in content if isinstance(part, dict) and rest(part, _PLAIN)]
        if items:
            found["content"] = items
    return found


def levels(extra: dict[str, Json], **found: Json) -> dict[str, Json]:
    """Add to a raw bag what was found below its level, by the level's name."""
    extra.update({name: value for name, value in found.items() if value})
    return extra
