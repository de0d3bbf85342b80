from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.dialects.base import DIALECTS
from qeval.dialects.chat import CHAT
from qeval.errors import ResponseError, StatusError, TransportError, UsageError
from qeval.exchange import Answer, Message, Params, Part, Request, Response, ToolCall, Usage
from qeval.value import to_json

ASKED = (Message(role="user", content="Which city?"),)


def sent(request: Request) -> Any:
    wire = CHAT.write(request)
    assert (wire.method, wire.path) == ("POST", "/chat/completions")
    return json.loads(wire.body)


def params(**values: Any) -> Any:
    body = sent(Request(model="m", messages=ASKED, params=Params(**values)))
    return {key: value for key, value in body.items() if key not in {"model", "messages"}}


def reply(**message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}}]}


def read(document: Any, status: int = 200, **headers: str) -> Any:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return CHAT.read(Answer(status=status, headers=named, body=body))


def test_chat_is_found_by_name() -> None:
    assert DIALECTS.get("chat") is CHAT
    assert CHAT.name == "chat"


@pytest.mark.parametrize(
    ("given_params", "body"),
    [
        pytest.param({}, {}, id="nothing-set-nothing-sent"),
        pytest.param(
            {"temperature": 0.0, "top_p": 1.0},
            {"temperature": 0.0, "top_p": 1.0},
            id="zero-is-sent",
        ),
        pytest.param({"top_k": 20, "seed": 0}, {"top_k": 20, "seed": 0}, id="integers"),
        pytest.param({"max_output_tokens": 80}, {"max_tokens": 80}, id="length"),
        pytest.param({"thinking": False}, {"enable_thinking": False}, id="thinking-off"),
        pytest.param({"thinking": True}, {"enable_thinking": True}, id="thinking-on"),
        pytest.param(
            {"thinking": 500}, {"enable_thinking": True, "thinking_budget": 500}, id="budget"
        ),
        pytest.param(
            {"thinking": "low"}, {"enable_thinking": True, "reasoning_effort": "low"}, id="effort"
        ),
        pytest.param({"stop": "END"}, {"stop": "END"}, id="stop"),
        pytest.param({"stop": ("a", "b")}, {"stop": ["a", "b"]}, id="stops"),
        pytest.param({"logprobs": 0}, {"logprobs": True, "top_logprobs": 0}, id="logprobs"),
        pytest.param({"n": 3}, {"n": 3}, id="n"),
        pytest.param({"tool_choice": "none"}, {"tool_choice": "none"}, id="tool-choice"),
        pytest.param(
            {"tool_choice": "f"},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            id="named-tool",
        ),
        pytest.param({"parallel_tool_calls": False}, {"parallel_tool_calls": False}, id="parallel"),
        pytest.param({"search": False}, {"enable_search": False}, id="no-search"),
        pytest.param({"search": True}, {"enable_search": True}, id="search"),
        pytest.param(
            {"search": {"forced_search": True}},
            {"enable_search": True, "search_options": {"forced_search": True}},
            id="search-options",
        ),
        pytest.param(
            {"extra": {"max_completion_tokens": 9, "user": None}},
            {"max_completion_tokens": 9, "user": None},
            id="extra-verbatim",
        ),
    ],
)
def test_parameters_are_written(given_params: dict[str, Any], body: dict[str, Any]) -> None:
    assert params(**given_params) == body


@pytest.mark.parametrize(
    ("wanted", "written"),
    [
        (None, None),
        ("text", None),
        ("json", {"type": "json_object"}),
        (
            {"schema": {"type": "object"}},
            {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
            },
        ),
    ],
)
def test_response_format_is_written(wanted: Any, written: Any) -> None:
    body = sent(Request(model="m", messages=ASKED, response_format=wanted))

    assert body.get("response_format") == written


def test_messages_are_written() -> None:
    messages = (
        Message(role="user", content=(Part(text="a", cache=True), Part(text="b"))),
        Message(
            role="assistant",
            reasoning="hm",
            tool_calls=(ToolCall(id="c1", name="f", arguments="{}"),),
        ),
        Message(role="tool", content="21", tool_call_id="c1"),
        Message(role="assistant", content="It is", partial=True),
    )

    assert sent(Request(model="m", messages=messages))["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "b"},
            ],
        },
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "content": "21", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It is", "partial": True},
    ]


def test_equal_requests_give_equal_bytes_in_a_fixed_order() -> None:
    request = Request(model="m", messages=ASKED, params=Params(temperature=1.0, seed=3))

    assert CHAT.write(request).body == (
        b'{"model":"m","messages":[{"role":"user","content":"Which city?"}],'
        b'"temperature":1.0,"seed":3}'
    )


def test_lone_surrogates_are_replaced_where_no_utf8_can_hold_them() -> None:
    messages = (Message(role="user", content="a\ud800b"), Message(role="user", content="é\0"))

    body = sent(Request(model="m", messages=messages, params=Params(extra={"x": ["\udc80", 1]})))

    assert [message["content"] for message in body["messages"]] == ["a\ufffdb", "é\0"]
    assert body["x"] == ["\ufffd", 1]


def test_a_stream_is_asked_for_with_its_usage() -> None:
    assert params(stream=True) == {"stream": True, "stream_options": {"include_usage": True}}


def test_a_medium_that_is_a_path_is_refused() -> None:
    shown = Message(role="user", content=(Part(image="pictures/x.png"),))

    with pytest.raises(UsageError) as caught:
        CHAT.write(Request(model="m", messages=(shown,)))

    assert str(caught.value) == (
        "'pictures/x.png' is a path, and this call is not made from files\n\n"
        "hint: write an address with its scheme, or the file's content as a data: URI"
    )


def test_a_whole_answer_is_read() -> None:
    response = read(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1790000000,
            "model": "qwen3.6-plus",
            "system_fingerprint": "fp",
            "service_tier": None,
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "logprobs": {"content": []},
                    "message": {
                        "role": "assistant",
                        "content": "Paris.",
                        "reasoning_content": "Easy.",
                        "tool_calls": [],
                        "annotations": ["x"],
                    },
                },
                {"index": 1, "message": {"content": "Lyon."}},
            ],
            "usage": {
                "prompt_tokens": 17,
                "completion_tokens": 60,
                "total_tokens": 77,
                "prompt_tokens_details": {
                    "cached_tokens": 0,
                    "image_tokens": 3,
                    "audio_tokens": None,
                    "cache_type": "ephemeral",
                },
                "completion_tokens_details": {"reasoning_tokens": 55},
                "plugins": {"search": 1},
            },
        }
    )

    assert (response.text, response.reasoning, response.tool_calls) == ("Paris.", "Easy.", ())
    assert (response.finish_reason, response.truncated) == ("stop", False)
    assert (response.model, response.id) == ("qwen3.6-plus", "chatcmpl-1")
    assert response.usage == Usage(
        input_tokens=17,
        output_tokens=60,
        total_tokens=77,
        cached_input_tokens=0,
        reasoning_tokens=55,
        image_tokens=3,
    )
    assert response.others == (Response(text="Lyon.", model="qwen3.6-plus", id="chatcmpl-1"),)
    assert response.extra == {
        "system_fingerprint": "fp",
        "choice": {"logprobs": {"content": []}},
        "message": {"annotations": ["x"]},
        "usage": {
            "plugins": {"search": 1},
            "prompt_tokens_details": {"cache_type": "ephemeral"},
        },
    }


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Paris.", "Paris."),
        ("", ""),
        (None, ""),
        ([], ""),
        ([{"type": "text", "text": "Par"}, {"type": "image"}, {"text": "is."}], "Paris."),
        ("\x1b[31m</script>\0", "\x1b[31m</script>\0"),
    ],
)
def test_content_is_read_as_text(content: Any, text: str) -> None:
    assert read(reply(content=content)).text == text


def test_lone_surrogates_of_an_answer_become_replacement_characters() -> None:
    response = read(b'{"choices":[{"message":{"content":"a\\ud800b"}}]}')

    assert response.text == "a\ufffdb"


@pytest.mark.parametrize(
    ("arguments", "text"), [('{"a": 1}', '{"a": 1}'), (None, ""), ({"a": 1}, '{"a":1}')]
)
def test_tool_calls_are_read(arguments: Any, text: str) -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": arguments}}

    assert read(reply(tool_calls=[call])).tool_calls == (
        ToolCall(id="c", name="f", arguments=text),
    )


@pytest.mark.parametrize(
    ("reason", "read_as", "truncated"),
    [
        ("stop", "stop", False),
        ("length", "length", True),
        ("null", None, False),
        (None, None, False),
        ("content_filter", "content_filter", False),
    ],
)
def test_finish_reason_is_read(reason: str | None, read_as: str | None, truncated: bool) -> None:  # noqa: FBT001 - a table's column
    document = reply(content="x")
    document["choices"][0]["finish_reason"] = reason

    response = read(document)

    assert (response.finish_reason, response.truncated) == (read_as, truncated)


def test_a_partial_response_is_truncated_though_it_says_stop() -> None:
    document = reply(content="x")
    document["choices"][0]["finish_reason"] = "stop"

    assert read(document, x_dashscope_partialresponse="true").truncated
    assert not read(document, x_dashscope_partialresponse="false").truncated


@pytest.mark.parametrize("usage", [None, {}, [], "17", {"prompt_tokens": None}])
def test_usage_that_was_not_reported_is_unknown(usage: Any) -> None:
    assert read({**reply(content="x"), "usage": usage}).usage == Usage()


@pytest.mark.parametrize(
    ("count", "known"),
    [
        (0, 0),
        (17, 17),
        (17.0, 17),
        (1.5, None),
        (-1, None),
        (True, None),
        (2**53, 2**53),
        (10**400, None),
        (1e30, None),
    ],
)
def test_only_whole_counts_are_counts(count: Any, known: int | None) -> None:
    usage = read({**reply(content="x"), "usage": {"prompt_tokens": count}}).usage

    assert usage.input_tokens == known


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the answer is empty"),
        (b" \n", "the answer is empty"),
        (b"[1]", "the answer is not a JSON object; it begins '[1]'"),
        (b"<p>\x1b[31m\0", "the answer is not JSON; it begins '<p>\\x1b[31m\\x00'"),
        (b'{"a":', "the answer is not JSON; it begins '{\"a\":'"),
        (b"\xff\xfe\xfd", "the answer is invalid UTF-8 at byte 0; it begins '\\xff\\xfe\\xfd'"),
        (b"{}", "the answer has no choices; it begins '{}'"),
        (b'{"choices":[]}', "the answer has no choices; it begins '{\"choices\":[]}'"),
        (b'{"choices":[1]}', "the answer has no choices; it begins '{\"choices\":[1]}'"),
        (b'{"choices":[{}]}', "the answer has no message; it begins '{\"choices\":[{}]}'"),
    ],
)
def test_what_is_not_a_completion_is_told(body: bytes, message: str) -> None:
    with pytest.raises(ResponseError) as caught:
        read(body)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("message", "fact"),
    [
        ({"content": 7}, "has a content that is not text"),
        ({"content": ["x"]}, "has a content that is not text"),
        ({"tool_calls": {"a": 1}}, "has tool calls that are not a list"),
        ({"tool_calls": [{"id": "c"}]}, "has a tool call without a function"),
        ({"tool_calls": [None]}, "has a tool call without a function"),
    ],
)
def test_a_message_of_another_shape_is_told(message: dict[str, Any], fact: str) -> None:
    with pytest.raises(ResponseError, match=f"the answer {fact}; it begins"):
        read(reply(**message))


def test_deep_nesting_ends_in_an_error_of_ours() -> None:
    with pytest.raises(ResponseError, match="nested too deeply"):
        read(b"[" * 200_000)


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"code": "limit_requests", "message": "slow"}},
        {"code": "Throttling", "message": "slow", "request_id": "r"},
    ],
)
def test_an_error_inside_a_200_is_an_error(document: Any) -> None:
    with pytest.raises(StatusError) as caught:
        read(document)

    assert (caught.value.status, caught.value.retryable) == (200, True)


def test_a_cut_body_is_cut_even_where_it_parses() -> None:
    with pytest.raises(TransportError) as caught:
        CHAT.read(Answer(status=200, body=b'{"choices":[]}', error="reset after 14 B"))

    assert (caught.value.kind, caught.value.message) == ("cut", "reset after 14 B")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "usage",
                    "error",
                    "code",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100)
@given(document=json_values, status=st.sampled_from([200, 400, 429, 500]))
def test_any_json_ends_in_a_response_or_an_error_of_ours(document: Any, status: int) -> None:
    try:
        response = CHAT.read(Answer(status=status, body=json.dumps(document).encode()))
    except (ResponseError, StatusError):
        return
    assert to_json(response)


@settings(max_examples=100)
@given(body=st.binary(max_size=60))
def test_any_bytes_end_in_an_error_that_can_be_written(body: bytes) -> None:
    with pytest.raises((ResponseError, StatusError)) as caught:
        CHAT.read(Answer(status=200, body=body))

    assert caught.value.message.isprintable()
    assert caught.value.message.encode()
