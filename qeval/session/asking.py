"""Answers for a test runner, which comes for them group by group.

`Replaying` reads recordings then and there, without loop or thread. `ahead.Asking` asks ahead on a
loop in the background, and `broker.Remote` lets another process do so.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from qeval.errors import QevalError
from qeval.exchange import Answer, Place, Wire
from qeval.plan import PlannedGroup
from qeval.record import Group, Trial, decide
from qeval.session.running import Session
from qeval.session.switchboard import Switchboard
from qeval.suite import Target
from qeval.transport.base import Transport, step
from qeval.value import Json, Value, canonical_json

T = TypeVar("T")

Key: TypeAlias = tuple[str, str, str, str]
"""A group: the suite's file, then case, target, scenario."""


class Record(Value):
    """What asking a group came to."""

    suite: str
    """The suite's file."""
    group: Group
    file: tuple[str, str] | None = None
    """The cassette that was replayed, below the project's root, and its SHA-256."""
    seen: tuple[tuple[str | None, str | None], ...] = ()
    """Who answered, and when; each pair once."""
    asked_s: float | None = None
    """From the first trial's start to the last one's end; None: replayed."""

    @property
    def key(self) -> Key:
        """Whose record it is."""
        return self.suite, self.group.case, self.group.target, self.group.scenario


class Call(Value):
    """One request of a test written in Python, as a dialect has written it."""

    folder: str
    """Where it is recorded, below the cassettes folder: `tests/<module path>`."""
    target_id: str
    target: dict[str, Json]
    """The fields of a `Target`."""
    wire: Wire
    place: Place
    """`case` is the test's name, which the file is called after."""
    command: str = "pytest --qeval-mode record"
    """What mends a missing recording."""


class Answers(Protocol):
    """Where a test runner gets its answers from."""

    def begin(self, keys: Sequence[Key], window: int | None = None) -> None:
        """Say what will be wanted, in order, before the first of it is.

        Args:
            keys: All groups that were chosen.
            window: Most trials to ask ahead of the group that was wanted last; None: all.
        """
        ...

    def group(self, key: Key, *, again: bool = False) -> Record:
        """Return what a group came to; wait for it. `again` asks it once more.

        Raises:
            QevalError: Nothing can be asked any more: a recording could not be written, say.
        """
        ...

    def call(self, call: Call) -> Future[Answer]:
        """Return the answer to one request, as it comes.

        The future raises what a transport raises: TransportError, CassetteError, TargetError.
        """
        ...

    def end(self, folder: str, case: str) -> Future[None]:
        """Say that a test has made its last call, so that its recordings are put in place."""
        ...

    def close(self) -> None:
        """Give up what is under way, and write what was recorded."""
        ...


class Stage:
    """A suite on its way: who asks its groups, and the trials of those that have not all ended."""

    def __init__(self, suite: str, session: Session, done: Callable[[Record], None]) -> None:
        self.groups = {
            (group.case.id, group.target_id, group.scenario.name): (number, group)
            for number, group in enumerate(session.plan.groups)
        }
        self.runner = session.runner(self._ended)
        self._suite = suite
        self._session = session
        self._done = done
        self._open: dict[int, list[tuple[Trial, Answer | None]]] = {}

    def _ended(self, number: int, group: PlannedGroup, trial: Trial, answer: Answer | None) -> None:
        ended = self._open.setdefault(number, [])
        ended.append((self._session.board.clean(trial), answer))
        if len(ended) == group.trials:
            del self._open[number]
            self._done(self._record(group, ended))

    def _record(self, group: PlannedGroup, ended: Sequence[tuple[Trial, Answer | None]]) -> Record:
        trials = tuple(sorted((trial for trial, _ in ended), key=lambda trial: trial.trial))
        answers = [answer for _, answer in ended if answer is not None]
        return Record(
            suite=self._suite,
            group=Group(
                case=group.case.id,
                target=group.target_id,
                scenario=group.scenario.name,
                outcome=decide(group.passes, [trial.outcome for trial in trials]),
                passes=group.passes,
                trials=trials,
            ),
            file=self._session.file_read(group),
            seen=tuple(dict.fromkeys((each.source, each.recorded_at) for each in answers)),
        )


class Calls:
    """Transports for the calls of tests written in Python, one a file and target."""

    def __init__(self, board: Switchboard, cassettes: Path) -> None:
        self._board = board
        self._cassettes = cassettes
        self._made: dict[tuple[str, bytes], Transport] = {}

    def of(self, call: Call) -> Transport:
        """Return who answers a call."""
        key = call.folder, canonical_json([call.target_id, call.target])
        if key not in self._made:
            target = Target(**call.target)
            self._board.guard([target])
            folder = self._cassettes / call.folder
            self._made[key] = self._board.transport(
                call.target_id, target, folder, command=call.command
            )
        return self._made[key]

    def in_folder(self, folder: str) -> Iterator[Transport]:
        """Yield the transports whose recordings lie there."""
        return (each for (place, _), each in self._made.items() if place == folder)

    async def end(self, folder: str, case: str) -> None:
        """Put the recordings of a test in place."""
        for transport in list(self.in_folder(folder)):
            await transport.end_case(case)

    async def aclose(self) -> None:
        """Put everything in place and close."""
        for transport in self._made.values():
            await transport.aclose()


class Replaying:
    """Answers from recordings, then and there.

    Args:
        sessions: By the suite's file; may grow until `begin`.
        calls: For tests written in Python.
    """

    def __init__(self, sessions: Mapping[str, Session], calls: Callable[[], Calls]) -> None:
        self._sessions = sessions
        self._stages: dict[str, Stage] = {}
        self._latest: Record | None = None
        self._make_calls = calls
        self._calls: Calls | None = None

    def begin(self, keys: Sequence[Key], window: int | None = None) -> None:
        """Count what will be wanted of each case, so that its file is let go with the last."""
        del window
        for suite, *rest in keys:
            stage = self._stage(suite)
            stage.runner.expect([stage.groups[rest[0], rest[1], rest[2]][1]])

    def group(self, key: Key, *, again: bool = False) -> Record:
        """Replay a group."""
        stage = self._stage(key[0])
        number, group = stage.groups[key[1:]]
        if again:
            stage.runner.expect([group])
        stage.runner.step(number, group)
        assert self._latest is not None  # noqa: S101  # the last trial of a group makes it
        return self._latest

    def call(self, call: Call) -> Future[Answer]:
        """Replay one call."""
        return _stepped(self._all_calls().of(call).send(call.wire, call.place))

    def end(self, folder: str, case: str) -> Future[None]:
        """Let the file of a test go."""
        return _stepped(self._all_calls().end(folder, case))

    def close(self) -> None:
        """Let all files go."""
        for stage in self._stages.values():
            stage.runner.close()

    def _stage(self, suite: str) -> Stage:
        if suite not in self._stages:
            self._stages[suite] = Stage(suite, self._sessions[suite], self._took)
        return self._stages[suite]

    def _took(self, record: Record) -> None:
        self._latest = record

    def _all_calls(self) -> Calls:
        if self._calls is None:
            self._calls = self._make_calls()
        return self._calls


def _stepped(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    future: Future[T] = Future()
    try:
        future.set_result(step(coroutine))
    except QevalError as error:
        future.set_exception(error)
    return future
