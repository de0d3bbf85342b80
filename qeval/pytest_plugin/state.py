"""What one pytest session knows of its suites, and the hooks that go with it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qeval.pytest_plugin.book import Book, find_baseline
from qeval.pytest_plugin.settings import Settings, settings
from qeval.pytest_plugin.watching import Watch
from qeval.session.asking import Answers, Calls, Key, Record, Replaying
from qeval.session.running import Session
from qeval.session.spending import Spending
from qeval.session.switchboard import Shared, Switchboard
from qeval.value import clean, to_json

if TYPE_CHECKING:
    from qeval.session.ahead import Asking

RECORD = pytest.StashKey[Record]()
"""Of an item: what asking it came to."""
WAITED = pytest.StashKey[float]()
"""Of an item: seconds that it stood waiting for its answers."""
_STATE = pytest.StashKey["State"]()


def state(config: pytest.Config) -> State:
    """Return the state of a session, made when it is first needed."""
    found = config.stash.get(_STATE, None)
    if found is None:
        found = config.stash[_STATE] = State(config)
        config.pluginmanager.register(Hooks(found), "qeval-session")
        config.pluginmanager.register(Watch(found.settings), "qeval-watch")
    return found


class State:
    """The suites of a session, whoever answers them, and what they came to."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.settings: Settings = settings(config)
        self.sessions: dict[str, Session] = {}
        """By the suite's file."""
        self.worker: Mapping[str, Any] | None = getattr(config, "workerinput", None)
        """What pytest-xdist has told this process, if it is a worker."""
        self.book = Book(self.settings, self.open)
        self.asking: Asking | None = None
        """Who asks, in this process."""
        self._answers: Answers | None = None
        self._shared = Shared(Spending(self.settings.budget, "--qeval-max-"))
        self._begun = False
        self._paths: dict[tuple[Path, str], Path] = {}

    def open(self, path: Path) -> Session:
        """Load and plan a suite, once.

        Raises:
            UsageError: It has mistakes.
        """
        suite = str(path)
        if suite not in self.sessions:
            session = Session(path, self.settings.options, self._shared)
            if self.settings.baseline is not None:  # missed now, and not when all was asked
                find_baseline(session, self.settings.baseline)
            self.sessions[suite] = session
        return self.sessions[suite]

    def path_of(self, root: Path, file: str) -> Path:
        """Return a file below a root; the same path for the same file, which saves time."""
        known = self._paths.get((root, file))
        if known is None:
            known = self._paths[root, file] = root / file
        return known

    @property
    def answers(self) -> Answers:
        """Who answers: recordings, a loop of our own, or the process that asks for all workers."""
        if self._answers is None:
            self._answers = self._make_answers()
        return self._answers

    def begin(self, items: Sequence[pytest.Item]) -> None:
        """Say, once, what will be wanted: the items as chosen and ordered."""
        if not self._begun:
            keys = [item.key for item in items if hasattr(item, "key") and hasattr(item, "planned")]
            self.begin_keys(keys)

    def begin_keys(self, keys: Sequence[Key]) -> None:
        """As `begin`, by keys."""
        self._begun = True
        self.book.choose(keys)
        self.answers.begin(keys, self._window())

    def make_asking(self) -> Asking:
        """Return who asks in this process, made when first needed."""
        from qeval.session.ahead import Asking

        if self.asking is None:
            self.asking = Asking(self.sessions, self.calls, self.concurrency)
        return self.asking

    @property
    def concurrency(self) -> int:
        """Trials in flight."""
        first = next(iter(self.sessions.values()), None)
        if first is not None:
            return first.board.concurrency
        from qeval.session.preparing import CONCURRENCY

        return self.settings.concurrency or CONCURRENCY

    def calls(self) -> Calls:
        """Return the transports of tests written in Python."""
        from qeval.loading import find_project

        project = find_project(self.config.rootpath / "suites")
        command = f"pytest --qeval-mode {'record' if self.mode == 'replay' else self.mode}"
        board = Switchboard(project, self.settings.options, self.mode, command, self._shared)
        return Calls(board, project.cassettes)

    @property
    def mode(self) -> Any:
        """Of the whole session."""
        return self.settings.mode

    def finish(self) -> bool:
        """Stop asking, and close the book in the process that reports.

        Returns:
            Whether something makes the session red that no item has told.
        """
        if self._answers is not None:
            self._answers.close()
        if self.worker is not None:
            return False
        if self.asking is not None:
            self.asking.close()
            self.book.add_unreported(self.asking)
        return self.book.close()

    def _make_answers(self) -> Answers:
        if self.mode == "replay":
            return Replaying(self.sessions, self.calls)
        told = self.worker.get("qeval") if self.worker is not None else None
        if told is not None:
            from qeval.session.broker import Remote

            return Remote(told["address"], bytes.fromhex(told["secret"]))
        return self.make_asking()

    def _window(self) -> int | None:
        """Return how far ahead to ask: where the first failure ends all, no further than needed."""
        option = self.config.option
        stops = option.maxfail or getattr(option, "stepwise", False)
        return self.concurrency if stops else None


class Hooks:
    """The hooks of a session that has suites or recorded tests."""

    def __init__(self, here: State) -> None:
        self._here = here

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: Any, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        """Put the record of an item on its report, and tell an error as we tell a failure."""
        report: Any = yield
        if call.when == "teardown" or not hasattr(item, "planned"):
            return report
        record = item.stash.get(RECORD, None)
        if call.when == "setup" and report.failed and call.excinfo is not None:
            report.longrepr = item.repr_failure(call.excinfo)
        if record is not None:
            self._time(report, record, item.stash.get(WAITED, 0.0))
            if call.when == "call" or not report.passed:
                if self._here.worker is None:
                    self._here.book.add(record)
                else:
                    report.qeval = _text(record)
                self._note(item, record)
        return report

    def _note(self, item: Any, record: Record) -> None:
        """Give an item its figures, which JUnit takes from the report of its teardown."""
        if self._here.settings.junit_properties:
            from qeval.pytest_plugin.properties import properties

            others = [pair for pair in item.user_properties if not pair[0].startswith("qeval.")]
            item.user_properties[:] = [*others, *properties(record)]

    @staticmethod
    def _time(report: Any, record: Record, waited_s: float) -> None:
        """Charge an item with the time it was asked, and nobody with standing first in line."""
        if record.asked_s is not None:
            waited = report.when == "setup" and report.passed
            report.duration = max(0.0, report.duration - waited_s) if waited else record.asked_s

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Stop asking, write what was recorded, and close the run."""
        if self._here.finish() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what the suites came to."""
        from qeval.pytest_plugin import unwritten

        if self._here.worker is None:
            with unwritten(self._here.config):
                from qeval.pytest_plugin.summing import summarize

            summarize(self._here.book, terminalreporter)


def _text(record: Record) -> str:
    """Return a record as JSON, which crosses every border between processes."""
    try:
        return to_json(record).decode()
    except UnicodeEncodeError:  # half a character, in an answer or in what a check says
        import msgspec

        from qeval.value import cleaned

        return clean(to_json(cleaned(msgspec.to_builtins(record))).decode())
