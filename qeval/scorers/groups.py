"""Checks made of checks."""

from __future__ import annotations

from typing import Any, ClassVar

from qeval.errors import ScorerError
from qeval.record import Evidence, Score
from qeval.scorers.base import Home, Prepared, Scorer, prepare, register
from qeval.value import Value


class _Group(Value):
    """What `any` and `all` share."""

    checks: tuple[Any, ...]
    group: ClassVar[bool] = True

    def prepared(self, home: Home) -> tuple[Prepared, ...]:
        """Return the checks inside, ready to judge."""
        if not self.checks:
            raise ValueError("the list of checks is empty")
        return tuple(
            prepare(_entries(check), folder=home.folder, root=home.root, schema=home.schema)
            for check in self.checks
        )


@register("any")
class Any_(_Group):  # noqa: N801 (`Any` is taken)
    """At least one of the checks passes.

    The score is the best one's, in [0, 1]. A check that cannot judge, such as a limit on an
    unknown measure, is an error of the trial unless another one passes.
    """

    def bind(self, home: Home) -> Scorer:
        """Make the checks inside ready."""
        if home.threshold is not None:
            raise ValueError("any takes no threshold: give it to the checks inside")
        return BoundAny(checks=self.prepared(home))


@register("all")
class All(_Group):
    """All of the checks pass, or, with `threshold`, their weighted mean score reaches it.

    The score is Σ weight · score / Σ weight, in [0, 1], over the checks that count: those of
    severity `fail` with a weight above 0, and 1 where none counts. A check of severity `warn`
    is shown where it fails and decides nothing; without `threshold`, one of weight 0 decides.
    """

    def bind(self, home: Home) -> Scorer:
        """Make the checks inside ready."""
        return BoundAll(checks=self.prepared(home), by_score=home.threshold is not None)


class BoundAny(Value):
    """Passes where one passes."""

    checks: tuple[Prepared, ...]

    def score(self, evidence: Evidence) -> Score:
        """Return the best score; passed where any check passed.

        Raises:
            ScorerError: None passed, and one could not judge.
        """
        scores: list[Score] = []
        unknown: ScorerError | None = None
        for check in self.checks:
            try:
                scores.append(check.score(evidence))
            except ScorerError as error:
                unknown = unknown or error
        good = [score for score in scores if score.passed]
        if unknown is not None and not good:
            raise unknown
        told = good[:1] or scores
        return Score(
            value=max(score.value for score in scores),
            passed=bool(good),
            reason="; ".join(_told(score) for score in told),
        )


class BoundAll(Value):
    """Passes where all pass, or where their mean is high enough."""

    checks: tuple[Prepared, ...]
    by_score: bool = False
    """Whether the threshold decides, and not each check."""

    def score(self, evidence: Evidence) -> Score:
        """Return the weighted mean of the scores.

        Raises:
            ScorerError: A check of severity `fail` could not judge.
        """
        scores = [_score(check, evidence) for check in self.checks]
        deciding = [score for score in scores if score.severity == "fail"]
        weight = sum(score.weight for score in deciding)
        value = sum(s.weight * s.value for s in deciding) / weight if weight else 1.0
        failed = [_told(score) for score in scores if not score.passed]
        return Score(
            value=min(value, 1.0),  # a mean of ones may come out a rounding error above
            passed=None if self.by_score else all(score.passed for score in deciding),
            reason="; ".join(failed) if failed else f"all {len(scores)} passed",
        )


def _score(check: Prepared, evidence: Evidence) -> Score:
    """Judge; what only warns and cannot judge is not passed."""
    try:
        return check.score(evidence)
    except ScorerError as error:
        if check.severity != "warn":
            raise
        return check.unjudged(error)


def _entries(check: Any) -> dict[str, Any]:
    if isinstance(check, str):
        return {check: None}
    entries = getattr(check, "entries", check)
    if not isinstance(entries, dict):
        raise ValueError(f"a check is a mapping or a word, got {type(entries).__name__}")  # noqa: TRY004 (one kind of error for every bad argument)
    return entries


def _told(score: Score) -> str:
    return f"{score.check}: {score.reason}"
