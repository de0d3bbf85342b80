"""Checks of the format whose scorers are yet to come: validated here, refused by the plan."""

from __future__ import annotations

from qeval.loading.content import JSON_TABLE, WHOLE
from qeval.loading.shapes import Either, Flag, ListOf, Number, Shape, TableOf, Text, Word

_CALLED = Either(scalar=Text(), mapping=TableOf(JSON_TABLE))
_SHARE = Number(ge=0)

LATER: dict[str, Shape] = {
    "calls": Either(
        scalar=Text(), sequence=ListOf(_CALLED, least=1), mapping=TableOf(JSON_TABLE, least=1)
    ),
    "refuses": Word("model", "service"),
    "max_cost_usd": _SHARE,
    "max_overhead_share": _SHARE,
    "min_cached_tokens": WHOLE,
    "token_drift": _SHARE,
}
"""Check name → shape of its argument."""
OPTIONS: dict[str, dict[str, Shape]] = {"calls": {"exact": Flag()}}
BARE = frozenset(("refuses",))
REVERSIBLE = frozenset(("calls", "refuses"))
