"""One pytest item a group: `setup` obtains the answers, `runtest` judges them.

So a group without answers is pytest's *error*, and one that falls short its *failure*.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qeval.errors import UsageError
from qeval.plan import PlannedGroup
from qeval.record import Group
from qeval.session import Options, Session


class SuiteFile(pytest.File):
    """A suite file; collects its groups in plan order."""

    def collect(self) -> Iterator[GroupItem]:
        """Load and plan the suite; a mistake in it is a collection error with its lines."""
        try:
            session = Session(self.path, Options(mode="replay"))
        except UsageError as error:
            raise self.CollectError(str(error)) from None
        tags = {tag for group in session.plan.groups for tag in group.case.tags}
        for tag in sorted(tags):
            self.config.addinivalue_line("markers", f"{tag}: cases with this tag")
        for group in session.plan.groups:
            name = f"{group.case.id}[{group.scenario.name}-{group.target_id}]"
            # pytest 9.2 takes ids with brackets apart unless the id is given as text.
            item = GroupItem.from_parent(self, name=name, nodeid=f"{self.nodeid}::{name}")
            yield item.holding(session, group)


class GroupItem(pytest.Item):
    """All trials of a case under one scenario and target."""

    planned: PlannedGroup
    session_of_suite: Session
    answered: Group

    def holding(self, session: Session, group: PlannedGroup) -> GroupItem:
        """Take what to ask and through whom; tags become marks."""
        self.session_of_suite = session
        self.planned = group
        for tag in group.case.tags:
            self.add_marker(tag)
        return self

    def setup(self) -> None:
        """Obtain the answers."""
        if self.planned.case.skip is not None:
            pytest.skip(self.planned.case.skip)
        self.answered = self.session_of_suite.answer(self.planned)
        if self.answered.outcome == "errored":
            pytest.fail(self._told(), pytrace=False)

    def runtest(self) -> None:
        """Judge them."""
        if self.answered.outcome == "failed":
            pytest.fail(self._told(), pytrace=False)
        if self.answered.outcome == "refused":
            pytest.skip("refused by the service's moderation")

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Point at the line of the case in the suite."""
        line = self.planned.case.where.rpartition(":")[2]
        return self.path, int(line) - 1 if line.isdecimal() else None, self.name

    def _told(self) -> str:
        from qeval.report import text

        question = self.planned.request(0).user
        return f"{self.planned.case.where}: {text.group(self.answered, question)}"
