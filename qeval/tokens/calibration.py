"""What bills have beside the prediction, learned from recorded usage.

A residual that is the same for every length of prompt is text that the service hides in it; one
that grows with the length means that the model has another vocabulary than the one counted with.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

from qeval.record import Group, Ledger, Setup, Trial
from qeval.value import Value

SLOPE = 0.005
"""The least growth of the residual, in tokens a predicted token, that is told from a constant: the
share of `verdicts.md` section 10."""
_POINTS = 200
"""Requests that a fit looks at: 200 give 19,900 pairs."""


class Alike(Value, order=True):
    """What requests must have in common for their residuals to be compared."""

    model: str
    dialect: str = "chat"
    traits: tuple[str, ...] = ()
    """See `Ledger.traits`."""

    def __str__(self) -> str:
        """Return it in words: `qwen-plus, chat, thinking off, no tools, text`."""
        there = set(self.traits)
        form = "schema" if "schema" in there else "json" if "json" in there else "text"
        words = [
            self.model,
            self.dialect,
            f"thinking {'on' if 'thinking' in there else 'off'}",
            "tools" if "tools" in there else "no tools",
            form,
            *(["search"] if "search" in there else []),
        ]
        return ", ".join(words)


class Fit(NamedTuple):
    """A residual as constant + slope · predicted tokens, both without media."""

    constant: float
    """Tokens."""
    slope: float
    """Tokens a predicted token; 0 where it is below `SLOPE`."""
    n: int
    """Trials behind it."""

    def at(self, ledger: Ledger) -> float | None:
        """Return the residual to expect beside a prediction; None where that is unknown."""
        wording = ledger.wording
        return None if wording is None else self.constant + self.slope * wording


def learn(groups: Iterable[Group], targets: Iterable[Setup]) -> dict[Alike, Fit]:
    """Return what the bills of trials have beside the prediction, by kind of request.

    Trials without a ledger or without reported usage say nothing.

    Args:
        groups: Of a run or a baseline.
        targets: Those of its header.
    """
    asked = {t.name: (t.model or t.name, t.dialect or "chat") for t in targets}
    points: dict[Alike, list[tuple[float, float]]] = {}
    for group in groups:
        model, dialect = asked.get(group.target, (group.target, "chat"))
        for trial in group.trials:
            point = _point(trial)
            if point is not None and trial.ledger is not None:
                kind = Alike(model=model, dialect=dialect, traits=trial.ledger.traits)
                points.setdefault(kind, []).append(point)
    return {kind: fit(points[kind]) for kind in sorted(points)}


def fit(points: Iterable[tuple[float, float]]) -> Fit:
    """Fit a line to (predicted tokens, residual) pairs, at least one.

    The slope is the median of the slopes of all pairs of points, the constant the median of what
    that leaves: a quarter of the points may be wild without moving them.

    Source:
        Theil, H. (1950). A rank-invariant method of linear and polynomial regression analysis.
        Proc. Kon. Ned. Akad. v. Wetensch. A 53, 386-392. Sen, P. K. (1968). Estimates of the
        regression coefficient based on Kendall's tau. JASA 63, 1379-1389.

    >>> fit([(10, 40), (30, 40), (90, 40)])
    Fit(constant=40.0, slope=0.0, n=3)
    """
    every = sorted(points)
    step = max(1, len(every) // _POINTS)
    looked_at = every[::step]
    slopes = [
        (other - residual) / (longer - tokens)
        for (tokens, residual), (longer, other) in combinations(looked_at, 2)
        if longer != tokens
    ]
    slope = _median(slopes) if slopes else 0.0
    if abs(slope) < SLOPE:
        slope = 0.0
    constant = _median([residual - slope * tokens for tokens, residual in looked_at])
    return Fit(constant, slope, len(every))


def _point(trial: Trial) -> tuple[float, float] | None:
    """Return predicted tokens and residual of a request: of a trial's requests, the mean."""
    ledger = trial.ledger
    residual = None if ledger is None else ledger.unexplained(trial.usage)
    if ledger is None or residual is None or ledger.wording is None:
        return None
    requests = max(trial.requests, 1)
    return ledger.wording / requests, residual / requests


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (ordered[middle - 1] + ordered[middle]) / 2
