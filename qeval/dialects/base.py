"""What a dialect is, and which there are."""

from __future__ import annotations

from typing import Protocol

from qeval.exchange import Answer, Request, Response, Wire
from qeval.registry import Registry
from qeval.suite import Target


class Dialect(Protocol):
    """One wire format: how a request is written and an answer is read. Does no I/O."""

    @property
    def name(self) -> str:
        """As suites write it, such as `chat`."""
        ...

    def write(self, request: Request) -> Wire:
        """Return the call for one request. Equal requests give equal bytes.

        Raises:
            UsageError: The request asks for what this dialect cannot say.
        """
        ...

    def read(self, answer: Answer, marks: list[int] | None = None) -> Response:
        """Return what the answer says, streamed or whole.

        Args:
            answer: What came.
            marks: If given, filled with the offset after each frame of a stream that says
                something, for `qeval.dialects.times`; also where this raises.

        Raises:
            StatusError: The endpoint answered with an error.
            ResponseError: The answer is not in this dialect.
            TransportError: The body was cut (kind `cut`).
        """
        ...


DIALECTS: Registry[Dialect] = Registry("dialect", "qeval.dialects")
"""Every dialect by name. Third parties join by entry points of the group `qeval.dialects`."""


def spoken(target: Target) -> Dialect:
    """Return the wire format of a planned target; a callable one has its own, which suites lack."""
    if target.python is not None:
        from qeval.dialects.calling import CALLING  # no other target needs it

        return CALLING
    return DIALECTS.get(target.dialect or "chat")
