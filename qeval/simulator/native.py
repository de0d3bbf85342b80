"""The two native dialects from the server's side: text and multimodal generation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from qeval.exchange import Message
from qeval.simulator.asked import Ask, Form, Said
from qeval.simulator.base import (
    Frame,
    Headers,
    Quirks,
    call_of,
    check_route,
    decode,
)
from qeval.simulator.messages import read_messages
from qeval.simulator.native_frames import NativeFrames, add_findings, content_of, usage_of
from qeval.simulator.parameters import check_ranges, model_of, read_parameters
from qeval.simulator.pieces import Delta
from qeval.simulator.refusals import Refusal, encode, flat, invalid
from qeval.value import Json


class Native:
    """`POST …/generation` of one service.

    Args:
        name: The dialect's name.
        service: The part of the path that names it.
    """

    inside = True

    def __init__(self, name: str, service: str) -> None:
        self.name = name
        self.paths: tuple[str, ...] = (f"/api/v1/services/aigc/{service}/generation",)
        self._listed = name == "dashscope-multimodal"

    def streams(self, body: bytes, headers: Headers) -> bool:  # noqa: ARG002 - the protocol's
        """Return whether a stream is asked for: by a header."""
        return headers.get("x-dashscope-sse") == "enable" or "text/event-stream" in headers.get(
            "accept", ""
        )

    def read(self, body: bytes, headers: Headers) -> Ask:
        """Understand a request.

        Raises:
            Refusal: The service would refuse it.
        """
        sent = decode(body)
        parameters = sent.get("parameters") or {}
        if not isinstance(parameters, dict):
            raise Refusal("Field required: parameters is an object")
        check_ranges(parameters)
        model = model_of(sent)
        check_route(model, self.name)
        messages = self._messages(sent.get("input"))
        stream = self.streams(body, headers)
        fields = read_parameters(parameters, model, messages, stream=stream)
        form = self._form(parameters, stream=stream, wide=fields["tools"] or fields["thinking"])
        if fields["thinking"] and stream and not form.incremental:
            raise invalid(
                'The incremental_output parameter must be "true" when enable_thinking is true'
            )
        return Ask(model=model, messages=messages, form=form, **fields)

    def _form(self, parameters: dict[str, Any], *, stream: bool, wide: Any) -> Form:
        """Return how to answer; a `wide` answer does not fit into the form of text alone."""
        wanted = parameters.get("result_format") or ("message" if wide else "text")
        plain = wanted != "message" and not self._listed
        if plain and wide:
            raise invalid('The result_format parameter must be "message" with tools or thinking')
        incremental = parameters.get("incremental_output") is True
        return Form(stream=stream, incremental=incremental, plain=plain)

    def _messages(self, sent: Any) -> tuple[Message, ...]:
        if not isinstance(sent, dict):
            raise Refusal("Required parameter(s) missing or invalid: input")
        prompt = sent.get("prompt")
        if "messages" not in sent and isinstance(prompt, str) and not self._listed:
            return (Message(role="user", content=prompt),)
        messages = read_messages(sent.get("messages"))
        if not self._listed and any(not isinstance(one.content, str) for one in messages):
            raise invalid("Input should be a valid string: input.messages.content")
        return messages

    def write(self, said: Said, ask: Ask) -> bytes:
        """Return the body of a whole answer."""
        output: dict[str, Json]
        if ask.form.plain:
            output = {"text": said.text, "finish_reason": said.finish_reason}
        else:
            output = {"choices": [self._choice(said, n) for n in range(len(said.all))]}
        usage = usage_of(said, said.billed, said.thought, listed=self._listed)
        return encode({"output": output, "usage": usage, "request_id": said.identity})

    def _choice(self, said: Said, index: int) -> dict[str, Json]:
        one = said.all[index]
        message: dict[str, Json] = {
            "role": "assistant",
            "content": content_of(one.text, listed=self._listed),
        }
        if one.reasoning is not None:
            message["reasoning_content"] = one.reasoning
        if one.calls:
            message["tool_calls"] = [call_of(one, number) for number in range(len(one.calls))]
        add_findings(message, one, listed=self._listed)
        choice: dict[str, Json] = {"finish_reason": one.finish_reason, "message": message}
        if one.logprobs is not None:
            choice["logprobs"] = {"content": list(one.logprobs)}
        return {"index": index, **choice} if said.others else choice

    def frames(
        self, said: Said, ask: Ask, deltas: Iterable[Delta], quirks: Quirks
    ) -> Iterator[Frame]:
        """Return the frames of a streamed answer."""
        return NativeFrames(said, ask.form, quirks, listed=self._listed).write(deltas)

    def error(self, error: Refusal, identity: str) -> bytes:
        """Return the body of an error: the flat envelope."""
        return flat(error, identity)

    def failed(self, error: Refusal, identity: str) -> bytes:
        """Return an error inside a stream, which names its status itself."""
        return b"id:1\nevent:error\n:HTTP_STATUS/%d\ndata:%s\n\n" % (
            error.status,
            flat(error, identity),
        )
