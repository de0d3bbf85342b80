"""The output items of a response: read where they are whole, put together where they stream."""

from __future__ import annotations

from io import StringIO

import msgspec

from qeval.dialects.reading import (
    NATIVE,
    arguments_of,
    dicts,
    levels,
    partial,
    rest,
    text_of,
    unnamed_usage,
    usage_of,
)
from qeval.exchange import Answer, Response, ToolCall, Usage
from qeval.value import Json

_TOP = frozenset(
    {
        "id",
        "object",
        "created_at",
        "completed_at",
        "status",
        "error",
        "incomplete_details",
        "model",
        "output",
        "usage",
    }
)
_READ = frozenset({"message", "reasoning", "function_call"})
_PART = frozenset({"type", "text"})
_KINDS = {"text": "message", "reasoning": "reasoning", "call": "function_call"}
_NAMES = 20
"""Most names of unknown events that are kept."""


def response_of(document: dict[str, Json], answer: Answer) -> Response:
    """Return what a whole response says. Items of built-in tools are kept in `extra`."""
    items = dicts(document.get("output"))
    messages = [item for item in items if item.get("type") == "message"]
    content = [part for item in messages for part in dicts(item.get("content"))]
    called = [_call(item) for item in items if item.get("type") == "function_call"]
    calls = tuple(call for call in called if call.name)
    finish = _finish(document, calls)
    usage = document.get("usage")
    extra = levels(
        rest(document, _TOP),
        output=[item for item in items if text_of(item.get("type")) not in _READ],
        message=levels({}, content=[part for part in content if rest(part, _PART)]),
        usage=unnamed_usage(usage, NATIVE),
    )
    return Response(
        text="".join(text_of(part.get("text")) or "" for part in content),
        reasoning=text_of("".join(_reasoning(item) for item in items)),
        tool_calls=calls,
        finish_reason=finish,
        usage=_usage(usage),
        model=text_of(document.get("model")),
        id=text_of(document.get("id")),
        truncated=finish == "length" or partial(answer),
        extra=extra,
    )


def _call(item: dict[str, Json]) -> ToolCall:
    return ToolCall(
        id=text_of(item.get("call_id")) or text_of(item.get("id")) or "",
        name=text_of(item.get("name")) or "",
        arguments=arguments_of(item.get("arguments")),
    )


def _reasoning(item: dict[str, Json]) -> str:
    if item.get("type") != "reasoning":
        return ""
    parts = dicts(item.get("summary")) or dicts(item.get("content"))
    return "".join(text_of(part.get("text")) or "" for part in parts)


def _finish(document: dict[str, Json], calls: tuple[ToolCall, ...]) -> str | None:
    status = document.get("status")
    if status == "completed":
        return "tool_calls" if calls else "stop"
    if status != "incomplete":
        return None
    details = document.get("incomplete_details")
    reason = text_of(details.get("reason")) if isinstance(details, dict) else None
    return "length" if reason in {None, "max_output_tokens", "max_tokens"} else reason


def _usage(usage: Json) -> Usage:
    """Return the tokens; those of media stand, if anywhere, in the service's own details."""
    found = usage_of(usage, NATIVE)
    for item in dicts(usage.get("x_details")) if isinstance(usage, dict) else ():
        inner = usage_of(item, NATIVE)
        for name in ("image_tokens", "video_tokens", "audio_tokens"):
            count = getattr(inner, name)
            if count is not None and getattr(found, name) is None:
                found = msgspec.structs.replace(found, **{name: count})
    return found


class Collected:
    """The items of a stream, by their ids: `output_index` is not to be trusted."""

    def __init__(self) -> None:
        self.held = 0
        """Bytes that are held, about."""
        self._head: dict[str, Json] = {}
        self._items: dict[str, dict[str, Json]] = {}
        self._deltas: dict[str, tuple[str, StringIO]] = {}
        self._wholes: dict[str, tuple[str, StringIO]] = {}
        """Of items that came without deltas."""
        self._unknown: set[str] = set()

    def begin(self, response: dict[str, Json], size: int) -> None:
        """Take the response as one of its events shows it."""
        if not self._head:
            self.held += size
        self._head = response

    def add(self, field: str, data: dict[str, Json]) -> bool:
        """Take what is new of a text, a reasoning or a call; return whether it is anything."""
        delta = data.get("delta")
        if not isinstance(delta, str) or not delta:
            return False
        key = _key(data, {})
        found = self._deltas.get(key)
        if found is None:
            self._put(self._deltas, key, field, delta)
        else:
            self.held += found[1].write(delta)
        return True

    def end(self, field: str, data: dict[str, Json]) -> bool:
        """Take a text, a reasoning or a call that has ended; return whether it is news."""
        key = _key(data, {})
        whole = data.get("arguments" if field == "call" else "text")
        if key in self._deltas or not isinstance(whole, str) or not whole:
            return False
        self._put(self._wholes, key, field, whole)
        return True

    def _put(self, kept: dict[str, tuple[str, StringIO]], key: str, field: str, piece: str) -> None:
        found = kept.get(key)
        if found is None:
            found = kept[key] = (field, StringIO())
            self._items.setdefault(key, {"type": _KINDS[field]})
            self.held += 500
        self.held += found[1].write(piece)

    def item(self, data: dict[str, Json], size: int) -> None:
        """Take an item as it begins or as it ended."""
        item = data.get("item")
        if isinstance(item, dict):
            self._items[_key(data, item)] = item
            self.held += size

    def unknown(self, kind: str) -> None:
        """Take note of an event that has no meaning here."""
        if len(self._unknown) < _NAMES:
            self._unknown.add(kind[:80])

    def whole(self, last: dict[str, Json] | None, answer: Answer) -> Response:
        """Return the answer, as its last event has it, else as far as it has come."""
        document = dict(last if last is not None else self._head)
        if not document.get("output"):
            document["output"] = [self._item(key, item) for key, item in self._items.items()]
        response = response_of(document, answer)
        if not self._unknown:
            return response
        extra = {**response.extra, "unknown_events": sorted(self._unknown)}
        return msgspec.structs.replace(response, extra=extra)

    def _item(self, key: str, item: dict[str, Json]) -> dict[str, Json]:
        """Return an item with its deltas, or its wholes, where it did not come whole itself."""
        found = self._deltas.get(key) or self._wholes.get(key)
        if found is None:
            return item
        field, text = found
        if field == "call":
            return {**item, "arguments": item.get("arguments") or text.getvalue()}
        name = "content" if field == "text" else "summary"
        return {**item, name: item.get(name) or [{"type": field, "text": text.getvalue()}]}


def _key(data: dict[str, Json], item: dict[str, Json]) -> str:
    """Return by what an item is known: its id, else its place."""
    found = text_of(data.get("item_id")) or text_of(item.get("id"))
    return found or f"#{data.get('output_index')}"
