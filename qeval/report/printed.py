"""The cases in full for those who read without script: plain HTML, within `<noscript>`.

Every text that is not this module's own passes `safe`, which makes it visible and escapes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import escape

from qeval import units
from qeval.compare.columns import Column
from qeval.exchange import Message
from qeval.record import Asked, Group, Score, Trial
from qeval.report import links
from qeval.report.marks import visible
from qeval.report.packing import LONGEST
from qeval.report.rows import Row

MOST = 200
"""Cases up to which they are printed."""
GLYPHS = {"passed": "●", "failed": "□", "errored": "△", "refused": "⊘", "skipped": "–"}
"""Shape tells an outcome without colour."""


def safe(text: str) -> str:
    """Return text as HTML that shows it and does nothing else."""
    if len(text) > LONGEST:
        left = units.count(len(text) - LONGEST)
        text = f"{text[:LONGEST]}\n[… {left} more characters are in run.jsonl]"
    return str(escape(visible(text)))


class Printed:
    """The cases as HTML, as long as they are few enough.

    Args:
        columns: What the page shows.
        letters: Of the columns.
    """

    def __init__(self, columns: Sequence[Column], letters: Sequence[str]) -> None:
        cases = {case for column in columns for case, _ in column.source.asked}
        self.is_whole = len(cases) <= MOST
        self._letters = letters if len(columns) > 1 else ("",)
        self._parts: list[str] = []

    def add(self, row: Row) -> None:
        """Add a row, where all are to be printed."""
        if self.is_whole:
            self._parts.append("".join(self._row(row)))

    def html(self) -> Iterator[str]:
        """Yield the rows, in the suite's order."""
        return iter(self._parts)

    def _row(self, row: Row) -> Iterator[str]:
        place = " · ".join(part for part in row.place[1:] if part)
        name = safe(links.fragment(row.place)[1:])
        yield f'<article class="np" id="{name}">'
        yield f"<h3>{safe(row.place[0])} <small>{safe(place)}</small></h3>"
        for change in row.changes:
            if change and change.why:
                yield f"<p>{safe(change.why)}</p>"
        yield from _asked(row.asked)
        for letter, group in zip(self._letters, row.groups, strict=True):
            yield from _answers(letter, group)
        yield "</article>\n"


def _asked(every: Sequence[Asked | None]) -> Iterator[str]:
    """Say what was asked, once where it is the same in all columns."""
    seen: list[Asked] = []
    for asked in every:
        if asked is None or any(asked.messages == other.messages for other in seen):
            continue
        seen.append(asked)
        for text in (asked.where, asked.description, asked.skip):
            if text:
                yield f"<p>{safe(text)}</p>"
        for message in asked.messages:
            yield f"<p><b>{safe(message.role)}</b></p><pre>{safe(_content(message))}</pre>"


def _content(message: Message) -> str:
    calls = "".join(f"\n{call.name}({call.arguments})" for call in message.tool_calls)
    if isinstance(message.content, str):
        return message.content + calls
    texts = [
        part.text
        or next(f"[{kind}]" for kind in ("image", "video", "audio") if getattr(part, kind))
        for part in message.content
    ]
    return "\n".join(texts) + calls


def _answers(letter: str, group: Group | None) -> Iterator[str]:
    head = f"<b>{letter}</b> " if letter else ""
    if group is None:
        yield f"<p>{head}not asked</p>"
        return
    for trials in _alike(group.trials):
        numbers = ", ".join(str(trial.trial + 1) for trial in trials)
        which = f"trial {numbers}: " if len(group.trials) > 1 else ""
        trial = trials[0]
        said = f"{GLYPHS[trial.outcome]} {trial.outcome}"
        yield f'<p>{head}{which}<span class="{trial.outcome}">{said}</span></p>'
        yield from _trial(trial)


def _trial(trial: Trial) -> Iterator[str]:
    for text in (*trial.earlier, trial.text):
        if text:
            yield f"<pre>{safe(text)}</pre>"
    for call in trial.calls:
        yield f"<pre>{safe(f'{call.name}({call.arguments})')}</pre>"
    if trial.error:
        yield f"<pre>{safe(trial.error)}</pre>"
    if trial.scores:
        yield f"<ul>{''.join(_check(score) for score in trial.scores)}</ul>"


def _check(score: Score) -> str:
    mark = "✓" if score.passed else "! warning" if score.severity == "warn" else "✗ failed"
    return f"<li>{mark} {safe(score.check)} <i>{safe(score.reason)}</i></li>"


def _alike(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Put trials together that said the same and were judged the same, in order."""
    found: dict[object, list[Trial]] = {}
    for trial in trials:
        same = (trial.outcome, trial.text, trial.earlier, trial.calls, trial.error, trial.scores)
        found.setdefault(same, []).append(trial)
    return list(found.values())
