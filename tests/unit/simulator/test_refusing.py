"""What each dialect refuses, in the words of the service."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.simulator.app import Face
from qeval.simulator.base import Dialect
from qeval.simulator.chat import Chat
from qeval.simulator.engine import Engine
from qeval.simulator.native import Native
from qeval.simulator.reading import parse
from qeval.simulator.refusals import NATIVE, STATUS, Refusal, flat, struck
from qeval.simulator.responses import Responses
from qeval.simulator.script import Fault

TEXT = Native("dashscope-text", "text-generation")
SEEN = Native("dashscope-multimodal", "multimodal-generation")
USER = [{"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "f"}}
SSE = {"x-dashscope-sse": "enable"}


def refused(dialect: Dialect, body: Any, headers: dict[str, str] | None = None) -> str:
    with pytest.raises(Refusal) as excinfo:
        dialect.read(json.dumps(body).encode(), headers or {})
    assert (excinfo.value.status, excinfo.value.code) == (400, "invalid_parameter_error")
    return excinfo.value.message


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tools": []}, "[] is too short - 'tools'"),
        ({"tools": [{}]}, "'function' is a required property - 'tools.0'"),
        ({"tools": [{"function": {"name": "a b"}}]}, "'a b' must be 1 to 64 letters"),
        ({"tools": [{"function": {"name": "search"}}]}, "not allowed to be [search]"),
        ({"tool_choice": 7}, "tool_choice is one of the strings"),
        (
            {"tools": [TOOL], "tool_choice": "required", "enable_thinking": True},
            "does not support being set to required or object in thinking mode",
        ),
        ({"n": 2, "tools": [TOOL]}, "[1, 1] when tools are given"),
        ({"n": 2, "enable_thinking": True}, "[1, 1] when enable_thinking is true"),
        ({"thinking_budget": 0}, "must be a positive integer"),
        ({"top_logprobs": 6}, "Range of top_logprobs should be [0, 5]"),
        ({"reasoning_effort": "huge"}, "'huge' is none of none, minimal, low"),
        ({"reasoning_effort": "low", "thinking_budget": 5}, "cannot be set together"),
        ({"model": "qwq-plus"}, "only support stream mode"),
        ({"response_format": {"type": "json_schema"}}, "must have a 'name' and a 'schema'"),
        (
            {
                "enable_thinking": True,
                "messages": [{"role": "assistant", "content": "a", "partial": True}],
            },
            "partial mode is not supported when enable_thinking is true",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "must be a response to a preceeding"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]},
            "None is not of type 'string'",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": ["f"]}]}, "is a required property"),
        ({"messages": [{"role": "assistant", "tool_calls": "f"}]}, "a list of calls"),
        (
            {"messages": [{"role": "user", "content": [{"type": "video", "video": ["a", "b"]}]}]},
            "do not meet the requirements: 4 frames".replace("do ", "does "),
        ),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "a list of parts"),
    ],
)
def test_chat_refuses(fields: dict[str, Any], said: str) -> None:
    assert said in refused(Chat(), {"model": "m", "messages": USER, **fields})


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        ({"input": None}, {}, "missing or invalid: input"),
        ({"parameters": []}, {}, None),
        ({"parameters": 3}, {}, "parameters is an object"),
        ({"parameters": {"top_p": 0}}, {}, "Range of top_p should be"),
        ({"model": "qwen3.5-plus"}, {}, "url error"),
        ({"model": "qwen3-vl-plus"}, {}, "url error"),
        ({"parameters": {"enable_thinking": True}}, SSE, "incremental_output"),
        ({"parameters": {"tools": [TOOL], "result_format": "text"}}, {}, "result_format"),
    ],
)
def test_native_text_refuses(
    body: dict[str, Any], headers: dict[str, str], said: str | None
) -> None:
    sent = {"model": "m", "input": {"messages": USER}, **body}
    if said is None:
        assert TEXT.read(json.dumps(sent).encode(), headers).user == "Hi"
    else:
        assert said in refused(TEXT, sent, headers)


def test_native_multimodal_takes_no_prompt_and_no_models_of_text() -> None:
    assert "messages parameter" in refused(SEEN, {"model": "m", "input": {"prompt": "x"}})
    assert "url error" in refused(SEEN, {"model": "qwen-plus", "input": {"messages": USER}})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input": []}, "missing or invalid: input"),
        ({"input": ["x"]}, "Invalid type for 'input.[0]': an item"),
        ({"input": [{"role": "robot", "content": "x"}]}, "'robot' is no role"),
        ({"max_output_tokens": 15}, "Range of max_output_tokens should be [16, 65536]"),
        ({"reasoning": {"effort": "huge"}}, "'huge' is none of"),
        ({"tools": [TOOL]}, "are flat here"),
        ({"previous_response_id": "x"}, "'x' not found"),
        (
            {"input": [{"type": "function_call_output", "call_id": "x", "output": "y"}]},
            "must be a response to a preceeding",
        ),
    ],
)
def test_responses_refuse(fields: dict[str, Any], said: str) -> None:
    assert said in refused(Responses(), {"model": "m", "input": "Hi", **fields})


def test_responses_ignore_what_they_do_not_document() -> None:
    fields = {"seed": -1, "n": 9, "logprobs": 3, "text": {"format": {"type": "json_object"}}}
    tools = [{"type": "web_search"}, {"type": "invented"}]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": []}
    sent = {"model": "m", "input": "Hi", **fields, "tools": tools, "tool_choice": choice}

    ask = Responses().read(json.dumps(sent).encode(), {})

    assert (ask.seed, ask.n, ask.logprobs, ask.response_format, ask.tools) == (
        None,
        1,
        None,
        None,
        (),
    )
    assert ask.form.echo["text"] == fields["text"]


@pytest.mark.parametrize("code", sorted(NATIVE))
def test_a_code_has_one_status_in_every_envelope(code: str) -> None:
    error = struck(Fault(code=code))
    spelt = struck(Fault(code=NATIVE[code]))

    assert (error.status, spelt.status) == (STATUS[code], STATUS[code])
    assert spelt.message == error.message.replace(f"says {code}", f"says {NATIVE[code]}")
    assert json.loads(flat(error, "ff"))["code"] == NATIVE[code] == spelt.code


KEYS = [
    "model",
    "messages",
    "role",
    "content",
    "input",
    "tools",
    "parameters",
    "type",
    "tool_calls",
    "function",
    "name",
    "stream",
    "tool_choice",
    "reasoning",
    "text",
    "prompt",
    "summary",
    "image",
    "image_url",
    "url",
    "video",
    "previous_response_id",
    "instructions",
    "call_id",
    "enable_thinking",
    "response_format",
    "json_schema",
    "schema",
    "partial",
]
bodies = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from([*KEYS, "", "user", "tool"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=14,
)


@given(
    body=st.dictionaries(
        st.sampled_from(["messages", "input", "parameters", "tools", "reasoning"]), bodies
    ),
    number=st.integers(0, 3),
)
@settings(max_examples=100)
def test_any_body_is_understood_or_refused(body: dict[str, Any], number: int) -> None:
    face = Face(Engine(parse("rules: [{match: a, reply: b}]")), "1")
    dialect = face.dialects[number]
    try:
        ask = dialect.read(json.dumps({"model": "m", **body}).encode(), {})
    except Refusal as error:
        assert error.status == 400  # noqa: PT017 - both ends are fine
    else:
        assert ask.model == "m"
