"""The two native dialects of DashScope: text generation and multimodal generation.

They share envelope, parameters, errors and streams. They differ in the path, and in that a
content is text in the one and a list of parts in the other.
"""
# ruff: noqa: D102  # what a stream does is told once, in `stream.Stream`

from __future__ import annotations

import msgspec

from qeval.dialects import media
from qeval.dialects.base import DIALECTS, Dialect
from qeval.dialects.errors import Envelope, envelope
from qeval.dialects.pieces import Mode
from qeval.dialects.reading import (
    CHOICE,
    LIMIT,
    NATIVE,
    content_of,
    dicts,
    document_of,
    finish_of,
    is_stream,
    levels,
    misshapen,
    partial,
    rest,
    text_of,
    tool_calls,
    unnamed_message,
    unnamed_usage,
    usage_of,
)
from qeval.dialects.refusals import refuse
from qeval.dialects.sse import Event
from qeval.dialects.stream import ChoiceStream, run
from qeval.dialects.writing import (
    STORED,
    wire,
    write_extra,
    write_message,
    write_params,
    write_wanted,
)
from qeval.exchange import Answer, Message, Part, Request, Response, Wire
from qeval.value import Json

_TOP = frozenset({"output", "usage", "request_id"})
_OUTPUT = frozenset({"choices", "text", "finish_reason"})
_ENVELOPE = frozenset({"status_code", "code", "message"})
"""What the vendor's own client adds to answers, and what is empty where nothing failed."""

_STREAM = (("accept", "text/event-stream"), ("x-dashscope-sse", "enable"))


class Native:
    """`POST …/generation` of one service.

    Args:
        name: The dialect's name.
        path: Below the base address.
        incremental: Whether streams were asked for in increments; None: nobody knows.
    """

    def __init__(self, name: str, path: str, *, incremental: bool | None = None) -> None:
        self.name = name
        self._path = path
        self._incremental = incremental
        self._multimodal = name == "dashscope-multimodal"

    def write(self, request: Request) -> Wire:
        """Return the call. Parameters that are None are left to the endpoint's defaults.

        A text answer is asked for as a message, which thinking and tools need. A stream is asked
        for in increments, which thinking needs; `extra: {incremental_output: false}` changes it.

        Raises:
            UsageError: A medium is a path or this is the text service, or a response is to be
                continued.
        """
        refuse(request, self.name)
        parameters: dict[str, Json] = {}
        if not self._multimodal:
            parameters["result_format"] = "message"
        if request.params.stream:
            parameters["incremental_output"] = True
        write_params(parameters, request.params)
        write_wanted(parameters, request)
        write_extra(parameters, request.params.extra)
        body: dict[str, Json] = {
            "model": request.model,
            "input": {"messages": [self._message(message) for message in request.messages]},
            "parameters": parameters,
        }
        headers = _STREAM if request.params.stream else ()
        if media.stored(request.messages):
            headers = (*headers, STORED)
        return wire(self._path, body, headers)

    def _message(self, message: Message) -> dict[str, Json]:
        content = message.content
        if not self._multimodal:
            return write_message(message, message.text)
        if isinstance(content, str):
            return write_message(message, [{"text": content}] if content else [])
        return write_message(message, [_part(part) for part in content])

    def read(self, answer: Answer, marks: list[int] | None = None) -> Response:
        """Return what the answer says, streamed or whole; other choices are its `others`.

        Raises:
            StatusError: An error, by status or inside a 2xx body.
            ResponseError: No JSON, or not the shape of a generation.
            TransportError: The body was cut.
        """
        if answer.body[:1] != b"{" and is_stream(answer):
            return run(self.stream(), answer, marks)
        document = document_of(answer, _failure)
        return _response(document, answer)

    def stream(self, limit: int = LIMIT) -> NativeStream:
        """Return a reader of one streamed answer that holds at most so many bytes of it."""
        return NativeStream(limit, Mode(asked=self._incremental))

    def answering(self, request: Request) -> Dialect:
        """Return what reads the answer to a request: it knows how a stream was asked to count."""
        asked = request.params.extra.get("incremental_output", True)
        return Native(self.name, self._path, incremental=asked is not False)


class NativeStream(ChoiceStream):
    """Frames, each with what is new in each choice, or with all of it so far."""

    spelling = NATIVE

    def failure(self, name: str, data: dict[str, Json]) -> Envelope | None:
        return envelope(data) if name == "error" else _failure(data)

    def read(self, event: Event, data: dict[str, Json]) -> bool:
        self.name(None, data.get("request_id"))
        self.count(data.get("usage"))
        self.keep(rest(data, _TOP | _ENVELOPE), event.size)
        output = data.get("output")
        if not isinstance(output, dict):
            return False
        beside = rest(output, _OUTPUT)
        if beside:
            self.keep({"output": beside}, event.size)
        said = False
        for position, choice in enumerate(_choices(output)):
            said = self.take(choice, position, event.size) or said
        return said


def _part(part: Part) -> dict[str, Json]:
    media.check(part)
    beside = media.options(part)
    if part.text is not None:
        return {"text": part.text, **beside}
    if part.image is not None:
        return {"image": part.image, **beside}
    if part.video is not None:
        return {"video": part.video, **beside}
    return {"audio": part.audio, **beside}


def _failure(document: dict[str, Json]) -> Envelope | None:
    """Return the error inside a 2xx body: any code that is not empty is one."""
    if document.get("error") or document.get("code"):
        return envelope(document)
    return None


def _choices(output: dict[str, Json]) -> list[dict[str, Json]]:
    """Return the choices; the older form has a text and its end beside each other."""
    found = dicts(output.get("choices"))
    if found:
        return found
    if isinstance(output.get("text"), str):
        message = {"role": "assistant", "content": output["text"]}
        return [{"finish_reason": output.get("finish_reason"), "message": message}]
    return []


def _response(document: dict[str, Json], answer: Answer) -> Response:
    output = document.get("output")
    choices = _choices(output) if isinstance(output, dict) else []
    if not choices or not isinstance(output, dict):
        raise misshapen("has no choices", answer.body)
    identity = text_of(document.get("request_id"))
    first, *others = [_choice(choice, identity, answer) for choice in choices]
    usage = document.get("usage")
    extra = levels(
        rest(document, _TOP | _ENVELOPE),
        output=rest(output, _OUTPUT),
        usage=unnamed_usage(usage, NATIVE),
    )
    return msgspec.structs.replace(
        first,
        usage=usage_of(usage, NATIVE),
        others=tuple(others),
        extra={**extra, **first.extra},
    )


def _choice(choice: dict[str, Json], identity: str | None, answer: Answer) -> Response:
    message = choice.get("message")
    if not isinstance(message, dict):
        raise misshapen("has no message", answer.body)
    text = content_of(message.get("content"))
    if text is None:
        raise misshapen("has a content that is not text", answer.body)
    finish = finish_of(choice.get("finish_reason"))
    return Response(
        text=text,
        reasoning=text_of(message.get("reasoning_content")),
        tool_calls=tool_calls(message.get("tool_calls"), answer.body),
        finish_reason=finish,
        id=identity,
        truncated=finish == "length" or partial(answer),
        extra=levels({}, choice=rest(choice, CHOICE), message=unnamed_message(message)),
    )


DASHSCOPE_TEXT = DIALECTS.register("dashscope-text")(
    Native("dashscope-text", "/services/aigc/text-generation/generation")
)
DASHSCOPE_MULTIMODAL = DIALECTS.register("dashscope-multimodal")(
    Native("dashscope-multimodal", "/services/aigc/multimodal-generation/generation")
)
