"""What a run leaves behind: scores, trials, and the run itself."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from qeval.exchange import Message, Params, Request, Response, ToolCall, Usage
from qeval.value import Json, Value

Outcome: TypeAlias = Literal["passed", "failed", "errored", "refused", "skipped"]
Severity: TypeAlias = Literal["fail", "warn"]
Method: TypeAlias = Literal["exact", "model", "estimate"]
"""How tokens were counted: with the model's own vocabulary and a proven template; with the right
template and another vocabulary; by the script of the text alone."""

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


class Ledger(Value):
    """Tokens as they are counted here, item by item; what was billed is in `Usage`.

    The items of the input are predicted, before anything is sent.

    Each is a whole number of tokens. None: not known, and then `predicted` is not known either.
    """

    method: Method = "estimate"
    text: int | None = 0
    """What the user wrote, in all messages."""
    markup: int | None = 0
    """What the chat template puts around the messages, the generation suffix included."""
    tools: int | None = 0
    """Definitions of tools, with the text around them."""
    media: int | None = 0
    """Images and video."""
    answer: int | None = None
    """Of the output: the answer's text and calls, without reasoning. None: not counted."""
    traits: tuple[str, ...] = ()
    """What of the request makes the service add text of its own: of `thinking`, `tools`, `json`,
    `schema`, `search`, in this order. Residuals compare where they are equal."""

    @property
    def predicted(self) -> int | None:
        """The sum of the items; None where one is unknown."""
        items = (self.text, self.markup, self.tools, self.media)
        known = [item for item in items if item is not None]
        return sum(known) if len(known) == len(items) else None

    def residual(self, billed: int | None) -> int | None:
        """Return billed minus predicted input tokens; None where either is unknown."""
        if billed is None or self.predicted is None:
            return None
        return billed - self.predicted

    @property
    def wording(self) -> int | None:
        """The predicted tokens that are no media; None where one of them is unknown."""
        items = (self.text, self.markup, self.tools)
        known = [item for item in items if item is not None]
        return sum(known) if len(known) == len(items) else None

    def unexplained(self, usage: Usage) -> int | None:
        """Return billed minus predicted input tokens, media taken out of both; None if unknown."""
        media = self._media(usage)
        if usage.input_tokens is None or media is None or self.wording is None:
            return None
        return usage.input_tokens - media - self.wording

    def overhead(self, usage: Usage) -> int | None:
        """Return the tokens billed beside what the user sent, at least 0; None if unknown.

        They are the template's markup and what the service added; tools and media were sent.
        """
        media = self._media(usage)
        if usage.input_tokens is None or None in (self.text, self.tools, media):
            return None
        sent = (self.text or 0) + (self.tools or 0) + (media or 0)
        return max(usage.input_tokens - sent, 0)

    def output_overhead(self, usage: Usage) -> int | None:
        """Return the output tokens billed beside answer and reasoning; None if unknown.

        They are marks such as those around reasoning. Where no reasoning is reported, it is none.
        """
        if usage.output_tokens is None or self.answer is None:
            return None
        return usage.output_tokens - (usage.reasoning_tokens or 0) - self.answer

    def _media(self, usage: Usage) -> int | None:
        """Return the media tokens as billed, else as predicted."""
        billed = (usage.image_tokens, usage.video_tokens, usage.audio_tokens)
        if billed == (None, None, None):
            return self.media
        return sum(count or 0 for count in billed)


class Evidence(Value):
    """All that a scorer may look at. What is absent is None."""

    request: Request
    response: Response
    value: Json = None
    """What is judged: the answer after the check's `of` and `extract`; text, or JSON."""
    latency_s: float | None = None
    first_token_s: float | None = None
    ledger: Ledger | None = None
    cost_usd: float | None = None
    baseline_residual: float | None = None
    """Tokens that the baseline's bills had beside their prediction, for requests like this one."""
    case: str = ""
    vars: dict[str, Json] = {}
    context: tuple[dict[str, Json], ...] = ()
    """Documents, each `{text, title, index}`."""
    blocked: str | None = None
    """What the service said when its moderation blocked the question; then `response` is empty."""


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
    earlier: tuple[str, ...] = ()
    """What the model said in the turns before, in order."""
    calls: tuple[ToolCall, ...] = ()
    """Every call of a tool in the trial."""
    requests: int = 1
    """Requests that it took; usage, cost and latency are their sums. Of a trial that errored or was
    blocked, usage and cost are those of the requests that were answered."""
    answer: str | None = None
    """16 hex digits over the answer, where a baseline kept them instead of its text."""
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    ledger: Ledger | None = None
    cost: float | None = None
    """In the currency of the target's `Setup`; None: unknown, never zero."""
    request: str | None = None
    """16 hex digits over the body that was sent."""
    recording: str | None = None
    """16 hex digits over request, answer and date: equal where it is the same recording."""
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

    @property
    def score(self) -> float | None:
        """The weighted mean of what its checks of severity `fail` gave, in [0, 1]; None without.

        It compares trials and decides nothing (suites.md section 10).
        """
        counted = [(s.value, s.weight) for s in self.scores if s.severity == "fail" and s.weight]
        total = sum(weight for _, weight in counted)
        return sum(value * weight for value, weight in counted) / total if total else None


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
    vars: dict[str, Json] = {}
    """Short values that its templates saw: what cases can be clustered by."""


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
    deterministic: bool = False
    """The user says of this target: equal requests get equal answers."""
    currency: str | None = None
    """Of this target's prices, such as `USD`; None: it has none."""
    priced: str | None = None
    """Source and date of the prices."""


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


class Source(Protocol):
    """A run as comparisons and reports read it: a stored run, or a baseline."""

    header: Header
    asked: dict[tuple[str, str | None], Asked]
    """By case and, where the messages differ between scenarios, scenario; else None."""

    def groups(self) -> Iterator[Group]:
        """Yield every group in plan order; can be called again."""
        ...


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
