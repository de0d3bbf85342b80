"""When two requests and two answers are the same."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval.exchange import Answer, Place, Wire
from qeval.transport.cassettes.interaction import (
    Interaction,
    Recorded,
    answer_of,
    events,
    indented,
    interaction_of,
    request_key,
)

URI = "https://model-studio.invalid/v1/chat/completions"
STREAM = (("content-type", "text/event-stream; charset=utf-8"),)
JSON = (("content-type", "application/json"),)


def made(answer: Answer, body: bytes = b"{}") -> Interaction:
    place = Place(case="sum", scenario="warm", trial=0)
    return interaction_of(URI, Wire(path="/chat/completions", body=body), answer, place)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(b'{"a":1,"b":{"c":2,"d":3}}', b'{"b":{"d":3,"c":2},\n "a":1}', id="order"),
        pytest.param('{"a":"é"}'.encode(), b'{"a":"\\u00e9"}', id="spelling"),
        pytest.param(b'{"a":0.10}', b'{"a":0.1}', id="trailing-zero"),
    ],
)
def test_requests_that_ask_the_same_have_one_key(one: bytes, other: bytes) -> None:
    assert request_key("POST", URI, one) == request_key("POST", URI, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(b'{"a":1}', b'{"a":1.0}', id="whole-or-not"),
        pytest.param(b'{"a":1}', b'{"a":true}', id="true-is-not-1"),
        pytest.param(b'{"a":null}', b"{}", id="null-is-not-absent"),
        pytest.param(b'{"a":[1,2]}', b'{"a":[2,1]}', id="order-in-a-list"),
        pytest.param(b'{"a":1,"a":2}', b'{"a":2}', id="key-repeated"),
        pytest.param(b'{"a":1e400}', b'{"a":null}', id="beyond-floats"),
        pytest.param(b'{"a":18446744073709551617}', b'{"a":18446744073709551618}', id="beyond-64"),
        pytest.param(b'{"a":"\\ud800"}', b'{"a":"\\ud801"}', id="lone-surrogates"),
        pytest.param(b"a=1", b"a=2", id="no-json"),
        pytest.param(b"", b"{}", id="empty"),
    ],
)
def test_requests_that_differ_have_two(one: bytes, other: bytes) -> None:
    assert request_key("POST", URI, one) != request_key("POST", URI, other)


def test_order_of_a_query_does_not_count_but_its_blank_values_do() -> None:
    def key(query: str) -> str:
        return request_key("GET", f"{URI}?{query}", b"")

    assert key("a=1&b=") == key("b=&a=1")
    assert key("a=1&b=") != key("a=1")


def frame(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


@given(st.data())
def test_events_of_a_stream_are_the_same_however_the_network_cuts_it(data: st.DataObject) -> None:
    frames = data.draw(st.lists(st.integers().map(lambda n: frame(n=n)), min_size=2, max_size=5))
    body = b"".join(frames)
    cuts = data.draw(st.lists(st.integers(1, len(body) - 1), unique=True, max_size=6).map(sorted))
    pieces = [end - start for start, end in pairwise([0, *cuts, len(body)])]
    chunks = tuple((size, float(at)) for at, size in enumerate(pieces))

    found = events(body, chunks)

    assert [size for size, _ in found] == [len(one) for one in frames]
    ends = [sum(len(f) for f in frames[: n + 1]) for n in range(len(frames))]
    came = [sum(pieces[: n + 1]) for n in range(len(pieces))]
    assert [at for _, at in found] == [
        float(next(n for n, size in enumerate(came) if size >= end)) for end in ends
    ]


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        pytest.param(b"data: 1\r\n\r\ndata: 2\r\n\r\n", [11, 11], id="crlf"),
        pytest.param(b"data: 1\ndata: 2\n", [8, 8], id="no-blank-lines"),
        pytest.param(b"data: 1\n\ndata: 2\n\ndata: {", [9, 9, 7], id="cut"),
        pytest.param(b"data: 1", [7], id="one-piece"),
        pytest.param(b"", [], id="empty"),
    ],
)
def test_events_end_where_the_stream_says(body: bytes, sizes: list[int]) -> None:
    assert [size for size, _ in events(body, ((len(body), 0.5),))] == sizes


def test_chunks_that_are_not_of_this_body_are_dropped() -> None:
    assert events(b"data: 1\n\n", ((3, 0.1),)) == ()


def test_a_whole_body_has_no_chunks_and_a_stream_has_its_events() -> None:
    whole = made(Answer(status=200, headers=JSON, body=b"{}", chunks=((1, 0.1), (1, 0.2))))
    body = frame(n=1) + frame(n=2)
    chunks = ((4, 0.1), (len(body) - 4, 0.2))
    streamed = made(Answer(status=200, headers=STREAM, body=body, chunks=chunks))

    assert whole.chunks == ()
    assert answer_of(streamed, 1).chunks == ((len(frame(n=1)), 0.2), (len(frame(n=2)), 0.2))


def test_timing_of_an_answer_that_was_edited_is_unknown() -> None:
    chunks = ((len(frame(n=1)), 0.1), (len(frame(n=2)), 0.2))
    body = frame(n=1) + frame(n=2)
    streamed = made(Answer(status=200, headers=STREAM, body=body, chunks=chunks))
    edited = msgspec.structs.replace(streamed, response=body + b": more\n")

    assert answer_of(edited, 1).chunks == ()


VOLATILE: dict[str, Any] = {"id": "chatcmpl-2", "created": 2, "request_id": "r-2"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(b'{"id":"1","a":1}', json.dumps(VOLATILE | {"a": 1}).encode(), True, id="id"),
        pytest.param(b'{"id":"1","a":1}', b'{"id":"1","a":2}', False, id="text"),
        pytest.param(b'{"a":{"id":"1"}}', b'{"a":{"id":"2"}}', False, id="id-further-in"),
        pytest.param(b'{"a":1}', b'{"a":1.0}', False, id="number"),
        pytest.param(b"<p>1", b"<p>2", False, id="page"),
        pytest.param(frame(id="1", n=1), frame(id="22", n=1), True, id="id-in-an-event"),
        pytest.param(frame(id="1", n=1), frame(id="1", n=2), False, id="text-in-an-event"),
        pytest.param(b"id:1\n" + frame(n=1), b"id:2\n" + frame(n=1), True, id="id-of-an-event"),
        pytest.param(frame(n=1), frame(n=1) + frame(n=2), False, id="one-event-more"),
        pytest.param(b'{"a":"\\ud800"}', b'{"a":"\\ud800","id":"1"}', True, id="lone-surrogate"),
    ],
)
def test_answers_are_the_same_but_for_what_every_call_has_anew(
    one: bytes, other: bytes, *, same: bool
) -> None:
    first = made(Answer(status=200, headers=JSON, body=one, latency_s=0.1, source="simulator"))
    second = made(Answer(status=200, headers=JSON, body=other, latency_s=0.9, source="simulator"))

    assert first.same_answer(second) is same


def test_another_status_cut_or_source_is_another_answer() -> None:
    plain = Answer(status=200, headers=JSON, body=b"{}", source="model-studio")
    others: list[dict[str, Any]] = [{"status": 201}, {"error": "cut"}, {"source": "simulator"}]

    for change in others:
        assert not made(plain).same_answer(made(msgspec.structs.replace(plain, **change)))


def test_the_simulators_mark_names_it_as_the_source() -> None:
    marked = Answer(status=200, headers=(("x-qeval-simulator", "1"),), source="endpoint")

    assert made(marked).recorded.source == "simulator"


def test_json_is_indented_only_where_it_is_said_to_be_json() -> None:
    bare = Answer(status=200, headers=(("content-type", "text/plain"),), body=b'{"a":1}')
    said = Answer(status=200, headers=JSON, body=b'{"a":1}')

    assert made(bare).response == b'{"a":1}'
    assert made(said).response == b'{\n  "a": 1\n}'


def test_times_are_kept_to_a_tenth_of_a_millisecond() -> None:
    answer = Answer(status=200, headers=JSON, body=b"{}", latency_s=0.123456789)

    assert made(answer).recorded == Recorded(latency_s=0.1235)


@given(st.binary(max_size=30) | st.text(max_size=30).map(str.encode))
def test_what_is_no_json_is_never_touched(body: bytes) -> None:
    text = indented(body)

    if text != body:
        assert json.loads(text) == json.loads(body)
