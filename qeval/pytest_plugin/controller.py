"""The process that hands items to pytest-xdist's workers: it asks for all, and reports for all.

Imported wherever pytest-xdist runs workers, so it imports nothing but pytest until a suite is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from qeval.pytest_plugin.state import State
    from qeval.session.broker import Broker

    Key = tuple[str, str, str, str]


class Controller:
    """Hooks of the controlling process.

    In replay the workers answer for themselves; in the other modes this process asks for all of
    them, so that nothing is asked twice and one limit holds.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._asks = (
            config.getoption("qeval_mode") or config.getini("qeval_mode") or "replay"
        ) != "replay"
        self._ids: Sequence[str] | None = None
        """What was chosen, in order."""
        self._broker: Broker | None = None
        self._state: State | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Refuse workers that cannot ask through this process, before one is started."""
        if not self._asks:
            return
        if self._config.getoption("dist") == "each":
            raise pytest.UsageError(
                "with --dist each every worker would ask, and record, the same\n\n"
                "hint: choose --dist load, or replay"
            )
        for spec in self._config.getoption("tx"):
            if not spec.partition("*")[2].startswith("popen") and not spec.startswith("popen"):
                raise pytest.UsageError(
                    f"worker {spec!r} is not on this machine, and cannot reach who asks\n\n"
                    "hint: record with local workers, such as `-n 4`, and replay anywhere"
                )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where to ask."""
        if not self._asks:
            return
        if self._broker is None:
            from qeval.session.broker import Broker

            self._broker = Broker(self._here().make_asking())
        node.workerinput["qeval"] = {
            "address": self._broker.address,
            "secret": self._broker.secret.hex(),
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Begin to ask for what was chosen, before the first worker waits for it."""
        if self._ids is None:
            self._ids = ids
            if self._asks and (keys := self._keys(ids)):
                self._here().begin_keys(keys)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the record that a worker's report brings."""
        text = getattr(report, "qeval", None)
        if not isinstance(text, str):
            return
        here = self._here()
        if not here.book.parts:
            here.book.choose(self._keys(self._ids or [report.nodeid]))
        here.book.take(text)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Take no more workers."""
        if self._broker is not None:
            self._broker.close()

    def _here(self) -> State:
        """Return the state, whose hooks keep and report from now on."""
        if self._state is None:
            from qeval.pytest_plugin import unwritten

            with unwritten(self._config):
                from qeval.pytest_plugin.state import state

            self._state = state(self._config)
        return self._state

    def _keys(self, ids: Sequence[str]) -> list[Key]:
        """Return the groups that ids of items name; other items have none."""
        found = []
        for prefix in dict.fromkeys(text.partition("::")[0] for text in ids):
            found += self._of_file(prefix)
        names = dict(found)
        # With --dist loadgroup, pytest before 9.2 appends `@group` to an id.
        both = ((text, text.rpartition("@")[0]) for text in ids)
        keys = (names.get(text) or names.get(bare) for text, bare in both)
        return [key for key in keys if key is not None]

    def _of_file(self, prefix: str) -> list[tuple[str, Key]]:
        """Return id and key of every group of a suite; nothing of what is no suite."""
        from qeval.pytest_plugin import is_suite

        path = self._config.rootpath / prefix
        if not is_suite(path, self._config):
            return []
        from qeval.errors import QevalError
        from qeval.pytest_plugin.items import item_name

        try:
            groups = self._here().open(path).plan.groups
        except QevalError:  # the workers tell
            return []
        return [
            (
                f"{prefix}::{item_name(group)}",
                (str(path), group.case.id, group.target_id, group.scenario.name),
            )
            for group in groups
        ]
