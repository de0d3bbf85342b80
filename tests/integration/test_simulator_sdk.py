"""The official SDK talks to the simulator as it would to the service."""

import asyncio
from collections.abc import Iterator

import openai
import pytest

from qeval.simulator import running
from qeval.simulator.reading import parse

SCRIPT = parse("""
rules:
  - match: (?i)capital of France
    replies:
      - {text: Paris., weight: 3}
      - {text: "It is Paris, on the Seine.", weight: 1}
  - match: overload me
    fault: {status: 429, code: limit_requests, times: 2, retry_after_s: 0.2}
    reply: Here you are.
  - {match: be slow, reply: Done., latency_s: 0.3}
  - {match: bad key, fault: {status: 401}}
  - {match: moderate, fault: {code: data_inspection_failed}}
  - {match: broken, fault: {status: 500, message: The disk is full.}}
  - {match: cut, reply: A long answer that will not arrive., fault: {kind: cut}}
  - {match: garbage, fault: {kind: garbage}}
  - {match: html, fault: {kind: html, status: 502}}
  - {match: empty, fault: {kind: empty}}
  - {match: known, reply: I do not know.}
""")

QUESTION = "What is the capital of France?"


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running(SCRIPT) as base:
        yield base


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="any key will do", max_retries=0) as made:
        yield made


def say(client: openai.OpenAI, text: str, **params: object) -> openai.types.chat.ChatCompletion:
    return client.chat.completions.create(  # type: ignore[call-overload, no-any-return] # loose keywords on purpose
        model="qwen-plus", messages=[{"role": "user", "content": text}], **params
    )


def test_an_answer_comes_with_real_token_counts(client: openai.OpenAI) -> None:
    done = say(client, QUESTION, temperature=0)

    assert done.choices[0].message.content == "Paris."
    assert done.choices[0].finish_reason == "stop"
    assert done.model == "qwen-plus"
    assert done.id.startswith("chatcmpl-")
    assert done.usage is not None
    # 7 tokens of text, 5 around it, 3 to open the answer; "Paris" and ".".
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (15, 2)
    assert done.usage.total_tokens == 17


def test_max_tokens_cuts_the_answer(client: openai.OpenAI) -> None:
    done = say(client, "known", max_tokens=2)

    assert done.choices[0].message.content == "I do"
    assert done.choices[0].finish_reason == "length"


def test_two_fresh_simulators_answer_alike() -> None:
    recordings = []
    for _ in range(2):
        with (
            running(SCRIPT) as base,
            openai.OpenAI(base_url=base, api_key="k", max_retries=0) as client,
        ):
            recordings.append([say(client, QUESTION).model_dump() for _ in range(8)])

    assert recordings[0] == recordings[1]
    assert len({done["choices"][0]["message"]["content"] for done in recordings[0]}) == 2


def test_concurrent_requests_with_seeds_get_what_single_ones_get(
    client: openai.OpenAI, base_url: str
) -> None:
    async def together() -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0) as made:
            done = await asyncio.gather(
                *(
                    made.chat.completions.create(
                        model="qwen-plus",
                        messages=[{"role": "user", "content": QUESTION}],
                        seed=seed,
                    )
                    for seed in range(20)
                )
            )
        return [one.choices[0].message.content for one in done]

    alone = [say(client, QUESTION, seed=seed).choices[0].message.content for seed in range(20)]

    assert asyncio.run(together()) == alone


def test_a_latency_delays_only_its_own_answer(base_url: str) -> None:
    async def order() -> list[str]:
        ended: list[str] = []
        async with openai.AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0) as made:

            async def one(text: str) -> None:
                await made.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": text}]
                )
                ended.append(text)

            await asyncio.gather(one("be slow"), one("known"))
        return ended

    assert asyncio.run(order()) == ["known", "be slow"]


def test_overload_ends_after_its_times_and_names_a_pause(client: openai.OpenAI) -> None:
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as excinfo:
            say(client, "overload me")
        assert excinfo.value.code == "limit_requests"
        assert excinfo.value.response.headers["retry-after"] == "1"

    assert say(client, "overload me").choices[0].message.content == "Here you are."


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        ("bad key", openai.AuthenticationError, "invalid_api_key"),
        ("moderate", openai.BadRequestError, "data_inspection_failed"),
        ("broken", openai.InternalServerError, "InternalError"),
        ("no rule for this", openai.BadRequestError, "no_rule"),
    ],
)
def test_errors_have_their_status_and_code(
    client: openai.OpenAI, text: str, error: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(error) as excinfo:
        say(client, text)

    assert excinfo.value.code == code
    assert excinfo.value.request_id


def test_a_message_of_the_script_is_sent(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError, match="The disk is full"):
        say(client, "broken")


def test_a_wrong_parameter_is_refused_as_the_service_does(client: openai.OpenAI) -> None:
    with pytest.raises(
        openai.BadRequestError, match=r"Temperature should be in \[0\.0, 2\.0\)"
    ) as e:
        say(client, QUESTION, temperature=2.5)

    assert (e.value.code, e.value.type) == ("invalid_parameter_error", "invalid_request_error")


def test_a_cut_connection_is_no_answer(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIConnectionError):
        say(client, "cut")


def test_after_a_cut_the_simulator_answers_on(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIConnectionError):
        say(client, "cut")

    assert say(client, "known").choices[0].message.content == "I do not know."
