"""The run file: written as trials end, sorted when the run closes, read back in one pass.

`reports/<suite>/<run id>/run.jsonl` has one JSON object a line: the `Header`, then each
case's `Asked` before its first `Trial`, in plan order. While a run is under way the lines
stand in the order in which trials ended and the header says `complete: false`; a killed
run leaves just that, and it loads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from qeval.errors import StoreError, nearest, typed
from qeval.record import SCHEMA, Asked, Group, Header, Run, Trial, decide
from qeval.value import cleaned, to_json

FILE = "run.jsonl"
_UNFINISHED = ".unfinished-"
_SORTED = ".sorted"
_LINE = msgspec.json.Decoder(Header | Asked | Trial)
_VERSION = msgspec.json.Decoder(dict[str, object])


class RunWriter:
    """Writes one run file below `reports/<suite>/`.

    Args:
        folder: `reports/<suite>`; made where it is missing.
        header: As known at the start; the closing one replaces it.

    Until `close`, the file lies in a folder named after `header.id` or, where the id is
    known only at the end (a replay's is a digest of what it read), `.unfinished-…`.
    """

    def __init__(self, folder: Path, header: Header) -> None:
        self._suite_folder = folder
        with _told(folder, parts=2):
            folder.mkdir(parents=True, exist_ok=True)
            if header.id:
                self.folder = folder / header.id
                self.folder.mkdir()
            else:
                self.folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
                self.folder.chmod(0o755)
            self._file: IO[bytes] = (self.folder / FILE).open("w+b")
        # A killed replay has lost nothing; of what was paid for, each line is saved at once.
        self._durable = header.mode != "replay"
        self._places: list[tuple[int, int, int, int]] = []
        self._end = 0
        try:
            with _told(self.folder):
                self._append(msgspec.structs.replace(header, complete=False))
        except StoreError:
            self.release()
            raise

    def asked(self, group: int, line: Asked) -> None:
        """Append what a case asks; `group` is the number of its first group in the plan."""
        self._put(group, -1, line)

    def trial(self, group: int, line: Trial) -> None:
        """Append a trial that has ended."""
        self._put(group, line.trial, line)

    def close(self, header: Header) -> StoredRun:
        """Sort the file, give it its last header and its final place; return it for reading."""
        final = self._suite_folder / header.id
        try:
            with _told(self.folder):
                self._sort(header)
                if final != self.folder:
                    final.mkdir(exist_ok=True)
                    (self.folder / FILE).replace(final / FILE)
                    self.folder.rmdir()
        except BaseException:
            self.release()
            raise
        return StoredRun(final / FILE)

    def release(self) -> None:
        """Let go of the file as it is: unsorted, and not complete.

        Of a replay nothing stays, nor of a run without so much as its header, which none can read.
        """
        with suppress(OSError):  # what could not be written was told when it was tried
            self._file.close()
        stays = self._durable and self._end > 0
        with suppress(OSError):
            for name in (FILE + _SORTED,) if stays else (FILE, FILE + _SORTED):
                (self.folder / name).unlink(missing_ok=True)
            if not stays:
                self.folder.rmdir()

    def _sort(self, header: Header) -> None:
        self._file.flush()
        sorted_path = self.folder / (FILE + _SORTED)
        with sorted_path.open("wb") as out:
            out.write(to_json(header) + b"\n")
            for _, _, start, length in sorted(self._places):
                self._file.seek(start)
                out.write(self._file.read(length))
        self._file.close()
        sorted_path.replace(self.folder / FILE)

    def _put(self, group: int, trial: int, line: Asked | Trial) -> None:
        with _told(self.folder):
            start = self._end
            length = self._append(line)
            self._places.append((group, trial, start, length))

    def _append(self, line: Header | Asked | Trial) -> int:
        try:
            data = to_json(line) + b"\n"
        except UnicodeEncodeError:  # half a character, in an answer or in what a check says
            data = to_json(cleaned(msgspec.to_builtins(line))) + b"\n"
        self._file.write(data)
        if self._durable:
            self._file.flush()
        self._end += len(data)
        return len(data)


class StoredRun:
    """A run file, opened for reading. Its groups can be walked any number of times.

    Raises:
        StoreError: The file is missing, is not a run file, or is of another schema version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shown = str(typed(path))
        self.asked: dict[tuple[str, str | None], Asked] = {}
        self._passes: dict[str, str] = {}
        try:
            with path.open("rb") as file:
                first = file.readline()
        except OSError as error:
            raise StoreError(
                f"{self._shown}: {error.strerror}",
                hint="list what there is with `ls reports`, or run the suite again",
            ) from None
        self.header = self._read_header(first)
        self._passes = {scenario.name: scenario.passes for scenario in self.header.scenarios}
        trials = 0
        for line in self._lines():
            if isinstance(line, Asked):
                self.asked[line.case, line.scenario] = line
            else:
                trials += 1
        if self.header.complete and trials < self.header.planned:
            raise StoreError(
                f"{self._shown} is cut short: {trials} of {self.header.planned} trials",
                hint="run the suite again; a replay costs nothing",
            )

    def trials(self) -> Iterator[Trial]:
        """Yield every trial, in the file's order."""
        return (line for line in self._lines() if isinstance(line, Trial))

    def groups(self) -> Iterator[Group]:
        """Yield every group with its trials; in plan order where the run is complete."""
        held: list[Trial] = []
        for trial in self._in_order():
            if held and not _same_group(held[0], trial):
                yield self._group(held)
                held = []
            held.append(trial)
        if held:
            yield self._group(held)

    def whole(self) -> Run:
        """Return all of it as one value."""
        return Run(
            header=self.header, cases=tuple(self.asked.values()), trials=tuple(self.trials())
        )

    def _in_order(self) -> Iterator[Trial]:
        if self.header.complete:
            return self.trials()
        # An unfinished file stands in the order of endings, which cuts groups in pieces.
        order = {case: index for index, (case, _) in enumerate(self.asked)}
        return iter(
            sorted(
                self.trials(),
                key=lambda t: (order.get(t.case, len(order)), t.target, t.scenario, t.trial),
            )
        )

    def _group(self, trials: list[Trial]) -> Group:
        first = trials[0]
        asked = self.asked.get((first.case, None)) or self.asked.get((first.case, first.scenario))
        passes = (asked.passes if asked else None) or self._passes.get(first.scenario, "all")
        return Group(
            case=first.case,
            target=first.target,
            scenario=first.scenario,
            outcome=decide(passes, [trial.outcome for trial in trials]),
            passes=passes,
            trials=tuple(trials),
        )

    def _read_header(self, line: bytes) -> Header:
        try:
            schema = _VERSION.decode(line).get("schema", SCHEMA)
            if schema != SCHEMA:
                raise StoreError(
                    f"{self._shown} is of schema {schema!r}; this qeval reads {SCHEMA}",
                    hint="run the suite again, or read the file with the version that wrote it",
                )
            header = _LINE.decode(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise self._damaged(1, error) from None
        if not isinstance(header, Header):
            raise self._damaged(1, ValueError("the first line is not a run's header"))
        return header

    def _lines(self) -> Iterator[Asked | Trial]:
        with self.path.open("rb") as file:
            file.readline()
            for number, line in enumerate(file, 2):
                try:
                    value = _LINE.decode(line)
                except (msgspec.MsgspecError, RecursionError) as error:
                    if not line.endswith(b"\n"):
                        return  # the line that was being written when the run was killed
                    raise self._damaged(number, error) from None
                if not isinstance(value, Header):
                    yield value

    def _damaged(self, number: int, error: Exception) -> StoreError:
        return StoreError(
            f"{self._shown}:{number}: not a line of a run file: {error}",
            hint="run the suite again; a replay costs nothing",
        )


def find_run(reports: Path, reference: str, suite: str | None = None) -> StoredRun:
    """Return the run that a reference names.

    Args:
        reports: The project's reports folder.
        reference: A run's id, its folder, its run.jsonl, or `latest`.
        suite: Look only among this suite's runs.

    Raises:
        StoreError: Nothing has that name.
    """
    given = Path(reference)
    for path in (given, given / FILE):
        if path.is_file():
            return StoredRun(path)
    pattern = f"{suite}/*/{FILE}" if suite else f"**/{FILE}"
    runs = [p for p in reports.glob(pattern) if not p.parent.name.startswith(_UNFINISHED)]
    if reference == "latest" and runs:
        return StoredRun(max(runs, key=lambda p: (p.stat().st_mtime_ns, p)))
    for path in runs:
        if path.parent.name == reference:
            return StoredRun(path)
    names = sorted(p.parent.name for p in runs)
    known = f"runs there: {', '.join(names[-5:])}"
    if close := nearest(reference, names):
        known = f"did you mean {close!r}?"
    about = f" of suite {suite!r}" if suite else ""
    raise StoreError(
        f"there is no run {reference!r}{about} below {reports.name}/",
        hint=known if names else "run a suite first: `qeval run suites/NAME.yaml`",
    )


def _same_group(one: Trial, other: Trial) -> bool:
    return (one.case, one.target, one.scenario) == (other.case, other.target, other.scenario)


class _told:  # noqa: N801  (reads as a phrase: `with _told(folder):`)
    """Turns a failure to write into a message that names the place."""

    def __init__(self, place: Path, parts: int = 3) -> None:
        self.place = place.parts[-parts:]  # no absolute path in messages

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            name = "/".join(self.place)
            raise StoreError(
                f"cannot write {name}: {error.strerror}",
                hint="make room or mend the folder's rights, then run again; cassettes are kept",
            ) from error
