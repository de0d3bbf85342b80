"""One answer over four dialects, streamed and whole, however the stream is split or counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.exchange import Answer, ToolCall

if TYPE_CHECKING:
    from tests.unit.dialects.streams.conftest import Said, Spoken

NATIVES = ("dashscope-text", "dashscope-multimodal")


@pytest.mark.parametrize("form", ["whole", "streamed"])
def test_one_answer_reads_the_same_eight_ways(dialect: Spoken, form: str, weather: Said) -> None:
    body = getattr(dialect, form)(weather)

    assert dialect.same(dialect.read(body)) == weather.expected


# Pieces hold what JSON, UTF-8 and SSE make difficult.
piece = st.text(st.sampled_from('aé天😀"\\\n\r\x00 :{}[]d'), min_size=1, max_size=6)
pieces = st.lists(piece, max_size=4).map(tuple)
# Arguments are JSON objects, so that no piece but the first begins one.
arguments = pieces.map(lambda some: tuple("{,"[n > 0] + one for n, one in enumerate(some)))
calls = st.lists(st.tuples(st.sampled_from(["f", "get_weather"]), arguments), max_size=2).map(tuple)
fields = st.fixed_dictionaries({"reasoning": pieces, "text": pieces, "calls": calls})


@settings(max_examples=100, deadline=None)
@given(fields=fields, data=st.data())
def test_any_split_of_a_stream_reads_the_same(
    dialects: dict[str, Spoken], weather: Said, fields: dict[str, Any], data: st.DataObject
) -> None:
    dialect = data.draw(st.sampled_from(list(dialects.values())))
    finish = "tool_calls" if fields["calls"] else "stop"
    said = msgspec.structs.replace(weather, **fields, finish=finish)
    body = dialect.streamed(said).encode()
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=12).map(sorted))
    stream = dialect.stream()
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        stream.feed(body[start:end])

    response = stream.end(Answer(status=200))

    assert dialect.same(response) == said.expected
    marks: list[int] = []
    assert dialect.read(body, marks) == response
    assert marks == stream.marks


def test_a_split_after_every_byte_reads_the_same(dialect: Spoken, weather: Said) -> None:
    body = dialect.streamed(weather).encode()
    stream = dialect.stream()
    for byte in body:
        stream.feed(bytes([byte]))

    assert stream.end(Answer(status=200)) == dialect.read(body)


def counted(dialect: Spoken, texts: list[str], tokens: list[int] | None = None) -> str:
    """A native stream of these texts, each with its number of tokens or that of its frame."""
    documents = []
    for number, text in enumerate(texts):
        last = number == len(texts) - 1
        content: Any = [{"text": text}] if dialect.name == "dashscope-multimodal" else text
        choice = {"message": {"content": content}, "finish_reason": "stop" if last else "null"}
        usage = {"output_tokens": tokens[number] if tokens else number + 1}
        documents.append({"output": {"choices": [choice]}, "usage": usage})
    return dialect.frames(*documents)


@pytest.mark.parametrize("dialect", NATIVES, indirect=True)
@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (["Par", "Paris", "Paris.", "Paris."], "Paris."),
        (["", "1", "11", "112"], "112"),
        (["Par", "is", ".", ""], "Paris."),
        (["ha", "ha", "ha", ""], "hahaha"),
        (["1", "1", "2", ""], "112"),
        (["Paris.", ""], "Paris."),
        (["Paris."], "Paris."),
        ([""], ""),
    ],
)
def test_native_streams_may_be_incremental_or_cumulative(
    dialect: Spoken, texts: list[str], text: str
) -> None:
    assert dialect.read(counted(dialect, texts)).text == text


def test_a_piece_that_comes_again_is_new_if_it_was_counted_again(
    dialects: dict[str, Spoken],
) -> None:
    native = dialects["dashscope-text"]

    assert native.read(counted(native, ["ha", "ha"], [1, 2])).text == "haha"
    assert native.read(counted(native, ["Hi", "Hi"], [2, 2])).text == "Hi"


def test_calls_of_a_cumulative_stream_are_whole_in_its_last_frame(
    dialects: dict[str, Spoken],
) -> None:
    native = dialects["dashscope-text"]
    documents = []
    for finish, arguments in (("null", '{"city":'), ("tool_calls", '{"city": "Paris"}')):
        function = {"name": "f", "arguments": arguments}
        call = {"index": 0, "id": "call_0", "type": "function", "function": function}
        message = {"content": "", "tool_calls": [call]}
        output = {"choices": [{"message": message, "finish_reason": finish}]}
        documents.append({"output": output})

    calls = native.read(native.frames(*documents)).tool_calls

    assert calls == (ToolCall(id="call_0", name="f", arguments='{"city": "Paris"}'),)
