"""What came back in a trial → the trial as it is kept: scored, measured, nothing asked again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

from qeval.conversation import Conversation, Exchange, joined
from qeval.errors import ScorerError, StatusError
from qeval.exchange import Response
from qeval.plan import PlannedGroup
from qeval.record import Evidence, Outcome, Score, Trial, TrialKey
from qeval.scorers.base import Prepared
from qeval.tokens.accounts import Account, Accounts

_NO_ACCOUNT = Account()


def judge(
    group: PlannedGroup, key: TrialKey, talk: Conversation, accounts: Accounts | None = None
) -> Trial:
    """Score a trial by the checks of its group, and each turn by its own.

    A trial passes when every check of severity `fail` passes. A scorer that raises makes
    the trial errored, with the other checks' scores kept. Usage and latency are sums over the
    requests, and so are ledger and cost, which `accounts` keeps; text and finish reason are
    those of the last answer.
    """
    exchanges = talk.exchanges
    response = joined(exchanges)
    account = _account(group, group.checks, exchanges, accounts)
    evidence = _evidence(group, exchanges, response, account)
    scored = _Scored()
    for number, turn in enumerate(group.case.script.turns):
        if turn.checks and (own := talk.of_turn(number)):
            billed = _account(group, turn.checks, own, accounts)
            its = _evidence(group, own, joined(own), billed)
            scored.judge(turn.checks, its, f"turn {number + 1}: ")
    scored.judge(group.checks, evidence)
    if talk.endless:
        scored.scores.append(_endless(group))
    return Trial(
        case=key.case,
        target=key.target,
        scenario=key.scenario,
        trial=key.trial,
        outcome=scored.outcome,
        scores=tuple(scored.scores),
        text=response.text,
        earlier=_earlier(exchanges),
        calls=response.tool_calls,
        requests=len(exchanges),
        reasoning=response.reasoning,
        finish_reason=response.finish_reason,
        usage=response.usage,
        ledger=account.ledger,
        cost=account.cost,
        request=_digest([each.wire.body for each in exchanges]),
        recording=_digest(_recorded(exchanges)),
        model=response.model if response.model != group.target.model else None,
        latency_s=evidence.latency_s,
        first_token_s=evidence.first_token_s,
        attempts=max(each.answer.attempts for each in exchanges),
        truncated=any(each.response.truncated for each in exchanges),
        error=scored.error.message if scored.error else None,
        code=scored.error.code if scored.error else None,
    )


def judge_blocked(group: PlannedGroup, key: TrialKey, error: StatusError) -> Trial:
    """Return the trial of a question that the service's moderation blocked.

    There is no answer, so the trial is refused and counted apart, unless a check asks for just
    that: then this check alone judges.
    """
    checks = [check for check in group.checks if getattr(check.scorer, "judges_blocked", False)]
    scored = _Scored()
    evidence = Evidence(
        request=group.request(key.trial),
        response=Response(),
        case=key.case,
        vars=group.vars,
        context=group.context,
        blocked=error.message,
    )
    scored.judge(checks, evidence)
    return Trial(
        case=key.case,
        target=key.target,
        scenario=key.scenario,
        trial=key.trial,
        outcome=scored.outcome if checks else "refused",
        scores=tuple(scored.scores),
        error=None if checks else error.message,
        code=error.code,
    )


class _Scored:
    """Scores as they are given, and the first error among them."""

    def __init__(self) -> None:
        self.scores: list[Score] = []
        self.error: ScorerError | None = None

    def judge(self, checks: Iterable[Prepared], evidence: Evidence, prefix: str = "") -> None:
        for check in checks:
            try:
                score = check.score(evidence)
            except ScorerError as raised:
                self.error = self.error or raised
                continue
            if prefix:
                score = msgspec.structs.replace(score, check=prefix + score.check)
            self.scores.append(score)

    @property
    def outcome(self) -> Outcome:
        if self.error is not None:
            return "errored"
        failed = any(not score.passed for score in self.scores if score.severity == "fail")
        return "failed" if failed else "passed"


def _account(
    group: PlannedGroup,
    checks: Iterable[Prepared],
    exchanges: Sequence[Exchange],
    accounts: Accounts | None,
) -> Account:
    if accounts is None:
        return _NO_ACCOUNT
    return accounts.account(
        [(each.request, each.response) for each in exchanges],
        group.model,
        dialect=group.target.dialect or "chat",
        needed=any(check.needs_ledger for check in checks),
    )


def _evidence(
    group: PlannedGroup, exchanges: Sequence[Exchange], response: Response, account: Account
) -> Evidence:
    latencies = [each.answer.latency_s for each in exchanges]
    known = [seconds for seconds in latencies if seconds is not None]
    return Evidence(
        request=exchanges[-1].request,
        response=response,
        latency_s=sum(known) if len(known) == len(latencies) else None,
        first_token_s=exchanges[0].first_token_s,
        ledger=account.ledger,
        cost_usd=account.cost if _in_dollars(group) else None,
        baseline_residual=account.baseline_residual,
        case=group.case.id,
        vars=group.vars,
        context=group.context,
    )


def _in_dollars(group: PlannedGroup) -> bool:
    price = None if group.model is None else group.model.price
    return price is not None and price.currency == "USD"


def _earlier(exchanges: Sequence[Exchange]) -> tuple[str, ...]:
    """Return the last answer of each turn before the last."""
    if len(exchanges) == 1:
        return ()
    answers = {each.turn: each.response.text for each in exchanges[:-1]}
    answers.pop(exchanges[-1].turn, None)
    return tuple(answers.values())


def _endless(group: PlannedGroup) -> Score:
    most = group.case.script.most_requests
    return Score(
        value=0.0,
        passed=False,
        check="max_turns",
        reason=f"still called tools after {most} requests",
    )


def _recorded(exchanges: Sequence[Exchange]) -> list[bytes]:
    return [
        part
        for each in exchanges
        for part in (each.wire.body, each.answer.body, (each.answer.recorded_at or "").encode())
    ]


def _digest(parts: Iterable[bytes]) -> str:
    return sha256(b"\0".join(parts)).hexdigest()[:16]
