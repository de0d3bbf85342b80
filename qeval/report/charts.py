"""The charts of the page, with the words and numbers that stand beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from qeval import units
from qeval.compare.values import Against, Verdict
from qeval.report import svg
from qeval.report.figures import kept
from qeval.report.gathering import Gathered
from qeval.report.spending import Spent
from qeval.report.summary import Cell
from qeval.report.sweeps import KINDS, Line, Sweep


class Slice(NamedTuple):
    """A row of the forest plot."""

    name: str
    kind: str
    """`all`, `cell`, `target`, `scenario` or `tag`."""
    cases: str
    difference: str
    interval: str
    drawn: Markup
    word: str


class Forest(NamedTuple):
    """Where a column differs from the first."""

    column: int
    slices: tuple[Slice, ...]
    ticks: tuple[tuple[float, str], ...]
    """Place in percent, and label."""
    margin: str
    drifts: tuple[str, ...]
    notes: tuple[str, ...]


class Rates(NamedTuple):
    """Pass rates of one target under one scenario."""

    target: str
    scenario: str
    rates: tuple[tuple[int, str], ...]
    drawn: Markup


class Bar(NamedTuple):
    """Tokens of a trial, mean of a target in a column."""

    column: int
    target: str
    drawn: Markup
    total: str
    items: dict[str, str]


class Plot(NamedTuple):
    """A drawing with labels at its sides."""

    name: str
    drawn: Markup
    upwards: tuple[str, ...]
    """Labels from the top down."""
    along: tuple[tuple[float, str], ...]


def forests(page: Gathered) -> list[Forest]:
    """Return one forest plot a judged column."""
    if page.comparison is None:
        return []
    return [_forest(against) for against in page.comparison.against]


def _forest(against: Against) -> Forest:
    parts = [("All groups", "all", against.headline)]
    parts += [
        (part.name, part.kind, part.verdict)
        for kind in ("target", "scenario", "cell", "tag")
        for part in against.slices
        if part.kind == kind
    ]
    axis = _axis([verdict for _, _, verdict in parts])
    margin = against.headline.margin
    return Forest(
        column=against.column,
        slices=tuple(_slice(name, kind, verdict, axis) for name, kind, verdict in parts),
        ticks=tuple((axis.at(tick), units.points(tick)) for tick in axis.ticks),
        margin=units.points(margin).lstrip("+") if margin else "",
        drifts=tuple(f"{drift.group}: {drift.sentence}" for drift in against.drifts),
        notes=against.notes,
    )


def _axis(verdicts: Sequence[Verdict]) -> svg.Scale:
    """Return an axis with 0 in its middle."""
    held = [v.margin or 0.0 for v in verdicts]
    held += [abs(x) for v in verdicts for x in (v.low, v.difference, v.high) if x is not None]
    far = max([0.05, *held])
    return svg.scale([-far, far], about=4)


def _slice(name: str, kind: str, verdict: Verdict, axis: svg.Scale) -> Slice:
    middle, low, high = verdict.difference, verdict.low, verdict.high
    ends = None
    if middle is not None:
        ends = (middle if low is None else low, middle, middle if high is None else high)
    known = low is not None and high is not None
    interval = f"{units.points(low)} … {units.points(high)}" if known else ""
    return Slice(
        name=name,
        kind=kind,
        cases=units.count(verdict.cases),
        difference=units.points(middle),
        interval="fact" if verdict.facts else interval,
        drawn=_markup(svg.forest(axis, ends, verdict.word, verdict.margin)),
        word=verdict.word,
    )


def rates(page: Gathered) -> tuple[list[Rates], list[tuple[float, str]]]:
    """Return the rates of every target and scenario in every column, and the axis's labels."""
    held: dict[tuple[str, str], list[tuple[int, Cell]]] = {}
    for column, summary in enumerate(page.summaries):
        for (target, scenario), cell in summary.cells.items():
            key = ("" if page.by == "target" else target, "" if page.by == "scenario" else scenario)
            if cell.judged:
                held.setdefault(key, []).append((column, cell))
    ends = [bound for row in held.values() for _, cell in row for bound in cell.interval or ()]
    axis = svg.scale([*ends, 1.0], about=4)
    axis = axis._replace(high=min(axis.high, 1.0), low=max(axis.low, 0.0))
    ticks = tuple(tick for tick in axis.ticks if 0 <= tick <= 1)
    axis = axis._replace(ticks=ticks)
    found = [_rates(key, row, axis) for key, row in held.items()]
    shown = ticks if len(ticks) < 5 else ticks[::-1][::2][::-1]
    return found, [(axis.at(tick), units.percent(tick)) for tick in shown]


def _rates(key: tuple[str, str], row: list[tuple[int, Cell]], axis: svg.Scale) -> Rates:
    drawn = [
        (column, cell.rate, cell.interval)
        for column, cell in row
        if cell.rate is not None and cell.interval
    ]
    return Rates(
        target=key[0],
        scenario=key[1],
        rates=tuple((column, kept(units.percent(cell.rate))) for column, cell in row),
        drawn=_markup(svg.rates(axis, drawn)),
    )


def bars(page: Gathered) -> list[Bar]:
    """Return the tokens of a trial, targets of one name beside each other."""
    spent = [(column, each) for column, held in enumerate(page.spending) for each in held.spent()]
    if page.by != "target":
        order = list(dict.fromkeys(each.target for _, each in spent))
        spent.sort(key=lambda item: (order.index(item[1].target), item[0]))
    most = max((_sum(each) for _, each in spent), default=0.0)
    return [_bar(column, each, most) for column, each in spent if _sum(each)]


def _sum(spent: Spent) -> float:
    return sum(max(value or 0.0, 0.0) for value in spent.items.values())


def _bar(column: int, spent: Spent, most: float) -> Bar:
    shown = [
        (name, value, f"{value:.0f}") for name, value in spent.items.items() if value and value > 0
    ]
    output = spent.items.get("output")
    return Bar(
        column=column,
        target=spent.target,
        drawn=_markup(svg.stack(shown, most)),
        total=f"{units.tokens(_short(spent.input_tokens))} + {units.tokens(_short(output))}",
        items={name: _signed(value) for name, value in spent.items.items()},
    )


def _signed(value: float | None) -> str:
    """Return mean tokens, which of the unexplained ones may be below zero."""
    if value is None or value >= 0:
        return units.tokens(_short(value))
    return f"−{units.tokens(_short(-value))}"


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def latency(page: Gathered) -> Plot | None:
    """Return the cumulative curves; None where no latency is known."""
    curves = [(n, values) for n, held in enumerate(page.spending) if (values := held.curve())]
    if not curves:
        return None
    longest = max(_near_all(values) for _, values in curves)
    axis = svg.scale([0.0, longest], about=5)
    told = "Share of trials answered within a time. " + "; ".join(
        f"{page.sides[column][0]}: half within {units.seconds(values[len(values) // 2])}"
        for column, values in curves
    )
    return Plot(
        name="latency",
        drawn=_markup(svg.cumulative(axis, curves, told)),
        upwards=(),
        along=tuple((axis.at(tick), units.seconds(tick) if tick else "0") for tick in axis.ticks),
    )


def _near_all(values: Sequence[float]) -> float:
    """Return a latency that nearly all keep, so that one straggler does not flatten the rest."""
    return min(values[-1], 1.6 * values[int(0.95 * (len(values) - 1))])


def waits(page: Gathered) -> list[tuple[str, list[str], str]]:
    """Return quantiles of latency: name, each column's, and the change of the second."""
    held = [spending.quantiles() for spending in page.spending]
    rows = []
    for number, name in enumerate(("median", "90 %", "99 %")):
        values = [None if each is None else each[number] for each in held]
        rows.append((name, [kept(units.seconds(value)) for value in values], _change(values)))
    return rows


def _change(values: Sequence[float | None]) -> str:
    if len(values) != 2 or not values[0] or values[1] is None:
        return ""
    return kept(units.change(values[1] / values[0]))


def costs(page: Gathered) -> list[tuple[str, list[str], str]]:
    """Return the cost of 1,000 trials by target: each column's, and the change of the second."""
    held = [{each.target: each for each in spending.spent()} for spending in page.spending]
    if page.by == "target":
        held = [{"": next(iter(each.values()))} if each else {} for each in held]
    names = dict.fromkeys(target for each in held for target in each)
    rows = []
    for name in names:
        spent = [each.get(name) for each in held]
        if not any(each and each.cost is not None for each in spent):
            continue
        values = [None if each is None else each.cost for each in spent]
        shown = [_cost(each) for each in spent]
        rows.append((name or "a trial's target", shown, _change(values)))
    return rows


def _cost(spent: Spent | None) -> str:
    if spent is None or spent.cost is None:
        return units.UNKNOWN
    return kept(units.money(spent.cost * 1000, spent.currency))


def prices(page: Gathered) -> list[str]:
    """Return where prices come from, with their dates."""
    setups = [setup for column in page.columns for setup in column.header.targets]
    return list(dict.fromkeys(setup.priced for setup in setups if setup.priced))


def sweeps(page: Gathered) -> list[tuple[Sweep, list[Plot]]]:
    """Return each sweep with its curves: rate, diversity, agreement, as far as they are known."""
    return [(sweep, list(_plots(sweep, page))) for sweep in page.sweeps.found()]


def _plots(sweep: Sweep, page: Gathered) -> Iterator[Plot]:
    places = _places(sweep.values)
    for kind in KINDS:
        lines = [(line, _points(line, kind, places)) for line in sweep.lines]
        lines = [(line, points) for line, points in lines if points]
        if not lines:
            continue
        bands = {id(line): _bands(line, places) if kind == KINDS[0] else () for line, _ in lines}
        ends = [y for _, points in lines for _, y in points]
        ends += [edge for held in bands.values() for _, band in held for edge in band]
        axis = svg.scale([0.0, *ends] if min(ends) < 0.5 else [*ends, 1.0], about=4)
        drawn = [svg.Curve(line.colour, points, bands[id(line)]) for line, points in lines]
        told = f"{kind} over {sweep.param}: " + "; ".join(
            f"{line.label or page.sides[line.column][0]} from {units.percent(points[0][1])} "
            f"to {units.percent(points[-1][1])}"
            for line, points in lines
        )
        yield Plot(
            name=kind,
            drawn=_markup(svg.curves(axis, 120, drawn, told)),
            upwards=tuple(f"{tick:g}" for tick in reversed(axis.ticks)),
            along=tuple((places[value], value) for value in sweep.values),
        )


def _places(values: Sequence[str]) -> dict[str, float]:
    """Return where each value stands, in percent: by its size where all are numbers."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return {value: 100 * n / (len(values) - 1) for n, value in enumerate(values)}
    low, high = min(numbers), max(numbers)
    return {v: 100 * (n - low) / (high - low) for v, n in zip(values, numbers, strict=True)}


def _points(line: Line, kind: str, places: dict[str, float]) -> tuple[tuple[float, float], ...]:
    field = "rate" if kind == KINDS[0] else kind
    return tuple(
        (places[point.value], value)
        for point in line.points
        if (value := getattr(point, field)) is not None
    )


def _bands(line: Line, places: dict[str, float]) -> tuple[tuple[float, tuple[float, float]], ...]:
    return tuple((places[point.value], point.band) for point in line.points if point.band)


def _markup(drawn: str) -> Markup:
    # Ours: numbers, names of classes, and labels that `svg` escapes.
    return Markup(drawn)  # noqa: S704
