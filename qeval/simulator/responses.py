"""The responses dialect from the server's side: request body → Ask, answer → body or events."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from qeval.exchange import Message
from qeval.simulator.asked import Ask, Form, Said
from qeval.simulator.base import Frame, Headers, Quirks, cache_of, check_route, decode, loose, sse
from qeval.simulator.items import read_input, read_settings
from qeval.simulator.messages import check_order
from qeval.simulator.parameters import check_ranges, model_of, read_parameters
from qeval.simulator.pieces import Delta
from qeval.simulator.refusals import NATIVE, Refusal, encode, flat
from qeval.value import Json

KEPT = 10_000
"""Responses that are remembered; older ones are forgotten first."""
_SESSION = "x-dashscope-session-cache"
_DELTAS = {
    "reasoning": "response.reasoning_summary_text",
    "message": "response.output_text",
    "function_call": "response.function_call_arguments",
}


class Responses:
    """`POST …/responses`. Remembers what it said, to go on from there."""

    name = "responses"
    paths: tuple[str, ...] = ("/compatible-mode/v1/responses", "/v1/responses")
    inside = True

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[tuple[Message, ...], bytes]] = OrderedDict()

    def streams(self, body: bytes, headers: Headers) -> bool:  # noqa: ARG002 - the protocol's
        """Return whether a stream is asked for."""
        return (loose(body) or {}).get("stream") is True

    def stored(self, identity: str) -> bytes | None:
        """Return a response that was given before, if it is remembered."""
        found = self._kept.get(identity)
        return None if found is None else found[1]

    def read(self, body: bytes, headers: Headers) -> Ask:
        """Understand a request.

        Raises:
            Refusal: The service would refuse it.
        """
        sent = decode(body)
        parameters = read_settings(sent)
        check_ranges(parameters)
        model = model_of(sent)
        check_route(model, self.name)
        asked = (*self._earlier(sent), *read_input(sent.get("input")))
        instructions = sent.get("instructions")
        if isinstance(instructions, str):
            asked = (Message(role="system", content=instructions), *asked)
        check_order(asked)
        stream = sent.get("stream") is True
        fields = read_parameters(parameters, model, asked, stream=stream)
        form = Form(stream=stream, store=sent.get("store") is not False, echo=_echo(sent))
        # Only tools that are called by name have a word of ours.
        fields |= {"parallel": True, "session_cache": headers.get(_SESSION) == "enable"}
        return Ask(model=model, messages=asked, form=form, **fields)

    def _earlier(self, sent: dict[str, Any]) -> tuple[Message, ...]:
        previous = sent.get("previous_response_id")
        if previous is None:
            return ()
        kept = self._kept.get(previous) if isinstance(previous, str) else None
        if kept is None:
            raise Refusal(f"Previous response with id {previous!r} not found.")
        return kept[0]

    def _keep(self, said: Said, ask: Ask, body: bytes) -> None:
        if not ask.form.store:
            return
        given = isinstance(ask.form.echo.get("instructions"), str)
        answer = Message(
            role="assistant", content=said.text, tool_calls=said.calls, reasoning=said.reasoning
        )
        # Instructions are not inherited by what goes on from here.
        self._kept[f"resp_{said.identity}"] = ((*ask.messages[given:], answer), body)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def write(self, said: Said, ask: Ask) -> bytes:
        """Return the body of a whole answer, and remember it."""
        body = encode(_response(said, ask))
        self._keep(said, ask, body)
        return body

    def frames(
        self, said: Said, ask: Ask, deltas: Iterable[Delta], quirks: Quirks
    ) -> Iterator[Frame]:
        """Return the events: each item begins, goes on and ends; at last the whole response."""
        done = _response(said, ask)
        self._keep(said, ask, encode(done))
        number = -1

        def event(kind: str, *, says: bool = False, **fields: Json) -> Frame:
            nonlocal number
            number += 1
            data = sse(number + 1, kind, {"type": kind, "sequence_number": number, **fields})
            return Frame(data[:-1] if "no_blank_lines" in quirks else data, says)

        started = {**done, "status": "queued", "output": [], "usage": None, "completed_at": None}
        yield event("response.created", response=started)
        yield event("response.in_progress", response={**started, "status": "in_progress"})
        pieces = {key: list(some) for key, some in groupby(deltas, lambda d: (d.kind, d.call))}
        for place, item in enumerate(done["output"]):
            here = {"item_id": item["id"], "output_index": place}
            yield event("response.output_item.added", output_index=place, item=_begun(item))
            if item["type"] == "message":
                part = _part("")
                yield event("response.content_part.added", **here, content_index=0, part=part)
            for delta in pieces.get(_key(item), ()):
                fields = {**here, **_place(item), "delta": delta.piece}
                if delta.piece:
                    yield event(f"{_DELTAS[item['type']]}.delta", says=True, **fields)
            yield event(f"{_DELTAS[item['type']]}.done", **here, **_place(item), **_whole(item))
            if item["type"] == "message":
                part = item["content"][0]
                yield event("response.content_part.done", **here, content_index=0, part=part)
            yield event("response.output_item.done", output_index=place, item=item)
        yield event(f"response.{done['status']}", response=done)

    def error(self, error: Refusal, identity: str) -> bytes:
        """Return the body of an error: the flat envelope."""
        return flat(error, identity)

    def failed(self, error: Refusal, identity: str) -> bytes:
        """Return the event of a response that failed."""
        told = {"code": NATIVE.get(error.code, error.code), "message": error.message}
        response = {
            "id": f"resp_{identity}",
            "object": "response",
            "status": "failed",
            "error": told,
            "output": [],
        }
        kind = "response.failed"
        return sse(1, kind, {"type": kind, "sequence_number": 0, "response": response})


_ECHOED = (
    "instructions",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
)


def _echo(sent: dict[str, Any]) -> dict[str, Json]:
    defaults = {"parallel_tool_calls": False, "store": True, "tool_choice": "auto", "tools": []}
    return {**defaults, **{key: sent[key] for key in _ECHOED if sent.get(key) is not None}}


def _response(said: Said, ask: Ask) -> dict[str, Any]:
    cut = said.finish_reason == "length"
    return {
        "id": f"resp_{said.identity}",
        "object": "response",
        "created_at": said.created,
        "completed_at": said.created,
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "model": ask.model,
        "service_tier": "default",
        **ask.form.echo,
        "output": _items(said),
        "usage": _usage(said),
    }


def _items(said: Said) -> list[dict[str, Any]]:
    own = said.identity[:12]
    items: list[dict[str, Any]] = []
    if said.reasoning:
        summary = [{"type": "summary_text", "text": said.reasoning}]
        items.append({"id": f"msg_r{own}", "type": "reasoning", "summary": summary})
    if said.text or not said.calls:
        part = {**_part(said.text), "annotations": list(said.annotations)}
        status = "incomplete" if said.finish_reason == "length" else "completed"
        head = {"id": f"msg_m{own}", "type": "message", "role": "assistant", "status": status}
        items.append({**head, "content": [part]})
    for number, call in enumerate(said.calls):
        head = {"id": f"msg_f{number}{own}", "type": "function_call", "status": "completed"}
        told = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        items.append({**head, **told})
    return items


def _part(text: str) -> dict[str, Json]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": None}


def _begun(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as it is before its first piece."""
    empty: dict[str, Json] = {
        "summary": [],
        "content": [],
        "arguments": "",
        "status": "in_progress",
    }
    return {key: empty.get(key, value) for key, value in item.items()}


def _key(item: dict[str, Any]) -> tuple[str, int]:
    """Return which deltas are an item's: their kind, and the number of the call."""
    if item["type"] == "function_call":
        return "call", int(item["id"].removeprefix("msg_f")[:-12])
    return ("reasoning" if item["type"] == "reasoning" else "text"), 0


def _place(item: dict[str, Any]) -> dict[str, Json]:
    places: dict[str, dict[str, Json]] = {
        "reasoning": {"summary_index": 0},
        "message": {"content_index": 0, "logprobs": []},
    }
    return places.get(item["type"], {})


def _whole(item: dict[str, Any]) -> dict[str, Json]:
    if item["type"] == "function_call":
        return {"arguments": item["arguments"], "name": item["name"]}
    parts = item["summary"] if item["type"] == "reasoning" else item["content"]
    return {"text": parts[0]["text"]}


def _usage(said: Said) -> dict[str, Any]:
    total = said.input_tokens + said.billed
    counts: dict[str, Any] = {"input_tokens": said.input_tokens, "output_tokens": said.billed}
    thought = {"reasoning_tokens": said.thought}
    details = {"output_tokens_details": thought} if said.reasoning is not None else {}
    media = {f"{medium}_tokens": count for medium, count in said.media.items()}
    detailed = {
        **counts,
        "total_tokens": total,
        **details,
        "prompt_tokens_details": {**cache_of(said), **media},
        "x_billing_type": "response_api",
    }
    return {
        **counts,
        **details,
        "input_tokens_details": {"cached_tokens": said.cached.read if said.cached else 0},
        "total_tokens": total,
        "x_details": [detailed],
    }
