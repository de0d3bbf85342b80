"""What every template is, however it is filled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from qeval.value import Json

LIMIT = 10_000_000
"""Characters that one rendered text may have."""

Values = Mapping[str, Json]


class TemplateFault(ValueError):  # noqa: N818  # a fault of the suite, told as a mistake
    """A template that cannot be read, or not be filled with these values."""

    def __init__(self, message: str, hint: str | None = None, missing: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.missing = missing
        """The variable that is not there, where that is the fault."""


class Template:
    """A text, and what it takes to fill it.

    Args:
        fill: Makes the result from values: text or, of a native template, any JSON. It raises
            TemplateFault.
        names: Variables that must be known for the text to make sense.
        seen: All variables in it, those included that it can do without; None: `names`.
        constant: Whether the result is always the same.
    """

    __slots__ = ("constant", "fill", "names", "seen")

    def __init__(
        self,
        fill: Callable[[Values], Json],
        names: Iterable[str] = (),
        *,
        seen: Iterable[str] | None = None,
        constant: bool = False,
    ) -> None:
        self.fill = fill
        self.names = frozenset(names)
        self.seen = self.names if seen is None else frozenset(seen)
        self.constant = constant


def printed(value: Json) -> str:
    """Return how templates print a value: text as it is, everything else as JSON.

    >>> [printed(v) for v in ("a", True, None, 0.5, {"a": 1})]
    ['a', 'true', 'null', '0.5', '{"a": 1}']
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def too_long() -> TemplateFault:
    """Return the fault of a result over the limit."""
    return TemplateFault(f"the result is over {LIMIT // 1_000_000} MB")
