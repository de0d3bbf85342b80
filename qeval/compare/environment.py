"""What differs between two columns besides the answers: it is listed first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from qeval import units
from qeval.compare.columns import Column
from qeval.compare.halves import Half, setup
from qeval.compare.pairing import Match
from qeval.compare.values import Environment
from qeval.record import Setup
from qeval.value import canonical_json

NONE = "–"
_UNSEEN = frozenset(("name", "description", "params", "trials", "passes"))
"""Parts of a setup that are told apart, or say nothing of what was asked."""


def environment(
    columns: tuple[Column, Column], matches: Sequence[Match]
) -> tuple[Environment, ...]:
    """Return the differences, what tells most of the answers first.

    The order: models as reported, the suite, qeval, scenarios, targets, tokens of the template,
    scorers, who answered, how.
    """
    first, second = (column.header for column in columns)
    found = [
        *_models(matches),
        *_differs("suite digest", first.suite_digest[:12], second.suite_digest[:12]),
        *_differs("qeval", first.qeval, second.qeval),
        *_setups(columns, "scenario"),
        *_setups(columns, "target"),
        *_templates(matches),
        *_scorers(matches),
        *_differs("answered by", ", ".join(first.sources), ", ".join(second.sources)),
        *_differs("mode", first.mode, second.mode),
    ]
    return tuple(found)


def _differs(what: str, a: str, b: str) -> Iterator[Environment]:
    if a != b:
        yield Environment(what=what, a=a or NONE, b=b or NONE)


def _setups(columns: tuple[Column, Column], kind: str) -> Iterator[Environment]:
    """Compare targets or scenarios of one name; where they are the columns, the two that are."""
    setups = [getattr(column.header, f"{kind}s") for column in columns]
    if columns[0].by == kind:
        a, b = (setup(s, c.name or "") for s, c in zip(setups, columns, strict=True))
        if a and b:
            yield from _setup(kind, a, b)
        return
    if columns[0].source is columns[1].source:
        return
    for b in setups[1]:
        if a := setup(setups[0], b.name):
            yield from _setup(f"{kind} {b.name}", a, b)


def _setup(what: str, a: Setup, b: Setup) -> Iterator[Environment]:
    one, two = _flat(a), _flat(b)
    for key in dict.fromkeys([*one, *two]):
        yield from _differs(f"{what}: {key}", _shown(one.get(key)), _shown(two.get(key)))


def _flat(held: Setup) -> dict[str, object]:
    """Return what a setup says, parameters and values by their own names."""
    parts = msgspec.structs.asdict(held)
    params = msgspec.structs.asdict(held.params)
    flat = {key: value for key, value in params.items() if value is not None}
    flat |= {key: value for key, value in parts.items() if key not in _UNSEEN and key != "vars"}
    return flat | {f"vars.{key}": value for key, value in held.vars.items()}


def _shown(value: object) -> str:
    if value is None or value in ({}, ()):
        return ""
    return value if isinstance(value, str) else canonical_json(value).decode()


def _models(matches: Sequence[Match]) -> Iterator[Environment]:
    """Compare the names of models that endpoints gave, where they are not those asked for."""
    sides = [_reported(half for match in matches if (half := match.a))]
    sides.append(_reported(half for match in matches if (half := match.b)))
    for target in dict.fromkeys([*sides[1], *sides[0]]):
        if target in sides[0] and target in sides[1]:
            what = f"model as reported by {target}"
            yield from _differs(what, *(", ".join(sorted(side[target])) for side in sides))


def _reported(halves: Iterator[Half]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for half in halves:
        found.setdefault(half.target, set()).update(
            spent.model or "as asked for" for spent in half.spent
        )
    return {target: names for target, names in found.items() if names}


def _templates(matches: Sequence[Match]) -> Iterator[Environment]:
    """Compare the tokens that chat templates put around the messages, target by target."""
    held: dict[str, list[tuple[int, int]]] = {}
    for match in matches:
        if match.a and match.b and match.a.target == match.b.target:
            ends = [
                next((s.markup for s in half.spent if s.markup is not None), None)
                for half in (match.a, match.b)
            ]
            if ends[0] is not None and ends[1] is not None:
                held.setdefault(match.b.target, []).append((ends[0], ends[1]))
    for target, counted in held.items():
        means = [sum(column) / len(counted) for column in zip(*counted, strict=True)]
        what = f"template tokens of {target}, mean of a request"
        yield from _differs(what, *(units.tokens(mean) for mean in means))


def _scorers(matches: Sequence[Match]) -> Iterator[Environment]:
    """Name the checks whose scorer is of another version, once each."""
    seen: dict[str, tuple[str, str]] = {}
    for match in matches:
        if match.a and match.b and match.a.checks is not match.b.checks:
            before = dict(match.a.checks)
            for name, version in match.b.checks:
                if before.get(name, version) != version:
                    seen.setdefault(name, (f"version {before[name]}", f"version {version}"))
    for name, (a, b) in seen.items():
        yield from _differs(f"scorer of {name}", a, b)
