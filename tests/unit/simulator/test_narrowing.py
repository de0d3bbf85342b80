"""Rules narrowed by request parameters."""

from typing import Any

import pytest

from qeval.errors import UsageError
from qeval.exchange import Message
from qeval.simulator.asked import Ask
from qeval.simulator.engine import Engine
from qeval.simulator.reading import parse
from qeval.simulator.refusals import Refusal
from qeval.simulator.script import Range

SCRIPT = """\
rules:
  - {match: hi, params: {temperature: {below: 0.5}}, reply: cool}
  - {match: hi, params: {temperature: {at_least: 0.5, below: 1.2}, seed: 7}, reply: warm and seven}
  - {match: hi, params: {temperature: {at_least: 0.5, below: 1.2}}, reply: warm}
  - {match: hi, params: {max_output_tokens: 5}, reply: short}
"""


def ask(**params: Any) -> Ask:
    return Ask(model="m", messages=(Message(role="user", content="hi"),), **params)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"temperature": 0}, "cool"),
        ({"temperature": 0.49}, "cool"),
        ({"temperature": 0.5}, "warm"),
        ({"temperature": 0.5, "seed": 7}, "warm and seven"),
        ({}, "warm"),  # not sent: temperature counts as 1
        ({"temperature": 1.2, "max_output_tokens": 5}, "short"),
    ],
)
def test_a_rule_is_for_the_parameters_it_names(params: dict[str, float], said: str) -> None:
    assert Engine(parse(SCRIPT)).answer(ask(**params), "chat").said.text == said


@pytest.mark.parametrize("params", [{"temperature": 1.2}, {"temperature": 1.9, "seed": 7}])
def test_what_no_rule_is_for_is_refused(params: dict[str, float]) -> None:
    with pytest.raises(Refusal):
        Engine(parse(SCRIPT)).answer(ask(**params), "chat")


@pytest.mark.parametrize(
    ("held", "value", "holds"),
    [
        (Range(), 1.0, True),
        (Range(), None, False),
        (Range(equals=0.3), 0.3, True),
        (Range(equals=0.3), 0.30001, False),
        (Range(at_least=1), 1.0, True),
        (Range(below=1), 1.0, False),
    ],
)
def test_a_range_holds_its_lower_end_and_not_its_upper(
    held: Range, value: float | None, holds: object
) -> None:
    assert held.holds(value) is holds


@pytest.mark.parametrize(
    ("params", "told"),
    [
        (
            "{temprature: 1}",
            "unknown key 'temprature' in params\n\nhint: did you mean 'temperature'?",
        ),
        ("{temperature: {under: 1}}", "unknown key 'under' in temperature"),
        ("{temperature: {}}", "temperature wants a number, or 'at_least', 'below', or both"),
        ("{temperature: warm}", "temperature wants a number ≥ 0"),
        ("{temperature: [1, 2]}", "temperature wants a mapping, got a list"),
        ("{temperature: {at_least: 1, below: 0.5}}", "at_least 1 and below 0.5 leaves nothing"),
        ("{seed: -1}", "seed -1 is out of range: ≥ 0"),
        ("[temperature]", "params wants a mapping, got a list"),
        ("{}", "params wants some of temperature, top_p, max_output_tokens, seed"),
    ],
)
def test_a_narrowing_that_is_none_is_told_with_its_line(params: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(f"rules:\n  - {{match: a, reply: b, params: {params}}}", "s.yaml")

    assert str(raised.value).startswith("s.yaml:2: ")
    assert told in str(raised.value)
