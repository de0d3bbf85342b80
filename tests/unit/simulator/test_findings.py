"""What an answer holds beside its text, and frames that hold all so far, in every dialect."""

import json
from itertools import pairwise
from typing import Any

import pytest

from qeval.simulator.asked import Ask
from qeval.simulator.base import Dialect
from qeval.simulator.chat import Chat
from qeval.simulator.engine import Engine
from qeval.simulator.native import Native
from qeval.simulator.reading import parse
from qeval.simulator.refusals import Refusal
from qeval.simulator.responses import Responses

OCR = {"words_info": [{"text": "EXIT"}]}
NOTES = [{"type": "audio_info", "language": "en"}]
SCRIPT = parse("""
rules:
  - match: so far
    reply: {text: "One two three four.", reasoning: Count on and on.}
    quirks: [cumulative]
  - match: sign
    reply:
      text: EXIT
      ocr: {words_info: [{text: EXIT}]}
      annotations: [{type: audio_info, language: en}]
""")
MULTIMODAL = Native("dashscope-multimodal", "multimodal-generation")
TEXT = Native("dashscope-text", "text-generation")


def sent(text: str, *, stream: bool = False, **parameters: Any) -> bytes:
    """Return a body that every dialect reads."""
    messages = [{"role": "user", "content": text}]
    native = {"input": {"messages": messages}, "parameters": parameters}
    shared = {"model": "m", "messages": messages, "stream": stream}
    return json.dumps(shared | native).encode()


def answered(dialect: Dialect, body: bytes) -> tuple[Ask, dict[str, Any]]:
    ask = dialect.read(body, {})
    said = Engine(SCRIPT).answer(ask, dialect.name).said
    return ask, json.loads(dialect.write(said, ask))


def framed(dialect: Dialect, body: bytes) -> list[dict[str, Any]]:
    ask = dialect.read(body, {"x-dashscope-sse": "enable"})
    engine = Engine(SCRIPT)
    outcome = engine.answer(ask, dialect.name)
    frames = dialect.frames(outcome.said, ask, engine.deltas(outcome.said), outcome.rule.quirks)
    data = b"".join(frame.data for frame in frames).decode()
    lines = [line[5:] for line in data.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if "[DONE]" not in line]


def test_a_whole_answer_has_what_was_found() -> None:
    _, chat = answered(Chat(), sent("sign"))
    _, native = answered(MULTIMODAL, sent("sign"))
    _, text = answered(TEXT, sent("sign", result_format="message"))
    body = json.dumps({"model": "m", "input": "sign"}).encode()
    _, response = answered(Responses(), body)

    assert chat["choices"][0]["message"]["annotations"] == NOTES
    message = native["output"]["choices"][0]["message"]
    assert message["content"] == [{"text": "EXIT"}, {"ocr_result": OCR}]
    assert message["annotations"] == NOTES
    assert text["output"]["choices"][0]["message"]["content"] == "EXIT"
    assert text["output"]["choices"][0]["message"]["annotations"] == NOTES
    assert response["output"][0]["content"][0]["annotations"] == NOTES


def test_a_stream_has_it_in_its_last_frame() -> None:
    chat = framed(Chat(), sent("sign", stream=True))
    native = framed(MULTIMODAL, sent("sign", incremental_output=True))
    body = json.dumps({"model": "m", "input": "sign", "stream": True}).encode()
    response = framed(Responses(), body)

    assert chat[-1]["choices"][0]["delta"]["annotations"] == NOTES
    assert not any("annotations" in frame["choices"][0]["delta"] for frame in chat[:-1])
    message = native[-1]["output"]["choices"][0]["message"]
    assert (message["content"], message["annotations"]) == ([{"ocr_result": OCR}], NOTES)
    assert response[-1]["response"]["output"][0]["content"][0]["annotations"] == NOTES


def test_the_quirk_sends_all_so_far_though_increments_are_asked_for() -> None:
    frames = framed(
        TEXT,
        sent("so far", incremental_output=True, enable_thinking=True, result_format="message"),
    )

    messages = [frame["output"]["choices"][0]["message"] for frame in frames]
    texts = [message["content"] for message in messages]
    assert len(set(texts)) > 2
    assert all(later.startswith(text) for text, later in pairwise(texts))
    assert texts[-1] == "One two three four."
    assert messages[-1]["reasoning_content"] == "Count on and on."


@pytest.mark.parametrize("parameters", ["banana", [], 3])
def test_parameters_of_a_tool_that_are_no_object_are_refused(parameters: Any) -> None:
    function = {"name": "f", "parameters": parameters}
    body = sent("sign", result_format="message", tools=[{"type": "function", "function": function}])

    with pytest.raises(Refusal, match="is not of type 'object'"):
        TEXT.read(body, {})


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("a", "'a' is not of type 'integer' - 'max_output_tokens'"),
        (True, "True is not of type 'integer' - 'max_output_tokens'"),
        (15, "Range of max_output_tokens should be"),
        (65_537, "Range of max_output_tokens should be"),
    ],
)
def test_a_limit_of_responses_is_refused_by_its_own_name(limit: Any, told: str) -> None:
    body = json.dumps({"model": "m", "input": "sign", "max_output_tokens": limit}).encode()

    with pytest.raises(Refusal, match=told):
        Responses().read(body, {})
