"""Why a replay has no answer: made only when it has none, from one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qeval.errors import (
    CassetteError,
    CassetteExhaustedError,
    CassetteMissingError,
    CassetteStaleError,
)
from qeval.exchange import Place
from qeval.transport.cassettes.interaction import UNREADABLE, Interaction, load
from qeval.value import Json, to_json

_SHOWN = 3
"""Differing fields that a message shows."""
_WIDTH = 48
"""Characters of a value that it shows."""


def no_file(shown: str, place: Place, command: str) -> CassetteError:
    """Return the error for a case that has no cassette."""
    return CassetteMissingError(
        f"no recording of case {place.case!r}: {shown} is not there",
        path=shown,
        hint=_record(command),
    )


def explain(
    shown: str, place: Place, sought: Interaction, tape: Sequence[Interaction], command: str
) -> CassetteError:
    """Return the error for a request that the file does not answer."""
    whose = _name(place)
    own = [one for one in tape if one.place is not None and _same(one.place, place)]
    if own:
        changes = "; ".join(differences(own[-1], sought))
        return CassetteStaleError(
            f"{shown}: {whose} was recorded for another request: {changes}",
            path=shown,
            hint=f"if the change is meant, record it anew with `{command}`",
        )
    alike = [one for one in tape if one.key == sought.key]
    if alike:
        return CassetteExhaustedError(
            f"{shown}: {whose} is not recorded; this very request is, for {_listed(alike)}",
            path=shown,
            hint=_record(command),
        )
    return _missing(shown, place, sought, tape, command)


def _missing(
    shown: str, place: Place, sought: Interaction, tape: Sequence[Interaction], command: str
) -> CassetteError:
    if not tape:
        fact = "the file has no recordings"
    else:
        nearest = min(tape, key=lambda one: len(list(_changes(one, sought))))
        changes = "; ".join(differences(nearest, sought))
        fact = f"recorded are {_listed(tape)}; the nearest differs in {changes}"
    return CassetteMissingError(
        f"{shown}: {_name(place)} is not recorded; {fact}", path=shown, hint=_record(command)
    )


def _record(command: str) -> str:
    return f"record it with `{command}`"


def _name(place: Place) -> str:
    turn = f", turn {place.turn}" if place.turn else ""
    return f"trial {place.trial} under {place.scenario!r}{turn}"


def _same(one: Place, other: Place) -> bool:
    return (one.scenario, one.trial, one.turn) == (other.scenario, other.trial, other.turn)


def _listed(tape: Sequence[Interaction]) -> str:
    """Say which trials there are: `trials 0, 1 and 2 under 'warm'`."""
    scenarios: dict[str | None, list[int]] = {}
    for number, one in enumerate(tape):
        scenario = one.place.scenario if one.place else None
        trials = scenarios.setdefault(scenario, [])
        trial = one.place.trial if one.place else number
        if trial not in trials:
            trials.append(trial)
    return "; ".join(
        f"{_numbers(trials)}" + (f" under {scenario!r}" if scenario is not None else "")
        for scenario, trials in scenarios.items()
    )


def _numbers(trials: list[int]) -> str:
    if len(trials) == 1:
        return f"trial {trials[0]}"
    if len(trials) > 6:
        return f"trials {trials[0]} to {trials[-1]}"
    return f"trials {', '.join(map(str, trials[:-1]))} and {trials[-1]}"


def differences(old: Interaction, new: Interaction) -> list[str]:
    """Return the first differing fields, each as `path: old → new`."""
    changes = list(_changes(old, new))
    more = [f"and {len(changes) - _SHOWN} more"] if len(changes) > _SHOWN else []
    return changes[:_SHOWN] + more or ["nothing but its form"]


def _changes(old: Interaction, new: Interaction) -> Iterator[str]:
    if (old.method, old.uri) != (new.method, new.uri):
        yield f"address: {old.method} {old.uri} → {new.method} {new.uri}"
    before, after = load(old.request), load(new.request)
    if before is UNREADABLE or after is UNREADABLE:
        if old.request != new.request:
            yield _change("body", *map(_decoded, (old.request, new.request)))
        return
    yield from _fields("", before, after)


def _decoded(data: bytes) -> str:
    return data.decode(errors="replace")


def _fields(path: str, old: Json, new: Json) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _keys(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{path}: {len(old)} items → {len(new)}"
            return
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _fields(f"{path}[{index}]", one, other)
    elif old != new or type(old) is not type(new):
        yield _change(path, old, new)


def _keys(path: str, old: dict[str, Json], new: dict[str, Json]) -> Iterator[str]:
    for key in [*old, *(key for key in new if key not in old)]:
        below = f"{path}.{key}" if path else str(key)
        if key not in new:
            yield f"{below}: {_shown(old[key])} → not sent"
        elif key not in old:
            yield f"{below}: not sent → {_shown(new[key])}"
        else:
            yield from _fields(below, old[key], new[key])


def _change(path: str, old: Json, new: Json) -> str:
    """Show both values around their first difference."""
    start = 0
    if isinstance(old, str) and isinstance(new, str):
        same = next(
            (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
            min(len(old), len(new)),
        )
        start = max(0, same - _WIDTH // 3) if max(len(old), len(new)) > _WIDTH else 0
    return f"{path}: {_shown(old, start)} → {_shown(new, start)}"


def _shown(value: Json, start: int = 0) -> str:
    text = value if isinstance(value, str) else to_json(value).decode()
    cut = text[start : start + _WIDTH]
    before, after = "…" * bool(start), "…" * (len(text) > start + _WIDTH)
    return repr(before + cut + after) if isinstance(value, str) else cut + after
