"""What a run may cost, what it has cost, and the accounts that its trials are kept in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from qeval import units
from qeval.dialects.errors import Read
from qeval.errors import LimitError, QevalError, UsageError
from qeval.exchange import Answer, Place, Response, Wire
from qeval.loading.project import Project
from qeval.models import Price
from qeval.plan import Plan, PlannedGroup
from qeval.session.preparing import Budget
from qeval.tokens.accounts import Accounts
from qeval.tokens.prices import cost
from qeval.transport.base import Transport

if TYPE_CHECKING:
    from qeval.tokens.calibration import Alike, Fit


class Spending:
    """What live calls took beside a budget. What is replayed takes nothing.

    Args:
        budget: The limits.
        option: How the names of the options begin that set them, for messages.
    """

    def __init__(self, budget: Budget, option: str = "--max-") -> None:
        self._budget = budget
        self._option = option
        self._prices: dict[str, Price] = {}
        """Of each target that is asked, by its id."""
        self._cost = 0.0
        self._tokens = 0
        self._calls = 0
        self._unknown: set[str] = set()
        """What some answer did not tell, so that a sum is the least it can be."""

    def expect(self, groups: Iterable[PlannedGroup]) -> None:
        """Take note of whom will be asked.

        Raises:
            UsageError: The cost is limited, and a price is unknown or in another currency.
        """
        if self._budget.cost is None:
            return
        for group in groups:
            if group.target_id not in self._prices:
                self._prices[group.target_id] = self._price(group)

    def _price(self, group: PlannedGroup) -> Price:
        limit, price = f"{self._option}cost {self._budget.cost:g}", None
        if group.model is not None:
            price = group.model.price
        if price is None:
            name = f'"{group.target.model or group.target_id}"'
            hint = f"give it in pyproject.toml, as [tool.qeval.models.{name}.price]"
            if callable(group.target.python):
                others = " or ".join(f"{self._option}{name}" for name in ("calls", "tokens"))
                hint = f"whom a function asks is not known: use {others}"
            raise UsageError(
                f"{limit}: the price of target {group.target_id!r} is unknown", hint=hint
            )
        currencies = sorted({price.currency, *(one.currency for one in self._prices.values())})
        if len(currencies) > 1:
            raise UsageError(
                f"{limit}: the targets have prices in {' and '.join(currencies)}",
                hint="run the targets of each currency apart: --target NAME",
            )
        return price

    def leave(self) -> None:
        """Count a call that is about to be made.

        Raises:
            LimitError: It must not be.
        """
        if self.enough():
            raise LimitError(f"not asked: {self.told()}")
        self._calls += 1

    def stay(self) -> None:
        """Take back a call that was not made after all: what is replayed takes nothing."""
        self._calls -= 1

    def brought(self, target_id: str, answer: Answer, read: Read) -> None:
        """Count what an answer was billed; read only where tokens or cost are limited."""
        if self._budget.tokens is None and self._budget.cost is None:
            return
        try:
            response = read(answer)
        except QevalError as error:
            if not 200 <= answer.status < 300:
                return  # errors are not billed
            response = getattr(error, "partial", None) or Response()
        self._add(target_id, response)

    def _add(self, target_id: str, response: Response) -> None:
        used = (response.usage.input_tokens, response.usage.output_tokens)
        if None in used:
            self._unknown.add("tokens")
        self._tokens += sum(count or 0 for count in used)
        thinks = bool(response.reasoning or response.usage.reasoning_tokens)
        spent = cost(self._prices.get(target_id), response, thinks=thinks)
        if spent is None:
            self._unknown.add("cost")
        self._cost += spent or 0.0

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
        return f"{self._option}{name}: spent {least}{spent} of {limit}"

    def _reached(self) -> str | None:
        budget = self._budget
        if budget.cost is not None and self._cost >= budget.cost:
            return "cost"
        if budget.tokens is not None and self._tokens >= budget.tokens:
            return "tokens"
        return "calls" if budget.calls is not None and self._calls >= budget.calls else None

    def _shown(self, name: str, value: float) -> str:
        if name == "cost":
            currencies = [price.currency for price in self._prices.values()]
            return units.money(value, currencies[0] if currencies else None)
        return f"{units.count(int(value))} {name}"


class Metered:
    """Makes no call beyond a budget, and counts what each brings.

    It stands where a call leaves: below retries and the line of those that wait.

    Args:
        inner: Who answers.
        spending: What may be spent.
        target_id: Whose price counts.
        read: How the target's dialect reads an answer.
    """

    def __init__(self, inner: Transport, spending: Spending, target_id: str, read: Read) -> None:
        self.immediate = inner.immediate
        self.alone = getattr(inner, "alone", False)
        self._inner = inner
        self._spending = spending
        self._target_id = target_id
        self._read = read

    async def send(self, wire: Wire, place: Place) -> Answer:
        """Bring back the answer to one call.

        Raises:
            LimitError: The budget is spent; nothing was asked.
            TransportError: No answer came.
        """
        self._spending.leave()
        answer = await self._inner.send(wire, place)
        if answer.replayed:  # a function whose own calls are all recorded
            self._spending.stay()
        else:
            self._spending.brought(self._target_id, answer, self._read)
        return answer

    async def end_case(self, case: str) -> None:
        """Pass on that a case has ended."""
        await self._inner.end_case(case)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


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
