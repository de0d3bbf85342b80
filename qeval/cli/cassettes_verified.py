"""`qeval cassette verify --against live`: recorded requests asked again."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import redirect_stdout
from typing import Any

from qeval import units
from qeval.cli import choosing
from qeval.cli.terminal import give, say
from qeval.report import text
from qeval.report.marks import line
from qeval.session import Options
from qeval.session.verifying import Again, Taking, Verified, verify

_WORDS = {
    "equal": "equal",
    "text": "another text, judged alike",
    "outcome": "judged otherwise",
    "errored": "without an answer",
}


def execute(arguments: argparse.Namespace) -> int:
    """Ask, and print one row a trial; exit 1 where a check flipped or no answer came."""
    options = Options(base_url=arguments.base_url, selection=choosing.selection(arguments))
    taking = Taking(take=arguments.take, seed=arguments.seed)
    with redirect_stdout(sys.stderr):  # what a suite's own code prints is talk, not data
        found = [verify(suite, options, taking) for suite in arguments.suites]
    rows = [_row(one, again, arguments.format) for one in found for again in one.again]
    give(text.rows(rows, arguments.format))
    for one in found:
        say(_sentence(one))
    return 0 if all(one.held for one in found) else 1


def _sentence(one: Verified) -> str:
    counts: Counter[str] = Counter(again.moved for again in one.again)
    said = ", ".join(f"{counts[kind]} {word}" for kind, word in _WORDS.items() if counts[kind])
    return f"{one.suite}: {len(one.again)} of {one.usable} recorded trials asked again: {said}"


def _row(one: Verified, again: Again, form: str) -> dict[str, Any]:
    before, now = again.before, again.now
    place = {"suite": one.suite, "case": again.case, "target": again.target}
    place |= {"scenario": again.scenario}
    if form == "json":
        return {
            **place,
            "trial": again.trial,
            "moved": again.moved,
            "flips": list(again.flips),
            "before": _side(before),
            "now": _side(now),
        }
    return {
        **place,
        "trial": again.trial,
        "moved": again.moved,
        "tokens in": _change(before.usage.input_tokens, now.usage.input_tokens),
        "tokens out": _change(before.usage.output_tokens, now.usage.output_tokens),
        "how": line("; ".join(again.flips) or _how(again), 120),
    }


def _how(again: Again) -> str:
    if again.moved == "errored":
        return again.now.error or ""
    if again.moved == "outcome":
        return f"{again.before.outcome} → {again.now.outcome}"
    return "" if again.moved == "equal" else f"{again.before.text!r} → {again.now.text!r}"


def _side(trial: Any) -> dict[str, Any]:
    return {
        "outcome": trial.outcome,
        "text": trial.text,
        "error": trial.error,
        "input_tokens": trial.usage.input_tokens,
        "output_tokens": trial.usage.output_tokens,
    }


def _change(before: int | None, now: int | None) -> str:
    if before == now:
        return units.count(now)
    return f"{units.count(before)} → {units.count(now)}"
