"""Pure scorers, one file a family; importing the package registers them."""

from qeval.scorers import bills, calls, functions, groups, length, limits, refusing, structure, text

__all__ = [
    "bills",
    "calls",
    "functions",
    "groups",
    "length",
    "limits",
    "refusing",
    "structure",
    "text",
]
