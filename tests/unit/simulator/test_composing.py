from typing import Any

import pytest

from qeval.exchange import Message, Part, ToolCall
from qeval.simulator.asked import Ask, Form
from qeval.simulator.composing import digest
from qeval.simulator.engine import Engine
from qeval.simulator.reading import parse
from qeval.simulator.refusals import Refusal

SCRIPT = parse("""
hidden_tokens: 40
rules:
  - {match: weather, after_tool: "get_*", reply: It rains.}
  - match: weather
    reply: {text: Look., calls: [{name: get_weather, arguments: {}}, {name: get_time}]}
  - match: dice
    replies: [one, two, three, four, five, six]
  - match: told
    reply: {text: One two three., reasoning: A b c d e f g.}
  - {match: ".", reply: One two three.}
""")
TOOL = {"name": "get_weather", "parameters": {}}


def ask(text: str, **fields: Any) -> Ask:
    messages = fields.pop("messages", (Message(role="user", content=text),))
    return Ask(model=fields.pop("model", "m"), messages=messages, **fields)


def loop(*names: str) -> tuple[Message, ...]:
    calls = tuple(ToolCall(id=name, name=name, arguments="{}") for name in names)
    answers = tuple(Message(role="tool", content="x", tool_call_id=name) for name in names)
    return (
        Message(role="user", content="weather"),
        Message(role="assistant", tool_calls=calls),
        *answers,
    )


def test_a_plain_prompt_has_the_digest_that_recordings_were_drawn_with() -> None:
    assert digest(ask("Hi")).hex() == "01329f15d6936d7297faf4624151296e"
    assert digest(ask("Hi", form=Form(stream=True), n=3, logprobs=2)) == digest(ask("Hi"))
    assert digest(ask("Hi", response_format="json", parallel=True)) == digest(ask("Hi"))
    assert digest(ask("Hi", thinking=True)) != digest(ask("Hi"))


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        (loop("get_weather"), "It rains."),
        (loop("get_time", "other"), "It rains."),
        (loop("other"), "Look."),
        ((*loop("get_weather"), Message(role="user", content="weather?")), "Look."),
    ],
)
def test_a_rule_may_be_for_what_a_tool_has_answered(
    messages: tuple[Message, ...], text: str
) -> None:
    assert Engine(SCRIPT).answer(ask("", messages=messages), "chat").said.text == text


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, []),
        ({"tools": (TOOL,)}, ["get_weather"]),
        ({"tools": (TOOL,), "parallel": True}, ["get_weather", "get_time"]),
        ({"tools": (TOOL,), "tool_choice": "none"}, []),
        ({"tools": (TOOL,), "max_output_tokens": 1}, []),
    ],
)
def test_calls_are_made_as_far_as_the_request_allows(
    fields: dict[str, Any], names: list[str]
) -> None:
    said = Engine(SCRIPT).answer(ask("weather", **fields), "chat").said

    assert [call.name for call in said.calls] == names
    assert said.finish_reason == (
        "tool_calls" if names else "length" if "max_output_tokens" in fields else "stop"
    )


def test_several_answers_are_those_of_several_requests() -> None:
    engine = Engine(SCRIPT)
    alone = [engine.answer(ask("dice"), "chat").said.text for _ in range(6)]
    engine = Engine(SCRIPT)

    together = [
        one.text for _ in range(2) for one in engine.answer(ask("dice", n=3), "chat").said.all
    ]

    assert together == alone
    assert len(set(alone)) > 1


@pytest.mark.parametrize(
    ("fields", "reasoning", "text", "finish"),
    [
        ({}, None, "One two three.", "stop"),
        ({"thinking": True}, "A b c d e f g.", "One two three.", "stop"),
        ({"thinking": True, "thinking_budget": 3}, "A b c", "One two three.", "stop"),
        ({"thinking": True, "max_output_tokens": 2}, "A b c d e f g.", "One two", "length"),
        (
            {"thinking": True, "max_output_tokens": 9, "all_limited": True},
            "A b c d e f g.",
            "One",
            "length",
        ),
        (
            {"thinking": True, "max_output_tokens": 3, "all_limited": True},
            "A b c",
            "",
            "length",
        ),
    ],
)
def test_limits_of_thinking_and_answer(
    fields: dict[str, Any], reasoning: str | None, text: str, finish: str
) -> None:
    said = Engine(SCRIPT).answer(ask("told", **fields), "chat").said

    assert (said.reasoning, said.text, said.finish_reason) == (reasoning, text, finish)


def test_reasoning_that_no_script_tells_is_made_up() -> None:
    said = Engine(SCRIPT).answer(ask("Why?", thinking=True), "chat").said

    assert said.reasoning == "The user says 'Why?'. I know what to answer."
    assert said.output_tokens == said.reasoning_tokens + 4


def test_an_answer_that_is_begun_is_continued() -> None:
    begun = Message(role="assistant", content="One two", partial=True)
    messages = (Message(role="user", content="x"), begun)

    assert Engine(SCRIPT).answer(ask("", messages=messages), "chat").said.text == " three."


def test_a_prompt_is_billed_by_the_template_of_its_model_and_what_is_hidden() -> None:
    engine = Engine(SCRIPT)

    def billed(model: str, **fields: Any) -> int:
        return engine.answer(ask("x", model=model, **fields), "chat").said.input_tokens

    assert billed("unknown") == 40 + 1 + 5 + 3
    assert billed("qwen3.7-plus", thinking=True) == 40 + 1 + 5 + 3 + 2  # opened with <think>
    assert billed("unknown", tools=(TOOL,)) > billed("unknown") + 77


@pytest.mark.parametrize(
    ("part", "medium", "tokens"),
    [
        (Part(image="https://a.invalid/b.png"), "image", 258),
        (Part(image="../../etc/passwd"), "image", 258),
        (Part(video="https://a.invalid/b.mp4", fps=1.0), "video", 5 * 256 + 2),
        (Part(audio="https://a.invalid/b.mp3"), "audio", 50),
    ],
)
def test_media_elsewhere_count_as_if_they_had_a_middling_size(
    part: Part, medium: str, tokens: int
) -> None:
    messages = (Message(role="user", content=(part, Part(text="x"))),)
    said = Engine(SCRIPT).answer(ask("", messages=messages), "chat").said

    assert said.media == {medium: tokens}
    assert said.input_tokens == 40 + tokens + 1 + 5 + 3


@pytest.mark.parametrize(
    ("model", "image", "message"),
    [
        ("m", "data:image/png;base64,aGVsbG8=", "The image format is illegal"),
        ("qwen-plus", "https://a.invalid/b.png", "does not support image input"),
    ],
)
def test_media_that_cannot_be_used_are_refused(model: str, image: str, message: str) -> None:
    messages = (Message(role="user", content=(Part(image=image), Part(text="x"))),)

    with pytest.raises(Refusal, match=message):
        Engine(SCRIPT).answer(ask("", messages=messages, model=model), "chat")
