"""What a run may cost, what it has cost, and the accounts that its trials are kept in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qeval import units
from qeval.errors import UsageError
from qeval.exchange import Answer
from qeval.loading.project import Project
from qeval.plan import Plan
from qeval.record import Setup, Trial
from qeval.session.preparing import Budget
from qeval.tokens.accounts import Accounts

if TYPE_CHECKING:
    from qeval.tokens.calibration import Alike, Fit


class Spending:
    """What the calls of a run took beside its budget. What is replayed takes nothing.

    Args:
        budget: The limits.
        targets: Those that are asked.

    Raises:
        UsageError: The cost is limited, and a price is unknown or in another currency.
    """

    def __init__(self, budget: Budget, targets: Sequence[Setup]) -> None:
        self._budget = budget
        self._currency = _currency(budget.cost, targets) if budget.cost is not None else None
        self._cost = 0.0
        self._tokens = 0
        self._calls = 0
        self._unknown: set[str] = set()
        """What some trial did not tell, so that a sum is the least it can be."""

    def add(self, trial: Trial, answer: Answer | None) -> None:
        """Take in a trial that has ended."""
        if answer is None or answer.replayed:
            return
        self._calls += trial.requests - 1 + trial.attempts
        if trial.cost is None:
            self._unknown.add("cost")
        self._cost += trial.cost or 0.0
        used = (trial.usage.input_tokens, trial.usage.output_tokens)
        if None in used:
            self._unknown.add("tokens")
        self._tokens += sum(count or 0 for count in used)

    def enough(self) -> bool:
        """Return whether a limit is reached, so that nothing more is to be asked."""
        return self._reached() is not None

    def told(self) -> str:
        """Say which limit was reached, and what was spent of it; '' where none was."""
        name = self._reached()
        if name is None:
            return ""
        least = "at least " if name in self._unknown else ""
        spent = self._shown(name, getattr(self, f"_{name}"))
        limit = self._shown(name, getattr(self._budget, name))
        return f"--max-{name}: spent {least}{spent} of {limit}"

    def _reached(self) -> str | None:
        budget = self._budget
        if budget.cost is not None and self._cost >= budget.cost:
            return "cost"
        if budget.tokens is not None and self._tokens >= budget.tokens:
            return "tokens"
        return "calls" if budget.calls is not None and self._calls >= budget.calls else None

    def _shown(self, name: str, value: float) -> str:
        if name == "cost":
            return units.money(value, self._currency)
        return f"{units.count(int(value))} {name}"


def _currency(limit: float | None, targets: Sequence[Setup]) -> str | None:
    for target in targets:
        if target.currency is None:
            name = f'"{target.model or target.name}"'
            raise UsageError(
                f"--max-cost {limit:g}: the price of target {target.name!r} is unknown",
                hint=f"give it in pyproject.toml, as [tool.qeval.models.{name}.price]",
            )
    currencies = sorted({target.currency or "" for target in targets})
    if len(currencies) > 1:
        raise UsageError(
            f"--max-cost {limit:g}: the targets have prices in {' and '.join(currencies)}",
            hint="run the targets of each currency apart: --target NAME",
        )
    return currencies[0] if currencies else None


def accounts(project: Project, plan: Plan, *, always: bool) -> Accounts:
    """Return who keeps the accounts of a run.

    Where a check looks at ledgers, the suite's baseline is read for what its bills had beside
    their prediction.

    Raises:
        StoreError: The baseline is damaged.
    """
    looked_at = any(check.needs_ledger for group in plan.groups for check in group.checks)
    learned = _learned(project, plan) if looked_at else {}
    return Accounts(project.root, always=always, learned=learned)


def _learned(project: Project, plan: Plan) -> Mapping[Alike, Fit]:
    from qeval.store import Baseline, baseline_path
    from qeval.tokens.calibration import learn

    path = baseline_path(project.reports, plan.suite_id)
    if not path.is_file():
        return {}
    baseline = Baseline(path)
    return learn(baseline.groups(), baseline.header.targets)
