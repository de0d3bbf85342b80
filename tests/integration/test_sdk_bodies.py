"""What we send, field for field, beside what the vendors' SDKs send for the same call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from qeval.dialects.base import DIALECTS
from qeval.exchange import Message, Params, Part, Request, ToolCall

openai = pytest.importorskip("openai")
dashscope = pytest.importorskip("dashscope")

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "Weather of a city.", "parameters": SCHEMA}
NESTED = [{"type": "function", "function": WEATHER}]
CAT = "https://pictures.test/cat.png"
DOT = "data:image/png;base64,iVBORw0KGgo="
FRAMES = [f"https://pictures.test/{number}.jpg" for number in range(4)]

ASKED = [{"role": "user", "content": "What is the capital of France?"}]
BRIEF = [{"role": "system", "content": "Be brief."}, *ASKED]
TOOL_LOOP = [
    *BRIEF,
    {
        "role": "assistant",
        "content": "",
        "reasoning_content": "I need the weather.",
        "tool_calls": [
            {
                "id": "call_a1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
            }
        ],
    },
    {"role": "tool", "content": "Sun — 21 °C", "tool_call_id": "call_a1"},
]
OURS = (Message(role="user", content="What is the capital of France?"),)
OURS_BRIEF = (Message(role="system", content="Be brief."), *OURS)
OURS_TOOL_LOOP = (
    *OURS_BRIEF,
    Message(
        role="assistant",
        reasoning="I need the weather.",
        tool_calls=(ToolCall(id="call_a1", name="get_weather", arguments='{"city": "Paris"}'),),
    ),
    Message(role="tool", content="Sun — 21 °C", tool_call_id="call_a1"),
)
PREFIX = [*ASKED, {"role": "assistant", "content": "The capital", "partial": True}]
OURS_PREFIX = (*OURS, Message(role="assistant", content="The capital", partial=True))


class Server(Protocol):
    url: str
    port: int
    seen: list[Any]

    def says(self, *answers: Any) -> None: ...


def of_user(*parts: Part) -> tuple[Message, ...]:
    return (Message(role="user", content=parts),)


def ask(model: str, messages: tuple[Message, ...], **fields: Any) -> Request:
    named = {key: fields.pop(key) for key in ("response_format", "tools") if key in fields}
    previous = fields.pop("previous_response_id", None)
    return Request(
        model=model,
        messages=messages,
        params=Params(**fields),
        previous_response_id=previous,
        **named,
    )


Call = tuple[dict[str, Any], Request]

CHAT: dict[str, Call] = {
    "stream": (
        {"messages": BRIEF, "stream": True, "stream_options": {"include_usage": True}},
        ask("m", OURS_BRIEF, stream=True),
    ),
    "thinking-effort": (
        {"messages": ASKED, "reasoning_effort": "low", "extra_body": {"enable_thinking": True}},
        ask("m", OURS, thinking="low"),
    ),
    "sampling": (
        {
            "messages": ASKED,
            "temperature": 0.7,
            "top_p": 0.8,
            "presence_penalty": 1.5,
            "seed": 7,
            "max_tokens": 80,
            "stop": ["END"],
            "n": 2,
            "logprobs": True,
            "top_logprobs": 3,
            "extra_body": {"top_k": 20, "repetition_penalty": 1.05, "enable_thinking": False},
        },
        ask(
            "m",
            OURS,
            temperature=0.7,
            top_p=0.8,
            presence_penalty=1.5,
            seed=7,
            max_output_tokens=80,
            stop=("END",),
            n=2,
            logprobs=3,
            top_k=20,
            repetition_penalty=1.05,
            thinking=False,
        ),
    ),
    "tool-loop": (
        {
            "messages": TOOL_LOOP,
            "tools": NESTED,
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "extra_body": {"enable_thinking": True, "thinking_budget": 500},
        },
        ask(
            "m",
            OURS_TOOL_LOOP,
            tools=(WEATHER,),
            tool_choice="auto",
            parallel_tool_calls=True,
            thinking=500,
        ),
    ),
    "schema": (
        {
            "messages": ASKED,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "place", "schema": SCHEMA, "strict": True},
            },
        },
        ask("m", OURS, response_format={"schema": SCHEMA, "name": "place"}),
    ),
    "prefix": ({"messages": PREFIX}, ask("m", OURS_PREFIX)),
    "search": (
        {
            "messages": ASKED,
            "extra_body": {"enable_search": True, "search_options": {"forced_search": True}},
        },
        ask("m", OURS, search={"forced_search": True}),
    ),
    "pictures": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": CAT}, "max_pixels": 65536},
                        {"type": "image_url", "image_url": {"url": DOT}},
                        {
                            "type": "text",
                            "text": "Alike?",
                            "cache_control": {"type": "ephemeral"},
                        },
                    ],
                }
            ],
            "extra_body": {"vl_high_resolution_images": True},
        },
        ask(
            "m",
            of_user(
                Part(image=CAT, max_pixels=65536), Part(image=DOT), Part(text="Alike?", cache=True)
            ),
            extra={"vl_high_resolution_images": True},
        ),
    ),
    "video-and-sound": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "video_url",
                            "video_url": {"url": "https://v.test/a.mp4"},
                            "fps": 2.0,
                        },
                        {"type": "video", "video": FRAMES, "fps": 1.0},
                        {
                            "type": "input_audio",
                            "input_audio": {"data": "https://s.test/a.mp3", "format": "mp3"},
                        },
                    ],
                }
            ]
        },
        ask(
            "m",
            of_user(
                Part(video="https://v.test/a.mp4", fps=2.0),
                Part(video=tuple(FRAMES), fps=1.0),
                Part(audio="https://s.test/a.mp3"),
            ),
        ),
    ),
}
RESPONSES: dict[str, Call] = {
    "question": (
        {"input": "What is the capital of France?", "extra_body": {"enable_thinking": True}},
        ask("m", OURS, thinking=True),
    ),
    "effort": (
        {
            "input": "What is the capital of France?",
            "instructions": "Be brief.",
            "reasoning": {"effort": "low"},
            "temperature": 0.1,
            "top_p": 0.7,
            "max_output_tokens": 64,
        },
        ask("m", OURS_BRIEF, thinking="low", temperature=0.1, top_p=0.7, max_output_tokens=64),
    ),
    "stream-continued": (
        {
            "input": "What is the capital of France?",
            "previous_response_id": "resp_1",
            "stream": True,
            "extra_body": {"enable_thinking": False},
        },
        ask("m", OURS, previous_response_id="resp_1", stream=True, thinking=False),
    ),
    "tool-loop": (
        {
            "instructions": "Be brief.",
            "input": [
                *ASKED,
                {
                    "type": "reasoning",
                    "summary": [{"type": "summary_text", "text": "I need the weather."}],
                },
                {
                    "type": "function_call",
                    "call_id": "call_a1",
                    "name": "get_weather",
                    "arguments": '{"city": "Paris"}',
                },
                {
                    "type": "function_call_output",
                    "call_id": "call_a1",
                    "output": "Sun — 21 °C",
                },
            ],
            "tools": [{"type": "function", **WEATHER}, {"type": "web_search"}],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "get_weather"}],
            },
        },
        ask("m", OURS_TOOL_LOOP, tools=(WEATHER,), search=True, tool_choice="get_weather"),
    ),
    "picture": (
        {
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "What is it?"},
                        {"type": "input_image", "image_url": CAT},
                    ],
                }
            ]
        },
        ask("m", of_user(Part(text="What is it?"), Part(image=CAT))),
    ),
}
TEXT: dict[str, Call] = {
    "plain": ({"messages": BRIEF}, ask("m", OURS_BRIEF)),
    "sampling": (
        {
            "messages": ASKED,
            "temperature": 0.1,
            "top_p": 0.7,
            "top_k": 20,
            "repetition_penalty": 1.05,
            "presence_penalty": 1.5,
            "seed": 7,
            "max_tokens": 80,
            "stop": ["END"],
            "n": 2,
            "logprobs": True,
            "top_logprobs": 3,
            "enable_thinking": False,
        },
        ask(
            "m",
            OURS,
            temperature=0.1,
            top_p=0.7,
            top_k=20,
            repetition_penalty=1.05,
            presence_penalty=1.5,
            seed=7,
            max_output_tokens=80,
            stop=("END",),
            n=2,
            logprobs=3,
            thinking=False,
        ),
    ),
    "stream": (
        {"messages": ASKED, "stream": True, "incremental_output": True, "enable_thinking": True},
        ask("m", OURS, stream=True, thinking=True),
    ),
    "tool-loop": (
        {
            "messages": TOOL_LOOP,
            "tools": NESTED,
            "tool_choice": "auto",
            "parallel_tool_calls": False,
            "enable_thinking": True,
            "thinking_budget": 500,
        },
        ask(
            "m",
            OURS_TOOL_LOOP,
            tools=(WEATHER,),
            tool_choice="auto",
            parallel_tool_calls=False,
            thinking=500,
        ),
    ),
    "json": (
        {"messages": ASKED, "response_format": {"type": "json_object"}},
        ask("m", OURS, response_format="json"),
    ),
    "search": (
        {
            "messages": ASKED,
            "enable_search": True,
            "search_options": {"enable_source": True},
        },
        ask("m", OURS, search={"enable_source": True}),
    ),
    "prefix": ({"messages": PREFIX}, ask("m", OURS_PREFIX)),
}
MULTIMODAL: dict[str, Call] = {
    "picture": (
        {
            "messages": [
                {"role": "system", "content": [{"text": "Be brief."}]},
                {
                    "role": "user",
                    "content": [
                        {"image": CAT, "min_pixels": 4096, "max_pixels": 65536},
                        {"image": DOT},
                        {"text": "What is it?", "cache_control": {"type": "ephemeral"}},
                    ],
                },
            ],
            "enable_thinking": False,
            "vl_high_resolution_images": True,
        },
        ask(
            "m",
            (
                OURS_BRIEF[0],
                *of_user(
                    Part(image=CAT, min_pixels=4096, max_pixels=65536),
                    Part(image=DOT),
                    Part(text="What is it?", cache=True),
                ),
            ),
            thinking=False,
            extra={"vl_high_resolution_images": True},
        ),
    ),
    "stream": (
        {
            "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
            "stream": True,
            "incremental_output": True,
            "enable_thinking": True,
            "thinking_budget": 500,
        },
        ask("m", (Message(role="user", content="Hello"),), stream=True, thinking=500),
    ),
    "video-and-sound": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"video": "https://v.test/a.mp4", "fps": 2.0, "total_pixels": 134217728},
                        {"video": FRAMES, "fps": 1.0},
                        {"audio": "https://s.test/a.mp3"},
                    ],
                }
            ],
        },
        ask(
            "m",
            of_user(
                Part(video="https://v.test/a.mp4", fps=2.0, total_pixels=134217728),
                Part(video=tuple(FRAMES), fps=1.0),
                Part(audio="https://s.test/a.mp3"),
            ),
        ),
    ),
    "reading": (
        {
            "messages": [{"role": "user", "content": [{"image": "oss://bucket/scan.png"}]}],
            "ocr_options": {"task": "text_recognition"},
        },
        ask(
            "m",
            of_user(Part(image="oss://bucket/scan.png")),
            extra={"ocr_options": {"task": "text_recognition"}},
        ),
    ),
    "tools": (
        {
            "messages": [{"role": "user", "content": [{"text": "Weather?"}]}],
            "tools": NESTED,
            "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
            "temperature": 0.1,
            "seed": 7,
        },
        ask(
            "m",
            (Message(role="user", content="Weather?"),),
            tools=(WEATHER,),
            tool_choice="get_weather",
            temperature=0.1,
            seed=7,
        ),
    ),
}


def by_chat(server: Server, call: dict[str, Any]) -> None:
    with openai.OpenAI(base_url=server.url, api_key="sk-test", max_retries=0) as client:
        list(client.chat.completions.create(model="m", **call))


def by_responses(server: Server, call: dict[str, Any]) -> None:
    with openai.OpenAI(base_url=server.url, api_key="sk-test", max_retries=0) as client:
        list(client.responses.create(model="m", **call))


def by_dashscope(service: Any) -> Callable[[Server, dict[str, Any]], None]:
    def call(server: Server, call: dict[str, Any]) -> None:
        base = f"http://127.0.0.1:{server.port}/v1"
        list(service.call("m", api_key="sk-test", base_address=base, **call))

    return call


def cases() -> Any:
    generation = by_dashscope(dashscope.Generation)
    conversation = by_dashscope(dashscope.MultiModalConversation)
    every = {
        "chat": (by_chat, CHAT),
        "responses": (by_responses, RESPONSES),
        "dashscope-text": (generation, TEXT),
        "dashscope-multimodal": (conversation, MULTIMODAL),
    }
    for dialect, (sdk, calls) in every.items():
        for name, (call, request) in calls.items():
            if dialect == "dashscope-text":
                call = {"result_format": "message", **call}  # noqa: PLW2901 - as its users are told to
            yield pytest.param(dialect, sdk, call, request, id=f"{dialect}-{name}")


@pytest.mark.parametrize(("dialect", "sdk", "call", "request_"), list(cases()))
def test_we_send_what_the_sdk_sends(
    dialect: str, sdk: Any, call: dict[str, Any], request_: Request, loopback: Server
) -> None:
    loopback.says([EVENTS if call.get("stream") else EMPTY])
    sdk(loopback, call)
    theirs = loopback.seen[-1]

    ours = DIALECTS.get(dialect).write(request_)

    assert json.loads(ours.body) == theirs.json
    assert f"/v1{ours.path}" == theirs.path
    for name, value in ours.headers:
        if name.startswith("x-") or name == "accept":
            assert theirs.headers[name] == value
    wanted = {"x-dashscope-sse", "x-dashscope-ossresourceresolve"}
    assert wanted & theirs.headers.keys() == wanted & dict(ours.headers).keys()


def test_at_least_twenty_calls_over_four_dialects_are_compared() -> None:
    calls = [len(calls) for calls in (CHAT, RESPONSES, TEXT, MULTIMODAL)]

    assert min(calls) >= 5
    assert sum(calls) >= 20


def _http(kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


EMPTY = _http("application/json", b'{"choices":[],"output":{"choices":[]},"request_id":"r"}')
EVENTS = _http("text/event-stream", b"")
