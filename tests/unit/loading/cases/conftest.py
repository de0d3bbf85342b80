from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.errors import SuiteError
from qeval.loading import read
from qeval.plan import Plan, plan

Planned = Callable[..., Plan]
Told = Callable[..., tuple[str, ...]]


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Writes a suite and other files, and plans it."""

    def make(cases: str, *, head: str = "", files: dict[str, str] | None = None) -> Plan:
        folder = tmp_path / "suites"
        for name, text in (files or {}).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        folder.mkdir(exist_ok=True)
        suite = folder / "s.yaml"
        targets = "" if "targets:" in head else "targets: [qwen-plus]\n"
        suite.write_text(f"{targets}{head}cases:\n{cases}", encoding="utf-8")
        return plan(read(suite))

    return make


@pytest.fixture
def told(planned: Planned) -> Told:
    """Plans a suite that has mistakes, and returns them."""

    def make(cases: str, *, head: str = "", files: dict[str, str] | None = None) -> tuple[str, ...]:
        with pytest.raises(SuiteError) as caught:
            planned(cases, head=head, files=files)
        return caught.value.mistakes

    return make
