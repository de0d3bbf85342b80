"""What cannot work at Model Studio, or hardly: refused or warned of by what is known of models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qeval.errors import SuiteError
from qeval.plan import Plan
from qeval.value import Json

Planned = Callable[..., Plan]
PICTURE = [{"image": "https://x.test/a.png"}, "What is it?"]
TOOLS = {"find": {"description": "Finds."}}


def suite(target: dict[str, Any], *cases: dict[str, Any], **shared: Json) -> Json:
    asked = cases or ({"user": "Hi?"},)
    each = [{"id": f"c{n}", "checks": ["not-refuses"], **case} for n, case in enumerate(asked)]
    return {"targets": {"it": target}, **shared, "cases": each}


def refused(planned: Planned, written: Json) -> list[tuple[str, str | None]]:
    """Return each mistake without its place, with what is hinted at in all."""
    with pytest.raises(SuiteError) as raised:
        planned(written)
    hint = raised.value.hint
    return [(line.split(": ", 2)[2], hint) for line in raised.value.mistakes]


HOSTS = [
    {},
    {"region": "cn-beijing"},
    {"base_url": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"},
    {"base_url": "https://ws1.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1"},
]


@pytest.mark.parametrize("place", HOSTS)
def test_the_service_is_known_by_its_address_too(planned: Planned, place: Json) -> None:
    found = refused(planned, suite({"model": "qwq-plus", **place}))

    assert found == [("model 'qwq-plus' only streams", "set `params: {stream: true}`")]


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000/v1", "https://${WHERE}/v1"])
def test_another_server_has_rules_of_its_own(planned: Planned, base_url: str) -> None:
    assert planned(suite({"model": "qwq-plus", "base_url": base_url})).groups


@pytest.mark.parametrize(
    "model", ["qwq-plus", "qvq-max", "qwen3-30b-a3b-thinking-2507", "qwen3-vl-8b-thinking"]
)
def test_a_model_that_always_thinks_cannot_be_asked_not_to(planned: Planned, model: str) -> None:
    params = {"stream": True, "thinking": False}

    found = refused(planned, suite({"model": model}, params=params))

    assert found == [
        (f"model {model!r} always thinks", "leave `thinking` out, or ask another model")
    ]


def test_what_does_not_go_with_thinking_is_not_hinted_away_by_thinking_off(
    planned: Planned,
) -> None:
    case = {"user": "As JSON?", "response_format": "json"}

    found = refused(planned, suite({"model": "qwq-plus"}, case, params={"stream": True}))

    assert found == [
        (
            "response_format does not work while the model thinks",
            "ask a model that can do without thinking",
        )
    ]


@pytest.mark.parametrize("thinking", [True, 100, "low"])
def test_a_model_that_never_thinks_is_warned_of(planned: Planned, thinking: Json) -> None:
    cases = ({"user": "A?"}, {"user": "B?"})

    found = planned(suite({"model": "qwen3-coder-plus"}, *cases, params={"thinking": thinking}))

    assert found.warnings == (
        "target 'it': model 'qwen3-coder-plus' never thinks, whatever `thinking` says",
    )


@pytest.mark.parametrize("model", ["qwen-plus", "qwen3-max", "qwen3.7-max", "qwen3-coder-plus"])
@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_a_model_of_texts_is_shown_no_pictures(planned: Planned, model: str, dialect: str) -> None:
    found = refused(planned, suite({"model": model, "dialect": dialect}, {"user": PICTURE}))

    assert found == [
        (
            f"model {model!r} takes text alone, no image, video or audio",
            "ask a model that takes them, such as qwen3-vl-plus",
        )
    ]


@pytest.mark.parametrize(
    "target",
    [
        {"model": "qwen3-vl-plus"},
        {"model": "qwen3.6-plus", "dialect": "responses"},
        {"model": "qwen3-vl-8b-instruct", "dialect": "dashscope-multimodal"},
        {"model": "qwen3-omni-flash", "params": {"stream": True}},
        {"model": "nobody-knows"},
        {"model": "qwen-plus", "base_url": "http://127.0.0.1:8000/v1"},
    ],
)
def test_a_model_that_sees_is_shown_pictures(planned: Planned, target: dict[str, Any]) -> None:
    assert planned(suite(target, {"user": PICTURE})).groups


def test_text_in_parts_is_text(planned: Planned) -> None:
    parts = [{"text": "A long text", "cache": True}, "What of it?"]

    assert planned(suite({"model": "qwen-plus"}, {"user": parts})).groups


def test_what_a_later_turn_shows_is_looked_at_too(planned: Planned) -> None:
    case = {"turns": [{"user": "Hello."}, {"user": PICTURE}]}

    found = refused(planned, suite({"model": "qwen-plus"}, case))

    assert [fact for fact, _ in found] == [
        "model 'qwen-plus' takes text alone, no image, video or audio"
    ]


@pytest.mark.parametrize("model", ["qwen3-omni-flash", "qwen-omni-turbo", "qwen2.5-omni-7b"])
def test_omni_models_only_stream(planned: Planned, model: str) -> None:
    assert refused(planned, suite({"model": model})) == [
        (f"model {model!r} only streams", "set `params: {stream: true}`")
    ]
    assert planned(suite({"model": model}, params={"stream": True})).groups


def test_a_case_behind_a_sound_one_is_looked_at_by_itself(planned: Planned) -> None:
    messages = [
        {"role": "user", "content": "a"},
        {"role": "tool", "tool_call_id": "c", "content": "b"},
    ]
    found = refused(planned, suite({"model": "qwen-plus"}, {"user": "Hi?"}, {"messages": messages}))

    assert [fact for fact, _ in found] == ["a message of role tool answers no call"]


def test_warnings_of_parameters_name_the_target_once(planned: Planned) -> None:
    cases = ({"user": "A?"}, {"user": "B?"})
    target = {"model": "qwen-plus", "dialect": "responses"}

    found = planned(suite(target, *cases, params={"extra": {"metadata": {}, "store": False}}))
    elsewhere = {**target, "base_url": "http://127.0.0.1:8000/v1"}

    assert found.warnings == (
        "target 'it': dialect 'responses' is not known to heed 'metadata', though it may echo it",
    )
    assert planned(suite(elsewhere, *cases, params={"extra": {"metadata": {}}})).warnings == ()


def test_warnings_of_a_case_name_it(planned: Planned) -> None:
    middle = [
        {"role": "user", "content": "a"},
        {"role": "system", "content": "s"},
        {"role": "user", "content": "b"},
    ]
    turns = [{"user": "Hello."}, {"user": "See www.x.test"}]

    found = planned(
        suite({"model": "qwen-plus"}, {"user": "Hi?"}, {"messages": middle}, {"turns": turns})
    )

    assert found.warnings == (
        "case 'c1': a system message stands behind others, and the service wants it first",
        "case 'c2': turn 2 is little but a web address, and the API reads no pages",
    )


@pytest.mark.parametrize(
    ("extra", "key"),
    [
        ({"model": "m"}, "model"),
        ({"messages": []}, "messages"),
        ({"input": "x"}, "user"),
        ({"instructions": "x"}, "system"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"previous_response_id": "r"}, "conversation"),
    ],
)
def test_extra_does_not_say_what_the_case_says(planned: Planned, extra: Json, key: str) -> None:
    with pytest.raises(SuiteError) as raised:
        planned(suite({"model": "qwen-plus"}, params={"extra": extra}))

    assert raised.value.message.endswith(f"extra: {next(iter(extra))!r} has a key of its own")
    assert raised.value.hint == f"write {key}:"


def test_what_docstrings_name_as_the_way_is_open(planned: Planned) -> None:
    own = {"max_completion_tokens": 50, "incremental_output": False}
    target = {"model": "qwen-plus", "dialect": "dashscope-text"}

    found = planned(suite(target, params={"stream": True, "extra": own}))

    assert found.groups[0].params.extra == own
    assert found.warnings == ()


def test_a_choice_of_no_tool_is_refused(planned: Planned) -> None:
    written = suite({"model": "qwen-plus"}, tools=TOOLS, params={"tool_choice": "fnid"})

    assert refused(planned, written) == [
        ("tool_choice 'fnid' is the name of no tool", "did you mean 'find'?")
    ]
