"""Tool loops: what answers for a tool, what the model is told of it, and when the loop ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from qeval.exchange import Usage

if TYPE_CHECKING:
    from tests.unit.conversation.conftest import Model, Planned

TOOLS = """\
tools:
  find:
    description: Lists flights.
    result: [{id: AF2}]
  book:
    description: Books a flight.
    result: "{{ {'AF2': 'booked'}[arguments.id] | default('unknown') }} {{ call }} for {{ who }}"
  pay:
    description: Pays.
    python: "checks/pay.py:pay"
  stop:
    description: Has no answer here.
vars: {who: Ada}
"""
PAY = """\
async def pay(amount):
    if amount > 9:
        raise RuntimeError("no money\\nsecret detail")
    return {"paid": amount}
"""


@pytest.fixture
def equipped(planned: Planned) -> Planned:
    """Plans a case that is offered the tools, of which one is this function."""
    return lambda case, pay=PAY: planned(case, TOOLS, {"checks/pay.py": pay})


def test_tools_with_a_result_are_answered_until_there_is_a_text(
    equipped: Planned, model: Model
) -> None:
    (trial,) = model.ask(
        equipped("user: Book., checks: [calls: [find, {book: {id: AF2}}], contains: ok]"),
        model.called(("find", "{}")),
        model.called(("book", '{"id": "AF2"}'), ("book", '{"id": "X"}')),
        model.said("ok"),
    )

    assert trial.outcome == "passed"
    assert [place.turn for place in model.places] == [0, 1, 2]
    assert model.spoken(2)[1:] == [
        ("assistant", ""),
        ("tool", '[{"id":"AF2"}]'),
        ("assistant", ""),
        ("tool", "booked 1 for Ada"),
        ("tool", "unknown 2 for Ada"),
    ]
    assert [message.get("tool_call_id") for message in model.sent[2]["messages"]][2] == "c0"
    assert (trial.requests, trial.latency_s) == (3, 1.5)
    assert [call.name for call in trial.calls] == ["find", "book", "book"]
    assert trial.usage == Usage(), "two of three responses reported none"


def test_a_python_tool_is_called_and_what_it_raises_is_told_to_the_model(
    equipped: Planned, model: Model
) -> None:
    arguments = ('{"amount": 5}', '{"amount": 50}', "{", "[]")

    model.ask(
        equipped("user: Pay., checks: [contains: ok]"),
        model.called(*[("pay", each) for each in arguments]),
        model.said("ok"),
    )

    assert model.told == [
        '{"paid":5}',
        "error: pay failed: RuntimeError: no money",
        "error: the arguments are not JSON",
        "error: the arguments are no JSON object",
    ]


def test_the_address_of_an_object_is_not_told_to_the_model(equipped: Planned, model: Model) -> None:
    pay = "def pay():\n    raise KeyError(object())\n"

    model.ask(
        equipped("user: Pay., checks: [contains: ok]", pay),
        model.called(("pay", "{}")),
        model.said("ok"),
    )

    assert model.told == ["error: pay failed: KeyError: <object object at 0x…>"]


RESULTS = """\
def _circle():
    found = []
    found.append(found)
    return found

def pay(kind):
    made = {"set": {1, 2}, "inner": {"a": [(frozenset(),)]}, "object": object(), "half": ["\\ud800"], "circle": _circle(), "digits": 10**5000}
    return made[kind]
"""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"kind": "set"}', "error: the result holds a set, which has no order: return a list"),
        ('{"kind": "inner"}', "error: the result holds a set, which has no order: return a list"),
        ('{"kind": "object"}', "error: Encoding objects of type object is unsupported"),
        ('{"kind": "half"}', "error: 'utf-8' codec can't encode"),
        ('{"kind": "circle"}', "error: maximum recursion depth exceeded"),
        ('{"kind": "digits"}', "error: Exceeds the limit"),
        ("[" * 100_000, "error: the arguments are not JSON"),
    ],
)
def test_what_is_no_json_in_a_call_or_its_result_does_not_end_the_run(
    equipped: Planned, model: Model, arguments: str, told: str
) -> None:
    (trial,) = model.ask(
        equipped("user: Pay., checks: [contains: ok, not-calls: {pay: {a: 1}}]", RESULTS),
        model.called(("pay", arguments)),
        model.said("ok"),
    )

    (result,) = model.told
    assert result.startswith(told)
    assert trial.outcome == "passed"


def test_a_tool_that_nobody_offered_is_answered_with_an_error(
    equipped: Planned, model: Model
) -> None:
    model.ask(
        equipped("user: Go., checks: [contains: ok]"),
        model.called(("fly", "{}")),
        model.said("ok"),
    )

    assert model.spoken(1)[-1] == ("tool", "error: there is no tool 'fly'")


def test_a_call_without_an_answer_ends_the_trial(equipped: Planned, model: Model) -> None:
    (trial,) = model.ask(
        equipped("user: Stop., checks: [calls: stop]"),
        model.called(("find", "{}"), ("stop", "{}")),
    )

    assert (trial.outcome, trial.requests, trial.finish_reason) == ("passed", 1, "tool_calls")


def test_a_case_may_answer_in_the_tools_place(equipped: Planned, model: Model) -> None:
    model.ask(
        equipped("user: Book., results: {find: [], stop: done}, checks: [contains: ok]"),
        model.called(("find", "{}"), ("stop", "{}")),
        model.said("ok"),
    )

    assert model.told == ["[]", "done"]


@pytest.mark.parametrize(
    ("tools", "offered"),
    [
        ("", ["find", "book", "pay", "stop"]),
        ("tools: [stop, find], ", ["stop", "find"]),
        ("tools: [], ", None),
        ("tools: {more: {description: d}}, ", ["find", "book", "pay", "stop", "more"]),
    ],
)
def test_a_mapping_adds_tools_and_a_list_picks(
    equipped: Planned, model: Model, tools: str, offered: list[str] | None
) -> None:
    model.ask(equipped(f"user: Go., {tools}checks: [contains: ok]"), model.said("ok"))

    sent = model.sent[0].get("tools")
    assert (sent and [tool["function"]["name"] for tool in sent]) == offered


def test_a_model_that_goes_on_calling_fails_with_that_reason(
    equipped: Planned, model: Model
) -> None:
    (trial,) = model.ask(
        equipped("user: Go., max_turns: 3, checks: [length: {max_chars: 9}]"),
        model.called(("find", "{}")),
    )

    assert trial.requests == 3
    assert trial.outcome == "failed"
    assert [(s.check, s.reason) for s in trial.scores if not s.passed] == [
        ("max_turns", "still called tools after 3 requests")
    ]


def test_after_a_call_the_given_beginning_is_part_of_what_the_model_said(
    equipped: Planned, model: Model
) -> None:
    model.ask(
        equipped("user: Go., partial: 'Well: ', checks: [contains: ok]"),
        model.called(("find", "{}"), content="let me see."),
        model.called(("find", "{}")),
        model.said("ok"),
    )

    assert [message.get("partial") for message in model.sent[0]["messages"]] == [None, True]
    assert "partial" not in json.dumps(model.sent[1:])
    assert model.spoken(2) == [
        ("user", "Go."),
        ("assistant", "Well: let me see."),
        ("tool", '[{"id":"AF2"}]'),
        ("assistant", ""),
        ("tool", '[{"id":"AF2"}]'),
    ]


MEETING = """\
import threading
both = threading.Barrier(2, timeout=20)

{define} pay():
    both.wait()
    return "met"
"""


@pytest.mark.parametrize("define", ["def", "async def"])
def test_a_slow_tool_holds_up_no_other_trial(equipped: Planned, model: Model, define: str) -> None:
    asked = equipped("user: Pay., trials: 2, checks: [contains: ok]", MEETING.format(define=define))
    model.immediate = False
    call = model.called(("pay", "{}"))

    trials = model.ask(asked, call, call, model.said("ok"))

    assert [trial.outcome for trial in trials] == ["passed", "passed"]
    results = [
        model.spoken(n)[-1] for n, body in enumerate(model.sent) if len(body["messages"]) > 1
    ]
    assert results == [("tool", "met"), ("tool", "met")], "each waited for the other"
