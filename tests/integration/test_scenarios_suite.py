"""The shipped suite of presets, replayed: the warmer the story, the more its answers differ."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

import qeval
from qeval.compare.values import Comparison
from qeval.presets import PRESETS
from qeval.session.comparing import compare

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suites").mkdir()
    shutil.copy(ROOT / "suites" / "scenarios.yaml", tmp_path / "suites")
    shutil.copytree(ROOT / "cassettes" / "scenarios", tmp_path / "cassettes" / "scenarios")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    return tmp_path


def means(found: Comparison, measure: str) -> list[float]:
    """Return a measure's mean in every column."""
    per_column = [
        next(each.mean for each in against.measures if each.name == measure)
        for against in found.against
    ]
    told = [per_column[0][0], *(new for _, new in per_column)]
    return [mean for mean in told if mean is not None]


def test_every_preset_is_replayed_with_its_parameters(project: Path) -> None:
    result = qeval.run("suites/scenarios.yaml")

    asked = {setup.name: setup.params for setup in result.run().header.scenarios}
    assert result.passed, result.table()
    for name, preset in PRESETS.items():
        assert (asked[name].temperature, asked[name].top_p) == (preset.temperature, preset.top_p)


def test_answers_differ_more_with_every_step_of_temperature(project: Path) -> None:
    assert qeval.run("suites/scenarios.yaml").passed

    found = compare("latest", by="scenario", scenarios=("story",))

    assert [side.label for side in found.sides] == [
        "story",
        "story:temperature=0.5",
        "story:temperature=1",
        "story:temperature=1.5",
    ]
    for measure, rises in (("distinct_answers", True), ("agreement", False), ("similarity", False)):
        steps = means(found, measure)
        assert len(steps) == 4
        assert all((a < b) is rises for a, b in pairwise(steps)), (measure, steps)
