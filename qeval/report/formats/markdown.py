"""A comparison as a comment on a pull request: one screen, and no text of others is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qeval import units
from qeval.compare.values import Against, Comparison
from qeval.report.formats import cells
from qeval.report.formats.gate import worst
from qeval.report.formats.terminal import counted, told
from qeval.report.marks import line

ROWS = 5
"""Slices, and measures, of one column that are shown, worst first."""
CASES = 5
"""Cases of one column that are named."""
CHANGED = 4
"""Differences of the environment that are told."""

_PLAIN = re.compile(r"[\w ,.:;%+–—−…×=→≥≤'()\[\]-]*")
_MARKUP = re.compile(r"^\[|\]\s*[(\[]|^(?:[-+=]+|\d+[.)])(?:\s|$)|__|www\.|://", re.IGNORECASE)


def render(comparison: Comparison) -> str:
    """Return the comparison as GitHub-flavoured markdown."""
    worded = " · ".join(cells.said(each.headline.word) for each in comparison.against)
    first = f"### qeval: {worded}, suite {inert(comparison.suite)}"
    sides = ", ".join(
        f"{side.letter}: {inert(line(side.label, 60))}{f' ({side.date})' if side.date else ''}"
        for side in comparison.sides
    )
    parts = [first, sides]
    if len(comparison.against) == 1:
        parts += _column(comparison.against[0])
    else:  # details of several would not fit: the page has them
        parts.append(_table(cells.OVERVIEW, list(cells.overview(comparison))))
        letters = ["", *(side.letter for side in comparison.sides)]
        parts.append(_table(letters, list(cells.means(comparison))))
        parts += [_said(each) for each in comparison.against]
    return "\n\n".join(parts)


def inert(text: str) -> str:
    """Return text that markdown shows as it is: plain words, or a code span.

    No character of it is markup, a mention, a reference to an issue, or an address.

    >>> inert("5 of 5 → 0 of 5"), inert("@all see #1")
    ('5 of 5 → 0 of 5', '`@all see #1`')
    """
    shown = line(text, 600)
    if _PLAIN.fullmatch(shown) and not _MARKUP.search(shown):
        return shown
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _column(against: Against) -> Iterator[str]:
    yield _said(against)
    left = cells.left_out(against, ROWS)
    rows = list(cells.rows(against, ROWS))
    if left:
        rows.append([f"… and {units.count(left)} more", *[""] * (len(rows[0]) - 1)])
    yield _table(cells.heads(against), rows)
    ranked = worst(against, len(against.changes))
    if ranked:
        word = "Worse" if ranked[0].word == "worse" else "Suspects, not decided"
        listed = [f"- {inert(told(change))}" for change in ranked[:CASES]]
        yield "\n".join([f"{word}:", "", *listed, *_more(len(ranked) - CASES)])
    if against.environment:
        yield "\n".join(["What else changed:", "", *_environment(against)])
    if against.drifts:
        yield "\n".join(
            f"- drift, {inert(drift.group)}: {inert(drift.sentence)}"
            for drift in against.drifts[:CHANGED]
        )
    if counts := counted(against):
        yield f"{counts}."


def _environment(against: Against) -> Iterator[str]:
    for each in against.environment[:CHANGED]:
        before, after = (inert(line(text, 60)) or "none" for text in (each.a, each.b))
        yield f"- {inert(line(each.what, 60))}: {before} → {after}"
    yield from _more(len(against.environment) - CHANGED)


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield f"- … and {units.count(count)} more"


def _said(against: Against) -> str:
    return f"**{cells.letter(against)}**: {inert(against.headline.sentence)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = "|".join([":--", *["--:"] * (len(heads) - 2), ":--"])
    lines = [_row(heads), f"|{rule}|"]
    return "\n".join([*lines, *(_row([inert(cell) for cell in row]) for row in rows)])


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(text.replace('|', '&#124;') for text in texts)} |"
