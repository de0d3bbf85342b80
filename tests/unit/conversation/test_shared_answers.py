"""One request that brings the answers of several trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from qeval.conversation import Shared
from qeval.errors import ResponseError
from qeval.exchange import Place
from qeval.record import Trial
from qeval.runner import Runner
from qeval.transport.base import step

if TYPE_CHECKING:
    from tests.unit.conversation.conftest import Model, Planned


def answers(*texts: str) -> dict[str, Any]:
    choices = [{"index": i, "message": {"content": text}} for i, text in enumerate(texts)]
    return {"choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": 4}}


def test_one_request_may_bring_the_answers_of_several_trials(
    planned: Planned, model: Model
) -> None:
    asked = planned("user: Say., trials: 4, params: {n: 2}, checks: [contains: a]")

    trials = model.ask(asked, answers("a", "b"), answers("aa", "bb"))

    assert [body["n"] for body in model.sent] == [2, 2]
    assert [place.trial for place in model.places] == [0, 2]
    assert [(t.trial, t.text, t.outcome) for t in trials] == [
        (0, "a", "passed"),
        (1, "b", "failed"),
        (2, "aa", "passed"),
        (3, "bb", "failed"),
    ]
    assert [t.usage.output_tokens for t in trials] == [4, None, 4, None]


def test_trials_without_an_answer_of_their_own_say_so(planned: Planned, model: Model) -> None:
    asked = planned("user: Say., trials: 2, params: {n: 2}, checks: [contains: a]")

    trials = model.ask(asked, answers("a"))

    assert [(t.outcome, t.error) for t in trials] == [
        ("passed", None),
        ("errored", "2 answers were asked for, and 1 came"),
    ]


def test_in_flight_the_others_wait_for_the_first(planned: Planned, model: Model) -> None:
    asked = planned("user: Say., trials: 6, params: {n: 3}, checks: [contains: a]")
    model.immediate = False

    trials = model.ask(asked, answers("a", "b", "c"))

    assert sorted(t.text for t in trials) == ["a", "a", "b", "b", "c", "c"]
    assert len(model.sent) == 2


def test_an_answer_of_a_request_that_nobody_makes_is_not_waited_for() -> None:
    first = Place(case="c", scenario="s", trial=2)

    with pytest.raises(ResponseError, match="comes with trial 2, which was not asked"):
        step(Shared().part(first, 1))


def test_a_request_that_is_made_again_brings_new_answers_to_all_its_trials(
    planned: Planned, model: Model
) -> None:
    asked = planned("user: Say., trials: 2, params: {n: 2}, checks: [contains: a]")
    model.immediate = False
    model.answers = [answers("a", "b"), answers("aa", "bb")]
    trials: list[Trial] = []
    runner = Runner({"qwen-plus": model}, lambda _n, _g, trial, _a: trials.append(trial))

    runner.run([(0, asked)])
    runner.run([(0, asked)])

    assert sorted(trial.text for trial in trials) == ["a", "aa", "b", "bb"]
