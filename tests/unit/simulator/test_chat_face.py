import json
from typing import Any

import pytest

from qeval.exchange import Message
from qeval.simulator.asked import Ask, Form, Said
from qeval.simulator.chat import Chat
from qeval.simulator.refusals import Refusal, nested

CHAT = Chat()
ASK = Ask(model="qwen-plus", messages=(Message(role="user", content="Hi"),))
USER = [{"role": "user", "content": "Hi"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": USER} | fields).encode()


def test_a_full_request_is_understood() -> None:
    sent = body(
        temperature=0.7,
        top_p=0.9,
        max_tokens=5,
        max_completion_tokens=7,
        seed=3,
        stop="x",
        stream=False,
        enable_thinking=False,
        n=1,
        top_k=20,
        presence_penalty=1.5,
    )

    assert CHAT.read(sent, {}) == Ask(
        model="m",
        messages=(Message(role="user", content="Hi"),),
        temperature=0.7,
        top_p=0.9,
        max_output_tokens=7,
        all_limited=True,
        seed=3,
        stop=("x",),
        form=Form(usage=False),
    )


def test_what_is_not_sent_leaves_the_weights_alone() -> None:
    ask = CHAT.read(body(temperature=None, stop=None), {})

    assert (ask.temperature, ask.top_p, ask.max_output_tokens, ask.stop) == (1.0, 1.0, None, ())


def test_text_parts_are_joined_and_a_missing_content_is_empty() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    sent = body(messages=[{"role": "assistant"}, {"role": "user", "content": parts}])

    assert [m.content for m in CHAT.read(sent, {}).messages] == ["", "ab"]


PARTS = "a part is none of text, image, video and audio - 'messages.[0].content'"
JSON = (
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
    "'json_object'."
)
PREFIX = "<400> InternalError.Algo.InvalidParameter: "


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "Required body invalid, please check the request body format."),
        (b"[1]", "Required body invalid, please check the request body format."),
        (b'{"model": "\xff"}', "Required body invalid, please check the request body format."),
        (b"[" * 100_000, "Required body invalid, please check the request body format."),
        (body(model=None), "you must provide a model parameter"),
        (body(model=""), "you must provide a model parameter"),
        (body(messages=None), "you must provide a messages parameter"),
        (body(messages=[]), "[] is too short - 'messages'"),
        (
            body(messages=[{"role": "developer", "content": "x"}]),
            "'developer' is not one of ['system', 'assistant', 'user', 'tool'] - 'messages.0.role'",
        ),
        (
            body(messages=["x"]),
            "None is not one of ['system', 'assistant', 'user', 'tool'] - 'messages.0.role'",
        ),
        (
            body(messages=[{"role": "user", "content": 7}]),
            "Invalid type for 'messages.[0].content': a string or a list of parts",
        ),
        (
            body(messages=[{"role": "user", "content": [{"type": "image_url"}]}]),
            PARTS,
        ),
        (body(temperature=2), PREFIX + "Temperature should be in [0.0, 2.0)"),
        (body(temperature=-0.1), PREFIX + "Temperature should be in [0.0, 2.0)"),
        (body(temperature="hot"), "'hot' is not of type 'number' - 'temperature'"),
        (body(temperature=True), "True is not of type 'number' - 'temperature'"),
        (body(top_p=0), PREFIX + "Range of top_p should be (0.0, 1.0]"),
        (body(top_p=1.1), PREFIX + "Range of top_p should be (0.0, 1.0]"),
        (body(max_tokens=0), PREFIX + "Range of max_tokens should be [1, 65536]"),
        (body(max_tokens=1.5), "1.5 is not of type 'integer' - 'max_tokens'"),
        (body(seed=-1), PREFIX + "Range of seed should be [0, 9223372036854775807]"),
        (body(n=5), PREFIX + "Range of n should be [1, 4]"),
        (body(presence_penalty=3), PREFIX + "Range of presence_penalty should be [-2.0, 2.0]"),
        (body(repetition_penalty=0), PREFIX + "Repetition_penalty should be greater than 0.0"),
        (
            body(response_format={"type": "json_object"}),
            PREFIX + JSON,
        ),
        (
            body(stop=[1]),
            "the simulator knows stop only as a string or a list of strings",
        ),
    ],
)
def test_a_wrong_request_is_refused_in_the_words_of_the_service(sent: bytes, message: str) -> None:
    with pytest.raises(Refusal) as excinfo:
        CHAT.read(sent, {})

    assert excinfo.value.message == message
    assert (excinfo.value.status, excinfo.value.code) == (400, "invalid_parameter_error")


def test_json_mode_is_answered_when_the_word_is_there() -> None:
    sent = body(
        messages=[{"role": "user", "content": "As JSON, please"}],
        response_format={"type": "json_object"},
    )

    assert CHAT.read(sent, {}).user == "As JSON, please"


def test_an_answer_has_the_shape_of_the_service() -> None:
    said = Said(
        text="Paris.",
        finish_reason="stop",
        input_tokens=17,
        output_tokens=2,
        identity="ab" * 16,
        created=1_700_000_001,
    )

    assert json.loads(CHAT.write(said, ASK)) == {
        "id": "chatcmpl-" + "ab" * 16,
        "object": "chat.completion",
        "created": 1_700_000_001,
        "model": "qwen-plus",
        "system_fingerprint": None,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": None,
                "message": {"role": "assistant", "content": "Paris."},
            }
        ],
        "usage": {
            "prompt_tokens": 17,
            "completion_tokens": 2,
            "total_tokens": 19,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


def test_a_lone_surrogate_is_escaped() -> None:
    said = Said(
        text="\ud800", finish_reason="stop", input_tokens=1, output_tokens=1, identity="", created=0
    )

    assert b'"\\ud800"' in CHAT.write(said, ASK)


def test_an_error_has_the_nested_envelope() -> None:
    assert json.loads(nested(Refusal("no"), "ff")) == {
        "error": {
            "message": "no",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_parameter_error",
        },
        "id": "chatcmpl-ff",
        "request_id": "ff",
    }
    assert json.loads(nested(Refusal("no", code="limit_requests"), "ff"))["error"]["type"] == (
        "limit_requests"
    )


def test_a_search_and_what_nobody_documents_are_passed_over() -> None:
    plain = CHAT.read(body(), {})
    fields = {"enable_search": True, "search_options": {"forced_search": True}, "user": "me"}

    assert CHAT.read(body(**fields), {}) == plain
