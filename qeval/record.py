"""What a run leaves behind: scores, trials, and the run itself."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from qeval.exchange import Message, Params, Request, Response, Usage
from qeval.value import Json, Value

Outcome: TypeAlias = Literal["passed", "failed", "errored", "refused", "skipped"]
Severity: TypeAlias = Literal["fail", "warn"]

SCHEMA = 1
"""Version of the run file. A reader refuses what it does not know."""


class Score(Value):
    """What a scorer returns: a value in [0, 1], higher is better, passed or not, and why.

    The scorer sets `value`, `passed` and `reason`; the rest is filled in from the
    check around it. `passed` None: `value` decides by the check's threshold.
    """

    value: float
    reason: str = ""
    passed: bool | None = None
    check: str = ""
    """The check's `name`, or its content, such as `contains 'Paris'`."""
    severity: Severity = "fail"
    weight: float = 1.0
    version: int = 1
    """The scorer's version: scores of different versions do not compare."""


class Evidence(Value):
    """All that a scorer may look at. What is absent is None."""

    request: Request
    response: Response
    value: Json = None
    """What is judged: the answer after the check's `of` and `extract`; text, or JSON."""
    latency_s: float | None = None
    first_token_s: float | None = None
    ledger: Json = None
    cost_usd: float | None = None
    case: str = ""
    vars: dict[str, Json] = {}
    context: tuple[dict[str, Json], ...] = ()
    """Documents, each `{text, title, index}`."""


class TrialKey(Value, order=True):
    """Which asking: by case, target, scenario, and number from 0."""

    case: str
    target: str
    scenario: str
    trial: int = 0


class Trial(Value, tag="trial", tag_field="type"):
    """How one trial ended, as a line of the run file."""

    case: str
    target: str
    scenario: str
    outcome: Outcome
    trial: int = 0
    scores: tuple[Score, ...] = ()
    text: str = ""
    """The answer that was judged."""
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    model: str | None = None
    """As the endpoint reports it, where it differs from the model asked for."""
    latency_s: float | None = None
    first_token_s: float | None = None
    attempts: int = 1
    truncated: bool = False
    error: str | None = None
    """Why there is no answer to judge; `code` is its short name for counting."""
    code: str | None = None

    @property
    def key(self) -> TrialKey:
        """The trial's place in the run."""
        return TrialKey(
            case=self.case, target=self.target, scenario=self.scenario, trial=self.trial
        )


class Asked(Value, tag="case", tag_field="type"):
    """What a case asked and where it is written, as a line of the run file.

    `scenario` is None where the messages are the same under every scenario.
    """

    case: str
    scenario: str | None = None
    messages: tuple[Message, ...] = ()
    tags: tuple[str, ...] = ()
    digest: str = ""
    """16 hex digits over messages and checks: two runs compare where it is equal."""
    where: str = ""
    """`suites/facts.yaml:14`, relative to the project's root."""
    description: str | None = None
    skip: str | None = None
    passes: str | None = None
    """The case's own pass rule, where it differs from the scenario's."""


class Setup(Value):
    """A target or scenario as it was used, for reports."""

    name: str
    model: str | None = None
    dialect: str | None = None
    params: Params = Params()
    vars: dict[str, Json] = {}
    trials: int = 1
    passes: str = "all"
    source: str | None = None
    """Where a preset comes from."""
    description: str | None = None


class Header(Value, tag="run", tag_field="type"):
    """The first line of a run file: what was run, with what, and where the answers come from."""

    qeval: str
    id: str
    suite: str
    mode: str
    suite_digest: str
    schema: int = msgspec.field(default_factory=lambda: SCHEMA)  # a factory: always written
    description: str | None = None
    cassette_digest: str | None = None
    """Over all cassettes that answered, in order; None in mode `live`."""
    targets: tuple[Setup, ...] = ()
    scenarios: tuple[Setup, ...] = ()
    sources: tuple[str, ...] = ()
    """Who answered: provider aliases, `simulator`."""
    recorded_from: str | None = None
    """Time of the oldest and the newest answer, UTC."""
    recorded_to: str | None = None
    options: dict[str, Json] = {}
    """What the command line narrowed or overrode."""
    complete: bool = True
    """False while the run is under way, and for ever if it was interrupted."""
    planned: int = 0
    """Trials planned."""
    notes: tuple[str, ...] = ()
    """Warnings that a reader of the report should know."""


class Group(Value):
    """All trials of a case under one scenario and target, and whether it passed by its rule."""

    case: str
    target: str
    scenario: str
    outcome: Outcome
    passes: str
    trials: tuple[Trial, ...]


class Run(Value):
    """One execution of a suite, read back whole."""

    header: Header
    cases: tuple[Asked, ...]
    trials: tuple[Trial, ...]


def needed(passes: str, trials: int) -> int:
    """Return how many of `trials` must pass under a pass rule (suites.md section 10).

    Args:
        passes: `all`, `any`, a share such as `80%`, or `4/5`.
        trials: Trials that count, at least 1.

    Returns:
        At least 1, at most `trials`: the share of the trials, rounded up.

    Raises:
        ValueError: `passes` is not a pass rule.

    >>> [needed(rule, 5) for rule in ("all", "any", "80%", "4/5", "70%")]
    [5, 1, 4, 4, 4]
    """
    if passes == "all":
        return trials
    if passes == "any":
        return 1
    if match := re.fullmatch(r"(\d+)/(\d+)", passes):
        part, whole = int(match[1]), int(match[2])
    elif match := re.fullmatch(r"(\d+)%", passes):
        part, whole = int(match[1]), 100
    else:
        raise ValueError(f"{passes!r} is not a pass rule: all, any, 4/5 or 80%")
    if not 0 < part <= whole:
        raise ValueError(f"{passes!r} is not a pass rule: all, any, 4/5 or 80%")
    return max(1, math.ceil(part * trials / whole))


def decide(passes: str, outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of a group from the outcomes of its trials (suites.md section 10).

    Skipped and refused trials leave the count. Passed if enough passed; failed if even
    the errored ones could not make it enough; else errored, because it is not known.

    >>> decide("4/5", ["passed", "passed", "passed", "passed", "errored"])
    'passed'
    >>> decide("4/5", ["passed", "passed", "passed", "failed", "errored"])
    'errored'
    """
    counted = [o for o in outcomes if o not in {"skipped", "refused"}]
    if not counted:
        return "refused" if "refused" in outcomes else "skipped"
    need = needed(passes, len(counted))
    passed = counted.count("passed")
    if passed >= need:
        return "passed"
    return "failed" if passed + counted.count("errored") < need else "errored"
