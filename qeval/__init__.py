"""Regression tests for language-model endpoints: suites, cassettes, verdicts, reports."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from typing import Any

    from qeval.errors import QevalError, SuiteError, UsageError
    from qeval.exchange import CallableRequest, Response
    from qeval.record import Evidence, Run, Score, Trial
    from qeval.session import run
    from qeval.suite import Case, Check, Scenario, Suite, Target

__version__ = "0.1.0"
__all__ = [
    "CallableRequest",
    "Case",
    "Check",
    "Evidence",
    "QevalError",
    "Response",
    "Run",
    "Scenario",
    "Score",
    "Suite",
    "SuiteError",
    "Target",
    "Trial",
    "UsageError",
    "run",
]

_HOME = {
    "QevalError": "errors",
    "SuiteError": "errors",
    "UsageError": "errors",
    "CallableRequest": "exchange",
    "Response": "exchange",
    "Evidence": "record",
    "Run": "record",
    "Score": "record",
    "Trial": "record",
    "run": "session",
    "Case": "suite",
    "Check": "suite",
    "Scenario": "suite",
    "Suite": "loading",
    "Target": "suite",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'qeval' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"qeval.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
