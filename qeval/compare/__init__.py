"""Column against column → what changed, with a verdict for each group, slice and the whole.

The names are had lazily: who only names the values of a comparison needs no statistics.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qeval.compare.columns import Column
    from qeval.compare.comparing import compare
    from qeval.compare.values import Against, Change, Comparison, Settings, Verdict

__all__ = [
    "Against",
    "Change",
    "Column",
    "Comparison",
    "Settings",
    "Verdict",
    "compare",
]

_HOME = {
    "Column": "columns",
    "compare": "comparing",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'qeval.compare' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"qeval.compare.{_HOME.get(name, 'values')}"), name)
