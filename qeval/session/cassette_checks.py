"""What is wrong with recordings, and the removal of those that nobody reads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from qeval.errors import StoreError
from qeval.loading.project import Project
from qeval.plan import Plan
from qeval.session.cassettes import (
    Cassette,
    Reads,
    Unused,
    open_cassette,
    plans,
    record_command,
    survey,
    unused,
)
from qeval.transport.cassettes import files, layout, misses
from qeval.transport.cassettes.interaction import Interaction, nth
from qeval.transport.cassettes.redact import holds_secret, leak
from qeval.transport.hosts import secrets
from qeval.value import Value

Kind = Literal["damaged", "secret", "stale", "incomplete", "unused", "old"]


class Finding(Value):
    """One thing that is wrong with a file."""

    kind: Kind
    file: str
    what: str
    mend: str
    """One sentence with what to type."""


class Pruned(Value):
    """What was removed of a file, or why nothing was."""

    file: str
    what: str
    interactions: int = 0
    removed: bool = True


class Checks:
    """The recordings of some suites, and what is planned of these.

    Args:
        project: Whose.
        suites: Ids or files; none: everything that is recorded.

    Raises:
        UsageError: A suite is unknown, or has mistakes.
    """

    def __init__(self, project: Project, suites: Sequence[str] = ()) -> None:
        self.project = project
        self.cassettes = list(survey(project, suites))
        names = dict.fromkeys(one.suite for one in self.cassettes if not one.of_python)
        self.planned: dict[str, Plan | None] = plans(project, names)
        """None where the suite is gone."""
        self._reads = {name: Reads(plan) for name, plan in self.planned.items() if plan}

    def findings(self, max_age: timedelta | None = None) -> Iterator[Finding]:
        """Yield what is wrong, file by file.

        Args:
            max_age: Recordings older than this, by the clock of this machine, are told; None:
                age does not count.
        """
        left = {one.file: one for one in unused(self.cassettes, self.project, self.planned)}
        guarded = self._secrets()
        before = None if max_age is None else datetime.now(UTC) - max_age
        for cassette in self.cassettes:
            yield from self._secret(cassette, guarded)
            if cassette.damage is not None:
                yield Finding(
                    kind="damaged",
                    file=cassette.shown,
                    what=cassette.damage.message.removeprefix(f"{cassette.shown} is damaged: "),
                    mend=cassette.damage.hint or "",
                )
            elif cassette.shown in left:
                yield self._unused(cassette, left[cassette.shown])
            yield from self._missed(cassette)
            if before is not None:
                yield from self._old(cassette, before)

    def prune(self, *, dry: bool = False) -> Iterator[Pruned]:
        """Remove what no planned trial reads, file by file, each whole or not at all.

        Damaged files stay, and are told.

        Args:
            dry: Only say what would be removed.

        Raises:
            StoreError: A file cannot be written.
        """
        left = {one.file: one for one in unused(self.cassettes, self.project, self.planned)}
        for cassette in self.cassettes:
            if cassette.damage is not None:
                message = f"left alone: {cassette.damage.message}"
                yield Pruned(file=cassette.shown, what=message, removed=False)
            elif (found := left.get(cassette.shown)) is not None:
                what = "the whole file"
                if not found.whole:
                    what = listed(found.interactions) + _in_turns(found.interactions)
                if not dry:
                    self._remove(cassette)
                count = len(found.interactions)
                yield Pruned(file=cassette.shown, what=what, interactions=count)

    def _remove(self, cassette: Cassette) -> None:
        """Remove what is unused, looked at again while nobody else writes."""
        try:
            with files.locked(cassette.path.parent):
                now = open_cassette(cassette.path, self.project)
                found = next(unused([now], self.project, self.planned), None)
                if found is None:
                    return
                if found.whole:
                    now.path.unlink(missing_ok=True)
                else:
                    _rewrite(now, found)
            if found.whole:
                self._remove_empty(cassette)
        except OSError as error:
            raise StoreError(
                f"cannot write {cassette.shown}: {error.strerror}",
                hint="mend the folder's rights, then type the command again",
            ) from error

    def _remove_empty(self, cassette: Cassette) -> None:
        """Remove the folders that are empty now, up to the project's folder of cassettes."""
        folder = cassette.path.parent
        while folder != self.project.cassettes and folder.is_relative_to(self.project.cassettes):
            try:
                folder.rmdir()
            except OSError:  # not empty
                return
            folder = folder.parent

    def _secrets(self) -> tuple[str, ...]:
        plans_ = [plan for plan in self.planned.values() if plan is not None]
        return secrets((g.target for plan in plans_ for g in plan.groups), os.environ)

    def _secret(self, cassette: Cassette, guarded: tuple[str, ...]) -> Iterator[Finding]:
        if not holds_secret(cassette.data, guarded):
            return
        places = (leak(one, guarded) for one in cassette.interactions)
        place = next((place for place in places if place is not None), "in the file's text")
        yield Finding(
            kind="secret",
            file=cassette.shown,
            what=f"what looks like a key: {place}",
            mend=f"have the key revoked, delete the file and type `{self._command(cassette)}`",
        )

    def _unused(self, cassette: Cassette, found: Unused) -> Finding:
        part = f"no trial reads {listed(found.interactions)}{_in_turns(found.interactions)}"
        return Finding(
            kind="unused",
            file=cassette.shown,
            what=self._gone(cassette) if found.whole else part,
            mend=f"remove it with `qeval cassette prune {cassette.suite}`",
        )

    def _gone(self, cassette: Cassette) -> str:
        if cassette.of_python:
            return f"there is no such test in {cassette.target}"
        if self.planned.get(cassette.suite) is None:
            return f"there is no suite {cassette.suite!r}"
        return f"case {cassette.case!r} is not asked of target {cassette.target!r}"

    def _missed(self, cassette: Cassette) -> Iterator[Finding]:
        """Tell of trials that a replay could not bring to their end."""
        reads = self._reads.get(cassette.suite)
        walked = reads.walked(cassette) if reads is not None else []
        stale = [(each.recorded, each.missed) for each in walked if each.recorded and each.missed]
        if stale:
            told = [old for old, _ in stale]
            verb = "now ask" if len(stale) > 1 else "now asks"
            first = "; ".join(misses.differences(*stale[0]))
            yield Finding(
                kind="stale",
                file=cassette.shown,
                what=f"{listed(told)}{_in_turns(told)} {verb} something else: {first}",
                mend=f"if the change is meant, record it anew with `{self._command(cassette)}`",
            )
        lacking = [each.place for each in walked if each.missed and not each.recorded]
        if lacking:
            place, more = lacking[0], len(lacking) - 1
            rest = f"; nor have {more} further trials" if more else ""
            yield Finding(
                kind="incomplete",
                file=cassette.shown,
                what=f"trial {place.trial} under {place.scenario!r} "
                f"has no recording of its {nth(place.turn) or 'request 1'}{rest}",
                mend=f"record what is missing with `{self._command(cassette)}`",
            )

    def _old(self, cassette: Cassette, before: datetime) -> Iterator[Finding]:
        dated = [(recorded_at(one), one) for one in cassette.interactions]
        old = [(at, one) for at, one in dated if at is not None and at < before]
        if not old:
            return
        days = (datetime.now(UTC) - min(at for at, _ in old)).days
        yield Finding(
            kind="old",
            file=cassette.shown,
            what=f"{listed([one for _, one in old])}: up to {days} days old",
            mend=f"ask again with `{self._command(cassette, 'refresh')}`",
        )

    def _command(self, cassette: Cassette, mode: str = "record") -> str:
        case = None if cassette.of_python else cassette.case
        target = None if cassette.of_python else cassette.target
        return record_command(self.project, cassette.suite, case=case, target=target, mode=mode)


def _in_turns(interactions: Sequence[Interaction]) -> str:
    """Say of which requests, where the first of a trial is not among them."""
    turns = sorted({one.place.turn for one in interactions if one.place is not None})
    if not turns or turns[0] == 0:
        return ""
    return f", in {'; '.join(filter(None, map(nth, turns)))}"


def _rewrite(now: Cassette, found: Unused) -> None:
    dropped = {id(one) for one in found.interactions}
    kept = [one for one in now.interactions if id(one) not in dropped]
    files.replace(now.path, layout.write(kept).encode())


def recorded_at(one: Interaction) -> datetime | None:
    """Return when an interaction was recorded; None where the file does not say."""
    with contextlib.suppress(ValueError):
        found = datetime.fromisoformat(one.recorded.date or "")
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return None


def listed(interactions: Sequence[Interaction]) -> str:
    """Say which interactions: `trials 2 and 3 under 'creative'`; of another tool's, how many."""
    scenarios: dict[str, list[int]] = {}
    foreign = 0
    for one in interactions:
        if one.place is None:
            foreign += 1
        elif one.place.trial not in (trials := scenarios.setdefault(one.place.scenario, [])):
            trials.append(one.place.trial)
    said = [f"{misses.numbers(trials)} under {name!r}" for name, trials in scenarios.items()]
    if foreign:
        said.append(f"{foreign} interaction" + "s" * (foreign > 1))
    return ", ".join(said)
