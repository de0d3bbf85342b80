"""What a failing item says: place, what was asked, each trial, and what to type next."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from _pytest._code.code import (
    ReprEntryNative,
    ReprExceptionInfo,
    ReprFileLocation,
    ReprTraceback,
)

from qeval import units
from qeval.plan import PlannedGroup
from qeval.record import Group, Trial, needed
from qeval.report.marks import line, visible
from qeval.session.asking import Record
from qeval.session.running import Session

_WIDTH = 160
"""Characters of an answer, and of a reason, that are shown without `-vv`."""
_TRIALS = 5
"""Trials that did not pass which are shown without `-vv`."""


class Subject(NamedTuple):
    """The item that is told of."""

    nodeid: str
    path: Path
    line: int
    """From 1."""
    planned: PlannedGroup
    session: Session
    config: pytest.Config


def told(item: Subject, record: Record | None, error: str | None) -> ReprExceptionInfo:
    """Return the text of an item that failed or errored, with the place pytest shows it at."""
    shown = os.path.relpath(item.path, item.config.invocation_params.dir)
    if error is not None or record is None:
        body = visible(error or "nothing was asked").split("\n")
        sentence = body[0]
    else:
        sentence = _sentence(record.group)
        body = list(_Told(item, record).lines(sentence))
    text = "\n".join([f"{shown}:{item.line}: {body[0]}", *body[1:]])
    return ReprExceptionInfo(
        reprtraceback=ReprTraceback([ReprEntryNative([text + "\n"])], None, style="native"),
        reprcrash=ReprFileLocation(shown, item.line, sentence),
    )


def _sentence(group: Group) -> str:
    """Say in one line what is missing; the short summary shows it alone."""
    first = next((t for t in group.trials if t.outcome == group.outcome), group.trials[0])
    return f"{_count(group)}{': ' if _count(group) else ''}{_why(first)}"


def _count(group: Group) -> str:
    if len(group.trials) == 1:
        return ""
    passed = sum(trial.outcome == "passed" for trial in group.trials)
    counted = [t for t in group.trials if t.outcome not in {"skipped", "refused"}]
    need = needed(group.passes, max(1, len(counted)))
    return f"{passed} of {len(group.trials)} trials passed, {need} needed"


def _why(trial: Trial) -> str:
    if trial.error:
        return line(trial.error, _WIDTH)
    short = [score for score in trial.scores if score.severity == "fail" and not score.passed]
    return line("; ".join(f"{score.check}: {score.reason}" for score in short), _WIDTH)


class _Told:
    """The lines of one item."""

    def __init__(self, item: Subject, record: Record) -> None:
        self.item = item
        self.group = record.group
        self.record = record
        self.planned = item.planned
        self.all = item.config.get_verbosity() >= 2

    def lines(self, sentence: str) -> Iterator[str]:
        yield _count(self.group) or sentence
        yield ""
        yield from self._prompt()
        yield from self._trials()
        yield self._conditions()
        yield ""
        yield from self._cassette()
        yield self._hint()

    def _prompt(self) -> Iterator[str]:
        turns = self.planned.case.script.turns
        asked = [turn.message.text for turn in turns] or [self.planned.request(0).user]
        for number, text in enumerate(asked, 1):
            name = "prompt" if len(asked) == 1 else f"turn {number}"
            yield from self._labelled(name, text)

    def _labelled(self, name: str, text: str, before: str = "") -> Iterator[str]:
        """Yield a text behind its name; cut to one line unless all is to be shown."""
        first, *rest = visible(text).split("\n") if self.all else [_cut(text)]
        yield f"{name:10} {before}{first}".rstrip()
        yield from (f"{'':{11 + len(before)}}{more}".rstrip() for more in rest)

    def _trials(self) -> Iterator[str]:
        """Yield what fell short, and one answer that passed beside it; count the rest."""
        full, short = [], 0
        passed = False
        for trial in self.group.trials:
            if trial.outcome == "passed":
                show, passed = not passed, True
            else:
                show, short = short < _TRIALS, short + 1
            if self.all or show:
                full.append(trial)
        for trial in full:
            yield from self._trial(trial)
        rest = [trial for trial in self.group.trials if trial not in full]
        for outcome in dict.fromkeys(trial.outcome for trial in rest):
            numbers = [trial.trial for trial in rest if trial.outcome == outcome]
            yield f"{_numbered(numbers)}   {outcome}"

    def _trial(self, trial: Trial) -> Iterator[str]:
        said = trial.error or trial.text or _calls(trial)
        yield from self._labelled(f"trial {trial.trial}", said, f"{trial.outcome:8} ")
        short = [score for score in trial.scores if not score.passed]
        width = max((len(line(score.check, 60)) for score in short), default=0)
        for score in short:
            soft = " (warning)" if score.severity == "warn" else ""
            reason = visible(score.reason) if self.all else line(score.reason, _WIDTH)
            yield f"             {line(score.check, 60):{width}}    {reason}{soft}".rstrip()

    def _conditions(self) -> str:
        """Say under what it was asked: parameters, scenario, and when."""
        group = self.planned
        params = msgspec.structs.asdict(group.params)
        seed = "the trial's number" if group.seed_each else params.pop("seed")
        usual = {"stream": False, "n": 1, "extra": {}}
        said = [
            f"{name} {value}"
            for name, value in params.items()
            if value is not None and name != "seed" and usual.get(name) != value
        ]
        parts = [f"scenario {group.scenario.name}", f"target {group.target_id}"]
        parts += [f"seed {seed}"] if seed is not None else []
        parts += [", ".join(said)] if said else []
        dates = sorted({date[:10] for _, date in self.record.seen if date})
        verb = "asked" if self.record.asked_s is not None else "recorded"
        parts += [f"{verb} {' to '.join(dict.fromkeys((dates[0], dates[-1])))}"] if dates else []
        parts += [f"in {units.seconds(self.record.asked_s)}"] if self.record.asked_s else []
        return visible(" · ".join(parts))

    def _cassette(self) -> Iterator[str]:
        session = self.item.session
        if session.mode != "live":
            folder = session.project.cassettes / session.loaded.id / self.group.target
            path = folder / f"{self.group.case}.yaml"
            yield os.path.relpath(path, self.item.config.invocation_params.dir)
            yield ""

    def _hint(self) -> str:
        missed = any((t.code or "").startswith("cassette_") for t in self.group.trials)
        nodeid = f'"{self.item.nodeid}"'
        if missed and self.group.outcome == "errored":
            case = shlex.quote(self.group.case)
            return (
                f"hint: see what differs with `qeval cassette why {case}`,"
                f" or record it with `pytest --qeval-mode record {nodeid}`"
            )
        if self.item.session.mode == "live" or self.all:
            return f"hint: run it alone with `pytest -vv {nodeid}`"
        return (
            f"hint: see all answers with `qeval cassette show {shlex.quote(self.group.case)}`,"
            f" or run `pytest -vv {nodeid}`"
        )


def _cut(text: str) -> str:
    """Return a text on one line; where it is cut, say how long it is and how to see it."""
    flat = line(text, 8 * len(text) + 1)
    if len(flat) <= _WIDTH:
        return flat
    cut = flat[:_WIDTH].rsplit(" ", 1)[0] or flat[:_WIDTH]
    return f"{cut} … [{units.count(len(text))} characters, -vv shows all]"


def _calls(trial: Trial) -> str:
    return ", ".join(f"{call.name}({call.arguments})" for call in trial.calls)


def _numbered(numbers: Sequence[int]) -> str:
    word = "trial" if len(numbers) == 1 else "trials"
    return f"{word} {', '.join(map(str, numbers))}"
