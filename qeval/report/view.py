"""What the templates are given, and how they show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qeval import units
from qeval.compare.values import Measured
from qeval.record import Header
from qeval.report import charts, figures, headline, text
from qeval.report.formats import cells
from qeval.report.gathering import Gathered
from qeval.report.grids import grids
from qeval.report.marks import visible
from qeval.report.printed import GLYPHS

VERDICTS = {
    "worse": ("▼", "WORSE"),
    "better": ("▲", "BETTER"),
    "same": ("=", "SAME"),
    "undecided": ("?", "UNDECIDED"),
    "not_comparable": ("≠", "NOT COMPARABLE"),
    "new": ("+", "NEW"),
    "gone": ("−", "GONE"),
    "lost": ("∅", "LOST"),
} | {outcome: (glyph, outcome) for outcome, glyph in GLYPHS.items()}
"""Verdict, state or outcome → glyph and word; the script has the same."""
ITEMS = {
    "text": "messages",
    "markup": "template",
    "tools": "tools",
    "media": "media",
    "unexplained": "unexplained",
    "input": "input",
    "output": "output",
}
"""Item of a bill → what the page calls it."""


def context(page: Gathered) -> dict[str, Any]:
    """Return all that the templates need."""
    header = page.columns[-1].header
    comparison = page.comparison
    head = (
        headline.of_comparison(comparison)
        if comparison
        else headline.of_run(page.columns[0].source, page.summaries[0])
    )
    rates, rate_ticks = charts.rates(page)
    bars = charts.bars(page)
    return {
        "head": head,
        "header": header,
        "headers": [column.header for column in page.columns],
        "sides": page.sides,
        "comparison": comparison,
        "notes": _notes(page),
        "tiles": list(figures.tiles(page)),
        "table": figures.table(page),
        "changed": figures.changed(page),
        "ended": figures.ended(page),
        "origin": _origin(page),
        "forests": charts.forests(page),
        "rates": rates,
        "rate_ticks": rate_ticks,
        "bars": bars,
        "used": [name for name in ITEMS if any(name in bar.items for bar in bars)],
        "drawn": [name for name in ITEMS if any(bar.items.get(name, "0") != "0" for bar in bars)],
        "latency": charts.latency(page),
        "waits": charts.waits(page),
        "costs": charts.costs(page),
        "prices": charts.prices(page),
        "measures": _measures(page),
        "sweeps": charts.sweeps(page),
        "grids": grids(page),
        "cases": page.listing.cases,
        "groups": len(page.listing),
        "is_printed": page.printed.is_whole,
        "packed": page.packer.deflate,
        "verdicts": VERDICTS,
        "items": ITEMS,
    }


def _notes(page: Gathered) -> list[str]:
    """Return what a reader must know first, once, with its column's letter where there are more."""
    found: dict[str, list[str]] = {}
    for (letter, _, _), column in zip(page.sides, page.columns, strict=True):
        for note in (*text.notes(column.source), *column.header.notes):
            found.setdefault(note, []).append(letter)
    every = len(page.sides)
    said = [
        note if len(letters) == every else f"{', '.join(letters)}: {note}"
        for note, letters in found.items()
    ]
    return said + [note for against in _against(page) for note in against.notes]


def _measures(page: Gathered) -> list[tuple[int, list[tuple[str, list[str], str | None]]]]:
    """Return each column but the first with its measures: what each is, its row, its verdict."""
    return [
        (against.column, [(*_what(measure), measure.word) for measure in against.measures])
        for against in _against(page)
    ]


def _what(measure: Measured) -> tuple[str, list[str]]:
    _, *row, _ = cells.measured(measure)
    return measure.sentence.partition(":")[0], row


def _against(page: Gathered) -> Sequence[Any]:
    return page.comparison.against if page.comparison else ()


def _origin(page: Gathered) -> list[tuple[str, list[str]]]:
    """Return where answers come from: name, and what each column has."""
    rows = [(name, [value(column.header) for column in page.columns]) for name, value in _ORIGIN]
    return [(name, values) for name, values in rows if any(values)]


def _chosen(header: Header) -> str:
    return "; ".join(f"{name}: {figures.plain(value)}" for name, value in header.options.items())


_ORIGIN = (
    ("answered by", lambda header: ", ".join(header.sources)),
    ("recorded", lambda header: span(header.recorded_from, header.recorded_to)),
    ("mode", lambda header: header.mode),
    ("chosen", _chosen),
    ("run", lambda header: header.id),
    ("suite digest", lambda header: header.suite_digest[:16]),
    ("cassette digest", lambda header: (header.cassette_digest or "")[:16]),
    ("qeval", lambda header: header.qeval),
)


def span(start: str | None, end: str | None) -> str:
    """Return `2026-11-22, 21:38 to 21:40 UTC`; dates once where they are the same."""
    if start is None or end is None:
        return ""
    (day, _, time), (last_day, _, last_time) = start.partition("T"), end.partition("T")
    first, last = time[:5], last_time[:5]
    if day != last_day:
        return f"{day} to {last_day}"
    return f"{day}, {first} UTC" if first == last else f"{day}, {first} to {last} UTC"


FILTERS = {
    "count": units.count,
    "percent": lambda value: figures.kept(units.percent(value)),
    "points": units.points,
    "parameters": figures.parameters,
    "shown": visible,
}
