"""Answers that are odd and still answers: fields in other orders, nulls, what only ends say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qeval.dialects.asked import reader
from qeval.dialects.base import DIALECTS
from qeval.dialects.sse import Events
from qeval.errors import ResponseError, StatusError, TransportError
from qeval.exchange import Answer, Message, Params, Request, Response, ToolCall

NATIVES = ("dashscope-text", "dashscope-multimodal")
STREAM = (("content-type", "text/event-stream"),)


def read(dialect: str, body: Any, **fields: Any) -> Response:
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    return DIALECTS.get(dialect).read(Answer(**{"status": 200, "body": body, **fields}))


def native_frame(content: Any, finish: str = "null", **usage: int) -> str:
    choice = {"message": {"content": content}, "finish_reason": finish}
    return f"data:{json.dumps({'output': {'choices': [choice]}, 'usage': usage})}\n\n"


# What a frame says of itself


@pytest.mark.parametrize(
    ("head", "gap"),
    [
        ("id:2\nevent:error\n:HTTP_STATUS/429\n", "\n"),
        ("id:2\nevent:error\n:HTTP_STATUS/429\n", "\n\n"),
        ("event:error\nid:2\n:HTTP_STATUS/429\n", "\n"),
        ("event:error\nid:2\n:HTTP_STATUS/429\n", "\n\n"),
        ("event:error\n:HTTP_STATUS/429\nid:2\n", "\n\n"),
        ("event:error\nid:2\nstatus:429\n", "\n"),  # an older form
        (":HTTP_STATUS/429\nevent:error\nid:2\n", "\n\n"),  # a comment alone begins no frame
    ],
)
def test_name_and_status_of_a_frame_hold_in_any_order_of_its_fields(head: str, gap: str) -> None:
    first = f'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{{"a":1}}{gap}'
    events = Events()

    found = events.feed(f'{first}{head}data:{{"message":"slow down"}}{gap}'.encode())

    assert [(one.name, one.status) for one in found] == [("result", 200), ("error", 429)]


def test_an_error_without_a_code_is_one_wherever_its_id_stands() -> None:
    body = 'event:error\nid:1\n:HTTP_STATUS/400\ndata:{"message":"No","request_id":"r"}\n\n'

    with pytest.raises(StatusError, match="400: No"):
        read("dashscope-text", body, headers=STREAM)


@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\r\r"])
def test_nothing_is_read_after_done(gap: str) -> None:
    def chunk(text: str) -> str:
        return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}{gap}"

    behind = chunk("B") + f"data: <html>{gap}" + f'data: {{"error":{{"message":"late"}}}}{gap}'
    one_piece = read("chat", chunk("A") + f"data: [DONE]{gap}" + behind)
    stream: Any = DIALECTS.get("chat").stream()  # type: ignore[attr-defined]  # ours have it
    for piece in (chunk("A") + f"data: [DONE]{gap}", behind):
        stream.feed(piece.encode())

    assert one_piece.text == stream.end(Answer(status=200)).text == "A"


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("chat", b'data: {"choi'),
        ("chat", b'data: {"choices":[\ndata: {"del'),
        ("chat", b'data: {"choices":[\n'),
        ("responses", b'event:response.created\ndata:{"type":"resp'),
        ("dashscope-text", b'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"outp'),
        ("dashscope-multimodal", b"id:1\nevent:re"),
    ],
)
def test_a_reset_inside_the_first_frame_is_a_cut(dialect: str, body: bytes) -> None:
    with pytest.raises(TransportError, match="reset by peer") as caught:
        read(dialect, body, error="reset by peer", headers=STREAM)

    assert (caught.value.kind, caught.value.partial) == ("cut", None)


def test_a_first_frame_that_is_not_json_is_told_where_nothing_was_cut() -> None:
    with pytest.raises(ResponseError, match="an event that is not JSON"):
        read("chat", b'data: {"choi', headers=STREAM)


# Native


@pytest.mark.parametrize("choices", [None, []])
@pytest.mark.parametrize("form", ["{}", "data:{}\n\n"])
def test_the_older_form_is_read_beside_choices_that_hold_nothing(choices: Any, form: str) -> None:
    output = {"text": "Hi", "finish_reason": "stop", "choices": choices}

    response = read("dashscope-text", form.replace("{}", json.dumps({"output": output})))

    assert (response.text, response.finish_reason) == ("Hi", "stop")


def test_what_stands_beside_the_choices_of_a_stream_is_kept() -> None:
    choice = {"message": {"content": "Hi"}, "finish_reason": "stop"}
    output = {"choices": [choice], "search_info": {"search_results": [{"index": 1}]}}

    response = read("dashscope-text", f"data:{json.dumps({'output': output})}\n\n")

    assert response.extra == {"output": {"search_info": {"search_results": [{"index": 1}]}}}


def test_choices_that_hold_nothing_are_no_answer_without_a_text() -> None:
    with pytest.raises(ResponseError, match="has no choices"):
        read("dashscope-text", {"output": {"choices": [], "text": None}})


def asking(*, stream: bool = True, **extra: Any) -> Request:
    asked = (Message(role="user", content="Hi"),)
    return Request(model="m", messages=asked, params=Params(stream=stream, extra=extra))


@pytest.mark.parametrize("dialect", NATIVES)
@pytest.mark.parametrize(
    ("pieces", "asked", "text"),
    [
        (["1", "12"], {}, "112"),
        (["ha", "ha"], {}, "haha"),
        (["Par", "Paris", "Paris."], {}, "Paris."),  # asked for in vain
        (["Par", "is."], {}, "Paris."),
        (["1", "12"], {"incremental_output": False}, "12"),
        (["ha", "ha"], {"incremental_output": False}, "ha"),
        (["Par", "is."], {"incremental_output": False}, "Paris."),  # asked for in vain
    ],
)
def test_where_the_pieces_leave_a_doubt_what_was_asked_decides(
    dialect: str, pieces: list[str], asked: dict[str, Any], text: str
) -> None:
    last = len(pieces) - 1
    frames = [
        native_frame(
            [{"text": one}] if dialect.endswith("modal") else one, "stop" if n == last else "null"
        )
        for n, one in enumerate(pieces)
    ]
    answer = Answer(status=200, body="".join(frames).encode())

    found = reader(DIALECTS.get(dialect), asking(**asked)).read(answer)

    assert found.text == text


def test_only_native_streams_are_read_by_what_was_asked() -> None:
    chat, native = DIALECTS.get("chat"), DIALECTS.get("dashscope-text")

    assert reader(chat, asking()) is chat
    assert reader(native, asking(stream=False)) is native
    assert reader(native, asking()).name == "dashscope-text"


# Chat


def test_answers_and_calls_of_a_whole_body_come_in_order_of_their_index() -> None:
    def call(index: int, name: str) -> dict[str, Any]:
        return {"index": index, "id": name, "function": {"name": name, "arguments": "{}"}}

    calls = [call(1, "g"), call(0, "f")]
    choices = [
        {"index": 1, "message": {"content": "b"}},
        {"index": 0, "message": {"content": "a", "tool_calls": calls}},
    ]

    response = read("chat", {"id": "c", "choices": choices, "usage": {"prompt_tokens": 3}})

    assert (response.text, [other.text for other in response.others]) == ("a", ["b"])
    assert [made.name for made in response.tool_calls] == ["f", "g"]
    assert response.usage.input_tokens == 3


@pytest.mark.parametrize("dialect", ["chat", *NATIVES])
def test_a_call_without_a_name_is_none(dialect: str) -> None:
    calls = [{"id": "a", "function": {"name": name, "arguments": "{}"}} for name in (None, "", "f")]
    choice = {"message": {"content": "Hi", "tool_calls": calls}, "finish_reason": "stop"}
    body = {"choices": [choice]} if dialect == "chat" else {"output": {"choices": [choice]}}

    response = read(dialect, body)

    assert (response.text, response.tool_calls) == (
        "Hi",
        (ToolCall(id="a", name="f", arguments="{}"),),
    )


# Responses


def event(kind: str, **fields: Any) -> str:
    return f"event:{kind}\ndata:{json.dumps({'type': kind, **fields})}\n\n"


def test_a_response_whose_only_call_has_no_name_stopped() -> None:
    output = [{"type": "function_call", "name": None, "arguments": "{}"}]

    response = read("responses", {"status": "completed", "output": output})

    assert (response.tool_calls, response.finish_reason) == ((), "stop")


def test_what_only_ends_say_is_read_where_the_last_event_is_empty() -> None:
    body = (
        event("response.reasoning_text.done", item_id="r", text="Hm.")
        + event("response.output_text.done", item_id="m", content_index=0, text="Hel")
        + event("response.output_text.done", item_id="m", content_index=1, text="lo")
        + event(
            "response.output_item.added",
            item={
                "id": "f",
                "type": "function_call",
                "call_id": "c",
                "name": "fn",
                "arguments": "",
            },
        )
        + event("response.function_call_arguments.done", item_id="f", arguments='{"a":1}')
        + event("response.completed", response={"status": "completed", "output": []})
    )
    marks: list[int] = []

    response = DIALECTS.get("responses").read(Answer(status=200, body=body.encode()), marks)

    assert (response.text, response.reasoning) == ("Hello", "Hm.")
    assert response.tool_calls == (ToolCall(id="c", name="fn", arguments='{"a":1}'),)
    assert len(marks) == 4


def test_an_end_says_nothing_new_after_its_deltas() -> None:
    body = (
        event("response.output_text.delta", item_id="m", delta="Hi")
        + event("response.output_text.done", item_id="m", text="Hi")
        + event("response.completed", response={"status": "completed", "output": []})
    )
    marks: list[int] = []

    response = DIALECTS.get("responses").read(Answer(status=200, body=body.encode()), marks)

    assert (response.text, len(marks)) == ("Hi", 1)


def test_a_cut_keeps_what_only_ends_had_said() -> None:
    with pytest.raises(TransportError) as caught:
        read("responses", event("response.output_text.done", item_id="m", text="Hello"))

    assert caught.value.partial.text == "Hello"
