"""How fast one target is asked: calls in flight, calls and tokens a minute, and what 429 teaches.

One controller a target, shared by all its calls. It starts low and doubles while every place is
taken, is cut once per episode of 429 answers, and from then on grows slowly. Errors of the
server (5xx) say nothing about the rate and change nothing here.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

import msgspec

from qeval.dialects.errors import QUOTA, Read, failure, inside, is_rate
from qeval.errors import StatusError, TransportError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.base import Transport
from qeval.transport.retrying import LONGEST_S, Clock, retry_after
from qeval.value import Value

if TYPE_CHECKING:
    import asyncio

START = 16
"""Calls in flight at first, at a service with an account behind it."""
CUT = 0.8
"""What an episode leaves of the calls in flight."""
RATE_CUT = 0.9
"""What it leaves of the rate that was seen to be served."""
REGROWTH = 1.015
"""What a learned rate is multiplied by each second in which nothing was refused."""
WINDOW_S = 10.0
"""Served calls are counted over so long to learn a rate."""
HOLD_S = 1.0
QUOTA_HOLD_S = 8.0
"""Pause of the whole target after a refusal that names none; the second for a token budget."""
BYTES_PER_TOKEN = 4
"""Rough, and only for `tpm`: English text and its JSON (tokens.md section 3 measured 3.6 to 5)."""
BURST = frozenset({"Throttling.BurstRate", "limit_burst_rate"})
WAIT_HEADER = "x-dashscope-wait-timeout"
WAIT_S = 30
"""After traffic that rose too fast the service is asked to queue calls so long, not to refuse."""


class Limits(Value):
    """What a target takes."""

    concurrency: int = 32
    start: int | None = None
    """Calls in flight at first; None: `concurrency`."""
    rpm: int | None = None
    tpm: int | None = None


class Step(Value):
    """One change of the pace, for the log."""

    at_s: float
    """Since the first call."""
    limit: int
    """Calls in flight from now on."""
    rate: float | None
    """Calls a second from now on; None: as many as fit."""
    reason: str
    """`429 limit_requests`, or `saturated`."""


class Paced:
    """Lets the calls of one target leave at the pace that it bears.

    Args:
        inner: Who answers.
        limits: What is known of the target beforehand.
        clock: Time.
        read: How the target's dialect reads an answer; None: refusals inside 200 are not seen.
    """

    immediate = False

    def __init__(
        self,
        inner: Transport,
        limits: Limits,
        clock: Clock | None = None,
        *,
        read: Read | None = None,
    ) -> None:
        self._read = read
        self._inner = inner
        self._limits = limits
        self._clock = clock or Clock()
        self._limit = max(1, min(limits.start or limits.concurrency, limits.concurrency))
        self._doubling = True
        self._credit = 0
        """Calls answered since the limit last grew, while every place was taken."""
        self._flying = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._rate = limits.rpm / 60 if limits.rpm else None
        self._ceiling = self._rate
        self._next = 0.0
        self._hold = 0.0
        self._cut_at = float("-inf")
        self._grown_at = 0.0
        self._served: deque[float] = deque()
        self._tokens = _Bucket(limits.tpm) if limits.tpm else None
        self._began: float | None = None
        self._queueing = False
        self.history: list[Step] = []
        self.waited_s = 0.0
        """Time that calls stood here, summed; no part of any latency."""

    async def send(self, wire: Wire, place: Place) -> Answer:
        """Bring back the answer to one call, sent when it is its turn.

        Raises:
            TransportError: No answer came.
        """
        asked = self._clock.now()
        if self._began is None:
            self._began = self._grown_at = asked
        await self._enter()
        try:
            await self._turn(len(wire.body) / BYTES_PER_TOKEN)
            sent = self._clock.now()
            self.waited_s += sent - asked
            answer = await self._inner.send(self._marked(wire), place)
            self._learn(answer, sent)
        finally:
            self._leave()
        return answer

    async def end_case(self, case: str) -> None:
        """Pass on that a case has ended."""
        await self._inner.end_case(case)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    async def _enter(self) -> None:
        """Take a place among the calls in flight, first come, first served."""
        if self._flying < self._limit and not self._line:
            self._flying += 1
            return
        import asyncio  # not on the replay path

        waiting = asyncio.get_running_loop().create_future()
        self._line.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._leave()  # the place was given in the moment of giving up
            raise

    def _leave(self) -> None:
        self._flying -= 1
        self._wake()

    def _wake(self) -> None:
        while self._line and self._flying < self._limit:
            waiting = self._line.popleft()
            if not waiting.done():
                self._flying += 1
                waiting.set_result(None)

    async def _turn(self, tokens: float) -> None:
        """Wait until a rate, a token budget and a pause let a call go."""
        if self._tokens is not None:
            await self._until(self._tokens.take(tokens, self._clock.now()))
        await self._slot()
        while self._hold > self._clock.now():
            # What stood here together must not leave together when the pause ends.
            await self._until(self._hold)
            await self._slot()

    async def _slot(self) -> None:
        if self._rate is not None:
            mine = max(self._next, self._clock.now())
            self._next = mine + 1 / self._rate
            await self._until(mine)

    async def _until(self, then: float) -> None:
        seconds = then - self._clock.now()
        if seconds > 0:
            await self._clock.pause(seconds)

    def _marked(self, wire: Wire) -> Wire:
        if not self._queueing:
            return wire
        return msgspec.structs.replace(wire, headers=(*wire.headers, (WAIT_HEADER, str(WAIT_S))))

    def _learn(self, answer: Answer, sent: float) -> None:
        now = self._clock.now()
        error = failure(answer) if answer.status == 429 else self._inside(answer)
        if isinstance(error, StatusError) and is_rate(error):
            self._refused(answer, error.code, sent)
        elif answer.status < 400:
            self._served.append(now)
            if self._tokens is not None:
                self._tokens.spent(len(answer.body) / BYTES_PER_TOKEN)
            self._grow(now)

    def _inside(self, answer: Answer) -> StatusError | TransportError | None:
        return None if self._read is None else inside(answer, self._read)

    def _refused(self, answer: Answer, code: str, sent: float) -> None:
        now = self._clock.now()
        asked = retry_after(answer, self._clock.wall())
        pause = QUOTA_HOLD_S if code in QUOTA else HOLD_S
        if asked is not None and asked <= LONGEST_S:  # who asks for more is not asked again
            pause = asked
        self._hold = self._next = max(self._hold, now + pause)
        self._queueing = self._queueing or code in BURST
        if sent <= self._cut_at:
            return  # it left before the pace was cut, and says nothing of the new one
        served = self._served_rate(now)
        if served is not None:
            self._rate = served if self._rate is None else min(self._rate, served)
        if self._rate is not None:
            self._rate *= RATE_CUT
        self._cut_at = now
        self._doubling = False
        self._limit = max(1, int(self._limit * CUT))
        self._grown_at = now + pause
        self._note(now, f"429 {code}".rstrip())

    def _served_rate(self, now: float) -> float | None:
        """Return calls served a second since the last episode; None where too few tell.

        Earlier ones are left out: a service lets a burst through that it will not bear for long.
        """
        began = max(now - WINDOW_S, self._cut_at, self._began or 0.0)
        while self._served and self._served[0] < began:
            self._served.popleft()
        if len(self._served) < 3:
            return None
        return len(self._served) / max(1.0, now - began)

    def _grow(self, now: float) -> None:
        if self._rate is not None and self._rate != self._ceiling and now > self._grown_at:
            grown = self._rate * REGROWTH ** (now - self._grown_at)
            self._rate = grown if self._ceiling is None else min(grown, self._ceiling)
            self._grown_at = now
        if self._flying < self._limit or self._limit >= self._limits.concurrency:
            self._credit = 0
            return
        self._credit += 1
        if self._doubling or self._credit >= self._limit:
            self._limit += 1
            self._credit = 0
            self._wake()
            if not self._doubling or self._limit == self._limits.concurrency:
                self._note(now, "saturated")

    def _note(self, now: float, reason: str) -> None:
        began = self._began if self._began is not None else now
        self.history.append(
            Step(at_s=now - began, limit=self._limit, rate=self._rate, reason=reason)
        )

    def slowed(self) -> str:
        """Say what slowed the target down, such as `slowed twice by 429 limit_requests`; or ''."""
        reasons = Counter(step.reason for step in self.history if step.reason != "saturated")
        parts = [f"{_times(count)} by {reason}" for reason, count in sorted(reasons.items())]
        return f"slowed {', '.join(parts)}" if parts else ""


class _Bucket:
    """A budget of tokens that fills evenly, and holds a second's worth more than nothing."""

    def __init__(self, per_minute: int) -> None:
        self._per_s = per_minute / 60
        self._left = self._per_s
        self._at: float | None = None
        self._answers = 0.0
        """Mean tokens of an answer so far: a call is charged for what it will bring back."""
        self._seen = 0

    def take(self, tokens: float, now: float) -> float:
        """Charge a call and return when it may leave."""
        if self._at is not None:
            self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        self._left -= tokens + self._answers
        return now + max(0.0, -self._left / self._per_s)

    def spent(self, tokens: float) -> None:
        """Learn how long an answer was."""
        self._seen += 1
        self._answers += (tokens - self._answers) / self._seen


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
