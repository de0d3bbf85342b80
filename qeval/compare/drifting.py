"""Token drift: a change of the bill that neither the question nor the template explains.

verdicts.md section 10. The service counts, it does not draw, so these are exact statements: of
each kind of request (model, dialect, thinking, tools, format), media taken out first. Requests
that were sent in both runs are held against each other; only where there are none, what is left
of the bill after the prediction. Models that are compared with each other do not drift, so this is
of run against run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qeval import units
from qeval.compare.columns import Column
from qeval.compare.halves import Half, Spent, setup
from qeval.compare.pairing import Match
from qeval.compare.phrases import number
from qeval.compare.values import Drift, Measured, Word
from qeval.stats.drift import Shift, paired, unpaired


def drifting(
    columns: tuple[Column, Column], matches: Sequence[Match]
) -> tuple[tuple[Drift, ...], Measured | None]:
    """Return the drifts since the first column by name, and what they are as a measure.

    The measure is None where no bill can be held against another.
    """
    if columns[0].by != "run":
        return (), None
    old, new = (_bills(columns, matches, side) for side in (0, 1))
    shifts = {name: _shift(old[name], new[name]) for name in sorted(new) if name in old}
    known = {name: shift for name, (shift, known) in shifts.items() if known}
    found = tuple(_told(name, shift) for name, shift in known.items() if shift is not None)
    return found, _measure(found, len(known)) if known else None


def _measure(found: Sequence[Drift], groups: int) -> Measured:
    """Return the drifts as one fact: any upwards is worse, else any downwards is better."""
    upwards = any(each.upwards for each in found)
    word: Word = "worse" if upwards else "better" if found else "same"
    kinds = number(groups, "kind of request", "kinds of request")
    said = f"token drift: none in {kinds}."
    if found:
        direction = "upwards" if upwards else "downwards"
        said = f"token drift: {direction}, {found[0].group}: {found[0].sentence}"
    return Measured(
        name="token_drift", unit="tokens", word=word, sentence=said, fact=True, cases=groups
    )


def _bills(
    columns: tuple[Column, Column], matches: Sequence[Match], side: int
) -> dict[str, list[Spent]]:
    """Return what was billed on one side, by group."""
    held: dict[str, list[Spent]] = {}
    for match in matches:
        half = (match.a, match.b)[side]
        if half is None:
            continue
        names: dict[tuple[str, ...], str] = {}
        for spent in half.spent:
            if spent.billed is not None:
                name = names.get(spent.traits) or _name(columns[side], half, spent.traits)
                names[spent.traits] = name
                held.setdefault(name, []).append(spent)
    return held


def _name(column: Column, half: Half, traits: Sequence[str]) -> str:
    """Return the kind of a request: `qwen-plus, chat, thinking, tools, json`."""
    target = setup(column.header.targets, half.target)
    scenario = setup(column.header.scenarios, half.scenario)
    model = (target.model if target else None) or half.target
    said = [each.params.thinking for each in (scenario, target) if each]
    thinking = next((value for value in said if value is not None), None)
    kinds = [model, (target.dialect if target else None) or "chat", *traits]
    if "thinking" not in traits and thinking:
        kinds.insert(2, "thinking")
    return ", ".join(kinds)


def _shift(old: Sequence[Spent], new: Sequence[Spent]) -> tuple[Shift | None, bool]:
    """Return the shift of one kind of request, and whether there was anything to compare."""
    pairs = sorted(_same_requests(old, new), key=_in_order)
    if pairs:
        return paired(pairs), True
    before, after = (
        [spent.unexplained for spent in side if spent.unexplained is not None]
        for side in (old, new)
    )
    return unpaired(before, after), bool(before and after)


def _same_requests(
    old: Sequence[Spent], new: Sequence[Spent]
) -> Iterator[tuple[int | None, int, int]]:
    """Yield (predicted, old bill, new bill) of each request sent in both runs.

    Trials of one request have no partners, so their bills are held against each other in order.
    """
    before = _by_request(old)
    for request, now in _by_request(new).items():
        was = before.get(request, [])
        bills = (sorted(s.billed for s in side if s.billed is not None) for side in (was, now))
        predicted = next((s.predicted for s in now if s.predicted is not None), None)
        for a, b in zip(*bills, strict=False):
            yield predicted, a, b


def _in_order(bill: tuple[int | None, int, int]) -> tuple[int, int, int]:
    predicted, old, new = bill
    return (-1 if predicted is None else predicted, old, new)


def _by_request(side: Sequence[Spent]) -> dict[str, list[Spent]]:
    held: dict[str, list[Spent]] = {}
    for spent in side:
        if spent.request is not None:
            held.setdefault(spent.request, []).append(spent)
    return held


def _told(name: str, shift: Shift) -> Drift:
    """Say a shift (verdicts.md section 10)."""
    of = f"{units.count(shift.affected)} of {number(shift.requests, 'request')}"
    size = f"{units.tokens(abs(shift.change))} {'more' if shift.upwards else 'fewer'}"
    if shift.kind == "proportional":
        said = f"proportional, about {units.change(1 + shift.change)}, on {of}: another vocabulary?"
    elif shift.kind == "irregular":
        said = f"irregular, {size} in the middle, on {of}"
    elif shift.kind == "partial":
        said = f"partial, {size} on {of}: a roll-out?"
    elif shift.a is not None and shift.b is not None:
        said = f"constant {_signed(shift.a)} → {_signed(shift.b)} on {of}"
    else:
        said = f"constant, {size} on {of}"
    return Drift(
        group=name,
        kind=shift.kind,
        upwards=shift.upwards,
        sentence=said if said.endswith("?") else f"{said}.",
        a=shift.a,
        b=shift.b,
        affected=shift.affected,
        requests=shift.requests,
    )


def _signed(residual: int) -> str:
    shown = units.tokens(abs(residual))
    return f"−{shown}" if residual < 0 else shown
