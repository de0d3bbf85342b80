"""What a comparison is made of. Rates and differences are fractions: 0.05 is five points.

A is the reference, B the side judged against it; a difference above 0 means that B is better.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from qeval.value import Value

By: TypeAlias = Literal["run", "target", "scenario"]
"""The side that is compared; all else of a `TrialKey` joins."""
Word: TypeAlias = Literal["better", "same", "worse", "undecided", "not_comparable"]
State: TypeAlias = Literal["paired", "new", "gone", "lost", "not_comparable"]
"""new, gone: planned on one side only; lost: planned on both, judged on fewer than two."""
Reading: TypeAlias = Literal["suite", "cases"]

DEFAULT_MARGIN = 0.05
CASE_MARGIN = 0.20
TOLERANCES: dict[str, float] = {
    "input_tokens": 0.0,
    "output_tokens": 0.02,
    "cost": 0.02,
    "latency": 0.10,
}
"""Measure → the largest relative change that does not matter (verdicts.md section 0)."""


class Settings(Value):
    """How to judge; the defaults are those of verdicts.md section 0."""

    alpha: float = 0.05
    """Of each family, two-sided for better and worse; of each of the two tests of same."""
    margin: float | None = None
    """Overall and slices; None: 0.05, and 0 where all groups are facts."""
    reading: Reading | None = None
    """None: `suite` for run against run, else `cases`."""
    max_errors: float = 0.05
    """Share of planned trials errored or lost, on either side, above which all is undecided."""
    cluster: str | None = None
    """A key of a case such as `vars.document`, or `tag:PREFIX`: cases with the same value hang
    together."""
    min_cases: int = 6
    tolerances: dict[str, float] = {}
    """Over `TOLERANCES`."""


class Verdict(Value):
    """One judgement, with what it rests on. What cannot be computed is None."""

    word: Word
    sentence: str
    """The judgement as it is said (verdicts.md section 14), whole, without a full stop's need of
    context."""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    """The 1 − alpha interval, unadjusted."""
    p: float | None = None
    p_same: float | None = None
    margin: float | None = None
    reading: Reading | None = None
    facts: bool = False
    """Every pair behind it is a fact: no interval, no p."""
    cases: int = 0
    """Paired groups behind it."""
    trials: tuple[int, int] = (0, 0)
    """Judged trials of A and of B."""
    passed: tuple[int, int] = (0, 0)


class Slice(Value):
    """A verdict over some of the groups."""

    kind: Literal["tag", "cell", "target", "scenario"]
    name: str
    """The tag; of a cell, `target × scenario`."""
    verdict: Verdict
    target: str | None = None
    scenario: str | None = None


class Change(Value):
    """One group on both sides: a case under what the two columns share."""

    case: str
    target: str | None
    """None where targets are the side compared."""
    scenario: str | None
    state: State
    word: Word | None = None
    """None unless paired or not comparable."""
    tags: tuple[str, ...] = ()
    where: str = ""
    passed: tuple[int, int] = (0, 0)
    judged: tuple[int, int] = (0, 0)
    planned: tuple[int, int] = (0, 0)
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    """Newcombe's 95 % interval of this case alone."""
    p: float | None = None
    fact: bool = False
    flip: bool = False
    """Another recording on either side, one trial each, and the outcome differs."""
    why: str = ""
    """One line: `5 of 5 → 0 of 5, worse (p = 0.004, one of 1 testable)`, or what changed."""

    @property
    def name(self) -> str:
        """`case`, with target and scenario where they are not the side compared."""
        place = "-".join(part for part in (self.scenario, self.target) if part)
        return f"{self.case}[{place}]" if place else self.case


class Measured(Value):
    """A verdict on a measure: tokens, cost, latency, or a diversity of answers."""

    name: str
    """`input_tokens`, `output_tokens`, `cost`, `latency`, `token_drift`, `agreement` …"""
    unit: str
    """`tokens`, a currency, `s`, or '' for a share."""
    word: Word | None
    """None: shown, not judged (too few cases, or latencies that were not both live)."""
    sentence: str
    higher_is_worse: bool = True
    ratio: float | None = None
    difference: float | None = None
    """Where ratios make no sense: in the unit."""
    low: float | None = None
    high: float | None = None
    """Of the ratio, or of the difference."""
    p: float | None = None
    mean: tuple[float | None, float | None] = (None, None)
    """Per judged trial, of A and of B; of latency, the median."""
    total: tuple[float | None, float | None] = (None, None)
    """Sums of what was billed; None with an unknown part."""
    cases: int = 0
    fact: bool = False


class Environment(Value):
    """Something that differs between the columns besides the answers."""

    what: str
    """`model as reported by qwen-plus`, `suite digest`, `scenario story: temperature` …"""
    a: str
    b: str


class Drift(Value):
    """A change of the part of the bill that the template does not explain."""

    group: str
    """`qwen-plus, chat, thinking off, no tools, text`."""
    kind: Literal["constant", "partial", "proportional", "irregular"]
    upwards: bool
    sentence: str
    """`constant 0 → 40 on 38 of 38 requests`."""
    a: float | None = None
    b: float | None = None
    affected: int = 0
    requests: int = 0


class Against(Value):
    """One column judged against the first."""

    column: int
    """Its number, from 1."""
    headline: Verdict
    slices: tuple[Slice, ...] = ()
    changes: tuple[Change, ...] = ()
    """Every group of either side, in the suite's order."""
    suspects: tuple[int, ...] = ()
    """Numbers of changes that got worse or might have, the worst first; better ones are not
    among them."""
    measures: tuple[Measured, ...] = ()
    environment: tuple[Environment, ...] = ()
    drifts: tuple[Drift, ...] = ()
    errors: tuple[float, float] = (0.0, 0.0)
    """Share of planned trials that errored or were lost, of A and of B."""
    counts: dict[str, int] = {}
    """Changes by word, and by state for those without one."""
    notes: tuple[str, ...] = ()


class Side(Value):
    """What a column shows at its head."""

    letter: str
    """A, B, C …"""
    label: str
    """What tells it from the others: a run's name, a target, a scenario."""
    run: str
    """Id of its run; `baseline` for a baseline."""
    date: str = ""
    """Of its recordings, `2026-11-22`."""


class Comparison(Value):
    """Columns 2 to 8, each judged against the first."""

    suite: str
    by: By
    sides: tuple[Side, ...]
    against: tuple[Against, ...]
    settings: Settings = Settings()
