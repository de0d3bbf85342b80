"""Parts of a run: the groups that a comparison is narrowed to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

import msgspec

from qeval.errors import UsageError, suggestion
from qeval.record import Asked, Group, Header, Setup, Source

Kind: TypeAlias = Literal["target", "scenario"]


class Part:
    """Some of the groups of a run: a `record.Source` too.

    Args:
        source: The run.
        header: Its header, with what is left of targets and scenarios.
        keep: Whether a group is of the part.
    """

    def __init__(self, source: Source, header: Header, keep: Callable[[Group], bool]) -> None:
        self._source = source
        self._keep = keep
        self.header = header
        if not header.complete:  # what is left aside was not missed
            aside = sum(len(group.trials) for group in source.groups() if not keep(group))
            self.header = msgspec.structs.replace(header, planned=header.planned - aside)
        self.asked: dict[tuple[str, str | None], Asked] = source.asked

    def groups(self) -> Iterator[Group]:
        """Yield the groups of the part, in plan order."""
        return (group for group in self._source.groups() if self._keep(group))


def chosen(source: Source, targets: Sequence[str], scenarios: Sequence[str]) -> Source:
    """Return the part of a run that asked some targets, under some scenarios; none named: all.

    Args:
        source: The run.
        targets: Names or patterns.
        scenarios: So too; a scenario's name stands for all that it expands to.

    Raises:
        UsageError: One fits nothing of the run.
    """
    if targets:
        source = _part(source, "target", _fitting(source, "target", targets))
    if scenarios:
        source = _part(source, "scenario", _fitting(source, "scenario", scenarios))
    return source


def on_common_ground(sources: Sequence[Source], kind: Kind) -> tuple[list[Source], tuple[str, ...]]:
    """Leave out targets or scenarios that share no question with the first of them.

    A suite may have scenarios for work of different kinds, which have no case to compare by.

    Returns:
        The runs, or their parts, and a line that names what was left out, if anything was.
    """
    asked = [_asked(source, kind) for source in sources]
    names = (setup.name for setup in _setups(sources[0], kind))
    first = next((name for name in names if name in asked[0]), None)
    if first is None:
        return list(sources), ()
    shared = [{name for name, places in each.items() if places & asked[0][first]} for each in asked]
    left = dict.fromkeys(
        name for each, kept in zip(asked, shared, strict=True) for name in each if name not in kept
    )
    if not left or sum(map(len, shared)) < 2:
        return list(sources), ()
    parts = [_part(source, kind, kept) for source, kept in zip(sources, shared, strict=True)]
    return parts, (f"left out, with no case in common with {first}: {', '.join(left)}",)


def _asked(source: Source, kind: Kind) -> dict[str, set[tuple[str, str]]]:
    """Return what each target or scenario was asked: case, and the other side."""
    found: dict[str, set[tuple[str, str]]] = {}
    for group in source.groups():
        name, other = group.target, group.scenario
        if kind == "scenario":
            name, other = other, name
        found.setdefault(name, set()).add((group.case, other))
    return found


def _setups(source: Source, kind: Kind) -> Sequence[Setup]:
    return source.header.targets if kind == "target" else source.header.scenarios


def _part(source: Source, kind: Kind, names: set[str]) -> Source:
    kept = tuple(setup for setup in _setups(source, kind) if setup.name in names)
    header = msgspec.structs.replace(source.header, **{f"{kind}s": kept})
    return Part(source, header, lambda group: getattr(group, kind) in names)


def _fitting(source: Source, kind: Kind, wanted: Sequence[str]) -> set[str]:
    names = [setup.name for setup in _setups(source, kind)]
    found: set[str] = set()
    for pattern in wanted:
        fits = [n for n in names if fnmatchcase(n, pattern) or n.startswith(f"{pattern}:")]
        if not fits:
            raise UsageError(
                f"no {kind} of run {source.header.id!r} fits {pattern!r}",
                hint=suggestion(kind, pattern, names),
            )
        found.update(fits)
    return found
