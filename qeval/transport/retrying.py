"""Retries of what may answer the next time, and the pauses between.

The pace of a whole target is `paced`'s; here one call waits for its own next try.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Awaitable, Callable

import msgspec

from qeval.dialects.errors import ONCE, QUOTA, Read, failure, inside
from qeval.errors import StatusError, TransportError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.base import Transport
from qeval.value import Value

BASE_S = 0.5
CAP_S = 8.0
"""Pauses double from the first to the second, as the vendors' own clients do."""
QUOTA_BASE_S = 8.0
QUOTA_CAP_S = 32.0
"""The same for a token budget, which takes up to a minute to fill again: 8 + 16 + 32 s."""
ATTEMPTS = 6
"""So that a server which is away for ten seconds loses nothing: the pauses add up to 15.5 s."""
FEWER = 4
"""Where nobody answers, and for a token budget, whose pauses are long."""
JITTER = 0.25
"""Up to this share is added to a pause: calls that failed together return apart."""
LONGEST_S = 120.0
"""A server that asks for a longer pause is not asked again."""


class Clock(Value):
    """Time, replaceable in tests."""

    sleep: Callable[[float], Awaitable[None]] | None = None
    """Waits so many seconds; None: asyncio's."""
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    """Seconds since 1970, for a `Retry-After` that names a date."""

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds."""
        if self.sleep is not None:
            await self.sleep(seconds)
            return
        import asyncio  # not on the replay path

        await asyncio.sleep(seconds)


class Retrying:
    """Sends again what failed for a reason that may pass.

    Again up to `attempts` in all: statuses 408, 409, 429 and 5xx unless the code says that
    nothing will change; up to 4: refused and lost connections, and token budgets. Again once:
    timeouts, cut bodies and errors after some text had come, since each may have been paid for.
    An error inside an answer of status 200 counts as one by status. The server's word goes
    before: `x-should-retry`, and `retry-after-ms` or `retry-after` up to `LONGEST_S`.

    Pauses do not count as latency, which is that of the last attempt.

    Args:
        inner: Who answers one attempt.
        attempts: Most attempts, at least 1.
        read: How the target's dialect reads an answer; None: errors inside 200 are not looked for.
        seed: Of the jitter.
        clock: Time.
    """

    immediate = False

    def __init__(
        self,
        inner: Transport,
        *,
        attempts: int = ATTEMPTS,
        read: Read | None = None,
        seed: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self._inner = inner
        self._attempts = attempts
        self._read = read
        self._random = random.Random(seed)  # noqa: S311 - spreads calls, guards nothing
        self._clock = clock or Clock()

    async def send(self, wire: Wire, place: Place) -> Answer:
        """Bring back the first good answer, or the last bad one, with `attempts` counted.

        Raises:
            TransportError: The last attempt brought no answer.
        """
        failed = 0
        while True:
            here = place if not failed else msgspec.structs.replace(place, attempt=failed)
            pause: float | None
            try:
                answer = await self._inner.send(wire, here)
            except TransportError as error:
                pause = self._after_error(error, failed)
                if pause is None:
                    error.attempts = failed + 1
                    raise
            else:
                pause = None if answer.replayed else self._after_answer(answer, failed)
                if pause is None:
                    return (
                        msgspec.structs.replace(answer, attempts=failed + 1) if failed else answer
                    )
            failed += 1
            await self._clock.pause(pause)

    async def end_case(self, case: str) -> None:
        """Pass on that a case has ended."""
        await self._inner.end_case(case)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    def _after_error(self, error: TransportError, failed: int) -> float | None:
        """Return the pause before the next attempt, or None if there is to be none."""
        most = {"connect": FEWER, "cut": FEWER, "timeout": 2}.get(error.kind, 1)
        if failed + 1 >= min(most, self._attempts):
            return None
        return self._backoff(failed, BASE_S, CAP_S)

    def _after_answer(self, answer: Answer, failed: int) -> float | None:
        error = self._wrong(answer)
        if error is None:
            return None
        if isinstance(error, TransportError):  # cut in the middle
            return self._backoff(0, BASE_S, CAP_S) if failed == 0 and self._attempts > 1 else None
        quota = error.code in QUOTA
        once = error.code in ONCE or error.partial is not None
        most = 2 if once else FEWER if quota else self._attempts
        told = answer.header("x-should-retry")
        wanted = told == "true" if told in {"true", "false"} else error.retryable
        asked = retry_after(answer, self._clock.wall())
        too_long = asked is not None and asked > LONGEST_S
        if not wanted or too_long or failed + 1 >= min(most, self._attempts):
            return None
        base, cap = (QUOTA_BASE_S, QUOTA_CAP_S) if quota else (BASE_S, CAP_S)
        return self._backoff(failed, base, cap) if asked is None else self._jittered(asked)

    def _wrong(self, answer: Answer) -> StatusError | TransportError | None:
        """Return why an answer is none, by its status, its end, or what stands in it."""
        if answer.status >= 400:
            return failure(answer)
        if answer.error is not None:
            return TransportError(answer.error, kind="cut")
        return None if self._read is None else inside(answer, self._read)

    def _backoff(self, failed: int, base: float, cap: float) -> float:
        return self._jittered(min(base * 2.0**failed, cap))

    def _jittered(self, pause: float) -> float:
        return pause * (1 + JITTER * self._random.random())


def retry_after(answer: Answer, wall: float) -> float | None:
    """Return the pause in seconds that a server asks for, ≥ 0, or None if it names none.

    Args:
        answer: Its headers `retry-after-ms`, or else `retry-after` (seconds or an HTTP date).
        wall: Seconds since 1970, now.
    """
    exact = _number(answer.header("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    said = answer.header("retry-after")
    if said is None:
        return None
    plain = _number(said)
    return plain if plain is not None else _until(said, wall)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None  # NaN is refused too


def _until(date: str, wall: float) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - wall)
    except (ValueError, OverflowError):
        return None
