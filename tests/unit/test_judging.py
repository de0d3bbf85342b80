"""What trials come to: turns that were not asked, blocked or broken, warnings, shared requests."""

import json
from pathlib import Path
from typing import Any

import pytest

from qeval.conversation import converse
from qeval.dialects.base import spoken
from qeval.errors import QevalError
from qeval.exchange import Answer, Place, Usage, Wire
from qeval.judging import judge
from qeval.loading import read
from qeval.plan import PlannedGroup, plan
from qeval.record import Score, Trial, TrialKey
from qeval.runner import Runner
from qeval.tokens.accounts import Accounts
from qeval.transport.base import step

TOOLS = """\
tools:
  find: {description: Lists flights., result: found}
  escalate: {description: Has no answer here.}
  boom: {description: Fails., python: "boom.py:boom"}
"""
BOOM = "def boom():\n    raise RuntimeError('the database is down')\n"
PRICE = """\
[tool.qeval.models."qwen-plus".price]
currency = "USD"
input_per_mtok = 1
output_per_mtok = 5
"""
BLOCKED = {"http": 400, "error": {"message": "bad words", "code": "data_inspection_failed"}}
DOWN = {"http": 400, "error": {"message": "no", "code": "invalid_parameter_error"}}


def said(*texts: str, calls: str = "") -> dict[str, Any]:
    call = {"id": "c", "type": "function", "function": {"name": calls, "arguments": "{}"}}
    message = {"tool_calls": [call]} if calls else {}
    return {
        "choices": [
            {"index": i, "message": {"content": t, **message}} for i, t in enumerate(texts)
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    }


class Scripted:
    immediate = True

    def __init__(self, *bodies: dict[str, Any]) -> None:
        self.bodies = list(bodies)
        self.sent: list[dict[str, Any]] = []

    async def send(self, wire: Wire, place: Place) -> Answer:
        del place
        self.sent.append(json.loads(wire.body))
        body = dict(self.bodies[min(len(self.sent), len(self.bodies)) - 1])
        return Answer(status=body.pop("http", 200), body=json.dumps(body).encode())

    async def end_case(self, case: str) -> None: ...

    async def aclose(self) -> None: ...


def planned(tmp_path: Path, case: str) -> PlannedGroup:
    path = tmp_path / "suites" / "s.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"targets: [qwen-plus]\n{TOOLS}cases:\n  - {{id: c, {case}}}\n")
    path.with_name("boom.py").write_text(BOOM)
    return plan(read(path)).groups[0]


def ask(
    tmp_path: Path, case: str, *bodies: dict[str, Any], accounts: Accounts | None = None
) -> list[Trial]:
    trials: list[Trial] = []
    runner = Runner(
        {"qwen-plus": Scripted(*bodies)},
        lambda _n, _g, trial, _a: trials.append(trial),
        accounts=accounts,
    )
    runner.run([(0, planned(tmp_path, case))])
    return trials


def told(trial: Trial) -> dict[str, str]:
    """What did not pass, and why."""
    return {score.check: score.reason for score in trial.scores if not score.passed}


def test_turns_that_were_never_asked_fail_the_trial(tmp_path: Path) -> None:
    case = (
        "turns: [{user: A}, {user: B, checks: [contains: b]}, {user: C}], checks: [calls: escalate]"
    )

    (trial,) = ask(tmp_path, case, said("", calls="escalate"))

    why = "not asked: turn 1 ended with a call of escalate, which nothing answers"
    assert told(trial) == {"turn 2": why, "turn 3": why}
    assert trial.outcome == "failed"


def test_the_last_turn_may_end_with_calls(tmp_path: Path) -> None:
    case = "turns: [{user: A}, {user: B}], checks: [calls: escalate]"

    (trial,) = ask(tmp_path, case, said("a"), said("", calls="escalate"))

    assert (trial.outcome, told(trial)) == ("passed", {})


def test_an_endless_loop_tells_which_turns_it_has_kept_from_being_asked(tmp_path: Path) -> None:
    case = "turns: [{user: A}, {user: B}], max_turns: 2, checks: [calls: find]"

    (trial,) = ask(tmp_path, case, said("", calls="find"))

    assert told(trial) == {
        "max_turns": "still called tools after 2 requests",
        "turn 2": "not asked: turn 1 still called tools after 2 requests",
    }


@pytest.mark.parametrize(
    ("case", "outcome", "scores"),
    [
        pytest.param(
            "turns: [{user: A, checks: [contains: x]}, {user: B}], checks: [refuses]",
            "failed",
            {"turn 1: contains 'x'": False, "refuses": True},
            id="a-turn-before-it-had-failed",
        ),
        pytest.param(
            "turns: [{user: A, checks: [contains: x]}, {user: B}], checks: [contains: b]",
            "failed",
            {"turn 1: contains 'x'": False},
            id="that-counts-without-refuses-too",
        ),
        pytest.param(
            "turns: [{user: A, checks: [contains: a]}, {user: B, checks: [refuses, contains: b]}],"
            " checks: [contains: b]",
            "passed",
            {"turn 1: contains 'a'": True, "turn 2: refuses": True},
            id="the-last-turns-own-refuses-judges",
        ),
        pytest.param(
            "turns: [{user: A}, {user: B, checks: [refuses]}, {user: C}], checks: [contains: c]",
            "refused",
            {"turn 2: refuses": True},
            id="the-case-was-left-unjudged",
        ),
        pytest.param(
            "turns: [{user: A}, {user: B}, {user: C}], checks: [refuses, contains: c]",
            "passed",
            {"refuses": True},
            id="the-case-asks-for-a-refusal-wherever-it-comes",
        ),
        pytest.param(
            "turns: [{user: A}, {user: B}, {user: C, checks: [contains: c]}], checks: [refuses]",
            "refused",
            {"refuses": True},
            id="checks-of-a-later-turn-are-left-over",
        ),
        pytest.param(
            "turns: [{user: A}, {user: B, checks: [not-refuses]}, {user: C}], checks: [contains: c]",
            "failed",
            {"turn 2: not-refuses": False},
            id="a-turn-that-may-not-be-refused",
        ),
    ],
)
def test_a_blocked_turn_leaves_the_turns_before_it_judged(
    tmp_path: Path, case: str, outcome: str, scores: dict[str, bool]
) -> None:
    (trial,) = ask(tmp_path, case, said("a"), BLOCKED)

    assert {score.check: score.passed for score in trial.scores} == scores
    assert trial.outcome == outcome
    assert (trial.earlier, trial.requests, trial.code) == (("a",), 2, "data_inspection_failed")
    assert trial.usage == Usage(input_tokens=10, output_tokens=2)


@pytest.mark.parametrize(
    ("checks", "outcome", "scores"),
    [
        ("{refuses: model, severity: warn}, contains: x", "refused", ["refuses 'model'"]),
        ("{refuses: model, severity: warn}, refuses", "passed", ["refuses 'model'", "refuses"]),
        ("any: [refuses, contains: x]", "passed", ["any (refuses, contains 'x')"]),
        ("any: [refuses: model, not-contains: x]", "failed", None),
        ("all: [refuses, length: {min_chars: 1}]", "passed", None),
        ("all: [contains: x, any: [refuses: service, contains: y]]", "passed", None),
        ("any: [contains: x, not-contains: y]", "refused", []),
        ("all: [{refuses: model, severity: warn}, contains: x]", "refused", []),
    ],
)
def test_a_block_is_judged_by_what_asks_for_it_and_may_fail_a_trial(
    tmp_path: Path, checks: str, outcome: str, scores: list[str] | None
) -> None:
    (trial,) = ask(tmp_path, f"user: A, checks: [{checks}]", BLOCKED)

    assert trial.outcome == outcome
    assert scores is None or [score.check for score in trial.scores] == scores


def test_a_broken_trial_keeps_what_it_had_come_to(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PRICE)
    case = (
        "turns: [{user: A, checks: [contains: x]}, {user: B, checks: [contains: b]}],"
        " checks: [contains: c]"
    )

    (trial,) = ask(
        tmp_path,
        case,
        said("Let me see.", calls="find"),
        said("a"),
        said("Once more.", calls="find"),
        DOWN,
        accounts=Accounts(tmp_path, always=False),
    )

    assert (trial.outcome, trial.code) == ("errored", "invalid_parameter_error")
    assert trial.earlier == ("a",)
    assert [call.name for call in trial.calls] == ["find", "find"]
    assert trial.requests == 4
    assert trial.usage == Usage(input_tokens=30, output_tokens=6)
    assert [score.check for score in trial.scores] == ["turn 1: contains 'x'"]
    assert trial.cost == pytest.approx(60e-6)


UNKNOWN = "max_first_token_s: the answer was not streamed, so its first token has no time"


def test_a_check_that_only_warns_and_cannot_judge_is_told_and_fails_nothing(tmp_path: Path) -> None:
    checks = "checks: [contains: a, {max_first_token_s: 1, severity: warn, weight: 2}]"

    (trial,) = ask(tmp_path, f"user: A, {checks}", said("a"))

    assert (trial.outcome, trial.error) == ("passed", None)
    assert trial.scores[1] == Score(
        value=0.0,
        reason=UNKNOWN,
        passed=False,
        check="max_first_token_s 1",
        severity="warn",
        weight=2.0,
    )


def test_where_measures_may_have_been_lost_even_a_warning_that_cannot_judge_is_an_error(
    tmp_path: Path,
) -> None:
    group = planned(tmp_path, "user: A, checks: [{max_first_token_s: 1, severity: warn}]")
    place = Place(case="c", scenario="default", trial=0)
    talk = step(converse(group, 0, spoken(group.target), Scripted(said("a")).send, place))

    trial = judge(group, TrialKey(case="c", target="t", scenario="default"), talk)

    assert (trial.outcome, trial.error) == ("errored", UNKNOWN)


def test_limits_judge_the_request_that_brought_several_answers(tmp_path: Path) -> None:
    checks = (
        "checks: [max_output_tokens: 2, {max_input_tokens: 9}, all: [max_total_tokens: 12],"
        " contains: a]"
    )
    case = f"user: A, tools: [], trials: 2, params: {{n: 2}}, {checks}"

    (tmp_path / "pyproject.toml").write_text(PRICE)

    first, second = ask(tmp_path, case, said("a", "b"), accounts=Accounts(tmp_path, always=False))

    brought = "its request brought 2 answers"
    assert told(first) == {"max_input_tokens 9": f"10 tokens, at most 9; {brought}"}
    assert told(second) == {**told(first), "contains 'a'": "not found"}
    assert first.scores[0].reason == f"2 tokens; {brought}"
    assert (first.usage.output_tokens, second.usage.output_tokens) == (2, None)
    assert first.cost == pytest.approx(20e-6)
    assert second.cost is None


def test_a_limit_of_the_cost_judges_the_request_too(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PRICE)
    case = "user: A, tools: [], trials: 2, params: {n: 2}, checks: [max_cost_usd: 0.00002]"

    trials = ask(tmp_path, case, said("a", "b"), accounts=Accounts(tmp_path, always=False))

    assert [trial.outcome for trial in trials] == ["passed", "passed"], trials


def test_what_a_python_tool_raises_is_a_warning_of_its_trial(tmp_path: Path) -> None:
    case = "user: A, checks: [contains: sorry]"

    (trial,) = ask(tmp_path, case, said("", calls="boom"), said("", calls="boom"), said("sorry"))

    assert trial.outcome == "passed"
    assert told(trial) == {"tool boom": "boom failed: RuntimeError: the database is down"}
    assert trial.scores[-1].severity == "warn"


def test_completed_is_the_given_beginning_and_the_answer_after_calls_too(tmp_path: Path) -> None:
    case = "user: A, partial: 'Well: ', checks: [{equals: 'Well: done', of: completed}]"

    (trial,) = ask(tmp_path, case, said("Let me see.", calls="find"), said("done"))

    assert trial.outcome == "passed", told(trial)


def test_an_error_carries_the_exchanges_before_it(tmp_path: Path) -> None:
    group = planned(tmp_path, "turns: [{user: A}, {user: B}], checks: [contains: b]")
    place = Place(case="c", scenario="default", trial=0)

    with pytest.raises(QevalError) as caught:
        step(converse(group, 0, spoken(group.target), Scripted(said("a"), DOWN).send, place))

    assert [each.response.text for each in caught.value.finished] == ["a"]
