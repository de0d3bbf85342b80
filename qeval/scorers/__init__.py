"""Pure scorers, one file a family; importing the package registers them."""

from qeval.scorers import functions, groups, length, limits, structure, text

__all__ = ["functions", "groups", "length", "limits", "structure", "text"]
