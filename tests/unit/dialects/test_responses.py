"""The responses dialect: items in, items out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qeval.dialects.base import DIALECTS
from qeval.dialects.responses import RESPONSES
from qeval.errors import ResponseError, StatusError, TransportError, UsageError
from qeval.exchange import Answer, Message, Params, Part, Request, Response, ToolCall, Usage

ASKED = (Message(role="user", content="Which city?"),)


def sent(*messages: Message, **params: Any) -> Any:
    request = Request(model="m", messages=messages or ASKED, params=Params(**params))
    return json.loads(RESPONSES.write(request).body)


def read(document: Any, **fields: Any) -> Response:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return RESPONSES.read(Answer(**{"status": 200, "body": body, **fields}))


def text(said: str, **part: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": said, **part}]
    return {"id": "msg_1", "type": "message", "role": "assistant", "content": content}


def done(*items: Any, **fields: Any) -> dict[str, Any]:
    return {"id": "resp_1", "status": "completed", "model": "m-1", "output": list(items), **fields}


def test_responses_is_found_by_name() -> None:
    assert DIALECTS.get("responses") is RESPONSES


def test_one_question_is_sent_as_text_and_the_system_message_as_instructions() -> None:
    system = Message(role="system", content="Be brief.")

    assert sent() == {"model": "m", "input": "Which city?"}
    assert sent(system, *ASKED) == {
        "model": "m",
        "instructions": "Be brief.",
        "input": "Which city?",
    }
    assert sent(system) == {"model": "m", "input": [{"role": "system", "content": "Be brief."}]}


def test_a_conversation_is_sent_as_items() -> None:
    call = ToolCall(id="call_a1", name="f", arguments="{}")
    body = sent(
        *ASKED,
        Message(role="assistant", content="Let me look.", reasoning="hm", tool_calls=(call,)),
        Message(role="tool", content="21", tool_call_id="call_a1"),
    )

    assert body["input"] == [
        {"role": "user", "content": "Which city?"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"role": "assistant", "content": "Let me look."},
        {"type": "function_call", "call_id": "call_a1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_a1", "output": "21"},
    ]


def test_parts_of_an_answer_are_output_and_those_of_a_question_input() -> None:
    body = sent(
        Message(role="user", content=(Part(text="a"), Part(image="https://x.test/a.png"))),
        Message(role="assistant", content=(Part(text="b"),)),
        *ASKED,
    )

    assert [item["content"] for item in body["input"]] == [
        [
            {"type": "input_text", "text": "a"},
            {"type": "input_image", "image_url": "https://x.test/a.png"},
        ],
        [{"type": "output_text", "text": "b"}],
        "Which city?",
    ]


def test_a_cache_marker_asks_for_the_cache_of_the_session() -> None:
    marked = Message(role="user", content=(Part(text="a", cache=True),))
    wire = RESPONSES.write(Request(model="m", messages=(marked,)))

    assert dict(wire.headers)["x-dashscope-session-cache"] == "enable"
    assert b"cache_control" not in wire.body


def test_search_is_a_tool_and_extra_wins() -> None:
    body = sent(search=True, extra={"tool_choice": "required", "store": False})

    assert body["tools"] == [{"type": "web_search"}]
    assert (body["tool_choice"], body["store"]) == ("required", False)
    assert "tools" not in sent(search=False)


def test_tools_of_the_users_own_come_after_those_of_the_case() -> None:
    own = [{"type": "web_search"}, {"type": "web_extractor"}]
    tool = {"name": "f", "description": "F.", "parameters": {}}

    request = Request(model="m", messages=ASKED, tools=(tool,), params=Params(extra={"tools": own}))

    body = json.loads(RESPONSES.write(request).body)

    assert body["tools"] == [{"type": "function", **tool}, *own]
    assert sent(extra={"tools": own})["tools"] == own


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("auto", "auto"),
        ("required", "required"),
        (
            "f",
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}],
            },
        ),
    ],
)
def test_one_tool_is_chosen_by_limiting_the_tools_to_it(choice: str, written: Any) -> None:
    assert sent(tool_choice=choice)["tool_choice"] == written


def test_what_the_service_ignores_is_not_sent_but_refused() -> None:
    with pytest.raises(UsageError) as caught:
        sent(seed=7)

    assert str(caught.value) == (
        "dialect 'responses' ignores seed\n\n"
        "hint: leave it out, or set the target's `dialect: chat`"
    )


def test_a_whole_response_is_read() -> None:
    search = {"id": "s", "type": "web_search_call", "action": {"query": "x"}}
    response = read(
        done(
            {"id": "msg_r", "type": "reasoning", "summary": [{"text": "Ea"}, {"text": "sy."}]},
            search,
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
            text("Par", annotations=[{"url": "x"}]),
            text("is."),
            usage={
                "input_tokens": 54,
                "output_tokens": 662,
                "total_tokens": 716,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 447},
                "x_details": [{"prompt_tokens_details": {"image_tokens": 30}}],
            },
            store=True,
            tools=[],
        )
    )

    assert response == Response(
        text="Paris.",
        reasoning="Easy.",
        tool_calls=(ToolCall(id="c1", name="f", arguments='{"a": 1}'),),
        finish_reason="tool_calls",
        usage=Usage(
            input_tokens=54,
            output_tokens=662,
            total_tokens=716,
            cached_input_tokens=0,
            reasoning_tokens=447,
            image_tokens=30,
        ),
        model="m-1",
        id="resp_1",
        extra={
            "store": True,
            "output": [search],
            "message": {
                "content": [{"type": "output_text", "text": "Par", "annotations": [{"url": "x"}]}]
            },
            "usage": {"x_details": [{"prompt_tokens_details": {"image_tokens": 30}}]},
        },
    )


@pytest.mark.parametrize(
    ("status", "details", "finish", "truncated"),
    [
        ("completed", None, "stop", False),
        ("incomplete", {"reason": "max_output_tokens"}, "length", True),
        ("incomplete", None, "length", True),
        ("incomplete", {"reason": "content_filter"}, "content_filter", False),
        (None, None, None, False),
    ],
)
def test_status_tells_how_it_ended(status: Any, details: Any, finish: Any, truncated: Any) -> None:
    response = read(done(text("Hi"), status=status, incomplete_details=details))

    assert (response.finish_reason, response.truncated) == (finish, truncated)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (
            done(status="failed", error={"code": "InvalidParameter", "message": "No"}),
            "InvalidParameter",
        ),
        (done(status="failed"), "failed"),
        (done(status="cancelled"), "cancelled"),
        ({"code": "InvalidParameter", "message": "No", "request_id": "r"}, "InvalidParameter"),
    ],
)
def test_a_failure_inside_a_200_is_an_error(document: Any, code: str) -> None:
    with pytest.raises(StatusError) as caught:
        read(document)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("document", "fact"),
    [
        ([], "is not a JSON object"),
        ({}, "has no output"),
        (done(status="queued"), "is not there yet: its status is queued"),
    ],
)
def test_what_is_no_response_is_told(document: Any, fact: str) -> None:
    with pytest.raises(ResponseError, match=f"the answer {fact}; it begins"):
        read(document)


def test_a_cut_body_is_cut() -> None:
    with pytest.raises(TransportError, match="reset"):
        read(done(), error="reset")


def event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields})
    return f"event:{kind}\n:HTTP_STATUS/200\ndata:{data}\n\n".encode()


def test_an_error_event_is_an_error() -> None:
    body = event("response.output_text.delta", item_id="m", delta="Par")
    with pytest.raises(StatusError) as caught:
        read(body + event("error", code="Throttling", message="slow", param=None))

    assert (caught.value.code, caught.value.retryable) == ("Throttling", True)
    assert caught.value.partial.text == "Par"


def test_code_in_an_event_of_a_tool_is_no_error() -> None:
    code = event("response.code_interpreter_call_code.done", code="print(1)")

    assert read(code + event("response.completed", response=done(text("1")))).text == "1"


def test_items_are_known_by_id_where_places_differ() -> None:
    call = {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": ""}
    body = (
        event("response.output_item.added", output_index=0, item=call)
        + event(
            "response.function_call_arguments.delta", item_id="fc_1", output_index=0, delta='{"a"'
        )
        + event(
            "response.function_call_arguments.delta", item_id="fc_1", output_index=1, delta=": 1}"
        )
        + event("response.completed", response={"status": "completed", "id": "resp_1"})
    )

    assert read(body).tool_calls == (ToolCall(id="c1", name="f", arguments='{"a": 1}'),)
