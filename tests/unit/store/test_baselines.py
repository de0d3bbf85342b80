"""Baselines: what they keep, byte for byte, and what is said of a file that is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.errors import StoreError
from qeval.exchange import Message, Usage
from qeval.record import (
    Asked,
    Group,
    Header,
    Ledger,
    Outcome,
    Score,
    Setup,
    Source,
    Trial,
    decide,
)
from qeval.store import Baseline, baseline_path, baselines, find_source, write_baseline

HEADER = Header(
    id="20261122T101500Z-abc123",
    qeval="0.1.0",
    suite="facts",
    mode="record",
    suite_digest="ab" * 32,
    targets=(Setup(name="plus", model="qwen-plus"),),
    scenarios=(Setup(name="warm", passes="2/3"),),
    recorded_to="2026-11-22T10:15:03Z",
)


class Held:
    """A run in memory."""

    def __init__(self, groups: Sequence[Group], header: Header = HEADER) -> None:
        self.header = header
        self.asked: dict[tuple[str, str | None], Asked] = {
            (group.case, None): Asked(
                case=group.case,
                digest="d" * 16,
                tags=("x",),
                messages=(Message(role="user", content="What?"),),
            )
            for group in groups
        }
        self._groups = groups

    def groups(self) -> Iterator[Group]:
        return iter(self._groups)


def trial(number: int = 0, outcome: Outcome = "passed", case: str = "a", **more: object) -> Trial:
    right = outcome == "passed"
    fields: dict[str, object] = {
        "scores": (
            Score(value=float(right), passed=right, check="contains 'Paris'", reason="it is there"),
            Score(value=0.5, passed=False, check="rouge_l", severity="warn", weight=2, version=3),
        ),
        "text": "Paris.",
        "usage": Usage(input_tokens=20, output_tokens=2),
        "ledger": Ledger(text=8, markup=12),
        "cost": 0.00012,
        "latency_s": 0.25,
        "request": "0123456789abcdef",
        "recording": "fedcba9876543210",
    }
    return Trial(
        case=case,
        target="plus",
        scenario="warm",
        trial=number,
        outcome=outcome,
        **fields | more,  # type: ignore[arg-type]  # fields of Trial, by name
    )


def group(*trials: Trial) -> Group:
    return Group(
        case=trials[0].case,
        target="plus",
        scenario="warm",
        passes="2/3",
        outcome=decide("2/3", [each.outcome for each in trials]),
        trials=trials,
    )


RUN = Held([group(trial(0), trial(1, "failed"), trial(2)), group(trial(case="b"))])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return baseline_path(tmp_path / "reports", "facts")


def kept(run: Source, path: Path, *, answers: bool = False) -> Baseline:
    write_baseline(run, path, answers=answers)
    return Baseline(path)


def test_with_the_answers_every_group_comes_back_as_it_was(path: Path) -> None:
    held = kept(RUN, path, answers=True)

    assert list(held.groups()) == list(RUN.groups())
    assert list(held.groups()) == list(RUN.groups())  # and again
    assert held.answers


def test_without_the_answers_texts_are_digests_and_the_rest_is_the_same(path: Path) -> None:
    held = kept(RUN, path)

    trials = [each for one in held.groups() for each in one.trials]
    asked = [each for one in RUN.groups() for each in one.trials]
    assert {each.text for each in trials} == {""}
    assert {each.answer for each in trials} == {"bdff8c417ab50e95"}  # sha256 of "Paris."
    for old, new in zip(asked, trials, strict=True):
        bare = tuple(msgspec.structs.replace(score, reason="") for score in old.scores)
        assert new == msgspec.structs.replace(old, text="", answer=new.answer, scores=bare)
    assert not held.answers
    assert b"it is there" not in path.read_bytes()
    assert b"What?" not in path.read_bytes()


def test_its_header_is_the_runs_with_another_name(path: Path) -> None:
    held = kept(RUN, path)

    assert held.header == msgspec.structs.replace(HEADER, id="baseline")
    assert held.run == HEADER.id
    assert held.asked["a", None].tags == ("x",)


def test_a_changed_trial_changes_one_line(path: Path) -> None:
    kept(RUN, path)
    before = path.read_text().splitlines()
    changed = group(trial(0), trial(1, "failed"), trial(2, text="Rome.", latency_s=0.3))
    kept(Held([changed, group(trial(case="b"))]), path)
    after = path.read_text().splitlines()

    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_the_same_run_gives_the_same_bytes_and_no_litter(path: Path) -> None:
    kept(RUN, path)
    before = path.read_bytes()
    kept(RUN, path)

    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["facts.json"]
    json.loads(before)


def test_trials_judged_by_other_checks_than_their_group_keep_their_own(path: Path) -> None:
    short = trial(
        1, "errored", scores=(Score(value=1, passed=True, check="is_json"),), code="scorer"
    )
    bare = trial(1, "errored", "b", scores=(), text="")
    run = Held([group(trial(0), short), group(trial(0, case="b"), bare)])

    assert list(kept(run, path, answers=True).groups()) == list(run.groups())


def test_an_errored_trial_has_no_answer_to_take_a_digest_of(path: Path) -> None:
    run = Held([group(trial(0, "errored", scores=(), text="", error="timed out", code="timeout"))])

    (one,) = kept(run, path).groups()

    assert (one.trials[0].answer, one.trials[0].code, one.trials[0].error) == (
        None,
        "timeout",
        None,
    )


def test_half_a_character_is_replaced_and_not_fatal(path: Path) -> None:
    run = Held([group(trial(0, text="\ud800 half"))])

    (one,) = kept(run, path, answers=True).groups()

    assert one.trials[0].text == "\ufffd half"


printable = st.characters(exclude_categories=("C", "Z"))
outcomes = st.sampled_from(["passed", "failed", "errored", "refused", "skipped"])
scores = st.builds(
    Score,
    value=st.floats(0, 1),
    passed=st.booleans(),
    check=st.sampled_from(["a", "b", "c"]),
    severity=st.sampled_from(["fail", "warn"]),
    weight=st.sampled_from([0.0, 1.0, 2.5]),
    version=st.integers(1, 3),
    reason=st.text(printable, max_size=5),
)
trials = st.lists(
    st.builds(
        lambda outcome, scored, text: (outcome, tuple(scored), text),
        outcomes,
        st.lists(scores, max_size=3),
        st.text(printable, max_size=8),
    ),
    min_size=1,
    max_size=4,
)


def judged(outcome: Outcome, scored: Sequence[Score]) -> Outcome:
    """What an answer that was judged ends as follows from its scores."""
    if outcome not in {"passed", "failed"}:
        return outcome
    red = any(not score.passed for score in scored if score.severity == "fail")
    return "failed" if red else "passed"


@settings(max_examples=60, deadline=None)  # it writes to a disk that others use
@given(st.lists(trials, min_size=1, max_size=4))
def test_any_run_comes_back_from_its_answers(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[list[tuple[Outcome, tuple[Score, ...], str]]],
) -> None:
    run = Held(
        [
            group(
                *(
                    trial(number, judged(outcome, scored), f"c{place}", scores=scored, text=text)
                    for number, (outcome, scored, text) in enumerate(each)
                )
            )
            for place, each in enumerate(drawn)
        ]
    )

    held = kept(run, tmp_path_factory.mktemp("any") / "b.json", answers=True)

    assert list(held.groups()) == list(run.groups())


# What is no baseline

Break = Callable[[str], str]
BROKEN: list[tuple[str, Break, str]] = [
    ("empty", lambda _: "", "reports/baselines/facts.json:1: not a baseline, or damaged: "),
    ("cut", lambda text: text[: len(text) // 2], "facts.json:29: not a baseline, or damaged: "),
    ("foreign", lambda _: '{"a": 1}', "reports/baselines/facts.json: this is not a baseline\n\n"),
    ("list", lambda _: "[1]", "facts.json: not a baseline, or damaged: Expected `object`"),
    (
        "newer",
        lambda text: text.replace('"baseline":1', '"baseline":2'),
        "reports/baselines/facts.json is of schema 2; this qeval reads 1\n\n",
    ),
    (
        "unknown key",
        lambda text: text.replace('"outcome"', '"outcme"', 1),
        "not a baseline, or damaged: Object contains unknown field `outcme` - at `$.groups[0].trials[0]`",
    ),
    (
        "merge",
        lambda text: text.replace('\n"cases"', '\n<<<<<<< HEAD\n"cases"\n=======\n>>>>>>> x'),
        "an unresolved conflict of two versions\n\nhint: choose one of them, or set it anew",
    ),
    (
        "nested without end",
        lambda _: '{"baseline":1,"run":' + "[" * 100_000,
        "facts.json: not a baseline, or damaged: maximum recursion depth exceeded",
    ),
    (
        "trial twice",
        lambda text: text.replace('"trial":1', '"trial":2'),
        "trial 2 of case 'a' for 'plus' under 'warm' is here twice\n\n",
    ),
    (
        "score gone",
        lambda text: text.replace('"scores":[1.0,0.5]', '"scores":[1.0]', 1),
        "trial 0 of case 'a' for 'plus' under 'warm' has 1 scores for 2 checks",
    ),
    (
        "score above 1",
        lambda text: text.replace('"scores":[1.0,0.5]', '"scores":[1.5,0.5]', 1),
        "trial 0 of case 'a' for 'plus' under 'warm' has a score outside 0 to 1: [1.5, 0.5]",
    ),
    (
        "no number",
        lambda text: text.replace('"scores":[1.0,0.5]', '"scores":[NaN,0.5]', 1),
        "not a baseline, or damaged: JSON is malformed",
    ),
    (
        "more short than scored",
        lambda text: text.replace('"short":[1]', '"short":[1,2,3]', 1),
        "has 2 scores, and says that of them [1, 2, 3] fell short",
    ),
    (
        "outcome turned",
        lambda text: text.replace('"outcome":"failed"', '"outcome":"passed"', 1),
        "is said to have passed, and 1 of its checks did not pass",
    ),
    (
        "negative tokens",
        lambda text: text.replace('"input_tokens":20', '"input_tokens":-20', 1),
        "has an impossible input_tokens: -20",
    ),
    (
        "more tokens than a float holds",
        lambda text: text.replace('"input_tokens":20', '"input_tokens":' + "9" * 400, 1),
        "has an impossible input_tokens: 999",
    ),
    (
        "negative cost",
        lambda text: text.replace('"cost":0.00012', '"cost":-1', 1),
        "has an impossible cost: -1.0",
    ),
    (
        "no attempt",
        lambda text: text.replace('"cost":0.00012', '"attempts":-1', 1),
        "has an impossible attempts: -1",
    ),
    (
        "negative weight",
        lambda text: text.replace('"weight":2', '"weight":-2', 1),
        "was judged by a check of negative weight",
    ),
    (
        "case twice",
        lambda text: text.replace('"case":"b"', '"case":"a"', 1),
        "facts.json: case 'a' is here twice",
    ),
    (
        "no pass rule",
        lambda text: text.replace('"passes": "2/3"', '"passes": "4/3"', 1),
        "scenario 'warm': passes '4/3' is not a pass rule: all, any, 4/5 or 80%",
    ),
    (
        "fewer than planned",
        lambda text: text.replace('"suite_digest"', '"planned": 99,\n"suite_digest"', 1),
        "trials, where 99 were planned",
    ),
]


@pytest.mark.parametrize(("what", "broken", "told"), BROKEN, ids=[name for name, _, _ in BROKEN])
def test_a_file_that_is_none_is_told_with_its_place(
    what: str, broken: Break, told: str, path: Path
) -> None:
    write_baseline(RUN, path)
    path.write_text(broken(path.read_text()))

    with pytest.raises(StoreError) as raised:
        Baseline(path)

    assert told in str(raised.value)
    assert "qeval baseline set RUN" in str(raised.value)


def test_a_file_that_is_not_there_is_told_without_the_whole_path(path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        Baseline(path)

    assert str(raised.value) == (
        "reports/baselines/facts.json: No such file or directory\n\n"
        "hint: set it anew: `qeval baseline set RUN`"
    )


def test_a_run_that_did_not_end_is_no_baseline(path: Path) -> None:
    half = Held(list(RUN.groups()), msgspec.structs.replace(HEADER, complete=False))

    with pytest.raises(StoreError) as raised:
        write_baseline(half, path)

    assert str(raised.value) == (
        "run '20261122T101500Z-abc123' did not end, and no baseline can be made of a part\n\n"
        "hint: run the suite to its end: `qeval run suites/NAME.yaml`"
    )
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_told_without_the_whole_path(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")

    with pytest.raises(StoreError, match=r"^cannot write reports/baselines/facts.json: "):
        write_baseline(RUN, baseline_path(tmp_path / "reports", "facts"))


# References


def test_a_suite_finds_its_own_baseline(tmp_path: Path) -> None:
    for suite in ("facts", "wire/chat"):
        run = Held(list(RUN.groups()), msgspec.structs.replace(HEADER, suite=suite))
        write_baseline(run, baseline_path(tmp_path, suite))

    found = find_source(tmp_path, "baseline", "wire/chat")

    assert found.header.suite == "wire/chat"
    assert [each.relative_to(tmp_path).as_posix() for each in baselines(tmp_path)] == [
        "baselines/facts.json",
        "baselines/wire/chat.json",
    ]
    assert find_source(tmp_path, str(baselines(tmp_path)[0])).header.suite == "facts"


def test_a_reference_that_names_none_says_what_to_type(tmp_path: Path) -> None:
    reports = tmp_path / "reports"

    with pytest.raises(StoreError) as raised:
        find_source(reports, "baseline", "facts")

    assert str(raised.value) == (
        "suite 'facts' has no baseline\n\n"
        "hint: run it, then keep the run as one: `qeval baseline set latest`"
    )
    with pytest.raises(
        StoreError, match=r"^there is no baseline below reports/baselines/\n\nhint: "
    ):
        find_source(reports, "baseline")


def test_of_several_baselines_one_must_be_named(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    for suite in ("facts", "chat"):
        write_baseline(RUN, baseline_path(reports, suite))

    with pytest.raises(StoreError) as raised:
        find_source(reports, "baseline")

    assert str(raised.value) == (
        "there are 2 baselines, so 'baseline' alone does not say which\n\n"
        "hint: name a file: reports/baselines/chat.json, reports/baselines/facts.json"
    )
