"""What trials took: tokens item by item, cost, and how long they kept one waiting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qeval.record import Group, Header, Trial

ITEMS = ("text", "markup", "tools", "media", "unexplained", "input", "output")
"""Parts of a bar. `input` stands for the first five where the input is not accounted for."""
_STEPS = 100
"""Points of a curve."""


class Spent(NamedTuple):
    """What the judged trials of a target took."""

    target: str
    items: dict[str, float | None]
    """Item → mean tokens of a judged trial; None: unknown. In the order of `ITEMS`."""
    input_tokens: float | None
    cost: float | None
    """Mean of a judged trial; None where one is unknown."""
    currency: str | None
    priced: str | None
    trials: int


class _Means:
    """Sums of one target."""

    def __init__(self) -> None:
        self.trials = 0
        self.sums = dict.fromkeys(ITEMS, 0)
        self.known = dict.fromkeys(ITEMS, 0)
        self.cost = 0.0
        self.costed = 0

    def add(self, trial: Trial) -> None:
        self.trials += 1
        usage = trial.usage
        self._count("input", usage.input_tokens)
        self._count("output", usage.output_tokens)
        if trial.cost is not None:
            self.cost += trial.cost
            self.costed += 1
        ledger = trial.ledger
        if ledger is not None and usage.input_tokens is not None:
            beside = ledger.unexplained(usage)
            if beside is None or ledger.wording is None:
                return
            media = usage.input_tokens - ledger.wording - beside
            parts = (ledger.text, ledger.markup, ledger.tools, media, beside)
            for name, count in zip(ITEMS, parts, strict=False):
                self._count(name, count)

    def _count(self, name: str, count: int | None) -> None:
        if count is not None:
            self.sums[name] += count
            self.known[name] += 1

    def mean(self, name: str) -> float | None:
        known = self.known[name]
        return self.sums[name] / known if known else None

    def items(self) -> dict[str, float | None]:
        accounted = self.known["text"] and self.known["text"] == self.known["input"]
        left_out = {"input"} if accounted else set(ITEMS[:5])
        return {name: self.mean(name) for name in ITEMS if name not in left_out}


class Spending:
    """What a column's trials took, in the making."""

    def __init__(self, header: Header) -> None:
        self._setups = {setup.name: setup for setup in header.targets}
        self._means: dict[str, _Means] = {}
        self._latencies: list[float] = []

    def add(self, group: Group) -> None:
        """Count the judged trials of a group."""
        means = self._means.get(group.target)
        if means is None:
            means = self._means[group.target] = _Means()
        for trial in group.trials:
            if trial.outcome in {"passed", "failed"}:
                means.add(trial)
                if trial.latency_s is not None:
                    self._latencies.append(trial.latency_s)

    def spent(self) -> list[Spent]:
        """Return what each target took, in the suite's order."""
        order = {name: number for number, name in enumerate(self._setups)}
        found = sorted(
            self._means.items(), key=lambda item: (order.get(item[0], len(order)), item[0])
        )
        return [self._spent(target, means) for target, means in found]

    def _spent(self, target: str, means: _Means) -> Spent:
        setup = self._setups.get(target)
        return Spent(
            target=target,
            items=means.items(),
            input_tokens=means.mean("input"),
            cost=means.cost / means.trials if means.costed == means.trials > 0 else None,
            currency=setup.currency if setup else None,
            priced=setup.priced if setup else None,
            trials=means.trials,
        )

    def curve(self) -> list[float]:
        """Return the latencies at equal steps of share, from the least to the longest, in s."""
        ordered = sorted(self._latencies)
        if len(ordered) <= _STEPS:
            return ordered
        return [quantile(ordered, step / _STEPS) for step in range(_STEPS + 1)]

    def quantiles(self) -> tuple[float, float, float] | None:
        """Return the median, the 90 % and the 99 % quantile in s; None without a latency."""
        if not self._latencies:
            return None
        ordered = sorted(self._latencies)
        return quantile(ordered, 0.5), quantile(ordered, 0.9), quantile(ordered, 0.99)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of sorted numbers, between neighbours where it falls there.

    Source:
        Hyndman, R. J., and Fan, Y. (1996). Sample quantiles in statistical packages. The American
        Statistician 50, 361-365; definition 7, whose 50 % is the median.

    >>> quantile([1.0, 2.0, 4.0], 0.5), quantile([1.0, 2.0], 0.75)
    (2.0, 1.75)
    """
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
