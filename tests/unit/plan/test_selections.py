"""What a selection leaves of a plan, and the digest, which it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qeval.errors import UsageError
from qeval.plan import Selection
from qeval.plan.choosing import keyword

if TYPE_CHECKING:
    from tests.unit.plan.conftest import Planned

SUITE = (
    "targets: [qwen-plus, qwen3-max]\n"
    "scenarios: {s: {sweep: {temperature: [0.5]}}, plain: {top_k: 1}}\n"
    "cases:\n"
    "  - {id: paris, user: a, checks: [is_json], tags: [facts]}\n"
    "  - {id: sum, grid: {a: [1, 2]}, user: '{{ a }}', checks: [is_json], tags: [numbers]}\n"
)


@pytest.mark.parametrize(
    ("selection", "groups", "trials"),
    [
        (Selection(), 18, 18),
        (Selection(keyword="paris"), 6, 6),
        (Selection(keyword="sum and not (sum-2 or max)"), 3, 3),
        (Selection(keyword="TEMPERATURE"), 6, 6),
        (Selection(tags=("numbers", "nosuch")), 12, 12),
        (Selection(cases=("sum*",), targets=("qwen3-max",)), 6, 6),
        (Selection(scenarios=("s",)), 12, 12),
        (Selection(scenarios=("s:*",)), 6, 6),
        (Selection(limit=2), 12, 12),
        (Selection(limit=1, keyword="sum", trials=4), 6, 24),
        (Selection(keys=frozenset({("paris", "qwen-plus", "s")})), 1, 1),
        (Selection(cases=("nosuch",)), 0, 0),
    ],
)
def test_selections_narrow(
    planned: Planned, selection: Selection, groups: int, trials: int
) -> None:
    plan = planned(SUITE, selection)

    assert (len(plan.groups), plan.trials_total) == (groups, trials)
    assert plan.digest == planned(SUITE).digest


def test_names_that_choose_nothing_are_warned_of(planned: Planned) -> None:
    plan = planned(SUITE, Selection(targets=("qwen-plus", "qwen3-min"), tags=("fact",)))

    assert plan.warnings == (
        "no target is called 'qwen3-min'; did you mean 'qwen3-max'?",
        "no tag is called 'fact'; did you mean 'facts'?",
    )


@pytest.mark.parametrize("expression", ["a and", "(a", "a b", "not", "or a", ")"])
def test_expressions_that_are_none_are_refused(expression: str) -> None:
    with pytest.raises(UsageError, match="-k"):
        keyword(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a or b and c", True),
        ("(a or b) and c", False),
        ("not b and a", True),
        ("not (a or b)", False),
        ("not not A", True),
    ],
)
def test_expressions_bind_as_in_pytest(expression: str, *, expected: bool) -> None:
    assert keyword(expression)("xax") is expected


# Digests


@pytest.mark.parametrize(
    "other",
    [
        SUITE.replace("qwen3-max", "qwen-max"),
        SUITE.replace("0.5", "0.6"),
        SUITE.replace("user: a", "user: b"),
        SUITE.replace("[1, 2]", "[2, 1]"),
        "trials: 2\n" + SUITE,
        SUITE.replace("is_json]", "{is_json: , severity: warn}]"),
    ],
)
def test_the_digest_tells_suites_apart(planned: Planned, other: str) -> None:
    assert planned(SUITE).digest != planned(other).digest


def test_the_digest_leaves_out_descriptions_and_comments(planned: Planned) -> None:
    assert planned(SUITE).digest == planned("# for people\ndescription: d\n" + SUITE).digest


def test_the_digest_is_the_same_in_every_folder_time_zone_and_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from qeval.loading import read\n"
        "from qeval.plan import plan; print(plan(read(Path(sys.argv[1]))).digest)"
    )
    suite = SUITE.replace("checks: [is_json]", "checks: [json_schema: x.json]", 1)
    digests = set()
    for folder, zone, seed in (("a", "UTC", "1"), ("b/c", "Asia/Tokyo", "2")):
        suites = tmp_path / folder / "suites"
        suites.mkdir(parents=True)
        (suites / "s.yaml").write_text(suite, encoding="utf-8")
        (suites / "x.json").write_text("{}", encoding="utf-8")
        env = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "DASHSCOPE_REGION": zone}
        run = subprocess.run(
            [sys.executable, "-c", code, str(suites / "s.yaml")],
            env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        digests.add(run.stdout)

    assert len(digests) == 1
