"""Asks what was planned and scores what comes back. The only module with concurrency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from qeval.dialects.base import DIALECTS, Dialect
from qeval.dialects.errors import MODERATION
from qeval.errors import (
    CassetteError,
    CassetteSecretError,
    QevalError,
    ScorerError,
    StatusError,
    TargetError,
)
from qeval.exchange import Answer, Place, Response
from qeval.plan import PlannedGroup
from qeval.record import Evidence, Outcome, Score, Trial, TrialKey
from qeval.transport.base import Transport, step

SECRET = "secret"  # noqa: S105  (a code, not one)
"""Code of a trial whose answer held a key, and so was not kept."""

Ended = Callable[[int, PlannedGroup, Trial, Answer | None], None]
"""Called with each trial as it ends: the group's number in the plan, the group, the trial, and
the answer it was judged by, if there was one."""


class Runner:
    """Runs groups through one transport a target.

    Args:
        transports: Target id → who answers.
        ended: Told of every trial, in the order of endings.
        concurrency: Calls in flight at the same time over all targets, at least 1.
        previous: Trials that need not be asked again.
    """

    def __init__(
        self,
        transports: Mapping[str, Transport],
        ended: Ended,
        *,
        concurrency: int = 32,
        previous: Mapping[TrialKey, Trial] | None = None,
    ) -> None:
        self._transports = transports
        self._ended = ended
        self._concurrency = concurrency
        self._previous = previous or {}
        self.stopped: dict[str, QevalError] = {}
        """Target id → why nothing more is asked of it: its account refused, or it has no key."""
        self._left: Counter[tuple[str, str]] = Counter()
        """Trials of a case still to end, by target and case."""

    def run(self, groups: Iterable[tuple[int, PlannedGroup]]) -> None:
        """Ask every trial of the numbered groups; return when all have ended.

        Raises:
            KeyboardInterrupt: After recordings of what was answered were written.
        """
        work = list(groups)
        for _, group in work:
            self._left[group.target_id, group.case.id] += group.trials
        if all(transport.immediate for transport in self._transports.values()):
            self._step_all(work)
        else:
            import asyncio

            asyncio.run(self._ask_all(work))

    def _step_all(self, work: list[tuple[int, PlannedGroup]]) -> None:
        try:
            for number, group in work:
                for index in range(group.trials):
                    step(self._one(number, group, index))
        finally:
            for transport in self._transports.values():
                step(transport.aclose())

    async def _ask_all(self, work: list[tuple[int, PlannedGroup]]) -> None:
        import asyncio

        gate = asyncio.Semaphore(self._concurrency)

        async def drain(trials: Iterator[tuple[int, PlannedGroup, int]]) -> None:
            for number, group, index in trials:
                async with gate:
                    await self._one(number, group, index)

        try:
            async with asyncio.TaskGroup() as tasks:
                for target in self._transports:
                    own = [item for item in work if item[1].target_id == target]
                    trials = ((n, group, i) for n, group in own for i in range(group.trials))
                    limit = (own[0][1].target.concurrency if own else None) or self._concurrency
                    for _ in range(min(limit, self._concurrency, sum(g.trials for _, g in own))):
                        tasks.create_task(drain(trials))
        except BaseExceptionGroup as group:
            # One fault of ours (a full disk, say) cancels the rest; it is told as itself.
            raise group.exceptions[0] from None
        finally:
            await self._close_all()

    async def _close_all(self) -> None:
        """Close every transport; then tell of the first that could not."""
        first: QevalError | None = None
        for transport in self._transports.values():
            try:
                await transport.aclose()
            except QevalError as error:
                first = first or error
        if first is not None:
            raise first

    async def _one(self, number: int, group: PlannedGroup, index: int) -> None:
        trial, answer = await self._trial(group, index)
        self._ended(number, group, trial, answer)
        place = group.target_id, group.case.id
        self._left[place] -= 1
        if not self._left[place]:
            del self._left[place]
            await self._transports[group.target_id].end_case(group.case.id)

    async def _trial(self, group: PlannedGroup, index: int) -> tuple[Trial, Answer | None]:
        key = TrialKey(
            case=group.case.id, target=group.target_id, scenario=group.scenario.name, trial=index
        )
        old = self._previous.get(key)
        if old is not None and old.outcome != "errored":
            return old, None
        trial, answer = await self._asked(group, key)
        if trial.outcome == "errored" and old is not None:
            return old, None  # the first error stands until a retry succeeds
        return trial, answer

    async def _asked(self, group: PlannedGroup, key: TrialKey) -> tuple[Trial, Answer | None]:
        if group.case.skip is not None:
            return _ended(key, "skipped"), None
        stopped = self.stopped.get(group.target_id)
        # Without a key, what is recorded can still be had, and the rest is told at no cost.
        if stopped is not None and not isinstance(stopped, TargetError):
            message = f"not asked: {stopped.message}"
            return _ended(key, "errored", error=message, code=_code(stopped)), None
        answer: Answer | None = None
        try:
            dialect = DIALECTS.get(group.target.dialect or "chat")
            answer, response = await self._exchange(dialect, group, key)
            return judge(group, key, answer, response), answer
        except StatusError as error:
            if error.account:
                self.stopped.setdefault(group.target_id, error)
            outcome: Outcome = "refused" if error.code in MODERATION else "errored"
            return _ended(key, outcome, error=error.message, code=error.code), answer
        except QevalError as error:
            if isinstance(error, TargetError):
                self.stopped.setdefault(group.target_id, error)
            return _ended(key, "errored", error=error.message, code=_code(error)), answer

    async def _exchange(
        self, dialect: Dialect, group: PlannedGroup, key: TrialKey
    ) -> tuple[Answer, Response]:
        wire = dialect.write(group.request(key.trial))
        place = Place(case=key.case, scenario=key.scenario, trial=key.trial)
        answer = await self._transports[group.target_id].send(wire, place)
        return answer, dialect.read(answer)


def judge(group: PlannedGroup, key: TrialKey, answer: Answer, response: Response) -> Trial:
    """Score one response by the checks of its group.

    A trial passes when every check of severity `fail` passes. A scorer that raises makes
    the trial errored, with the other checks' scores kept.
    """
    request = group.request(key.trial)
    streamed = request.params.stream
    evidence = Evidence(
        request=request,
        response=response,
        latency_s=answer.latency_s,
        first_token_s=answer.chunks[0][1] if streamed and answer.chunks else None,
        case=key.case,
        vars=group.vars,
        context=group.context,
    )
    scores: list[Score] = []
    error: ScorerError | None = None
    for check in group.checks:
        try:
            scores.append(check.score(evidence))
        except ScorerError as raised:
            error = error or raised
    failed = any(not score.passed for score in scores if score.severity == "fail")
    outcome: Outcome = "errored" if error else "failed" if failed else "passed"
    asked_model = group.target.model
    return Trial(
        case=key.case,
        target=key.target,
        scenario=key.scenario,
        trial=key.trial,
        outcome=outcome,
        scores=tuple(scores),
        text=response.text,
        reasoning=response.reasoning,
        finish_reason=response.finish_reason,
        usage=response.usage,
        model=response.model if response.model != asked_model else None,
        latency_s=answer.latency_s,
        first_token_s=evidence.first_token_s,
        attempts=answer.attempts,
        truncated=response.truncated,
        error=error.message if error else None,
        code=error.code if error else None,
    )


def without_secret(trial: Trial) -> Trial:
    """Return the trial with nothing in it that was sent or answered."""
    message = "the answer holds a secret, so nothing of it is kept"
    return _ended(trial.key, "errored", error=message, code=SECRET)


def _ended(
    key: TrialKey, outcome: Outcome, *, error: str | None = None, code: str | None = None
) -> Trial:
    return Trial(
        case=key.case,
        target=key.target,
        scenario=key.scenario,
        trial=key.trial,
        outcome=outcome,
        error=error,
        code=code,
    )


def _code(error: QevalError) -> str:
    if isinstance(error, CassetteSecretError):
        return SECRET
    if isinstance(error, CassetteError):
        return f"cassette_{error.cause}"
    return str(getattr(error, "code", "target"))
