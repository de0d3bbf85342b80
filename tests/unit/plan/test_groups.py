"""The groups of a plan: cases × targets × scenarios, and the parameters of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from qeval.exchange import Message, Params, Request
from qeval.plan import Plan
from qeval.suite import Target

if TYPE_CHECKING:
    from tests.unit.plan.conftest import Planned, Told

CASE = "cases: [{id: c, user: hi, checks: [is_json]}]\n"


def sent(plan: Plan, index: int = 0) -> dict[str, Any]:
    """Parameters of the first group that are not at their default."""
    params = plan.groups[0].request(index).params
    default = Params(thinking=False)
    return {
        name: value
        for name in Params.__struct_fields__
        if (value := getattr(params, name)) != getattr(default, name)
    }


def test_groups_are_ordered_by_case_target_scenario(planned: Planned) -> None:
    plan = planned(
        "targets: [qwen-plus, qwen3-max]\nscenarios: [factual_qa, translation]\n"
        "cases: [{id: b, user: x, checks: [is_json]}, {id: a, user: y, checks: [is_json]}]\n"
    )

    assert [(g.case.id, g.target_id, g.scenario.name) for g in plan.groups] == [
        (case, target, scenario)
        for case in ("b", "a")
        for target in ("qwen-plus", "qwen3-max")
        for scenario in ("factual_qa", "translation")
    ]
    assert plan.trials_total == 8


def test_a_request_is_whole(planned: Planned) -> None:
    plan = planned(
        "targets: [qwen-plus]\nscenarios: [factual_qa]\nsystem: Be brief JSON.\nresponse_format: json\n"
        "cases: [{id: c, user: hi, checks: [is_json]}]\n"
    )

    assert plan.groups[0].request(0) == Request(
        model="qwen-plus",
        messages=(
            Message(role="system", content="Be brief JSON."),
            Message(role="user", content="hi"),
        ),
        params=Params(temperature=0.1, top_p=0.7, thinking=False),
        response_format="json",
    )
    assert plan.groups[0].case.where == "suites/s.yaml:5"


# Targets


@pytest.mark.parametrize(
    ("targets", "project", "expected"),
    [
        pytest.param("[qwen-plus]", "", {"qwen-plus": "qwen-plus"}, id="model"),
        pytest.param("[Qwen/Qwen-Plus]", "", {"qwen-qwen-plus": "Qwen/Qwen-Plus"}, id="slugged"),
        pytest.param("{qwen3-max: , mine: {model: qwen-plus}}", "", {"qwen3-max": "qwen3-max", "mine": "qwen-plus"}, id="defined"),
        pytest.param("[fast]", '[tool.qeval.targets.fast]\nmodel = "qwen-flash"\n', {"fast": "qwen-flash"}, id="of-the-project"),
        pytest.param(None, '[tool.qeval]\ndefault_targets = ["qwen-plus"]\n', {"qwen-plus": "qwen-plus"}, id="default"),
        pytest.param("[qwen-plus, qwen-plus]", "", {"qwen-plus": "qwen-plus"}, id="twice-is-once"),
    ],
)  # fmt: skip
def test_targets_are_found(
    planned: Planned, targets: str | None, project: str, expected: dict[str, str]
) -> None:
    head = "" if targets is None else f"targets: {targets}\n"

    plan = planned(head + CASE, project=project)

    assert {g.target_id: g.target.model for g in plan.groups} == expected
    assert [s.name for s in plan.targets] == list(expected)


def test_variables_of_the_environment_are_left_alone(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "example.test")

    plan = planned('targets: {a: {model: m, base_url: "http://${HOST}/v1"}}\n' + CASE)

    assert plan.groups[0].target == Target(model="m", dialect="chat", base_url="http://${HOST}/v1")


def test_an_unknown_model_is_a_warning(planned: Planned) -> None:
    plan = planned("targets: [qwen-pluss]\n" + CASE)

    assert plan.warnings == (
        "suites/s.yaml:1: model 'qwen-pluss' is in no table; did you mean 'qwen-plus'?",
    )


def test_targets_with_one_id_are_a_mistake(told: Told) -> None:
    (mistake,) = told("targets: [Qwen/Qwen-Plus, qwen-qwen-plus]\n" + CASE)

    assert mistake == (
        "suites/s.yaml:1: "
        "targets 'Qwen/Qwen-Plus' and 'qwen-qwen-plus' both have the id 'qwen-qwen-plus'"
    )


# Scenarios


@pytest.mark.parametrize(
    ("scenarios", "expected"),
    [
        pytest.param("[factual_qa]", ["factual_qa"], id="preset"),
        pytest.param(
            "{story: {preset: creative_writing, sweep: {temperature: [0, 0.7, 1.5]}}}",
            ["story", "story:temperature=0", "story:temperature=0.7", "story:temperature=1.5"],
            id="sweep",
        ),
        pytest.param(
            "{story: {preset: creative_writing, sweep: {temperature: [0.9, 1]}}}",
            ["story", "story:temperature=1"],
            id="equal-ones-once",
        ),
        pytest.param(
            "{m: {grid: {thinking: [off], stop: [[a, b], END.]}}}",
            ["m:thinking=off,stop=a-b", "m:thinking=off,stop=end."],
            id="grid",
        ),
        pytest.param("{a: {temperature: 1}, b: {temperature: 1}}", ["a", "b"], id="two-names"),
    ],
)
def test_scenarios_are_expanded(planned: Planned, scenarios: str, expected: list[str]) -> None:
    plan = planned(f"targets: [qwen-plus]\nscenarios: {scenarios}\n{CASE}")

    assert [g.scenario.name for g in plan.groups] == expected
    assert [s.name for s in plan.scenarios] == expected


def test_presets_carry_their_source(planned: Planned) -> None:
    plan = planned("targets: [qwen-plus]\nscenarios: [translation, ]\n" + CASE)

    assert "Model Studio" in (plan.scenarios[0].source or "")


@pytest.mark.parametrize(
    ("picks", "expected"),
    [
        ("scenarios: [story]", ["story", "story:temperature=0", "story:top_p=0.5"]),
        ("scenarios: ['story:t*']", ["story:temperature=0", "story:top_p=0.5"]),
        ("scenarios: ['story:temp*', plain]", ["plain", "story:temperature=0"]),
        ("targets: [b]", ["story", "story:temperature=0", "story:top_p=0.5"]),
        ("targets: [a]", ["plain"]),
    ],
)
def test_cases_pick_scenarios_and_targets(
    planned: Planned, picks: str, expected: list[str]
) -> None:
    plan = planned(
        "targets: {a: {model: qwen-plus}, b: {model: qwen-plus}}\n"
        "scenarios:\n"
        "  story: {sweep: {temperature: [0], top_p: [0.5]}, targets: [b]}\n"
        "  plain: {top_k: 5, targets: [a]}\n"
        f"cases: [{{id: c, user: hi, checks: [is_json], {picks}}}]\n"
    )

    assert [g.scenario.name for g in plan.groups] == expected


@pytest.mark.parametrize(
    ("case", "mistake"),
    [
        ("scenarios: ['story:temq*']", "no scenario matches 'story:temq*'"),
        ("targets: [b], scenarios: [plain]", "the case is asked of nobody"),
    ],
)
def test_a_case_that_picks_nothing_is_a_mistake(told: Told, case: str, mistake: str) -> None:
    suite = (
        "targets: {a: {model: qwen-plus}, b: {model: qwen-plus}}\n"
        "scenarios: {story: {sweep: {temperature: [0]}}, plain: {targets: [a]}}\n"
        f"cases: [{{id: c, user: hi, checks: [is_json], {case}}}]\n"
    )

    assert f"suites/s.yaml:3: {mistake}" in told(suite)


# Parameters


def test_later_parameters_win(planned: Planned) -> None:
    plan = planned(
        "params: {top_k: 1, max_output_tokens: 1, temperature: 1, top_p: 1, extra: {a: 1, b: 1}}\n"
        "targets: {t: {model: qwen-plus, params: {max_output_tokens: 2, temperature: 1.2, extra: {b: 2}}}}\n"
        "scenarios: {s: {preset: factual_qa, top_p: 0.4}}\n"
        "cases: [{id: c, user: hi, checks: [is_json], params: {top_p: 0.5, extra: {c: 3}}}]\n"
    )  # fmt: skip

    assert sent(plan) == {
        "top_k": 1,
        "max_output_tokens": 2,
        "temperature": 0.1,
        "top_p": 0.5,
        "extra": {"a": 1, "b": 2, "c": 3},
    }


@pytest.mark.parametrize(
    ("params", "index", "expected"),
    [
        ("{seed: each}", 3, {"seed": 3}),
        ("{seed: 7}", 3, {"seed": 7}),
        ("{stop: [a, b]}", 0, {"stop": ("a", "b")}),
        ("{thinking: off}", 0, {}),
        ("{stream: false}", 0, {}),
    ],
)
def test_parameters_are_sent(
    planned: Planned, params: str, index: int, expected: dict[str, Any]
) -> None:
    assert sent(planned(f"targets: [qwen-plus]\nparams: {params}\n{CASE}"), index) == expected


@pytest.mark.parametrize(
    ("suite", "scenario", "case", "expected"),
    [
        ("", "", "", (1, "all")),
        ("trials: 3\n", "", "", (3, "all")),
        ("passes: 4/5\n", "", "", (5, "4/5")),
        ("passes: 4/5\n", "trials: 2", "", (2, "4/5")),
        ("trials: 3\n", "passes: 2/4", "", (4, "2/4")),
        ("trials: 3\n", "passes: any", "trials: 6", (6, "any")),
        ("", "trials: 3, passes: any", "passes: 1/2", (2, "1/2")),
        ("", "trials: 3", "passes: 50%", (3, "50%")),
    ],
)
def test_trials_and_passes_of_the_inner_place_win(
    planned: Planned, suite: str, scenario: str, case: str, expected: tuple[int, str]
) -> None:
    plan = planned(
        f"targets: [qwen-plus]\n{suite}scenarios: {{s: {{top_k: 1, {scenario}}}}}\n"
        f"cases: [{{id: c, user: hi, checks: [is_json], {case}}}]\n"
    )

    assert [(g.trials, g.passes) for g in plan.groups] == [expected]


def test_thinking_is_always_said_as_the_model_table_has_it(planned: Planned) -> None:
    found = planned(f"targets: [qwen3.6-plus, qwen-plus, unheard-of]\n{CASE}")

    assert [group.params.thinking for group in found.groups] == [True, False, None]


# Memory


def test_groups_share_what_is_equal(planned: Planned) -> None:
    groups = planned(
        "targets: [qwen-plus]\nsystem: s\ncases:\n"
        "  - {id: 'c-{{ n }}', grid: {n: [1, 2]}, user: '{{ n }}', checks: [is_json]}\n"
    ).groups

    assert groups[0].params is groups[1].params
    assert groups[0].target is groups[1].target
    assert groups[0].scenario is groups[1].scenario
    assert groups[0].checks[0] is groups[1].checks[0]
