"""What cannot work is refused before it is sent, and what hardly does is warned of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from qeval.errors import SuiteError

if TYPE_CHECKING:
    from tests.unit.plan.conftest import Planned, Told


@pytest.mark.parametrize(
    ("target", "case", "mistake"),
    [
        (
            "{model: qwen3.6-plus, dialect: dashscope-text}",
            "user: hi",
            "target 't': model 'qwen3.6-plus' does not speak 'dashscope-text'",
        ),
        (
            "{model: qwen3-8b}",
            "user: hi, params: {thinking: on}",
            "target 't': model 'qwen3-8b' only streams while it thinks",
        ),
        ("{model: qvq-max}", "user: hi", "target 't': model 'qvq-max' only streams"),
        (
            "{model: qwen3.6-plus}",
            "user: Answer in JSON., response_format: json",
            "target 't': response_format does not work while the model thinks",
        ),
        (
            "{model: qwen-plus}",
            "user: hi, response_format: json",
            "target 't': response_format json wants the word json in the messages",
        ),
        (
            "{model: qwen-plus}",
            "user: hi, partial: 'He', params: {thinking: on}",
            "target 't': partial does not work while the model thinks",
        ),
        (
            "{model: qwen-plus}",
            "user: hi, trials: 2, params: {n: 2}, tools: {f: {description: d}}",
            "target 't': n 2 does not work with tools",
        ),
        (
            "{model: qwen-plus}",
            "user: hi, trials: 3, params: {n: 2}",
            "3 trials are no multiple of n 2",
        ),
        (
            "{model: qwen-plus, dialect: responses}",
            "user: hi, params: {max_output_tokens: 9}",
            "target 't': max_output_tokens 9 is out of range for dialect 'responses': 16 or more",
        ),
        (
            "{python: 'json:dumps'}",
            "user: hi, trials: 2, params: {n: 2}",
            "target 't': a function gives one answer, and n is 2",
        ),
        ("{python: 'json:dumbs'}", "user: hi", "json has no function 'dumbs'"),
        (
            "{python: 'no.such:thing'}",
            "user: hi",
            "no.such cannot be imported: ModuleNotFoundError: No module named 'no'",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_it_is_sent(
    told: Told, target: str, case: str, mistake: str
) -> None:
    found = told(f"targets: {{t: {target}}}\ncases:\n  - {{id: c, {case}, checks: [is_json]}}\n")

    assert [line.partition(": ")[2] for line in found] == [mistake]


def test_a_wrong_dialect_is_answered_with_those_that_the_model_speaks(planned: Planned) -> None:
    with pytest.raises(SuiteError) as caught:
        planned(
            "targets: {t: {model: qwen3.6-plus, dialect: dashscope-text}}\n"
            "cases: [{id: c, user: hi, checks: [is_json]}]\n"
        )

    assert str(caught.value) == (
        "suites/s.yaml:2: target 't': model 'qwen3.6-plus' does not speak 'dashscope-text'\n\n"
        "hint: set the target's `dialect:` to 'dashscope-multimodal' or 'responses' or 'chat'"
    )


def test_a_server_of_ones_own_has_its_own_rules(planned: Planned) -> None:
    found = planned(
        "targets: {t: {model: qwen3.6-plus, dialect: dashscope-text, base_url: 'http://a/v1'}}\n"
        "cases: [{id: c, user: hi, response_format: json, checks: [is_json]}]\n"
    )

    assert found.trials_total == 1


def test_a_refusal_is_told_once_for_a_case_of_many_rows(told: Told) -> None:
    found = told(
        "targets: [qwen-plus]\ncases:\n"
        "  - {id: c, grid: {a: [1, 2, 3]}, user: '{{ a }}', response_format: json, "
        "checks: [is_json]}\n"
    )

    assert len(found) == 1


@pytest.mark.parametrize(
    ("question", "warned"),
    [
        ("Sum up https://example.com/page", True),
        ("https://example.com/page", True),
        ("What does the scheme of https://example.com/page say about how it is carried?", False),
        ("Sum up this page", False),
    ],
)
def test_a_question_that_is_little_but_an_address_is_warned_of(
    planned: Planned, question: str, *, warned: bool
) -> None:
    plan = planned(
        f"targets: [qwen-plus]\ncases: [{{id: c, user: '{question}', checks: [is_json]}}]\n"
    )

    expected = "case 'c': the prompt is little but a web address, and the API reads no pages"
    assert (expected in plan.warnings) is warned


# Tools that checks name


TOOLS = "targets: [qwen-plus]\ntools: {open_door: {description: opens}}\ncases:\n"


@pytest.mark.parametrize(
    ("case", "name", "hint"),
    [
        ("user: hi, checks: [calls: opne_door]", "opne_door", "did you mean 'open_door'?"),
        ("user: hi, checks: [not-calls: opne_door]", "opne_door", "did you mean 'open_door'?"),
        (
            "user: hi, checks: [{any: [contains: a, calls: [open_door, ring: {loud: true}]]}]",
            "ring",
            "define it: `tools: {ring: …}`",
        ),
        (
            "turns: [{user: hi, checks: [calls: opendoor]}]",
            "opendoor",
            "did you mean 'open_door'?",
        ),
    ],
)
def test_a_check_of_a_tool_that_nobody_offers_is_a_mistake(
    planned: Planned, case: str, name: str, hint: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        planned(f"{TOOLS}  - {{id: c, {case}}}\n")

    assert str(caught.value) == (
        f"suites/s.yaml:4: calls: there is no tool {name!r}\n\nhint: {hint}"
    )


@pytest.mark.parametrize(
    "case",
    [
        "user: hi, tools: [], checks: [not-calls: open_door]",
        "user: hi, checks: [calls: open_door]",
        "user: hi, params: {extra: {tools: [{type: x}]}}, checks: [not-calls: x]",
        "user: hi, tools: {ring: {description: rings}}, checks: [calls: [ring, open_door]]",
    ],
)
def test_tools_that_are_defined_somewhere_may_be_named(planned: Planned, case: str) -> None:
    assert planned(f"{TOOLS}  - {{id: c, {case}}}\n").trials_total == 1


def test_an_application_may_call_tools_of_its_own(planned: Planned) -> None:
    text = "targets: {t: {python: 'json:dumps'}}\ncases:\n  - {user: hi, checks: [calls: own]}\n"

    assert planned(text).trials_total == 1
