"""Reading answers by what was asked, where that decides how they are to be read."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from qeval.dialects.base import Dialect
from qeval.exchange import Request


@runtime_checkable
class Answering(Protocol):
    """A dialect whose streams are to be read by what was asked."""

    def answering(self, request: Request) -> Dialect:
        """Return what reads the answer to a request."""
        ...


def reader(dialect: Dialect, request: Request) -> Dialect:
    """Return what reads the answer to a request: the dialect, or what it knows to be better."""
    if request.params.stream and isinstance(dialect, Answering):
        return dialect.answering(request)
    return dialect
