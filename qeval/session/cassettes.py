"""The cassettes of a project: whose each file is, and what in it no planned trial reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from qeval.dialects.base import spoken
from qeval.errors import CassetteError, QevalError, UsageError, suggestion
from qeval.loading.project import Project
from qeval.plan import Plan, PlannedGroup
from qeval.session.cassette_turns import Walked, walks
from qeval.session.running import Options, prepare
from qeval.transport.cassettes import files, reading
from qeval.transport.cassettes.interaction import Interaction, request_key
from qeval.transport.cassettes.shelf import adopted
from qeval.transport.cassettes.transport import sought
from qeval.transport.hosts import endpoint
from qeval.value import Value

TESTS = "tests"
"""The folder of what tests written in Python asked: `tests/<module path>/<test>.yaml`."""
_SUFFIXES = (".yaml", ".yml", ".json", ".py")


class Cassette(Value):
    """One file of recordings, read."""

    path: Path
    shown: str
    """Relative to the project's root."""
    suite: str
    """The suite's id; `tests` for a test written in Python."""
    target: str
    """The target's id; of a Python test, the path of its module."""
    case: str
    """The case's id, or the test's name."""
    data: bytes = b""
    interactions: tuple[Interaction, ...] = ()
    damage: CassetteError | None = None

    @property
    def of_python(self) -> bool:
        """Whether a test written in Python asked it."""
        return self.suite == TESTS


class Unused(Value):
    """What no planned trial reads of one file."""

    file: str
    whole: bool
    """Whether the file is of no planned case and target."""
    interactions: tuple[Interaction, ...] = ()


def survey(project: Project, suites: Iterable[str] = ()) -> Iterator[Cassette]:
    """Read the cassettes of a project, file by file, in the order of their paths.

    Args:
        project: Whose.
        suites: Ids or files of suites, or `tests`; none: every cassette there is.

    Raises:
        UsageError: Nothing is recorded of one of them, and it is no suite's file either.
    """
    wanted = {suite_id(project, text) for text in suites}
    known = set()
    for path in _paths(project.cassettes):
        suite, target, case = _whose(project, path)
        known.add(suite)
        if suite and (not wanted or suite in wanted):  # others lie there for reasons of their own
            yield open_cassette(path, project, (suite, target, case))
    for name in sorted(wanted - known):
        if name != TESTS and suite_file(project, name) is None:
            raise UsageError(
                f"nothing is recorded of suite {name!r}", hint=suggestion("suite", name, known)
            )


def recorded_suites(project: Project) -> list[str]:
    """Return the ids of all suites of which something is recorded, by their names alone."""
    names = dict.fromkeys(_whose(project, path)[0] for path in _paths(project.cassettes))
    return [name for name in names if name not in {"", TESTS}]


def open_cassette(
    path: Path, project: Project, whose: tuple[str, str, str] | None = None
) -> Cassette:
    """Read one file; where it is damaged, `damage` says how; one that is not there is empty."""
    suite, target, case = whose or _whose(project, path)
    shown = files.relative(path, project.root)
    fields = {"path": path, "shown": shown, "suite": suite, "target": target, "case": case}
    data = b""
    try:
        data = files.load(path, shown) or b""
        command = record_command(project, suite, case=case)
        found = reading.read(data, case, shown, command) if path.exists() else []
    except CassetteError as error:
        return Cassette(**fields, data=data, damage=error)  # type: ignore[arg-type]  # by name
    return Cassette(**fields, data=data, interactions=tuple(found))  # type: ignore[arg-type]


def _paths(folder: Path) -> Iterator[Path]:
    for here, below, names in os.walk(folder):
        below.sort()
        for name in sorted(names):
            if name.endswith(".yaml") and not name.startswith("."):
                yield Path(here, name)


def _whose(project: Project, path: Path) -> tuple[str, str, str]:
    """Return suite, target and case of a file by its path; of a Python test, module and name."""
    if not path.is_relative_to(project.cassettes):
        return "", path.parent.name, path.stem
    *above, target = path.relative_to(project.cassettes).parent.parts or ("",)
    if above[:1] == [TESTS]:
        module = "/".join([*above[1:], target])
        if suite_file(project, "/".join(above)) is None or _module(project, module).is_file():
            return TESTS, module, path.stem
    if not above and target == TESTS:
        return TESTS, "", path.stem
    return "/".join(above), target, path.stem


def suite_id(project: Project, text: str) -> str:
    """Return the id of a suite that is named by its id or its file."""
    path = Path(text)
    if path.suffix in _SUFFIXES:
        absolute = path.absolute().resolve()
        for folder in (project.suites.resolve(), project.root):
            if absolute.is_relative_to(folder):
                return absolute.relative_to(folder).with_suffix("").as_posix()
    return text.strip("/")


def suite_file(project: Project, suite: str) -> Path | None:
    """Return the file of a suite, or None where there is none of that id."""
    for folder in (project.suites, project.root):
        for suffix in _SUFFIXES:
            path = folder / f"{suite}{suffix}"
            if suite and path.is_file():
                return path
    return None


def record_command(
    project: Project,
    suite: str,
    *,
    case: str | None = None,
    target: str | None = None,
    mode: str = "record",
) -> str:
    """Return the command that records a suite, or one case of it, anew."""
    import shlex

    if suite == TESTS:
        return f"pytest --qeval-mode {mode}"
    path = suite_file(project, suite)
    shown = "SUITE" if path is None else files.relative(path, project.root)
    said = ["qeval", "run", shown, "--mode", mode]
    for name, value in (("--case", case), ("--target", target)):
        said += [name, value] if value is not None else []
    return shlex.join(said)


class Reads:
    """What the trials of a whole plan read."""

    def __init__(self, plan: Plan) -> None:
        self._groups: dict[tuple[str, str], list[PlannedGroup]] = {}
        for group in plan.groups:
            self._groups.setdefault((group.target_id, group.case.id), []).append(group)

    def unused(self, cassette: Cassette) -> Unused | None:
        """Return what nobody reads of a file; None where everything is read."""
        groups = self._groups.get((cassette.target, cassette.case))
        if groups is None:
            return Unused(file=cassette.shown, whole=True, interactions=cassette.interactions)
        trials = {group.scenario.name: group.trials for group in groups}
        foreign = [one for one in cassette.interactions if one.place is None]
        left = _unasked(foreign, groups) if foreign else []
        ends = {
            (walked.place.scenario, walked.place.trial): walked.place.turn
            for walked in self.walked(cassette)
            if walked.whole
        }
        left += [
            one
            for one in cassette.interactions
            if (place := one.place) is not None
            and (
                place.trial >= trials.get(place.scenario, 0)
                or place.turn >= ends.get((place.scenario, place.trial), place.turn + 1)
            )
        ]
        return Unused(file=cassette.shown, whole=False, interactions=tuple(left)) if left else None

    def walked(self, cassette: Cassette) -> list[Walked]:
        """Return how far the recordings of each planned trial carry."""
        groups = self._groups.get((cassette.target, cassette.case), ())
        return [walked for group in groups for walked in walks(group, cassette.interactions)]


def _asked(group: PlannedGroup) -> Iterator[Interaction]:
    """Yield what each trial of a group would send; nothing where its dialect cannot say it."""
    now = None
    for trial in range(group.trials):
        if now is None or group.seed_each:
            try:
                now = wanted(group, trial)
            except QevalError:
                return
        yield now


def wanted(group: PlannedGroup, trial: int) -> Interaction:
    """Return the call of one trial, as its recording is looked for.

    Raises:
        UsageError: The dialect cannot say what the suite asks.
    """
    wire = spoken(group.target).write(group.request(trial))
    return sought(endpoint(group.target).base, wire)


def _unasked(foreign: Sequence[Interaction], groups: Sequence[PlannedGroup]) -> list[Interaction]:
    """Return what of another tool's recordings no trial reads: the n-th of like ones is trial n."""
    most: dict[str, int] = {}
    for group in groups:
        for trial, now in enumerate(_asked(group)):
            most[now.key] = max(most.get(now.key, 0), trial + 1)
    base = endpoint(groups[0].target).base
    seen: dict[str, int] = {}
    left = []
    for one in foreign:
        as_asked = adopted(one, base)
        key = request_key(as_asked.method, as_asked.uri, as_asked.request)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > most.get(key, 0):
            left.append(one)
    return left


def plans(project: Project, suites: Iterable[str]) -> dict[str, Plan | None]:
    """Plan everything of suites, by id; None where a suite has no file any more.

    Raises:
        SuiteError: A suite has mistakes.
    """
    found: dict[str, Plan | None] = {}
    for suite in suites:
        path = suite_file(project, suite)
        found[suite] = None if path is None else prepare(path, Options())[1]
    return found


def unused(
    cassettes: Iterable[Cassette], project: Project, planned: Mapping[str, Plan | None]
) -> Iterator[Unused]:
    """Yield what no planned trial reads. Meaningful only where all of a suite is planned.

    Of a Python test, only that its module or its function is gone can be known.

    Args:
        cassettes: As `survey` gives them; damaged ones are passed over.
        project: Whose.
        planned: By suite; None where the suite is gone. Other suites are passed over.
    """
    reads = {suite: Reads(plan) for suite, plan in planned.items() if plan is not None}
    for cassette in cassettes:
        if cassette.damage is not None:
            continue
        if cassette.of_python:
            found = None if _has_test(project, cassette) else _whole(cassette)
        elif cassette.suite in reads:
            found = reads[cassette.suite].unused(cassette)
        else:
            found = _whole(cassette) if cassette.suite in planned else None
        if found is not None:
            yield found


def _whole(cassette: Cassette) -> Unused:
    return Unused(file=cassette.shown, whole=True, interactions=cassette.interactions)


def _module(project: Project, target: str) -> Path:
    """Return the file of a Python test, whose path stands with its suffix or without."""
    return project.root / (target if target.endswith(".py") else f"{target}.py")


def _has_test(project: Project, cassette: Cassette) -> bool:
    """Whether the module of a Python test is there and has a function that may be it."""
    import re

    try:
        text = _module(project, cassette.target).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(name in cassette.case for name in re.findall(r"def\s+(test\w*)", text))
