"""One execution of a suite: load, plan, ask, score, store, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from qeval.errors import LimitError, StoreError, UsageError
from qeval.exchange import Answer
from qeval.plan import PlannedGroup, Selection
from qeval.record import Trial, TrialKey
from qeval.runner import Ended, Runner
from qeval.session.preparing import MODES, Mode, Options, prepare
from qeval.session.spending import Spending, accounts
from qeval.session.switchboard import Shared, Switchboard
from qeval.transport.base import Transport
from qeval.value import Value

if TYPE_CHECKING:
    from qeval.session.keeping import Keeper
    from qeval.store import StoredRun

__all__ = ["MODES", "Mode", "Options", "Result", "Session", "prepare", "run"]


class Result(Value):
    """What a run came to."""

    folder: Path
    """Where `run.jsonl` and `report.html` lie."""
    exit_code: int
    """0 all passed · 1 a check failed or a trial errored · 2 interrupted · 4 a recording is
    missing · 5 nothing to run."""
    outcomes: dict[str, int]
    """Groups by outcome."""
    misses: dict[str, int]
    """Trials without a usable recording, by cause: missing, stale, exhausted, damaged."""
    stopped: dict[str, str] = {}
    """Targets of which no more was asked, and why: no key, an account that was refused."""
    slowed: dict[str, str] = {}
    """Targets that refused calls for coming too fast, and how often they were slowed down."""
    command: str = ""
    """The command that records what is missing."""
    early: str = ""
    """Why not all was asked, where a limit on the cost was reached."""
    unused: str = ""
    """What a whole replay has left unread of the suite's recordings, in a sentence."""
    warnings: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every group that was asked passed."""
        return self.exit_code == 0

    def run(self) -> StoredRun:
        """Open the run file for reading."""
        from qeval.store import StoredRun

        return StoredRun(self.folder / "run.jsonl")

    def table(self) -> str:
        """Return the run's summary as the command line prints it."""
        from qeval.report import text

        return text.render(self.run(), "table")


def run(suite: str | Path, **options: Any) -> Result:
    """Run a suite and keep the run file and the report below the project's reports folder.

    Args:
        suite: Path of a suite file, YAML or Python.
        **options: Fields of `Options`.

    Raises:
        UsageError: The suite, an option or a setting is wrong; nothing was asked.
    """
    return Session(suite, Options(**options)).run()


class Session:
    """One execution of one suite.

    Args:
        suite: The file.
        options: How to run it.
        shared: As of `Switchboard`; None: a run of its own, which ends where its budget is spent.
    """

    def __init__(
        self,
        suite: str | Path,
        options: Options,
        shared: Shared | None = None,
    ) -> None:
        self.options = options
        self.loaded, self.plan = prepare(suite, options)
        self.project = self.loaded.project
        mode = options.mode or self.project.mode
        if mode not in MODES:
            raise UsageError(f"unknown mode {mode!r}", hint=f"choose from {', '.join(MODES)}")
        self.mode = mode
        self._spending = Spending(options.budget) if shared is None else shared.spending
        self._spending.expect(self.plan.groups)
        self.board = Switchboard(
            self.project, options, mode, self.command, shared or Shared(self._spending)
        )
        self._keeper: Keeper
        self._folders: dict[str, Path] = {}
        """Of recordings, by target: a path takes longer to make than an answer to read."""
        self._advance: Callable[[], object] = lambda: None
        self._ended_keys: set[TrialKey] | None = None
        """Of trials that ended; None where nobody asks."""
        self.accounts = accounts(self.project, self.plan, always=options.ledger)

    def run(self) -> Result:
        """Ask, score, store and report; an interruption keeps what was done."""
        if not self.plan.trials_total:
            return Result(
                folder=self.project.reports,
                exit_code=5,
                outcomes={},
                misses={},
                warnings=tuple(self.plan.warnings),
            )
        from qeval.session.keeping import Keeper

        previous = self._previous() if self.options.retry_errors else {}
        self._runner = self.runner(self._ended, previous, enough=self._spending.enough)
        folder = self.project.reports / self.loaded.id
        self._keeper = Keeper(folder, self.plan, self.mode, self._said())
        self._ended_keys = set() if previous else None
        interrupted = False
        bar = self._bar() if self.options.progress else None
        try:
            with self._offline():
                self._runner.run(enumerate(self.plan.groups))
        except KeyboardInterrupt:
            interrupted = True
        except BaseException:
            self._keeper.release()
            raise
        finally:
            if bar is not None:
                bar.close()
        self._put_back(previous, errored=False)
        short = self._short()
        self._put_back(previous, errored=True)
        return self._close(interrupted=interrupted or short)

    def _offline(self) -> AbstractContextManager[object]:
        """Refuse the network to the user's code while a replay runs, and to its late threads."""
        code = (group.slow or callable(group.target.python) for group in self.plan.groups)
        if self.mode != "replay" or not any(code):
            return nullcontext()
        from qeval.transport.guard import installed

        return installed().watching("code of the suite")

    def _put_back(self, previous: Mapping[TrialKey, Trial], *, errored: bool) -> None:
        """Keep what stood before of trials that were not come to, since none was asked of them."""
        seen = self._ended_keys or set()
        for number, group in enumerate(self.plan.groups) if previous else ():
            for index in range(group.trials):
                key = TrialKey(
                    case=group.case.id,
                    target=group.target_id,
                    scenario=group.scenario.name,
                    trial=index,
                )
                old = previous.get(key)
                if old is not None and key not in seen and (old.outcome == "errored") == errored:
                    seen.add(key)
                    self._keeper.ended(number, group, old)

    def runner(
        self,
        ended: Ended,
        previous: Mapping[TrialKey, Trial] | None = None,
        *,
        enough: Callable[[], bool] = bool,
    ) -> Runner:
        """Return who asks this suite's groups; arguments as of `Runner`."""
        return Runner(
            self.transports(),
            ended,
            concurrency=self.board.concurrency,
            previous=previous,
            accounts=self.accounts,
            enough=enough,
        )

    def transports(self) -> dict[str, Transport]:
        """Return who answers each target in this session's mode."""
        used = {group.target_id: group.target for group in self.plan.groups}
        self.board.guard(used.values())
        return {name: self.board.transport(name, used[name], self._tapes(name)) for name in used}

    def file_read(self, group: PlannedGroup) -> tuple[str, str] | None:
        """Return the cassette that answered a group, with its SHA-256."""
        return self.board.file_read(self._tapes(group.target_id), group.case.id)

    def _tapes(self, target_id: str) -> Path:
        known = self._folders.get(target_id)
        if known is None:
            known = self._folders[target_id] = self.project.cassettes / self.loaded.id / target_id
        return known

    def _short(self) -> bool:
        """Whether the limit on the cost has left trials that were not asked."""
        return self._spending.enough() and self._keeper.outcomes.total() < self.plan.trials_total

    def _close(self, *, interrupted: bool) -> Result:
        kept, notes = self._keeper, self.notes()
        stored = kept.close(self.board.files_read(), complete=not interrupted, notes=notes)
        return Result(
            folder=stored.path.parent,
            exit_code=2 if interrupted else self._exit_code(),
            outcomes=dict(kept.groups),
            misses=dict(kept.misses),
            stopped={target: str(error) for target, error in self._runner.stopped.items()},
            slowed=self.board.slowed(),
            command=self.command,
            early=self._spending.told() if interrupted else "",
            unused="" if interrupted else self._unused(),
            warnings=notes,
        )

    def notes(self) -> tuple[str, ...]:
        """Return what a reader of the report should know."""
        limited = hasattr(self, "_keeper") and self._short()
        limit = [f"not all was asked: {self._spending.told()}"] if limited else []
        return (*self.plan.warnings, *self.accounts.warnings, *limit)

    def spent(self) -> str:
        """Say which limit on what may be spent was reached, and how far; '' where none was."""
        return self._spending.told()

    def _exit_code(self) -> int:
        unusable = any(isinstance(error, UsageError) for error in self._runner.stopped.values())
        if self._keeper.misses or unusable:
            return 4
        return 1 if self._keeper.groups["failed"] or self._keeper.outcomes["errored"] else 0

    def _unused(self) -> str:
        """Say what no trial has read; '' where not all of the suite was planned and asked."""
        options = self.options
        narrowed = options.selection != Selection() or options.last_failed or options.retry_errors
        if self.mode != "replay" or narrowed or self._runner.stopped:
            return ""
        from qeval.session.unread import unread

        return unread(self.project, self.plan, self.board.unread())

    def _ended(self, number: int, group: PlannedGroup, trial: Trial, answer: Answer | None) -> None:
        if trial.code == LimitError.code:
            return  # it was not asked, or not to its end: what came of it is recorded
        if self._ended_keys is not None:
            self._ended_keys.add(trial.key)
        self._keeper.ended(number, group, self.board.clean(trial))
        if answer is not None:
            self._keeper.saw(answer.source, answer.recorded_at)
        self._advance()

    def _bar(self) -> Any:
        from tqdm import tqdm

        bar = tqdm(total=self.plan.trials_total, unit="trial", leave=False)
        self._advance = bar.update
        return bar

    def _said(self) -> dict[str, Any]:
        """What the command line narrowed, for the header and the run's identity."""
        selection = self.options.selection
        said = msgspec.structs.asdict(selection) | {"last_failed": self.options.last_failed}
        said["keys"] = sorted(selection.keys) if selection.keys else None
        said |= {"no_ledger": not self.options.ledger, **msgspec.to_builtins(self.options.budget)}
        return {key: value for key, value in said.items() if value}

    def _previous(self) -> dict[TrialKey, Trial]:
        from qeval.store import find_run

        last = find_run(self.project.reports, "latest", self.loaded.id)
        now = {
            (group.case.id, group.scenario.name): group.case.digest for group in self.plan.groups
        }
        kept = {}
        for trial in last.trials():
            asked = last.asked.get((trial.case, None)) or last.asked.get(
                (trial.case, trial.scenario)
            )
            if asked and asked.digest == now.get((trial.case, trial.scenario)):
                kept[trial.key] = trial
        if not kept:
            raise StoreError(
                f"nothing of the latest run of {self.loaded.id} fits: every case has changed",
                hint="run the suite without --retry-errors",
            )
        return kept

    @property
    def command(self) -> str:
        """The command that records what a replay lacks."""
        path = self.loaded.path
        shown = path.relative_to(self.project.root) if path.is_absolute() else path
        return f"qeval run {shown.as_posix()} --mode record"
