"""One answer over four dialects, streamed and whole; streams that are cut, split, or too long."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.dialects.base import DIALECTS
from qeval.dialects.sse import Events
from qeval.dialects.times import Times, times
from qeval.errors import ResponseError, StatusError, TransportError
from qeval.exchange import Answer, Response, ToolCall, Usage
from qeval.value import Value, to_json

NAMES = ("chat", "responses", "dashscope-text", "dashscope-multimodal")
NATIVES = NAMES[2:]


class Said(Value):
    """An answer, in the pieces in which it streams."""

    reasoning: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(name, pieces of arguments) each."""
    finish: str = "stop"

    @property
    def expected(self) -> Response:
        return Response(
            text="".join(self.text),
            reasoning="".join(self.reasoning) or None,
            tool_calls=tuple(
                ToolCall(id=f"call_{i}", name=name, arguments="".join(pieces))
                for i, (name, pieces) in enumerate(self.calls)
            ),
            finish_reason=self.finish,
            usage=USAGE,
        )


USAGE = Usage(
    input_tokens=17,
    output_tokens=60,
    total_tokens=77,
    cached_input_tokens=0,
    reasoning_tokens=5,
)
WEATHER = Said(
    reasoning=("The user", " wants Zürich."),
    text=("Let me ", "look: ", "天气", "."),
    calls=(("get_weather", ('{"city":', ' "Zürich"}')),),
    finish="tool_calls",
)


def same(response: Response) -> Response:
    """What every dialect says alike."""
    return Response(
        text=response.text,
        reasoning=response.reasoning,
        tool_calls=response.tool_calls,
        finish_reason=response.finish_reason,
        usage=response.usage,
    )


def dump(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


def usage_of(dialect: str) -> dict[str, Any]:
    inputs, outputs = ("prompt", "completion") if dialect == "chat" else ("input", "output")
    cached = "input" if dialect == "responses" else "prompt"
    return {
        f"{inputs}_tokens": 17,
        f"{outputs}_tokens": 60,
        "total_tokens": 77,
        f"{cached}_tokens_details": {"cached_tokens": 0},
        f"{outputs}_tokens_details": {"reasoning_tokens": 5},
    }


def call_of(index: int, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


def whole(dialect: str, said: Said) -> str:
    """The answer as one body."""
    one = said.expected
    if dialect == "responses":
        return dump(response_whole(said))
    message: dict[str, Any] = {"role": "assistant", "content": one.text}
    if dialect == "dashscope-multimodal":
        message["content"] = [{"text": one.text}] if one.text else []
    if one.reasoning:
        message["reasoning_content"] = one.reasoning
    calls = [call_of(i, c.name, c.arguments) for i, c in enumerate(one.tool_calls)]
    message["tool_calls"] = calls
    choices = [{"index": 0, "finish_reason": said.finish, "message": message}]
    if dialect == "chat":
        return dump({"id": "c-1", "choices": choices, "usage": usage_of(dialect)})
    return dump({"request_id": "r-1", "output": {"choices": choices}, "usage": usage_of(dialect)})


def response_whole(said: Said) -> dict[str, Any]:
    one = said.expected
    items: list[dict[str, Any]] = []
    if one.reasoning:
        summary = [{"type": "summary_text", "text": one.reasoning}]
        items.append({"id": "msg_r", "type": "reasoning", "summary": summary})
    if one.text:
        content = [{"type": "output_text", "text": one.text, "annotations": []}]
        items.append({"id": "msg_m", "type": "message", "content": content})
    for i, call in enumerate(one.tool_calls):
        own = {"id": f"fc_{i}", "type": "function_call", "call_id": call.id}
        items.append({**own, "name": call.name, "arguments": call.arguments})
    status = "incomplete" if said.finish == "length" else "completed"
    return {"id": "resp_1", "status": status, "output": items, "usage": usage_of("responses")}


def streamed(dialect: str, said: Said) -> str:
    """The answer as a stream."""
    if dialect == "chat":
        return "".join(chat_frames(said))
    if dialect == "responses":
        return "".join(response_frames(said))
    return "".join(native_frames(said, dialect))


def deltas(said: Said) -> Iterator[dict[str, Any]]:
    for piece in said.reasoning:
        yield {"content": "", "reasoning_content": piece}
    for piece in said.text:
        yield {"content": piece, "reasoning_content": ""}
    for i, (name, pieces) in enumerate(said.calls):
        for n, piece in enumerate(pieces or ("",)):
            call = call_of(i, name, piece)
            if n:
                call = {"index": i, "id": "", "function": {"arguments": piece}}
            yield {"content": "", "tool_calls": [call]}


def chat_frames(said: Said) -> Iterator[str]:
    def frame(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"delta": delta, "index": 0, "logprobs": None, "finish_reason": finish}
        return f"data: {dump({'id': 'c-1', 'choices': [choice], 'usage': None})}\n\n"

    yield frame({"content": "", "role": "assistant"})
    for delta in deltas(said):
        yield frame(delta)
    yield frame({"content": ""}, said.finish)
    yield f"data: {dump({'id': 'c-1', 'choices': [], 'usage': usage_of('chat')})}\n\n"
    yield "data: [DONE]\n\n"


def native_frames(said: Said, dialect: str) -> Iterator[str]:
    listed = dialect == "dashscope-multimodal"
    every = [*deltas(said), {"content": "", "reasoning_content": ""}]
    for number, delta in enumerate(every, 1):
        text = delta["content"]
        message = {"role": "assistant", **delta}
        if listed:
            message["content"] = [{"text": text}] if text else []
        finish = said.finish if number == len(every) else "null"
        usage = usage_of(dialect)
        if number < len(every):
            usage = {"input_tokens": 17, "output_tokens": number}
        output = {"choices": [{"message": message, "finish_reason": finish}]}
        yield sse(number, "result", {"output": output, "usage": usage, "request_id": "r-1"})


def sse(number: int, event: str, document: Any) -> str:
    return f"id:{number}\nevent:{event}\n:HTTP_STATUS/200\ndata:{dump(document)}\n\n"


def response_frames(said: Said) -> Iterator[str]:
    number = 0

    def frame(kind: str, **fields: Any) -> str:
        nonlocal number
        number += 1
        return sse(number, kind, {"type": kind, "sequence_number": number, **fields})

    done = response_whole(said)
    started = {"id": "resp_1", "status": "queued", "output": []}
    yield frame("response.created", response=started)
    for place, item in enumerate(done["output"]):
        empty = {key: value for key, value in item.items() if key not in {"content", "summary"}}
        if "arguments" in empty:
            empty["arguments"] = ""
        yield frame("response.output_item.added", output_index=place, item=empty)
        kind, pieces = pieces_of(said, item)
        for piece in pieces:
            yield frame(kind, item_id=item["id"], output_index=place, delta=piece)
        yield frame("response.output_item.done", output_index=place + 1, item=item)
    yield frame(f"response.{done['status']}", response=done)


def pieces_of(said: Said, item: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    if item["type"] == "reasoning":
        return "response.reasoning_summary_text.delta", said.reasoning
    if item["type"] == "message":
        return "response.output_text.delta", said.text
    number = int(item["id"].removeprefix("fc_"))
    return "response.function_call_arguments.delta", said.calls[number][1]


def read(dialect: str, body: str | bytes, marks: list[int] | None = None) -> Response:
    encoded = body if isinstance(body, bytes) else body.encode()
    return DIALECTS.get(dialect).read(Answer(status=200, body=encoded), marks)


@pytest.mark.parametrize("form", [whole, streamed])
@pytest.mark.parametrize("dialect", NAMES)
def test_one_answer_reads_the_same_eight_ways(dialect: str, form: Any) -> None:
    assert same(read(dialect, form(dialect, WEATHER))) == WEATHER.expected


# Pieces hold what JSON, UTF-8 and SSE make difficult.
piece = st.text(st.sampled_from('aé天😀"\\\n\r\x00 :{}[]d'), min_size=1, max_size=6)
pieces = st.lists(piece, max_size=4).map(tuple)
# Arguments are JSON objects, so that no piece but the first begins one.
arguments = pieces.map(lambda some: tuple("{,"[n > 0] + one for n, one in enumerate(some)))
saids = st.builds(
    Said,
    reasoning=pieces,
    text=pieces,
    calls=st.lists(st.tuples(st.sampled_from(["f", "get_weather"]), arguments), max_size=2).map(
        tuple
    ),
).map(lambda said: msgspec.structs.replace(said, finish="tool_calls" if said.calls else "stop"))


@settings(max_examples=100, deadline=None)
@given(dialect=st.sampled_from(NAMES), said=saids, data=st.data())
def test_any_split_of_a_stream_reads_the_same(
    dialect: str, said: Said, data: st.DataObject
) -> None:
    body = streamed(dialect, said).encode()
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=12).map(sorted))
    stream: Any = DIALECTS.get(dialect).stream()  # type: ignore[attr-defined]  # ours have it
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        stream.feed(body[start:end])

    response = stream.end(Answer(status=200))

    assert same(response) == said.expected
    marks: list[int] = []
    assert read(dialect, body, marks) == response
    assert marks == stream.marks


@pytest.mark.parametrize("dialect", NAMES)
def test_a_split_after_every_byte_reads_the_same(dialect: str) -> None:
    body = streamed(dialect, WEATHER).encode()
    stream: Any = DIALECTS.get(dialect).stream()  # type: ignore[attr-defined]  # ours have it
    for byte in body:
        stream.feed(bytes([byte]))

    assert stream.end(Answer(status=200)) == read(dialect, body)


def cumulative(dialect: str, texts: list[str], tokens: list[int] | None = None) -> str:
    frames = []
    for number, text in enumerate(texts):
        last = number == len(texts) - 1
        content: Any = [{"text": text}] if dialect == "dashscope-multimodal" else text
        choice = {"message": {"content": content}, "finish_reason": "stop" if last else "null"}
        usage = {"output_tokens": tokens[number] if tokens else number + 1}
        frames.append(sse(number, "result", {"output": {"choices": [choice]}, "usage": usage}))
    return "".join(frames)


@pytest.mark.parametrize("dialect", NATIVES)
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
    dialect: str, texts: list[str], text: str
) -> None:
    assert read(dialect, cumulative(dialect, texts)).text == text


def test_a_piece_that_comes_again_is_new_if_it_was_counted_again() -> None:
    assert read("dashscope-text", cumulative("dashscope-text", ["ha", "ha"], [1, 2])).text == "haha"
    assert read("dashscope-text", cumulative("dashscope-text", ["Hi", "Hi"], [2, 2])).text == "Hi"


def test_calls_of_a_cumulative_stream_are_whole_in_its_last_frame() -> None:
    frames = []
    for number, arguments in enumerate(['{"city":', '{"city": "Paris"}']):
        message = {"content": "", "tool_calls": [call_of(0, "f", arguments)]}
        finish = ["null", "tool_calls"][number]
        output = {"choices": [{"message": message, "finish_reason": finish}]}
        frames.append(sse(number, "result", {"output": output}))

    calls = read("dashscope-text", "".join(frames)).tool_calls

    assert calls == (ToolCall(id="call_0", name="f", arguments='{"city": "Paris"}'),)


@pytest.mark.parametrize("dialect", NAMES)
@pytest.mark.parametrize("said", ["reset by peer", None])
def test_a_cut_stream_keeps_what_had_come(dialect: str, said: str | None) -> None:
    body = streamed(dialect, WEATHER).encode()
    cut = body[: body.index("天".encode()) + 1]  # inside a character
    with pytest.raises(TransportError) as caught:
        DIALECTS.get(dialect).read(Answer(status=200, body=cut, error=said))

    partial = caught.value.partial
    assert (caught.value.kind, partial.text, partial.reasoning) == (
        "cut",
        "Let me look: ",
        "The user wants Zürich.",
    )
    assert partial.finish_reason is None
    assert caught.value.message == (said or "the stream ended before the answer did")


@pytest.mark.parametrize("dialect", NAMES)
def test_a_stream_cut_anywhere_is_an_error_of_ours_or_whole(dialect: str) -> None:
    body = streamed(dialect, WEATHER).encode()
    for length in range(len(body)):
        try:
            response = read(dialect, body[:length])
        except (TransportError, ResponseError) as error:
            came = error.partial.text if error.partial else ""
            assert WEATHER.expected.text.startswith(came)
        else:
            assert response.finish_reason == "tool_calls"


def test_a_reset_after_the_end_leaves_the_answer_whole() -> None:
    body = streamed("chat", WEATHER).encode()

    response = DIALECTS.get("chat").read(Answer(status=200, body=body, error="reset"))

    assert same(response) == WEATHER.expected


@pytest.mark.parametrize("dialect", NAMES)
@pytest.mark.parametrize("body", ["", "\n\n", ": hello\n\n", "data: [DONE]\n\n", "data: 7\n\n"])
def test_a_stream_without_an_answer_is_told(dialect: str, body: str) -> None:
    kind = (("content-type", "text/event-stream"),)
    with pytest.raises(ResponseError, match="the stream holds no answer; it begins '"):
        DIALECTS.get(dialect).read(Answer(status=200, headers=kind, body=body.encode()))


@pytest.mark.parametrize("dialect", NAMES)
def test_an_event_that_is_not_json_is_told_with_what_had_come(dialect: str) -> None:
    frames = streamed(dialect, WEATHER).split("\n\n")
    at = next(i for i, one in enumerate(frames) if "look: " in one)
    body = "\n\n".join([*frames[:at], "data: <html>", *frames[at:]])
    with pytest.raises(ResponseError) as caught:
        read(dialect, body)

    assert caught.value.message == (
        "the stream holds an event that is not JSON, which begins '<html>'"
    )
    assert caught.value.partial.text == "Let me "


def test_every_answer_of_a_stream_is_told_apart_by_its_index() -> None:
    def frame(index: int, text: str, finish: str | None = None) -> str:
        choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
        return f"data: {dump({'id': 'c-1', 'model': 'm', 'choices': [choice]})}\n\n"

    body = frame(1, "Ly") + frame(0, "Par") + frame(1, "on", "length") + frame(0, "is", "stop")
    response = read("chat", f"{body}data: [DONE]\n\n")

    assert (response.text, response.finish_reason) == ("Paris", "stop")
    assert response.others == (
        Response(text="Lyon", finish_reason="length", model="m", id="c-1", truncated=True),
    )


def test_what_has_no_word_of_ours_is_kept_from_streams_too() -> None:
    def frame(choice: dict[str, Any], **beside: Any) -> str:
        return f"data: {dump({'choices': [choice], **beside})}\n\n"

    body = (
        frame(
            {"delta": {"content": "a", "audio": {"id": "x", "data": "AA"}}}, system_fingerprint="f"
        )
        + frame(
            {
                "delta": {"audio": {"id": "x", "data": "BB"}},
                "logprobs": {"content": [{"token": "a"}]},
            }
        )
        + frame({"delta": {}, "finish_reason": "stop", "logprobs": {"content": [{"token": "b"}]}})
        + f"data: {dump({'choices': [], 'usage': {'prompt_tokens': 1, 'plugins': {'search': 1}}})}\n\n"
        + "data: [DONE]\n\n"
    )

    assert read("chat", body).extra == {
        "system_fingerprint": "f",
        "usage": {"plugins": {"search": 1}},
        "choice": {"logprobs": {"content": [{"token": "a"}, {"token": "b"}]}},
        "message": {"audio": {"id": "x", "data": "AABB"}},
    }


def test_unknown_events_are_named_and_passed_over() -> None:
    done = response_whole(WEATHER)
    body = (
        sse(1, "response.created", {"type": "response.created", "response": {"id": "resp_1"}})
        + sse(2, "response.dance.started", {"type": "response.dance.started", "response_id": 1})
        + sse(
            3, "response.web_search_call.completed", {"type": "response.web_search_call.completed"}
        )
        + sse(4, "response.completed", {"type": "response.completed", "response": done})
    )
    response = read("responses", body)

    assert same(response) == WEATHER.expected
    assert response.extra == {"unknown_events": ["response.dance.started"]}


def test_both_names_of_streamed_reasoning_are_read() -> None:
    for name in ("reasoning_text", "reasoning_summary_text"):
        kind = f"response.{name}.delta"
        body = sse(1, kind, {"type": kind, "item_id": "r", "delta": "hm"})
        body += sse(
            2,
            "response.completed",
            {"type": "response.completed", "response": {"status": "completed"}},
        )

        assert read("responses", body).reasoning == "hm"


@pytest.mark.parametrize("dialect", NAMES)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_bytes_end_in_an_error_of_ours_or_an_answer(dialect: str, data: st.DataObject) -> None:
    good = streamed(dialect, WEATHER).encode()
    start = data.draw(st.integers(0, len(good)))
    noise = data.draw(st.binary(max_size=30))
    skipped = data.draw(st.integers(0, 60))
    body = good[:start] + noise + good[start + skipped :]
    error = data.draw(st.sampled_from([None, "cut"]))
    status = data.draw(st.sampled_from([200, 200, 429]))
    said = ""
    try:
        response = DIALECTS.get(dialect).read(Answer(status=status, body=body, error=error))
    except (ResponseError, StatusError, TransportError) as raised:
        response, said = raised.partial or Response(), raised.message
    assert to_json(response)
    assert said.isprintable()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "output",
                    "choices",
                    "message",
                    "delta",
                    "content",
                    "tool_calls",
                    "function",
                    "usage",
                    "error",
                    "code",
                    "text",
                    "type",
                    "index",
                    "summary",
                    "item",
                    "response",
                    "status",
                    "id",
                    "name",
                    "arguments",
                    "finish_reason",
                    "x_details",
                    "input_tokens_details",
                    "incomplete_details",
                    "reasoning_content",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
kinds = st.sampled_from(
    [
        "output_text.delta",
        "output_item.done",
        "completed",
        "incomplete",
        "failed",
        "reasoning_text.delta",
        "function_call_arguments.delta",
        "created",
    ]
)


@pytest.mark.parametrize("dialect", NAMES)
@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.tuples(kinds, json_values), min_size=1, max_size=3), streams=st.booleans()
)
def test_any_json_ends_in_an_error_of_ours_or_an_answer(
    dialect: str, values: list[tuple[str, Any]], *, streams: bool
) -> None:
    documents = [
        {"type": f"response.{kind}", **value} if isinstance(value, dict) else value
        for kind, value in values
    ]
    body = dump(values[0][1])
    if streams:
        body = "".join(f"data: {dump(document)}\n\n" for document in documents)
    try:
        response = read(dialect, body)
    except (ResponseError, StatusError, TransportError) as raised:
        response = raised.partial or Response()
    assert to_json(response)


def peak_of(stream: Any, body: bytes, times_over: int) -> int:
    """Most bytes that are held at a time while the stream is fed."""
    tracemalloc.start()
    try:
        for _ in range(times_over):
            stream.feed(body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dialect", NAMES)
def test_an_answer_is_given_up_at_the_limit(dialect: str) -> None:
    stream: Any = DIALECTS.get(dialect).stream(100_000)  # type: ignore[attr-defined]  # ours have it
    one = next(f for f in streamed(dialect, WEATHER).split("\n\n") if "look: " in f)

    peak = peak_of(stream, (f"{one}\n\n" * 100).encode(), 300)

    with pytest.raises(
        ResponseError, match="the stream holds an answer of more than 100,000 bytes"
    ):
        stream.end(Answer(status=200))
    assert peak < 2_500_000


@pytest.mark.parametrize("dialect", NAMES)
def test_memory_does_not_grow_with_what_says_nothing(dialect: str) -> None:
    stream: Any = DIALECTS.get(dialect).stream(100_000)  # type: ignore[attr-defined]  # ours have it
    idle = {
        "chat": 'data: {"choices":[{"delta":{"content":""},"index":0}]}\n\n: ping\n\n',
        "responses": 'data: {"type":"response.in_progress","response":{"status":"in_progress"}}\n\n',
    }.get(dialect, 'data:{"output":{"choices":[{"message":{"content":""}}]}}\n\n')

    peak = peak_of(stream, (idle * 1000).encode(), 15)
    stream.feed(streamed(dialect, WEATHER).encode())

    assert peak < 1_500_000
    assert same(stream.end(Answer(status=200))) == WEATHER.expected


def test_an_event_without_end_is_given_up_at_the_limit() -> None:
    stream: Any = DIALECTS.get("chat").stream(1000)  # type: ignore[attr-defined]  # ours have it
    for _ in range(100):
        stream.feed(b"data: " + b"x" * 100)

    with pytest.raises(ResponseError, match="the stream has an event of more than 1,000 bytes"):
        stream.end(Answer(status=200))


def test_events_keep_their_name_status_and_end() -> None:
    events = Events()
    body = (
        b'\xef\xbb\xbfid:1\nevent: error\n:HTTP_STATUS/400\ndata:{"a":1}\n\ndata: {"b":2}\r\n\r\n'
    )

    found = events.feed(body) + events.close()

    assert [(one.name, one.status, one.data) for one in found] == [
        ("error", 400, {"a": 1}),
        ("", None, {"b": 2}),
    ]
    assert [body[: one.end].endswith(b"}") for one in found] == [True, True]
    assert body[: found[0].end].endswith(b'{"a":1}')


def test_times_are_those_of_the_chunks_that_completed_a_frame() -> None:
    body = streamed("chat", Said(text=("a", "b", "c"))).encode()
    ends = [body.index(b"\n\n", body.index(f'"{letter}"'.encode())) for letter in "abc"]
    marks: list[int] = []
    read("chat", body, marks)

    sizes = [40, ends[0] - 40, ends[1] - ends[0], len(body) - ends[1]]
    found = times(list(zip(sizes, [0.1, 0.5, 0.75, 1.0], strict=True)), marks)

    assert len(marks) == 3
    assert (found.first_token_s, found.gaps_s) == (0.5, (0.25, 0.25))


def test_nothing_is_known_of_times_without_chunks_or_with_others() -> None:
    assert times((), [3]) == Times()
    assert times([(10, 0.1)], []) == Times()
    assert times([(10, 0.1)], [12]) == Times()
