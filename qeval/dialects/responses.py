"""The responses dialect: OpenAI-compatible responses, as far as the vendor's service heeds them.

What the service is known to ignore is not written, though its answer would echo it: `refusals`
tells of it. There is no `seed`, `n`, `stop`, `logprobs` nor a response format here.
"""
# ruff: noqa: D102  # what a stream does is told once, in `stream.Stream`

from __future__ import annotations

from qeval.dialects import media
from qeval.dialects.base import DIALECTS
from qeval.dialects.errors import Envelope, envelope
from qeval.dialects.outputs import Collected, response_of
from qeval.dialects.reading import LIMIT, document_of, is_stream, misshapen, text_of
from qeval.dialects.refusals import refuse
from qeval.dialects.sse import Event
from qeval.dialects.stream import Stream, run
from qeval.dialects.writing import STORED, instructions, wire, write_extra
from qeval.exchange import Answer, Message, Params, Part, Request, Response, Wire
from qeval.value import Json

_CACHED = ("x-dashscope-session-cache", "enable")
"""How this endpoint is asked for an explicit cache: for the session, not for a part."""
_LAST = frozenset({"response.completed", "response.incomplete"})
_DELTAS = {
    "response.output_text.delta": "text",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
    "response.function_call_arguments.delta": "call",
}
"""Both names of reasoning are documented, at different dates."""
_ENDS = {kind.removesuffix("delta") + "done": field for kind, field in _DELTAS.items()}
_OTHERS = (
    "response.created",
    "response.in_progress",
    "response.queued",
    "response.output_item.",
    "response.content_part.",
    "response.output_text.",
    "response.reasoning_",
    "response.function_call_arguments.",
    "response.web_search_call.",
    "response.code_interpreter_call",
    "response.file_search_call.",
    "response.mcp_",
    "response.custom_tool_call_input.",
)
"""Beginnings of events that say nothing of their own."""


class Responses:
    """`POST /responses`."""

    name = "responses"

    def write(self, request: Request) -> Wire:
        """Return the call. Parameters that are None are left to the endpoint's defaults.

        A system message at the front is sent as `instructions`, which the server does not carry
        over to a continued response, so that it can be said with each. One question in plain
        text is sent as text. Thinking is `enable_thinking`, an effort `reasoning.effort`.

        Raises:
            UsageError: The request asks for what has no form here.
        """
        refuse(request, self.name)
        apart = instructions(request.messages)
        body: dict[str, Json] = {"model": request.model}
        if apart:
            body["instructions"] = apart[0].content
        body["input"] = _input(request.messages[len(apart) :])
        if request.previous_response_id is not None:
            body["previous_response_id"] = request.previous_response_id
        _write_params(body, request.params)
        _write_tools(body, request)
        if request.params.stream:
            body["stream"] = True
        write_extra(body, request.params.extra)
        return wire("/responses", body, _headers(request))

    def read(self, answer: Answer, marks: list[int] | None = None) -> Response:
        """Return what the answer says, streamed or whole.

        Raises:
            StatusError: An error, by status or inside a 2xx body.
            ResponseError: No JSON, or not the shape of a response.
            TransportError: The body was cut.
        """
        if answer.body[:1] != b"{" and is_stream(answer):
            return run(self.stream(), answer, marks)
        document = document_of(answer, _failure)
        if not isinstance(document.get("output"), list):
            raise misshapen("has no output", answer.body)
        status = text_of(document.get("status"))
        if status in {"queued", "in_progress"}:
            raise misshapen(f"is not there yet: its status is {status}", answer.body)
        return response_of(document, answer)

    def stream(self, limit: int = LIMIT) -> ResponsesStream:
        """Return a reader of one streamed answer that holds at most so many bytes of it."""
        return ResponsesStream(limit)


class ResponsesStream(Stream):
    """Events: items that begin, go on and end, and at last the whole response."""

    def __init__(self, limit: int = LIMIT) -> None:
        super().__init__(limit)
        self._collected = Collected()
        self._last: dict[str, Json] | None = None
        self._begun = False

    def failure(self, name: str, data: dict[str, Json]) -> Envelope | None:
        kind = text_of(data.get("type")) or name
        if kind in {"response.failed", "response.cancelled"}:
            response = data.get("response")
            said = _failure(response) if isinstance(response, dict) else None
            return said or Envelope(message=f"the stream ended with {kind}", code="failed")
        if kind == "error" or name == "error" or data.get("error"):
            return envelope(data)
        return envelope(data) if data.get("code") and not kind else None

    def read(self, event: Event, data: dict[str, Json]) -> bool:
        kind = text_of(data.get("type")) or event.name
        field = _DELTAS.get(kind)
        if field is not None:
            self._begun = True
            return self._collected.add(field, data)
        field = _ENDS.get(kind)
        if field is not None:
            self._begun = True
            return self._collected.end(field, data)
        response = data.get("response")
        if isinstance(response, dict):
            self._begun = True
            if kind in _LAST:
                self._last = response
            self._collected.begin(response, event.size)
        elif kind in {"response.output_item.added", "response.output_item.done"}:
            self._begun = True
            self._collected.item(data, event.size)
        elif not kind.startswith(_OTHERS):
            self._collected.unknown(kind)
        return False

    @property
    def _started(self) -> bool:
        return self._begun

    @property
    def finished(self) -> bool:
        return self._last is not None

    @property
    def fault(self) -> str | None:
        if self._collected.held > self._limit:
            return f"holds an answer of more than {self._limit:,} bytes"
        return None

    def whole(self, answer: Answer) -> Response:
        return self._collected.whole(self._last, answer)


def _input(messages: tuple[Message, ...]) -> Json:
    if len(messages) == 1 and messages[0].role == "user" and isinstance(messages[0].content, str):
        return messages[0].content
    return [item for message in messages for item in _items(message)]


def _items(message: Message) -> list[Json]:
    """Return the items that stand for a message: its reasoning and calls have their own."""
    if message.role == "tool":
        return [
            {
                "type": "function_call_output",
                "call_id": message.tool_call_id,
                "output": message.text,
            }
        ]
    items: list[Json] = []
    if message.reasoning is not None:
        summary = [{"type": "summary_text", "text": message.reasoning}]
        items.append({"type": "reasoning", "summary": summary})
    if message.content or not message.tool_calls:
        items.append({"role": message.role, "content": _content(message)})
    items += [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in message.tool_calls
    ]
    return items


def _content(message: Message) -> Json:
    if isinstance(message.content, str):
        return message.content
    kind = "output_text" if message.role == "assistant" else "input_text"
    return [_part(part, kind) for part in message.content]


def _part(part: Part, kind: str) -> dict[str, Json]:
    media.check(part)
    if part.text is not None:
        return {"type": kind, "text": part.text}
    return {"type": "input_image", "image_url": part.image}


def _write_params(body: dict[str, Json], params: Params) -> None:
    if params.temperature is not None:
        body["temperature"] = params.temperature
    if params.top_p is not None:
        body["top_p"] = params.top_p
    if params.max_output_tokens is not None:
        body["max_output_tokens"] = params.max_output_tokens
    thinking = params.thinking
    if isinstance(thinking, bool):
        body["enable_thinking"] = thinking
    elif isinstance(thinking, str):
        body["reasoning"] = {"effort": thinking}


def _write_tools(body: dict[str, Json], request: Request) -> None:
    tools: list[Json] = [{"type": "function", **tool} for tool in request.tools]
    if request.params.search:
        tools.append({"type": "web_search"})
    if tools:
        body["tools"] = tools
    choice = request.params.tool_choice
    if choice in {"auto", "none", "required"}:
        body["tool_choice"] = choice
    elif choice is not None:
        body["tool_choice"] = _only(choice)


def _only(name: str) -> dict[str, Json]:
    """Return the choice of one tool: the tools are limited to it, and one of them is required.

    The service documents “an object limiting the allowed tools”, without its fields, and no
    object that names a tool. These fields are those of the OpenAI SDK's type of that meaning.
    Whether the service heeds `mode: required` in it is not settled.
    """
    return {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": name}],
    }


def _headers(request: Request) -> tuple[tuple[str, str], ...]:
    found: tuple[tuple[str, str], ...] = ()
    if media.stored(request.messages):
        found = (STORED,)
    if any(part.cache for part in media.parts(request)):
        found = (*found, _CACHED)
    return found


def _failure(document: dict[str, Json]) -> Envelope | None:
    """Return the error inside a 2xx body, if there is one."""
    if document.get("error") or (document.get("code") and not document.get("output")):
        return envelope(document)
    status = text_of(document.get("status"))
    if status in {"failed", "cancelled"}:
        message = text_of(document.get("message")) or f"the response was {status}"
        return Envelope(message=message, code=status)
    return None


RESPONSES = DIALECTS.register("responses")(Responses())
