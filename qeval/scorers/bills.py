"""Limits on what an answer cost, and on what was billed beside the text that was sent.

Each scores 1 within, 0 beyond, the limit itself included. What is unknown cannot be judged, and
says so.
"""

from __future__ import annotations

import math
from typing import ClassVar

from qeval import units
from qeval.errors import ScorerError
from qeval.record import Evidence, Ledger, Score, Severity
from qeval.scorers.base import ROUNDING, register
from qeval.value import Value

_NO_LEDGER = (
    "the tokens of the prompt are not known exactly: that needs the Qwen vocabulary "
    "(pip install 'qeval[qwen]'), or the model's `tokenizer` in pyproject.toml"
)


@register("max_cost_usd")
class MaxCost(Value):
    """At most so many US dollars for a trial, by the prices of its model."""

    most: float
    limit: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.most < math.inf:
            raise ValueError(f"a limit is at least 0 USD, got {self.most:g}")

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the cost is within the limit.

        Raises:
            ScorerError: It is unknown: no price in US dollars, or no usage reported.
        """
        got = evidence.cost_usd
        if got is None:
            raise ScorerError(
                "max_cost_usd: the cost is unknown: give the model's price in US dollars, as "
                f'[tool.qeval.models."{evidence.request.model}".price]'
            )
        reason = units.money(got, "USD")
        if got <= self.most + ROUNDING:
            return Score(value=1.0, reason=reason)
        return Score(value=0.0, reason=f"{reason}, at most {units.money(self.most, 'USD')}")


@register("max_overhead_share")
class MaxOverheadShare(Value):
    """At most such a share of the billed input, in [0, 1], is not what the user sent.

    The share is (billed − text − tools − media) / billed: the template's markup, and what the
    service added.
    """

    most: float
    limit: ClassVar[bool] = True
    needs_ledger: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.most <= 1:
            raise ValueError(f"a share is from 0 to 1, got {self.most:g}")

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the share is within the limit.

        Raises:
            ScorerError: The prompt was not counted, or its tokens not reported.
        """
        ledger, billed = _counted("max_overhead_share", evidence)
        overhead = ledger.overhead(evidence.response.usage)
        if overhead is None:
            raise ScorerError("max_overhead_share: the tokens of a picture or video are unknown")
        share = overhead / billed if billed else 0.0
        reason = f"{units.percent(share)}: {units.count(overhead)} of {units.count(billed)} tokens"
        if share <= self.most:
            return Score(value=1.0, reason=reason)
        return Score(value=0.0, reason=f"{reason}, at most {units.percent(self.most)}")


@register("min_cached_tokens")
class MinCachedTokens(Value):
    """At least so many input tokens were read from the service's cache."""

    least: int
    limit: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.least < 0:
            raise ValueError(f"a limit is at least 0, got {self.least}")

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the count that the endpoint reported reaches the limit.

        Raises:
            ScorerError: The endpoint reported none.
        """
        got = evidence.response.usage.cached_input_tokens
        if got is None:
            raise ScorerError("min_cached_tokens: the endpoint reported no cached tokens")
        reason = f"{units.count(got)} tokens"
        if got >= self.least:
            return Score(value=1.0, reason=reason)
        return Score(value=0.0, reason=f"{reason}, at least {units.count(self.least)}")


@register("token_drift")
class TokenDrift(Value):
    """The part of the bill that the template does not explain is what it was in the baseline.

    That part is billed − predicted input tokens, media taken out of both; it is compared with
    what the baseline's bills had beside their prediction, for the same model, dialect, thinking,
    tools and format. It may differ by `most` tokens. A change means that a hidden prompt or
    template has changed; a longer prompt changes prediction and bill alike. Where there is no
    baseline, or nothing like the request in it, there is nothing to have drifted from.
    """

    most: float = 0.0
    limit: ClassVar[bool] = True
    needs_ledger: ClassVar[bool] = True
    default_severity: ClassVar[Severity] = "warn"

    def __post_init__(self) -> None:
        if not 0 <= self.most < math.inf:
            raise ValueError(f"a limit is at least 0 tokens, got {self.most:g}")

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the difference is within the limit.

        Raises:
            ScorerError: The prompt was not counted, or its tokens not reported.
        """
        ledger, _ = _counted("token_drift", evidence)
        got = ledger.unexplained(evidence.response.usage)
        if got is None:
            raise ScorerError("token_drift: the tokens of a picture or video are unknown")
        before = evidence.baseline_residual
        if before is None:
            return Score(value=1.0, reason=f"{got:+d} tokens; no baseline to compare with")
        drift = got - before
        # What a fit predicts is no whole number; half a token is rounding.
        if abs(drift) <= max(self.most, 0.5):
            return Score(value=1.0, reason=f"{got:+d} tokens, as in the baseline")
        reason = f"constant {before:g} → {got}: {drift:+g} tokens that the prompt does not explain"
        return Score(value=0.0, reason=reason)


def _counted(check: str, evidence: Evidence) -> tuple[Ledger, int]:
    """Return the ledger and the billed input tokens.

    Raises:
        ScorerError: One of them is not there.
    """
    billed = evidence.response.usage.input_tokens
    if billed is None:
        raise ScorerError(f"{check}: the endpoint reported no input tokens")
    if evidence.ledger is None:
        raise ScorerError(f"{check}: {_NO_LEDGER}")
    return evidence.ledger, billed
