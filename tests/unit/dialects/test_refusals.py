"""What is refused before it is sent, with the way out."""

from __future__ import annotations

from typing import Any

import pytest

from qeval.dialects.base import DIALECTS
from qeval.dialects.refusals import refusals
from qeval.exchange import Message, Params, Part, Request, ToolCall

ASKED = (Message(role="user", content="Which city?"),)
PREFIX = (*ASKED, Message(role="assistant", content="It", partial=True))
TOOL = {"name": "f", "description": "F.", "parameters": {}}
SCHEMA = {"schema": {"type": "object"}}
OFF = "set `params: {thinking: off}`"
IGNORED: dict[str, Any] = {
    "top_k": 20,
    "presence_penalty": 0.0,
    "repetition_penalty": 1.0,
    "seed": 0,
    "stop": "x",
    "logprobs": 0,
    "parallel_tool_calls": False,
}
CHAT = "set the target's `dialect: chat`"
CALL = ToolCall(id="c1", name="f", arguments="{}")
ANSWERED = Message(role="tool", content="Paris", tool_call_id="c1")
OTHER = {**TOOL, "name": "g"}
NATIVES = ("dashscope-text", "dashscope-multimodal")


def shown(*parts: Part) -> tuple[Message, ...]:
    return (Message(role="user", content=parts),)


def request(messages: tuple[Message, ...] = ASKED, **fields: Any) -> Request:
    own = {key: fields.pop(key) for key in ("response_format", "tools") if key in fields}
    return Request(model="m", messages=messages, params=Params(**fields), **own)


@pytest.mark.parametrize(
    ("dialect", "asked", "fact", "hint"),
    [
        (
            "chat",
            request(response_format="json", messages=shown(Part(text="As JSON")), thinking=True),
            "response_format does not work while the model thinks",
            OFF,
        ),
        (
            "dashscope-text",
            request(response_format=SCHEMA, thinking=500),
            "response_format does not work while the model thinks",
            OFF,
        ),
        (
            "chat",
            request(PREFIX, thinking="low"),
            "partial does not work while the model thinks",
            OFF,
        ),
        ("chat", request(n=2, thinking=True), "n 2 does not work while the model thinks", OFF),
        (
            "chat",
            request(tool_choice="f", tools=(TOOL,), thinking=True),
            "tool_choice 'f' does not work while the model thinks",
            f"{OFF}, or choose auto or none",
        ),
        (
            "chat",
            request(n=2, tools=(TOOL,)),
            "n 2 does not work with tools",
            "set `n: 1` and ask more `trials`",
        ),
        (
            "chat",
            request(response_format="json"),
            "response_format json wants the word json in the messages",
            "say it in `system` or `user`, such as “Answer in JSON.”",
        ),
        (
            "chat",
            request(tools=({**TOOL, "name": "search"},)),
            "a tool named 'search' is the service's own",
            "give it another name",
        ),
        (
            "chat",
            request(tools=({**TOOL, "name": "a b"},)),
            "tool 'a b': a name has 1 to 64 letters, digits, _ and -",
            "give it another name",
        ),
        (
            "responses",
            request(max_output_tokens=15),
            "max_output_tokens 15 is out of range for dialect 'responses': 16 or more",
            "set `max_output_tokens: 16`, or the target's `dialect: chat`",
        ),
        (
            "chat",
            request(seed=2**31),
            "seed 2147483648 is out of range: 2147483647 or less",
            "set a smaller seed",
        ),
        (
            "chat",
            request(shown(Part(video=("https://x.test/1.png",) * 3))),
            "a video of 3 frames; the service wants 4 or more",
            "add frames, or show them as images",
        ),
        (
            "chat",
            request(shown(*[Part(text="a", cache=True)] * 5)),
            "5 cache markers in one request; the service takes 4",
            "keep `cache: true` at the last part of what is shared",
        ),
        (
            "dashscope-text",
            request(shown(Part(audio="https://x.test/a.wav"))),
            "dialect 'dashscope-text' shows no images, video or audio",
            "set the target's `dialect: dashscope-multimodal`",
        ),
        ("responses", request(n=2), "dialect 'responses' gives one answer, got n 2", CHAT),
        (
            "responses",
            request(search={"forced_search": True}),
            "dialect 'responses' ignores search options",
            f"set `search: true`, or {CHAT}",
        ),
        (
            "responses",
            request(thinking=500),
            "dialect 'responses' has no thinking budget, got 500 tokens",
            f"give an effort, such as `thinking: low`, or {CHAT}",
        ),
        (
            "responses",
            request(response_format=SCHEMA),
            "dialect 'responses' ignores response_format",
            CHAT,
        ),
        ("responses", request(PREFIX), "dialect 'responses' cannot continue `partial`", CHAT),
        (
            "responses",
            request(shown(Part(video="https://x.test/a.mp4"))),
            "dialect 'responses' shows no video and no audio",
            CHAT,
        ),
        *[
            (
                "responses",
                request(**{name: value}),
                f"dialect 'responses' ignores {name}",
                f"leave it out, or {CHAT}",
            )
            for name, value in IGNORED.items()
        ],
    ],
)
def test_what_cannot_work_is_refused(dialect: str, asked: Request, fact: str, hint: str) -> None:
    assert (fact, hint) in refusals(asked, dialect)


@pytest.mark.parametrize("dialect", ["chat", "responses", "dashscope-text", "dashscope-multimodal"])
@pytest.mark.parametrize(
    "asked",
    [
        request(),
        request(temperature=0.0, top_p=1.0, max_output_tokens=16, stream=True),
        request(thinking=True, tools=(TOOL,), tool_choice="auto"),
        request(thinking="low"),
        request(thinking=False, tools=(TOOL,), tool_choice="f"),
        request(response_format="text", search=True),
    ],
)
def test_what_may_work_is_not_refused(dialect: str, asked: Request) -> None:
    assert refusals(asked, dialect) == ()
    assert DIALECTS.get(dialect).write(asked).body


@pytest.mark.parametrize("word", ["json", "JSON", "Json."])
def test_json_may_be_said_in_any_message_and_case(word: str) -> None:
    messages = (Message(role="system", content=f"Answer in {word}"), *ASKED)

    assert refusals(request(messages, response_format="json"), "chat") == ()


def test_of_another_server_only_the_limits_of_the_dialect_are_known() -> None:
    asked = request(response_format="json", thinking=True, max_output_tokens=1)

    assert refusals(asked, "chat", service=False) == ()
    assert [one.fact for one in refusals(asked, "responses", service=False)] == [
        "dialect 'responses' ignores response_format"
    ]


CALLED = Message(role="assistant", tool_calls=(CALL,))


@pytest.mark.parametrize(
    ("messages", "refused"),
    [
        ((*ASKED, CALLED, ANSWERED), False),
        ((*ASKED, CALLED, ANSWERED, ANSWERED), False),
        ((*ASKED, ANSWERED), True),
        ((ANSWERED,), True),
        ((*ASKED, Message(role="assistant", content="Hm."), ANSWERED), True),
        ((*ASKED, CALLED, *ASKED, ANSWERED), True),
    ],
)
def test_a_tools_answer_stands_behind_the_call(
    messages: tuple[Message, ...], *, refused: bool
) -> None:
    found = [one.fact for one in refusals(request(messages), "chat")]

    assert found == ["a message of role tool answers no call"] * refused


@pytest.mark.parametrize(
    ("dialect", "fields", "fact", "hint"),
    [
        (
            "chat",
            {"tool_choice": "weather", "tools": (TOOL, OTHER)},
            "tool_choice 'weather' is the name of no tool",
            "known tools: f, g",
        ),
        (
            "chat",
            {"tool_choice": "f"},
            "tool_choice 'f' is the name of no tool",
            "add it to `tools:`, or leave `tool_choice` out",
        ),
        (
            "chat",
            {"tool_choice": "required"},
            "tool_choice 'required' without tools",
            "add `tools:`, or leave `tool_choice` out",
        ),
        (
            "responses",
            {"tool_choice": "required", "tools": (TOOL, OTHER)},
            "dialect 'responses' takes tool_choice 'required' with one tool, got 2",
            f"offer one tool, choose it by name, or {CHAT}",
        ),
        (
            "responses",
            {"tool_choice": "required", "tools": (TOOL,), "search": True},
            "dialect 'responses' takes tool_choice 'required' with one tool, got 2",
            f"offer one tool, choose it by name, or {CHAT}",
        ),
    ],
)
def test_a_choice_of_tools_that_are_not_there_is_refused(
    dialect: str, fields: dict[str, Any], fact: str, hint: str
) -> None:
    assert refusals(request(**fields), dialect) == ((fact, hint),)


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        ("chat", {"tool_choice": "required", "tools": (TOOL, OTHER)}),
        ("chat", {"tool_choice": "none"}),
        ("chat", {"tool_choice": "x", "extra": {"tools": [{"function": {"name": "x"}}]}}),
        ("responses", {"tool_choice": "x", "extra": {"tools": [{"name": "x"}, {"type": "mcp"}]}}),
        ("responses", {"tool_choice": "required", "search": True}),
        ("responses", {"tool_choice": "f", "tools": (TOOL, OTHER)}),
    ],
)
def test_a_choice_of_tools_that_are_there_is_not_refused(
    dialect: str, fields: dict[str, Any]
) -> None:
    assert refusals(request(**fields), dialect) == ()


def test_a_model_that_always_thinks_is_not_told_to_stop() -> None:
    asked = request(n=2)

    assert refusals(asked, "chat") == ()
    assert refusals(asked, "chat", thinks=True) == (
        (
            "n 2 does not work while the model thinks",
            "ask a model that can do without thinking",
        ),
    )
    assert refusals(request(n=2, thinking=True), "chat", thinks=False) == ()


@pytest.mark.parametrize("dialect", NATIVES)
def test_thinking_streams_in_increments(dialect: str) -> None:
    whole = {"incremental_output": False}

    assert refusals(request(thinking=True, stream=True, extra=whole), dialect) == (
        (
            "incremental_output false does not work while the model thinks",
            f"{OFF}, or leave it out",
        ),
    )
    assert refusals(request(thinking=False, stream=True, extra=whole), dialect) == ()
