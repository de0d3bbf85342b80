"""`qeval cassette list`: a row a file."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qeval import units
from qeval.cli.choosing import several
from qeval.cli.terminal import give, say
from qeval.loading.project import find_project
from qeval.report import text
from qeval.session.cassette_answers import readings
from qeval.session.cassette_checks import recorded_at
from qeval.session.cassettes import Cassette, survey


def execute(arguments: argparse.Namespace) -> int:
    """Print the files; damaged ones stand there too."""
    project = find_project(Path.cwd() / "suites" / "any")
    form = arguments.format
    rows = [_row(cassette, form) for cassette in survey(project, arguments.suites)]
    if rows or form == "json":
        give(text.rows(rows, form, right=("interactions", "age", "tokens in", "tokens out")))
    total = sum(row["interactions"] or 0 for row in _whole(rows))
    say(f"{several(len(rows), 'file')}, {several(total, 'interaction')}")
    return 0 if rows else 5


def _whole(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row["interactions"], int)]


def _row(cassette: Cassette, form: str) -> dict[str, Any]:
    dates = [at for at in map(recorded_at, cassette.interactions) if at is not None]
    sources = {one.recorded.source for one in cassette.interactions} - {None}
    row: dict[str, Any] = {
        "file": cassette.shown,
        "interactions": len(cassette.interactions),
        "age_days": _days(min(dates)) if dates else None,
        "input_tokens": None,
        "output_tokens": None,
        "from": ", ".join(sorted(s for s in sources if s)) or None,
        "damaged": cassette.damage is not None,
    }
    if cassette.damage is None:
        read = list(readings(cassette))
        for name in ("input_tokens", "output_tokens"):
            row[name] = _sum([getattr(one.usage, name) for one in read if one.status < 400])
    return row if form == "json" else _shown(row)


def _sum(counts: list[int | None]) -> int | None:
    """Return the sum; with an unknown part it is unknown."""
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _days(at: datetime) -> int:
    return max((datetime.now(UTC) - at).days, 0)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    age = row["age_days"]
    return {
        "file": row["file"],
        "interactions": "damaged" if row["damaged"] else row["interactions"],
        "age": units.UNKNOWN if age is None else f"{age} d",
        "tokens in": units.count(row["input_tokens"]),
        "tokens out": units.count(row["output_tokens"]),
        "from": row["from"] or units.UNKNOWN,
    }
