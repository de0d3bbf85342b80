"""Sound values → the `Suite` that callers get."""

from __future__ import annotations

from typing import Any

from qeval.suite import Case, Scenario, Suite, Target


def build(values: dict[str, Any]) -> Suite:
    """Return the suite of merged values, in which nothing is `BAD`."""
    cases = tuple(Case(**case) for case in values.get("cases", ()))
    made = {**values, "cases": cases}
    if isinstance(targets := values.get("targets"), dict):
        made["targets"] = {
            name: None if item is None else Target(**item) for name, item in targets.items()
        }
    if isinstance(scenarios := values.get("scenarios"), dict):
        made["scenarios"] = {
            name: Scenario(**item) if item else None for name, item in scenarios.items()
        }
    return Suite(**made)
