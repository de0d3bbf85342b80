"""One simulator asked in our own four dialects, streamed and whole, over our own transport."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from qeval.dialects.base import DIALECTS
from qeval.errors import QevalError, StatusError, TransportError
from qeval.exchange import Answer, Message, Params, Part, Place, Request, Response
from qeval.simulator import Log, running
from qeval.simulator.reading import parse
from qeval.transport.hosts import Resolved
from qeval.transport.live import Live

NAMES = ("chat", "responses", "dashscope-text", "dashscope-multimodal")
SCRIPT = parse("""
rules:
  - match: weather
    reply:
      text: Let me look.
      reasoning: They ask for the weather, so I call a tool.
      calls: [{name: get_weather, arguments: {city: Zürich, days: [1, 2]}}]
  - match: broken arguments
    reply: {calls: [{name: get_weather, arguments: '{"city": "Par'}]}
  - match: long
    reply: One two three four five six seven eight nine ten eleven twelve thirteen and fourteen and on.
  - {match: moderate, fault: {code: data_inspection_failed}}
  - {match: owed, fault: {code: Arrearage}}
  - {match: late, reply: One two three four five six., fault: {code: ServiceUnavailable, after_chunks: 2}}
  - {match: cut, reply: One two three four five six., fault: {kind: cut, after_chunks: 2}}
  - {match: half, reply: One two three four., fault: {kind: partial}}
  - {match: glued, reply: One two three four five six., quirks: [no_blank_lines]}
  - {match: odd, reply: One two three four five six., quirks: [null_text, null_json, null_arguments]}
  - {match: hostile, reply: "<b>\\e[31m\\u202e\\0 ]]> data: [DONE]\\n\\ndata: {} \\U0001F600"}
""")
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
MODELS = {"dashscope-multimodal": "qwen3-vl-plus"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(SCRIPT) as base:
        yield base


def send(url: str, dialect: str, request: Request) -> Answer:
    base = url.replace("/compatible-mode/v1", "/api/v1") if "dash" in dialect else url

    async def main() -> Answer:
        live = Live(lambda: Resolved(base_url=base, key="k"))
        try:
            wire = DIALECTS.get(dialect).write(request)
            return await live.send(wire, Place(case="c", scenario="s", trial=0))
        finally:
            await live.aclose()

    return asyncio.run(main())


def ask(url: str, dialect: str, text: str, *, stream: object = False, **fields: Any) -> Response:
    tools = fields.pop("tools", ())
    model = fields.pop("model", MODELS.get(dialect, "qwen-plus"))
    messages: Sequence[Message] = fields.pop("messages", (Message(role="user", content=text),))
    request = Request(
        model=model,
        messages=tuple(messages),
        tools=tools,
        params=Params(stream=bool(stream), **fields),
    )
    return DIALECTS.get(dialect).read(send(url, dialect, request))


def same(response: Response) -> Response:
    """What every dialect says alike; calls have other ids as the prompt comes again."""
    calls = tuple(msgspec.structs.replace(call, id="") for call in response.tool_calls)
    return msgspec.structs.replace(response, tool_calls=calls, id=None, model=None, extra={})


eight_ways = pytest.mark.parametrize(
    ("dialect", "stream"), [(name, stream) for name in NAMES for stream in (False, True)]
)


@eight_ways
@pytest.mark.parametrize("thinking", [False, True])
def test_one_answer_is_the_same_eight_ways(
    url: str, dialect: str, stream: object, thinking: object
) -> None:
    told = ask(url, dialect, "weather", stream=stream, tools=(WEATHER,), thinking=thinking)
    chat = ask(url, "chat", "weather", tools=(WEATHER,), thinking=thinking)

    assert told.text == "Let me look."
    assert told.reasoning == ("They ask for the weather, so I call a tool." if thinking else None)
    assert [call.arguments for call in told.tool_calls] == ['{"city": "Zürich", "days": [1, 2]}']
    assert told.finish_reason == "tool_calls"
    assert (told.usage.reasoning_tokens or 0) == (12 if thinking else 0)
    assert same(told) == same(chat)


@pytest.mark.parametrize("dialect", [name for name in NAMES if name != "responses"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_budget_ends_the_reasoning(url: str, dialect: str, stream: object) -> None:
    told = ask(url, dialect, "weather", stream=stream, thinking=4)

    assert (told.reasoning, told.usage.reasoning_tokens) == ("They ask for the", 4)


@eight_ways
def test_arguments_that_are_no_json_come_as_they_are(
    url: str, dialect: str, stream: object
) -> None:
    told = ask(url, dialect, "broken arguments", stream=stream, tools=(WEATHER,), thinking=False)

    assert told.tool_calls[0].arguments == '{"city": "Par'
    assert told.text == ""


@eight_ways
def test_a_limit_is_a_length_everywhere(url: str, dialect: str, stream: object) -> None:
    told = ask(url, dialect, "long", stream=stream, thinking=False, max_output_tokens=16)

    assert (told.finish_reason, told.truncated, told.usage.output_tokens) == ("length", True, 16)
    assert told.text.endswith("fourteen and")


@eight_ways
def test_hostile_text_arrives_whole(url: str, dialect: str, stream: object) -> None:
    told = ask(url, dialect, "hostile", stream=stream, thinking=False)

    assert told.text == "<b>\x1b[31m\u202e\0 ]]> data: [DONE]\n\ndata: {} \U0001f600"


@eight_ways
@pytest.mark.parametrize("text", ["glued", "odd"])
def test_quirks_of_gateways_are_read_over(
    url: str, dialect: str, stream: object, text: str
) -> None:
    told = ask(url, dialect, text, stream=stream, thinking=False)

    assert (told.text, told.finish_reason) == ("One two three four five six.", "stop")


@eight_ways
@pytest.mark.parametrize(
    ("text", "code", "account"),
    [("moderate", "data_inspection_failed", False), ("owed", "Arrearage", True)],
)
def test_faults_are_told_in_the_dialects_own_words(
    url: str, dialect: str, stream: object, text: str, code: str, account: object
) -> None:
    with pytest.raises(StatusError) as caught:
        ask(url, dialect, text, stream=stream, thinking=False)

    native = code if dialect == "chat" or account else "DataInspectionFailed"
    assert caught.value.status == 400
    assert caught.value.code in {code, native}
    assert caught.value.account is account


@pytest.mark.parametrize("dialect", NAMES)
def test_an_error_inside_a_stream_keeps_what_had_come(url: str, dialect: str) -> None:
    with pytest.raises(StatusError) as caught:
        ask(url, dialect, "late", stream=True, thinking=False)

    assert caught.value.code == "ServiceUnavailable"
    assert caught.value.retryable
    assert caught.value.partial.text == "One two three four"


@pytest.mark.parametrize("dialect", NAMES)
def test_a_cut_stream_keeps_what_had_come(url: str, dialect: str) -> None:
    with pytest.raises(TransportError) as caught:
        ask(url, dialect, "cut", stream=True, thinking=False)

    assert caught.value.kind == "cut"
    assert caught.value.partial.text == "One two three four"


@pytest.mark.parametrize("dialect", NAMES)
def test_half_an_answer_is_marked_in_a_header(url: str, dialect: str) -> None:
    told = ask(url, dialect, "half", thinking=False)

    assert (told.text, told.truncated) == ("One two t", True)


@pytest.mark.parametrize("dialect", NAMES)
def test_a_limit_answers_in_the_dialects_envelope_and_names_a_pause(dialect: str) -> None:
    script = parse("limits: {rpm: 1, retry_after: true}\nrules: [{match: '.', reply: Hi.}]")
    with running(script) as url:
        for stream in (False, True):
            request = Request(
                model=MODELS.get(dialect, "qwen-plus"),
                messages=(Message(role="user", content="x"),),
                params=Params(stream=stream, thinking=False),
            )
            answer = send(url, dialect, request)
        again = answer

    assert (again.status, again.header("retry-after")) == (429, "60")
    with pytest.raises(StatusError) as caught:
        DIALECTS.get(dialect).read(again)
    assert caught.value.retryable
    assert caught.value.code == ("limit_requests" if dialect == "chat" else "Throttling.RateQuota")


def test_traffic_that_rises_too_fast_stands_in_line_where_it_asks_to() -> None:
    script = parse("clock: 10\nlimits: {rpm: 60, burst: 2}\nrules: [{match: '.', reply: Hi.}]")
    wire = DIALECTS.get("chat").write(
        Request(model="m", messages=(Message(role="user", content="x"),))
    )
    patient = msgspec.structs.replace(
        wire, headers=(*wire.headers, ("x-dashscope-wait-timeout", "30"))
    )
    log = Log()

    async def main(url: str) -> tuple[list[int], list[int]]:
        live = Live(lambda: Resolved(base_url=url, key="k"))
        place = Place(case="c", scenario="s", trial=0)
        try:
            hasty = await asyncio.gather(*(live.send(wire, place) for _ in range(4)))
            calm = await asyncio.gather(*(live.send(patient, place) for _ in range(4)))
        finally:
            await live.aclose()
        assert b"limit_burst_rate" in b"".join(one.body for one in hasty if one.status == 429)
        return sorted(one.status for one in hasty), [one.status for one in calm]

    with running(script, log) as url:
        hasty, calm = asyncio.run(main(url))

    assert hasty == [200, 200, 429, 429]
    assert calm == [200, 200, 200, 200]
    waited = [served.answered_s - served.arrived_s for served in log.served[4:]]
    assert 0.25 < max(waited) < 0.6  # four of the simulator's seconds, ten times as fast


def test_every_picture_is_billed_alike() -> None:
    parts = (Part(image="https://a.invalid/b.png"), Part(text="x"))
    with running(parse("rules: [{match: x, reply: A cat.}]")) as url:
        found = [
            ask(
                url,
                dialect,
                "",
                stream=stream,
                model="qwen3-vl-plus",
                messages=[Message(role="user", content=parts)],
                thinking=False,
            )
            for dialect in ("chat", "responses", "dashscope-multimodal")
            for stream in (False, True)
        ]

    assert {one.usage.image_tokens for one in found} == {258}
    assert {one.usage.input_tokens for one in found} == {258 + 9}


@pytest.mark.parametrize("dialect", NAMES)
def test_what_no_rule_is_for_is_told(url: str, dialect: str) -> None:
    with pytest.raises(QevalError, match="no rule of the simulator's script matches"):
        ask(url, dialect, "nothing of the kind", thinking=False)
