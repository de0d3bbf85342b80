"""Suites as users write them, planned; and what is said of their mistakes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.errors import SuiteError
from qeval.loading import read
from qeval.plan import Plan, Selection, plan

Planned = Callable[..., Plan]
Told = Callable[..., tuple[str, ...]]


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Writes a suite, and perhaps the project's settings, and plans it."""

    def make(
        text: str, selection: Selection | None = None, *, project: str = "", name: str = "s"
    ) -> Plan:
        folder = tmp_path / "suites"
        folder.mkdir(exist_ok=True)
        (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return plan(read(folder / f"{name}.yaml"), selection or Selection())

    return make


@pytest.fixture
def told(planned: Planned) -> Callable[..., tuple[str, ...]]:
    """Plans a suite that has mistakes, and returns them."""

    def make(text: str, *, project: str = "") -> tuple[str, ...]:
        with pytest.raises(SuiteError) as caught:
            planned(text, project=project)
        return caught.value.mistakes

    return make
