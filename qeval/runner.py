"""Asks what was planned and scores what comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from qeval.conversation import Conversation, Shared, converse
from qeval.dialects.base import spoken
from qeval.dialects.errors import MODERATION
from qeval.errors import (
    CassetteError,
    CassetteSecretError,
    QevalError,
    StatusError,
    TargetError,
    TransportError,
)
from qeval.exchange import Answer, Place
from qeval.judging import judge, judge_blocked, judge_broken
from qeval.plan import PlannedGroup
from qeval.record import Outcome, Trial, TrialKey
from qeval.transport.base import Transport, in_thread, step

if TYPE_CHECKING:
    from qeval.models import Model
    from qeval.tokens.accounts import Accounts

SECRET = "secret"  # noqa: S105  (a code, not one)
"""Code of a trial whose answer held a key, and so was not kept."""

DEAD, OUT = 3, 100
"""Trials in a row that found nobody at a target's address, each after its retries, before no more
is asked of it: where nobody ever answered there, and where somebody had."""

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
        accounts: Keeps ledgers and costs; None: nobody does.
        enough: Asked before each trial; once it says so, what is under way ends and no more
            is asked.
    """

    def __init__(
        self,
        transports: Mapping[str, Transport],
        ended: Ended,
        *,
        concurrency: int = 32,
        previous: Mapping[TrialKey, Trial] | None = None,
        accounts: Accounts | None = None,
        enough: Callable[[], bool] = bool,
    ) -> None:
        self._transports = transports
        self._ended = ended
        self._concurrency = concurrency
        self._previous = previous or {}
        self._accounts = accounts
        self._enough = enough
        self._loading: Awaitable[None] | None = None
        """The vocabulary on its way, in a thread; None: it is loaded where it is first needed."""
        self.stopped: dict[str, QevalError] = {}
        """Target id → why nothing more is asked of it: its account refused, or it has no key."""
        self._left: Counter[tuple[str, str]] = Counter()
        """Trials of a case still to end, by target and case."""
        self._models: dict[str | None, Model | None] = {}
        self._needed = False
        """Whether a check looks at ledgers."""
        self._loaded = False
        self._unheard: dict[str, int] = {}
        """By target, how many more trials may find nobody there, below 0."""
        self._several: dict[str, Shared] = {}
        """By target, what trials share where one request brings several answers."""

    def run(self, groups: Iterable[tuple[int, PlannedGroup]]) -> None:
        """Ask every trial of the numbered groups; return when all have ended.

        Raises:
            KeyboardInterrupt: After recordings of what was answered were written.
            UsageError: A vocabulary, tokenizer or chat template cannot be used.
        """
        work = list(groups)
        self.expect(group for _, group in work)
        if self.immediate:
            self._step_all(work)
        else:
            import asyncio

            asyncio.run(self._ask_all(work))

    @property
    def immediate(self) -> bool:
        """Whether nothing here needs an event loop."""
        return all(transport.immediate for transport in self._transports.values())

    def expect(self, groups: Iterable[PlannedGroup]) -> None:
        """Count what is to be asked: a case is closed when its last expected trial has ended."""
        for group in groups:
            self._left[group.target_id, group.case.id] += group.trials
            self._models[group.target.model] = group.model
            self._needed = self._needed or any(check.needs_ledger for check in group.checks)

    def step(self, number: int, group: PlannedGroup) -> None:
        """Ask the trials of one expected group without an event loop."""
        if self._counts and not self._loaded:
            self._load()
        for index in range(group.trials):
            if self._enough():
                return
            step(self.one(number, group, index))

    def limit(self, group: PlannedGroup) -> int | None:
        """Return how many trials of a group's target may be in flight; None: as many as of all."""
        alone = getattr(self._transports[group.target_id], "alone", False)
        return 1 if alone else group.target.concurrency

    def close(self) -> None:
        """Close every transport without an event loop."""
        for transport in self._transports.values():
            step(transport.aclose())

    def enough(self) -> bool:
        """Whether nothing more is to be asked."""
        return self._enough()

    async def one(self, number: int, group: PlannedGroup, index: int) -> None:
        """Ask one trial of an expected group; the last of a case puts its recordings in place."""
        trial, answer = await self._trial(group, index)
        self._ended(number, group, trial, answer)
        place = group.target_id, group.case.id
        self._left[place] -= 1
        if not self._left[place]:
            del self._left[place]
            await self._transports[group.target_id].end_case(group.case.id)

    async def load(self) -> None:
        """Load vocabularies in a thread, where tokens of what is expected will be counted."""
        import asyncio

        if self._counts and not self._loaded:
            self._loading = asyncio.ensure_future(asyncio.to_thread(self._load))
            await self._loading

    async def aclose(self) -> None:
        """Close every transport, interrupted or not; then tell of the first that could not."""
        first: BaseException | None = None
        for transport in self._transports.values():
            try:
                await transport.aclose()
            except BaseException as error:  # noqa: BLE001 - raised below
                first = first or error
        if first is not None:
            raise first

    def _step_all(self, work: list[tuple[int, PlannedGroup]]) -> None:
        try:
            for number, group in work:
                self.step(number, group)
        finally:
            self.close()

    async def _ask_all(self, work: list[tuple[int, PlannedGroup]]) -> None:
        from qeval.crew import Crew  # not on the replay path

        crew = Crew(self._concurrency)
        try:
            crew.watch(self.load())
            for number, group in work:
                crew.add(self, number, group)
            await crew.idle()
        finally:
            try:
                await crew.stop()
            finally:
                await self.aclose()

    @property
    def _counts(self) -> bool:
        """Whether any trial's tokens will be counted."""
        return self._accounts is not None and (self._accounts.always or self._needed)

    def _load(self) -> None:
        self._loaded = True
        if self._accounts is not None:
            self._accounts.ledgers.load(self._models.values())

    async def _trial(self, group: PlannedGroup, index: int) -> tuple[Trial, Answer | None]:
        key = TrialKey(
            case=group.case.id, target=group.target_id, scenario=group.scenario.name, trial=index
        )
        old = self._previous.get(key)
        if old is not None and self._stands(group, key):
            return old, None
        trial, answer = await self._asked(group, key)
        if trial.outcome == "errored" and old is not None:
            return old, None  # the first error stands until a retry succeeds
        return trial, answer

    def _stands(self, group: PlannedGroup, key: TrialKey) -> bool:
        """Whether a trial need not be asked again, nor any other that its request answers."""
        n = group.params.n
        first = key.trial - key.trial % n
        of_request = [
            self._previous.get(msgspec.structs.replace(key, trial=trial))
            for trial in range(first, first + n)
        ]
        return all(old is not None and old.outcome != "errored" for old in of_request)

    async def _asked(self, group: PlannedGroup, key: TrialKey) -> tuple[Trial, Answer | None]:
        if group.case.skip is not None:
            return _ended(key, "skipped"), None
        stopped = self.stopped.get(group.target_id)
        # Without a key, what is recorded can still be had, and the rest is told at no cost.
        if stopped is not None and not isinstance(stopped, TargetError):
            message = f"not asked: {stopped.message}"
            return _ended(key, "errored", error=message, code=_code(stopped)), None
        try:
            talk = await self._talk(group, key)
            judging = partial(judge, group, key, talk, self._accounts, forgiving=True)
            return await self._judged(group, judging), talk.last.answer
        except StatusError as error:
            # A replay asks nobody, and what is recorded beside the refusal is still good.
            if error.account and not self._transports[group.target_id].immediate:
                self.stopped.setdefault(group.target_id, error)
            if error.code in MODERATION:
                judging = partial(judge_blocked, group, key, error, self._accounts)
            else:
                judging = partial(judge_broken, group, key, error, error.code, self._accounts)
            return await self._judged(group, judging), None
        except QevalError as error:
            if isinstance(error, TargetError) or self._nobody_is_there(group.target_id, error):
                self.stopped.setdefault(group.target_id, error)
            judging = partial(judge_broken, group, key, error, _code(error), self._accounts)
            return await self._judged(group, judging), None

    def _nobody_is_there(self, target: str, error: QevalError) -> bool:
        """Count what found nobody, and say whether that is enough to give the target up."""
        if not isinstance(error, TransportError) or error.kind != "connect":
            return False
        self._unheard[target] = self._unheard.get(target, -DEAD) + 1
        return self._unheard[target] >= 0

    async def _judged(self, group: PlannedGroup, judging: Callable[[], Trial]) -> Trial:
        """Judge; in a thread where code of the user's does, so that it holds up no call."""
        if self._transports[group.target_id].immediate or not group.slow:
            return judging()
        import asyncio

        return await asyncio.wrap_future(in_thread(judging))

    async def _talk(self, group: PlannedGroup, key: TrialKey) -> Conversation:
        """Ask one trial to its end; return when what counts its tokens is there, too."""
        try:
            talk = await self._conversed(group, key)
        except StatusError:
            self._unheard[group.target_id] = -OUT
            raise
        else:
            if not talk.last.answer.replayed:
                self._unheard[group.target_id] = -OUT
            return talk
        finally:
            if self._loading is not None:
                await self._loading

    async def _conversed(self, group: PlannedGroup, key: TrialKey) -> Conversation:
        dialect = spoken(group.target)
        several = group.params.n > 1
        first = key.trial - key.trial % group.params.n
        place = Place(case=key.case, scenario=key.scenario, trial=first)
        if first != key.trial:
            return await self._shared(group).part(place, key.trial - first)
        transport = self._transports[group.target_id]
        threads = not transport.immediate
        if several:
            self._shared(group).expect(place)
        try:
            talk = await converse(group, key.trial, dialect, transport.send, place, threads=threads)
        except QevalError as error:
            if several:
                self._shared(group).bring(place, error)
            raise
        if several:
            self._shared(group).bring(place, talk)
        return talk

    def _shared(self, group: PlannedGroup) -> Shared:
        return self._several.setdefault(group.target_id, Shared())


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
