"""The rules of suites.md sections 3, 4 and 10, and what this version refuses."""

import json
from collections.abc import Callable

import pytest

from qeval.errors import SuiteError
from qeval.plan import Plan
from qeval.value import Json

Planned = Callable[..., Plan]
BASE = {"targets": ["qwen-plus"]}
CASE = {"user": "Hi?", "checks": [{"contains": "x"}]}


def one(**entries: Json) -> Json:
    """Return a suite of one case, which has these entries too."""
    return {**BASE, "cases": [{**CASE, **entries}]}


def asked(found: Plan) -> list[tuple[str, str, str]]:
    return [(group.case.id, group.target_id, group.scenario.name) for group in found.groups]


def mistakes(planned: Planned, suite: Json, **files: str) -> tuple[str, ...]:
    with pytest.raises(SuiteError) as raised:
        planned(suite, **files)
    return raised.value.mistakes


# Parameters


@pytest.mark.parametrize(
    ("suite", "target", "scenario", "case", "expected"),
    [
        (0.1, None, None, None, 0.1),
        (0.1, 0.2, None, None, 0.2),
        (0.1, 0.2, 0.4, None, 0.4),
        (0.1, 0.2, 0.4, 0.5, 0.5),
        (0.1, None, None, 0.5, 0.5),
        (None, None, None, None, 0.9),
    ],
)
def test_the_later_place_of_a_parameter_wins(
    planned: Planned,
    suite: float | None,
    target: float | None,
    scenario: float | None,
    case: float | None,
    expected: float,
) -> None:
    def params(value: float | None) -> Json:
        return {} if value is None else {"temperature": value}

    preset = {"preset": "creative_writing"} if expected == 0.9 else {}
    found = planned(
        {
            "params": params(suite),
            "targets": {"t": {"model": "qwen-plus", "params": params(target)}},
            "scenarios": {"s": {"top_k": 5, **preset, **params(scenario)}},
            "cases": [{**CASE, "params": params(case)}],
        }
    )

    assert found.groups[0].request(0).params.temperature == expected
    assert found.groups[0].request(0).params.top_k == 5


@pytest.mark.parametrize(
    ("model", "written", "sent"),
    [
        ("qwen-plus", None, False),
        ("qwen-plus", False, False),
        ("qwen3.7-plus", False, False),
        ("qwen3-30b-a3b-instruct-2507", None, None),
        ("qwen3-30b-a3b-instruct-2507", False, None),
        ("a-model-of-ours", None, None),
        ("a-model-of-ours", False, False),
    ],
)
def test_whether_to_think_is_said_explicitly(
    planned: Planned, model: str, *, written: bool | None, sent: bool | None
) -> None:
    params = {} if written is None else {"thinking": written}

    found = planned({"targets": {"t": {"model": model}}, "params": params, "cases": [CASE]})

    assert found.groups[0].request(0).params.thinking is sent


def test_a_seed_of_each_is_the_trials_number(planned: Planned) -> None:
    found = planned({**one(trials=3), "params": {"seed": "each"}})

    assert [found.groups[0].request(i).params.seed for i in range(3)] == [0, 1, 2]


def test_a_given_seed_is_the_same_in_all_trials(planned: Planned) -> None:
    found = planned({**one(trials=2), "params": {"seed": 7}})

    assert [found.groups[0].request(i).params.seed for i in range(2)] == [7, 7]


# Trials and rules


@pytest.mark.parametrize(
    ("suite", "scenario", "case", "expected"),
    [
        ({}, {}, {}, (1, "all")),
        ({"trials": 3}, {}, {}, (3, "all")),
        ({"trials": 3}, {"trials": 4}, {}, (4, "all")),
        ({"trials": 3}, {"trials": 4}, {"trials": 5}, (5, "all")),
        ({}, {}, {"passes": "4/5"}, (5, "4/5")),
        ({"trials": 3}, {}, {"passes": "4/5"}, (5, "4/5")),
        ({}, {"passes": "2/3"}, {"trials": 6}, (6, "2/3")),
        ({"passes": "any"}, {"trials": 4}, {}, (4, "any")),
        ({"passes": "80%"}, {"passes": "any"}, {"passes": "all"}, (1, "all")),
    ],
)
def test_trials_and_rules_come_from_the_case_then_the_scenario_then_the_suite(
    planned: Planned, suite: Json, scenario: Json, case: Json, expected: tuple[int, str]
) -> None:
    found = planned(
        {**BASE, **suite, "scenarios": {"s": {"top_k": 1, **scenario}}, "cases": [{**CASE, **case}]}
    )

    assert (found.groups[0].trials, found.groups[0].passes) == expected
    assert found.trials_total == expected[0]


# Targets and scenarios


def test_groups_go_by_case_then_target_then_scenario(planned: Planned) -> None:
    found = planned(
        {
            "targets": ["qwen3-max", "qwen-plus"],
            "scenarios": ["translation", "factual_qa"],
            "cases": [{**CASE, "id": "b"}, {**CASE, "id": "a"}],
        }
    )

    assert asked(found) == [
        (case, target, scenario)
        for case in ("b", "a")
        for target in ("qwen3-max", "qwen-plus")
        for scenario in ("translation", "factual_qa")
    ]


def test_a_sweep_varies_one_parameter_at_a_time_and_asks_the_scenario_itself_once(
    planned: Planned,
) -> None:
    scenarios = {"story": {"temperature": 0.9, "sweep": {"temperature": [0, 0.9], "top_p": [0.5]}}}

    found = planned({**one(), "scenarios": scenarios})

    assert [group.scenario.name for group in found.groups] == [
        "story",
        "story:temperature=0",
        "story:top_p=0.5",
    ]
    assert [group.request(0).params.temperature for group in found.groups] == [0.9, 0, 0.9]


def test_a_grid_makes_all_combinations_in_the_order_written(planned: Planned) -> None:
    scenarios = {"g": {"grid": {"top_k": [2, 1], "stop": ["A", ["B", "C"]]}}}

    found = planned({**one(), "scenarios": scenarios})

    assert [group.scenario.name for group in found.groups] == [
        "g:top_k=2,stop=a",
        "g:top_k=2,stop=b-c",
        "g:top_k=1,stop=a",
        "g:top_k=1,stop=b-c",
    ]
    assert found.groups[1].request(0).params.stop == ("B", "C")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("s", ["s:top_k=1", "s:top_k=2"]),
        ("s:top_k=2", ["s:top_k=2"]),
        ("s:*=1", ["s:top_k=1"]),
        ("p*", ["plain"]),
        ("*", ["s:top_k=1", "s:top_k=2", "plain"]),
    ],
)
def test_a_case_picks_scenarios_by_name_or_pattern(
    planned: Planned, pattern: str, expected: list[str]
) -> None:
    scenarios = {"s": {"grid": {"top_k": [1, 2]}}, "plain": {"top_k": 3}}

    found = planned({**one(scenarios=[pattern]), "scenarios": scenarios})

    assert [group.scenario.name for group in found.groups] == expected


def test_a_scenario_and_a_case_may_restrict_the_targets(planned: Planned) -> None:
    found = planned(
        {
            "targets": ["qwen-plus", "qwen3-max"],
            "scenarios": {"a": {"top_k": 1, "targets": ["qwen-plus"]}, "b": {"top_k": 2}},
            "cases": [{**CASE, "id": "all"}, {**CASE, "id": "one", "targets": ["qwen3-*"]}],
        }
    )

    assert asked(found) == [
        ("all", "qwen-plus", "a"),
        ("all", "qwen-plus", "b"),
        ("all", "qwen3-max", "b"),
        ("one", "qwen3-max", "b"),
    ]


def test_a_models_name_makes_an_id_that_file_names_can_hold(planned: Planned) -> None:
    params = {"thinking": False}

    found = planned({"targets": ["Qwen/Qwen3-8B"], "params": params, "cases": [CASE]})

    assert found.groups[0].target_id == "qwen-qwen3-8b"
    assert found.groups[0].request(0).model == "Qwen/Qwen3-8B"


# What is refused


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        (one(user="{{ qestion }}", vars={"question": 1}), "user: no variable 'qestion'"),
        (one(user="{{ a", vars={"a": 1}), "user: not a template"),
        (one(user={"file": "no.txt"}), "'no.txt' is not there"),
        (one(user={"file": "../../x"}), "leads out of the project"),
        (one(context=["a"]), "context"),
        (one(user="{{ row_number }}"), "user: no variable 'row_number'"),
        (one(rows="data/no.jsonl"), "rows: 'data/no.jsonl' is not there"),
        (one(checks=[{"equals_number": "{{ a }}"}], vars={"a": "many"}), "equals_number"),
        (one(user=[{"image": "no.png"}]), "user: 'no.png' is not there"),
        (one(history="no.jsonl"), "history: 'no.jsonl' is not there"),
        (one(tools={"t": {"description": "d", "python": "no:f"}}), "no cannot be imported"),
        ({**BASE, "cases": [CASE, CASE]}, "'hi'"),
    ],
)
def test_a_mistake_names_its_line(planned: Planned, suite: Json, expected: str) -> None:
    cases = [{k: v for k, v in case.items() if v is not None} for case in suite["cases"]]
    suite = {**suite, "cases": cases}

    found = mistakes(planned, suite)

    assert all(line.startswith("suites/s.yaml:1: ") for line in found)
    assert any(expected in line for line in found), found


def test_parameters_that_ask_for_nothing_new_are_let_through(planned: Planned) -> None:
    found = planned({**one(), "params": {"thinking": False, "stream": False, "n": 1}})

    assert found.trials_total == 1


def test_a_row_that_lacks_a_variable_is_told_with_its_line_in_the_data(planned: Planned) -> None:
    rows = "".join(json.dumps({"q": n} if n % 2 else {"q": n, "a": n}) + "\n" for n in range(9))
    suite = """\
targets: [qwen-plus]
cases:
  - id: r-{{ q }}
    rows: data/q.jsonl
    user: '{{ q }}'
    checks: [contains: '{{ a }}']
"""

    found = mistakes(planned, suite, data__q_jsonl=rows)

    assert found == (
        "suites/s.yaml:6: suites/data/q.jsonl:2: no 'a'",
        "suites/s.yaml:6: suites/data/q.jsonl:4: no 'a'",
        "suites/s.yaml:6: suites/data/q.jsonl:6: no 'a'; and 1 more row",
    )
