"""Which tools the model called, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from qeval.exchange import ToolCall
from qeval.record import Evidence, Score
from qeval.scorers.base import register
from qeval.scorers.wording import shown
from qeval.value import Json, Value

_NAMED = 6
"""Calls that a reason tells."""


class _Wanted(Value):
    """A call that is expected: a name, and arguments that must be among the given ones."""

    name: str
    arguments: dict[str, Json] = {}

    def fits(self, call: ToolCall) -> bool:
        """Whether a call is this one; arguments that nobody asked for may be there."""
        if call.name != self.name:
            return False
        if not self.arguments:
            return True
        given = _given(call)
        return given is not None and all(
            key in given and given[key] == value for key, value in self.arguments.items()
        )

    @property
    def shown(self) -> str:
        """The call as a reason names it."""
        return self.name if not self.arguments else f"{self.name}({shown(self.arguments)})"


@register("calls")
class Calls(Value):
    """The model called these tools, in this order; other calls may stand between.

    All calls of the trial count. `exact`: there is no other call.
    """

    wanted: str | dict[str, dict[str, Any]] | tuple[str | dict[str, dict[str, Any]], ...]
    """A name, `{name: {argument: value}}`, or a list of them."""
    exact: bool = False

    def __post_init__(self) -> None:
        _read(self.wanted)

    @property
    def names(self) -> tuple[str, ...]:
        """The tools that are wanted, in order."""
        return tuple(each.name for each in _read(self.wanted))

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where every wanted call was made in order, else 0."""
        calls = evidence.response.tool_calls
        wanted = _read(self.wanted)
        left = iter(calls)
        missing = next((each for each in wanted if not any(each.fits(c) for c in left)), None)
        made = _told(calls)
        if missing is not None:
            return Score(value=0.0, reason=f"no call {missing.shown}; {made}")
        if self.exact and len(calls) > len(wanted):
            return Score(value=0.0, reason=f"other calls too; {made}")
        return Score(value=1.0, reason=made)


def _read(written: Json) -> tuple[_Wanted, ...]:
    items = written if isinstance(written, list | tuple) else [written]
    found: list[_Wanted] = []
    for item in items:
        if isinstance(item, str):
            found.append(_Wanted(name=item))
        elif isinstance(item, dict) and all(isinstance(v, dict) for v in item.values()):
            found += [_Wanted(name=name, arguments=given) for name, given in item.items()]
        else:
            raise ValueError(
                f"calls wants a name or {{name: {{argument: value}}}}, got {shown(item)}"
            )
    if not found:
        raise ValueError("calls names no tool")
    return tuple(found)


def _given(call: ToolCall) -> dict[str, Json] | None:
    try:
        given = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.MsgspecError, RecursionError):
        return None
    return given if isinstance(given, dict) else None


def _told(calls: Sequence[ToolCall]) -> str:
    if not calls:
        return "no tool was called"
    named = [f"{call.name}({call.arguments})" for call in calls[:_NAMED]]
    more = f" and {len(calls) - _NAMED} more" if len(calls) > _NAMED else ""
    return f"called {', '.join(named)}{more}"
