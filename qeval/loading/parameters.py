"""Request parameters that do not stand in a file, by the rules of those that do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qeval.errors import UsageError
from qeval.loading.keys import PARAMS_TABLE
from qeval.loading.mistakes import Mistakes
from qeval.loading.nodes import OddValueError, dress
from qeval.loading.walking import Walk
from qeval.value import Json


def checked(given: Mapping[str, Json], label: str) -> dict[str, Json]:
    """Return parameters as a suite's are read: `thinking: on` is True, say.

    Args:
        given: By name.
        label: What messages call them.

    Raises:
        UsageError: One is unknown, of another kind, or out of range; all of them are told.
    """
    mistakes = Mistakes()
    walk = Walk(label, Path(), Path(), mistakes)
    walk.dressed = True
    try:
        values = PARAMS_TABLE.read(dress(dict(given), lambda _: 0), "params", walk)
    except OddValueError as error:
        raise UsageError(f"{label}: {error}", hint="write text, numbers, True or False") from None
    if not len(mistakes):
        found: dict[str, Json] = values
        return found
    said = "; ".join(line.partition(": ")[2] for line in mistakes.lines())
    hint = mistakes.error().hint if len(mistakes) == 1 else None
    raise UsageError(f"{label}: {said}", hint=hint)
