"""A comparison in the terminal: the verdict first, then what else changed, then the figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qeval import units
from qeval.compare.values import Against, Change, Comparison
from qeval.report.formats import cells
from qeval.report.formats.gate import worst
from qeval.report.marks import line, visible

SHOWN = 10
"""Cases, differences of the environment and notes that are listed; the page has all."""


def render(comparison: Comparison) -> str:
    """Return the comparison as plain text, at most some 100 columns wide."""
    parts = [_sides(comparison)]
    if len(comparison.against) > 1:
        parts.append(_drawn(cells.OVERVIEW, cells.overview(comparison)))
        letters = ["", *(side.letter for side in comparison.sides)]
        parts.append(_drawn(letters, cells.means(comparison), last="right"))
    for against in comparison.against:
        parts += _column(comparison, against)
    return "\n\n".join(parts)


def _sides(comparison: Comparison) -> str:
    told = [
        f"{side.letter}  {line(side.label, 60)}{f', recorded {side.date}' if side.date else ''}"
        for side in comparison.sides
    ]
    return "\n".join([f"suite {visible(comparison.suite)}, by {comparison.by}", *told])


def _column(comparison: Comparison, against: Against) -> Iterator[str]:
    letter = cells.letter(against)
    start = f"{letter} against A" if len(comparison.against) > 1 else letter
    yield f"{start}: {line(against.headline.sentence, 1000)}"
    if against.environment:
        listed = [
            f"  {line(each.what, 60)}: {line(each.a, 60) or 'none'} → {line(each.b, 60) or 'none'}"
            for each in against.environment
        ]
        yield "\n".join(["What else changed:", *cut(listed)])
    yield _drawn(cells.heads(against), cells.rows(against))
    suspects = [against.changes[number] for number in against.suspects]
    bad = [each for each in worst(against, len(against.changes)) if each.word == "worse"]
    undecided = [each for each in suspects if each.word != "worse"]
    for head, found in (("Worse", bad), ("Suspects, not decided", undecided)):
        if found:
            yield "\n".join([f"{head}:", *cut([f"  {told(change)}" for change in found])])
    if against.drifts:
        listed = [f"  {line(d.group, 60)}: {line(d.sentence, 160)}" for d in against.drifts]
        yield "\n".join(["Drift of the bill:", *cut(listed)])
    yield from _rest(against)


def told(change: Change) -> str:
    """Return a case's line: its name, once, and what became of it."""
    why = line(change.why, 160)
    name = visible(change.name)
    return why if why.startswith(name) else f"{name}: {why}"


def cut(lines: list[str]) -> list[str]:
    """Return the first `SHOWN` lines, and how many more there are."""
    more = len(lines) - SHOWN
    return lines if more <= 0 else [*lines[:SHOWN], f"  … and {units.count(more)} more"]


def counted(against: Against) -> str:
    """Return how many changes there are of each kind: `37 same, 3 worse`."""
    order = ("worse", "better", "undecided", "same", "not_comparable", "new", "gone", "lost")
    return ", ".join(
        f"{units.count(against.counts[key])} {key.replace('_', ' ')}"
        for key in order
        if against.counts.get(key)
    )


def _rest(against: Against) -> Iterator[str]:
    if counts := counted(against):
        yield f"Cases: {counts}."
    notes = [*against.notes, *cells.footnotes(against)]
    if notes:
        yield "\n".join(cut([visible(note) for note in notes]))


def _drawn(heads: Sequence[str], rows: Iterable[Sequence[str]], last: str = "left") -> str:
    from tabulate import tabulate

    shown = tabulate(
        [[line(cell, 40) for cell in row] for row in rows],
        headers=heads,
        tablefmt="simple",
        disable_numparse=True,
        colalign=("left", *["right"] * (len(heads) - 2), last),
    )
    return "\n".join(row.rstrip() for row in shown.splitlines())
