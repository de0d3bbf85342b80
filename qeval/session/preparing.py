"""How to run a suite, and the suite loaded and planned, with nothing asked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from qeval.loading import Loaded, read
from qeval.plan import Plan, Selection, plan
from qeval.value import Value

Mode: TypeAlias = Literal["replay", "record", "refresh", "live"]
MODES: tuple[Mode, ...] = ("replay", "record", "refresh", "live")

CONCURRENCY = 32
"""Calls in flight where nobody says."""


class Budget(Value):
    """After what no more calls are made; None: there is no such limit.

    Those under way still end, so that what is spent may lie above it.
    """

    cost: float | None = None
    """In the currency of all prices."""
    tokens: int | None = None
    """Billed, of input and output together."""
    calls: int | None = None
    """Requests that left, each retry one; of a callable target, its calls."""


class Options(Value):
    """How to run a suite; what the command line says over the project's settings."""

    mode: Mode | None = None
    """None: the project's, else `replay`."""
    concurrency: int | None = None
    """Calls in flight over all targets; None: the project's, else 32."""
    base_url: str | None = None
    """A server that stands in for every target, without a key: the simulator, say."""
    client: Literal["auto", "httpx2", "aiohttp"] = "auto"
    selection: Selection = Selection()
    last_failed: bool = False
    """Only the groups that did not pass in the suite's latest run."""
    retry_errors: bool = False
    """Ask again only what errored in the latest run, and keep the rest of it."""
    progress: bool = False
    """Show a bar on stderr."""
    ledger: bool = True
    """Predict the input tokens of every request; else only where a check looks at them."""
    budget: Budget = Budget()
    """After what nothing more is asked."""


def prepare(suite: str | Path, options: Options) -> tuple[Loaded, Plan]:
    """Load and plan a suite without asking anything."""
    loaded = read(Path(suite))
    selection = options.selection
    if options.last_failed:
        from qeval.store import find_run

        last = find_run(loaded.project.reports, "latest", loaded.id)
        keys = frozenset(
            (group.case, group.target, group.scenario)
            for group in last.groups()
            if group.outcome in {"failed", "errored"}
        )
        selection = msgspec.structs.replace(selection, keys=keys)
    return loaded, plan(loaded, selection)
