"""A run as it is kept: its file while trials end, then its identity, its page, and the counts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from qeval import __version__
from qeval.compare.columns import Column
from qeval.exchange import Message
from qeval.plan import Plan, PlannedGroup
from qeval.record import Asked, Header, Outcome, Trial, decide
from qeval.store import RunWriter, StoredRun
from qeval.transport.cassettes.interaction import without_media
from qeval.value import canonical_json, to_json

_MESSAGES = msgspec.json.Decoder(tuple[Message, ...])


class Keeper:
    """Writes one run of a suite.

    Args:
        folder: `reports/<suite>`.
        plan: What is asked, and nothing else.
        mode: How.
        said: What was narrowed or overridden.
    """

    def __init__(self, folder: Path, plan: Plan, mode: str, said: dict[str, Any]) -> None:
        self.outcomes: Counter[str] = Counter()
        """Trials by outcome."""
        self.groups: Counter[str] = Counter()
        """Groups by outcome, of those whose trials have all ended."""
        self.misses: Counter[str] = Counter()
        """Trials without a usable recording, by cause."""
        self._header = _header(plan, mode, said)
        self._writer = RunWriter(folder, self._header)
        self._open: dict[int, list[Outcome]] = {}
        """Outcomes of groups whose trials have not all ended, by number."""
        self._firsts: dict[tuple[str, str | None], tuple[int, PlannedGroup]] = {}
        """The first group of what is asked alike, whichever ends first; until it is kept."""
        for place in enumerate(plan.groups):
            self._firsts.setdefault(_wording(place[1]), place)
        self._sources: set[str] = set()
        self._dates: tuple[str, ...] = ()
        """The oldest and the newest."""

    def ended(self, number: int, group: PlannedGroup, trial: Trial) -> None:
        """Keep a trial; `number` is its group's place in the plan."""
        wording = _wording(group)
        first = self._firsts.pop(wording, None)
        if first is not None:
            self._writer.asked(first[0], _asked(first[1], wording[1]))
        self._writer.trial(number, trial)
        self.outcomes[trial.outcome] += 1
        ended = self._open.setdefault(number, [])
        ended.append(trial.outcome)
        if len(ended) == group.trials:
            self.groups[decide(group.passes, ended)] += 1
            del self._open[number]
        if trial.code and trial.code.startswith("cassette_"):
            self.misses[trial.code.removeprefix("cassette_")] += 1

    def saw(self, source: str | None, recorded_at: str | None) -> None:
        """Note who answered, and when."""
        if source:
            self._sources.add(source)
        if recorded_at:
            both = (*self._dates, recorded_at)
            self._dates = (min(both), max(both))

    def close(
        self,
        files: Iterable[tuple[str, str]],
        *,
        complete: bool,
        notes: tuple[str, ...] = (),
    ) -> StoredRun:
        """Sort the file, give it its name, and write the page beside it.

        Args:
            files: Every cassette that answered, with its digest, in any order.
            complete: Whether all that was planned was asked.
            notes: What a reader of the report should know.
        """
        header = msgspec.structs.replace(
            self._header,
            cassette_digest=_files_digest(files) if self._header.mode != "live" else None,
            complete=complete,
            sources=tuple(sorted(self._sources)),
            recorded_from=min(self._dates, default=None),
            recorded_to=max(self._dates, default=None),
            notes=notes,
        )
        if not header.id:
            header = msgspec.structs.replace(header, id=_identity(header))
        stored = self._writer.close(header)
        from qeval.report import html

        html.write([Column(stored)], stored.path.parent / "report.html")
        return stored

    def release(self) -> None:
        """Let go of the file as it is, after a fault."""
        self._writer.release()


def _header(plan: Plan, mode: str, said: dict[str, Any]) -> Header:
    return Header(
        id=_new_id(mode),
        qeval=__version__,
        suite=plan.suite_id,
        mode=mode,
        suite_digest=plan.digest,
        description=plan.description,
        targets=tuple(plan.targets),
        scenarios=tuple(plan.scenarios),
        options=said,
        planned=plan.trials_total,
        notes=tuple(plan.warnings),
    )


def _new_id(mode: str) -> str:
    """Return a new run's id; '' for a replay, whose id is a digest of what it will have read."""
    if mode == "replay":
        return ""
    from datetime import UTC, datetime

    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ-") + os.urandom(3).hex()


def _identity(header: Header) -> str:
    """Return the id of a replay."""
    said = canonical_json(header.options).decode()
    return _digest([header.suite_digest, header.cassette_digest, said, __version__])[:12]


def _files_digest(files: Iterable[tuple[str, str]]) -> str:
    """Return a digest over every cassette that answered, whatever the order of asking."""
    return _digest([part for pair in sorted(set(files)) for part in pair])


def _wording(group: PlannedGroup) -> tuple[str, str | None]:
    """Return the case, and the scenario where its messages depend on it."""
    return group.case.id, group.scenario.name if group.per_scenario else None


def _asked(group: PlannedGroup, scenario: str | None) -> Asked:
    case = group.case
    return Asked(
        case=case.id,
        scenario=scenario,
        messages=_light(case.script.said),
        tags=case.tags,
        digest=case.digest,
        where=case.where,
        description=case.description,
        skip=case.skip,
        passes=group.passes if group.passes != group.scenario.passes else None,
        vars={name: value for name, value in case.vars.items() if _short(value)},
    )


def _light(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return messages with a digest in place of each picture, film or sound that they carry."""
    if all(type(message.content) is str for message in messages):
        return messages
    return _MESSAGES.decode(without_media(to_json(messages)))


def _short(value: object) -> bool:
    """Whether a value of a case is small enough for every run file to hold."""
    return isinstance(value, int | float) or (isinstance(value, str) and len(value) <= 80)


def _digest(parts: list[str | None]) -> str:
    return sha256("\0".join(part or "" for part in parts).encode()).hexdigest()
