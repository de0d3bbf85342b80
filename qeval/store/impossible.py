"""What no run could have left in a baseline: lines merged in or taken out, numbers edited."""

from __future__ import annotations

import math

import msgspec

from qeval.record import needed
from qeval.store.kept import Check, Document, KeptTrial

_MOST = 2**53
"""Above it whole numbers are no longer exact as floats, which statistics are made of."""


def impossible(held: Document) -> str | None:
    """Return the first thing that cannot be so, with its place; None where there is none."""
    return _of_cases(held) or _of_groups(held) or _of_plan(held)


def _of_cases(held: Document) -> str | None:
    seen: set[tuple[str, str | None]] = set()
    for asked in held.cases:
        key = asked.case, asked.scenario
        if key in seen:
            return f"case {asked.case!r} is here twice"
        if asked.scenario is not None and (asked.case, None) in seen:
            return f"case {asked.case!r} is here for all scenarios and for {asked.scenario!r}"
        seen.add(key)
    rules = [(f"case {asked.case!r}", asked.passes) for asked in held.cases]
    rules += [(f"scenario {each.name!r}", each.passes) for each in held.run.scenarios]
    for whose, rule in rules:
        try:
            needed(rule or "all", 1)
        except ValueError as error:
            return f"{whose}: passes {error}"
    return None


def _of_groups(held: Document) -> str | None:
    case, checks = None, None
    seen: set[tuple[str, str, str, int]] = set()
    for group in held.groups:
        checks = group.checks if group.checks is not None or group.case != case else checks
        case = group.case
        place = f"case {group.case!r} for {group.target!r} under {group.scenario!r}"
        if not group.trials:
            return f"{place} has no trial"
        for trial in group.trials:
            key = group.case, group.target, group.scenario, trial.trial
            if key in seen:
                return f"trial {trial.trial} of {place} is here twice"
            seen.add(key)
            if (told := _of_trial(trial, checks)) is not None:
                return f"trial {trial.trial} of {place} {told}"
    return None


def _of_plan(held: Document) -> str | None:
    count = sum(len(group.trials) for group in held.groups)
    planned = held.run.planned
    return f"{count} trials, where {planned} were planned" if count < planned else None


def _of_trial(trial: KeptTrial, checks: tuple[Check, ...] | None) -> str | None:
    own = checks if trial.checks is None else trial.checks
    count = len(trial.scores)
    if own is None or len(own) != count or len(trial.reasons) not in {0, count}:
        return f"has {count} scores for {len(own or ())} checks"
    if not all(0 <= value <= 1 for value in trial.scores):
        return f"has a score outside 0 to 1: {list(trial.scores)}"
    if not all(0 <= number < count for number in trial.short):
        return f"has {count} scores, and says that of them {list(trial.short)} fell short"
    if not all(0 <= check.weight < math.inf and check.version >= 1 for check in own):
        return "was judged by a check of negative weight, or of a version below 1"
    return _judged(trial, own) or _counted(trial)


def _judged(trial: KeptTrial, own: tuple[Check, ...]) -> str | None:
    if trial.outcome not in {"passed", "failed"}:
        return None
    red = sum(own[number].severity == "fail" for number in set(trial.short))
    if (trial.outcome == "passed") == (red == 0):
        return None
    return f"is said to have {trial.outcome}, and {red} of its checks did not pass"


def _counted(trial: KeptTrial) -> str | None:
    numbers = {
        **msgspec.structs.asdict(trial.usage),
        "trial": trial.trial,
        "cost": trial.cost,
        "latency_s": trial.latency_s,
        "first_token_s": trial.first_token_s,
        "attempts": trial.attempts,
        "requests": trial.requests,
    }
    for name, value in numbers.items():
        if isinstance(value, int | float) and not 0 <= value <= _MOST:
            return f"has an impossible {name}: {value}"
    return None
