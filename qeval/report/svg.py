"""Charts as SVG, drawn here so that they are there without script and in print.

They stretch with the page: places along x are shares of the width, and curves are drawn in a
square of 100 by 100 that is stretched, with lines that keep their breadth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

SHAPES = {
    "worse": "M0 6L6 -5H-6Z",
    "better": "M0 -6L6 5H-6Z",
    "same": "M-5 -5H5V5H-5Z",
    "undecided": "M0 -6L6 0L0 6L-6 0Z",
    "not_comparable": "M-5 -5L5 5M5 -5L-5 5",
}
"""Verdict → its mark: shape tells it without colour."""


class Scale(NamedTuple):
    """An axis, from its least value to its greatest."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Return the place of a value, in percent of the width, within the axis."""
        width = self.high - self.low or 1.0
        return min(max((value - self.low) / width * 100, 0.0), 100.0)


def scale(values: Iterable[float], *, about: int = 5, least: float = 0.0) -> Scale:
    """Return an axis with round ticks that holds all values.

    Args:
        values: What is to be shown.
        about: Steps wanted between ticks.
        least: The narrowest that it may be.

    >>> scale([0.13, 0.92]).ticks
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """
    held = list(values) or [0.0]
    low, high = min(held), max(held)
    spare = least - (high - low)
    if spare > 0:
        low, high = low - spare / 2, high + spare / 2
    step = _step((high - low) / about or 1.0)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(round(n * step, 10) for n in range(first, max(last, first + 1) + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _step(rough: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at least as large."""
    power = 10.0 ** floor(log10(rough))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough * (1 - 1e-9))


def forest(
    axis: Scale, ends: tuple[float, float, float] | None, word: str, margin: float | None
) -> str:
    """Draw one row of a forest plot: the margin, the line of no difference, the interval.

    Args:
        axis: Of differences.
        ends: Low, middle, high; None: nothing to draw.
        word: The verdict, which has the mark and the colour.
        margin: Half the breadth of the band within which all is the same.
    """
    parts = []
    if margin:
        left, right = axis.at(-margin), axis.at(margin)
        parts.append(_rect(left, right - left, 28, "band"))
    parts.append(_upright(axis.at(0.0), 28, "zero"))
    if ends:
        low, middle, high = (axis.at(value) for value in ends)
        if high > low:
            parts.append(_level(low, high, 14, f"iv c-{word}"))
        shape = SHAPES.get(word, SHAPES["undecided"])
        parts.append(
            f'<svg x="{middle:.2f}%" y="14" overflow="visible">'
            f'<path class="mk c-{word}" d="{shape}"/></svg>'
        )
    return _frame(28, parts)


def rates(axis: Scale, rows: Sequence[tuple[int, float, tuple[float, float]]]) -> str:
    """Draw rates with their intervals, one line a column: (column from 0, rate, interval)."""
    parts = [_upright(axis.at(tick), 14 * len(rows) + 6, "gr") for tick in axis.ticks]
    for number, (column, rate, (low, high)) in enumerate(rows):
        y = 14 * number + 10
        parts.append(_level(axis.at(low), axis.at(high), y, f"iv k{column}"))
        parts.append(f'<circle class="pt k{column}" cx="{axis.at(rate):.2f}%" cy="{y}" r="4.5"/>')
    return _frame(14 * len(rows) + 6, parts)


def stack(parts: Sequence[tuple[str, float, str]], most: float) -> str:
    """Draw amounts as one bar: (name of the colour, amount, label), of `most` at the full width."""
    drawn, x = [], 0.0
    for name, amount, label in parts:
        width = max(amount, 0.0) / most * 100 if most else 0.0
        drawn.append(_rect(x, width, 20, f"s-{name}"))
        if width > 2.2 * len(label):
            middle = f"{x + width / 2:.2f}%"
            drawn.append(f'<text class="t-{name}" x="{middle}" y="14">{escape(label)}</text>')
        x += width
    return _frame(20, drawn, kind="st")


def cumulative(axis: Scale, curves: Sequence[tuple[int, Sequence[float]]], told: str) -> str:
    """Draw which share is at most how much: (column, values at equal steps of share)."""
    parts = [_level(0, 100, y, "gr") for y in (15, 75, 149)]
    parts += [
        f'<text class="lb" x="2" y="{y}">{share} %</text>' for y, share in ((27, 90), (72, 50))
    ]
    parts.append('<svg viewBox="0 0 100 100" preserveAspectRatio="none" height="150">')
    for column, values in curves:
        last = len(values) - 1 or 1
        points = [(axis.at(value), 100 - 100 * n / last) for n, value in enumerate(values)]
        parts.append(_path([(points[0][0], 100.0), *points, (100.0, 0.0)], f"ln k{column}"))
    parts.append("</svg>")
    return _frame(150, parts, told=told)


def curves(axis: Scale, height: int, drawn: Sequence[Curve], told: str) -> str:
    """Draw lines over a parameter.

    Args:
        axis: Of the values, upwards.
        height: In pixels.
        drawn: The lines.
        told: What it shows, for those who cannot see it.
    """
    parts = [_level(0, 100, height * (1 - axis.at(tick) / 100), "gr") for tick in axis.ticks]
    parts.append(f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" height="{height}">')
    for curve in drawn:
        lower = [(x, 100 - axis.at(low)) for x, (low, _) in curve.bands]
        upper = [(x, 100 - axis.at(high)) for x, (_, high) in curve.bands]
        if len(lower) > 1:
            parts.append(_path([*upper, *reversed(lower)], f"bd k{curve.column}", closed=True))
        line = [(x, 100 - axis.at(y)) for x, y in curve.points]
        parts.append(_path(line, f"ln k{curve.column}"))
    parts.append("</svg>")
    parts += [
        f'<circle class="pt k{curve.column}" cx="{x:.2f}%" '
        f'cy="{height * (1 - axis.at(y) / 100):.1f}" r="4"/>'
        for curve in drawn
        for x, y in curve.points
    ]
    return _frame(height, parts, told=told)


class Curve(NamedTuple):
    """A line over a parameter; x in percent of the width."""

    column: int
    points: tuple[tuple[float, float], ...]
    bands: tuple[tuple[float, tuple[float, float]], ...] = ()


def _frame(height: int, parts: Iterable[str], *, kind: str = "", told: str = "") -> str:
    said = f'role="img" aria-label="{escape(told)}"' if told else 'aria-hidden="true"'
    return f'<svg class="fx {kind}" height="{height}" {said}>{"".join(parts)}</svg>'


def _rect(x: float, width: float, height: int, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.2f}%" width="{width:.2f}%" height="{height}"/>'


def _level(start: float, end: float, y: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{start:.2f}%" x2="{end:.2f}%" y1="{y:g}" y2="{y:g}"/>'


def _upright(x: float, height: int, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="{height}"/>'


def _path(points: Sequence[tuple[float, float]], kind: str, *, closed: bool = False) -> str:
    d = "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    return f'<path class="{kind}" d="M{d}{"Z" if closed else ""}"/>'
