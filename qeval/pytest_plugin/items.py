"""One pytest item a group: `setup` obtains the answers, `runtest` judges them.

So a group without answers is pytest's *error*, and one that falls short its *failure*.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qeval.errors import QevalError
from qeval.plan import PlannedGroup
from qeval.pytest_plugin import QevalCheckWarning
from qeval.pytest_plugin.state import RECORD, WAITED, State, state
from qeval.session.asking import Key, Record
from qeval.session.running import Session

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr


class NotAnsweredError(Exception):
    """A group cannot be judged: trials of it errored."""


class ChecksFailedError(Exception):
    """A group was judged, and falls short."""


class SuiteFile(pytest.File):
    """A suite file; collects its groups in plan order."""

    def collect(self) -> Iterator[GroupItem]:
        """Load and plan the suite; a mistake in it is a collection error with its lines."""
        here = state(self.config)
        suite = str(self.path)
        try:
            session = here.open(self.path)
        except QevalError as error:
            raise self.CollectError(str(error)) from None
        self._declare({tag for group in session.plan.groups for tag in group.case.tags})
        for group in session.plan.groups:
            name = item_name(group)
            # pytest 9.2 takes ids with brackets apart unless the id is given as text.
            item = GroupItem.from_parent(self, name=name, nodeid=f"{self.nodeid}::{name}")
            yield item.holding(here, suite, group)

    def _declare(self, tags: set[str]) -> None:
        """Let `--strict-markers` know the tags."""
        for tag in sorted(tags):
            self.config.addinivalue_line("markers", f"{tag}: cases with this tag")


def item_name(group: PlannedGroup) -> str:
    """Return the name of a group's item, such as `capital[factual_qa-qwen-plus]`."""
    return f"{group.case.id}[{group.scenario.name}-{group.target_id}]"


class GroupItem(pytest.Item):
    """All trials of a case under one scenario and target."""

    planned: PlannedGroup
    key: Key
    _state: State

    def holding(self, here: State, suite: str, group: PlannedGroup) -> GroupItem:
        """Take what to ask and through whom; tags become marks."""
        self._state = here
        self.planned = group
        self.key = (suite, group.case.id, group.target_id, group.scenario.name)
        for tag in group.case.tags:
            self.add_marker(_mark(tag))
        return self

    def setup(self) -> None:
        """Obtain the answers; those of a rerun are the same, where there were any."""
        if self.config.option.setuponly:
            return
        before = self.stash.get(RECORD, None)
        if before is not None and before.group.outcome != "errored":
            record = before
        else:
            here = self._state
            here.begin(self.session.items)
            came = time.perf_counter()
            record = here.answers.group(self.key, again=before is not None)
            self.stash[WAITED] = time.perf_counter() - came
            self.stash[RECORD] = record
        if record.group.outcome == "skipped":
            raise pytest.skip.Exception(self.planned.case.skip or "", _use_item_location=True)
        if record.group.outcome == "errored":
            raise NotAnsweredError(self.nodeid)

    def runtest(self) -> None:
        """Judge them."""
        record = self.stash[RECORD]
        self._warn(record)
        if record.group.outcome == "refused":
            why = "refused by the service's moderation"
            raise pytest.skip.Exception(why, _use_item_location=True)
        if record.group.outcome == "failed":
            raise ChecksFailedError(self.nodeid)

    @property
    def session_of_suite(self) -> Session:
        """The suite, loaded and planned."""
        return self._state.sessions[self.key[0]]

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Point at the line of the case in the suite."""
        file, _, line = self.planned.case.where.rpartition(":")
        path = self._state.path_of(self.session_of_suite.project.root, file)
        return path, max(0, int(line) - 1) if line.isdecimal() else 0, self.name

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """Tell what went wrong with the group; a fault of ours or of a plugin as pytest does."""
        ours = NotAnsweredError | ChecksFailedError | QevalError | QevalCheckWarning
        if isinstance(excinfo.value, ours):
            from qeval.pytest_plugin.telling import Subject, told

            path, line, _ = self.reportinfo()
            subject = Subject(
                nodeid=self.nodeid,
                path=path,
                line=(line or 0) + 1,
                planned=self.planned,
                session=self.session_of_suite,
                config=self.config,
            )
            told_of = isinstance(excinfo.value, NotAnsweredError | ChecksFailedError)
            error = None if told_of else str(excinfo.value)
            return told(subject, self.stash.get(RECORD, None), error)
        return super().repr_failure(excinfo, style)

    def _warn(self, record: Record) -> None:
        """Warn of soft checks that did not pass, once each."""
        seen: dict[str, str] = {}
        for trial in record.group.trials:
            for score in trial.scores:
                if score.severity == "warn" and not score.passed:
                    seen.setdefault(score.check, score.reason)
        if seen:
            from qeval.report.marks import line

            path, number, _ = self.reportinfo()
            for check, reason in seen.items():
                said = QevalCheckWarning(f"{self.name}: {line(f'{check}: {reason}', 200)}")
                warnings.warn_explicit(said, None, str(path), (number or 0) + 1)


def _mark(tag: str) -> pytest.MarkDecorator:
    """Return a tag as a mark, whatever its letters."""
    return pytest.MarkDecorator(pytest.Mark(tag, (), {}, _ispytest=True), _ispytest=True)
