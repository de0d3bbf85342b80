"""What the frames of a stream say beside the answer: other answers, unknown words, and when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from qeval.dialects.sse import Events
from qeval.dialects.times import Times, times
from qeval.exchange import Response

if TYPE_CHECKING:
    from tests.unit.dialects.streams.conftest import Said, Spoken


def test_every_answer_of_a_stream_is_told_apart_by_its_index(dialects: dict[str, Spoken]) -> None:
    def chunk(index: int, text: str, finish: str | None = None) -> dict[str, Any]:
        choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
        return {"id": "c-1", "model": "m", "choices": [choice]}

    chat = dialects["chat"]
    body = chat.frames(
        chunk(1, "Ly"), chunk(0, "Par"), chunk(1, "on", "length"), chunk(0, "is", "stop")
    )
    response = chat.read(f"{body}data: [DONE]\n\n")

    assert (response.text, response.finish_reason) == ("Paris", "stop")
    assert response.others == (
        Response(text="Lyon", finish_reason="length", model="m", id="c-1", truncated=True),
    )


def test_what_has_no_word_of_ours_is_kept_from_streams_too(dialects: dict[str, Spoken]) -> None:
    def chunk(delta: dict[str, Any], **choice: Any) -> dict[str, Any]:
        return {"choices": [{"delta": delta, **choice}]}

    chat = dialects["chat"]
    body = chat.frames(
        {
            **chunk({"content": "a", "audio": {"id": "x", "data": "AA"}}),
            "system_fingerprint": "f",
        },
        chunk(
            {"audio": {"id": "x", "data": "BB"}},
            logprobs={"content": [{"token": "a"}]},
        ),
        chunk({}, finish_reason="stop", logprobs={"content": [{"token": "b"}]}),
        {"choices": [], "usage": {"prompt_tokens": 1, "plugins": {"search": 1}}},
    )

    assert chat.read(f"{body}data: [DONE]\n\n").extra == {
        "system_fingerprint": "f",
        "usage": {"plugins": {"search": 1}},
        "choice": {"logprobs": {"content": [{"token": "a"}, {"token": "b"}]}},
        "message": {"audio": {"id": "x", "data": "AABB"}},
    }


def test_unknown_events_are_named_and_passed_over(
    dialects: dict[str, Spoken], weather: Said
) -> None:
    responses = dialects["responses"]
    body = responses.frames(
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.dance.started", "response_id": 1},
        {"type": "response.web_search_call.completed"},
        {"type": "response.completed", "response": json.loads(responses.whole(weather))},
    )
    response = responses.read(body)

    assert responses.same(response) == weather.expected
    assert response.extra == {"unknown_events": ["response.dance.started"]}


@pytest.mark.parametrize("name", ["reasoning_text", "reasoning_summary_text"])
def test_both_names_of_streamed_reasoning_are_read(dialects: dict[str, Spoken], name: str) -> None:
    responses = dialects["responses"]
    body = responses.frames(
        {"type": f"response.{name}.delta", "item_id": "r", "delta": "hm"},
        {"type": "response.completed", "response": {"status": "completed"}},
    )

    assert responses.read(body).reasoning == "hm"


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


def test_times_are_those_of_the_chunks_that_completed_a_frame(
    dialects: dict[str, Spoken], weather: Said
) -> None:
    chat = dialects["chat"]
    said = msgspec.structs.replace(
        weather, reasoning=(), text=("a", "b", "c"), calls=(), finish="stop"
    )
    body = chat.streamed(said).encode()
    ends = [body.index(b"\n\n", body.index(f'"{letter}"'.encode())) for letter in "abc"]
    marks: list[int] = []
    chat.read(body, marks)

    sizes = [40, ends[0] - 40, ends[1] - ends[0], len(body) - ends[1]]
    found = times(list(zip(sizes, [0.1, 0.5, 0.75, 1.0], strict=True)), marks)

    assert len(marks) == 3
    assert (found.first_token_s, found.gaps_s) == (0.5, (0.25, 0.25))


def test_nothing_is_known_of_times_without_chunks_or_with_others() -> None:
    assert times((), [3]) == Times()
    assert times([(10, 0.1)], []) == Times()
    assert times([(10, 0.1)], [12]) == Times()


def test_a_mark_of_byte_order_counts_in_offsets_and_is_no_part_of_a_line() -> None:
    body = b'\xef\xbb\xbfdata: {"a":1}\n\n'

    (event,) = Events().feed(body)

    assert event.data == {"a": 1}
    assert body[: event.end].endswith(b"}")
