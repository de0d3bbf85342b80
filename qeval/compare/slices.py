"""Verdicts over parts: tags, targets, scenarios, and where both vary, their cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from qeval.compare.pairing import Match
from qeval.value import Value

Kind: TypeAlias = Literal["tag", "cell", "target", "scenario"]


class Part(Value):
    """Some of the matches, under a name."""

    kind: Kind
    name: str
    matches: tuple[Match, ...]
    target: str | None = None
    scenario: str | None = None


def families(matches: Sequence[Match]) -> list[list[Part]]:
    """Return the parts, kind by kind: each kind is a family of its own.

    A kind with one part says nothing that the headline does not, so it is left out; so are a tag
    that every case has, and cells where only targets or only scenarios vary.
    """
    targets = _parts("target", matches, lambda match: match.place.target)
    scenarios = _parts("scenario", matches, lambda match: match.place.scenario)
    cells = [
        Part(
            kind="cell",
            name=f"{target.name} × {scenario.name}",
            target=target.name,
            scenario=scenario.name,
            matches=both,
        )
        for target in targets
        for scenario in scenarios
        if (both := tuple(m for m in target.matches if m.place.scenario == scenario.name))
    ]
    tags = [part for part in _tags(matches) if len(part.matches) < len(matches)]
    return [kind for kind in (tags, cells, targets, scenarios) if kind]


def _parts(
    kind: Literal["target", "scenario"],
    matches: Sequence[Match],
    name: Callable[[Match], str | None],
) -> list[Part]:
    held: dict[str, list[Match]] = {}
    for match in matches:
        own = name(match)
        if own is not None:
            held.setdefault(own, []).append(match)
    if len(held) < 2:
        return []
    return [
        Part(
            kind=kind,
            name=own,
            target=own if kind == "target" else None,
            scenario=own if kind == "scenario" else None,
            matches=tuple(found),
        )
        for own, found in held.items()
    ]


def _tags(matches: Sequence[Match]) -> list[Part]:
    held: dict[str, list[Match]] = {}
    for match in matches:
        for tag in dict.fromkeys(match.asked.tags):
            held.setdefault(tag, []).append(match)
    return [Part(kind="tag", name=tag, matches=tuple(held[tag])) for tag in sorted(held)]
