"""The official SDK as the judge of our chat dialect: what it sends, and what it understands."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Protocol

import pytest

from qeval.dialects.chat import CHAT
from qeval.exchange import Answer, Message, Params, Place, Request, ToolCall
from qeval.transport.hosts import Resolved
from qeval.transport.live import Live

openai = pytest.importorskip("openai")

ASK = [{"role": "user", "content": "What is the capital of France?"}]
OURS = (Message(role="user", content="What is the capital of France?"),)
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FULL = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1790000000,
    "model": "qwen3.6-plus",
    "system_fingerprint": None,
    "service_tier": None,
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": None,
            "message": {
                "role": "assistant",
                "content": "Let me look.",
                "reasoning_content": "The user wants weather.",
                "tool_calls": [
                    {
                        "index": 0,
                        "id": "call_a1",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
                    }
                ],
            },
        }
    ],
    "usage": {
        "prompt_tokens": 17,
        "completion_tokens": 60,
        "total_tokens": 77,
        "prompt_tokens_details": {"cached_tokens": 5, "text_tokens": 17, "audio_tokens": None},
        "completion_tokens_details": {"reasoning_tokens": 55, "text_tokens": 5},
    },
}


class Server(Protocol):
    url: str
    seen: list[Any]

    def says(self, *answers: Any) -> None: ...


def http(document: Any) -> list[bytes]:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return [f"{head}\r\n\r\n".encode() + body]


def by_sdk(url: str, call: dict[str, Any]) -> Any:
    with openai.OpenAI(base_url=url, api_key="sk-test", max_retries=0) as client:
        return client.chat.completions.create(**call)


def by_us(url: str, request: Request) -> Answer:
    async def main() -> Answer:
        live = Live(lambda: Resolved(base_url=url, key="sk-test"))
        try:
            return await live.send(CHAT.write(request), Place(case="c", scenario="s", trial=0))
        finally:
            await live.aclose()

    return asyncio.run(main())


CALLS: dict[str, tuple[dict[str, Any], Request]] = {
    "plain": ({"messages": ASK}, Request(model="qwen-plus", messages=OURS)),
    "sampling": (
        {
            "messages": ASK,
            "temperature": 0.7,
            "top_p": 0.8,
            "presence_penalty": 1.5,
            "seed": 7,
            "max_tokens": 80,
            "stop": ["\n\n", "END"],
            "extra_body": {"top_k": 20, "repetition_penalty": 1.05, "enable_thinking": False},
        },
        Request(
            model="qwen-plus",
            messages=OURS,
            params=Params(
                temperature=0.7,
                top_p=0.8,
                top_k=20,
                presence_penalty=1.5,
                repetition_penalty=1.05,
                seed=7,
                max_output_tokens=80,
                stop=("\n\n", "END"),
                thinking=False,
            ),
        ),
    ),
    "thinking-budget": (
        {"messages": ASK, "extra_body": {"enable_thinking": True, "thinking_budget": 500}},
        Request(model="qwen-plus", messages=OURS, params=Params(thinking=500)),
    ),
    "json": (
        {"messages": ASK, "response_format": {"type": "json_object"}},
        Request(model="qwen-plus", messages=OURS, response_format="json"),
    ),
    "schema": (
        {
            "messages": ASK,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "place", "schema": SCHEMA, "strict": True},
            },
        },
        Request(
            model="qwen-plus",
            messages=OURS,
            response_format={"schema": SCHEMA, "name": "place", "strict": True},
        ),
    ),
    "tools": (
        {
            "messages": ASK,
            "tools": [{"type": "function", "function": WEATHER}],
            "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
            "parallel_tool_calls": True,
        },
        Request(
            model="qwen-plus",
            messages=OURS,
            tools=(WEATHER,),
            params=Params(tool_choice="get_weather", parallel_tool_calls=True),
        ),
    ),
    "conversation": (
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                *ASK,
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [
                        {
                            "id": "call_a1",
                            "type": "function",
                            "function": {"name": "get_weather", "arguments": "{}"},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_a1", "content": "Sun — 21 °C"},
            ]
        },
        Request(
            model="qwen-plus",
            messages=(
                Message(role="system", content="Be brief."),
                *OURS,
                Message(
                    role="assistant",
                    tool_calls=(ToolCall(id="call_a1", name="get_weather", arguments="{}"),),
                ),
                Message(role="tool", tool_call_id="call_a1", content="Sun — 21 °C"),
            ),
        ),
    ),
    "extensions": (
        {
            "messages": ASK,
            "logprobs": True,
            "top_logprobs": 3,
            "n": 2,
            "extra_body": {
                "enable_search": True,
                "search_options": {"forced_search": True},
                "vl_high_resolution_images": True,
            },
        },
        Request(
            model="qwen-plus",
            messages=OURS,
            params=Params(
                logprobs=3,
                n=2,
                search={"forced_search": True},
                extra={"vl_high_resolution_images": True},
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_our_body_equals_the_sdks_field_for_field(loopback: Server, name: str) -> None:
    call, request = CALLS[name]
    loopback.says(http(FULL))

    by_sdk(loopback.url, {"model": "qwen-plus", **call})
    by_us(loopback.url, request)

    theirs, ours = loopback.seen
    assert ours.json == theirs.json
    assert (ours.method, ours.path) == (theirs.method, theirs.path)
    for header in ("authorization", "content-type"):
        assert ours.headers[header] == theirs.headers[header]


def variants() -> dict[str, Any]:
    minimal = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "qwen-plus",
        "choices": [
            {
                "index": 0,
                "finish_reason": "length",
                "message": {"role": "assistant", "content": "Par"},
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8},
    }
    null = json.loads(json.dumps(FULL))
    null["choices"][0]["message"]["content"] = None
    bare = {**minimal, "usage": None}
    return {"full": FULL, "minimal": minimal, "null-content": null, "no-usage": bare}


@pytest.mark.parametrize("name", variants())
def test_our_reading_agrees_with_the_sdks(loopback: Server, name: str) -> None:
    loopback.says(http(variants()[name]))

    theirs = by_sdk(loopback.url, {"model": "qwen-plus", "messages": ASK})
    ours = CHAT.read(by_us(loopback.url, Request(model="qwen-plus", messages=OURS)))

    message, usage = theirs.choices[0].message, theirs.usage
    assert ours.text == (message.content or "")
    assert ours.reasoning == getattr(message, "reasoning_content", None)
    assert (ours.finish_reason, ours.model, ours.id) == (
        theirs.choices[0].finish_reason,
        theirs.model,
        theirs.id,
    )
    calls = [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or ()]
    assert [(call.id, call.name, call.arguments) for call in ours.tool_calls] == calls
    assert ours.usage.input_tokens == getattr(usage, "prompt_tokens", None)
    assert ours.usage.output_tokens == getattr(usage, "completion_tokens", None)
    assert ours.usage.total_tokens == getattr(usage, "total_tokens", None)
    details = getattr(usage, "completion_tokens_details", None)
    assert ours.usage.reasoning_tokens == getattr(details, "reasoning_tokens", None)
    prompt = getattr(usage, "prompt_tokens_details", None)
    assert ours.usage.cached_input_tokens == getattr(prompt, "cached_tokens", None)
