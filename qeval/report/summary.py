"""One pass over a run: what the table and the top of the page say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from qeval.record import Group, Header, Outcome, Source, Trial
from qeval.report.marks import line
from qeval.stats.intervals import wilson
from qeval.value import Value

WORST = 10
"""Groups that did not pass which a summary names."""


class Cell(Value):
    """What a target did under a scenario, or what all did. Unknown is None, never 0."""

    groups: int = 0
    groups_passed: int = 0
    passed: int = 0
    failed: int = 0
    errored: int = 0
    refused: int = 0
    skipped: int = 0
    truncated: int = 0
    """A flag on judged trials, not an outcome of its own."""
    warned: int = 0
    """Checks of severity `warn` that did not pass."""
    input_tokens: float | None = None
    """Mean of a judged trial, over those that reported it."""
    output_tokens: float | None = None
    unreported: int = 0
    """Judged trials whose usage is not wholly known: they are missing from a mean."""
    overhead_share: float | None = None
    """Of the input tokens, what the user did not send: over judged trials that were counted."""
    reasoning_share: float | None = None
    """Of the output tokens, hidden reasoning: over judged trials that reported it."""
    cost: float | None = None
    """Of all trials whose cost is known, in `currency`; None: of none, or in several."""
    costless: int = 0
    """Judged trials whose cost is unknown, so that `cost` is at least that."""
    currency: str | None = None
    latency_p50_s: float | None = None
    """Median of judged trials; of an even number, the mean of the middle two."""

    @property
    def judged(self) -> int:
        """Trials that count for the rate."""
        return self.passed + self.failed

    @property
    def rate(self) -> float | None:
        """Passed / (passed + failed); None where neither is there."""
        return self.passed / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the rate (`wilson`)."""
        return wilson(self.passed, self.judged)

    @property
    def trials(self) -> int:
        """All trials, however they ended."""
        return self.judged + self.errored + self.refused + self.skipped


class Shortfall(Value):
    """A group that did not pass, and why in one line."""

    case: str
    target: str
    scenario: str
    outcome: Outcome
    because: str


class Summary(Value):
    """A run in numbers."""

    total: Cell
    cells: dict[tuple[str, str], Cell]
    """By target and scenario, in the suite's order."""
    targets: dict[str, Cell]
    """By target, over all scenarios."""
    scenarios: dict[str, Cell]
    """By scenario, over all targets."""
    short: tuple[Shortfall, ...]
    """The first groups that did not pass: failed ones, then errored, then refused."""
    short_total: int
    errors: dict[str, int]
    """Errored and refused trials by code, most frequent first."""

    @property
    def verdict(self) -> Outcome:
        """How the run ended in one word: the worst that happened to a group."""
        if self.short:
            return self.short[0].outcome
        return "passed" if self.total.groups_passed else "skipped"


class _Sums:
    """A cell in the making: sums, and latencies for the median."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.tokens = [0, 0]
        self.reported = [0, 0]
        self.latencies: list[float] = []
        self.overhead = [0, 0]
        """Tokens beside what was sent, of tokens billed; so is `reasoning` of the output."""
        self.reasoning = [0, 0]
        self.costs: dict[str | None, float] = {}
        """By currency."""

    def add(self, group: Group, currency: str | None = None) -> None:
        self.counts["groups"] += 1
        self.counts["groups_passed"] += group.outcome == "passed"
        for trial in group.trials:
            self.counts[trial.outcome] += 1
            if trial.cost is not None:
                self.costs[currency] = self.costs.get(currency, 0.0) + trial.cost
            if trial.outcome in {"passed", "failed"}:
                self._judged(trial)

    def _judged(self, trial: Trial) -> None:
        self.counts["truncated"] += trial.truncated
        self.counts["warned"] += warnings(trial)
        if trial.latency_s is not None:
            self.latencies.append(trial.latency_s)
        self.counts["costless"] += trial.cost is None
        self._shares(trial)
        used = (trial.usage.input_tokens, trial.usage.output_tokens)
        self.counts["unreported"] += None in used
        for side, count in enumerate(used):
            if count is not None:
                self.tokens[side] += count
                self.reported[side] += 1

    def _shares(self, trial: Trial) -> None:
        usage = trial.usage
        beside = None if trial.ledger is None else trial.ledger.overhead(usage)
        pairs = (
            (self.overhead, beside, usage.input_tokens),
            (self.reasoning, usage.reasoning_tokens, usage.output_tokens),
        )
        for sums, part, whole in pairs:
            if part is not None and whole is not None:
                sums[0] += part
                sums[1] += whole

    def cell(self) -> Cell:
        one = len(self.costs) == 1
        means = [t / n if n else None for t, n in zip(self.tokens, self.reported, strict=True)]
        return Cell(
            **self.counts,
            input_tokens=means[0],
            output_tokens=means[1],
            overhead_share=_share(self.overhead),
            reasoning_share=_share(self.reasoning),
            cost=next(iter(self.costs.values())) if one else None,
            currency=next(iter(self.costs)) if one else None,
            latency_p50_s=_median(self.latencies),
        )


class Tally:
    """A summary in the making: groups are added one at a time, and none of them is kept.

    Args:
        header: Of the run that the groups are of.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self._cells: dict[tuple[str, str], _Sums] = {}
        self._short: dict[Outcome, list[Shortfall]] = {"failed": [], "errored": [], "refused": []}
        self._ended: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._currencies = {target.name: target.currency for target in header.targets}

    def add(self, group: Group) -> None:
        """Count a group."""
        sums = self._cells.setdefault((group.target, group.scenario), _Sums())
        sums.add(group, self._currencies.get(group.target))
        self._ended[group.outcome] += 1
        if group.outcome in self._short and len(self._short[group.outcome]) < WORST:
            self._short[group.outcome].append(_shortfall(group))
        self._errors.update(trial.code for trial in group.trials if trial.code)

    def summary(self) -> Summary:
        """Return what was counted so far."""
        ordered = dict(_ordered(self._header, self._cells))
        short = self._short
        return Summary(
            total=_joined(ordered.values()),
            cells={key: sums.cell() for key, sums in ordered.items()},
            targets=_margin(ordered, 0),
            scenarios=_margin(ordered, 1),
            short=tuple([each for outcome in short for each in short[outcome]][:WORST]),
            short_total=sum(self._ended[outcome] for outcome in short),
            errors=dict(sorted(self._errors.items(), key=lambda item: (-item[1], item[0]))),
        )


def summarize(source: Source) -> Summary:
    """Walk a run once and return its summary; what is held does not grow with the answers."""
    tally = Tally(source.header)
    for group in source.groups():
        tally.add(group)
    return tally.summary()


def _shortfall(group: Group) -> Shortfall:
    return Shortfall(
        case=group.case,
        target=group.target,
        scenario=group.scenario,
        outcome=group.outcome,
        because=because(group),
    )


def _ordered(
    header: Header, cells: dict[tuple[str, str], _Sums]
) -> list[tuple[tuple[str, str], _Sums]]:
    """Order cells as the suite has its targets and scenarios."""
    targets = {setup.name: index for index, setup in enumerate(header.targets)}
    scenarios = {setup.name: index for index, setup in enumerate(header.scenarios)}
    return sorted(
        cells.items(),
        key=lambda item: (
            targets.get(item[0][0], len(targets)),
            scenarios.get(item[0][1], len(scenarios)),
            item[0],
        ),
    )


def _margin(cells: dict[tuple[str, str], _Sums], side: int) -> dict[str, Cell]:
    names = dict.fromkeys(key[side] for key in cells)
    return {
        name: _joined(sums for key, sums in cells.items() if key[side] == name) for name in names
    }


def _joined(parts: Iterable[_Sums]) -> Cell:
    whole = _Sums()
    for part in parts:
        whole.counts.update(part.counts)
        whole.latencies += part.latencies
        for side in (0, 1):
            whole.tokens[side] += part.tokens[side]
            whole.reported[side] += part.reported[side]
            whole.overhead[side] += part.overhead[side]
            whole.reasoning[side] += part.reasoning[side]
        for currency, cost in part.costs.items():
            whole.costs[currency] = whole.costs.get(currency, 0.0) + cost
    return whole.cell()


def _share(sums: list[int]) -> float | None:
    part, whole = sums
    return part / whole if whole else None


def _median(values: list[float]) -> float | None:
    # `statistics` takes longer to import than this run takes to report.
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def warnings(trial: Trial) -> int:
    """Return how many checks of severity `warn` a trial did not pass."""
    return sum(score.severity == "warn" and not score.passed for score in trial.scores)


def because(group: Group) -> str:
    """Say in one line why a group did not pass, from its first trial that did not.

    >>> trial = Trial(case="a", target="t", scenario="s", outcome="errored", error="timed out",
    ...               attempts=2)
    >>> because(Group(case="a", target="t", scenario="s", outcome="errored", passes="all",
    ...               trials=(trial,)))
    'after 2 attempts: timed out'
    """
    count = ""
    if len(group.trials) > 1:
        passed = sum(trial.outcome == "passed" for trial in group.trials)
        count = f"{passed} of {len(group.trials)} trials passed, {group.passes} needed; "
    first = next((t for t in group.trials if t.outcome == group.outcome), group.trials[0])
    # Of a miss both sides must be seen: what was recorded, and what is asked now.
    missed = (first.code or "").startswith("cassette_")
    return count + line(_why(first), 400 if missed else 160)


def _why(trial: Trial) -> str:
    if trial.error:
        tried = f"after {trial.attempts} attempts: " if trial.attempts > 1 else ""
        return tried + trial.error
    short = [s for s in trial.scores if s.severity == "fail" and not s.passed]
    return "; ".join(f"{score.check}: {score.reason}" for score in short) or trial.outcome
