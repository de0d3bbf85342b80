"""What is sent, and warned of."""

from __future__ import annotations

from typing import Any

import pytest

from qeval.dialects.doubts import doubts, has_address, unheeded
from qeval.dialects.refusals import refusals
from qeval.exchange import Message, Params, Part, Request

ASKED = (Message(role="user", content="Which city?"),)
TOOL = {"name": "f", "description": "F.", "parameters": {}}
CHAT = "set the target's `dialect: chat`"
SYSTEM = Message(role="system", content="Be brief.")


def user(content: str) -> Message:
    return Message(role="user", content=content)


def request(messages: tuple[Message, ...] = ASKED, **fields: Any) -> Request:
    own = {key: fields.pop(key) for key in ("response_format", "tools") if key in fields}
    return Request(model="m", messages=messages, params=Params(**fields), **own)


@pytest.mark.parametrize(
    ("prompt", "fields", "doubted"),
    [
        ("https://x.test/page", {}, True),
        ("Summarize https://x.test/page please", {}, True),
        ("Summarize HTTPS://X.TEST/page please", {}, True),
        ("Summarize www.x.test/page please", {}, True),
        ("Summarize https://x.test/page", {"search": True}, False),
        ("Summarize https://x.test/page", {"tools": (TOOL,)}, False),
        (
            "Summarize https://x.test/page",
            {"extra": {"tools": [{"type": "web_search"}, {"type": "web_extractor"}]}},
            False,
        ),
        ("Summarize https://x.test/page", {"extra": {"tools": [{"type": "image_search"}]}}, True),
        ("Summarize https://x.test/page", {"extra": {"tools": "web_search"}}, True),
        (
            "The page https://x.test/page says that lamps may be returned for 30 days. True?",
            {},
            False,
        ),
        ("What does wwwhat.test mean?", {}, False),
        ("Which city?", {}, False),
    ],
)
def test_a_prompt_that_is_little_but_an_address_is_doubted(
    prompt: str, fields: dict[str, Any], *, doubted: bool
) -> None:
    found = doubts(request((user(prompt),), **fields), "chat")

    assert [one.fact for one in found] == [
        "the prompt is little but a web address, and the API reads no pages"
    ] * doubted
    assert has_address(prompt) or not doubted


def test_so_is_a_later_turn() -> None:
    later = (user("And then?"), user("See www.x.test"), user("Thanks"))

    assert [one.fact for one in doubts(request(), "chat", later=later)] == [
        "turn 3 is little but a web address, and the API reads no pages"
    ]


def test_limits_of_pixels_are_doubted_where_they_cannot_be_said() -> None:
    part = Part(image="https://x.test/a.png", max_pixels=1024)
    asked = request((Message(role="user", content=(part,)),))

    assert [one.fact for one in doubts(asked, "responses")] == [
        "dialect 'responses' has no limits of pixels, so a picture counts in full"
    ]
    assert doubts(asked, "chat") == ()
    assert refusals(asked, "responses") == ()


@pytest.mark.parametrize(
    ("messages", "doubted"),
    [
        ((SYSTEM, *ASKED), False),
        ((SYSTEM, SYSTEM, *ASKED), False),
        ((*ASKED, SYSTEM, *ASKED), True),
    ],
)
def test_a_system_message_comes_first(messages: tuple[Message, ...], *, doubted: bool) -> None:
    found = [one.fact for one in doubts(request(messages), "chat")]

    assert (
        found == ["a system message stands behind others, and the service wants it first"] * doubted
    )
    assert doubts(request(messages), "chat", service=False) == ()


@pytest.mark.parametrize(
    ("fields", "doubted"),
    [
        ({"response_format": "json", "max_output_tokens": 50}, True),
        ({"response_format": {"schema": {}}, "extra": {"max_completion_tokens": 50}}, True),
        ({"response_format": "json"}, False),
        ({"response_format": "text", "max_output_tokens": 50}, False),
        ({"max_output_tokens": 50}, False),
    ],
)
def test_a_limit_may_cut_json_short(fields: dict[str, Any], *, doubted: bool) -> None:
    found = unheeded(request(**fields), "chat")

    assert [one.fact for one in found] == [
        "response_format beside a limit of output tokens, which may cut the JSON short"
    ] * doubted


def test_what_responses_do_not_heed_is_doubted_though_they_echo_it() -> None:
    extra = {"metadata": {}, "background": True, "store": False, "tools": [], "conversation": "c"}

    assert unheeded(request(extra=extra), "responses") == (
        (
            "dialect 'responses' is not known to heed 'background', though it may echo it",
            f"leave it out of `extra`, or {CHAT}",
        ),
        (
            "dialect 'responses' is not known to heed 'metadata', though it may echo it",
            f"leave it out of `extra`, or {CHAT}",
        ),
    )
    assert unheeded(request(extra=extra), "chat") == ()


@pytest.mark.parametrize(
    ("dialect", "doubted"), [("chat", True), ("dashscope-text", False), ("responses", True)]
)
def test_only_native_streams_can_hold_all_so_far(dialect: str, *, doubted: bool) -> None:
    found = unheeded(request(extra={"incremental_output": False}), dialect)

    assert bool(found) is doubted
