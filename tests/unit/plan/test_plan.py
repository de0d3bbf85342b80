import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qeval.errors import SuiteError, UsageError
from qeval.exchange import Message, Params, Request
from qeval.loading import read
from qeval.plan import Plan, Selection, plan
from qeval.plan.choosing import keyword
from qeval.suite import Target

Planned = Callable[..., Plan]
Told = Callable[..., tuple[str, ...]]
CASE = "cases: [{id: c, user: hi, checks: [is_json]}]\n"


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Writes a suite, and perhaps the project's settings, and plans it."""

    def make(
        text: str, selection: Selection | None = None, *, project: str = "", name: str = "s"
    ) -> Plan:
        folder = tmp_path / "suites"
        folder.mkdir(exist_ok=True)
        (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return plan(read(folder / f"{name}.yaml"), selection or Selection())

    return make


@pytest.fixture
def told(planned: Planned) -> Callable[..., tuple[str, ...]]:
    """Plans a suite that has mistakes, and returns them."""

    def make(text: str, *, project: str = "") -> tuple[str, ...]:
        with pytest.raises(SuiteError) as caught:
            planned(text, project=project)
        return caught.value.mistakes

    return make


def keys(plan: Plan) -> list[tuple[str, str, str]]:
    return [(g.case.id, g.target_id, g.scenario.name) for g in plan.groups]


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

    assert keys(plan) == [
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
        planned(f"targets: {{t: {{model: qwen3.6-plus, dialect: dashscope-text}}}}\n{CASE}")

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


def test_thinking_is_always_said_as_the_model_table_has_it(planned: Planned) -> None:
    found = planned(f"targets: [qwen3.6-plus, qwen-plus, unheard-of]\n{CASE}")

    assert [group.params.thinking for group in found.groups] == [True, False, None]


# Choosing


SUITE = (
    "targets: [qwen-plus, qwen3-max]\n"
    "scenarios: {s: {sweep: {temperature: [0.5]}}, plain: {top_k: 1}}\n"
    "cases:\n"
    "  - {id: paris, user: a, checks: [is_json], tags: [facts]}\n"
    "  - {id: sum, grid: {a: [1, 2]}, user: '{{ a }}', checks: [is_json], tags: [numbers]}\n"
)


@pytest.mark.parametrize(
    ("selection", "groups", "trials"),
    [
        (Selection(), 18, 18),
        (Selection(keyword="paris"), 6, 6),
        (Selection(keyword="sum and not (sum-2 or max)"), 3, 3),
        (Selection(keyword="TEMPERATURE"), 6, 6),
        (Selection(tags=("numbers", "nosuch")), 12, 12),
        (Selection(cases=("sum*",), targets=("qwen3-max",)), 6, 6),
        (Selection(scenarios=("s",)), 12, 12),
        (Selection(scenarios=("s:*",)), 6, 6),
        (Selection(limit=2), 12, 12),
        (Selection(limit=1, keyword="sum", trials=4), 6, 24),
        (Selection(keys=frozenset({("paris", "qwen-plus", "s")})), 1, 1),
        (Selection(cases=("nosuch",)), 0, 0),
    ],
)
def test_selections_narrow(
    planned: Planned, selection: Selection, groups: int, trials: int
) -> None:
    plan = planned(SUITE, selection)

    assert (len(plan.groups), plan.trials_total) == (groups, trials)
    assert plan.digest == planned(SUITE).digest


def test_names_that_choose_nothing_are_warned_of(planned: Planned) -> None:
    plan = planned(SUITE, Selection(targets=("qwen-plus", "qwen3-min"), tags=("fact",)))

    assert plan.warnings == (
        "no target is called 'qwen3-min'; did you mean 'qwen3-max'?",
        "no tag is called 'fact'; did you mean 'facts'?",
    )


@pytest.mark.parametrize("expression", ["a and", "(a", "a b", "not", "or a", ")"])
def test_expressions_that_are_none_are_refused(expression: str) -> None:
    with pytest.raises(UsageError, match="-k"):
        keyword(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a or b and c", True),
        ("(a or b) and c", False),
        ("not b and a", True),
        ("not (a or b)", False),
        ("not not A", True),
    ],
)
def test_expressions_bind_as_in_pytest(expression: str, *, expected: bool) -> None:
    assert keyword(expression)("xax") is expected


# Digests


@pytest.mark.parametrize(
    "other",
    [
        SUITE.replace("qwen3-max", "qwen-max"),
        SUITE.replace("0.5", "0.6"),
        SUITE.replace("user: a", "user: b"),
        SUITE.replace("[1, 2]", "[2, 1]"),
        "trials: 2\n" + SUITE,
        SUITE.replace("is_json]", "{is_json: , severity: warn}]"),
    ],
)
def test_the_digest_tells_suites_apart(planned: Planned, other: str) -> None:
    assert planned(SUITE).digest != planned(other).digest


def test_the_digest_leaves_out_descriptions_and_comments(planned: Planned) -> None:
    assert planned(SUITE).digest == planned("# for people\ndescription: d\n" + SUITE).digest


def test_the_digest_is_the_same_in_every_folder_time_zone_and_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from qeval.loading import read\n"
        "from qeval.plan import plan; print(plan(read(Path(sys.argv[1]))).digest)"
    )
    suite = SUITE.replace("checks: [is_json]", "checks: [json_schema: x.json]", 1)
    digests = set()
    for folder, zone, seed in (("a", "UTC", "1"), ("b/c", "Asia/Tokyo", "2")):
        suites = tmp_path / folder / "suites"
        suites.mkdir(parents=True)
        (suites / "s.yaml").write_text(suite, encoding="utf-8")
        (suites / "x.json").write_text("{}", encoding="utf-8")
        env = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "DASHSCOPE_REGION": zone}
        run = subprocess.run(
            [sys.executable, "-c", code, str(suites / "s.yaml")],
            env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        digests.add(run.stdout)

    assert len(digests) == 1


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
