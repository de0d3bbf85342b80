"""Two columns joined: which group stands against which, and whether they may be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal, TypeAlias

from qeval.compare.columns import Column, Place
from qeval.compare.halves import Half, Halves
from qeval.compare.values import State
from qeval.record import Asked
from qeval.stats.paired import Pair
from qeval.value import Value

Fact: TypeAlias = Literal["", "recording", "declared"]
"""Why a pair is no sample: the same recordings, or a target declared deterministic."""
Missing: TypeAlias = Literal["left out", "against B", "for B"]
"""What becomes of errored trials: nothing; B's fail and A's pass; the reverse."""


class Match(Value):
    """A place with what stands there on either side."""

    place: Place
    a: Half | None
    b: Half | None
    asked: Asked
    """As the new side asks it, where it does."""
    state: State
    why: str = ""
    """What changed, where it is not comparable."""
    fact: Fact = ""

    @property
    def errored(self) -> bool:
        """Whether a trial of it ended in an error."""
        return bool((self.a and self.a.errored) or (self.b and self.b.errored))


def match(columns: tuple[Column, Column], halves: tuple[Halves, Halves]) -> list[Match]:
    """Return every place of either column: in the order of the new one, then those that are gone.

    Groups join by case, target and scenario without the side compared; trials have no partners.
    A group is planned where a trial of it was not skipped. What an interrupted run did not come
    to is lost, not gone.
    """
    first, second = halves
    places = dict.fromkeys([*second.by_place, *first.by_place])
    return [_match(place, columns, halves) for place in places]


def _match(place: Place, columns: tuple[Column, Column], halves: tuple[Halves, Halves]) -> Match:
    a, b = (side.by_place.get(place) for side in halves)
    asked = tuple(
        _asked(column, half) if half else None for column, half in zip(columns, (a, b), strict=True)
    )
    state, why = _state(a, b, halves)
    if a and b and state == "paired":
        why = _changed(columns, (a, b), (asked[0], asked[1]))
        judged = a.judged and b.judged
        state = "not_comparable" if why else "paired" if judged else "lost"
    return Match(
        place=place,
        a=a,
        b=b,
        asked=asked[1] or asked[0] or Asked(case=place.case),
        state=state,
        why=why,
        fact=_fact(a, b, halves) if a and b and state == "paired" else "",
    )


def _asked(column: Column, half: Half) -> Asked | None:
    asked = column.source.asked
    return asked.get((half.place.case, None)) or asked.get((half.place.case, half.scenario))


def _state(a: Half | None, b: Half | None, halves: tuple[Halves, Halves]) -> tuple[State, str]:
    in_a, in_b = bool(a and a.planned), bool(b and b.planned)
    if in_a and in_b:
        return "paired", ""
    if in_a:
        if halves[1].missing and b is None:
            return "lost", "the new run did not come to it"
        return "gone", "skipped now" if b else ""
    if in_b:
        if halves[0].missing and a is None:
            return "lost", "the old run did not come to it"
        return "new", "skipped before" if a else ""
    return "lost", "skipped"


def _changed(
    columns: tuple[Column, Column],
    halves: tuple[Half, Half],
    asked: tuple[Asked | None, Asked | None],
) -> str:
    """Say what of a case changed, or return ''.

    Scenarios may ask the same case in other words: that is what is compared then, so questions
    are held against each other only where both columns use one scenario, or the case does not
    depend on it.
    """
    if columns[0].source is columns[1].source:
        return ""
    a, b = halves
    one, two = asked
    changed = list(_versions(a, b))
    alike = a.scenario == b.scenario or bool(one and two and one.scenario is two.scenario is None)
    if alike and one and two and one.digest and two.digest and one.digest != two.digest:
        changed = [_what(one, two, halves), *changed]
    elif a.judged and b.judged and _names(a) != _names(b):
        changed = ["its checks changed", *changed]
    return "; ".join(changed)


def _what(one: Asked, two: Asked, halves: tuple[Half, Half]) -> str:
    """Name what made two digests differ. A baseline without messages leaves that open."""
    checks = all(h.judged for h in halves) and _names(halves[0]) != _names(halves[1])
    if one.messages and two.messages:
        if one.messages == two.messages:
            return "its checks changed" if checks else "its checks or its response format changed"
        return "its question and its checks changed" if checks else "its question changed"
    return "its checks changed" if checks else "its question or its checks changed"


def _names(half: Half) -> list[str]:
    return [name for name, _ in half.checks]


def _versions(a: Half, b: Half) -> Iterator[str]:
    before = dict(a.checks)
    for name, version in dict(b.checks).items():
        if before.get(name, version) != version:
            yield f"the scorer of {name!r} changed: version {before[name]} → {version}"


def _fact(a: Half, b: Half, halves: tuple[Halves, Halves]) -> Fact:
    if a.recordings and a.recordings == b.recordings:
        return "recording"
    declared = a.target in halves[0].deterministic and b.target in halves[1].deterministic
    return "declared" if declared else ""


def counts(half: Half, missing: Missing, side: Literal["a", "b"]) -> tuple[int, int]:
    """Return (passed, judged) of a half under what becomes of its errored trials."""
    if missing == "left out":
        return half.passed, half.judged
    passing = (missing == "for B") == (side == "b")
    return half.passed + half.errored * passing, half.judged + half.errored


def pairs(matches: list[Match], missing: Missing = "left out") -> list[tuple[Match, Pair]]:
    """Return what the formulas take of each pair that both sides judged, in order."""
    found = []
    for each in matches:
        if each.a is None or each.b is None or each.state not in {"paired", "lost"}:
            continue
        a, k_a = counts(each.a, missing, "a")
        b, k_b = counts(each.b, missing, "b")
        if k_a and k_b:
            made = Pair(
                d=float(Fraction(b, k_b) - Fraction(a, k_a)),
                k_a=k_a,
                k_b=k_b,
                variance_a=_variance(a, k_a),
                variance_b=_variance(b, k_b),
                fact=bool(each.fact),
            )
            found.append((each, made))
    return found


def _variance(passed: int, judged: int) -> float:
    """Unbiased variance of trials that pass or fail; 0 of a single one."""
    return passed * (judged - passed) / (judged * (judged - 1)) if judged > 1 else 0.0


class Errors(Value):
    """Trials of a side that cannot be compared, among those planned on both sides."""

    planned: int = 0
    errored: int = 0
    lost: int = 0
    """Not errored, but their partner is missing; and those an interrupted run did not come to."""
    codes: dict[str, int] = {}
    """Errored trials by code, the most frequent first."""

    @property
    def share(self) -> float:
        """(errored + lost) / planned; 0 where nothing is planned."""
        return (self.errored + self.lost) / self.planned if self.planned else 0.0


def errors(matches: list[Match], halves: tuple[Halves, Halves]) -> tuple[Errors, Errors]:
    """Count what is missing on each side, among comparable groups planned on both."""
    shared = [
        (each.state, each.a, each.b)
        for each in matches
        if each.state in {"paired", "lost"}
        and ((each.a and each.a.planned) or (each.b and each.b.planned))
    ]
    return (
        _errors([(state, a) for state, a, _ in shared if a], halves[0].missing),
        _errors([(state, b) for state, _, b in shared if b], halves[1].missing),
    )


def _errors(sided: list[tuple[State, Half]], missing: int) -> Errors:
    codes = Counter(code for _, half in sided for code in half.codes)
    return Errors(
        planned=sum(half.planned for _, half in sided) + missing,
        errored=sum(half.errored for _, half in sided),
        lost=sum(half.planned - half.errored for state, half in sided if state == "lost") + missing,
        codes=dict(sorted(codes.items(), key=lambda item: (-item[1], item[0]))),
    )
