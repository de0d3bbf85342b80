"""The chat dialect from the server's side: request body → Ask, answer → body or chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from qeval.simulator.asked import Ask, Form, Said
from qeval.simulator.base import Frame, Headers, Quirks, cache_of, call_of, decode, fragment, loose
from qeval.simulator.messages import read_messages
from qeval.simulator.parameters import check_ranges, model_of, read_parameters
from qeval.simulator.pieces import Delta
from qeval.simulator.refusals import Refusal, encode, nested
from qeval.value import Json


class Chat:
    """`POST …/chat/completions`."""

    name = "chat"
    paths: tuple[str, ...] = ("/compatible-mode/v1/chat/completions", "/v1/chat/completions")
    inside = False

    def streams(self, body: bytes, headers: Headers) -> bool:  # noqa: ARG002 - the protocol's
        """Return whether a stream is asked for."""
        return (loose(body) or {}).get("stream") is True

    def read(self, body: bytes, headers: Headers) -> Ask:  # noqa: ARG002 - the protocol's
        """Understand a request.

        Raises:
            Refusal: The service would refuse it.
        """
        sent = decode(body)
        check_ranges(sent)
        model = model_of(sent)
        messages = read_messages(sent.get("messages"))
        stream = sent.get("stream") is True
        options = sent.get("stream_options")
        usage = isinstance(options, dict) and options.get("include_usage") is True
        fields = read_parameters(sent, model, messages, stream=stream)
        form = Form(stream=stream, usage=usage)
        return Ask(model=model, messages=messages, form=form, **fields)

    def write(self, said: Said, ask: Ask) -> bytes:
        """Return the body of a whole answer."""
        body = {
            "choices": [_choice(one, index) for index, one in enumerate(said.all)],
            "object": "chat.completion",
            "usage": _usage(said),
            "created": said.created,
            "system_fingerprint": None,
            "model": ask.model,
            "id": f"chatcmpl-{said.identity}",
        }
        return encode(body)

    def frames(
        self, said: Said, ask: Ask, deltas: Iterable[Delta], quirks: Quirks
    ) -> Iterator[Frame]:
        """Return the chunks: role, pieces, finish reasons, usage where it is asked for, end."""
        unfinished = "null" if "null_text" in quirks else None
        end = b"\n" if "no_blank_lines" in quirks else b"\n\n"
        thinks = said.reasoning is not None

        def chunk(choices: list[Json], *, says: bool = False, usage: Json = None) -> Frame:
            body = {
                "choices": choices,
                "object": "chat.completion.chunk",
                "usage": usage,
                "created": said.created,
                "system_fingerprint": None,
                "model": ask.model,
                "id": f"chatcmpl-{said.identity}",
            }
            return Frame(b"data: " + encode(body) + end, says)

        for index in range(len(said.all)):
            delta: dict[str, Json] = {"content": "", "role": "assistant"}
            if thinks:
                delta = {"content": None, "reasoning_content": "", "role": "assistant"}
            yield chunk([_piece(index, delta, unfinished)])
        for one in deltas:
            logprobs = None if one.logprobs is None else {"content": list(one.logprobs)}
            delta = _delta(said, one, quirks)
            yield chunk([_piece(one.choice, delta, unfinished, logprobs)], says=True)
        for index, each in enumerate(said.all):
            delta = {"content": "", "reasoning_content": None} if thinks else {"content": ""}
            if each.annotations:
                delta["annotations"] = list(each.annotations)
            yield chunk([_piece(index, delta, each.finish_reason)])
        if ask.form.usage:
            yield chunk([], usage=_usage(said))
        yield Frame(b"data: [DONE]" + end)

    def error(self, error: Refusal, identity: str) -> bytes:
        """Return the body of an error: the nested envelope."""
        return nested(error, identity)

    def failed(self, error: Refusal, identity: str) -> bytes:
        """Return an error inside a stream: the same envelope as a chunk."""
        return b"data: " + nested(error, identity) + b"\n\n"


def _choice(said: Said, index: int) -> dict[str, Json]:
    message: dict[str, Json] = {"role": "assistant", "content": said.text}
    if said.reasoning is not None:
        message["reasoning_content"] = said.reasoning
    if said.calls:
        message["tool_calls"] = [call_of(said, number) for number in range(len(said.calls))]
    if said.annotations:
        message["annotations"] = list(said.annotations)
    logprobs = None if said.logprobs is None else {"content": list(said.logprobs)}
    return {
        "finish_reason": said.finish_reason,
        "index": index,
        "logprobs": logprobs,
        "message": message,
    }


def _piece(index: int, delta: Json, finish: str | None, logprobs: Json = None) -> dict[str, Json]:
    return {"finish_reason": finish, "delta": delta, "index": index, "logprobs": logprobs}


def _delta(said: Said, delta: Delta, quirks: Quirks) -> dict[str, Any]:
    if delta.kind == "reasoning":
        return {"content": None, "reasoning_content": delta.piece}
    if delta.kind == "text":
        told = {"content": delta.piece}
        return told if said.reasoning is None else {**told, "reasoning_content": None}
    return {"content": None, "tool_calls": [fragment(said.all[delta.choice], delta, quirks)]}


def _usage(said: Said) -> dict[str, Json]:
    details = cache_of(said)
    if said.media:
        details["text_tokens"] = said.input_tokens - sum(said.media.values())
        details.update({f"{medium}_tokens": count for medium, count in said.media.items()})
    usage: dict[str, Json] = {
        "prompt_tokens": said.input_tokens,
        "completion_tokens": said.billed,
        "total_tokens": said.input_tokens + said.billed,
        "prompt_tokens_details": details,
    }
    if said.reasoning is not None:
        spoken = said.billed - said.thought
        usage["completion_tokens_details"] = {
            "reasoning_tokens": said.thought,
            "text_tokens": spoken,
        }
    return usage
