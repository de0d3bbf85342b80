"""The official `openai` SDK, whole: chat and responses, sync and async, streamed and not."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from qeval.simulator import running
from qeval.simulator.reading import parse

SCRIPT = parse("""
rules:
  - match: weather
    after_tool: get_weather
    reply: {text: "It is sunny in Paris.", reasoning: "The tool says sun."}
  - match: weather
    reply:
      text: Let me look.
      reasoning: They ask for the weather, so I call a tool.
      calls:
        - {name: get_weather, arguments: {city: Paris}}
        - {name: get_weather, arguments: {city: Zürich, days: 2}}
  - match: silent
    reply: {calls: [{name: get_weather, arguments: {city: Paris}}]}
  - match: (?i)capital
    reply: {text: "The capital of France is Paris, on the Seine.", reasoning: "France, so Paris."}
  - match: dice
    replies: [one, two, three, four, five, six]
  - match: JSON
    reply: '{"city": "Paris"}'
  - {match: my name, reply: You are Ada.}
  - {match: I am Ada, reply: Hello Ada.}
  - {match: picture, reply: A grey cat.}
  - {match: moderate, fault: {code: data_inspection_failed}}
  - {match: late, reply: "One two three four five six seven eight.", fault: {status: 500, after_chunks: 2}}
  - {match: cut, reply: "One two three four five six seven eight.", fault: {kind: cut, after_chunks: 2}}
  - {match: too much, fault: {code: limit_requests}}
  - {match: glued, reply: "One two three four.", quirks: [no_blank_lines, null_text]}
""")
TOOL = {
    "name": "get_weather",
    "description": "Weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
NESTED = [{"type": "function", "function": TOOL}]
FLAT = [{"type": "function", **TOOL}]
SENTENCE = "The capital of France is Paris, on the Seine."
PICTURE = Path(__file__).parents[1] / "data" / "pictures" / "grey.png"


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running(SCRIPT) as base:
        yield base


@pytest.fixture
def client(base_url: str) -> Iterator[Any]:
    with openai.OpenAI(base_url=base_url, api_key="k", max_retries=0) as made:
        yield made


def ask(text: str, **fields: Any) -> dict[str, Any]:
    extra = {
        key: fields.pop(key) for key in ("enable_thinking", "thinking_budget") if key in fields
    }
    messages = [{"role": "user", "content": text}]
    fields.setdefault("model", "qwen-plus")
    return {"messages": messages, "extra_body": extra or None, **fields}


def put_together(chunks: Any) -> dict[str, Any]:
    """What a stream says, put together by hand."""
    whole: dict[str, Any] = {
        "text": "",
        "reasoning": "",
        "calls": {},
        "finish": None,
        "usage": None,
    }
    for chunk in chunks:
        whole["usage"] = chunk.usage or whole["usage"]
        for choice in chunk.choices:
            delta = choice.delta
            whole["text"] += delta.content or ""
            whole["reasoning"] += getattr(delta, "reasoning_content", None) or ""
            whole["finish"] = choice.finish_reason or whole["finish"]
            for call in delta.tool_calls or ():
                held = whole["calls"].setdefault(call.index, ["", "", ""])
                held[0] = call.id or held[0]
                held[1] = call.function.name or held[1]
                held[2] += call.function.arguments or ""
    return whole


def listen(chunks: Any, heard: list[str]) -> None:
    heard.extend(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_a_chat_stream_says_what_the_whole_answer_says(client: Any) -> None:
    whole = client.chat.completions.create(**ask("capital", enable_thinking=True))
    chunks = client.chat.completions.create(
        **ask("capital", enable_thinking=True, stream=True, stream_options={"include_usage": True})
    )
    streamed = put_together(chunks)

    message = whole.choices[0].message
    assert (message.content, message.reasoning_content) == (SENTENCE, "France, so Paris.")
    assert whole.choices[0].finish_reason == "stop"
    assert (streamed["text"], streamed["reasoning"]) == (SENTENCE, "France, so Paris.")
    assert streamed["finish"] == "stop"
    assert streamed["usage"] == whole.usage
    details = whole.usage.completion_tokens_details
    assert (details.reasoning_tokens, details.text_tokens) == (5, 12)
    assert whole.usage.completion_tokens == 17


def test_usage_comes_only_where_it_is_asked_for(client: Any) -> None:
    chunks = list(client.chat.completions.create(**ask("capital", stream=True)))

    assert all(chunk.usage is None for chunk in chunks)
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == SENTENCE
    assert chunks[0].choices[0].delta.role == "assistant"


@pytest.mark.parametrize("parallel", [False, True])
def test_tool_calls_come_whole_and_in_fragments(client: Any, parallel: object) -> None:
    fields = ask("weather", tools=NESTED, parallel_tool_calls=parallel, seed=1)
    whole = client.chat.completions.create(**fields)
    streamed = put_together(
        client.chat.completions.create(
            **fields, stream=True, stream_options={"include_usage": True}
        )
    )

    calls = whole.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [
        {"city": "Paris"},
        {"city": "Zürich", "days": 2},
    ][: 2 if parallel else 1]
    assert [call.function.name for call in calls] == ["get_weather"] * len(calls)
    assert len({call.id for call in calls}) == len(calls)
    assert (whole.choices[0].finish_reason, streamed["finish"]) == ("tool_calls", "tool_calls")
    assert list(streamed["calls"].values()) == [
        [call.id, call.function.name, call.function.arguments] for call in calls
    ]
    assert streamed["usage"] == whole.usage


def test_the_sdk_puts_a_stream_together_itself(client: Any) -> None:
    with client.chat.completions.stream(
        model="qwen-plus",
        messages=[{"role": "user", "content": "weather"}],
        tools=NESTED,
        parallel_tool_calls=True,
        stream_options={"include_usage": True},
    ) as stream:
        done = stream.get_final_completion()

    arguments = [call.function.arguments for call in done.choices[0].message.tool_calls]
    assert [json.loads(one)["city"] for one in arguments] == ["Paris", "Zürich"]
    assert done.choices[0].message.content == "Let me look."
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens


def test_a_tool_loop_ends_after_the_tool_has_answered(client: Any) -> None:
    first = client.chat.completions.create(**ask("weather", tools=NESTED))
    call = first.choices[0].message.tool_calls[0]
    messages = [
        {"role": "user", "content": "weather"},
        {"role": "assistant", "content": "", "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "sun"},
    ]

    second = client.chat.completions.create(model="qwen-plus", messages=messages, tools=NESTED)

    assert second.choices[0].message.content == "It is sunny in Paris."
    assert second.choices[0].message.tool_calls is None
    assert second.usage.prompt_tokens > first.usage.prompt_tokens + 20


@pytest.mark.parametrize("fields", [{}, {"tools": NESTED, "tool_choice": "none"}])
def test_no_tool_is_called_that_is_not_offered(client: Any, fields: dict[str, Any]) -> None:
    done = client.chat.completions.create(**ask("weather", **fields))

    assert done.choices[0].message.tool_calls is None
    assert (done.choices[0].message.content, done.choices[0].finish_reason) == (
        "Let me look.",
        "stop",
    )


def test_several_answers_are_several_draws(client: Any) -> None:
    done = client.chat.completions.create(**ask("dice", n=4, seed=5))
    one = client.chat.completions.create(**ask("dice", seed=5))
    chunks = client.chat.completions.create(**ask("dice", n=4, seed=5, stream=True))

    texts = [choice.message.content for choice in done.choices]
    assert len(set(texts)) > 1
    assert texts[0] == one.choices[0].message.content
    assert done.usage.completion_tokens == 4 * one.usage.completion_tokens
    streamed = dict.fromkeys(range(4), "")
    for chunk in chunks:
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
    assert list(streamed.values()) == texts


@pytest.mark.parametrize("stream", [False, True])
def test_logprobs_stand_with_every_token(client: Any, stream: object) -> None:
    answer = client.chat.completions.create(
        **ask("capital", logprobs=True, top_logprobs=3, stream=stream)
    )
    chunks = answer if stream else [answer]
    found = [
        entry
        for chunk in chunks
        for choice in chunk.choices
        for entry in (choice.logprobs.content if choice.logprobs else ())
    ]

    assert "".join(entry.token for entry in found) == SENTENCE
    assert len(found) == 12
    assert all(entry.bytes == list(entry.token.encode()) for entry in found)
    assert all(entry.logprob < 0 and len(entry.top_logprobs) == 3 for entry in found)


def test_a_prefix_is_continued_and_a_limit_ends_it(client: Any) -> None:
    messages = [
        {"role": "user", "content": "capital"},
        {"role": "assistant", "content": "The capital of France", "partial": True},
    ]
    done = client.chat.completions.create(model="qwen-plus", messages=messages, max_tokens=2)

    assert (done.choices[0].message.content, done.choices[0].finish_reason) == (
        " is Paris",
        "length",
    )


def test_limits_count_the_reasoning_where_they_say_so(client: Any) -> None:
    answer = client.chat.completions.create(
        **ask("capital", enable_thinking=True, max_tokens=4, thinking_budget=2)
    )
    total = client.chat.completions.create(
        **ask("capital", enable_thinking=True, max_completion_tokens=7)
    )

    first, second = answer.choices[0].message, total.choices[0].message
    assert (first.reasoning_content, first.content) == ("France,", "The capital of France")
    assert (second.reasoning_content, second.content) == ("France, so Paris.", "The capital")
    assert total.usage.completion_tokens == 7


def test_structured_output_wants_its_word_and_no_thinking(client: Any) -> None:
    schema = {"name": "place", "schema": {"type": "object"}}
    for form in ({"type": "json_object"}, {"type": "json_schema", "json_schema": schema}):
        done = client.chat.completions.create(**ask("As JSON, please", response_format=form))
        assert json.loads(done.choices[0].message.content) == {"city": "Paris"}

    with pytest.raises(openai.BadRequestError, match="must contain the word 'json'"):
        client.chat.completions.create(**ask("capital", response_format={"type": "json_object"}))
    with pytest.raises(openai.BadRequestError, match="Json mode response is not supported"):
        client.chat.completions.create(
            **ask("As JSON", response_format={"type": "json_object"}, enable_thinking=True)
        )


def test_a_picture_is_billed_by_its_pixels(client: Any) -> None:
    data = f"data:image/png;base64,{base64.b64encode(PICTURE.read_bytes()).decode()}"
    parts = [{"type": "image_url", "image_url": {"url": data}}, {"type": "text", "text": "picture"}]
    messages = [{"role": "user", "content": parts}]
    done = client.chat.completions.create(model="qwen3-vl-plus", messages=messages)
    plain = client.chat.completions.create(**ask("picture", model="qwen3-vl-plus"))

    # 37 × 23 pixels are scaled up to the least area, of which 32 × 32 make a token: 3 × 2, 2 ends.
    details = done.usage.prompt_tokens_details
    assert details.image_tokens == 8
    assert done.usage.prompt_tokens - plain.usage.prompt_tokens == 8
    assert details.text_tokens + details.image_tokens == done.usage.prompt_tokens


def test_models_think_as_the_table_has_it(client: Any) -> None:
    thinking = client.chat.completions.create(**ask("capital", model="qwen3.6-plus"))
    quiet = client.chat.completions.create(**ask("capital", model="qwen-plus"))
    made_up = client.chat.completions.create(**ask("dice", model="qwen3.6-plus"))

    assert thinking.choices[0].message.reasoning_content == "France, so Paris."
    assert not hasattr(quiet.choices[0].message, "reasoning_content")
    assert quiet.usage.completion_tokens_details is None
    assert "dice" in made_up.choices[0].message.reasoning_content
    with pytest.raises(openai.BadRequestError, match="must be set to false for non-streaming"):
        client.chat.completions.create(**ask("capital", model="qwen3-8b", enable_thinking=True))
    with pytest.raises(openai.BadRequestError, match="restricted to True"):
        client.chat.completions.create(
            **ask("capital", model="qwq-plus", enable_thinking=False, stream=True)
        )


def test_an_error_may_come_inside_a_stream(client: Any) -> None:
    heard: list[str] = []
    with pytest.raises(openai.APIError) as excinfo:
        listen(client.chat.completions.create(**ask("late", stream=True)), heard)

    assert "".join(heard) == "One two three four"
    assert excinfo.value.code == "InternalError"


def test_a_stream_may_be_cut(client: Any) -> None:
    heard: list[str] = []
    with pytest.raises(openai.APIConnectionError):
        listen(client.chat.completions.create(**ask("cut", stream=True)), heard)

    assert "".join(heard) == "One two three four"


def test_errors_before_a_stream_have_their_status(client: Any) -> None:
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(**ask("too much", stream=True))
    with pytest.raises(openai.BadRequestError) as blocked:
        client.chat.completions.create(**ask("moderate", stream=True))

    assert limited.value.code == "limit_requests"
    assert (blocked.value.code, blocked.value.type) == ("data_inspection_failed",) * 2


def test_many_async_streams_do_not_mix(base_url: str) -> None:
    async def one(client: openai.AsyncOpenAI, seed: int) -> str:
        chunks: Any = await client.chat.completions.create(**ask("dice", seed=seed, stream=True))
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

    async def together() -> list[str]:
        async with openai.AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0) as client:
            return await asyncio.gather(*(one(client, seed) for seed in range(20)))

    with openai.OpenAI(base_url=base_url, api_key="k") as client:
        alone = [
            client.chat.completions.create(**ask("dice", seed=seed)).choices[0].message.content
            for seed in range(20)
        ]
    assert asyncio.run(together()) == alone


def test_a_response_has_items_for_thoughts_texts_and_calls(client: Any) -> None:
    done = client.responses.create(
        model="qwen3.6-plus", input="weather", tools=FLAT, reasoning={"effort": "low"}
    )

    assert [item.type for item in done.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert done.output[0].summary[0].text == "They ask for the weather, so I call a tool."
    assert done.output_text == "Let me look."
    assert json.loads(done.output[2].arguments) == {"city": "Paris"}
    assert (done.status, done.object) == ("completed", "response")
    assert done.id.startswith("resp_")
    usage = done.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert usage.output_tokens_details.reasoning_tokens == 12


@pytest.mark.parametrize("text", ["weather", "silent", "capital"])
@pytest.mark.parametrize("effort", ["none", "high"])
def test_a_response_streams_to_the_same_end(client: Any, text: str, effort: str) -> None:
    fields = {"model": "qwen-plus", "input": text, "tools": FLAT, "reasoning": {"effort": effort}}
    whole = client.responses.create(**fields)
    heard = {"response.output_text.delta": "", "response.reasoning_summary_text.delta": ""}
    arguments: dict[str, str] = {}
    kinds = []
    with client.responses.stream(**fields) as stream:
        for event in stream:
            kinds.append(event.type)
            if event.type in heard:
                heard[event.type] += event.delta
            elif event.type == "response.function_call_arguments.delta":
                arguments[event.item_id] = arguments.get(event.item_id, "") + event.delta
        last = stream.get_final_response()

    assert [kinds[0], kinds[1], kinds[-1]] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
    assert last.output_text == whole.output_text == heard["response.output_text.delta"]
    assert last.usage == whole.usage
    assert [item.arguments for item in whole.output if item.type == "function_call"] == list(
        arguments.values()
    )
    thoughts = [item.summary[0].text for item in whole.output if item.type == "reasoning"]
    assert "".join(thoughts) == heard["response.reasoning_summary_text.delta"]
    assert bool(thoughts) == (effort == "high")


def test_a_response_can_be_continued_and_fetched(client: Any) -> None:
    first = client.responses.create(model="qwen-plus", input="I am Ada", instructions="Be brief.")
    second = client.responses.create(
        model="qwen-plus", input="my name?", previous_response_id=first.id
    )
    plain = client.responses.create(model="qwen-plus", input="my name?")

    assert second.output_text == "You are Ada."
    # Hello Ada. and I am Ada, with 5 tokens around each; the instructions are not inherited.
    assert second.usage.input_tokens == plain.usage.input_tokens + 5 + 3 + 5 + 3
    assert client.responses.retrieve(first.id).output_text == "Hello Ada."
    dropped = client.responses.create(model="m", input="dice", store=False)
    for unknown in ("resp_unknown", dropped.id):
        with pytest.raises(openai.BadRequestError, match="not found"):
            client.responses.create(model="m", input="dice", previous_response_id=unknown)
        with pytest.raises(openai.NotFoundError, match="not found"):
            client.responses.retrieve(unknown)


def test_a_response_that_is_too_long_is_incomplete(client: Any) -> None:
    fields: dict[str, Any] = {"model": "qwen-plus", "input": "late", "max_output_tokens": 16}
    with running(parse("rules: [{match: late, reply: '" + "one two " * 20 + "'}]")) as base:
        client = client.with_options(base_url=base)
        done = client.responses.create(**fields)
        with client.responses.stream(**fields) as stream:
            kinds = [event.type for event in stream]

    assert (done.status, done.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert done.usage.output_tokens == 16
    assert kinds[-1] == "response.incomplete"


def test_errors_of_responses_are_flat_and_inside_their_streams(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as excinfo:
        client.responses.create(model="qwen-plus", input="capital", max_output_tokens=15)
    assert excinfo.value.code == "InvalidParameter"

    failed = [
        event
        for event in client.responses.create(
            model="qwen-plus", input="capital", temperature=2.5, stream=True
        )
        if event.type == "response.failed"
    ]
    assert failed[0].response.error.code == "InvalidParameter"
    assert "Temperature should be in" in failed[0].response.error.message

    with pytest.raises(openai.BadRequestError, match="are flat here"):
        client.responses.create(model="qwen-plus", input="capital", tools=NESTED)


def test_a_tool_loop_over_responses(client: Any) -> None:
    result = {"type": "function_call_output", "output": "sun"}
    with running(
        parse(
            "rules: [{match: silent, after_tool: 'get_*', reply: Sun.},"
            " {match: silent, reply: {calls: [{name: get_weather}]}}]"
        )
    ) as base:
        other = client.with_options(base_url=base)
        begun = other.responses.create(model="qwen-plus", input="silent", tools=FLAT)
        result["call_id"] = begun.output[0].call_id
        continued = other.responses.create(
            model="qwen-plus", input=[result], tools=FLAT, previous_response_id=begun.id
        )
        history = [{"role": "user", "content": "silent"}, begun.output[0].model_dump(), result]
        repeated = other.responses.create(model="qwen-plus", input=history, tools=FLAT)

    assert (continued.output_text, repeated.output_text) == ("Sun.", "Sun.")


def test_quirks_are_on_the_wire(base_url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=10)
    body = {"model": "m", "messages": [{"role": "user", "content": "glued"}], "stream": True}
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()

    assert all(line.startswith("data: ") for line in lines)
    chunks = [json.loads(line[6:]) for line in lines[:-1]]
    assert {chunk["choices"][0]["finish_reason"] for chunk in chunks} == {"null", "stop"}
    assert lines[-1] == "data: [DONE]"
