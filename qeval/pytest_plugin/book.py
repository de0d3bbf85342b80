"""The records of a session as they are reported, and at its end one run a suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from qeval.errors import QevalError
from qeval.plan import Plan, PlannedGroup
from qeval.pytest_plugin.settings import Settings
from qeval.record import Group
from qeval.session.asking import Key, Record
from qeval.session.running import Session

if TYPE_CHECKING:
    from qeval.report.formats import Failure
    from qeval.session.ahead import Asking
    from qeval.session.comparing import Judged
    from qeval.session.keeping import Keeper
    from qeval.store import StoredRun

_RECORD = msgspec.json.Decoder(Record)


class Part:
    """What one suite came to."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.chosen: list[Key] = []
        self.records: dict[Key, Record] = {}
        """The last of each group: a rerun replaces what was before."""
        self.keeper: Keeper | None = None
        self.run: StoredRun | None = None
        """As it was kept; None: it was not."""
        self.judged: Judged | None = None
        self.red: tuple[Failure, ...] = ()
        self.unused = ""
        self.stopped: dict[str, str] = {}
        self._numbers = _numbered(session.plan)
        self._kept = self._numbers
        """The same of what was chosen."""

    @property
    def whole(self) -> bool:
        """Whether every group of the suite was chosen, and has a record."""
        return len(self.records) == len(self.session.plan.groups)

    @property
    def complete(self) -> bool:
        """Whether everything that was chosen has a record."""
        return self.records.keys() >= set(self.chosen)

    def groups(self) -> Iterator[Group]:
        """Yield what every group came to, in plan order."""
        for key in sorted(self.records, key=lambda key: self._numbers[key[1:]][0]):
            yield self.records[key].group

    def outcomes(self) -> Counter[str]:
        """Count groups by outcome."""
        return Counter(record.group.outcome for record in self.records.values())

    def misses(self) -> Counter[str]:
        """Count trials without a usable recording, by cause."""
        return Counter(
            trial.code.removeprefix("cassette_")
            for record in self.records.values()
            for trial in record.group.trials
            if trial.code and trial.code.startswith("cassette_")
        )

    def keep(self, record: Record, folder: Path) -> None:
        """Append a record to the run's file, which begins with the first."""
        if self.keeper is None:
            from qeval.session.keeping import Keeper

            plan, said = _narrowed(self.session.plan, {key[1:] for key in self.chosen})
            self.keeper = Keeper(folder / plan.suite_id, plan, self.session.mode, said)
            self._kept = _numbered(plan)
        number, group = self._kept[record.key[1:]]
        for trial in record.group.trials:
            self.keeper.ended(number, group, trial)
        for source, recorded_at in record.seen:
            self.keeper.saw(source, recorded_at)

    def close(self) -> None:
        """Put the run in its place."""
        if self.keeper is not None:
            board = self.session.board
            read = [record.file for record in self.records.values() if record.file is not None]
            files = read if self.session.mode == "replay" else board.files_read()
            notes = self.session.notes()
            self.run = self.keeper.close(files, complete=self.complete, notes=notes)


class Book:
    """All parts of a session.

    Args:
        settings: Where runs go, and what they are judged against.
        opened: Returns the session of a suite's file.
    """

    def __init__(self, settings: Settings, opened: Callable[[Path], Session]) -> None:
        self.settings = settings
        self.parts: dict[str, Part] = {}
        """By the suite's file, in the order of the session."""
        self.troubles: list[QevalError] = []
        """What could not be written or judged at the end."""
        self._opened = opened

    def choose(self, keys: Sequence[Key]) -> None:
        """Note what was chosen, in order."""
        for key in keys:
            self._part(key[0]).chosen.append(key)

    def take(self, text: str) -> None:
        """Keep the record that rides on a worker's report."""
        self.add(_RECORD.decode(text))

    def add(self, record: Record) -> None:
        """Keep a record; the last of a group stays."""
        part = self._part(record.suite)
        part.records[record.key] = record
        # What was asked is saved as it comes; a replay has lost nothing when it is killed.
        if self.settings.mode != "replay":
            part.keep(record, self._folder(part))

    def add_unreported(self, asking: Asking) -> None:
        """Keep what was answered, and paid for, when nobody was left to report it."""
        for record in asking.records():
            part = self._part(record.suite)
            if record.key not in part.records:
                self.add(record)
        if asking.fault is not None:
            self._trouble(asking.fault)
        for target, why in asking.stopped().items():
            for part in self.parts.values():
                if any(key[2] == target for key in part.chosen):
                    part.stopped[target] = why.message

    def close(self) -> bool:
        """Put every run in its place and judge it; return whether that makes the session red."""
        for part in self.parts.values():
            try:
                self._close(part)
            except Exception as error:  # noqa: BLE001  # in a hook it would hide every result
                self._trouble(error)
        return bool(self.troubles) or any(part.red for part in self.parts.values())

    def _close(self, part: Part) -> None:
        if not part.records:
            return
        folder = self._folder(part)
        if self.settings.mode == "replay":
            if not self.settings.kept and self.settings.baseline is not None:
                import tempfile

                with tempfile.TemporaryDirectory(prefix="qeval-") as name:
                    self._finish(part, Path(name))
                part.run = None
                return
            if part.complete and part.whole:
                part.unused = unused(part)
        self._finish(part, folder if self.settings.kept else None)

    def _finish(self, part: Part, folder: Path | None) -> None:
        if folder is not None and part.keeper is None:
            for record in part.records.values():
                part.keep(record, folder)
        part.close()
        if self.settings.baseline is not None and part.run is not None:
            _judge(part, self.settings.baseline)

    def _folder(self, part: Part) -> Path:
        return self.settings.report or part.session.project.reports

    def _part(self, suite: str) -> Part:
        if suite not in self.parts:
            self.parts[suite] = Part(self._opened(Path(suite)))
        return self.parts[suite]

    def _trouble(self, fault: BaseException) -> None:
        if not isinstance(fault, QevalError):
            fault = QevalError(f"{type(fault).__name__}: {fault}")
        self.troubles.append(fault)


def find_baseline(session: Session, reference: str) -> Any:
    """Open what a suite is to be judged against.

    Raises:
        StoreError: It is not there.
    """
    from qeval.session import comparing

    (base,) = comparing.opened(session.project, [reference], session.loaded.id)
    return base


def _judge(part: Part, reference: str) -> None:
    from qeval.report.formats import conditions, failures
    from qeval.session import comparing

    assert part.run is not None  # noqa: S101  # the caller has looked
    base = find_baseline(part.session, reference)
    part.judged = comparing.against(part.session.project, base, part.run, comparing.Choice())
    part.judged.write(part.run.path.parent / "report.html")
    part.red = failures(part.judged.comparison, conditions(["worse"]))


def unused(part: Part) -> str:
    """Say what a whole replay has left unread of a suite's recordings, or ''."""
    from qeval.session.unread import unread

    session = part.session
    tapes = session.board.unread()
    if not session.board.files_read():  # the workers have read them
        from qeval.session import cassettes

        plan = session.plan
        found = cassettes.unused(
            cassettes.survey(session.project, [plan.suite_id]),
            session.project,
            {plan.suite_id: plan},
        )
        tapes = {each.file: len(each.interactions) for each in found if not each.whole}
    return unread(session.project, session.plan, tapes)


def _numbered(plan: Plan) -> dict[tuple[str, ...], tuple[int, PlannedGroup]]:
    """Return each group with its place in the plan, by case, target and scenario."""
    return {
        (group.case.id, group.target_id, group.scenario.name): (number, group)
        for number, group in enumerate(plan.groups)
    }


def _narrowed(plan: Plan, chosen: set[tuple[str, ...]]) -> tuple[Plan, dict[str, Any]]:
    """Return what of a plan was chosen, and how the header says so."""
    groups = [g for g in plan.groups if (g.case.id, g.target_id, g.scenario.name) in chosen]
    if len(groups) == len(plan.groups):
        return plan, {}
    from hashlib import sha256

    names = sorted("\0".join(key) for key in chosen)
    digest = sha256("\n".join(names).encode()).hexdigest()[:8]
    targets, scenarios = {g.target_id for g in groups}, {g.scenario.name for g in groups}
    return msgspec.structs.replace(
        plan,
        groups=tuple(groups),
        targets=tuple(setup for setup in plan.targets if setup.name in targets),
        scenarios=tuple(setup for setup in plan.scenarios if setup.name in scenarios),
        trials_total=sum(group.trials for group in groups),
    ), {"pytest": f"{len(groups)} of {len(plan.groups)} groups ({digest})"}
