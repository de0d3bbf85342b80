"""Why a replay has no answer for a trial: what it would send, and the recording nearest to that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from qeval.conversation import converse
from qeval.dialects.base import spoken
from qeval.errors import CassetteError, QevalError, UsageError, nearest, suggestion
from qeval.exchange import Answer, Place, Wire
from qeval.loading.project import Project
from qeval.plan import Plan, PlannedGroup
from qeval.session.cassettes import (
    TESTS,
    Cassette,
    open_cassette,
    record_command,
    recorded_suites,
    suite_file,
    suite_id,
    survey,
    wanted,
)
from qeval.session.running import Options, prepare
from qeval.transport.base import step
from qeval.transport.cassettes import CassetteOptions, CassetteTransport, misses
from qeval.transport.cassettes.interaction import Interaction
from qeval.transport.cassettes.misses import Change
from qeval.transport.cassettes.transport import sought
from qeval.transport.hosts import endpoint
from qeval.value import Value

Miss = Literal["none", "missing", "stale", "exhausted", "damaged", "secret"]
_PROMPT = ("messages", "input", "system")
"""Fields of a request's body below which the prompt stands, over all dialects."""


class Question(Value):
    """Which trial is meant; None where it may be any."""

    case: str
    suite: str | None = None
    target: str | None = None
    scenario: str | None = None
    trial: int | None = None


class Why(Value):
    """What a trial would send now, and what is recorded."""

    suite: str
    case: str
    target: str
    scenario: str
    trial: int
    where: str
    """Of the case: `suites/facts.yaml:14`."""
    file: str
    """Its cassette, below the project's root."""
    miss: Miss
    """`none` where the recording answers."""
    cause: str
    """In a word or two: `prompt changed`, `one trial more`, `no file`."""
    method: str
    uri: str
    body: str
    """What would be sent, with large media as digests."""
    nearest: str | None = None
    """The recording nearest to what would be sent: file, trial, date and source."""
    changes: tuple[tuple[str, str, str], ...] = ()
    """Field, recorded value, value now; values are cut to their first difference."""
    mend: str = ""
    """One sentence with what to type; '' where there is nothing to mend."""
    others: int = 0
    """Further trials of the question that have no usable recording either."""


def why(project: Project, question: Question) -> Why:
    """Explain the first trial of a question that has no usable recording, else its first.

    Raises:
        UsageError: No such case, target or scenario is planned, or several suites have the case.
    """
    suite, plan = _planned(project, question)
    groups = _groups(plan, question)
    if all(group.target.python is not None for group in groups):
        raise UsageError(
            f"target {groups[0].target_id!r} is a Python function: what it asks is known when it "
            "runs",
            hint=f"replay it; a miss names what differs: {_replay_command(project, suite)}",
        )
    groups = [group for group in groups if group.target.python is None]
    asked = {group.case.id for group in plan.groups}
    found = None
    others = 0
    for group in groups:
        numbers = range(group.trials) if question.trial is None else (question.trial,)
        for trial in numbers:
            asking = _Asking(project, suite, group, trial, asked)
            if asking.error is not None:
                others += found is not None
                found = found or asking
    first = found or _Asking(project, suite, groups[0], question.trial or 0, asked)
    return first.explained(others)


def _replay_command(project: Project, suite: str) -> str:
    return f"`{record_command(project, suite).partition(' --mode')[0]}`"


def _planned(project: Project, question: Question) -> tuple[str, Plan]:
    """Return the suite that has the case, and the whole of its plan."""
    if question.suite is not None:
        suite = suite_id(project, question.suite)
        path = suite_file(project, suite)
        if path is None:
            known = sorted(set(_suites(project)))
            raise UsageError(
                f"there is no suite {question.suite!r}", hint=suggestion("suite", suite, known)
            )
        return suite, prepare(path, Options())[1]
    having, broken = _having(project, recorded_suites(project), question.case)
    if not having:
        having, _ = _having(project, dict.fromkeys(_suites(project)), question.case)
    if len(having) > 1:
        raise UsageError(
            f"case {question.case!r} is in suites {', '.join(having)}",
            hint=f"say which with `--suite {next(iter(having))}`",
        )
    if not having:
        raise broken or _no_case(project, question)
    return next(iter(having.items()))


def _having(
    project: Project, suites: Iterable[str], case: str
) -> tuple[dict[str, Plan], UsageError | None]:
    """Return the plans that have a case, and the first mistake that kept a suite from it."""
    having: dict[str, Plan] = {}
    broken: UsageError | None = None
    for suite in suites:
        path = suite_file(project, suite)
        try:
            plan = None if path is None else prepare(path, Options())[1]
        except UsageError as error:
            broken = broken or error
            continue
        if plan is not None and any(group.case.id == case for group in plan.groups):
            having[suite] = plan
    return having, broken


def _suites(project: Project) -> Iterator[str]:
    """Yield the ids of what may be suites; the folder holds other files too."""
    for path in sorted(project.suites.rglob("*")):
        script = path.stem.endswith(".simulator")
        if path.suffix in {".yaml", ".yml", ".json", ".py"} and path.is_file() and not script:
            yield path.relative_to(project.suites).with_suffix("").as_posix()


def _no_case(project: Project, question: Question) -> UsageError:
    if any(one.of_python and question.case in one.case for one in survey(project, [TESTS])):
        return UsageError(
            f"{question.case!r} is a test written in Python: what it asks is known when it runs",
            hint=f"type `pytest -k {question.case}`; its failure names what differs",
        )
    suite = suite_id(project, question.case)
    path = suite_file(project, suite)
    if path is not None:
        shown = path.relative_to(project.root).as_posix()
        return UsageError(
            f"{question.case!r} is a suite, and `why` explains a case",
            hint=f"type `qeval list {shown}` for its cases",
        )
    return UsageError(
        f"no suite has a case {question.case!r}",
        hint="type `qeval list SUITE` for the cases of a suite",
    )


def _groups(plan: Plan, question: Question) -> list[PlannedGroup]:
    groups = [group for group in plan.groups if group.case.id == question.case]
    if not groups:
        hint = suggestion("case", question.case, {group.case.id for group in plan.groups})
        raise UsageError(f"suite {plan.suite_id} has no case {question.case!r}", hint=hint)
    if question.target is not None:
        known = {group.target_id for group in groups}
        groups = [group for group in groups if group.target_id == question.target]
        if not groups:
            hint = suggestion("target", question.target, known)
            raise UsageError(f"the case is not asked of target {question.target!r}", hint=hint)
    if question.scenario is not None:
        known = {group.scenario.name for group in groups}
        groups = [group for group in groups if group.scenario.name == question.scenario]
        if not groups:
            hint = suggestion("scenario", question.scenario, known)
            raise UsageError(f"the case is not asked under {question.scenario!r}", hint=hint)
    return groups


class _Near(NamedTuple):
    """A recording of a like request, and the file it is in."""

    one: Interaction
    file: str


class _Asking:
    """One trial, replayed to see whether it has an answer; `asked` are all cases of its suite."""

    def __init__(
        self, project: Project, suite: str, group: PlannedGroup, trial: int, asked: set[str]
    ) -> None:
        self._project = project
        self._suite = suite
        self._group = group
        self._trial = trial
        self._asked = asked
        self._first = trial - trial % group.params.n
        """The trial whose request brings the answer: `n` asks for several at once."""
        self._turn = 0
        self._now = wanted(group, self._first)
        """The request that has no answer, else the first."""
        self._path = project.cassettes / suite / group.target_id / f"{group.case.id}.yaml"
        self.error = self._replay()

    def _replay(self) -> CassetteError | None:
        group = self._group
        transport = CassetteTransport(
            CassetteOptions(
                folder=self._path.parent,
                root=self._project.root,
                base=endpoint(group.target).base,
                command=self._command(),
            )
        )
        base = endpoint(group.target).base

        async def send(wire: Wire, place: Place) -> Answer:
            try:
                return await transport.send(wire, place)
            except CassetteError:
                self._turn, self._now = place.turn, sought(base, wire)
                raise

        dialect = spoken(group.target)
        place = Place(case=group.case.id, scenario=group.scenario.name, trial=self._first)
        try:
            step(converse(group, self._first, dialect, send, place))
        except CassetteError as error:
            return error
        except QevalError:  # an answer is recorded, even if it says that something went wrong
            return None
        return None

    def _command(self) -> str:
        group = self._group
        command = record_command(
            self._project, self._suite, case=group.case.id, target=group.target_id
        )
        return command if self._trial < group.trials else f"{command} --trials {self._trial + 1}"

    def explained(self, others: int) -> Why:
        cassette = open_cassette(self._path, self._project)
        near = self._near(cassette)
        changes = tuple(misses.changes(near.one, self._now)) if near else ()
        cause, group = self._cause(cassette, changes), self._group
        mend = (self.error.hint or "") if self.error is not None else ""
        if near is not None and near.file != cassette.shown:
            old = Path(near.file).stem
            if not changes:
                cause = "case renamed"
                mend = f"rename the file with `mv {near.file} {cassette.shown}`, or {mend}"
            elif old != group.case.id:
                cause = f"case renamed, {changed(changes)}"
                mend = f"if it is the same case, give it back its name, `id: {old}`; {mend}"
        return Why(
            suite=self._suite,
            case=group.case.id,
            target=group.target_id,
            scenario=group.scenario.name,
            trial=self._trial,
            where=group.case.where,
            file=cassette.shown,
            miss=self.error.cause if self.error is not None else "none",  # type: ignore[arg-type]  # one of them
            cause=cause,
            changes=tuple((change.field, change.old, change.new) for change in changes),
            nearest=_told(near, cassette) if near else None,
            method=self._now.method,
            uri=self._now.uri,
            body=self._now.request.decode(errors="replace"),
            mend=mend,
            others=others,
        )

    def _cause(self, cassette: Cassette, changes: Sequence[Change]) -> str:
        if self.error is None:
            return "recorded"
        if cassette.damage is not None:
            return "file damaged"
        return changed(changes) if self.error.cause == "stale" else self._lack(cassette, changes)

    def _lack(self, cassette: Cassette, changes: Sequence[Change]) -> str:
        """Say what a file does not hold."""
        if not cassette.path.parent.is_dir():
            return "target not recorded"
        if not cassette.interactions:
            return "empty file" if cassette.path.exists() else "no file"
        scenario = self._group.scenario.name
        trials = {
            one.place.trial
            for one in cassette.interactions
            if one.place is not None and one.place.scenario == scenario
        }
        if not trials:
            return "scenario not recorded" if _placed(cassette) else changed(changes)
        more = max(self._trial, self._group.trials - 1) - max(trials)
        if more <= 0:
            return "trial not recorded"
        return "one trial more" if more == 1 else f"{more} trials more"

    def _near(self, cassette: Cassette) -> _Near | None:
        """Return the nearest recording: of the trial, of the case, else of like cases."""
        place = (self._group.scenario.name, self._first, self._turn)
        own = [
            one
            for one in cassette.interactions
            if one.place is not None
            and (one.place.scenario, one.place.trial, one.place.turn) == place
        ]
        held = [_Near(one, cassette.shown) for one in own[-1:] or cassette.interactions]
        held = held or list(self._elsewhere())
        if not held:
            return None
        return min(held, key=lambda near: len(list(misses.changes(near.one, self._now))))

    def _elsewhere(self) -> Iterator[_Near]:
        """Yield the case's recordings of other targets, else its own under another name.

        Those are of the same request, or of a case of like name that is asked no more: a case
        that is given no name has it of its prompt, and changes it with that.
        """
        folder = self._path.parent
        other_targets = sorted(folder.parent.glob(f"*/{self._path.name}"))
        files = other_targets or sorted(folder.glob("*.yaml"))
        like = nearest(self._group.case.id, [p.stem for p in files if p.stem not in self._asked])
        for path in files:
            cassette = open_cassette(path, self._project)
            for one in cassette.interactions:
                if other_targets or path.stem == like or one.same_request(self._now):
                    yield _Near(one, cassette.shown)


def _placed(cassette: Cassette) -> bool:
    return any(one.place is not None for one in cassette.interactions)


def changed(changes: Sequence[Change]) -> str:
    """Say in a word what differs: `temperature changed`, `prompt and model changed`."""
    names = dict.fromkeys(_word(change.field) for change in changes)
    if not names:
        return "form changed"
    if len(names) > 3:
        return f"{len(names)} fields changed"
    *first, last = names
    return f"{', '.join(first)} and {last} changed" if first else f"{last} changed"


def _word(field: str) -> str:
    """Return what a person calls a field of the body: `prompt` for any message."""
    path = field.removeprefix("parameters.")
    name = path.partition(".")[0].partition("[")[0]
    return "prompt" if name in _PROMPT else name


def _told(near: _Near, cassette: Cassette) -> str:
    one = near.one
    whose = f"trial {one.place.trial} under {one.place.scenario!r}" if one.place else "a recording"
    said = [whose if near.file == cassette.shown else f"{whose} in {near.file}"]
    if one.recorded.date:
        said.append(f"recorded {one.recorded.date[:10]}")
    if one.recorded.source:
        said.append(f"from {one.recorded.source}")
    return ", ".join(said)


__all__ = ["Question", "Why", "changed", "why"]
