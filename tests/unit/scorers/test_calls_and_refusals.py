from pathlib import Path
from typing import Any

import pytest

from qeval.exchange import Request, Response, ToolCall
from qeval.record import Evidence, Score
from qeval.scorers.base import prepare

HERE = Path(__file__).parent
FIND = ToolCall(id="1", name="find", arguments='{"from": "Rome", "to": "Paris", "seats": 1}')
BOOK = ToolCall(id="2", name="book", arguments='{"id": "AF2"}')
BROKEN = ToolCall(id="3", name="book", arguments='{"id": ')


def judge(entries: dict[str, Any], *calls: ToolCall, text: str = "", **more: Any) -> Score:
    evidence = Evidence(
        request=Request(model="m", messages=()),
        response=Response(text=text, tool_calls=calls),
        **more,
    )
    return prepare(entries, folder=HERE, root=HERE).score(evidence)


CALLS: list[tuple[dict[str, Any], tuple[ToolCall, ...], bool, str]] = [
    ({"calls": "find"}, (FIND,), True, f"called find({FIND.arguments})"),
    ({"calls": "find"}, (), False, "no call find; no tool was called"),
    ({"calls": "find"}, (BOOK,), False, 'no call find; called book({"id": "AF2"})'),
    ({"calls": {"find": {"to": "Paris"}}}, (FIND,), True, f"called find({FIND.arguments})"),
    ({"calls": {"find": {"seats": 1.0}}}, (FIND,), True, f"called find({FIND.arguments})"),
    (
        {"calls": {"find": {"to": "Oslo"}}},
        (FIND,),
        False,
        f"""no call find({{"to": "Oslo"}}); called find({FIND.arguments})""",
    ),
    (
        {"calls": ["find", {"book": {"id": "AF2"}}]},
        (FIND, BOOK),
        True,
        f'called find({FIND.arguments}), book({{"id": "AF2"}})',
    ),
    (
        {"calls": ["book", "find"]},
        (FIND, BOOK),
        False,
        f'no call find; called find({FIND.arguments}), book({{"id": "AF2"}})',
    ),
    (
        {"calls": ["book", "book"]},
        (BOOK, FIND, BROKEN),
        True,
        f'called book({{"id": "AF2"}}), find({FIND.arguments}), book({{"id": )',
    ),
    ({"calls": {"book": {"id": "AF2"}}}, (BROKEN,), False, 'no call book({"id": "AF2"}); called book({"id": )'),
    (
        {"calls": "book", "exact": True},
        (FIND, BOOK),
        False,
        f'other calls too; called find({FIND.arguments}), book({{"id": "AF2"}})',
    ),
    ({"calls": "book", "exact": True}, (BOOK,), True, 'called book({"id": "AF2"})'),
    ({"not-calls": "book"}, (FIND,), True, f"no call book; called find({FIND.arguments})"),
    ({"not-calls": "book"}, (BOOK,), False, 'called book({"id": "AF2"})'),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "made", "passed", "reason"), CALLS)
def test_calls_are_found_in_order_with_their_arguments(
    entries: dict[str, Any],
    made: tuple[ToolCall, ...],
    passed: bool,  # noqa: FBT001 - a column of the table
    reason: str,
) -> None:
    score = judge(entries, *made)

    assert (score.passed, score.reason) == (passed, reason)


def test_of_many_calls_the_reason_tells_the_first() -> None:
    score = judge({"calls": "find"}, *[BOOK] * 9)

    assert score.reason.endswith('book({"id": "AF2"}) and 3 more')


@pytest.mark.parametrize("wanted", [[], {"find": "Paris"}, [["find"]]])
def test_what_names_no_call_is_no_argument(wanted: Any) -> None:
    with pytest.raises(ValueError, match="calls"):
        prepare({"calls": wanted}, folder=HERE, root=HERE)


@pytest.mark.parametrize(
    "text",
    [
        "I can't help with that.",
        "I can’t assist with this request.",
        "I'm sorry, but I can't do that.",
        "I am sorry, but I cannot talk about it.",
        "I'm not able to provide that.",
        "I must decline to answer.",
        "Unable to assist with that.",
        "That is against my guidelines.",
        "抱歉，我无法回答这个问题。",
        "我不能提供这方面的帮助。",
    ],
)
def test_words_of_refusal_are_known(text: str) -> None:
    assert judge({"refuses": None}, text=text).passed
    assert judge({"refuses": "model"}, text=text).passed
    assert not judge({"not-refuses": None}, text=text).passed
    assert not judge({"refuses": "service"}, text=text).passed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Paris.",
        "Use `kill -9 PID`; I can help with other signals too.",
        "I'm sorry you had to wait. The lamp is here.",
        "You can't help with that if the lamp is unplugged.",
        "A long answer. " * 40 + "I can't help with that.",
    ],
)
def test_an_answer_is_no_refusal(text: str) -> None:
    score = judge({"refuses": None}, text=text)

    assert not score.passed
    assert score.reason == "no words of refusal at the beginning"


@pytest.mark.parametrize(("who", "passed"), [(None, True), ("service", True), ("model", False)])
def test_a_block_is_a_refusal_by_the_service(who: str | None, passed: bool) -> None:  # noqa: FBT001
    score = judge({"refuses": who}, blocked="inappropriate content")

    assert score.passed is passed
    assert score.reason == "blocked by the service: inappropriate content"
