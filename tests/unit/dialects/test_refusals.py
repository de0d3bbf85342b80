"""What is refused before it is sent, with the way out."""

from __future__ import annotations

from typing import Any

import pytest

from qeval.dialects.base import DIALECTS
from qeval.dialects.refusals import doubts, refusals
from qeval.exchange import Message, Params, Part, Request

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


@pytest.mark.parametrize(
    ("prompt", "fields", "doubted"),
    [
        ("https://x.test/page", {}, True),
        ("Summarize https://x.test/page please", {}, True),
        ("Summarize https://x.test/page", {"search": True}, False),
        ("Summarize https://x.test/page", {"tools": (TOOL,)}, False),
        (
            "The page https://x.test/page says that lamps may be returned for 30 days. True?",
            {},
            False,
        ),
        ("Which city?", {}, False),
    ],
)
def test_a_prompt_that_is_little_but_an_address_is_doubted(
    prompt: str, fields: dict[str, Any], doubted: Any
) -> None:
    found = doubts(request((Message(role="user", content=prompt),), **fields), "chat")

    assert [one.fact for one in found] == [
        "the prompt is little but a web address, and the API reads no pages"
    ] * doubted


def test_limits_of_pixels_are_doubted_where_they_cannot_be_said() -> None:
    asked = request(shown(Part(image="https://x.test/a.png", max_pixels=1024)))

    assert [one.fact for one in doubts(asked, "responses")] == [
        "dialect 'responses' has no limits of pixels, so a picture counts in full"
    ]
    assert doubts(asked, "chat") == ()
    assert refusals(asked, "responses") == ()
