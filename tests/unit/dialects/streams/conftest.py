"""One answer, in the pieces in which it streams, as each of four dialects would send it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from qeval.dialects.base import DIALECTS
from qeval.exchange import Answer, Response, ToolCall, Usage
from qeval.value import Value

NAMES = ("chat", "responses", "dashscope-text", "dashscope-multimodal")
USAGE = Usage(
    input_tokens=17,
    output_tokens=60,
    total_tokens=77,
    cached_input_tokens=0,
    reasoning_tokens=5,
)


class Said(Value):
    """An answer, in the pieces in which it streams."""

    reasoning: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(name, pieces of arguments) each."""
    finish: str = "stop"

    @property
    def expected(self) -> Response:
        return Response(
            text="".join(self.text),
            reasoning="".join(self.reasoning) or None,
            tool_calls=tuple(
                ToolCall(id=f"call_{i}", name=name, arguments="".join(pieces))
                for i, (name, pieces) in enumerate(self.calls)
            ),
            finish_reason=self.finish,
            usage=USAGE,
        )


WEATHER = Said(
    reasoning=("The user", " wants Zürich."),
    text=("Let me ", "look: ", "天气", "."),
    calls=(("get_weather", ('{"city":', ' "Zürich"}')),),
    finish="tool_calls",
)


class Spoken:
    """A dialect: how an answer looks in it, and what we read there."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, body: str | bytes, marks: list[int] | None = None, **came: Any) -> Response:
        encoded = body if isinstance(body, bytes) else body.encode()
        return DIALECTS.get(self.name).read(
            Answer(**{"status": 200, "body": encoded, **came}), marks
        )

    def stream(self, *limit: int) -> Any:
        """What reads a stream piece by piece."""
        dialect: Any = DIALECTS.get(self.name)
        return dialect.stream(*limit)

    @staticmethod
    def same(response: Response) -> Response:
        """What every dialect says alike."""
        return Response(
            text=response.text,
            reasoning=response.reasoning,
            tool_calls=response.tool_calls,
            finish_reason=response.finish_reason,
            usage=response.usage,
        )

    def whole(self, said: Said) -> str:
        """The answer as one body."""
        one = said.expected
        if self.name == "responses":
            return dump(response_of(said))
        message: dict[str, Any] = {"role": "assistant", "content": one.text}
        if self.name == "dashscope-multimodal":
            message["content"] = [{"text": one.text}] if one.text else []
        if one.reasoning:
            message["reasoning_content"] = one.reasoning
        calls = [call_of(i, c.name, c.arguments) for i, c in enumerate(one.tool_calls)]
        message["tool_calls"] = calls
        choices = [{"index": 0, "finish_reason": said.finish, "message": message}]
        usage = usage_of(self.name)
        if self.name == "chat":
            return dump({"id": "c-1", "choices": choices, "usage": usage})
        return dump({"request_id": "r-1", "output": {"choices": choices}, "usage": usage})

    def streamed(self, said: Said) -> str:
        """The answer as a stream."""
        if self.name == "chat":
            return f"{self.frames(*chat_documents(said))}data: [DONE]\n\n"
        if self.name == "responses":
            return self.frames(*response_documents(said))
        return self.frames(*native_documents(said, self.name))

    def frames(self, *documents: dict[str, Any]) -> str:
        """Documents of a stream, as the dialect writes it."""
        if self.name == "chat":
            return "".join(f"data: {dump(document)}\n\n" for document in documents)
        return "".join(
            f"id:{number}\nevent:{document.get('type', 'result')}\n:HTTP_STATUS/200\n"
            f"data:{dump(document)}\n\n"
            for number, document in enumerate(documents, 1)
        )


def dump(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


def usage_of(dialect: str) -> dict[str, Any]:
    inputs, outputs = ("prompt", "completion") if dialect == "chat" else ("input", "output")
    cached = "input" if dialect == "responses" else "prompt"
    return {
        f"{inputs}_tokens": 17,
        f"{outputs}_tokens": 60,
        "total_tokens": 77,
        f"{cached}_tokens_details": {"cached_tokens": 0},
        f"{outputs}_tokens_details": {"reasoning_tokens": 5},
    }


def call_of(index: int, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


def deltas(said: Said) -> Iterator[dict[str, Any]]:
    for piece in said.reasoning:
        yield {"content": "", "reasoning_content": piece}
    for piece in said.text:
        yield {"content": piece, "reasoning_content": ""}
    for i, (name, pieces) in enumerate(said.calls):
        for n, piece in enumerate(pieces or ("",)):
            call = call_of(i, name, piece)
            if n:
                call = {"index": i, "id": "", "function": {"arguments": piece}}
            yield {"content": "", "tool_calls": [call]}


def chat_documents(said: Said) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"delta": delta, "index": 0, "logprobs": None, "finish_reason": finish}
        return {"id": "c-1", "choices": [choice], "usage": None}

    yield chunk({"content": "", "role": "assistant"})
    for delta in deltas(said):
        yield chunk(delta)
    yield chunk({"content": ""}, said.finish)
    yield {"id": "c-1", "choices": [], "usage": usage_of("chat")}


def native_documents(said: Said, dialect: str) -> Iterator[dict[str, Any]]:
    listed = dialect == "dashscope-multimodal"
    every = [*deltas(said), {"content": "", "reasoning_content": ""}]
    for number, delta in enumerate(every, 1):
        text = delta["content"]
        message = {"role": "assistant", **delta}
        if listed:
            message["content"] = [{"text": text}] if text else []
        finish = said.finish if number == len(every) else "null"
        usage = usage_of(dialect)
        if number < len(every):
            usage = {"input_tokens": 17, "output_tokens": number}
        output = {"choices": [{"message": message, "finish_reason": finish}]}
        yield {"output": output, "usage": usage, "request_id": "r-1"}


def response_of(said: Said) -> dict[str, Any]:
    one = said.expected
    items: list[dict[str, Any]] = []
    if one.reasoning:
        summary = [{"type": "summary_text", "text": one.reasoning}]
        items.append({"id": "msg_r", "type": "reasoning", "summary": summary})
    if one.text:
        content = [{"type": "output_text", "text": one.text, "annotations": []}]
        items.append({"id": "msg_m", "type": "message", "content": content})
    for i, call in enumerate(one.tool_calls):
        own = {"id": f"fc_{i}", "type": "function_call", "call_id": call.id}
        items.append({**own, "name": call.name, "arguments": call.arguments})
    status = "incomplete" if said.finish == "length" else "completed"
    return {"id": "resp_1", "status": status, "output": items, "usage": usage_of("responses")}


def response_documents(said: Said) -> Iterator[dict[str, Any]]:
    number = 0

    def event(kind: str, **fields: Any) -> dict[str, Any]:
        nonlocal number
        number += 1
        return {"type": kind, "sequence_number": number, **fields}

    done = response_of(said)
    started = {"id": "resp_1", "status": "queued", "output": []}
    yield event("response.created", response=started)
    for place, item in enumerate(done["output"]):
        empty = {key: value for key, value in item.items() if key not in {"content", "summary"}}
        if "arguments" in empty:
            empty["arguments"] = ""
        yield event("response.output_item.added", output_index=place, item=empty)
        kind, pieces = pieces_of(said, item)
        for piece in pieces:
            yield event(kind, item_id=item["id"], output_index=place, delta=piece)
        yield event("response.output_item.done", output_index=place + 1, item=item)
    yield event(f"response.{done['status']}", response=done)


def pieces_of(said: Said, item: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    if item["type"] == "reasoning":
        return "response.reasoning_summary_text.delta", said.reasoning
    if item["type"] == "message":
        return "response.output_text.delta", said.text
    number = int(item["id"].removeprefix("fc_"))
    return "response.function_call_arguments.delta", said.calls[number][1]


# They outlive a test, for hypothesis runs it many times over.


@pytest.fixture(scope="session")
def weather() -> Said:
    return WEATHER


@pytest.fixture(scope="session")
def dialects() -> dict[str, Spoken]:
    return {name: Spoken(name) for name in NAMES}


@pytest.fixture(scope="module", params=NAMES)
def dialect(dialects: dict[str, Spoken], request: pytest.FixtureRequest) -> Spoken:
    return dialects[request.param]
