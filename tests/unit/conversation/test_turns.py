"""Turns, what stands around a question, and how the answer to it is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from qeval.exchange import Answer, Message, Usage

if TYPE_CHECKING:
    from tests.unit.conversation.conftest import Model, Planned

FIND = "tools: {find: {description: Lists flights., result: [{id: AF2}]}}\n"


def test_each_turn_is_asked_with_what_the_model_said_before(planned: Planned, model: Model) -> None:
    asked = planned(
        "turns: [{user: Hello., checks: [contains: name, contains: '?']}, {user: Ada.}, {user: Bye.}],"
        " checks: [contains: Ada]",
        "system: Be kind.\n",
    )

    (trial,) = model.ask(
        asked, model.said("Your name?"), model.said("Hello Ada"), model.said("Bye, Ada")
    )

    assert model.spoken(2) == [
        ("system", "Be kind."),
        ("user", "Hello."),
        ("assistant", "Your name?"),
        ("user", "Ada."),
        ("assistant", "Hello Ada"),
        ("user", "Bye."),
    ]
    assert [score.check for score in trial.scores] == [
        "turn 1: contains 'name'",
        "turn 1: contains '?'",
        "contains 'Ada'",
    ]
    assert trial.outcome == "passed"
    assert trial.earlier == ("Your name?", "Hello Ada")
    assert trial.text == "Bye, Ada"
    assert trial.usage == Usage(input_tokens=30, output_tokens=6)


def test_checks_of_a_turn_judge_that_turn_alone(planned: Planned, model: Model) -> None:
    asked = planned(
        "turns: [{user: A., checks: [not-calls: find, max_output_tokens: 2]}, {user: B.}],"
        " checks: [calls: find]",
        FIND,
    )

    (trial,) = model.ask(asked, model.said("a"), model.called(("find", "{}")), model.said("b"))

    assert trial.outcome == "passed"


def test_history_and_partial_stand_around_the_question(planned: Planned) -> None:
    earlier = (
        '{"role": "user", "content": "{{ not a template }}"}\n\n'
        '{"role": "assistant", "content": "Yes."}\n'
    )
    asked = planned(
        "history: earlier.jsonl, user: Q, partial: 'A, ', checks: [contains: x]",
        "system: S\n",
        {"earlier.jsonl": earlier},
    )

    assert asked.request(0).messages == (
        Message(role="system", content="S"),
        Message(role="user", content="{{ not a template }}"),
        Message(role="assistant", content="Yes."),
        Message(role="user", content="Q"),
        Message(role="assistant", content="A, ", partial=True),
    )


@pytest.mark.parametrize(
    ("checks", "outcome", "scores"),
    [
        ("[contains: x]", "refused", []),
        ("[refuses, contains: x]", "passed", ["refuses"]),
        ("[not-refuses, contains: x]", "failed", ["not-refuses"]),
        ("[{refuses: model}]", "failed", ["refuses 'model'"]),
    ],
)
def test_a_blocked_question_is_judged_only_by_checks_that_ask_for_it(
    planned: Planned, model: Model, checks: str, outcome: str, scores: list[str]
) -> None:
    error = {"message": "inappropriate content", "code": "data_inspection_failed"}

    (trial,) = model.ask(
        planned(f"user: Bad., checks: {checks}"), model.answer({"error": error}, 400)
    )

    assert trial.outcome == outcome
    assert [score.check for score in trial.scores] == scores
    assert trial.code == "data_inspection_failed"


@pytest.mark.parametrize(("extra", "shown"), [("", None), ("preserve_thinking: true", "Hm.")])
def test_reasoning_of_answers_is_kept_where_the_model_is_asked_to_heed_it(
    planned: Planned, model: Model, extra: str, shown: str | None
) -> None:
    asked = planned(
        "turns: [{user: A.}, {user: B.}], checks: [contains: b]",
        f"params: {{extra: {{{extra}}}}}\n",
    )

    model.ask(asked, model.said("a", reasoning_content="Hm."), model.said("b"))

    assert model.sent[1]["messages"][1].get("reasoning_content") == shown


def test_a_stream_is_read_as_it_was_asked_to_count(planned: Planned, model: Model) -> None:
    asked = planned("user: Count., params: {stream: true}, checks: [equals: '112']")
    target = msgspec.structs.replace(asked.target, dialect="dashscope-text")
    frames = [
        {"output": {"choices": [{"message": {"content": text}, "finish_reason": finish}]}}
        for text, finish in (("1", "null"), ("12", "stop"))
    ]
    body = "".join(f"data:{json.dumps(frame)}\n\n" for frame in frames)

    (trial,) = model.ask(
        msgspec.structs.replace(asked, target=target), Answer(status=200, body=body.encode())
    )

    assert (trial.outcome, trial.text) == ("passed", "112")
