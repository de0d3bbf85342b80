"""The document of a baseline, and trials on their way into it and out of it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from qeval.exchange import ToolCall, Usage
from qeval.record import Asked, Header, Ledger, Outcome, Score, Severity, Trial
from qeval.value import Value, clean

_WHOLE = 1.0
"""The usual weight, one object: msgspec leaves a default out where it is the very same."""


class Check(Value):
    """What the scores of a group have in common."""

    check: str
    version: int = msgspec.field(default_factory=lambda: 1)  # a factory: always written
    severity: Severity = "fail"
    weight: float = _WHOLE


class KeptTrial(Value):
    """One trial without what its group says."""

    outcome: Outcome
    trial: int = 0
    scores: tuple[float, ...] = ()
    short: tuple[int, ...] = ()
    """Numbers, from 0, of the scores that did not pass."""
    checks: tuple[Check, ...] | None = None
    """None: those of the group; else as many as scores."""
    answer: str | None = None
    finish_reason: str | None = None
    truncated: bool = False
    usage: Usage = Usage()
    ledger: Ledger | None = None
    cost: float | None = None
    latency_s: float | None = None
    first_token_s: float | None = None
    attempts: int = 1
    requests: int = 1
    model: str | None = None
    code: str | None = None
    request: str | None = None
    recording: str | None = None
    text: str | None = None
    """This and what follows only with the answers."""
    earlier: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    error: str | None = None
    reasons: tuple[str, ...] = ()


class KeptGroup(Value):
    """Trials of a case under one scenario and target."""

    case: str
    target: str
    scenario: str
    checks: tuple[Check, ...] | None = None
    """None: as in the group before, which is of the same case."""
    trials: tuple[KeptTrial, ...] = ()


class Document(Value):
    """The document."""

    baseline: int
    run: Header
    answers: bool = False
    cases: tuple[Asked, ...] = ()
    groups: tuple[KeptGroup, ...] = ()


def checks_of(trials: Sequence[Trial]) -> tuple[Check, ...]:
    """Return the checks that the group's trials were judged by: the longest list of any."""
    return max((_checks_of(trial) for trial in trials), key=len)


def _checks_of(trial: Trial) -> tuple[Check, ...]:
    return tuple(
        Check(
            check=clean(score.check),
            version=score.version,
            severity=score.severity,
            weight=_WHOLE if score.weight == _WHOLE else score.weight,
        )
        for score in trial.scores
    )


def kept(trial: Trial, checks: tuple[Check, ...], *, answers: bool) -> KeptTrial:
    """Return a trial as it is kept, in a group that was judged by these checks."""
    own = _checks_of(trial)
    held = KeptTrial(
        outcome=trial.outcome,
        trial=trial.trial,
        scores=tuple(float(score.value) for score in trial.scores),
        short=tuple(n for n, score in enumerate(trial.scores) if not score.passed),
        checks=None if own == checks else own,
        answer=trial.answer or _digest(trial),
        finish_reason=trial.finish_reason,
        truncated=trial.truncated,
        usage=trial.usage,
        ledger=trial.ledger,
        cost=trial.cost,
        latency_s=trial.latency_s,
        first_token_s=trial.first_token_s,
        attempts=trial.attempts,
        requests=trial.requests,
        model=trial.model,
        code=trial.code,
        request=trial.request,
        recording=trial.recording,
    )
    if not answers:
        return held
    return msgspec.structs.replace(
        held,
        text=trial.text,
        earlier=trial.earlier,
        calls=trial.calls,
        reasoning=trial.reasoning,
        error=trial.error,
        reasons=tuple(score.reason for score in trial.scores),
    )


def _digest(trial: Trial) -> str | None:
    """Return 16 hex digits over an answer that was judged; None where there was none."""
    if trial.outcome in {"errored", "refused", "skipped"} and not trial.text:
        return None
    return sha256(clean(trial.text).encode()).hexdigest()[:16]


def opened(group: KeptGroup, held: KeptTrial, checks: tuple[Check, ...]) -> Trial:
    """Return a kept trial as it was; without the answers its text is empty, its reasons too."""
    own = checks if held.checks is None else held.checks
    short = set(held.short)
    reasons = held.reasons or ("",) * len(held.scores)
    return Trial(
        case=group.case,
        target=group.target,
        scenario=group.scenario,
        trial=held.trial,
        outcome=held.outcome,
        scores=tuple(
            Score(
                value=value,
                reason=reason,
                passed=number not in short,
                check=check.check,
                severity=check.severity,
                weight=check.weight,
                version=check.version,
            )
            for number, (value, check, reason) in enumerate(
                zip(held.scores, own, reasons, strict=True)
            )
        ),
        text=held.text or "",
        answer=None if held.text is not None else held.answer,
        earlier=held.earlier,
        calls=held.calls,
        requests=held.requests,
        reasoning=held.reasoning,
        finish_reason=held.finish_reason,
        usage=held.usage,
        ledger=held.ledger,
        cost=held.cost,
        request=held.request,
        recording=held.recording,
        model=held.model,
        latency_s=held.latency_s,
        first_token_s=held.first_token_s,
        attempts=held.attempts,
        truncated=held.truncated,
        error=held.error,
        code=held.code,
    )
