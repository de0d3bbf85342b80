"""Suites as users write them, planned."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.loading import read
from qeval.plan import Plan, Selection, plan
from qeval.value import Json

Planned = Callable[..., Plan]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the suites folder of a project of its own."""
    (tmp_path / "suites" / "data").mkdir(parents=True)
    return tmp_path / "suites"


@pytest.fixture
def planned(folder: Path) -> Planned:
    """Write a suite, and files named like `data__q_jsonl`, and plan it."""

    def plan_of(suite: Json, selection: Selection = Selection(), **files: str) -> Plan:  # noqa: B008  # immutable
        for name, text in files.items():
            (folder / name.replace("__", "/").replace("_", ".")).write_bytes(text.encode())
        (folder / "s.yaml").write_text(
            suite if isinstance(suite, str) else json.dumps(suite), encoding="utf-8"
        )
        return plan(read(folder / "s.yaml"), selection)

    return plan_of
