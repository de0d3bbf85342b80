"""Rate limits: what one model is asked in a minute and in a second, and what is refused."""

from __future__ import annotations

import math
from collections import deque

from qeval.simulator.refusals import Refusal
from qeval.simulator.script import Limits

MINUTE_S = 60.0
LONGEST_WAIT_S = 120.0
"""The service lets no request stand in line for longer, whatever the request says."""


class Bucket:
    """Fills evenly, up to a size; what is taken may be owed."""

    def __init__(self, per_s: float, size: float) -> None:
        self._per_s = per_s
        self._size = size
        self._left = size
        self._at: float | None = None

    def wait_s(self, amount: float, now: float) -> float:
        """Return in how many seconds so much will be there; 0: it is."""
        if self._at is not None:
            self._left = min(self._size, self._left + (now - self._at) * self._per_s)
        self._at = now
        return max(0.0, (amount - self._left) / self._per_s)

    def take(self, amount: float) -> None:
        """Take so much, whether it is there or not."""
        self._left -= amount


class Limiter:
    """Holds one model to its limits. Times are the simulator's seconds, ascending."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        rpm, tpm = limits.rpm, limits.tpm
        size = limits.burst or (max(1, math.ceil(rpm / MINUTE_S)) if rpm else 1)
        self._requests = Bucket(rpm / MINUTE_S, size) if rpm else None
        self._tokens = Bucket(tpm / MINUTE_S, max(1.0, tpm / MINUTE_S)) if tpm else None
        self._came: deque[float] = deque()

    def enter(self, now: float, patience_s: float = 0.0) -> float:
        """Let a request in, and return how long it has to stand in line first.

        Args:
            now: The time.
            patience_s: How long it would, rather than be refused for a burst.

        Raises:
            Refusal: It is one too many.
        """
        rising = self._rises(now)
        if self._tokens is not None:
            wait = self._tokens.wait_s(1e-9, now)
            if wait > 0:
                raise self._refusal("insufficient_quota", wait)
        if self._requests is None:
            if rising:
                raise self._refusal("limit_burst_rate", 1.0)
            return 0.0
        wait = self._requests.wait_s(1, now)
        if wait > 1e-9 and not (rising and wait <= min(patience_s, LONGEST_WAIT_S)):
            raise self._refusal("limit_burst_rate" if rising else "limit_requests", wait)
        self._requests.take(1)
        return wait

    def charge(self, tokens: int) -> None:
        """Take the tokens of an answered request from the budget."""
        if self._tokens is not None:
            self._tokens.take(tokens)

    def _rises(self, now: float) -> bool:
        """Note that a request came, and return whether more came in a second than may at once."""
        if self._limits.burst is None:
            return False
        self._came.append(now)
        while self._came[0] <= now - 1:
            self._came.popleft()
        return len(self._came) > self._limits.burst

    def _refusal(self, code: str, wait: float) -> Refusal:
        told = wait if self._limits.retry_after else None
        return Refusal(code=code, retry_after_s=told)
