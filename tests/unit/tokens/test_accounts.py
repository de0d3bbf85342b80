from pathlib import Path

import msgspec
import pytest

from qeval import models
from qeval.exchange import Message, Request, Response, ToolCall, Usage
from qeval.models import Model, Price
from qeval.record import Ledger
from qeval.tokens.accounts import Account, Accounts, joined
from qeval.tokens.calibration import Alike, Fit
from qeval.tokens.counters import counter

PRICE = Price(currency="USD", input_per_mtok=1.0, output_per_mtok=2.0)


def plus() -> Model:
    model = models.find("qwen-plus")
    assert model is not None
    return msgspec.structs.replace(model, price=PRICE)


def ask(text: str, previous: str | None = None) -> tuple[Request, Response]:
    request = Request(
        model="qwen-plus",
        messages=(Message(role="user", content=text),),
        previous_response_id=previous,
    )
    return request, Response(text="Hello", usage=Usage(input_tokens=100, output_tokens=10))


def test_ledger_and_cost_are_sums_over_the_requests_of_a_trial() -> None:
    found = Accounts(Path()).account([ask("Hi"), ask("Hi")], plus())

    assert found.ledger == Ledger(method="exact", text=2, markup=16, answer=2)
    assert found.cost == pytest.approx(2 * (100 + 20) / 1e6)
    assert found.baseline_residual is None


def test_the_residual_of_the_baseline_is_that_of_each_request() -> None:
    learned = {Alike(model="qwen-plus"): Fit(40.0, 0.0, 9)}

    found = Accounts(Path(), learned=learned).account([ask("Hi"), ask("Hi")], plus())

    assert found.baseline_residual == 80.0


def test_other_kinds_of_requests_have_no_residual_to_expect() -> None:
    learned = {Alike(model="qwen-plus", dialect="responses"): Fit(40.0, 0.0, 9)}

    found = Accounts(Path(), learned=learned).account([ask("Hi")], plus())

    assert found.baseline_residual is None


def test_nothing_is_counted_where_nobody_looks() -> None:
    accounts = Accounts(Path(), always=False)

    assert accounts.account([ask("Hi")], plus()).ledger is None
    assert accounts.account([ask("Hi")], plus(), needed=True).ledger is not None


def test_a_model_without_a_price_has_no_cost() -> None:
    assert Accounts(Path()).account([ask("Hi")], models.find("qwen-plus")).cost is None
    assert Accounts(Path()).account([ask("Hi")], None) == Account()


def test_what_the_server_keeps_of_a_conversation_is_not_counted() -> None:
    found = Accounts(Path()).account([ask("Hi"), ask("Bye", "r")], plus())

    assert found.ledger is None


def test_an_unknown_part_stays_unknown_in_a_sum() -> None:
    known, unknown = Ledger(method="exact", text=3), Ledger(method="model", text=1, media=None)

    found = joined([known, unknown])

    assert found == Ledger(method="model", text=4, media=None)
    assert joined([known, None]) is None
    assert joined([]) is None


def test_output_beside_answer_and_reasoning_is_overhead() -> None:
    usage = Usage(input_tokens=9, output_tokens=8, reasoning_tokens=5)
    request, _ = ask("Hi")
    call = ToolCall(id="1", name="now", arguments="{}")

    plain, called = (
        Accounts(Path()).account(
            [(request, Response(text="Hello", usage=usage, tool_calls=calls))], plus()
        )
        for calls in ((), (call,))
    )

    assert plain.ledger is not None
    assert called.ledger is not None
    assert plain.ledger.output_overhead(usage) == 2
    written = tokens('\n{"name": "now", "arguments": {}}\n')
    assert called.ledger.output_overhead(usage) == 2 - 2 - written
    assert Ledger().output_overhead(usage) is None
    assert plain.ledger.output_overhead(Usage()) is None


def tokens(text: str) -> int:
    return counter("qwen-plus").count(text).tokens
