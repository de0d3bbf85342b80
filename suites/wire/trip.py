"""A tool of suites/wire/tools.yaml."""

from __future__ import annotations


def add(numbers: list[float]) -> float:
    """Return the sum of some numbers."""
    return sum(numbers)
