"""Streams that are cut, empty or garbled end in an error of ours, with what had come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.errors import ResponseError, StatusError, TransportError
from qeval.exchange import Response
from qeval.value import to_json

if TYPE_CHECKING:
    from tests.unit.dialects.streams.conftest import Said, Spoken


@pytest.mark.parametrize("said", ["reset by peer", None])
def test_a_cut_stream_keeps_what_had_come(dialect: Spoken, weather: Said, said: str | None) -> None:
    body = dialect.streamed(weather).encode()
    cut = body[: body.index("天".encode()) + 1]  # inside a character
    with pytest.raises(TransportError) as caught:
        dialect.read(cut, error=said)

    partial = caught.value.partial
    assert (caught.value.kind, partial.text, partial.reasoning) == (
        "cut",
        "Let me look: ",
        "The user wants Zürich.",
    )
    assert partial.finish_reason is None
    assert caught.value.message == (said or "the stream ended before the answer did")


def test_a_stream_cut_anywhere_is_an_error_of_ours_or_whole(dialect: Spoken, weather: Said) -> None:
    body = dialect.streamed(weather).encode()
    for length in range(len(body)):
        try:
            response = dialect.read(body[:length])
        except (TransportError, ResponseError) as error:
            came = error.partial.text if error.partial else ""
            assert weather.expected.text.startswith(came)
        else:
            assert response.finish_reason == "tool_calls"


def test_a_reset_after_the_end_leaves_the_answer_whole(
    dialects: dict[str, Spoken], weather: Said
) -> None:
    chat = dialects["chat"]

    response = chat.read(chat.streamed(weather), error="reset")

    assert chat.same(response) == weather.expected


@pytest.mark.parametrize("body", ["", "\n\n", ": hello\n\n", "data: [DONE]\n\n", "data: 7\n\n"])
def test_a_stream_without_an_answer_is_told(dialect: Spoken, body: str) -> None:
    with pytest.raises(ResponseError, match="the stream holds no answer; it begins '"):
        dialect.read(body, headers=(("content-type", "text/event-stream"),))


def test_an_event_that_is_not_json_is_told_with_what_had_come(
    dialect: Spoken, weather: Said
) -> None:
    frames = dialect.streamed(weather).split("\n\n")
    at = next(i for i, one in enumerate(frames) if "look: " in one)
    body = "\n\n".join([*frames[:at], "data: <html>", *frames[at:]])
    with pytest.raises(ResponseError) as caught:
        dialect.read(body)

    assert caught.value.message == (
        "the stream holds an event that is not JSON, which begins '<html>'"
    )
    assert caught.value.partial.text == "Let me "


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_bytes_end_in_an_error_of_ours_or_an_answer(
    dialect: Spoken, weather: Said, data: st.DataObject
) -> None:
    good = dialect.streamed(weather).encode()
    start = data.draw(st.integers(0, len(good)))
    noise = data.draw(st.binary(max_size=30))
    skipped = data.draw(st.integers(0, 60))
    body = good[:start] + noise + good[start + skipped :]
    error = data.draw(st.sampled_from([None, "cut"]))
    status = data.draw(st.sampled_from([200, 200, 429]))
    said = ""
    try:
        response = dialect.read(body, status=status, error=error)
    except (ResponseError, StatusError, TransportError) as raised:
        response, said = raised.partial or Response(), raised.message
    assert to_json(response)
    assert said.isprintable()


KEYS = [
    "output", "choices", "message", "delta", "content", "tool_calls", "function", "usage", "error",
    "code", "text", "type", "index", "summary", "item", "response", "status", "id", "name",
    "arguments", "finish_reason", "x_details", "input_tokens_details", "incomplete_details",
    "reasoning_content",
]  # fmt: skip
KINDS = [
    "output_text.delta", "output_item.done", "completed", "incomplete", "failed",
    "reasoning_text.delta", "function_call_arguments.delta", "created",
]  # fmt: skip
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)
typed = st.lists(st.tuples(st.sampled_from(KINDS), json_values), min_size=1, max_size=3)


@settings(max_examples=50, deadline=None)
@given(values=typed, streams=st.booleans())
def test_any_json_ends_in_an_error_of_ours_or_an_answer(
    dialect: Spoken, values: list[tuple[str, Any]], *, streams: bool
) -> None:
    documents = [
        {"type": f"response.{kind}", **value} if isinstance(value, dict) else value
        for kind, value in values
    ]
    body = json.dumps(values[0][1], ensure_ascii=False)
    if streams:
        dumped = [json.dumps(document, ensure_ascii=False) for document in documents]
        body = "".join(f"data: {document}\n\n" for document in dumped)
    try:
        response = dialect.read(body)
    except (ResponseError, StatusError, TransportError) as raised:
        response = raised.partial or Response()
    assert to_json(response)
