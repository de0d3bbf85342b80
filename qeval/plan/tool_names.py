"""Checks that wait for a call of a tool that nobody offers: `not-calls` could never fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qeval.errors import nearest
from qeval.plan.values import PlannedGroup
from qeval.scorers.base import Prepared
from qeval.scorers.calls import Calls
from qeval.suite import Case, Suite
from qeval.value import Json


def misnamed(groups: Iterable[PlannedGroup], suite: Suite) -> Iterator[tuple[str, str, str]]:
    """Yield place, message and hint for each tool that a check names and nothing defines.

    Tools of the whole suite count, and those called in a case's messages. Callable targets and
    cases with tools of the service's own (`extra: {tools}`) may call what is not written here.
    """
    defined = _defined((suite, *suite.cases))
    for group in groups:
        checks = (*group.checks, *(c for turn in group.case.script.turns for c in turn.checks))
        names = {name for check in checks for name in _waited_for(check)} - defined
        if not names or group.target.python is not None or "tools" in group.params.extra:
            continue
        said = {call.name for m in group.case.script.said for call in m.tool_calls}
        for name in sorted(names - said):
            close = nearest(name, defined | said)
            hint = f"did you mean {close!r}?" if close else f"define it: `tools: {{{name}: …}}`"
            yield group.case.where, f"calls: there is no tool {name!r}", hint


def _waited_for(check: Prepared) -> Iterator[str]:
    """Yield the tools that a check names, or one of those inside it."""
    if type(check.scorer) is Calls:
        yield from check.scorer.names
    for inner in getattr(check.scorer, "checks", ()):
        yield from _waited_for(inner)


def _defined(places: Iterable[Suite | Case]) -> set[str]:
    found: set[str] = set()
    for place in places:
        tools: Json = place.tools
        if isinstance(tools, dict):
            found |= tools.keys()
    return found
