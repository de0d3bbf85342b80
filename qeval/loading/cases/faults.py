"""Mistakes of rows: gathered by place, the first three told and the rest counted."""

from __future__ import annotations

from qeval.loading.cases.filling import TemplateFault
from qeval.loading.mistakes import Mistakes

_TOLD = 3


class Faults:
    """What is wrong with the rows of one case.

    Args:
        mistakes: Takes the first three of each place in the suite, and how many more there are.
    """

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._found: dict[str, list[tuple[str, str | None]]] = {}
        self._count: dict[str, int] = {}

    def add(self, where: str, row: str, fault: TemplateFault) -> None:
        """Note a fault at `file:line` of the suite, in a row of some data (or '')."""
        self._count[where] = self._count.get(where, 0) + 1
        found = self._found.setdefault(where, [])
        if len(found) < _TOLD:
            message = f"{row}: {fault.message}" if row else fault.message
            found.append((message, fault.hint))

    def __len__(self) -> int:
        return sum(self._count.values())

    def tell(self) -> None:
        """Hand over what was found, and begin anew."""
        for where, found in self._found.items():
            more = self._count[where] - len(found)
            for place, (message, hint) in enumerate(found, 1):
                rest = f"; and {more} more row{'s'[: more != 1]}"
                last = more and place == len(found)
                self._mistakes.add(where, message + rest if last else message, hint)
        self._found.clear()
        self._count.clear()
