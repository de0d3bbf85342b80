"""What we send in the dialects of OpenAI, field for field, beside what its SDK sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from qeval.exchange import Message, Part

if TYPE_CHECKING:
    from tests.integration.conftest import Loopback
    from tests.integration.sdk_bodies.conftest import Alike, Call

openai = pytest.importorskip("openai")

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "Weather of a city.", "parameters": SCHEMA}
CAT = "https://pictures.test/cat.png"
DOT = "data:image/png;base64,iVBORw0KGgo="
FRAMES = [f"https://pictures.test/{number}.jpg" for number in range(4)]


def of_user(*parts: Part) -> tuple[Message, ...]:
    return (Message(role="user", content=parts),)


CHAT: dict[str, Call] = {
    "stream": (
        "brief",
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream": True},
    ),
    "thinking-effort": (
        "asked",
        {"reasoning_effort": "low", "extra_body": {"enable_thinking": True}},
        {"thinking": "low"},
    ),
    "sampling": (
        "asked",
        {
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
        {
            "temperature": 0.7,
            "top_p": 0.8,
            "presence_penalty": 1.5,
            "seed": 7,
            "max_output_tokens": 80,
            "stop": ("END",),
            "n": 2,
            "logprobs": 3,
            "top_k": 20,
            "repetition_penalty": 1.05,
            "thinking": False,
        },
    ),
    "tool-loop": (
        "tool-loop",
        {
            "tools": [{"type": "function", "function": WEATHER}],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "extra_body": {"enable_thinking": True, "thinking_budget": 500},
        },
        {
            "tools": (WEATHER,),
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "thinking": 500,
        },
    ),
    "schema": (
        "asked",
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "place", "schema": SCHEMA, "strict": True},
            },
        },
        {"response_format": {"schema": SCHEMA, "name": "place"}},
    ),
    "prefix": ("prefix", {}, {}),
    "search": (
        "asked",
        {"extra_body": {"enable_search": True, "search_options": {"forced_search": True}}},
        {"search": {"forced_search": True}},
    ),
    "pictures": (
        of_user(
            Part(image=CAT, max_pixels=65536), Part(image=DOT), Part(text="Alike?", cache=True)
        ),
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
        {"extra": {"vl_high_resolution_images": True}},
    ),
    "video-and-sound": (
        of_user(
            Part(video="https://v.test/a.mp4", fps=2.0),
            Part(video=tuple(FRAMES), fps=1.0),
            Part(audio="https://s.test/a.mp3"),
        ),
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
        {},
    ),
}
RESPONSES: dict[str, Call] = {
    "question": (
        "asked",
        {"input": "What is the capital of France?", "extra_body": {"enable_thinking": True}},
        {"thinking": True},
    ),
    "effort": (
        "brief",
        {
            "input": "What is the capital of France?",
            "instructions": "Be brief.",
            "reasoning": {"effort": "low"},
            "temperature": 0.1,
            "top_p": 0.7,
            "max_output_tokens": 64,
        },
        {"thinking": "low", "temperature": 0.1, "top_p": 0.7, "max_output_tokens": 64},
    ),
    "stream-continued": (
        "asked",
        {
            "input": "What is the capital of France?",
            "previous_response_id": "resp_1",
            "stream": True,
            "extra_body": {"enable_thinking": False},
        },
        {"previous_response_id": "resp_1", "stream": True, "thinking": False},
    ),
    "tool-loop": (
        "tool-loop",
        {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": "What is the capital of France?"},
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
        {"tools": (WEATHER,), "search": True, "tool_choice": "get_weather"},
    ),
    "picture": (
        of_user(Part(text="What is it?"), Part(image=CAT)),
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
        {},
    ),
}


def by_chat(server: Loopback, told: dict[str, Any]) -> None:
    with openai.OpenAI(base_url=server.url, api_key="sk-test", max_retries=0) as client:
        list(client.chat.completions.create(model="m", **told))


def by_responses(server: Loopback, told: dict[str, Any]) -> None:
    with openai.OpenAI(base_url=server.url, api_key="sk-test", max_retries=0) as client:
        list(client.responses.create(model="m", **told))


@pytest.mark.parametrize("call", CHAT.values(), ids=CHAT)
def test_we_ask_for_chat_completions_as_the_sdk_does(alike: Alike, call: Call) -> None:
    alike("chat", by_chat, call)


@pytest.mark.parametrize("call", RESPONSES.values(), ids=RESPONSES)
def test_we_ask_for_responses_as_the_sdk_does(alike: Alike, call: Call) -> None:
    alike("responses", by_responses, call)


# With those of DashScope's SDK, twenty over four dialects.
def test_at_least_ten_calls_over_two_dialects_are_compared() -> None:
    assert min(len(CHAT), len(RESPONSES)) >= 5
    assert len(CHAT) + len(RESPONSES) >= 10
