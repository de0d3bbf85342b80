"""What the requests of a run are predicted to take, what they cost, and what was to be expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from qeval.exchange import Request, Response
from qeval.models import Model, Price
from qeval.record import Ledger
from qeval.tokens.prices import cost
from qeval.value import Value

if TYPE_CHECKING:
    from qeval.tokens.calibration import Alike, Fit
    from qeval.tokens.ledger import Ledgers


class Account(Value):
    """What is known of the bill of one or more requests."""

    ledger: Ledger | None = None
    """Of all together; None: not counted, or one of them would be an estimate."""
    cost: float | None = None
    """In the currency of the model's price."""
    baseline_residual: float | None = None
    """What the baseline's bills had beside their prediction, for requests like these."""


class Accounts:
    """Keeps the accounts of a run.

    Args:
        root: The project's, where paths of pictures, tokenizers and templates start.
        always: Count every request, not only where a check looks at it.
        learned: What the baseline's bills had beside their prediction.
    """

    def __init__(
        self, root: Path, *, always: bool = True, learned: Mapping[Alike, Fit] | None = None
    ) -> None:
        self.always = always
        self._root = root
        self._ledgers: Ledgers | None = None
        self._learned = learned or {}

    @property
    def ledgers(self) -> Ledgers:
        """Who counts; vocabularies and templates are not imported before somebody asks."""
        if self._ledgers is None:
            from qeval.tokens.ledger import Ledgers

            self._ledgers = Ledgers(self._root)
        return self._ledgers

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know of the counts."""
        return () if self._ledgers is None else tuple(self._ledgers.warnings)

    def account(
        self,
        asked: Sequence[tuple[Request, Response]],
        model: Model | None,
        *,
        dialect: str = "chat",
        needed: bool = False,
    ) -> Account:
        """Return the account of the requests of a trial, or of one of its turns.

        Args:
            asked: At least one, with what came back.
            model: Whom they asked.
            dialect: In which they were written.
            needed: A check looks at the ledger.

        Raises:
            UsageError: A vocabulary, tokenizer or template cannot be used.
        """
        price = None if model is None else model.price
        costs = [_cost(price, q, r, model) for q, r in asked] if price else [None]
        ledgers: list[Ledger | None] = [None]
        if self.always or needed:
            ledgers = [self._ledger(request, response, model) for request, response in asked]
        residual = None
        if self._learned:
            from qeval.tokens.calibration import Alike

            kind = Alike(model=asked[0][0].model, dialect=dialect)
            residual = _total([self._residual(kind, ledger) for ledger in ledgers])
        return Account(ledger=joined(ledgers), cost=_total(costs), baseline_residual=residual)

    def _ledger(self, request: Request, response: Response, model: Model | None) -> Ledger | None:
        if request.previous_response_id is not None:
            return None  # what the server keeps is billed again, and not here to be counted
        return self.ledgers.ledger(request, model, response)

    def _residual(self, kind: Alike, ledger: Ledger | None) -> float | None:
        if ledger is None:
            return None
        like = msgspec.structs.replace(kind, traits=ledger.traits)
        found = self._learned.get(like)
        return None if found is None else found.at(ledger)


def _cost(price: Price, request: Request, response: Response, model: Model | None) -> float | None:
    from qeval.tokens.ledger import thinks

    return cost(price, response, thinks=thinks(request, model))


def joined(ledgers: Sequence[Ledger | None]) -> Ledger | None:
    """Return the ledger of several requests together; None where one has none."""
    if len(ledgers) == 1:
        return ledgers[0]
    known = [ledger for ledger in ledgers if ledger is not None]
    if len(known) < len(ledgers) or not known:
        return None
    from qeval.tokens.vocabulary import weakest

    return Ledger(
        method=weakest(ledger.method for ledger in known),
        text=_sum(ledger.text for ledger in known),
        markup=_sum(ledger.markup for ledger in known),
        tools=_sum(ledger.tools for ledger in known),
        media=_sum(ledger.media for ledger in known),
        answer=_sum(ledger.answer for ledger in known),
        traits=known[0].traits,
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    every = list(counts)
    known = [count for count in every if count is not None]
    return sum(known) if len(known) == len(every) else None


def _total(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
