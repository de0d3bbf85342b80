"""Composes it all: load, plan, ask, score, store, report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from qeval import __version__
from qeval.errors import QevalError, StoreError, UsageError
from qeval.exchange import Answer
from qeval.loading import Loaded, read
from qeval.plan import Plan, PlannedGroup, Selection, plan
from qeval.record import Asked, Group, Header, Outcome, Trial, TrialKey, decide
from qeval.runner import Runner, without_secret
from qeval.store import RunWriter, StoredRun, find_run
from qeval.suite import Target
from qeval.transport.base import Transport
from qeval.transport.cassettes import CassetteOptions, CassetteTransport
from qeval.transport.cassettes.redact import holds_secret
from qeval.transport.hosts import endpoint, secrets
from qeval.value import Value, canonical_json, to_json

Mode: TypeAlias = Literal["replay", "record", "refresh", "live"]
MODES: tuple[Mode, ...] = ("replay", "record", "refresh", "live")


class Options(Value):
    """How to run a suite; what the command line says over the project's settings."""

    mode: Mode | None = None
    """None: the project's, else `replay`."""
    concurrency: int | None = None
    """Calls in flight over all targets; None: the project's, else 32."""
    base_url: str | None = None
    """A server that stands in for every target, without a key: the simulator, say."""
    client: Literal["auto", "httpx2", "aiohttp"] = "auto"
    selection: Selection = Selection()
    last_failed: bool = False
    """Only the groups that did not pass in the suite's latest run."""
    retry_errors: bool = False
    """Ask again only what errored in the latest run, and keep the rest of it."""
    progress: bool = False
    """Show a bar on stderr."""


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
    command: str = ""
    """The command that records what is missing."""
    warnings: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every group that was asked passed."""
        return self.exit_code == 0

    def run(self) -> StoredRun:
        """Open the run file for reading."""
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


def prepare(suite: str | Path, options: Options) -> tuple[Loaded, Plan]:
    """Load and plan a suite without asking anything."""
    loaded = read(Path(suite))
    selection = options.selection
    if options.last_failed:
        last = find_run(loaded.project.reports, "latest", loaded.id)
        keys = frozenset(
            (group.case, group.target, group.scenario)
            for group in last.groups()
            if group.outcome in {"failed", "errored"}
        )
        selection = msgspec.structs.replace(selection, keys=keys)
    return loaded, plan(loaded, selection)


class Session:
    """One execution of one suite."""

    def __init__(self, suite: str | Path, options: Options) -> None:
        self.options = options
        self.loaded, self.plan = prepare(suite, options)
        self.project = self.loaded.project
        mode = options.mode or self.project.mode
        if mode not in MODES:
            raise UsageError(f"unknown mode {mode!r}", hint=f"choose from {', '.join(MODES)}")
        self.mode = mode
        self._concurrency = options.concurrency or self.project.concurrency or 32
        self._cassettes: list[CassetteTransport] = []
        self._secrets = secrets([group.target for group in self.plan.groups], os.environ)
        self._outcomes: Counter[str] = Counter()
        self._misses: Counter[str] = Counter()
        self._open: dict[int, list[Outcome]] = {}
        """Outcomes of groups whose trials have not all ended, by number."""
        self._groups: Counter[str] = Counter()
        self._sources: set[str] = set()
        self._dates: list[str] = []
        self._asked: set[tuple[str, str | None]] = set()
        self._advance: Callable[[], object] = lambda: None
        self._done = 0

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
        previous = self._previous() if self.options.retry_errors else {}
        transports = self._transports()
        self._writer = RunWriter(
            self.project.reports / self.loaded.id, self._header(self._new_id())
        )
        self._runner = Runner(
            transports,
            self._ended,
            concurrency=self._concurrency,
            previous=previous,
        )
        interrupted = False
        bar = self._bar() if self.options.progress else None
        try:
            self._runner.run(enumerate(self.plan.groups))
        except KeyboardInterrupt:
            interrupted = True
        except BaseException:
            self._writer.release()
            raise
        finally:
            if bar is not None:
                bar.close()
        return self._close(interrupted=interrupted)

    def answer(self, group: PlannedGroup) -> Group:
        """Replay one group and judge it, without a run file: what a test runner needs."""
        trials: list[Trial] = []
        transports = {group.target_id: self._cassette(group.target_id, group.target, None)}
        Runner(transports, lambda _n, _g, trial, _a: trials.append(trial)).run([(0, group)])
        return Group(
            case=group.case.id,
            target=group.target_id,
            scenario=group.scenario.name,
            outcome=decide(group.passes, [trial.outcome for trial in trials]),
            passes=group.passes,
            trials=tuple(trials),
        )

    def _close(self, *, interrupted: bool) -> Result:
        digest = self._cassette_digest()
        identity = self._writer.folder.name
        if self.mode == "replay":
            identity = _digest(
                [self.plan.digest, digest, canonical_json(self._said()).decode(), __version__]
            )[:12]
        header = msgspec.structs.replace(
            self._header(identity),
            cassette_digest=digest,
            complete=not interrupted,
            sources=tuple(sorted(self._sources)),
            recorded_from=min(self._dates, default=None),
            recorded_to=max(self._dates, default=None),
        )
        stored = self._writer.close(header)
        from qeval.report import html

        html.write(stored, stored.path.parent / "report.html")
        return Result(
            folder=stored.path.parent,
            exit_code=2 if interrupted else self._exit_code(),
            outcomes=dict(self._groups),
            misses=dict(self._misses),
            stopped={target: str(error) for target, error in self._runner.stopped.items()},
            command=self._command(),
            warnings=tuple(self.plan.warnings),
        )

    def _exit_code(self) -> int:
        unusable = any(isinstance(error, UsageError) for error in self._runner.stopped.values())
        if self._misses or unusable:
            return 4
        return 1 if self._groups["failed"] or self._outcomes["errored"] else 0

    def _ended(self, number: int, group: PlannedGroup, trial: Trial, answer: Answer | None) -> None:
        scenario = group.scenario.name if group.per_scenario else None
        if (group.case.id, scenario) not in self._asked:
            self._asked.add((group.case.id, scenario))
            self._writer.asked(number, _asked(group, scenario))
        if self.mode != "replay" and holds_secret(to_json(trial), self._secrets):
            trial = without_secret(trial)
        self._writer.trial(number, trial)
        self._outcomes[trial.outcome] += 1
        ended = self._open.setdefault(number, [])
        ended.append(trial.outcome)
        if len(ended) == group.trials:
            self._groups[decide(group.passes, ended)] += 1
            del self._open[number]
        if trial.code and trial.code.startswith("cassette_"):
            self._misses[trial.code.removeprefix("cassette_")] += 1
        if answer is not None:
            self._saw(answer)
        self._advance()

    def _saw(self, answer: Answer) -> None:
        if answer.source:
            self._sources.add(answer.source)
        if answer.recorded_at:
            self._dates = [
                min([answer.recorded_at, *self._dates]),
                max([answer.recorded_at, *self._dates]),
            ]

    def _bar(self) -> Any:
        from tqdm import tqdm

        bar = tqdm(total=self.plan.trials_total, unit="trial", leave=False)
        self._advance = bar.update
        return bar

    def _header(self, identity: str) -> Header:
        return Header(
            id=identity,
            qeval=__version__,
            suite=self.loaded.id,
            mode=self.mode,
            suite_digest=self.plan.digest,
            description=self.plan.description,
            targets=tuple(self.plan.targets),
            scenarios=tuple(self.plan.scenarios),
            options=self._said(),
            planned=self.plan.trials_total,
            notes=tuple(self.plan.warnings),
        )

    def _said(self) -> dict[str, Any]:
        """What the command line narrowed, for the header and the run's identity."""
        selection = self.options.selection
        said = msgspec.structs.asdict(selection) | {"last_failed": self.options.last_failed}
        said["keys"] = sorted(selection.keys) if selection.keys else None
        return {key: value for key, value in said.items() if value}

    def _new_id(self) -> str:
        """A new run's id; '' for a replay, whose id is a digest of what it will have read."""
        if self.mode == "replay":
            return ""
        from datetime import UTC, datetime

        return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ-") + os.urandom(3).hex()

    def _previous(self) -> dict[TrialKey, Trial]:
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

    def _transports(self) -> dict[str, Transport]:
        used = {group.target_id: group.target for group in self.plan.groups}
        return {target_id: self._transport(target_id, used[target_id]) for target_id in used}

    def _transport(self, target_id: str, target: Target) -> Transport:
        if self.mode == "replay":
            return self._cassette(target_id, target, None)
        from qeval.transport.pacing import Retrying

        live = self._live(target_id, target)
        asked = live if self.mode == "live" else self._cassette(target_id, target, live)
        return Retrying(asked, rpm=target.rpm)

    def _live(self, target_id: str, target: Target) -> Transport:
        from qeval.transport.hosts import Settings, resolve
        from qeval.transport.live import Live, LiveOptions

        settings = Settings(
            region=self.project.region,
            workspace=self.project.workspace,
            base_url=self.options.base_url,
        )
        limits = LiveOptions(client=self.options.client, concurrency=self._concurrency)
        if self.project.timeout_s is not None:
            limits = msgspec.structs.replace(limits, timeout_s=self.project.timeout_s)
        return Live(lambda: resolve(target, target_id, settings, os.environ), limits)

    def _cassette(self, target_id: str, target: Target, live: Transport | None) -> Transport:
        cassette = CassetteTransport(
            CassetteOptions(
                folder=self.project.cassettes / self.loaded.id / target_id,
                root=self.project.root,
                base=endpoint(target).base,
                mode=self.mode,
                secrets=self._secrets,
                command=self._command(),
            ),
            live,
        )
        self._cassettes.append(cassette)
        return cassette

    def _cassette_digest(self) -> str | None:
        """A digest over every cassette that answered, whatever the order of asking."""
        if self.mode == "live":
            return None
        files = sorted(pair for cassette in self._cassettes for pair in cassette.files_read())
        return _digest([part for pair in files for part in pair])

    def _command(self) -> str:
        """The command that records what a replay lacks."""
        path = self.loaded.path
        shown = path.relative_to(self.project.root) if path.is_absolute() else path
        return f"qeval run {shown.as_posix()} --mode record"


def _asked(group: PlannedGroup, scenario: str | None) -> Asked:
    case = group.case
    return Asked(
        case=case.id,
        scenario=scenario,
        messages=group.request(0).messages,
        tags=case.tags,
        digest=case.digest,
        where=case.where,
        description=case.description,
        skip=case.skip,
        passes=group.passes if group.passes != group.scenario.passes else None,
    )


def _digest(parts: list[str | None]) -> str:
    return sha256("\0".join(part or "" for part in parts).encode()).hexdigest()


__all__ = ["MODES", "Mode", "Options", "QevalError", "Result", "Session", "prepare", "run"]
