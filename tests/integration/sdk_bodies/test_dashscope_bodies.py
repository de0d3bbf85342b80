"""What we send in the dialects of DashScope, field for field, beside what its SDK sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from qeval.exchange import Message, Part

if TYPE_CHECKING:
    from tests.integration.conftest import Loopback
    from tests.integration.sdk_bodies.conftest import Alike, Call

dashscope = pytest.importorskip("dashscope")

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "Weather of a city.", "parameters": SCHEMA}
NESTED = [{"type": "function", "function": WEATHER}]
CAT = "https://pictures.test/cat.png"
DOT = "data:image/png;base64,iVBORw0KGgo="
FRAMES = [f"https://pictures.test/{number}.jpg" for number in range(4)]


def of_user(*parts: Part) -> tuple[Message, ...]:
    return (Message(role="user", content=parts),)


TEXT: dict[str, Call] = {
    "plain": ("brief", {}, {}),
    "sampling": (
        "asked",
        {
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
        {
            "temperature": 0.1,
            "top_p": 0.7,
            "top_k": 20,
            "repetition_penalty": 1.05,
            "presence_penalty": 1.5,
            "seed": 7,
            "max_output_tokens": 80,
            "stop": ("END",),
            "n": 2,
            "logprobs": 3,
            "thinking": False,
        },
    ),
    "stream": (
        "asked",
        {"stream": True, "incremental_output": True, "enable_thinking": True},
        {"stream": True, "thinking": True},
    ),
    "tool-loop": (
        "tool-loop",
        {
            "tools": NESTED,
            "tool_choice": "auto",
            "parallel_tool_calls": False,
            "enable_thinking": True,
            "thinking_budget": 500,
        },
        {
            "tools": (WEATHER,),
            "tool_choice": "auto",
            "parallel_tool_calls": False,
            "thinking": 500,
        },
    ),
    "json": (
        "asked",
        {"response_format": {"type": "json_object"}},
        {"response_format": "json"},
    ),
    "search": (
        "asked",
        {"enable_search": True, "search_options": {"enable_source": True}},
        {"search": {"enable_source": True}},
    ),
    "prefix": ("prefix", {}, {}),
}
MULTIMODAL: dict[str, Call] = {
    "picture": (
        (
            Message(role="system", content="Be brief."),
            *of_user(
                Part(image=CAT, min_pixels=4096, max_pixels=65536),
                Part(image=DOT),
                Part(text="What is it?", cache=True),
            ),
        ),
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
        {"thinking": False, "extra": {"vl_high_resolution_images": True}},
    ),
    "stream": (
        (Message(role="user", content="Hello"),),
        {
            "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
            "stream": True,
            "incremental_output": True,
            "enable_thinking": True,
            "thinking_budget": 500,
        },
        {"stream": True, "thinking": 500},
    ),
    "video-and-sound": (
        of_user(
            Part(video="https://v.test/a.mp4", fps=2.0, total_pixels=134217728),
            Part(video=tuple(FRAMES), fps=1.0),
            Part(audio="https://s.test/a.mp3"),
        ),
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
        {},
    ),
    "reading": (
        of_user(Part(image="oss://bucket/scan.png")),
        {
            "messages": [{"role": "user", "content": [{"image": "oss://bucket/scan.png"}]}],
            "ocr_options": {"task": "text_recognition"},
        },
        {"extra": {"ocr_options": {"task": "text_recognition"}}},
    ),
    "tools": (
        (Message(role="user", content="Weather?"),),
        {
            "messages": [{"role": "user", "content": [{"text": "Weather?"}]}],
            "tools": NESTED,
            "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
            "temperature": 0.1,
            "seed": 7,
        },
        {"tools": (WEATHER,), "tool_choice": "get_weather", "temperature": 0.1, "seed": 7},
    ),
}


def by_generation(server: Loopback, told: dict[str, Any]) -> None:
    # As its users are told to.
    ask(dashscope.Generation, server, {"result_format": "message", **told})


def by_conversation(server: Loopback, told: dict[str, Any]) -> None:
    ask(dashscope.MultiModalConversation, server, told)


def ask(service: Any, server: Loopback, told: dict[str, Any]) -> None:
    base = f"http://127.0.0.1:{server.port}/v1"
    list(service.call("m", api_key="sk-test", base_address=base, **told))


@pytest.mark.parametrize("call", TEXT.values(), ids=TEXT)
def test_we_ask_in_texts_as_the_sdk_does(alike: Alike, call: Call) -> None:
    alike("dashscope-text", by_generation, call)


@pytest.mark.parametrize("call", MULTIMODAL.values(), ids=MULTIMODAL)
def test_we_ask_in_parts_as_the_sdk_does(alike: Alike, call: Call) -> None:
    alike("dashscope-multimodal", by_conversation, call)


# With those of OpenAI's SDK, twenty over four dialects.
def test_at_least_ten_calls_over_two_dialects_are_compared() -> None:
    assert min(len(TEXT), len(MULTIMODAL)) >= 5
    assert len(TEXT) + len(MULTIMODAL) >= 10
