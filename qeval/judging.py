"""What came back in a trial → the trial as it is kept: scored, measured, nothing asked again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

from qeval.conversation import Conversation, Exchange, joined, summed
from qeval.errors import QevalError, ScorerError, StatusError
from qeval.exchange import Request, Response, Usage
from qeval.plan import PlannedGroup
from qeval.record import Evidence, Outcome, Score, Severity, Trial, TrialKey
from qeval.scorers.base import Prepared
from qeval.scorers.groups import BoundAll, BoundAny
from qeval.tokens.accounts import Account, Accounts

_NO_ACCOUNT = Account()


def judge(
    group: PlannedGroup,
    key: TrialKey,
    talk: Conversation,
    accounts: Accounts | None = None,
    *,
    forgiving: bool = False,
) -> Trial:
    """Score a trial by the checks of its group, and each turn by its own.

    A trial passes when every turn was asked and every check of severity `fail` passes. A scorer
    that raises makes the trial errored, with the other checks' scores kept. Usage and latency are
    sums over the requests, and so are ledger and cost, which `accounts` keeps; text and finish
    reason are those of the last answer.

    Where one request brought the answers of several trials (`n`), limits judge in each of them
    what it took for all, since nobody knows what one answer took. Its usage, ledger and cost are
    kept with the first trial alone, so that sums hold.

    Args:
        group: What was asked.
        key: Of the trial.
        talk: What came back.
        accounts: Keeps ledger and cost; None: nobody does.
        forgiving: Keep a check of severity `warn` that cannot judge as not passed, with the reason;
            else it makes the trial errored, too.
    """
    evidence, account = _evidence(group, group.checks, talk.exchanges, talk.billed, accounts)
    scored = _Scored(group.params.n, forgiving=forgiving)
    scored.judge_turns(group, talk, accounts)
    scored.judge(group.checks, evidence)
    scored.scores += _added(group, talk)
    return _trial(group, key, talk, scored, evidence, _NO_ACCOUNT if talk.billed else account)


def _trial(
    group: PlannedGroup,
    key: TrialKey,
    talk: Conversation,
    scored: _Scored,
    evidence: Evidence,
    account: Account,
) -> Trial:
    exchanges = talk.exchanges
    response = joined(exchanges)
    return Trial(
        case=key.case,
        target=key.target,
        scenario=key.scenario,
        trial=key.trial,
        outcome=scored.outcome,
        scores=tuple(scored.scores),
        text=response.text,
        earlier=_earlier(exchanges, exchanges[-1].turn),
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


def judge_blocked(
    group: PlannedGroup, key: TrialKey, error: StatusError, accounts: Accounts | None = None
) -> Trial:
    """Return the trial of a question that the service's moderation blocked.

    The turns before it are judged by their own checks. To the blocked one there is no answer: of
    its checks and the case's only those that ask for just that judge, in groups, too. The trial
    passes or fails by them where one is of severity `fail` and the checks of no later turn are
    left over; it fails by a turn before; else it is refused, and counted apart.
    """
    turns, at = group.case.script.turns, _broke_in(error.finished)
    here = _of_block(turns[at].checks if turns else ())
    last = _of_block(group.checks)
    evidence = Evidence(
        request=group.request(key.trial),
        response=Response(),
        case=key.case,
        vars=group.vars,
        context=group.context,
        blocked=error.message,
    )
    scored = _Scored(forgiving=True)
    scored.judge_turns(group, _before(error, at), accounts)
    scored.judge(here, evidence, f"turn {at + 1}: ")
    scored.judge(last, evidence)
    later = turns[at + 1 :]
    deciding = last if later else [*here, *last]
    meant = any(check.severity == "fail" for check in deciding)
    meant = meant and not any(turn.checks for turn in later)
    outcome = scored.outcome if meant or scored.outcome != "passed" else "refused"
    told = scored.error or (error if outcome == "refused" else None)
    return msgspec.structs.replace(
        _unfinished(group, key, error, accounts),
        outcome=outcome,
        scores=tuple(scored.scores),
        error=told.message if told else None,
        code=(scored.error or error).code,
    )


def judge_broken(
    group: PlannedGroup,
    key: TrialKey,
    error: QevalError,
    code: str,
    accounts: Accounts | None = None,
) -> Trial:
    """Return a trial that errored, with what was there before, and the answer as far as it came.

    Turns that were finished are judged by their own checks. Usage and cost are those of the
    requests that were answered; usage, of a cut answer too, where it told any.
    """
    scored = _Scored(forgiving=True)
    scored.judge_turns(group, _before(error, _broke_in(error.finished)), accounts)
    trial = _unfinished(group, key, error, accounts)
    return msgspec.structs.replace(
        trial, scores=tuple(scored.scores), error=error.message, code=code
    )


def _unfinished(
    group: PlannedGroup, key: TrialKey, error: QevalError, accounts: Accounts | None
) -> Trial:
    """Return an errored trial with what its requests left behind."""
    trial = Trial(
        case=key.case,
        target=key.target,
        scenario=key.scenario,
        trial=key.trial,
        outcome="errored",
    )
    if key.trial % group.params.n:
        return trial  # what came stands with the trial that asked
    finished, came = error.finished, getattr(error, "partial", None) or Response()
    attempts = getattr(error, "attempts", 1)
    if not finished:
        return msgspec.structs.replace(
            trial,
            text=came.text,
            reasoning=came.reasoning,
            calls=came.tool_calls,
            usage=came.usage,
            attempts=attempts,
        )
    usages = [each.response.usage for each in finished]
    return msgspec.structs.replace(
        trial,
        text=came.text,
        reasoning=came.reasoning,
        earlier=_earlier(finished, _broke_in(finished)),
        calls=(*joined(finished).tool_calls, *came.tool_calls),
        requests=len(finished) + 1,
        usage=summed(usages if came.usage == Usage() else [*usages, came.usage]),
        cost=_account(group, (), finished, accounts).cost,
        attempts=max(attempts, *(each.answer.attempts for each in finished)),
    )


def _broke_in(finished: Sequence[Exchange]) -> int:
    """Return the turn whose answer did not come: after calls of tools it is still the same."""
    if not finished:
        return 0
    return finished[-1].turn + (not finished[-1].response.tool_calls)


def _before(error: QevalError, at: int) -> Conversation:
    """Return the turns before the one in which it broke off."""
    return Conversation(exchanges=tuple(each for each in error.finished if each.turn < at))


def _of_block(checks: Iterable[Prepared]) -> list[Prepared]:
    """Return the checks to which a block is an answer; of groups, what of them judges it."""
    found = []
    for check in checks:
        if getattr(check.scorer, "judges_blocked", False):
            found.append(check)
        elif isinstance(check.scorer, BoundAny | BoundAll):
            inner = [each for each in _of_block(check.scorer.checks) if each.severity == "fail"]
            if inner:
                scorer = msgspec.structs.replace(check.scorer, checks=tuple(inner))
                found.append(msgspec.structs.replace(check, scorer=scorer))
    return found


class _Scored:
    """Scores as they are given, and the first error among them."""

    def __init__(self, answers: int = 1, *, forgiving: bool) -> None:
        self.scores: list[Score] = []
        self.error: ScorerError | None = None
        self._answers = answers
        """Those that the request brought."""
        self._forgiving = forgiving

    def judge_turns(
        self, group: PlannedGroup, talk: Conversation, accounts: Accounts | None
    ) -> None:
        """Judge each turn that was asked by its own checks."""
        for number, turn in enumerate(group.case.script.turns):
            if turn.checks and (own := talk.of_turn(number)):
                evidence, _ = _evidence(group, turn.checks, own, talk.billed, accounts)
                self.judge(turn.checks, evidence, f"turn {number + 1}: ")

    def judge(self, checks: Iterable[Prepared], evidence: Evidence, prefix: str = "") -> None:
        for check in checks:
            try:
                score = check.score(evidence)
            except ScorerError as raised:
                if check.severity == "fail" or not self._forgiving:
                    self.error = self.error or raised
                    continue
                score = check.unjudged(raised)
            if self._answers > 1 and getattr(check.scorer, "limit", False):
                reason = f"{score.reason}; its request brought {self._answers} answers"
                score = msgspec.structs.replace(score, reason=reason)
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
    group: PlannedGroup,
    checks: Iterable[Prepared],
    exchanges: Sequence[Exchange],
    billed: Sequence[Exchange],
    accounts: Accounts | None,
) -> tuple[Evidence, Account]:
    """Return what scorers look at, and the account of it.

    Args:
        group: What was asked.
        checks: Those that will judge.
        exchanges: What they judge.
        billed: The exchanges with what they took, if that stands elsewhere.
        accounts: Keeps ledger and cost.
    """
    response = joined(exchanges)
    if billed:
        response = msgspec.structs.replace(response, usage=joined(billed).usage)
    account = _account(group, checks, billed or exchanges, accounts)
    latencies = [each.answer.latency_s for each in exchanges]
    known = [seconds for seconds in latencies if seconds is not None]
    evidence = Evidence(
        request=_answered(exchanges),
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
    return evidence, account


def _answered(exchanges: Sequence[Exchange]) -> Request:
    """Return the last request, with the beginning of the answer as its last message, if any.

    Once tools were called, the beginning stands further up, where `completed` does not look.
    """
    last, begun = exchanges[-1].request, exchanges[0].request.messages[-1]
    if len(exchanges) == 1 or not begun.partial:
        return last
    return msgspec.structs.replace(last, messages=(*last.messages, begun))


def _in_dollars(group: PlannedGroup) -> bool:
    price = None if group.model is None else group.model.price
    return price is not None and price.currency == "USD"


def _earlier(exchanges: Sequence[Exchange], last: int) -> tuple[str, ...]:
    """Return the last answer of each turn before the last."""
    if not last:
        return ()
    answers = {each.turn: each.response.text for each in exchanges if each.turn < last}
    return tuple(answers.values())


def _added(group: PlannedGroup, talk: Conversation) -> list[Score]:
    """Return what is to be said beside the checks: of the loop, later turns, and tools."""
    script, last = group.case.script, talk.last
    found = []
    why = ""
    if talk.endless:
        most = script.most_requests
        why = f"still called tools after {most} request" + "s" * (most > 1)
        found.append(_failed("max_turns", why))
    elif last.response.tool_calls:
        silent = {tool.name for tool in script.tools if tool.answer is None}
        called = [call.name for call in last.response.tool_calls if call.name in silent]
        why = f"ended with a call of {called[0]}, which nothing answers" if called else ""
    for number in range(last.turn + 1, len(script.turns)):
        reason = f"not asked: turn {last.turn + 1} {why}" if why else "not asked"
        found.append(_failed(f"turn {number + 1}", reason))
    found += [_failed(f"tool {name}", fault, "warn") for name, fault in talk.faults.items()]
    return found


def _failed(check: str, reason: str, severity: Severity = "fail") -> Score:
    return Score(value=0.0, passed=False, check=check, reason=reason, severity=severity)


def _recorded(exchanges: Sequence[Exchange]) -> list[bytes]:
    return [
        part
        for each in exchanges
        for part in (each.wire.body, each.answer.body, (each.answer.recorded_at or "").encode())
    ]


def _digest(parts: Iterable[bytes]) -> str:
    return sha256(b"\0".join(parts)).hexdigest()[:16]
