import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from qeval.crew import Crew
from qeval.errors import CassetteMissingError, StoreError, TargetError, TransportError
from qeval.exchange import Answer, Place, Wire
from qeval.loading import read
from qeval.plan import PlannedGroup, plan
from qeval.record import Outcome, Trial, TrialKey
from qeval.runner import DEAD, OUT, Runner
from qeval.transport.base import step

SUITE = """\
targets: {one: {model: qwen-plus}, two: {model: qwen-max, concurrency: 2}}
scenarios: {warm: {trials: 4}}
checks: [contains: Paris, {max_output_tokens: 5, severity: warn}]
cases:
  - {id: a, user: A?}
  - {id: b, user: B?}
  - {id: c, user: C?, skip: not now}
"""


def said(text: str, *, usage: bool = True) -> Answer:
    document: dict[str, object] = {"choices": [{"message": {"content": text}}]}
    if usage:
        document["usage"] = {"prompt_tokens": 9, "completion_tokens": 2}
    return Answer(status=200, body=json.dumps(document).encode(), latency_s=0.1)


def refused(status: int, code: str) -> Answer:
    body = json.dumps({"error": {"message": "no", "code": code}}).encode()
    return Answer(status=status, body=body)


class Scripted:
    """A transport that answers from a function, and counts what is in flight."""

    def __init__(self, answer: Callable[[Place], Answer], *, immediate: bool = False) -> None:
        self.immediate = immediate
        self.answer = answer
        self.asked: list[Place] = []
        self.ended: list[str] = []
        self.flying = self.most = 0

    async def send(self, wire: Wire, place: Place) -> Answer:
        assert json.loads(wire.body)["messages"]
        self.asked.append(place)
        self.flying += 1
        self.most = max(self.most, self.flying)
        if not self.immediate:
            await asyncio.sleep(0.001)
        self.flying -= 1
        return self.answer(place)

    async def end_case(self, case: str) -> None:
        self.ended.append(case)

    async def aclose(self) -> None:
        self.ended.append("closed")


@pytest.fixture
def groups(tmp_path: Path) -> list[PlannedGroup]:
    path = tmp_path / "suites" / "s.yaml"
    path.parent.mkdir()
    path.write_text(SUITE)
    return list(plan(read(path)).groups)


def run(
    groups: list[PlannedGroup],
    one: Scripted,
    two: Scripted | None = None,
    previous: dict[TrialKey, Trial] | None = None,
) -> tuple[Runner, list[Trial]]:
    trials: list[Trial] = []
    runner = Runner(
        {"one": one, "two": two or one},
        lambda _n, _g, trial, _a: trials.append(trial),
        concurrency=8,
        previous=previous,
    )
    runner.run(enumerate(groups))
    return runner, trials


@pytest.mark.parametrize("immediate", [True, False])
def test_every_trial_ends_once_and_every_case_is_closed(
    groups: list[PlannedGroup], *, immediate: bool
) -> None:
    one = Scripted(lambda _: said("Paris"), immediate=immediate)

    _, trials = run(groups, one)

    assert len({trial.key for trial in trials}) == len(trials) == 3 * 2 * 4
    assert [t.outcome for t in trials if t.case == "c"] == ["skipped"] * 8
    assert {t.outcome for t in trials if t.case != "c"} == {"passed"}
    assert sorted(one.ended) == ["a", "a", "b", "b", "c", "c", "closed", "closed"]


def test_an_immediate_run_asks_in_plan_order(groups: list[PlannedGroup]) -> None:
    one = Scripted(lambda _: said("Paris"), immediate=True)

    _, trials = run(groups, one)

    assert [(t.case, t.target, t.trial) for t in trials] == [
        (case, target, index) for case in "abc" for target in ("one", "two") for index in range(4)
    ]


def test_calls_in_flight_stay_within_the_runs_and_the_targets_limit(
    groups: list[PlannedGroup],
) -> None:
    one, two = (Scripted(lambda _: said("Paris")) for _ in range(2))

    run(groups, one, two)

    assert two.most == 2
    assert 2 < one.most <= 8


JUDGE = """\
import threading
from qeval import Score
both = threading.Barrier(2)

def judge(value, evidence):
    if threading.current_thread() is not threading.main_thread():
        both.wait(5)
    return Score(value=1.0, reason=threading.current_thread().name)
"""


@pytest.mark.parametrize(
    "check", ["{python: j.py:judge}", "{any: [contains: no, python: j.py:judge]}"]
)
@pytest.mark.parametrize(("immediate", "where"), [(True, "MainThread"), (False, "qeval-work")])
def test_the_users_code_judges_several_trials_at_once_beside_the_loop(
    tmp_path: Path, check: str, where: str, *, immediate: bool
) -> None:
    suites = tmp_path / "suites"
    suites.mkdir()
    (suites / "j.py").write_text(JUDGE)
    (suites / "s.yaml").write_text(SUITE.replace("contains: Paris", check))

    _, trials = run(
        list(plan(read(suites / "s.yaml")).groups),
        Scripted(lambda _: said("Paris"), immediate=immediate),
    )

    judged = [trial.scores[0] for trial in trials if trial.scores]
    assert len(judged) == 16
    assert all(score.passed and where in (score.reason or "") for score in judged)


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (said("Paris"), "passed", None),
        (said("Lyon"), "failed", None),
        (said("Paris", usage=False), "passed", None),
        (refused(400, "data_inspection_failed"), "refused", "data_inspection_failed"),
        (refused(400, "invalid_parameter_error"), "errored", "invalid_parameter_error"),
        (Answer(status=200, body=b"<html>"), "errored", "bad_response"),
        (Answer(status=200, body=b'{"cho', error="the connection was closed"), "errored", "cut"),
    ],
)
def test_each_answer_has_its_outcome(
    groups: list[PlannedGroup], answer: Answer, outcome: str, code: str | None
) -> None:
    _, trials = run(groups[:1], Scripted(lambda _: answer, immediate=True))

    assert {(trial.outcome, trial.code) for trial in trials} == {(outcome, code)}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TransportError("no answer within 300 s", kind="timeout"), "timeout"),
        (CassetteMissingError("not there", path="x.yaml"), "cassette_missing"),
    ],
)
def test_an_error_is_its_trials_outcome_and_the_run_goes_on(
    groups: list[PlannedGroup], error: Exception, code: str
) -> None:
    def answer(place: Place) -> Answer:
        if place.trial == 1:
            raise error
        return said("Paris")

    _, trials = run(groups[:1], Scripted(answer, immediate=True))

    assert [trial.outcome for trial in trials] == ["passed", "errored", "passed", "passed"]
    assert trials[1].code == code


def test_an_errored_trial_tells_how_often_its_request_was_made(groups: list[PlannedGroup]) -> None:
    def answer(place: Place) -> Answer:
        if place.trial == 0:
            return msgspec.structs.replace(refused(503, "busy"), attempts=4)
        error = TransportError("no answer", kind="timeout")
        error.attempts = 2
        raise error

    _, trials = run(groups[:1], Scripted(answer, immediate=True))

    assert [trial.attempts for trial in trials] == [4, 2, 2, 2]


def test_a_refused_account_stops_its_target_and_no_other(groups: list[PlannedGroup]) -> None:
    one = Scripted(lambda _: refused(401, "invalid_api_key"))
    two = Scripted(lambda _: said("Paris"))

    runner, trials = run(groups, one, two)

    assert len(one.asked) < 8  # those that were in flight
    assert list(runner.stopped) == ["one"]
    ended = [(t.outcome, t.code) for t in trials if t.target == "one" and t.case != "c"]
    assert set(ended) == {("errored", "invalid_api_key")}
    assert {t.outcome for t in trials if t.target == "two" and t.case != "c"} == {"passed"}


@pytest.mark.parametrize(
    ("first", "asked"),
    [
        (None, DEAD),
        (said("Paris"), 1 + OUT),
        (refused(500, "oops"), 1 + OUT),
        (msgspec.structs.replace(said("Paris"), replayed=True), 1 + DEAD),
    ],
    ids=["never heard", "heard", "an error is heard", "a recording is not"],
)
def test_an_address_where_nobody_is_is_given_up(
    groups: list[PlannedGroup], first: Answer | None, asked: int
) -> None:
    def answer(_: Place) -> Answer:
        if first is not None and len(one.asked) == 1:
            return first
        raise TransportError("no connection: connection refused", kind="connect", hint="look")

    one = Scripted(answer, immediate=True)
    many = msgspec.structs.replace(groups[0], trials=150)

    runner, trials = run([many], one)

    assert len(one.asked) == asked
    assert {trial.code for trial in trials[1:]} == {"connect"}
    assert str(runner.stopped["one"]).endswith("connection refused\n\nhint: look")
    assert trials[-1].error == "not asked: no connection: connection refused"


def test_timeouts_are_no_sign_that_nobody_is_there(groups: list[PlannedGroup]) -> None:
    def answer(_: Place) -> Answer:
        raise TransportError("no whole answer within 3 s", kind="timeout")

    one = Scripted(answer, immediate=True)

    runner, _ = run([msgspec.structs.replace(groups[0], trials=20)], one)

    assert (len(one.asked), runner.stopped) == (20, {})


def test_a_recorded_refusal_keeps_nobody_from_the_other_recordings(
    groups: list[PlannedGroup],
) -> None:
    def answer(place: Place) -> Answer:
        return refused(401, "invalid_api_key") if place.trial == 0 else said("Paris")

    runner, trials = run(groups[:1], Scripted(answer, immediate=True))

    assert [trial.outcome for trial in trials] == ["errored", "passed", "passed", "passed"]
    assert runner.stopped == {}


def test_without_a_key_what_is_recorded_is_still_had(groups: list[PlannedGroup]) -> None:
    def answer(place: Place) -> Answer:
        if place.trial != 3:
            raise TargetError("DASHSCOPE_API_KEY is not set")
        return said("Paris")

    runner, trials = run(groups[:1], Scripted(answer, immediate=True))

    assert [trial.outcome for trial in trials] == ["errored"] * 3 + ["passed"]
    assert isinstance(runner.stopped["one"], TargetError)


def test_a_fault_in_keeping_a_trial_ends_the_run_as_itself(groups: list[PlannedGroup]) -> None:
    one = Scripted(lambda _: said("Paris"))

    def full(*_: object) -> None:
        raise StoreError("cannot write run.jsonl: No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        Runner({"one": one, "two": one}, full).run(enumerate(groups))

    assert "closed" in one.ended


def test_what_was_answered_before_is_not_asked_again(groups: list[PlannedGroup]) -> None:
    _, before = run(groups[:1], Scripted(lambda _: said("Paris"), immediate=True))
    wrong = Trial(case="a", target="one", scenario="warm", trial=2, outcome="errored", error="old")
    previous = {trial.key: trial for trial in [*before, wrong]}

    again = Scripted(lambda _: said("Paris!"), immediate=True)
    _, trials = run(groups[:1], again, previous=previous)
    assert [place.trial for place in again.asked] == [2]
    assert [trial.text for trial in trials] == ["Paris", "Paris", "Paris!", "Paris"]

    failing = Scripted(lambda _: refused(500, "InternalError"), immediate=True)
    _, trials = run(groups[:1], failing, previous=previous)
    assert trials[2].error == "old"


BOTH = {"choices": [{"index": i, "message": {"content": f"Paris {i}"}} for i in range(2)]}


@pytest.mark.parametrize("immediate", [True, False])
@pytest.mark.parametrize(
    ("before", "asked", "texts"),
    [
        ({0: "passed", 1: "errored", 2: "passed", 3: "failed"}, [0], ["Paris 0", "Paris 1"]),
        ({0: "errored", 1: "passed", 2: "passed", 3: "passed"}, [0], ["Paris 0", "Paris 1"]),
        ({0: "passed", 2: "passed", 3: "passed"}, [0], ["Paris 0", "Paris 1"]),
        ({0: "passed", 1: "passed", 2: "passed", 3: "passed"}, [], ["old", "old"]),
    ],
)
def test_trials_of_one_request_are_kept_or_asked_again_together(
    groups: list[PlannedGroup],
    before: dict[int, Outcome],
    asked: list[int],
    texts: list[str],
    *,
    immediate: bool,
) -> None:
    group = msgspec.structs.replace(
        groups[0], params=msgspec.structs.replace(groups[0].params, n=2)
    )
    old = [
        Trial(case="a", target="one", scenario="warm", trial=index, outcome=outcome, text="old")
        for index, outcome in before.items()
    ]
    body = Answer(status=200, body=json.dumps(BOTH).encode())
    one = Scripted(lambda _: body, immediate=immediate)

    _, trials = run([group], one, previous={trial.key: trial for trial in old})

    trials.sort(key=lambda trial: trial.trial)
    assert [place.trial for place in one.asked] == asked
    assert [trial.text for trial in trials] == [*texts, "old", "old"]


def test_a_request_that_fails_again_leaves_its_trials_as_they_were(
    groups: list[PlannedGroup],
) -> None:
    group = msgspec.structs.replace(
        groups[0], params=msgspec.structs.replace(groups[0].params, n=2), trials=2
    )
    outcomes: tuple[Outcome, Outcome] = ("passed", "errored")
    old = [
        Trial(case="a", target="one", scenario="warm", trial=index, outcome=outcome, error="old")
        for index, outcome in enumerate(outcomes)
    ]
    failing = Scripted(lambda _: refused(500, "InternalError"), immediate=True)

    _, trials = run([group], failing, previous={trial.key: trial for trial in old})

    assert trials == old


def test_a_transport_that_suspends_may_not_call_itself_immediate() -> None:
    async def suspends() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="has suspended"):
        step(suspends())


def crewed(
    groups: list[PlannedGroup], one: Scripted, two: Scripted, concurrency: int
) -> tuple[Runner, list[PlannedGroup]]:
    """A runner that a crew asks for, and the groups that are not skipped."""
    asked = [group for group in groups if group.case.skip is None]
    runner = Runner({"one": one, "two": two}, lambda *_: None, concurrency=concurrency)
    runner.expect(asked)
    return runner, asked


def test_what_somebody_waits_for_is_asked_first(groups: list[PlannedGroup]) -> None:
    one, two = (Scripted(lambda _: said("Paris")) for _ in range(2))

    async def ask() -> None:
        runner, asked = crewed(groups, one, two, 1)
        crew = Crew(1)
        works = [crew.add(runner, n, g) for n, g in enumerate(asked) if g.target_id == "one"]
        crew.hurry(works[-1])
        await crew.idle()

    asyncio.run(ask())

    # One was under way already; the rest of its group waits until the wanted one has ended.
    assert [place.case for place in one.asked] == ["a", "b", "b", "b", "b", "a", "a", "a"]


def test_targets_take_turns_so_that_none_holds_up_the_others(groups: list[PlannedGroup]) -> None:
    order: list[str] = []
    one = Scripted(lambda _: order.append("one") or said("Paris"))  # type: ignore[func-returns-value]  # noted
    two = Scripted(lambda _: order.append("two") or said("Paris"))  # type: ignore[func-returns-value]  # noted

    async def ask() -> None:
        runner, asked = crewed(groups, one, two, 2)
        crew = Crew(2)
        for target in ("one", "two"):
            for number, group in enumerate(asked):
                if group.target_id == target:
                    crew.add(runner, number, group)
        await crew.idle()

    asyncio.run(ask())

    assert sorted(order[2:6]) == ["one", "one", "two", "two"]


def test_a_crew_takes_more_while_it_works_and_stops_in_the_middle(
    groups: list[PlannedGroup],
) -> None:
    one, two = (Scripted(lambda _: said("Paris")) for _ in range(2))

    async def ask() -> None:
        runner, asked = crewed(groups, one, two, 2)
        crew = Crew(2)
        crew.add(runner, 0, asked[0])
        await crew.idle()
        assert len(one.asked) == 4
        crew.add(runner, 2, asked[2])
        await crew.stop()
        await crew.idle()

    asyncio.run(ask())

    assert one.asked[0].case == "a"
    assert len(one.asked) <= 4 + 2


def test_a_fault_is_told_once_to_who_asked_to_hear_of_it(groups: list[PlannedGroup]) -> None:
    faults: list[BaseException] = []

    def full(*_: object) -> None:
        raise StoreError("no space")

    async def ask() -> None:
        one = Scripted(lambda _: said("Paris"))
        runner = Runner({"one": one, "two": one}, full, concurrency=4)
        runner.expect(groups)
        crew = Crew(4, faults.append)
        for number, group in enumerate(groups):
            crew.add(runner, number, group)
        with pytest.raises(StoreError):
            await crew.idle()
        await crew.stop()

    asyncio.run(ask())

    assert [str(fault) for fault in faults] == ["no space"]
