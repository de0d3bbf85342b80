"""What stands around an item of ours: no network in replay, and its cassette where it has one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import pytest

from qeval.pytest_plugin.settings import Settings
from qeval.transport.guard import Guard, installed

MARK = "qeval_cassette"


class Watch:
    """Hooks around the items that are ours; those of the user are left alone."""

    def __init__(self, said: Settings) -> None:
        self._mode = said.mode
        blocks = said.block_network and said.mode == "replay"
        self._guard: Guard | None = installed() if blocks else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Guard the checks of a suite, which judge while its answers are obtained."""
        if self._guard is None or not hasattr(item, "planned"):
            return (yield)
        with self._guard.watching(item.nodeid):
            yield
        self._told()
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Guard the test, and open its cassette."""
        if hasattr(item, "planned"):  # judged while it was set up
            return (yield)
        marked = item.get_closest_marker(MARK) is not None
        if not marked and "qeval" not in getattr(item, "fixturenames", ()):
            return (yield)
        with ExitStack() as around:
            if self._guard is not None:
                around.enter_context(self._guard.watching(item.nodeid))
            if marked:
                around.enter_context(self._cassette(item))
            result = yield
        self._told()
        return result

    def _cassette(self, item: pytest.Item) -> Any:
        from qeval.loading.project import find_project
        from qeval.pytest_plugin.names import home_of
        from qeval.pytest_plugin.recorded import opened

        project = find_project(item.config.rootpath / "suites")
        home = home_of(item, project.root)
        if "qeval" in getattr(item, "fixturenames", ()):
            home = home._replace(case=f"{home.case}--http")  # the fixture's own has the name
        return opened(home, project.cassettes, self._mode)

    def _told(self) -> None:
        """Fail the item where the network was refused, even if its code made light of that."""
        if self._guard is not None and self._guard.refused:
            hosts = ", ".join(repr(host) for host in dict.fromkeys(self._guard.refused))
            pytest.fail(
                f"asked for {hosts}, and recordings are replayed without a network\n\n"
                "hint: record what the test asks with `pytest --qeval-mode record`, "
                "or type `pytest --qeval-block-network off`",
                pytrace=False,
            )
