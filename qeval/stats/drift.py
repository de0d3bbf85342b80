"""A change of what a service bills beside what was predicted: exact statements, no test."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb
from statistics import median
from typing import Literal, NamedTuple

RARE = 0.01
"""Two sets of residuals of which every new one lies beyond every old: so rare it must be."""
SLOPE = 0.005
"""A proportional change of at least half a percent is one; less is irregular."""
MOST = 2_000
"""Pairs of requests from which a slope is taken: of 64 requests, spread over all."""


class Shift(NamedTuple):
    """How a bill has changed, in tokens of input."""

    kind: Literal["constant", "partial", "proportional", "irregular"]
    upwards: bool
    affected: int
    """Requests whose bill changed, of `requests`."""
    requests: int
    change: float
    """Tokens more, or fewer: of a constant or partial shift for each request; of an irregular one
    the median; of a proportional one the share, such as 0.036."""
    a: int | None = None
    b: int | None = None
    """The constant before and after, where both are known."""


def paired(changes: Sequence[tuple[int | None, int, int]]) -> Shift | None:
    """Return how the bills of equal requests changed; None: not at all.

    Args:
        changes: (predicted tokens or None, old bill, new bill) of each request.

    Source:
        The slope is that of Theil (1950) and Sen (1968), Journal of the American Statistical
        Association 63, 1379-1389, in whole fractions.
    """
    deltas = [new - old for _, old, new in changes]
    moved = [delta for delta in deltas if delta]
    if not moved:
        return None
    upwards = sum(moved) > 0
    if len(set(moved)) == 1:
        kind: Literal["constant", "partial"] = (
            "constant" if len(moved) == len(deltas) else "partial"
        )
        a, b = _constants(changes) if kind == "constant" else (None, None)
        return Shift(kind, upwards, len(moved), len(deltas), moved[0], a, b)
    slope = _slope([(n, new - old) for n, old, new in changes if n is not None])
    if slope is not None and abs(slope) >= SLOPE:
        return Shift("proportional", slope > 0, len(moved), len(deltas), float(slope))
    return Shift("irregular", upwards, len(moved), len(deltas), float(median(deltas)))


def unpaired(old: Sequence[int], new: Sequence[int]) -> Shift | None:
    """Return how residuals moved between runs that share no request; None: not at all.

    Args:
        old: Billed minus predicted, of each request of the first run.
        new: Of the second.
    """
    if not old or not new:
        return None
    if len(set(old)) == 1 and len(old) >= 2:
        return _from_constant(old[0], new)
    beyond = min(new) > max(old) or max(new) < min(old)
    if not beyond or 2 / comb(len(old) + len(new), len(new)) > RARE:
        return None
    change = float(median(new) - median(old))
    return Shift("irregular", change > 0, len(new), len(new), change)


def _from_constant(before: int, new: Sequence[int]) -> Shift | None:
    moved = [residual - before for residual in new if residual != before]
    if not moved:
        return None
    upwards = sum(moved) > 0
    if len(set(moved)) > 1:
        return Shift("irregular", upwards, len(moved), len(new), float(median(moved)))
    if len(moved) == len(new):
        return Shift("constant", upwards, len(new), len(new), moved[0], before, new[0])
    return Shift("partial", upwards, len(moved), len(new), moved[0])


def _constants(changes: Sequence[tuple[int | None, int, int]]) -> tuple[int | None, int | None]:
    """Return the residual before and after, where it is the same for every request."""
    before = {old - predicted if predicted is not None else None for predicted, old, _ in changes}
    after = {new - predicted if predicted is not None else None for predicted, _, new in changes}
    if len(before) > 1 or len(after) > 1:
        return None, None
    return before.pop(), after.pop()


def _slope(points: Sequence[tuple[int, int]]) -> Fraction | None:
    """Return the median of the slopes between points; None where all lie above one another."""
    few = sorted(points)[:: -(-len(points) // int((2 * MOST) ** 0.5 + 1)) or 1]
    slopes = [
        Fraction(y - v, x - u) for place, (x, y) in enumerate(few) for u, v in few[:place] if x != u
    ]
    return median(slopes) if slopes else None
