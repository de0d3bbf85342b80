"""Limits on what was measured, that value included. Each scores 1 within, 0 beyond.

A limit on an unknown measure cannot be judged, and says so.
"""

from __future__ import annotations

import math
from typing import ClassVar

from qeval import units
from qeval.errors import ScorerError
from qeval.record import Evidence, Score
from qeval.scorers.base import register
from qeval.value import Value


class _Tokens(Value):
    """At most so many tokens."""

    most: int
    limit: ClassVar[bool] = True
    what: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if self.most < 0:
            raise ValueError(f"a limit is at least 0, got {self.most}")

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the count that the endpoint reported is within the limit.

        Raises:
            ScorerError: The endpoint reported none.
        """
        got = self.measured(evidence)
        if got is None:
            raise ScorerError(
                f"max_{self.what}_tokens: the endpoint reported no {self.what} tokens"
            )
        within = got <= self.most
        reason = f"{units.count(got)} tokens"
        return Score(
            value=float(within),
            reason=reason if within else f"{reason}, at most {units.count(self.most)}",
        )

    def measured(self, evidence: Evidence) -> int | None:
        """Return the count, or None."""
        raise NotImplementedError


@register("max_output_tokens")
class MaxOutputTokens(_Tokens):
    """At most so many output tokens, hidden reasoning included."""

    what: ClassVar[str] = "output"

    def measured(self, evidence: Evidence) -> int | None:
        """Return the output tokens as reported."""
        return evidence.response.usage.output_tokens


@register("max_input_tokens")
class MaxInputTokens(_Tokens):
    """At most so many input tokens, as billed: the template's overhead and cached ones included."""

    what: ClassVar[str] = "input"

    def measured(self, evidence: Evidence) -> int | None:
        """Return the input tokens as reported."""
        return evidence.response.usage.input_tokens


@register("max_total_tokens")
class MaxTotalTokens(_Tokens):
    """At most so many tokens, input and output together.

    Where the endpoint reports no total, the sum of both; with either unknown, the total is.
    """

    what: ClassVar[str] = "total"

    def measured(self, evidence: Evidence) -> int | None:
        """Return the total as reported, else the sum."""
        usage = evidence.response.usage
        if usage.total_tokens is not None:
            return usage.total_tokens
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        return usage.input_tokens + usage.output_tokens


class _Seconds(Value):
    """At most so many seconds."""

    most: float
    limit: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.most < math.inf:
            raise ValueError(f"a limit is at least 0 s, got {self.most:g}")

    def within(self, got: float | None, unknown: str) -> Score:
        """Return 1 where `got` is within the limit.

        Raises:
            ScorerError: It is unknown.
        """
        if got is None:
            raise ScorerError(unknown)
        reason = units.seconds(got)
        if got <= self.most:
            return Score(value=1.0, reason=reason)
        return Score(value=0.0, reason=f"{reason}, at most {units.seconds(self.most)}")


@register("max_latency_s")
class MaxLatency(_Seconds):
    """At most so many seconds from sending to the last byte; on replay, those of the recording."""

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the latency is within the limit."""
        return self.within(evidence.latency_s, "max_latency_s: the latency was not recorded")


@register("max_first_token_s")
class MaxFirstToken(_Seconds):
    """At most so many seconds from sending to the first token of a streamed answer."""

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the time is within the limit."""
        return self.within(
            evidence.first_token_s,
            "max_first_token_s: the answer was not streamed, so its first token has no time",
        )
