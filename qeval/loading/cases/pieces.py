"""Something with templates in it, where it stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from qeval.loading.cases.filling import Template, TemplateFault, Values
from qeval.loading.cases.templates import Filler
from qeval.loading.mistakes import Mistakes
from qeval.loading.nodes import Path as KeyPath
from qeval.loading.source import Source
from qeval.value import Json, Value

T = TypeVar("T")


class Piece(Value):
    """Something with templates in it, and where it stands."""

    label: str
    """What messages call it: `user`, `checks`, …"""
    where: str
    names: frozenset[str]
    """Variables that must be there."""
    seen: frozenset[str]
    """All variables in it."""
    fill: Callable[[Values], Json]
    constant: bool = False
    inherited: bool = False


class RowFault(Exception):  # noqa: N818  # carries a fault to where the row is known
    """A piece that cannot be filled with a row's values."""

    def __init__(self, piece: Piece, fault: TemplateFault) -> None:
        super().__init__(fault.message)
        self.piece = piece
        self.fault = fault


def told(piece: Piece, make: Callable[[Values], T], values: Values) -> T:
    """Call a maker; its fault becomes one of the row.

    Raises:
        RowFault: The maker raised TemplateFault.
    """
    try:
        return make(values)
    except TemplateFault as fault:
        raise RowFault(piece, fault) from None


class Notes:
    """Reads pieces of a suite, and notes what is wrong with them at their lines."""

    def __init__(self, source: Source, mistakes: Mistakes) -> None:
        self._source = source
        self._mistakes = mistakes

    def folder(self, path: KeyPath) -> Path:
        """Return the folder of the file in which an element is written."""
        return self._source.folder(path)

    def add(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        """Note a mistake."""
        self._mistakes.add(self._source.where(path), message, hint)

    def read(self, label: str, path: KeyPath, make: Callable[[], T]) -> T | None:
        """Return what a maker makes; None where its fault was noted."""
        try:
            return make()
        except TemplateFault as fault:
            self.add(path, f"{label}: {fault.message}", fault.hint)
        return None

    def piece(
        self, label: str, path: KeyPath, make: Callable[[], Template | Filler]
    ) -> Piece | None:
        """Return a piece; None where its fault was noted."""
        made = self.read(label, path, make)
        if made is None:
            return None
        return Piece(
            label=label,
            where=self._source.where(path),
            names=made.names,
            seen=made.seen,
            fill=made.fill,
            constant=made.constant,
            inherited=path[0] != "cases",
        )
