"""The run in the terminal: `table`, `markdown` (for a comment), `json` (for programs).

Nothing is coloured: a table reads the same in a terminal, in a log and in a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from qeval import units
from qeval.record import Group, Source
from qeval.report.marks import escaped, line, visible
from qeval.report.summary import Cell, Shortfall, Summary, because, summarize

SIMULATED = "Recorded from the simulator: these are not answers of a real model."

_TABULATE = {"table": "simple", "markdown": "github"}
_HEADS = (("", "target"), ("", "scenario"), ("", "passed"), ("", "groups"), ("", "trials"))
"""Above each other in the terminal, so that the table fits 80 columns; beside each other else."""


def render(source: Source, form: str = "table", *, by_group: bool = False) -> str:
    """Return a run's summary as text.

    Args:
        source: The run.
        form: `table` and `markdown` have a row for each target and scenario, then the groups
            that did not pass with their reasons, then what stood in the way of others. `json`
            is one object, see `as_json`.
        by_group: One row a group instead, in plan order.
    """
    summary = summarize(source)
    if form == "json":
        return escaped(json.dumps(as_json(source, summary), ensure_ascii=False, indent=2))
    table = rows([_row(group) for group in source.groups()], form) if by_group else None
    parts = [
        table or _table(summary, form),
        sentence(summary),
        *_short(summary, form),
        *notes(source),
    ]
    return "\n\n".join(part for part in parts if part)


def rows(
    records: Sequence[Mapping[str, Any]], form: str = "table", *, right: Collection[str] = ()
) -> str:
    """Return records of equal keys as text: a table with the keys as heads, or JSON.

    Columns named in `right` hold numbers and end at the right.
    """
    if form == "json":
        return escaped(json.dumps(list(records), ensure_ascii=False, indent=2))
    from tabulate import tabulate

    shown = [[_told(str(value), form) for value in record.values()] for record in records]
    heads = list(records[0]) if records else []
    return tabulate(
        shown,
        headers=heads,
        tablefmt=_TABULATE[form],
        disable_numparse=True,
        colalign=["right" if head in right else "left" for head in heads] or None,
    )


def sentence(summary: Summary) -> str:
    """Say in one sentence how a run went.

    The interval is Wilson's, of trials: `stats.intervals` has the source.
    """
    total = summary.total
    said = f"{units.count(total.groups_passed)} of {units.count(total.groups)} groups passed"
    if total.interval is not None:
        low, high = (units.percent(bound) for bound in total.interval)
        said += f"; trials {units.percent(total.rate)} (95 %: {low} … {high})"
    others = [
        f"{units.count(count)} {word}"
        for count, word in (
            (total.errored, "errored"),
            (total.refused, "refused"),
            (total.skipped, "skipped"),
            (total.truncated, "truncated"),
            (total.warned, "warnings" if total.warned > 1 else "warning"),
            (total.unreported, "without reported tokens"),
        )
        if count
    ]
    return "; ".join([said, *others]) + "."


def notes(source: Source) -> Iterator[str]:
    """Yield what a reader must know before believing the numbers."""
    header = source.header
    if "simulator" in header.sources:
        yield SIMULATED
    if not header.complete:
        planned = units.count(header.planned)
        yield f"This run did not end: it holds what had ended of {planned} trials planned."


def group(answered: Group, question: str) -> str:
    """Return a group that did not pass, for a failing test: question, trials, checks, reasons."""
    lines = [because(answered), "", f"prompt     {line(question, 200)}"]
    for trial in answered.trials:
        said = trial.error or trial.text
        lines.append(f"trial {trial.trial:<4} {trial.outcome:8} {line(said, 200)}")
        lines += [
            f"             {line(score.check)}    {line(score.reason)}"
            for score in trial.scores
            if not score.passed
        ]
    return "\n".join(lines)


def _told(text: str, form: str) -> str:
    """Return text for a cell: in markdown no character of it is markup or a mention."""
    shown = line(text, 200)
    if form != "markdown" or re.fullmatch(r"[\w ,.:%/+–…()-]*", shown):
        return shown
    return _code(shown).replace("|", "\\|")


def _code(text: str) -> str:
    """Return text as a code span, fenced by more backticks than it has in a row."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def _row(group: Group) -> dict[str, str]:
    passed = sum(trial.outcome == "passed" for trial in group.trials)
    return {
        "case": group.case,
        "target": group.target,
        "scenario": group.scenario,
        "outcome": group.outcome,
        "trials": f"{passed}/{len(group.trials)}",
        "because": "" if group.outcome == "passed" else line(because(group), 80),
    }


def _table(summary: Summary, form: str) -> str:
    heads = _heads(summary)
    priced = len(heads) > len(_HEADS) + 3
    body = [
        [_told(target, form), _told(scenario, form), *_cell(cell, priced=priced)]
        for (target, scenario), cell in summary.cells.items()
    ]
    if len(body) > 1:
        body.append(["all", "", *_cell(summary.total, priced=priced)])
    return _narrow(heads, body) if form == "table" else _wide(heads, body, form)


def _heads(summary: Summary) -> list[tuple[str, str]]:
    """Return the heads of the columns; a share or a cost that nobody knows has none."""
    cells = summary.cells.values()
    overhead = any(cell.overhead_share is not None for cell in cells)
    reasoning = any(cell.reasoning_share is not None for cell in cells)
    return [
        *_HEADS,
        ("tokens in", "(overhead)") if overhead else ("tokens", "in"),
        ("tokens out", "(reasoning)") if reasoning else ("tokens", "out"),
        ("latency", "p50"),
        *([("", "cost")] if any(cell.cost is not None for cell in cells) else []),
    ]


def _aligned(heads: Sequence[tuple[str, str]]) -> list[str]:
    return ["left", "left", *["right"] * (len(heads) - 2)]


def _narrow(heads: Sequence[tuple[str, str]], body: list[list[str]]) -> str:
    from tabulate import SEPARATING_LINE, DataRow, Line, TableFormat, tabulate

    # As `simple`, with the heads as rows: tabulate widens every column below a head by two.
    ruled = TableFormat(
        lineabove=None,
        linebelowheader=Line("", "-", "  ", ""),
        linebetweenrows=None,
        linebelow=None,
        headerrow=DataRow("", "  ", ""),
        datarow=DataRow("", "  ", ""),
        padding=0,
        with_header_hide=None,
    )
    lines = [list(line) for line in zip(*heads, strict=True)]
    shown = tabulate(
        [*lines, SEPARATING_LINE, *body],
        tablefmt=ruled,
        disable_numparse=True,
        colalign=_aligned(heads),
    )
    return "\n".join(line.rstrip() for line in shown.splitlines())


def _wide(heads: Sequence[tuple[str, str]], body: list[list[str]], form: str) -> str:
    from tabulate import tabulate

    return tabulate(
        body,
        headers=[" ".join(head).strip() for head in heads],
        tablefmt=_TABULATE[form],
        disable_numparse=True,
        colalign=_aligned(heads) if body else None,
    )


def _cell(cell: Cell, *, priced: bool) -> list[str]:
    shown = [
        units.percent(cell.rate),
        f"{units.count(cell.groups_passed)}/{units.count(cell.groups)}",
        f"{units.count(cell.passed)}/{units.count(cell.judged)}",
        _with_share(cell.input_tokens, cell.overhead_share),
        _with_share(cell.output_tokens, cell.reasoning_share),
        units.seconds(cell.latency_p50_s),
    ]
    return [*shown, _cost(cell)] if priced else shown


def _with_share(tokens: float | None, share: float | None) -> str:
    """Return a mean with what of it is overhead, or reasoning, where that is known."""
    return units.tokens(tokens) + (f" ({units.percent(share)})" if share is not None else "")


def _cost(cell: Cell) -> str:
    least = "≥ " if cell.cost is not None and cell.costless else ""
    return least + units.money(cell.cost, cell.currency)


def _short(summary: Summary, form: str) -> Iterator[str]:
    if summary.short:
        start = "- " if form == "markdown" else "  "
        lines = [start + _short_line(each, form) for each in summary.short]
        more = summary.short_total - len(summary.short)
        if more:
            lines.append(f"{start}… and {units.count(more)} more")
        yield "\n".join(["Not passed:", *([""] if form == "markdown" else []), *lines])
    if summary.errors:
        counted = ", ".join(
            f"{_told(code, form)} {units.count(n)}" for code, n in summary.errors.items()
        )
        yield f"Trials without a judged answer, by cause: {counted}"


def _short_line(each: Shortfall, form: str) -> str:
    if form == "markdown":
        place = " · ".join(_code(visible(name)) for name in (each.case, each.target, each.scenario))
        return f"{each.outcome} {place}: {_code(each.because)}"
    place = " · ".join(visible(name) for name in (each.case, each.target, each.scenario))
    return f"{each.outcome:7}  {place}\n{' ' * 11}{each.because}"


def as_json(source: Source, summary: Summary) -> dict[str, Any]:
    """Return what `--json` prints: keys carry their units, and what is unknown is null.

    `total`, and each of `cells` with its `target` and `scenario`: `rate` in [0, 1] and its 95 %
    interval `rate_low` to `rate_high` (Wilson), counts of `groups` and of trials by outcome,
    `truncated` trials, `warned` checks, `mean_input_tokens` and `mean_output_tokens` of a judged
    trial, `unreported` trials that these means lack, `overhead_share` of the input and
    `reasoning_share` of the output in [0, 1], `cost` in `currency` with the count of judged trials
    of which it is unknown (`cost_unknown`), `latency_p50_s`. `errors` counts trials by
    code. `groups` has one object a group, in plan order.
    """
    header = source.header
    return {
        "suite": header.suite,
        "run": header.id,
        "mode": header.mode,
        "complete": header.complete,
        "suite_digest": header.suite_digest,
        "cassette_digest": header.cassette_digest,
        "recorded_from": header.recorded_from,
        "recorded_to": header.recorded_to,
        "sources": list(header.sources),
        "total": _cell_json(summary.total),
        "cells": [
            {"target": target, "scenario": scenario, **_cell_json(cell)}
            for (target, scenario), cell in summary.cells.items()
        ],
        "errors": summary.errors,
        "groups": [_group_json(group) for group in source.groups()],
    }


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "case": group.case,
        "target": group.target,
        "scenario": group.scenario,
        "outcome": group.outcome,
        "passes": group.passes,
        "passed": sum(trial.outcome == "passed" for trial in group.trials),
        "trials": len(group.trials),
        "because": None if group.outcome == "passed" else because(group),
    }


def _cell_json(cell: Cell) -> dict[str, Any]:
    low, high = cell.interval or (None, None)
    return {
        "rate": cell.rate,
        "rate_low": low,
        "rate_high": high,
        "groups": cell.groups,
        "groups_passed": cell.groups_passed,
        "passed": cell.passed,
        "failed": cell.failed,
        "errored": cell.errored,
        "refused": cell.refused,
        "skipped": cell.skipped,
        "truncated": cell.truncated,
        "warned": cell.warned,
        "mean_input_tokens": cell.input_tokens,
        "mean_output_tokens": cell.output_tokens,
        "overhead_share": cell.overhead_share,
        "reasoning_share": cell.reasoning_share,
        "cost": cell.cost,
        "currency": cell.currency,
        "cost_unknown": cell.costless,
        "unreported": cell.unreported,
        "latency_p50_s": cell.latency_p50_s,
    }
