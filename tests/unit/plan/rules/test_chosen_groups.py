"""What a selection leaves of a plan."""

from collections.abc import Callable

import pytest

from qeval.errors import UsageError
from qeval.plan import Plan, Selection
from qeval.value import Json

Planned = Callable[..., Plan]

SUITE: Json = {
    "targets": ["qwen-plus", "qwen3-max"],
    "scenarios": {"cool": {"top_k": 1}, "warm": {"grid": {"temperature": [0.5, 1.5]}}},
    "checks": [{"contains": "x"}],
    "cases": [
        {"id": "sum", "grid": {"a": [1, 2]}, "user": "{{ a }}?", "tags": ["numbers"]},
        {"id": "Paris", "user": "City?", "tags": ["facts", "cities"]},
        {"id": "berlin", "user": "City?", "tags": ["cities"]},
    ],
}


def keys(found: Plan) -> list[tuple[str, str, str]]:
    return [(group.case.id, group.target_id, group.scenario.name) for group in found.groups]


@pytest.mark.parametrize(
    ("selection", "cases"),
    [
        (Selection(), ["sum-1", "sum-2", "Paris", "berlin"]),
        (Selection(keyword="paris"), ["Paris"]),
        (Selection(keyword="paris or SUM"), ["sum-1", "sum-2", "Paris"]),
        (Selection(keyword="not sum and not berlin"), ["Paris"]),
        (Selection(keyword="not (sum or berlin)"), ["Paris"]),
        (Selection(keyword="sum and -1"), ["sum-1"]),
        (Selection(tags=("cities",)), ["Paris", "berlin"]),
        (Selection(tags=("numbers", "facts")), ["sum-1", "sum-2", "Paris"]),
        (Selection(cases=("sum-*",)), ["sum-1", "sum-2"]),
        (Selection(cases=("Paris", "berlin")), ["Paris", "berlin"]),
        (Selection(limit=2), ["sum-1", "sum-2"]),
        (Selection(limit=1, tags=("cities",)), ["Paris"]),
        (Selection(tags=("cities",), keyword="sum"), []),
    ],
)
def test_cases_are_chosen(planned: Planned, selection: Selection, cases: list[str]) -> None:
    found = planned(SUITE, selection)

    assert list(dict.fromkeys(case for case, _, _ in keys(found))) == cases
    assert found.trials_total == len(cases) * 2 * 3


@pytest.mark.parametrize(
    ("patterns", "scenarios"),
    [
        (("warm",), ["warm:temperature=0.5", "warm:temperature=1.5"]),
        (("warm:*=0.5",), ["warm:temperature=0.5"]),
        (("c*",), ["cool"]),
    ],
)
def test_a_scenarios_name_stands_for_all_that_it_expands_to(
    planned: Planned, patterns: tuple[str, ...], scenarios: list[str]
) -> None:
    found = planned(SUITE, Selection(scenarios=patterns, targets=("qwen-plus",), limit=1))

    assert [scenario for _, _, scenario in keys(found)] == scenarios
    assert [setup.name for setup in found.scenarios] == scenarios
    assert [setup.name for setup in found.targets] == ["qwen-plus"]


def test_groups_are_chosen_by_key(planned: Planned) -> None:
    chosen = frozenset({("Paris", "qwen3-max", "cool"), ("sum-2", "qwen-plus", "cool")})

    assert keys(planned(SUITE, Selection(keys=chosen))) == [
        ("sum-2", "qwen-plus", "cool"),
        ("Paris", "qwen3-max", "cool"),
    ]


def test_the_number_of_trials_can_be_overridden(planned: Planned) -> None:
    found = planned({**SUITE, "passes": "4/5"}, Selection(trials=2, limit=1))

    assert {(group.trials, group.passes) for group in found.groups} == {(2, "4/5")}
    assert found.trials_total == 2 * 2 * 3


def test_choosing_leaves_the_suites_digest_alone(planned: Planned) -> None:
    assert planned(SUITE, Selection(limit=1, trials=9)).digest == planned(SUITE).digest


def test_a_name_that_chooses_nothing_is_a_warning(planned: Planned) -> None:
    found = planned(SUITE, Selection(cases=("pariss",), tags=("citys",)))

    assert found.warnings == (
        "no case is called 'pariss'; did you mean 'Paris'?",
        "no tag is called 'citys'; did you mean 'cities'?",
    )
    assert list(found.groups) == []


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("paris and", "a name is missing"),
        ("(paris", "a ) is missing"),
        ("paris)", "')' is one too many"),
        ("a b", "'b' is one too many"),
        ("or", "a name is missing"),
    ],
)
def test_an_expression_that_is_none_is_refused(planned: Planned, expression: str, why: str) -> None:
    with pytest.raises(UsageError) as raised:
        planned(SUITE, Selection(keyword=expression))

    assert str(raised.value) == (
        f"-k {expression!r}: {why}\n\nhint: write it like `-k 'paris and not (sum or berlin)'`"
    )
