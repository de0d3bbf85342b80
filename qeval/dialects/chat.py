"""The chat dialect: OpenAI-compatible chat completions with the vendor's extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from qeval.dialects import media
from qeval.dialects.base import DIALECTS
from qeval.dialects.reading import (
    CHOICE,
    COMPATIBLE,
    COMPLETION,
    LIMIT,
    content_of,
    dicts,
    document_of,
    failure_of,
    finish_of,
    is_stream,
    misshapen,
    partial,
    rest,
    text_of,
    tool_calls,
    unnamed_message,
    unnamed_usage,
    usage_of,
)
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

if TYPE_CHECKING:
    from qeval.dialects.stream import Stream


class Chat:
    """`POST /chat/completions`."""

    name = "chat"

    def write(self, request: Request) -> Wire:
        """Return the call. Parameters that are None are left to the endpoint's defaults.

        A stream is asked for its usage, which comes in a chunk of its own.

        Raises:
            UsageError: A medium is a path, or a response is to be continued.
        """
        if request.previous_response_id is not None:  # all else can be said here
            from qeval.dialects.refusals import refuse

            refuse(request, self.name)
        body: dict[str, Json] = {
            "model": request.model,
            "messages": [_message(message) for message in request.messages],
        }
        write_params(body, request.params)
        write_wanted(body, request)
        if request.params.stream:
            body.update(stream=True, stream_options={"include_usage": True})
        write_extra(body, request.params.extra)
        headers = (STORED,) if media.stored(request.messages) else ()
        return wire("/chat/completions", body, headers)

    def read(self, answer: Answer, marks: list[int] | None = None) -> Response:
        """Return what the answer says, streamed or whole; other choices are its `others`.

        Raises:
            StatusError: An error, by status or inside a 2xx body.
            ResponseError: No JSON, or not the shape of a completion.
            TransportError: The body was cut.
        """
        if answer.body[:1] != b"{" and is_stream(answer):
            from qeval.dialects.stream import run

            return run(self.stream(), answer, marks)
        document = document_of(answer, failure_of)
        choices = document.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise misshapen("has no choices", answer.body)
        if len(choices) == 1:
            return _response(document, choices[0], answer)
        first, *others = dicts(choices)
        shared = {key: value for key, value in document.items() if key in {"model", "id"}}
        rest_of = [_response(shared, other, answer) for other in others]
        return msgspec.structs.replace(_response(document, first, answer), others=tuple(rest_of))

    def stream(self, limit: int = LIMIT) -> Stream:
        """Return a reader of one streamed answer that holds at most so many bytes of it."""
        from qeval.dialects.chat_stream import ChatStream  # a replay of whole answers needs none

        return ChatStream(limit)


def _message(message: Message) -> dict[str, Json]:
    content = message.content
    if not isinstance(content, str):
        return write_message(message, [_part(part) for part in content])
    return write_message(message, content)


def _part(part: Part) -> dict[str, Json]:
    media.check(part)
    beside = media.options(part)
    if part.text is not None:
        return {"type": "text", "text": part.text, **beside}
    if part.image is not None:
        return {"type": "image_url", "image_url": {"url": part.image}, **beside}
    if isinstance(part.video, str):
        return {"type": "video_url", "video_url": {"url": part.video}, **beside}
    if part.video is not None:
        return {"type": "video", "video": part.video, **beside}
    sound: dict[str, Json] = {"data": part.audio}
    known = media.sound_format(part.audio or "")
    if known is not None:
        sound["format"] = known
    return {"type": "input_audio", "input_audio": sound, **beside}


def _response(document: dict[str, Json], choice: dict[str, Json], answer: Answer) -> Response:
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
        usage=usage_of(document.get("usage"), COMPATIBLE),
        model=text_of(document.get("model")),
        id=text_of(document.get("id")),
        truncated=finish == "length" or partial(answer),
        extra=_extra(document, choice, message),
    )


def _extra(
    document: dict[str, Json], choice: dict[str, Json], message: dict[str, Json]
) -> dict[str, Json]:
    """Collect what has no word of ours: by level, nulls and empty values left out."""
    extra = rest(document, COMPLETION)
    beside = rest(choice, CHOICE)
    if beside:
        extra["choice"] = beside
    inside = unnamed_message(message)
    if inside:
        extra["message"] = inside
    usage = unnamed_usage(document.get("usage"), COMPATIBLE)
    if usage:
        extra["usage"] = usage
    return extra


CHAT = DIALECTS.register("chat")(Chat())
