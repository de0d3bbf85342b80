"""The numbers of the page beside their verdicts: tiles, the table, what changed, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from qeval import units
from qeval.compare.values import Against, Measured, Verdict
from qeval.record import Setup
from qeval.report.gathering import Gathered
from qeval.report.summary import Cell
from qeval.value import to_json

_ENDINGS = ("passed", "failed", "errored", "refused", "skipped", "truncated", "warned")
_TILES = (
    ("output_tokens", "Output tokens", 1),
    ("cost", "Cost per 1,000 trials", 1000),
    ("latency", "Latency, median", 1),
)


class Figure(NamedTuple):
    """A number with its verdict, as a tile or a cell shows it."""

    name: str
    value: str
    word: str
    """A verdict, or '' where nothing is judged."""
    interval: str
    ends: tuple[str, ...]
    """The number in A and in B; of a run alone, nothing."""
    told: str = ""
    """The whole sentence."""


class Cells(NamedTuple):
    """The table of targets and scenarios."""

    targets: tuple[str | None, ...]
    """None: all targets, in one row."""
    scenarios: tuple[str | None, ...]
    about: dict[str, str]
    """Scenario or target → its parameters, or its model."""
    cells: dict[tuple[str | None, str | None], tuple[Figure, ...]]
    """By target and scenario, None for all: a figure for each column that is judged."""


def kept(text: str) -> str:
    """Keep a number and its unit on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def tiles(page: Gathered) -> Iterator[tuple[Figure, ...]]:
    """Yield the tiles: pass rate, output tokens, cost, latency; one figure a judged column."""
    if page.comparison is None:
        yield from ((figure,) for figure in _own_tiles(page.summaries[0].total))
        return
    every = page.comparison.against
    yield tuple(_rate("Pass rate, points", against.headline) for against in every)
    for name, shown, times in _TILES:
        yield tuple(_measure(shown, _find(against, name), times) for against in every)


def _find(against: Against, name: str) -> Measured | None:
    return next((each for each in against.measures if each.name == name), None)


def _rate(name: str, verdict: Verdict) -> Figure:
    ends = tuple(
        kept(units.percent(passed / judged if judged else None))
        for passed, judged in zip(verdict.passed, verdict.trials, strict=True)
    )
    return Figure(
        name=name,
        value=units.points(verdict.difference),
        word=verdict.word,
        interval=_interval(verdict.low, verdict.high, units.points, fact=verdict.facts),
        ends=ends,
        told=verdict.sentence,
    )


def _interval(
    low: float | None, high: float | None, form: Callable[[float | None], str], *, fact: bool
) -> str:
    if fact:
        return "a fact, no chance in it"
    if low is None or high is None:
        return ""
    return f"{kept('95 %')}: {kept(form(low))} … {kept(form(high))}"


def _measure(name: str, held: Measured | None, times: int) -> Figure:
    if held is None:
        return Figure(name, units.UNKNOWN, "", "not known on both sides", ())
    ends = tuple(kept(amount(_times(value, times), held.unit)) for value in held.mean)
    form: Callable[[float | None], str] = _signed if held.ratio is None else units.change
    value = form(held.difference if held.ratio is None else held.ratio)
    said = _interval(held.low, held.high, form, fact=held.fact)
    if held.word is None:
        said = "as recorded, not judged" if held.name == "latency" else "too few to judge"
    return Figure(name, kept(value), held.word or "", said, ends, held.sentence)


def _times(value: float | None, times: int) -> float | None:
    return None if value is None else value * times


def amount(value: float | None, unit: str) -> str:
    """Return a number with its unit: `tokens`, `s`, a currency, or none."""
    if unit == "tokens":
        return units.tokens(value)
    if unit == "s":
        return units.seconds(value)
    return units.money(value, unit or None)


def _signed(value: float | None) -> str:
    return units.UNKNOWN if value is None else f"{value:+.3g}".replace("-", "−")


def _own_tiles(total: Cell) -> Iterator[Figure]:
    mean = "mean of a judged trial"
    if total.unreported:
        mean += f"; {units.count(total.unreported)} unreported"
    yield Figure("Pass rate of trials", kept(units.percent(total.rate)), "", _wilson(total), ())
    yield Figure("Output tokens", units.tokens(total.output_tokens), "", mean, ())
    yield Figure("Input tokens", units.tokens(total.input_tokens), "", mean, ())
    if total.cost is not None:
        least = "at least, " if total.costless else ""
        told = f"{least}of all trials; median latency {units.seconds(total.latency_p50_s)}"
        yield Figure("Cost", kept(units.money(total.cost, total.currency)), "", told, ())
    else:
        told = "median of judged trials, as recorded"
        yield Figure("Latency", kept(units.seconds(total.latency_p50_s)), "", told, ())


def _wilson(cell: Cell) -> str:
    if cell.interval is None:
        return "no trial judged"
    low, high = (kept(units.percent(bound)) for bound in cell.interval)
    return f"{kept('95 %')}: {low} … {high}"


def table(page: Gathered) -> Cells:
    """Return the table: rates with intervals of a run alone, else verdicts with differences."""
    targets = _names(page, "target")
    scenarios = _names(page, "scenario")
    edges: list[tuple[str | None, str | None]] = [
        (target, scenario) for target in _with_all(targets) for scenario in _with_all(scenarios)
    ]
    cells = {edge: tuple(_cell(page, *edge, targets, scenarios)) for edge in edges}
    return Cells(
        targets=tuple(_with_all(targets)),
        scenarios=tuple(_with_all(scenarios)),
        about=_about(page),
        cells={edge: figures for edge, figures in cells.items() if figures},
    )


def _names(page: Gathered, kind: str) -> list[str]:
    """Return targets or scenarios in the suite's order; none where they are the columns."""
    if page.by == kind:
        return []
    place = 0 if kind == "target" else 1
    return list(dict.fromkeys(key[place] for each in page.summaries for key in each.cells))


def _with_all(names: Sequence[str]) -> list[str | None]:
    """Return names, and None for all of them where there are several or none."""
    return [*names, None] if len(names) != 1 else [*names]


def _cell(
    page: Gathered,
    target: str | None,
    scenario: str | None,
    targets: Sequence[str],
    scenarios: Sequence[str],
) -> Iterator[Figure]:
    if page.comparison is None:
        summary = page.summaries[0]
        yield from _own(
            _of(summary.cells, summary.targets, target, scenario)
            or (summary.total if scenario is None else summary.scenarios.get(scenario))
        )
        return
    sought = (target if len(targets) > 1 else None, scenario if len(scenarios) > 1 else None)
    for against in page.comparison.against:
        verdict = _verdict(against, *sought)
        if verdict is not None:
            figure = _rate("", verdict)
            # The table's note says that intervals are of 95 %.
            yield figure._replace(interval=figure.interval.partition(": ")[2] or figure.interval)


def _of(
    cells: dict[tuple[str, str], Cell],
    rows: dict[str, Cell],
    target: str | None,
    scenario: str | None,
) -> Cell | None:
    if target is None:
        return None
    return rows.get(target) if scenario is None else cells.get((target, scenario))


def _own(cell: Cell | None) -> Iterator[Figure]:
    if cell is None:
        return
    counted = f"{units.count(cell.passed)} of {units.count(cell.judged)} trials"
    groups = f"{units.count(cell.groups_passed)} of {units.count(cell.groups)} groups"
    errored = (f"{units.count(cell.errored)} errored",) if cell.errored else ()
    ends = (counted, groups, *errored)
    yield Figure("", kept(units.percent(cell.rate)), "", _wilson(cell), ends)


def _verdict(against: Against, target: str | None, scenario: str | None) -> Verdict | None:
    if target is None and scenario is None:
        return against.headline
    kind = "cell" if target and scenario else "target" if target else "scenario"
    found = (
        part.verdict
        for part in against.slices
        if part.kind == kind and (part.target, part.scenario) == (target, scenario)
    )
    return next(found, None)


def _about(page: Gathered) -> dict[str, str]:
    header = page.columns[-1].header
    about = {setup.name: parameters(setup) for setup in header.scenarios}
    return about | {
        setup.name: " · ".join(
            part for part in (setup.model, setup.dialect) if part and part != setup.name
        )
        for setup in header.targets
    }


def parameters(setup: Setup) -> str:
    """Return a scenario's parameters as `temperature 0.1, top_p 0.7`."""
    params = msgspec.to_builtins(setup.params)  # what is at its default is left out
    values = {**params, **setup.vars}
    said = [f"{name}\N{NO-BREAK SPACE}{plain(value)}" for name, value in values.items()]
    return ", ".join(said) or "as the endpoint sets them"


def plain(value: object) -> str:
    """Return a JSON value as text."""
    return value if isinstance(value, str) else to_json(value).decode()


def ended(page: Gathered) -> list[tuple[str, list[str]]]:
    """Return how trials ended: name, and a count of each column; then errors by their code."""
    totals = [summary.total for summary in page.summaries]
    rows = [
        (name, [units.count(getattr(total, name)) for total in totals])
        for name in _ENDINGS
        if name in _ENDINGS[:3] or any(getattr(total, name) for total in totals)
    ]
    codes = dict.fromkeys(code for summary in page.summaries for code in summary.errors)
    return rows + [
        (f"because of {code}", [units.count(s.errors.get(code, 0)) for s in page.summaries])
        for code in codes
    ]


def changed(page: Gathered) -> list[tuple[str, list[str]]]:
    """Return what differs besides the answers: name, and what each column has."""
    if page.comparison is None:
        return []
    found: dict[str, list[str]] = {}
    for number, against in enumerate(page.comparison.against, 1):
        for each in against.environment:
            row = found.setdefault(each.what, [each.a] * len(page.columns))
            row[number] = each.b
    return list(found.items())
