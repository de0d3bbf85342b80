from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from qeval.errors import UsageError
from qeval.registry import Registry


def test_a_module_is_imported_when_its_name_is_first_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    late = "from filing import THINGS\nTHINGS.register('late')(7)\n"
    (tmp_path / "filed_late.py").write_text(late, encoding="utf-8")
    filing = "from qeval.registry import Registry\nTHINGS = Registry('thing', 'qeval.none')\n"
    (tmp_path / "filing.py").write_text(filing, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    things: Registry[int] = import_module("filing").THINGS
    things.later("late", "filed_late")

    assert things.names() == ["late"]
    assert "filed_late" not in sys.modules
    assert (things.get("late"), things.find("late")) == (7, 7)
    assert "filed_late" in sys.modules


def test_an_unknown_name_is_answered_with_the_nearest_of_those_not_imported_yet() -> None:
    things: Registry[int] = Registry("thing", "qeval.none")
    things.later("dashscope-text", "no.such.module")

    with pytest.raises(UsageError) as caught:
        things.get("dashscope_text")

    assert str(caught.value) == (
        "unknown thing 'dashscope_text'\n\nhint: did you mean 'dashscope-text'?"
    )
