"""Limits on costs and on tokens that the template or the service adds."""

from pathlib import Path
from typing import Any

import pytest

from qeval.errors import ScorerError
from qeval.exchange import Request, Response, Usage
from qeval.record import Evidence, Ledger
from qeval.scorers.base import Prepared, prepare

LEDGER = Ledger(method="exact", text=50, markup=10, tools=20)


def made(**entries: Any) -> Prepared:
    return prepare(entries, folder=Path(), root=Path())


def evidence(billed: int | None = 100, *, usage: Usage | None = None, **fields: Any) -> Evidence:
    return Evidence(
        request=Request(model="qwen-plus", messages=()),
        response=Response(usage=usage or Usage(input_tokens=billed)),
        **{"ledger": LEDGER, **fields},
    )


@pytest.mark.parametrize(
    ("check", "given", "value", "reason"),
    [
        ({"max_cost_usd": 0.05}, evidence(cost_usd=0.05), 1, "0.05 USD"),
        ({"max_cost_usd": 0.3}, evidence(cost_usd=0.1 + 0.2), 1, "0.30 USD"),
        ({"max_cost_usd": 0.05}, evidence(cost_usd=0.051), 0, "0.051 USD, at most 0.05 USD"),
        ({"max_overhead_share": 0.3}, evidence(100), 1, "30 %: 30 of 100 tokens"),
        (
            {"max_overhead_share": 0.3},
            evidence(101),
            0,
            "30.7 %: 31 of 101 tokens, at most 30 %",
        ),
        ({"max_overhead_share": 0}, evidence(60), 1, "0 %: 0 of 60 tokens"),
        (
            {"min_cached_tokens": 256},
            evidence(usage=Usage(input_tokens=300, cached_input_tokens=256)),
            1,
            "256 tokens",
        ),
        (
            {"min_cached_tokens": 256},
            evidence(usage=Usage(input_tokens=300, cached_input_tokens=0)),
            0,
            "0 tokens, at least 256",
        ),
        (
            {"token_drift": 0},
            evidence(80),
            1,
            "+0 tokens; no baseline to compare with",
        ),
        (
            {"token_drift": 0},
            evidence(120, baseline_residual=40.0),
            1,
            "+40 tokens, as in the baseline",
        ),
        (
            {"token_drift": 0},
            evidence(120, baseline_residual=0.0),
            0,
            "constant 0 → 40: +40 tokens that the prompt does not explain",
        ),
        (
            {"token_drift": 5},
            evidence(76, baseline_residual=1.0),
            1,
            "-4 tokens, as in the baseline",
        ),
        (
            {"token_drift": 0},
            evidence(80, baseline_residual=40.0),
            0,
            "constant 40 → 0: -40 tokens that the prompt does not explain",
        ),
    ],
)
def test_limits_judge_what_was_billed(
    check: dict[str, Any], given: Evidence, value: float, reason: str
) -> None:
    score = made(**check).score(given)

    assert (score.value, score.passed, score.reason) == (value, value == 1, reason)


@pytest.mark.parametrize(
    ("check", "given", "told"),
    [
        (
            {"max_cost_usd": 1},
            evidence(),
            (
                "max_cost_usd: the cost is unknown: give the model's price in US dollars, as "
                '[tool.qeval.models."qwen-plus".price]'
            ),
        ),
        (
            {"max_overhead_share": 0.5},
            evidence(None),
            "max_overhead_share: the endpoint reported no input tokens",
        ),
        (
            {"max_overhead_share": 0.5},
            evidence(ledger=None),
            (
                "max_overhead_share: the tokens of the prompt are not known exactly: that needs "
                "the Qwen vocabulary (pip install 'qeval[qwen]'), or the model's `tokenizer` in "
                "pyproject.toml"
            ),
        ),
        (
            {"max_overhead_share": 0.5},
            evidence(ledger=Ledger(media=None)),
            "max_overhead_share: the tokens of a picture or video are unknown",
        ),
        (
            {"min_cached_tokens": 1},
            evidence(),
            "min_cached_tokens: the endpoint reported no cached tokens",
        ),
        (
            {"token_drift": 0},
            evidence(ledger=Ledger(media=None)),
            "token_drift: the tokens of a picture or video are unknown",
        ),
    ],
)
def test_what_is_unknown_is_an_error_and_never_passed(
    check: dict[str, Any], given: Evidence, told: str
) -> None:
    with pytest.raises(ScorerError) as info:
        made(**check).score(given)

    assert info.value.message == told


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ({"max_cost_usd": -1}, "a limit is at least 0 USD, got -1"),
        ({"max_overhead_share": 1.5}, "a share is from 0 to 1, got 1.5"),
        ({"min_cached_tokens": -1}, "a limit is at least 0, got -1"),
        ({"token_drift": -1}, "a limit is at least 0 tokens, got -1"),
        ({"not-token_drift": 0}, "token_drift has no not-: limits and groups cannot be reversed"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(check: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r".") as info:
        made(**check)

    assert told in str(info.value)


def test_drift_only_warns_unless_it_is_told_to_fail() -> None:
    drifted = evidence(120, baseline_residual=0.0)

    assert made(token_drift=None).score(drifted).severity == "warn"
    assert made(token_drift=0, severity="fail").score(drifted).severity == "fail"


def test_a_group_of_checks_looks_at_the_ledger_where_one_inside_does() -> None:
    inner = [{"contains": "a"}, {"all": [{"max_overhead_share": 0.5}]}]

    assert made(any=inner).needs_ledger
    assert not made(any=[{"contains": "a"}]).needs_ledger
    assert not made(max_input_tokens=9).needs_ledger
