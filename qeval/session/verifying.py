"""Recorded requests asked again: have the answers moved since?"""

from __future__ import annotations

import random
from typing import Literal

import msgspec

from qeval.errors import UsageError
from qeval.plan import PlannedGroup
from qeval.record import Trial, TrialKey
from qeval.runner import Runner
from qeval.session.running import Options, Session
from qeval.value import Value

Moved = Literal["equal", "text", "outcome", "errored"]


class Again(Value):
    """One recorded trial, and how it ended when it was asked again."""

    case: str
    target: str
    scenario: str
    trial: int
    moved: Moved
    """`equal`: the same text · `text`: another one, judged alike · `outcome`: a check or the
    trial's outcome flipped · `errored`: no answer to judge."""
    before: Trial
    now: Trial
    flips: tuple[str, ...] = ()
    """Checks that passed and do not now, or the reverse: `contains 'Paris': passed → failed`."""


class Verified(Value):
    """How a share of a suite's recordings stood up to being asked again."""

    suite: str
    usable: int
    """Recorded trials to choose from."""
    again: tuple[Again, ...] = ()

    @property
    def held(self) -> bool:
        """Whether no check and no outcome flipped, and everything was answered."""
        return all(one.moved in {"equal", "text"} for one in self.again)


class Taking(Value):
    """How many recorded trials to ask again, and which."""

    take: int = 10
    """At most so many of each suite; all where there are fewer."""
    seed: int = 0
    """Chooses them; the same seed chooses the same ones of the same recordings."""


def verify(suite: str, options: Options, taking: Taking = Taking()) -> Verified:  # noqa: B008  # immutable
    """Ask some of a suite's recorded trials again, live, and judge both answers.

    Nothing is recorded, and no run is kept.

    Args:
        suite: The suite's file.
        options: Where to ask and of what to choose; the mode is set here.
        taking: How many, and which.

    Raises:
        UsageError: The suite is wrong, or nothing of it is recorded.
        TargetError: A target has no key.
    """
    session = Session(suite, msgspec.structs.replace(options, mode="replay"))
    groups = list(session.plan.groups)
    recorded = _replayed(session)
    if not recorded:
        raise UsageError(
            f"nothing of suite {session.loaded.id} is recorded that could be asked again",
            hint=f"record it with `qeval run {suite} --mode record`",
        )
    chosen = random.Random(taking.seed).sample(  # noqa: S311  (no secret depends on it)
        sorted(recorded), min(taking.take, len(recorded))
    )
    live = Session(suite, msgspec.structs.replace(options, mode="live"))
    asked = _asked(live, frozenset(chosen))
    order = [_key(group, trial) for group in groups for trial in range(group.trials)]
    again = [_compared(recorded[key], asked[key]) for key in order if key in asked]
    return Verified(suite=session.loaded.id, usable=len(recorded), again=tuple(again))


def _replayed(session: Session) -> dict[TrialKey, Trial]:
    """Return every trial that a recording answers, judged."""
    found: dict[TrialKey, Trial] = {}

    def ended(_number: int, _group: PlannedGroup, trial: Trial, answer: object) -> None:
        if answer is not None and trial.outcome != "skipped":
            found[trial.key] = trial

    Runner(session.transports(), ended).run(enumerate(session.plan.groups))
    return found


def _asked(session: Session, chosen: frozenset[TrialKey]) -> dict[TrialKey, Trial]:
    """Ask the chosen trials, and no others."""
    wanted = {(key.case, key.target, key.scenario) for key in chosen}
    groups = session.plan.groups
    work = [g for g in groups if (g.case.id, g.target_id, g.scenario.name) in wanted]
    # The others of their groups are held to have ended: with any outcome but `errored`.
    others = {
        key: Trial(
            case=key.case,
            target=key.target,
            scenario=key.scenario,
            trial=key.trial,
            outcome="skipped",
        )
        for group in work
        for key in (_key(group, trial) for trial in range(group.trials))
        if key not in chosen
    }
    found: dict[TrialKey, Trial] = {}

    def ended(_number: int, _group: PlannedGroup, trial: Trial, _answer: object) -> None:
        if trial.key in chosen:
            found[trial.key] = trial

    targets = {group.target_id for group in work}
    transports = {name: t for name, t in session.transports().items() if name in targets}
    concurrency = session.options.concurrency or session.project.concurrency or 32
    runner = Runner(transports, ended, concurrency=concurrency, previous=others)
    runner.run(enumerate(work))
    unusable = [error for error in runner.stopped.values() if isinstance(error, UsageError)]
    if unusable:
        raise unusable[0]
    return found


def _key(group: PlannedGroup, trial: int) -> TrialKey:
    return TrialKey(
        case=group.case.id, target=group.target_id, scenario=group.scenario.name, trial=trial
    )


def _compared(before: Trial, now: Trial) -> Again:
    flips = _flips(before, now)
    moved: Moved = "equal"
    if now.outcome == "errored" and before.outcome != "errored":
        moved = "errored"
    elif flips or now.outcome != before.outcome:
        moved = "outcome"
    elif (now.text, now.reasoning, now.code) != (before.text, before.reasoning, before.code):
        moved = "text"
    return Again(
        case=now.case,
        target=now.target,
        scenario=now.scenario,
        trial=now.trial,
        moved=moved,
        flips=tuple(flips),
        before=before,
        now=now,
    )


def _flips(before: Trial, now: Trial) -> list[str]:
    """Return each check that is judged differently. Both trials have the same checks, in order."""
    if len(before.scores) != len(now.scores):  # one of them was not judged
        return []
    words = ("failed", "passed")
    return [
        f"{new.check}: {words[bool(old.passed)]} → {words[bool(new.passed)]}"
        for old, new in zip(before.scores, now.scores, strict=True)
        if old.passed != new.passed
    ]
