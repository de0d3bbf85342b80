"""The baseline of a suite: what a run is judged against, small enough to commit and to review.

`reports/baselines/<suite>.json` is one JSON document, laid out for `diff`: the run's header, a
line for what each case asked, a line for each group and one for each of its trials, in plan order.
A trial keeps outcome, scores, usage, ledger, cost, latency and digests; of its answer the digest
alone, unless the answers were asked for. The only dates are those of the recordings.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from qeval.errors import StoreError
from qeval.record import Asked, Group, Source, decide
from qeval.store.impossible import impossible
from qeval.store.kept import Check, Document, KeptGroup, checks_of, kept, opened
from qeval.store.runs import StoredRun, find_run
from qeval.value import Json, Value, cleaned, to_json

NAME = "baseline"
"""The reference, and the id of every baseline's header."""
FOLDER = "baselines"
SCHEMA = 1
"""Version of the file. A reader refuses what it does not know."""

_SET = "set it anew: `qeval baseline set RUN`"
_AT_BYTE = re.compile(r"\(byte (\d+)\)")
_CONFLICT = re.compile(rb"(?m)^(<<<<<<<|>>>>>>>) ")


class _Version(msgspec.Struct):
    baseline: object = None


class Baseline:
    """A baseline, opened for reading; a `record.Source` like the run it was taken from.

    Its header's id is `baseline`; `run` is the id that the run had.

    Raises:
        StoreError: The file is missing, is no baseline, is damaged, or of another schema version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shown = "/".join(path.parts[-3:])  # no absolute path in messages
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{self._shown}: {error.strerror}", hint=_SET) from None
        held = self._read(data)
        self.run = held.run.id
        self.header = msgspec.structs.replace(held.run, id=NAME)
        self.answers = held.answers
        self.asked: dict[tuple[str, str | None], Asked] = {
            (asked.case, asked.scenario): asked for asked in held.cases
        }
        self._groups = held.groups
        self._passes = {scenario.name: scenario.passes for scenario in self.header.scenarios}

    def groups(self) -> Iterator[Group]:
        """Yield every group in plan order; can be called again."""
        checks: tuple[Check, ...] = ()
        for group in self._groups:
            checks = checks if group.checks is None else group.checks
            trials = tuple(opened(group, trial, checks) for trial in group.trials)
            asked = self.asked.get((group.case, None)) or self.asked.get(
                (group.case, group.scenario)
            )
            passes = (asked.passes if asked else None) or self._passes.get(group.scenario, "all")
            yield Group(
                case=group.case,
                target=group.target,
                scenario=group.scenario,
                outcome=decide(passes, [trial.outcome for trial in trials]),
                passes=passes,
                trials=trials,
            )

    def _read(self, data: bytes) -> Document:
        try:
            version = msgspec.json.decode(data, type=_Version).baseline
            if version is None:
                raise StoreError(f"{self._shown}: this is not a baseline", hint=_SET)
            if version != SCHEMA:
                raise StoreError(
                    f"{self._shown} is of schema {version!r}; this qeval reads {SCHEMA}",
                    hint=f"{_SET}, or read it with the version that wrote it",
                )
            held = msgspec.json.decode(data, type=Document)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._damaged(data, str(error)) from None
        if (told := impossible(held)) is not None:
            raise StoreError(f"{self._shown}: {told}", hint=f"take the edit back, or {_SET}")
        return held

    def _damaged(self, data: bytes, told: str) -> StoreError:
        if conflict := _CONFLICT.search(data):
            number = data.count(b"\n", 0, conflict.start()) + 1
            return StoreError(
                f"{self._shown}:{number}: an unresolved conflict of two versions",
                hint=f"choose one of them, or {_SET}",
            )
        place = _AT_BYTE.search(told)
        end = int(place[1]) if place else len(data) if "truncated" in told else None
        # What is JSON and of another shape is told by msgspec with its path, `$.groups[3]`.
        line = "" if end is None else f":{data.count(10, 0, end) + 1}"
        return StoreError(f"{self._shown}{line}: not a baseline, or damaged: {told}", hint=_SET)


def baseline_path(reports: Path, suite: str) -> Path:
    """Return where the baseline of a suite lies, there or not."""
    return reports / FOLDER / f"{suite}.json"


def baselines(reports: Path) -> list[Path]:
    """Return the files of all baselines, sorted."""
    return sorted((reports / FOLDER).rglob("*.json"))


def write_baseline(source: Source, path: Path, *, answers: bool = False) -> None:
    """Keep a run as its suite's baseline, whole or not at all; same run, same bytes.

    Args:
        source: The run.
        path: See `baseline_path`; folders that are missing are made.
        answers: Keep texts, reasoning and reasons too: without them the page cannot show what
            was answered before, and a changed check cannot be judged again.

    Raises:
        StoreError: The run did not end, or the file cannot be written.
    """
    if not source.header.complete:
        raise StoreError(
            f"run {source.header.id!r} did not end, and no baseline can be made of a part",
            hint="run the suite to its end: `qeval run suites/NAME.yaml`",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".baseline-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb", buffering=1 << 20) as file:
                file.writelines(_pieces(source, answers=answers))
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"cannot write {'/'.join(path.parts[-3:])}: {error.strerror}",
            hint="make room or mend the folder's rights, then set the baseline again",
        ) from error


def find_source(reports: Path, reference: str, suite: str | None = None) -> StoredRun | Baseline:
    """Return the run or baseline that a reference names.

    Args:
        reports: The project's reports folder.
        reference: What `find_run` takes, `baseline`, or the path of a baseline's file.
        suite: Look only among what is of this suite.

    Raises:
        StoreError: Nothing has that name, or `baseline` could be of several suites.
    """
    if reference == NAME:
        return Baseline(_one(reports, suite))
    given = Path(reference)
    if given.suffix == ".json" and given.is_file():
        return Baseline(given)
    return find_run(reports, reference, suite)


def _one(reports: Path, suite: str | None) -> Path:
    if suite is not None:
        path = baseline_path(reports, suite)
        if not path.is_file():
            raise StoreError(
                f"suite {suite!r} has no baseline",
                hint="run it, then keep the run as one: `qeval baseline set latest`",
            )
        return path
    found = baselines(reports)
    if len(found) == 1:
        return found[0]
    if not found:
        raise StoreError(
            f"there is no baseline below {reports.name}/{FOLDER}/",
            hint="run a suite, then keep the run as one: `qeval baseline set latest`",
        )
    files = [path.relative_to(reports.parent).as_posix() for path in found]
    raise StoreError(
        f"there are {len(found)} baselines, so 'baseline' alone does not say which",
        hint=f"name a file: {', '.join(files[:5])}",
    )


def _pieces(source: Source, *, answers: bool) -> Iterator[bytes]:
    """Yield the document in pieces: one line a case, one a group's head, one a trial."""
    yield b'{"baseline":%d,"run":' % SCHEMA
    yield msgspec.json.format(_json(source.header), indent=1)
    yield b',\n"answers":true,\n"cases":[' if answers else b',\n"cases":['
    separator = b"\n"
    for asked in source.asked.values():
        yield separator + _json(msgspec.structs.replace(asked, messages=()))
        separator = b",\n"
    yield b'\n],\n"groups":['
    separator = b"\n"
    before: tuple[str, tuple[Check, ...]] | None = None
    for group in source.groups():
        checks = checks_of(group.trials)
        head = KeptGroup(
            case=group.case,
            target=group.target,
            scenario=group.scenario,
            checks=None if before == (group.case, checks) else checks,
        )
        before = group.case, checks
        lines = b",\n ".join(_json(kept(trial, checks, answers=answers)) for trial in group.trials)
        yield separator + _json(head)[:-1] + b',"trials":[\n ' + lines + b"]}"
        separator = b",\n"
    yield b"\n]}\n"


def _json(value: Value) -> bytes:
    try:
        return to_json(value)
    except UnicodeEncodeError:  # half a character, in an answer or in what a check says
        plain: Json = cleaned(msgspec.to_builtins(value))
        return to_json(plain)
