"""Runs held in memory, as a report reads them."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from qeval.exchange import Message, Usage
from qeval.record import Asked, Group, Header, Outcome, Score, Setup, Source, Trial, decide

Trials: TypeAlias = list[dict[str, Any]]
"""Of one group: the fields in which each trial differs from a passed one."""
Hold: TypeAlias = Callable[..., Source]


class Held:
    """A run of groups, in the order given."""

    def __init__(self, header: Header, asked: list[Asked], groups: list[Group]) -> None:
        self.header = header
        self.asked = {(each.case, each.scenario): each for each in asked}
        self._groups = groups

    def groups(self) -> Iterator[Group]:
        return iter(self._groups)


def _group(place: tuple[str, str, str], trials: Trials, passes: str) -> Group:
    case, target, scenario = place
    made = []
    for number, fields in enumerate(trials):
        outcome: Outcome = fields.get("outcome", "passed")
        right = outcome == "passed"
        score = Score(value=right, passed=right, check="contains 'a'", reason="why so")
        answered: dict[str, Any] = {
            "scores": (score,),
            "text": "an answer",
            "finish_reason": "stop",
            "usage": Usage(input_tokens=20, output_tokens=4),
            "latency_s": 0.5,
        }
        given = (answered if outcome in {"passed", "failed"} else {}) | {
            "outcome": outcome,
            **fields,
        }
        made.append(Trial(case=case, target=target, scenario=scenario, trial=number, **given))
    return Group(
        case=case,
        target=target,
        scenario=scenario,
        outcome=decide(passes, [trial.outcome for trial in made]),
        passes=passes,
        trials=tuple(made),
    )


@pytest.fixture
def hold() -> Hold:
    """Make a run from `{(case, target, scenario): trials}`; the rest has calm defaults."""

    def held(
        groups: dict[tuple[str, str, str], Trials],
        *,
        passes: str = "all",
        asked: list[Asked] | None = None,
        **header: Any,
    ) -> Source:
        cases = dict.fromkeys(case for case, _, _ in groups)
        targets = dict.fromkeys(target for _, target, _ in groups)
        scenarios = dict.fromkeys(scenario for _, _, scenario in groups)
        said: dict[str, Any] = {
            "qeval": "1.2.3",
            "id": "0123456789ab",
            "suite": "facts",
            "mode": "replay",
            "suite_digest": "d" * 64,
            "targets": tuple(Setup(name=name, model=name, dialect="chat") for name in targets),
            "scenarios": tuple(Setup(name=name) for name in scenarios),
        }
        return Held(
            Header(**said | header),
            asked
            if asked is not None
            else [
                Asked(case=case, messages=(Message(role="user", content="What?"),))
                for case in cases
            ],
            [_group(place, trials, passes) for place, trials in groups.items()],
        )

    return held
