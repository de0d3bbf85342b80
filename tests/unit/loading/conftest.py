from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.errors import SuiteError
from qeval.loading import read

HEAD = "targets: [qwen-plus]\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file below a project's root; returns its path."""

    def writer(text: str, name: str = "suites/s.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return writer


@pytest.fixture
def told(write: Callable[..., Path]) -> Callable[..., str]:
    """Read a suite that has mistakes; returns the whole text that a user sees."""

    def reader(text: str, name: str = "suites/s.yaml") -> str:
        with pytest.raises(SuiteError) as caught:
            read(write(text, name))
        return str(caught.value)

    return reader
