"""Old answers judged by today's checks, where they answer today's question.

A changed check makes a case NOT COMPARABLE. If its old answers were kept, and what is asked today
is, byte for byte, what was asked then, the new checks can judge the old answers, and the case
compares again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from qeval.conversation import Conversation, Exchange
from qeval.dialects.base import spoken
from qeval.errors import QevalError, UsageError
from qeval.exchange import Answer, Response
from qeval.judging import judge
from qeval.loading import read
from qeval.loading.project import Project
from qeval.plan import PlannedGroup, plan
from qeval.record import Asked, Group, Source, Trial, decide

Place: TypeAlias = tuple[str, str | None]
Planned: TypeAlias = dict[tuple[str, str, str], PlannedGroup]

_SUFFIXES = (".yaml", ".yml", ".json", ".py")


class Rescored:
    """A run whose answers were judged again: a `record.Source` like the run itself.

    A case is judged again in all its groups or in none, since one digest speaks for them.
    `judged` and `kept` count cases: those with new scores, and those whose checks have changed
    too but whose answers are not kept, or were given to another question.
    """

    def __init__(self, source: Source, planned: Planned) -> None:
        self.header = source.header
        self.asked: dict[Place, Asked] = dict(source.asked)
        self.judged = self.kept = 0
        self._groups = list(source.groups())
        self._again(planned)

    def groups(self) -> Iterator[Group]:
        """Yield every group in the order of the run; can be called again."""
        return iter(self._groups)

    def _again(self, planned: Planned) -> None:
        changed: dict[Place, list[tuple[int, PlannedGroup]]] = {}
        for number, group in enumerate(self._groups):
            now = planned.get((group.case, group.target, group.scenario))
            place = self._place(group)
            if now is not None and place and self.asked[place].digest != now.case.digest:
                changed.setdefault(place, []).append((number, now))
        for place, members in changed.items():
            judged = {number: _judged(self._groups[number], now) for number, now in members}
            again = {number: group for number, group in judged.items() if group is not None}
            if len(again) < len(members):
                self.kept += 1
                continue
            self.judged += 1
            digest = members[0][1].case.digest
            self.asked[place] = msgspec.structs.replace(self.asked[place], digest=digest)
            for number, group in again.items():
                self._groups[number] = group

    def _place(self, group: Group) -> Place | None:
        places: Sequence[Place] = ((group.case, None), (group.case, group.scenario))
        return next((place for place in places if place in self.asked), None)


def rescored(source: Source, project: Project) -> tuple[Rescored, tuple[str, ...]]:
    """Return a run with its kept answers judged by the suite as it is now, and what was done.

    Raises:
        UsageError: The suite is not there any more, or has mistakes.
    """
    suite = plan(read(_suite(project, source.header.suite)))
    planned = {(g.case.id, g.target_id, g.scenario.name): g for g in suite.groups}
    again = Rescored(source, planned)
    told = []
    if again.judged:
        told.append(f"answers of {source.header.id} judged by today's checks: {again.judged} cases")
    if again.kept:
        told.append(
            f"{again.kept} changed cases could not be judged again: "
            "their answers are not kept, or another question was asked"
        )
    return again, tuple(told)


def _suite(project: Project, suite: str) -> Path:
    for suffix in _SUFFIXES:
        path = project.suites / f"{suite}{suffix}"
        if path.is_file():
            return path
    raise UsageError(
        f"there is no suite {suite!r} below {project.suites.name}/ to judge the old answers by",
        hint="compare without `--rescore`",
    )


def _judged(group: Group, now: PlannedGroup) -> Group | None:
    """Return a group judged by the checks of today; None where that cannot be done."""
    trials = []
    for trial in group.trials:
        again = _again(trial, now)
        if again is None:
            return None
        trials.append(again)
    return msgspec.structs.replace(
        group,
        trials=tuple(trials),
        passes=now.passes,
        outcome=decide(now.passes, [trial.outcome for trial in trials]),
    )


def _again(old: Trial, now: PlannedGroup) -> Trial | None:
    if old.outcome not in {"passed", "failed"}:
        return old  # there was no answer to judge, then as now
    several = old.requests > 1 or len(now.case.script.turns) > 1
    if old.answer is not None or several:  # a conversation's later turns are not kept
        return None
    request = now.request(old.trial)
    try:
        wire = spoken(now.target).write(request)
    except QevalError:
        return None
    exchange = Exchange(
        turn=0, request=request, wire=wire, answer=_answer(old), response=_response(old)
    )
    new = judge(now, old.key, Conversation(exchanges=(exchange,)))
    if new.request != old.request or new.outcome == "errored":
        return None  # another question, or a check of what is not kept
    return msgspec.structs.replace(old, scores=new.scores, outcome=new.outcome)


def _answer(trial: Trial) -> Answer:
    return Answer(status=200, latency_s=trial.latency_s, attempts=trial.attempts, replayed=True)


def _response(trial: Trial) -> Response:
    return Response(
        text=trial.text,
        reasoning=trial.reasoning,
        tool_calls=trial.calls,
        finish_reason=trial.finish_reason,
        usage=trial.usage,
        model=trial.model,
        truncated=trial.truncated,
    )
