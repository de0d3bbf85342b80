"""What the suites of a session came to: a section of the terminal, and a build's job summary."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qeval import units
from qeval.errors import LimitError
from qeval.pytest_plugin.book import Book, Part
from qeval.record import Group
from qeval.report.marks import line, visible

MOST_BYTES = 1 << 20
"""What a build server takes of one step's summary."""
_ENVIRONMENT = "GITHUB_STEP_SUMMARY"
_SHOWN = 50
"""Groups that did not pass which a job summary names, a suite."""
_ORDER = ("passed", "failed", "errored", "refused", "skipped")


def summarize(book: Book, reporter: Any) -> None:
    """Write both, where the session had groups."""
    parts = [part for part in book.parts.values() if part.records]
    if not parts and not book.troubles:
        return
    reporter.ensure_newline()
    reporter.section("qeval")
    for text in _told(book, parts):
        reporter.write_line(text)
    file = os.environ.get(_ENVIRONMENT)
    if file:
        _append(Path(file), markdown(parts), reporter)


def _told(book: Book, parts: list[Part]) -> Iterator[str]:
    for part in parts:
        yield _headline(part)
        yield from (f"  {more}" for more in _notes(part))
        if part.run is not None:
            yield f"  report: {_shown(part.run.path.parent / 'report.html')}"
        if part.judged is not None:
            yield from _verdict(part)
    for error in book.troubles:
        yield visible(str(error))


def _headline(part: Part) -> str:
    session = part.session
    dates = sorted({date[:10] for r in part.records.values() for _, date in r.seen if date})
    spread = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else ""
    when = f", recorded {spread}" if spread and session.mode == "replay" else ""
    return f"{visible(session.loaded.id)}: {_counted(part)} · {session.mode}{when}{_tokens(part)}"


def _counted(part: Part) -> str:
    outcomes = part.outcomes()
    total = outcomes.total()
    others = [f"{outcomes[word]} {word}" for word in _ORDER[1:] if outcomes[word]]
    first = f"{units.count(outcomes['passed'])} of {units.count(total)} groups passed"
    return ", ".join([first, *others])


def _tokens(part: Part) -> str:
    usages = [trial.usage for group in part.groups() for trial in group.trials]
    both = []
    for name, counts in (
        ("in", [usage.input_tokens for usage in usages]),
        ("out", [usage.output_tokens for usage in usages]),
    ):
        known = [count for count in counts if count is not None]
        if known:
            least = "" if len(known) == len(counts) else "at least "
            both.append(f"{least}{units.count(sum(known))} tokens {name}")
    return f" · {', '.join(both)}" if both else ""


def _notes(part: Part) -> Iterator[str]:
    """Yield what a reader must know before believing the numbers, and what to do about it."""
    misses = part.misses()
    if misses:
        causes = ", ".join(f"{count} {cause}" for cause, count in sorted(misses.items()))
        trials = "trial" if misses.total() == 1 else "trials"
        yield f"{misses.total()} {trials} could not be replayed: {causes}"
        yield f"hint: type `{part.session.command}`"
    asked = [trial for group in part.groups() for trial in group.trials]
    if unasked := sum(trial.code == LimitError.code for trial in asked):
        were = "1 trial was" if unasked == 1 else f"{units.count(unasked)} trials were"
        yield f"{were} not asked to the end: {part.session.spent()}"
    for target, why in part.stopped.items():
        yield f"stopped asking {visible(target)}: {line(why, 200)}"
    for target, said in part.session.board.slowed().items():
        yield f"{visible(target)}: {visible(said)}"
    if any(source == "simulator" for r in part.records.values() for source, _ in r.seen):
        from qeval.report.text import SIMULATED

        yield SIMULATED
    yield from (visible(note) for note in part.session.notes())
    if part.unused:
        yield part.unused


def _verdict(part: Part) -> Iterator[str]:
    """Yield what the baseline says; what is worse comes first."""
    from qeval.report.formats import render

    assert part.judged is not None  # noqa: S101  # the caller has looked
    if part.red:
        yield f"  worse than the baseline: {len(part.red)}"
        yield from (f"    {visible(f'{each.name}: {each.why}')}" for each in part.red[:10])
    yield ""
    yield render(part.judged.comparison, "table", part.red)
    yield from (f"note: {visible(note)}" for note in part.judged.notes)
    yield ""


def markdown(parts: list[Part]) -> str:
    """Return the summary of a build's job: what fell short first, nothing in it markup."""
    from qeval.report.formats import render
    from qeval.report.formats.markdown import inert
    from qeval.report.summary import because

    pieces = []
    for part in parts:
        short = [g for g in part.groups() if g.outcome in {"failed", "errored"}]
        short.sort(key=lambda group: group.outcome != "failed")
        lines = [f"### qeval: {inert(part.session.loaded.id)}", "", inert(_headline(part)), ""]
        lines += [f"- {group.outcome} {inert(_name(group))}: {inert(because(group))}"
                  for group in short[:_SHOWN]]  # fmt: skip
        if len(short) > _SHOWN:
            lines.append(f"- … and {units.count(len(short) - _SHOWN)} more")
        lines += ["", *(f"- {inert(note)}" for note in _notes(part))]
        if part.judged is not None:
            lines += ["", render(part.judged.comparison, "markdown", part.red)]
        pieces.append("\n".join(lines).strip())
    return "\n\n".join(pieces) + "\n"


def _name(group: Group) -> str:
    return f"{group.case} · {group.target} · {group.scenario}"


def _append(path: Path, text: str, reporter: Any) -> None:
    """Append to a file that other steps write as well; say where it had to be cut."""
    said = "\n\n… cut here: a job summary holds 1 MiB\n"
    try:
        taken = path.stat().st_size if path.exists() else 0
        data, room = text.encode(errors="replace"), MOST_BYTES - taken
        if len(data) > room:
            kept = max(0, room - len(said.encode()))
            data = (data[:kept].decode(errors="ignore") + said).encode()[: max(0, room)]
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        reporter.write_line(f"no job summary: {error.strerror}")


def _shown(path: Path) -> str:
    try:
        return os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
