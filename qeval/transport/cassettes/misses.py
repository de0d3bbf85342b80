"""Why a replay has no answer: made only when it has none, from one file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qeval.dialects.errors import harmless
from qeval.errors import (
    CassetteError,
    CassetteExhaustedError,
    CassetteMissingError,
    CassetteStaleError,
)
from qeval.exchange import Place
from qeval.transport.cassettes.interaction import UNREADABLE, Interaction, load, nth
from qeval.value import Json

_SHOWN = 3
"""Differing fields, and roles of messages, that a message shows."""
_LONGEST = 1500
"""Characters of a message: fields may have names of any length."""
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
        fields = "; ".join(differences(own[-1], sought))
        return CassetteStaleError(
            harmless(f"{shown}: {whose} was recorded for another request: {fields}", _LONGEST),
            path=shown,
            hint=f"if the change is meant, record it anew with `{command}`",
        )
    alike = [one for one in tape if one.key == sought.key]
    if alike:
        return CassetteExhaustedError(
            harmless(
                f"{shown}: {whose} is not recorded; this very request is, for {_listed(alike)}",
                _LONGEST,
            ),
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
        fields = "; ".join(differences(nearest(tape, sought), sought))
        fact = f"recorded are {_listed(tape)}; the nearest differs in {fields}"
    said = harmless(f"{shown}: {_name(place)} is not recorded; {fact}", _LONGEST)
    return CassetteMissingError(said, path=shown, hint=_record(command))


def nearest(tape: Sequence[Interaction], sought: Interaction) -> Interaction:
    """Return the recording whose request differs in the fewest fields, the first of like ones."""
    return min(tape, key=lambda one: len(list(changes(one, sought))))


def _record(command: str) -> str:
    return f"record it with `{command}`"


def _name(place: Place) -> str:
    which = nth(place.turn)
    return f"trial {place.trial} under {place.scenario!r}" + f", {which}" * bool(which)


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
        f"{numbers(trials)}" + (f" under {scenario!r}" if scenario is not None else "")
        for scenario, trials in scenarios.items()
    )


def numbers(trials: list[int]) -> str:
    """Say which: `trial 2`, `trials 0, 1 and 2`, `trials 0 to 9`."""
    if len(trials) == 1:
        return f"trial {trials[0]}"
    if len(trials) > 6 and trials[-1] - trials[0] != len(trials) - 1:
        return f"{len(trials)} trials"
    if len(trials) > 6:
        return f"trials {trials[0]} to {trials[-1]}"
    return f"trials {', '.join(map(str, trials[:-1]))} and {trials[-1]}"


class Change(NamedTuple):
    """One field that differs between two requests; both values as they are shown, cut."""

    field: str
    """`messages[0].content`; `address` for method and address, `body` where it is no JSON."""
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.field}: {self.old} → {self.new}"


ABSENT = "not sent"
"""Stands for the value of a field on the side that lacks it."""


def differences(old: Interaction, new: Interaction) -> list[str]:
    """Return the first differing fields, each as `path: old → new`."""
    found = [str(change) for change in changes(old, new)]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return found[:_SHOWN] + more or ["nothing but its form"]


def changes(old: Interaction, new: Interaction) -> Iterator[Change]:
    """Yield every field in which two requests differ, in the order of the old one."""
    if (old.method, old.uri) != (new.method, new.uri):
        yield Change("address", f"{old.method} {old.uri}", f"{new.method} {new.uri}")
    before, after = load(old.request), load(new.request)
    if before is not UNREADABLE and after is not UNREADABLE:
        try:
            yield from list(_fields("", before, after))
        except RecursionError:  # nested beyond reason: told as text
            pass
        else:
            return
    if old.request != new.request:
        yield _change("body", *(one.request.decode(errors="replace") for one in (old, new)))


def _fields(path: str, old: Json, new: Json) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _keys(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield _grown(path, old, new)
            return
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _fields(f"{path}[{index}]", one, other)
    elif old != new or type(old) is not type(new):
        yield _change(path, old, new)


def _keys(path: str, old: dict[str, Json], new: dict[str, Json]) -> Iterator[Change]:
    for key in [*old, *(key for key in new if key not in old)]:
        below = f"{path}.{key}" if path else str(key)
        if key not in new:
            yield Change(below, _shown(old[key]), ABSENT)
        elif key not in old:
            yield Change(below, ABSENT, _shown(new[key]))
        else:
            yield from _fields(below, old[key], new[key])


def _grown(path: str, old: list[Json], new: list[Json]) -> Change:
    """Tell two lengths, and whose messages came or went where the others stayed as they were."""
    short, long = sorted((old, new), key=len)
    surplus = len(long) - len(short)
    # A whole number and its float are equal in Python, yet two values on the wire.
    texts = [[json.dumps(item, sort_keys=True) for item in items] for items in (short, long)]
    first = next((i for i, text in enumerate(texts[0]) if text != texts[1][i]), len(short))
    told = str(len(new))
    if texts[0][first:] == texts[1][first + surplus :]:
        roles = [_role(item) for item in long[first : first + min(surplus, _SHOWN)]]
        if all(roles):
            verb = "added" if long is new else "gone"
            last = f"{surplus - _SHOWN} more" if surplus > _SHOWN else roles.pop()
            told += f", {verb} {' and '.join([', '.join(roles), last] if roles else [last])}"
    return Change(path, f"{len(old)} item" + "s" * (len(old) != 1), told)


def _role(item: Json) -> str:
    """Return who says a message, quoted; '' of what is none."""
    said = item.get("role") or item.get("type") if isinstance(item, dict) else None
    return _shown(said) if isinstance(said, str) else ""


def _change(path: str, old: Json, new: Json) -> Change:
    """Show both values around their first difference."""
    start = 0
    if isinstance(old, str) and isinstance(new, str):
        same = next(
            (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
            min(len(old), len(new)),
        )
        start = max(0, same - _WIDTH // 3) if max(len(old), len(new)) > _WIDTH else 0
    return Change(path, _shown(old, start), _shown(new, start))


def _shown(value: Json, start: int = 0) -> str:
    # Not msgspec: a stored body may hold lone surrogates and integers beyond 64 bits.
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )
    cut = text[start : start + _WIDTH]
    before, after = "…" * bool(start), "…" * (len(text) > start + _WIDTH)
    return repr(before + cut + after) if isinstance(value, str) else cut + after
