"""Checks of suites for the tests of the loader."""

from typing import Any


def runs(value: Any, _evidence: Any) -> bool:
    return bool(value)
