"""The fourteen things that break naive clients (wire.md section 0), by number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qeval.dialects.base import DIALECTS
from qeval.dialects.errors import classify, failure
from qeval.errors import StatusError
from qeval.exchange import Answer, Message, Params, Request, Response, ToolCall, Usage

NATIVES = ("dashscope-text", "dashscope-multimodal")


def read(dialect: str, body: str | dict[str, Any], **headers: str) -> Response:
    encoded = (body if isinstance(body, str) else json.dumps(body)).encode()
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return DIALECTS.get(dialect).read(Answer(status=200, headers=named, body=encoded))


def sent(dialect: str, **fields: Any) -> Any:
    asked = (Message(role="user", content="Hello"),)
    return json.loads(DIALECTS.get(dialect).write(Request(messages=asked, **fields)).body)


def frame(document: Any, event: str = "result") -> str:
    """A frame as native streams and Responses write it."""
    return f"id:1\nevent:{event}\n:HTTP_STATUS/200\ndata:{json.dumps(document)}\n\n"


def native(content: Any, finish: str | None = "null", **message: Any) -> dict[str, Any]:
    said = {"content": content, "role": "assistant", **message}
    return {"output": {"choices": [{"message": said, "finish_reason": finish}]}}


def chunk(delta: Any, finish: str | None = None) -> str:
    document = {"choices": [{"delta": delta, "index": 0, "finish_reason": finish}], "usage": None}
    return f"data: {json.dumps(document)}\n\n"


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (
            "chat",
            chunk({"content": "Par"})
            + 'data: {"error":{"code":"limit_requests","message":"slow down"}}\n\n',
        ),
        (
            "responses",
            frame({"type": "response.output_text.delta", "item_id": "m", "delta": "Par"}, "x")
            + frame(
                {
                    "type": "response.failed",
                    "response": {
                        "status": "failed",
                        "error": {"code": "limit_requests", "message": "slow down"},
                    },
                },
                "response.failed",
            ),
        ),
        (
            "dashscope-text",
            frame(native("Par"))
            + "id:2\nevent:error\n:HTTP_STATUS/429\n"
            + 'data:{"code":"limit_requests","message":"slow down","request_id":"r-9"}\n\n',
        ),
    ],
)
def test_pitfall_01_a_stream_can_fail_inside_http_200(dialect: str, body: str) -> None:
    with pytest.raises(StatusError) as caught:
        read(dialect, body)

    assert (caught.value.code, caught.value.retryable) == ("limit_requests", True)
    assert caught.value.message.endswith("limit_requests: slow down")
    assert caught.value.partial.text == "Par"


@pytest.mark.parametrize("dialect", NATIVES)
@pytest.mark.parametrize("unfinished", ["null", None])
def test_pitfall_02_the_text_null_is_no_finish_reason(dialect: str, unfinished: str | None) -> None:
    response = read(
        dialect,
        frame(native("Par", unfinished))
        + frame(native("is.", unfinished))
        + frame(native("", "stop")),
    )
    alone = read(dialect, native("Paris.", unfinished))

    assert (response.text, response.finish_reason) == ("Paris.", "stop")
    assert alone.finish_reason is None


def test_pitfall_03_at_most_one_space_after_the_colon_is_no_data() -> None:
    one = chunk({"content": " a"}) + chunk({"content": ""}, "stop") + "data: [DONE]\n\n"
    none = one.replace("data: ", "data:")
    adorned = one.replace("data:", "id:1\nevent:result\n:HTTP_STATUS/200\ndata:")

    assert [read("chat", body).text for body in (one, none, adorned)] == [" a"] * 3


@pytest.mark.parametrize("dialect", NATIVES)
def test_pitfall_04_native_streams_end_without_done(dialect: str) -> None:
    response = read(dialect, frame(native("Hi")) + frame(native("", "stop")))

    assert (response.text, response.finish_reason) == ("Hi", "stop")


def test_pitfall_04_responses_streams_end_without_done() -> None:
    whole = {"status": "completed", "output": [message("Hi")]}
    body = frame({"type": "response.completed", "response": whole}, "response.completed")

    assert read("responses", body).text == "Hi"


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "id": "m", "content": [{"type": "output_text", "text": text}]}


@pytest.mark.parametrize("gap", ["\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\r\r"])
def test_pitfall_05_frames_need_no_blank_line_between_them(gap: str) -> None:
    lines = [json.dumps(native(text)) for text in ("Pa", "ri", "s.")] + [
        json.dumps(native("", "stop"))
    ]

    assert read("dashscope-text", gap.join(f"data:{line}" for line in lines)).text == "Paris."


@pytest.mark.parametrize("odd", [r'"\ud83d"', "NaN"])
def test_pitfall_05_an_odd_frame_glues_nothing_to_the_next(odd: str) -> None:
    frames = [json.dumps(native(text, end)) for text, end in (("Par", "null"), ("is", "stop"))]
    frames[0] = frames[0][:-1] + f', "trace": {odd}}}'

    assert read("dashscope-text", "\n".join(f"data:{frame}" for frame in frames)).text == "Paris"


def test_pitfall_05_lines_are_joined_only_where_one_is_not_json() -> None:
    pretty = json.dumps(native("Hi", "stop"), indent=1)
    body = "id:1\nevent:result\n" + "".join(f"data: {line}\n" for line in pretty.split("\n")) + "\n"

    assert read("dashscope-text", body).text == "Hi"


def test_pitfall_06_usage_comes_in_a_chunk_without_choices_if_it_is_asked_for() -> None:
    body = chunk({"content": "Hi"}) + chunk({"content": ""}, "stop")
    usage = 'data: {"choices":[],"usage":{"prompt_tokens":17,"completion_tokens":2}}\n\n'

    assert sent("chat", model="m", params=Params(stream=True))["stream_options"] == {
        "include_usage": True
    }
    assert read("chat", body + usage + "data: [DONE]\n\n").usage == Usage(
        input_tokens=17, output_tokens=2
    )
    assert read("chat", body + "data: [DONE]\n\n").usage == Usage()


def test_pitfall_06_native_usage_is_cumulative_in_every_frame() -> None:
    frames = [native("Pa"), native("ris"), native("", "stop")]
    for count, one in enumerate(frames, 1):
        one["usage"] = {"input_tokens": 16, "output_tokens": count, "total_tokens": 16 + count}

    assert read("dashscope-text", "".join(map(frame, frames))).usage == Usage(
        input_tokens=16, output_tokens=3, total_tokens=19
    )


def fragment(index: int, identity: str | None, arguments: str | None, **name: str | None) -> Any:
    function = {**name, "arguments": arguments}
    return {"index": index, "id": identity, "type": "function", "function": function}


FRAGMENTS = (
    [fragment(0, "call_a1", None, name="get_weather")],
    [fragment(0, "", '{"city":')],
    [fragment(0, "call_a1", ' "Paris"}', name=None)],
    [fragment(1, "call_b2", "", name="get_weather"), fragment(1, None, "{}", name="")],
)
CALLS = (
    ToolCall(id="call_a1", name="get_weather", arguments='{"city": "Paris"}'),
    ToolCall(id="call_b2", name="get_weather", arguments="{}"),
)


def test_pitfall_07_fragments_of_tool_calls_repeat_or_leave_out_id_and_name() -> None:
    body = "".join(chunk({"content": None, "tool_calls": calls}) for calls in FRAGMENTS)
    response = read("chat", body + chunk({"content": ""}, "tool_calls") + "data: [DONE]\n\n")

    assert (response.tool_calls, response.finish_reason) == (CALLS, "tool_calls")


@pytest.mark.parametrize("dialect", NATIVES)
def test_pitfall_07_native_fragments_are_put_together_alike(dialect: str) -> None:
    frames = [native("", tool_calls=calls) for calls in FRAGMENTS]
    body = "".join(map(frame, [*frames, native("", "tool_calls")]))

    assert read(dialect, body).tool_calls == CALLS


def test_pitfall_08_multimodal_content_is_a_list_and_may_be_empty() -> None:
    frames = [
        native([], reasoning_content="Let"),
        native([], reasoning_content=" me"),
        native([{"text": "A "}, {"text": "cat"}]),
        native([{"text": "."}]),
        native([], "stop"),
    ]
    streamed = read("dashscope-multimodal", "".join(map(frame, frames)))
    whole = read("dashscope-multimodal", native([{"text": "A "}, {"text": "cat."}], "stop"))

    assert (streamed.text, streamed.reasoning) == ("A cat.", "Let me")
    assert whole.text == "A cat."


@pytest.mark.parametrize(
    "body",
    [
        {
            "error": {"message": "No", "type": "x", "code": "invalid_parameter_error"},
            "request_id": "r",
        },
        {"request_id": "r", "message": "No", "code": "InvalidParameter"},
        {"message": "No", "code": "Bad Request", "request_id": "r"},
    ],
)
def test_pitfall_09_error_bodies_have_several_shapes(body: dict[str, Any]) -> None:
    for encoded in (json.dumps(body), f"id:1\nevent:error\ndata:{json.dumps(body)}\n\n"):
        error = failure(Answer(status=400, body=encoded.encode()))

        assert (error.request_id, error.retryable, error.account) == ("r", False, False)
        assert error.message.endswith(": No")
        assert error.code in {"invalid_parameter_error", "InvalidParameter", "Bad Request"}


def test_pitfall_10_insufficient_quota_is_a_rate_limit_and_arrearage_a_bill() -> None:
    assert classify("insufficient_quota", 429) == "retry"
    assert classify("Arrearage", 400) == "account"


@pytest.mark.parametrize(
    ("dialect", "thinking", "written"),
    [
        ("chat", False, {"enable_thinking": False}),
        ("chat", True, {"enable_thinking": True}),
        ("chat", 500, {"enable_thinking": True, "thinking_budget": 500}),
        ("chat", "low", {"enable_thinking": True, "reasoning_effort": "low"}),
        ("responses", False, {"enable_thinking": False}),
        ("responses", True, {"enable_thinking": True}),
        ("responses", "low", {"reasoning": {"effort": "low"}}),
        ("dashscope-text", False, {"enable_thinking": False}),
        ("dashscope-text", 500, {"enable_thinking": True, "thinking_budget": 500}),
        ("dashscope-multimodal", True, {"enable_thinking": True}),
    ],
)
def test_pitfall_11_thinking_is_always_said(
    dialect: str,
    thinking: Any,
    written: dict[str, Any],
) -> None:
    body = sent(dialect, model="qwen3.6-plus", params=Params(thinking=thinking))
    there = body.get("parameters", body)

    assert {key: there.get(key) for key in written} == written


def test_pitfall_12_each_native_service_has_its_own_path_and_content() -> None:
    asked = Request(model="qwen3.6-plus", messages=(Message(role="user", content="Hello"),))
    text, multimodal = (DIALECTS.get(name).write(asked) for name in NATIVES)

    assert text.path == "/services/aigc/text-generation/generation"
    assert multimodal.path == "/services/aigc/multimodal-generation/generation"
    assert json.loads(text.body)["input"]["messages"][0]["content"] == "Hello"
    assert json.loads(multimodal.body)["input"]["messages"][0]["content"] == [{"text": "Hello"}]


def test_pitfall_13_an_echo_of_what_was_ignored_proves_nothing() -> None:
    echo = {"text": {"format": {"type": "json_object"}}, "parallel_tool_calls": True, "n": 2}
    response = read("responses", {"status": "completed", "output": [message("no JSON")], **echo})

    assert (response.text, response.others) == ("no JSON", ())
    assert response.extra == echo


@pytest.mark.parametrize("dialect", ["chat", "responses", *NATIVES])
def test_pitfall_14_a_partial_response_is_truncated_though_it_says_stop(dialect: str) -> None:
    whole: Any = {
        "chat": {"choices": [{"finish_reason": "stop", "message": {"content": "Par"}}]},
        "responses": {"status": "completed", "output": [message("Par")]},
    }.get(dialect, native("Par", "stop"))
    response = read(dialect, whole, x_dashscope_partialresponse="true")

    assert (response.text, response.finish_reason, response.truncated) == ("Par", "stop", True)
    assert not read(dialect, whole).truncated
