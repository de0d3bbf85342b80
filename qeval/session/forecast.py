"""What a suite will take before anything is asked, and what its recordings say of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from qeval.exchange import Answer, Response, Usage
from qeval.models import Price
from qeval.plan import PlannedGroup
from qeval.record import Group, Method, Setup, Trial
from qeval.session.running import Options, Session
from qeval.tokens.calibration import Alike, Fit, learn
from qeval.tokens.ledger import Ledgers, thinks
from qeval.tokens.prices import cost
from qeval.tokens.templates import Tally
from qeval.tokens.vocabulary import weakest
from qeval.value import Value


class Share(Value):
    """What one target is asked under one scenario. Tokens are of all trials together."""

    target: str
    scenario: str
    trials: int
    method: Method
    input_tokens: int | None = None
    """Predicted; None where a picture or a video is of unknown size."""
    overhead_tokens: int | None = None
    """Of the input, what the template puts around texts, tools and media."""
    most_output_tokens: int | None = None
    """By the limits that are sent; None: a request has none."""
    least_cost: float | None = None
    """Of the input alone, nothing of it cached."""
    most_cost: float | None = None
    currency: str | None = None
    over: tuple[str, ...] = ()
    """Cases whose prompt and answer may be longer than the model's context window."""


class Residual(Value):
    """How far predictions were from what was billed, over recorded requests."""

    dialect: str
    trials: int
    mean_absolute: float
    """Tokens a request."""


class Forecast(Value):
    """A whole plan in tokens, money and minutes."""

    suite: str
    trials: int
    shares: tuple[Share, ...]
    minutes: float | None = None
    """At the limits given; targets are asked at the same time."""
    residuals: tuple[Residual, ...] = ()
    learned: tuple[tuple[Alike, Fit], ...] = ()
    warnings: tuple[str, ...] = ()


class Limits(Value):
    """What a service allows a minute, of each target. None: no limit."""

    requests: int | None = None
    tokens: int | None = None


def forecast(suite: str | Path, options: Options, limits: Limits) -> Forecast:
    """Return what a suite will take, and compare with its recordings where there are some.

    Of conversations and tool loops only the first request is known before it is asked.

    Raises:
        UsageError: The suite or a setting is wrong.
    """
    session = Session(suite, options)
    counting = session.accounts.ledgers
    plan = session.plan
    counted = _counted(plan.groups, counting)
    places: dict[tuple[str, str], list[_Counted]] = {}
    for one in counted:
        places.setdefault((one.group.target_id, one.group.scenario.name), []).append(one)
    shares = tuple(map(_share, places.values()))
    warnings = [*plan.warnings, *counting.warnings]
    if any(len(g.case.script.turns) > 1 or g.case.script.tools for g in plan.groups):
        warnings.append("of conversations and tool loops only the first request is counted")
    recorded = _recorded(session)
    return Forecast(
        suite=plan.suite_id,
        trials=plan.trials_total,
        shares=shares,
        minutes=_minutes(shares, limits),
        residuals=tuple(_residuals(recorded, plan.targets)),
        learned=tuple(learn(recorded, plan.targets).items()),
        warnings=tuple(warnings),
    )


class _Counted(Value):
    """A group with the tokens of one of its requests."""

    group: PlannedGroup
    tally: Tally
    thinks: bool
    output: int | None

    @property
    def price(self) -> Price | None:
        return None if self.group.model is None else self.group.model.price

    def total(self, each: int | None) -> int | None:
        """Return a count of one request for all trials."""
        return None if each is None else each * self.group.trials

    def cost(self, output: int | None) -> float | None:
        """Return what all trials cost with so much output each."""
        usage = Usage(input_tokens=self.tally.tokens, output_tokens=output)
        each = cost(self.price, Response(usage=usage), thinks=self.thinks)
        return None if each is None else each * self.group.trials

    def too_long(self) -> bool:
        """Whether prompt and answer may be longer than the context window, where it is known."""
        window = None if self.group.model is None else self.group.model.context_tokens
        tokens = self.tally.tokens
        return window is not None and tokens is not None and tokens + (self.output or 0) > window


def _counted(groups: Iterable[PlannedGroup], counting: Ledgers) -> list[_Counted]:
    found = []
    for group in groups:
        if group.case.skip is not None:
            continue
        request = group.request(0)
        tally = counting.tally(request, group.model)
        thinking = thinks(request, group.model)
        output = request.params.max_output_tokens
        found.append(_Counted(group=group, tally=tally, thinks=thinking, output=output))
    return found


def _share(counted: Sequence[_Counted]) -> Share:
    first = counted[0]
    inputs = [c.total(c.tally.tokens) for c in counted]
    marks = [c.total(c.tally.of("overhead", "generation")) for c in counted]
    return Share(
        target=first.group.target_id,
        scenario=first.group.scenario.name,
        trials=sum(c.group.trials for c in counted),
        method=weakest(c.tally.method for c in counted),
        input_tokens=_whole(inputs),
        overhead_tokens=_whole(marks),
        most_output_tokens=_whole([c.total(c.output) for c in counted]),
        least_cost=_sum([c.cost(0) for c in counted]),
        most_cost=_sum([c.cost(c.output) for c in counted]),
        currency=None if first.price is None else first.price.currency,
        over=tuple(c.group.case.id for c in counted if c.too_long()),
    )


def _minutes(shares: Iterable[Share], limits: Limits) -> float | None:
    """Return how long the slowest target takes; None without a limit, or where it is unknown."""
    trials: Counter[str] = Counter()
    tokens: dict[str, int | None] = {}
    for share in shares:
        trials[share.target] += share.trials
        billed = _whole([share.input_tokens, share.most_output_tokens or 0])
        tokens[share.target] = _whole([tokens.get(share.target, 0), billed])
    taken: list[float | None] = []
    if limits.requests is not None:
        taken += [count / limits.requests for count in trials.values()]
    if limits.tokens is not None:
        most = limits.tokens
        taken += [None if count is None else count / most for count in tokens.values()]
    known = [minutes for minutes in taken if minutes is not None]
    return max(known) if known and len(known) == len(taken) else None


def _recorded(session: Session) -> list[Group]:
    """Replay what is recorded, without judging it; what is not there is left out."""
    if not (session.project.cassettes / session.loaded.id).is_dir():
        return []
    groups = [msgspec.structs.replace(group, checks=()) for group in session.plan.groups]
    ended: dict[int, list[Trial]] = {}

    def keep(number: int, _group: PlannedGroup, trial: Trial, _answer: Answer | None) -> None:
        ended.setdefault(number, []).append(trial)

    session.runner(keep).run(enumerate(groups))
    return [
        Group(
            case=groups[number].case.id,
            target=groups[number].target_id,
            scenario=groups[number].scenario.name,
            outcome="passed",
            passes="all",
            trials=tuple(trials),
        )
        for number, trials in ended.items()
    ]


def _residuals(groups: Iterable[Group], targets: Iterable[Setup]) -> Iterable[Residual]:
    dialects = {target.name: target.dialect or "chat" for target in targets}
    found: dict[str, list[int]] = {}
    for group in groups:
        for trial in group.trials:
            residual = None if trial.ledger is None else trial.ledger.unexplained(trial.usage)
            if residual is not None:
                found.setdefault(dialects.get(group.target, "chat"), []).append(abs(residual))
    for dialect, all_of_them in sorted(found.items()):
        mean = sum(all_of_them) / len(all_of_them)
        yield Residual(dialect=dialect, trials=len(all_of_them), mean_absolute=mean)


def _whole(counts: Iterable[int | None]) -> int | None:
    every = list(counts)
    known = [count for count in every if count is not None]
    return sum(known) if len(known) == len(every) else None


def _sum(parts: Iterable[float | None]) -> float | None:
    every = list(parts)
    known = [part for part in every if part is not None]
    return sum(known) if len(known) == len(every) else None
