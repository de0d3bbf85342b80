"""The two native dialects: what differs from chat in body and answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qeval.dialects.base import DIALECTS
from qeval.dialects.native import DASHSCOPE_MULTIMODAL, DASHSCOPE_TEXT
from qeval.errors import ResponseError, StatusError, TransportError, UsageError
from qeval.exchange import Answer, Message, Params, Part, Request, Response, ToolCall, Usage

ASKED = (Message(role="user", content="Which city?"),)


def read(document: Any, dialect: Any = DASHSCOPE_TEXT, **fields: Any) -> Response:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    response: Response = dialect.read(Answer(**{"status": 200, "body": body, **fields}))
    return response


def reply(content: Any = "Paris.", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **message}
    return {
        "request_id": "r-1",
        "output": {"choices": [{"finish_reason": "stop", "message": said}]},
    }


def test_both_are_found_by_name() -> None:
    assert DIALECTS.get("dashscope-text") is DASHSCOPE_TEXT
    assert DIALECTS.get("dashscope-multimodal") is DASHSCOPE_MULTIMODAL


def test_parameters_and_extra_stand_below_parameters() -> None:
    params = Params(temperature=0.0, max_output_tokens=80, extra={"result_format": "text", "x": 1})

    body = json.loads(DASHSCOPE_TEXT.write(Request(model="m", messages=ASKED, params=params)).body)

    assert body == {
        "model": "m",
        "input": {"messages": [{"role": "user", "content": "Which city?"}]},
        "parameters": {"result_format": "text", "temperature": 0.0, "max_tokens": 80, "x": 1},
    }


def test_a_stream_is_asked_for_by_header_and_in_increments() -> None:
    wire = DASHSCOPE_TEXT.write(Request(model="m", messages=ASKED, params=Params(stream=True)))

    assert dict(wire.headers) == {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "x-dashscope-sse": "enable",
    }
    assert json.loads(wire.body)["parameters"] == {
        "result_format": "message",
        "incremental_output": True,
    }


def test_text_parts_become_one_text_and_an_empty_answer_no_part() -> None:
    parts = Message(role="user", content=(Part(text="a"), Part(text="b")))
    call = Message(role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments="{}"),))
    request = Request(model="m", messages=(parts, call))

    text = json.loads(DASHSCOPE_TEXT.write(request).body)["input"]["messages"]
    multimodal = json.loads(DASHSCOPE_MULTIMODAL.write(request).body)["input"]["messages"]

    assert [message["content"] for message in text] == ["ab", ""]
    assert [message["content"] for message in multimodal] == [[{"text": "a"}, {"text": "b"}], []]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            Part(image="https://x.test/a.png"),
            (
                "dialect 'dashscope-text' shows no images, video or audio\n\n"
                "hint: set the target's `dialect: dashscope-multimodal`"
            ),
        ),
        (
            Part(text="a", cache=True),
            (
                "dialect 'dashscope-text' has no cache marker\n\n"
                "hint: leave `cache` out, or set the target's `dialect: chat`"
            ),
        ),
    ],
)
def test_what_the_text_service_cannot_take_is_refused(part: Part, message: str) -> None:
    request = Request(model="m", messages=(Message(role="user", content=(part,)),))

    with pytest.raises(UsageError) as caught:
        DASHSCOPE_TEXT.write(request)

    assert str(caught.value) == message


def test_a_response_that_the_server_keeps_cannot_be_continued() -> None:
    request = Request(model="m", messages=ASKED, previous_response_id="resp_1")
    for name in ("chat", "dashscope-text", "dashscope-multimodal"):
        with pytest.raises(UsageError, match=f"dialect '{name}' cannot continue a response"):
            DIALECTS.get(name).write(request)


def test_a_whole_answer_is_read() -> None:
    document = reply(reasoning_content="Easy.", tool_calls=[])
    document["output"]["search_info"] = {"search_results": [{"index": 1}]}
    document["usage"] = {
        "input_tokens": 22,
        "output_tokens": 17,
        "total_tokens": 39,
        "output_tokens_details": {"reasoning_tokens": 0, "text_tokens": 17},
        "prompt_tokens_details": {"cached_tokens": 3},
        "plugins": {"search": {"count": 1}},
    }

    assert read(document) == Response(
        text="Paris.",
        reasoning="Easy.",
        finish_reason="stop",
        id="r-1",
        usage=Usage(
            input_tokens=22,
            output_tokens=17,
            total_tokens=39,
            cached_input_tokens=3,
            reasoning_tokens=0,
        ),
        extra={
            "output": {"search_info": {"search_results": [{"index": 1}]}},
            "usage": {
                "plugins": {"search": {"count": 1}},
                "output_tokens_details": {"text_tokens": 17},
            },
        },
    )


@pytest.mark.parametrize("stream", [False, True])
def test_the_older_form_without_choices_is_read(stream: bool) -> None:  # noqa: FBT001 - a table's column
    document = {"output": {"text": "Paris.", "finish_reason": "stop"}, "request_id": "r-1"}
    body = json.dumps(document).encode()

    response = read(b"data:" + body + b"\n\n" if stream else body)

    assert response == Response(text="Paris.", finish_reason="stop", id="r-1")


def test_what_the_vendors_client_adds_is_no_error() -> None:
    document = {**reply(), "status_code": 200, "code": "", "message": ""}

    assert read(document) == Response(text="Paris.", finish_reason="stop", id="r-1")


@pytest.mark.parametrize(
    ("usage", "known"),
    [
        (
            {"input_tokens": 9, "output_tokens": 2, "image_tokens": 7},
            Usage(input_tokens=9, output_tokens=2, image_tokens=7),
        ),
        (
            {
                "image_tokens": 7,
                "input_tokens_details": {"image_tokens": 8, "video_tokens": None, "text_tokens": 1},
                "prompt_tokens_details": {"cached_tokens": 0},
            },
            Usage(image_tokens=8, cached_input_tokens=0),
        ),
        ({"seconds": 3, "input_tokens_details": {"audio_tokens": 75}}, Usage(audio_tokens=75)),
        ({"prompt_tokens_details": {}, "input_tokens_details": None}, Usage()),
    ],
)
def test_usage_of_every_generation_is_read(usage: Any, known: Usage) -> None:
    assert read({**reply(), "usage": usage}, DASHSCOPE_MULTIMODAL).usage == known


@pytest.mark.parametrize("stream", [False, True])
def test_ocr_results_and_annotations_are_kept(stream: bool) -> None:  # noqa: FBT001 - a table's column
    found = {"ocr_result": {"words_info": [{"text": "INV-7"}]}, "text": "INV-7"}
    body = json.dumps(reply([found], annotations=[{"language": "en"}])).encode()

    response = read(b"data:" + body + b"\n\n" if stream else body, DASHSCOPE_MULTIMODAL)

    assert response.text == "INV-7"
    assert response.extra == {"message": {"annotations": [{"language": "en"}], "content": [found]}}


def test_several_answers_are_told_apart() -> None:
    document = reply("Paris.")
    other = {"index": 1, "finish_reason": "length", "message": {"content": "Lyon"}}
    document["output"]["choices"].append(other)

    response = read(document)

    assert response.text == "Paris."
    assert response.others == (
        Response(text="Lyon", finish_reason="length", id="r-1", truncated=True),
    )


@pytest.mark.parametrize(
    ("document", "fact"),
    [
        ([1], "is not a JSON object"),
        ({}, "has no choices"),
        ({"output": {"choices": []}}, "has no choices"),
        ({"output": {"choices": [{}]}}, "has no message"),
        ({"output": {"choices": [{"message": {"content": 7}}]}}, "has a content that is not text"),
    ],
)
def test_what_is_no_generation_is_told(document: Any, fact: str) -> None:
    with pytest.raises(ResponseError, match=f"the answer {fact}; it begins"):
        read(document)


def test_a_code_in_a_200_is_an_error_even_beside_output() -> None:
    with pytest.raises(StatusError) as caught:
        read({**reply(), "code": "DataInspectionFailed", "message": "blocked"})

    assert caught.value.code == "data_inspection_failed"


def test_a_cut_body_is_cut() -> None:
    with pytest.raises(TransportError, match="reset"):
        read(reply(), error="reset")


def test_the_status_inside_a_frame_classifies_its_error() -> None:
    body = b'id:1\nevent:error\n:HTTP_STATUS/503\ndata:{"message":"busy","request_id":"r-9"}\n\n'
    with pytest.raises(StatusError) as caught:
        read(body)

    error = caught.value
    assert (error.status, error.retryable, error.request_id) == (503, True, "r-9")
    assert (error.message, error.partial) == ("503: busy", None)
