"""The official `dashscope` SDK, whole: text and multimodal, sync and async, incremental and not."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Iterator
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from qeval.simulator import running
from qeval.simulator.reading import parse

dashscope = pytest.importorskip("dashscope")
from dashscope.aigc.generation import AioGeneration  # noqa: E402 - after the check above
from dashscope.api_entities.aio_session import get_shared_aio_session  # noqa: E402 - the same

SCRIPT = parse("""
rules:
  - match: weather
    after_tool: get_weather
    reply: It is sunny in Paris.
  - match: weather
    reply:
      text: Let me look.
      reasoning: They ask for the weather, so I call a tool.
      calls:
        - {name: get_weather, arguments: {city: Paris}}
        - {name: get_weather, arguments: {city: Zürich, days: 2}}
  - match: (?i)capital
    reply: {text: "The capital of France is Paris, on the Seine.", reasoning: "France, so Paris."}
  - {match: picture, reply: "A grey cat, as far as I can see."}
  - match: dice
    replies: [one, two, three, four, five, six]
  - match: JSON
    reply: '{"city": "Paris"}'
  - match: sign
    reply: {text: EXIT, ocr: {words_info: [{text: EXIT}]}, annotations: [{language: en}]}
  - {match: moderate, fault: {code: data_inspection_failed}}
  - {match: too much, fault: {code: limit_requests}}
  - {match: late, reply: "One two three four five six.", fault: {status: 500, after_chunks: 2}}
  - {match: cut, reply: "One two three four five six.", fault: {kind: cut, after_chunks: 2}}
  - {match: glued, reply: "One two three four.", quirks: [no_blank_lines, null_json]}
""")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
SENTENCE = "The capital of France is Paris, on the Seine."
PICTURE = Path(__file__).parents[1] / "data" / "pictures" / "grey.png"


@pytest.fixture(scope="module", autouse=True)
def base_url() -> Iterator[str]:
    before, key = dashscope.base_http_api_url, os.environ.get("DASHSCOPE_API_KEY")
    with running(SCRIPT) as base:
        dashscope.base_http_api_url = base.removesuffix("/compatible-mode/v1") + "/api/v1"
        yield dashscope.base_http_api_url
    dashscope.base_http_api_url = before
    assert os.environ.get("DASHSCOPE_API_KEY") == key


def text(question: str, **fields: Any) -> Any:
    fields = {"model": "qwen-plus", "result_format": "message", **fields}
    messages = fields.pop("messages", [{"role": "user", "content": question}])
    return dashscope.Generation.call(api_key="k", messages=messages, **fields)


def seen(*parts: dict[str, Any], **fields: Any) -> Any:
    fields = {"model": "qwen3-vl-plus", **fields}
    messages = [{"role": "user", "content": list(parts)}]
    return dashscope.MultiModalConversation.call(api_key="k", messages=messages, **fields)


def message(answer: Any) -> Any:
    return answer.output.choices[0].message


def put_together(frames: Any) -> dict[str, Any]:
    """What an incremental stream says."""
    whole: dict[str, Any] = {"text": "", "reasoning": "", "calls": {}, "finish": [], "tokens": []}
    for frame in frames:
        assert frame.status_code == HTTPStatus.OK, frame
        said = message(frame)
        content = said.content
        whole["text"] += (
            content if isinstance(content, str) else "".join(c["text"] for c in content)
        )
        whole["reasoning"] += said.get("reasoning_content") or ""
        for call in said.get("tool_calls") or ():
            held = whole["calls"].setdefault(call["index"], ["", "", ""])
            held[0] = call.get("id") or held[0]
            held[1] = call["function"].get("name") or held[1]
            held[2] += call["function"].get("arguments") or ""
        whole["finish"].append(frame.output.choices[0].finish_reason)
        whole["tokens"].append(frame.usage.output_tokens)
    return whole


def test_an_answer_has_text_usage_and_finish_reason() -> None:
    done = text("capital")

    assert (done.status_code, message(done).content) == (200, SENTENCE)
    assert done.output.choices[0].finish_reason == "stop"
    # 1 token of text, 5 around it, 3 to open the answer.
    assert (done.usage.input_tokens, done.usage.output_tokens, done.usage.total_tokens) == (
        9,
        12,
        21,
    )
    assert "output_tokens_details" not in done.usage
    assert len(done.request_id) == 32


def test_text_alone_is_the_form_of_who_does_not_ask_for_messages() -> None:
    plain = text("capital", result_format="text")
    prompt = dashscope.Generation.call(api_key="k", model="qwen-plus", prompt="capital")

    assert (plain.output.text, plain.output.finish_reason) == (SENTENCE, "stop")
    assert prompt.output.text == SENTENCE
    assert plain.output.choices is None
    streamed = list(text("capital", result_format="text", stream=True, incremental_output=True))
    assert "".join(frame.output.text for frame in streamed) == SENTENCE


def test_an_incremental_stream_thinks_first_and_counts_up() -> None:
    whole = put_together(
        text("capital", stream=True, incremental_output=True, enable_thinking=True)
    )
    done = text("capital", enable_thinking=True)

    assert (whole["text"], whole["reasoning"]) == (SENTENCE, "France, so Paris.")
    assert message(done).content == SENTENCE
    assert message(done).reasoning_content == "France, so Paris."
    assert whole["finish"] == ["null"] * (len(whole["finish"]) - 1) + ["stop"]
    assert whole["tokens"] == sorted(whole["tokens"])
    assert whole["tokens"][0] < whole["tokens"][-1] == done.usage.output_tokens == 17
    assert done.usage.output_tokens_details["reasoning_tokens"] == 5


@pytest.mark.parametrize("incremental", [False, None])
def test_a_cumulative_stream_has_all_so_far_in_every_frame(incremental: object) -> None:
    frames = list(text("capital", stream=True, incremental_output=incremental))

    texts = [message(frame).content for frame in frames]
    assert texts[-1] == SENTENCE
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert len(set(texts)) > 3


@pytest.mark.parametrize("incremental", [True, False])
def test_tool_calls_come_whole_and_in_fragments(incremental: object) -> None:
    fields = {"tools": TOOLS, "parallel_tool_calls": True, "seed": 1}
    whole = text("weather", **fields)
    frames = list(text("weather", stream=True, incremental_output=incremental, **fields))

    calls = message(whole).tool_calls
    assert [json.loads(call["function"]["arguments"]) for call in calls] == [
        {"city": "Paris"},
        {"city": "Zürich", "days": 2},
    ]
    assert whole.output.choices[0].finish_reason == "tool_calls"
    assert frames[-1].output.choices[0].finish_reason == "tool_calls"
    expected = [[c["id"], c["function"]["name"], c["function"]["arguments"]] for c in calls]
    if incremental:
        assert list(put_together(frames)["calls"].values()) == expected
    else:
        last = message(frames[-1]).tool_calls
        assert [
            [c["id"], c["function"]["name"], c["function"]["arguments"]] for c in last
        ] == expected


def test_a_tool_loop_ends_after_the_tool_has_answered() -> None:
    call = message(text("weather", tools=TOOLS)).tool_calls[0]
    messages = [
        {"role": "user", "content": "weather"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "sun"},
    ]

    done = text("", messages=messages, tools=TOOLS)

    assert message(done).content == "It is sunny in Paris."
    assert done.output.choices[0].finish_reason == "stop"


def test_several_answers_logprobs_and_formats() -> None:
    several = text("dice", n=3, seed=5)
    likely = text("capital", logprobs=True, top_logprobs=2)
    form = text("JSON", response_format={"type": "json_object"})

    assert [choice["index"] for choice in several.output.choices] == [0, 1, 2]
    entries = likely.output.choices[0]["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == SENTENCE
    assert json.loads(message(form).content) == {"city": "Paris"}


@pytest.mark.parametrize("incremental", [True, False])
def test_async_calls_answer_alike(incremental: object) -> None:
    messages = [{"role": "user", "content": "capital"}]
    fields: dict[str, Any] = {
        "model": "qwen-plus",
        "messages": messages,
        "api_key": "k",
        "result_format": "message",
    }

    async def main() -> tuple[Any, list[str]]:
        done = await AioGeneration.call(**fields)
        stream: Any = await AioGeneration.call(
            **fields, stream=True, incremental_output=bool(incremental)
        )
        pieces = [message(frame).content async for frame in stream]
        await (await get_shared_aio_session()).close()  # the SDK leaves it open
        return done, pieces

    done, pieces = asyncio.run(main())

    assert message(done).content == SENTENCE
    assert ("".join(pieces) if incremental else pieces[-1]) == SENTENCE


def test_a_multimodal_answer_is_a_list_of_parts() -> None:
    data = f"data:image/png;base64,{base64.b64encode(PICTURE.read_bytes()).decode()}"
    done = seen({"image": data}, {"text": "picture"})
    more = seen({"image": data, "min_pixels": 65536}, {"text": "picture"})

    assert message(done).content == [{"text": "A grey cat, as far as I can see."}]
    assert done.usage.image_tokens == 8
    assert done.usage.input_tokens_details == {"text_tokens": 9, "image_tokens": 8}
    assert done.usage.input_tokens == 17
    assert more.usage.image_tokens > 64


@pytest.mark.parametrize("thinking", [False, True])
def test_a_multimodal_stream_has_empty_lists_where_nothing_is_new(thinking: object) -> None:
    frames = list(
        seen({"text": "capital"}, stream=True, incremental_output=True, enable_thinking=thinking)
    )

    assert put_together(frames)["text"] == SENTENCE
    assert put_together(frames)["reasoning"] == ("France, so Paris." if thinking else "")
    assert message(frames[-1]).content == []
    assert (message(frames[0]).content == []) is thinking


def test_a_cumulative_multimodal_stream_ends_with_the_whole_text() -> None:
    frames = list(seen({"text": "capital"}, stream=True, incremental_output=False))

    assert message(frames[-1]).content == [{"text": SENTENCE}]


def test_media_elsewhere_are_not_fetched() -> None:
    frames = [f"https://pictures.invalid/{number}.jpg" for number in range(4)]
    done = seen({"image": frames[0]}, {"video": frames}, {"text": "picture"})

    assert (done.usage.image_tokens, done.usage.video_tokens) == (258, 514)


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ("moderate", 400, "DataInspectionFailed"),
        ("too much", 429, "Throttling.RateQuota"),
        ("no rule is for this", 400, "no_rule"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_flat(question: str, status: int, code: str, stream: object) -> None:
    answer = text(question, stream=stream, retry_options={"max_retries": 0})
    [error] = answer if stream else [answer]

    assert (error.status_code, error.code) == (status, code)
    assert error.message


def test_an_error_may_come_inside_a_stream() -> None:
    frames = list(text("late", stream=True, incremental_output=True))

    # The SDK knows no status of an event but 400, whatever its comment line says.
    assert [frame.status_code for frame in frames] == [200, 200, 400]
    assert "".join(message(frame).content for frame in frames[:2]) == "One two three four"
    assert frames[-1].code == "InternalError"


def test_a_stream_without_blank_lines_has_the_finish_reason_null() -> None:
    frames = list(text("glued", stream=True, incremental_output=True))

    whole = put_together(frames)
    assert (whole["text"], whole["finish"][0], whole["finish"][-1]) == (
        "One two three four.",
        None,
        "stop",
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "qwen3.6-plus"}, "url error"),
        ({"temperature": 2.5}, "Temperature should be in"),
        ({"enable_thinking": True, "result_format": "text"}, "result_format"),
        ({"tools": TOOLS, "n": 2}, "Range of n should be"),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
        (
            {"messages": [{"role": "user", "content": [{"image": "https://a.invalid/b.png"}]}]},
            "should be a valid string",
        ),
        (
            {"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]},
            "must be a response to a preceeding message",
        ),
    ],
)
def test_what_the_service_refuses_is_refused(fields: dict[str, Any], said: str) -> None:
    done = text("capital", **fields)

    assert (done.status_code, done.code) == (400, "InvalidParameter")
    assert said in done.message


def test_pictures_that_are_none_and_models_that_see_nothing_are_told() -> None:
    broken = seen({"image": "data:image/png;base64,aGVsbG8="}, {"text": "picture"})
    blind = seen({"image": "https://a.invalid/b.png"}, {"text": "picture"}, model="qwen-plus")

    assert "illegal and cannot be opened" in broken.message
    assert "url error" in blind.message


@pytest.mark.parametrize("stream", [False, True])
def test_results_of_ocr_and_annotations_reach_the_sdk(stream: bool) -> None:  # noqa: FBT001
    part = {"text": "sign"}
    last = list(seen(part, stream=True, incremental_output=True))[-1] if stream else seen(part)

    assert message(last).content[-1] == {"ocr_result": {"words_info": [{"text": "EXIT"}]}}
    assert message(last).annotations == [{"language": "en"}]


def test_a_marked_beginning_is_billed_as_read_the_second_time() -> None:
    long = {"text": "long " * 1100, "cache_control": {"type": "ephemeral"}}
    details = [
        seen(long, {"text": f"picture {number}"}).usage["prompt_tokens_details"]
        for number in range(2)
    ]

    assert [one["cached_tokens"] for one in details] == [0, 1101]
    assert [one["cache_creation_input_tokens"] for one in details] == [1101, 0]
