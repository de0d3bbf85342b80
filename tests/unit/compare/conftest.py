"""Runs as they would be read back, written in one line: a letter a trial."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import pytest

from qeval.compare.columns import columns
from qeval.compare.comparing import compare
from qeval.compare.values import Against, By, Comparison, Settings
from qeval.exchange import Usage
from qeval.record import Asked, Group, Header, Outcome, Score, Setup, Source, Trial

OUTCOMES: dict[str, Outcome] = {
    "1": "passed",
    "0": "failed",
    "e": "errored",
    "r": "refused",
    "s": "skipped",
}
Told: TypeAlias = Mapping[str, str | Mapping[tuple[str, str], str]]
"""Case → the letters of its trials, or those under each (target, scenario)."""
Edit: TypeAlias = Callable[[Trial], Trial]


class Held:
    """A run in memory."""

    def __init__(self, header: Header, asked: Sequence[Asked], groups: Sequence[Group]) -> None:
        self.header = header
        self.asked = {(each.case, each.scenario): each for each in asked}
        self.held = list(groups)

    def groups(self) -> Iterator[Group]:
        return iter(self.held)

    def edited(self, edit: Edit) -> "Held":
        groups = [
            msgspec.structs.replace(group, trials=tuple(edit(trial) for trial in group.trials))
            for group in self.held
        ]
        return Held(self.header, list(self.asked.values()), groups)

    def headed(self, **fields: Any) -> "Held":
        header = msgspec.structs.replace(self.header, **fields)
        return Held(header, list(self.asked.values()), self.held)

    def asking(self, case: str, **fields: Any) -> "Held":
        asked = [
            msgspec.structs.replace(each, **fields) if each.case == case else each
            for each in self.asked.values()
        ]
        return Held(self.header, asked, self.held)


def trials(case: str, place: tuple[str, str], letters: str, run: str) -> tuple[Trial, ...]:
    """One trial a letter; each cites a recording of its own run."""
    return tuple(
        Trial(
            case=case,
            target=place[0],
            scenario=place[1],
            trial=number,
            outcome=OUTCOMES[letter],
            text=f"answer {letter}",
            code="limit_requests" if letter == "e" else None,
            recording=None if letter in "ers" else f"{run} {case} {place} {number}",
            request=None if letter in "ers" else f"{case} {place}",
            usage=Usage() if letter in "ers" else Usage(input_tokens=10, output_tokens=20),
            scores=()
            if letter in "ers"
            else (Score(value=float(letter), passed=letter == "1", check="contains 'x'"),),
        )
        for number, letter in enumerate(letters)
    )


def run_of(told: Told, name: str = "old") -> Held:
    """Return a run in which each case was asked as often as it has letters."""
    placed = {
        case: {("plus", "plain"): said} if isinstance(said, str) else dict(said)
        for case, said in told.items()
    }
    places = list(dict.fromkeys(place for said in placed.values() for place in said))
    header = Header(
        qeval="1.0",
        id=name,
        suite="facts",
        mode="replay",
        suite_digest="abc",
        targets=tuple(
            Setup(name=name, model=name, dialect="chat")
            for name in dict.fromkeys(target for target, _ in places)
        ),
        scenarios=tuple(Setup(name=name) for name in dict.fromkeys(s for _, s in places)),
        recorded_to="2026-11-22T20:14:40Z",
        planned=sum(len(letters) for said in placed.values() for letters in said.values()),
    )
    groups = [
        Group(
            case=case,
            target=place[0],
            scenario=place[1],
            outcome="passed",
            passes="all",
            trials=trials(case, place, letters, name),
        )
        for case, said in placed.items()
        for place, letters in said.items()
    ]
    asked = [Asked(case=case, digest=f"digest of {case}") for case in placed]
    return Held(header, asked, groups)


def new_of(told: Told) -> Held:
    return run_of(told, "new")


def judge(*sources: Source, by: By = "run", **settings: Any) -> Comparison:
    return compare(columns(sources, by), Settings(**settings))


def against(*sources: Source, by: By = "run", **settings: Any) -> Against:
    return judge(*sources, by=by, **settings).against[0]


def cases(count: int, letters: str, **others: str) -> dict[str, str]:
    """Return that many cases `case-0 …` that went alike, but for those named `case_3="00"`."""
    return {f"case-{number}": others.get(f"case_{number}", letters) for number in range(count)}


class Making:
    """The helpers above, for tests."""

    run = staticmethod(run_of)
    new = staticmethod(new_of)
    judge = staticmethod(judge)
    against = staticmethod(against)
    cases = staticmethod(cases)


@pytest.fixture(scope="session")
def make() -> Making:
    return Making()
