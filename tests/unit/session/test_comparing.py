"""Which runs, which parts of them, and how to judge: all that comes before the statistics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qeval.errors import StoreError, UsageError
from qeval.loading.project import Project
from qeval.record import Asked, Group, Header, Outcome, Setup, Trial
from qeval.session.comparing import Choice, compare, judged, opened, settings
from qeval.session.parts import chosen, on_common_ground
from qeval.store import RunWriter, StoredRun, baseline_path, write_baseline

PLACES = [
    ("story", "plus", "cold"),
    ("story", "plus", "warm:temperature=1"),
    ("story", "max", "cold"),
    ("sum", "plus", "facts"),
]


class Held:
    """A run in memory: one trial a place."""

    def __init__(
        self,
        places: list[tuple[str, str, str]] | None = None,
        outcome: Outcome = "passed",
        **header: Any,
    ) -> None:
        places = PLACES if places is None else places
        fields: dict[str, Any] = {
            "qeval": "0",
            "id": "r1",
            "suite": "s",
            "mode": "live",
            "suite_digest": "0",
            "targets": tuple(Setup(name=n) for n in dict.fromkeys(t for _, t, _ in places)),
            "scenarios": tuple(Setup(name=n) for n in dict.fromkeys(s for _, _, s in places)),
            "planned": len(places),
        }
        self.header = Header(**fields | header)
        self.asked: dict[tuple[str, str | None], Asked] = {
            (case, None): Asked(case=case, digest="d") for case, _, _ in places
        }
        self._places = places
        self._outcome = outcome

    def groups(self) -> Iterator[Group]:
        for case, target, scenario in self._places:
            trial = Trial(case=case, target=target, scenario=scenario, outcome=self._outcome)
            yield Group(
                case=case,
                target=target,
                scenario=scenario,
                outcome=self._outcome,
                passes="all",
                trials=(trial,),
            )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(
        root=tmp_path,
        suites=tmp_path / "suites",
        cassettes=tmp_path / "cassettes",
        reports=tmp_path / "reports",
    )


def places(source: Any) -> list[tuple[str, str, str]]:
    return [(group.case, group.target, group.scenario) for group in source.groups()]


def keep(project: Project, name: str, suite: str = "s", **header: Any) -> StoredRun:
    run = Held(id=name, suite=suite, **header)
    writer = RunWriter(project.reports / suite, run.header)
    for number, group in enumerate(run.groups()):
        writer.asked(number, run.asked[group.case, None])
        writer.trial(number, group.trials[0])
    return writer.close(run.header)


# Parts


@pytest.mark.parametrize(
    ("targets", "scenarios", "kept"),
    [
        ([], [], PLACES),
        (["max"], [], [PLACES[2]]),
        (["p*"], ["cold"], [PLACES[0]]),
        ([], ["warm"], [PLACES[1]]),  # its name stands for all that it expands to
        ([], ["warm:*", "facts"], [PLACES[1], PLACES[3]]),
    ],
)
def test_a_part_is_what_the_names_and_patterns_fit(
    targets: list[str], scenarios: list[str], kept: list[tuple[str, str, str]]
) -> None:
    part = chosen(Held(), targets, scenarios)

    assert places(part) == places(part) == kept
    names = {setup.name for setup in part.header.scenarios}
    assert {scenario for _, _, scenario in kept} <= names


def test_a_pattern_that_fits_nothing_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        chosen(Held(), ["plsu"], [])

    assert str(raised.value) == "no target of run 'r1' fits 'plsu'\n\nhint: did you mean 'plus'?"


def test_what_a_part_leaves_aside_was_not_planned_for_it() -> None:
    run = Held(complete=False, planned=7)

    assert chosen(run, ["plus"], []).header.planned == 6
    assert chosen(Held(planned=7), ["plus"], []).header.planned == 7


def test_scenarios_of_other_work_are_left_out_by_name() -> None:
    (part,), left = on_common_ground([Held()], "scenario")

    assert places(part) == PLACES[:3]
    assert [setup.name for setup in part.header.scenarios] == ["cold", "warm:temperature=1"]
    assert left == ("left out, with no case in common with cold: facts",)


def test_where_nothing_is_shared_nothing_is_left_out() -> None:
    run = Held([("a", "plus", "x"), ("b", "plus", "y")])

    assert on_common_ground([run], "scenario") == ([run], ())


def test_where_all_is_shared_nothing_is_said() -> None:
    run = Held(PLACES[:2])

    assert on_common_ground([run], "scenario") == ([run], ())


# References


def test_baseline_and_latest_are_of_the_suite_of_the_others(project: Project) -> None:
    for suite in ("s", "t"):
        write_baseline(Held(suite=suite), baseline_path(project.reports, suite))
    named = keep(project, "one")
    keep(project, "other", "t")

    sources = opened(project, ["baseline", "latest", str(named.path.parent)])

    assert [(s.header.id, s.header.suite) for s in sources] == [
        ("baseline", "s"),
        ("one", "s"),
        ("one", "s"),
    ]


def test_baseline_against_latest_is_that_of_the_latest_run(project: Project) -> None:
    write_baseline(Held(suite="t"), baseline_path(project.reports, "t"))
    write_baseline(Held(suite="s"), baseline_path(project.reports, "s"))
    keep(project, "one")

    assert [s.header.suite for s in opened(project, ["baseline", "latest"])] == ["s", "s"]


def test_open_sources_are_taken_as_they_are(project: Project) -> None:
    run = Held()

    assert opened(project, [run, run]) == [run, run]


def test_a_run_that_is_not_there_is_told_with_those_that_are(project: Project) -> None:
    keep(project, "one")

    with pytest.raises(StoreError) as raised:
        opened(project, ["baseline", "tow"])

    assert str(raised.value) == ("there is no run 'tow' below reports/\n\nhint: runs there: one")


# Settings


def test_arguments_come_before_the_projects_tolerances(project: Project) -> None:
    project = msgspec.structs.replace(project, tolerances={"latency": 0.3, "cost": 1})

    found = settings(Choice(margin=0.02, tolerances={"latency": 0.5}), project)

    assert found.margin == 0.02
    assert found.alpha == 0.05
    assert found.tolerances == {"latency": 0.5, "cost": 1.0}


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"margin": 5}, "margin 5 is out of range: ≥ 0 and ≤ 1"),
        ({"margin": -0.1}, "margin -0.1 is out of range: ≥ 0 and ≤ 1"),
        ({"margin": float("nan")}, "margin nan is out of range"),
        ({"alpha": 0}, "alpha 0 is out of range: > 0 and ≤ 0.5"),
        ({"max_errors": 1.5}, "max_errors 1.5 is out of range: ≥ 0 and ≤ 1"),
        ({"tolerances": {"laetncy": 0.1}}, "[tool.qeval.tolerances] has no measure 'laetncy'"),
        ({"tolerances": {"cost": -1}}, "cost -1 is not a relative change ≥ 0 and < 10"),
        ({"tolerances": {"cost": "10 %"}}, "cost '10 %' is not a relative change"),
        ({"tolerances": {"cost": True}}, "cost True is not a relative change"),
    ],
)
def test_a_number_out_of_range_is_told_beside_its_limits(
    choice: dict[str, Any], told: str, project: Project
) -> None:
    with pytest.raises(UsageError) as raised:
        settings(Choice(**choice), project)

    assert told in str(raised.value)
    assert raised.value.hint


# Judging


def test_runs_of_two_suites_are_not_compared(project: Project) -> None:
    with pytest.raises(UsageError) as raised:
        judged([Held(), Held(suite="t", id="r2")], Choice(), project)

    assert str(raised.value) == (
        "these are runs of different suites: 'r1' of 's', 'r2' of 't'\n\n"
        "hint: name runs of one suite; list them with `ls reports/SUITE`"
    )


def test_runs_of_other_targets_say_what_each_asked(project: Project) -> None:
    with pytest.raises(UsageError) as raised:
        judged([Held(PLACES[:1]), Held(PLACES[2:3])], Choice(), project)

    assert str(raised.value) == (
        "these have no case in common that was asked of the same: "
        "A asked plus under cold; B asked max under cold\n\n"
        "hint: compare other sides, with `--by target` or `--by scenario`"
    )


def test_runs_of_other_cases_say_which(project: Project) -> None:
    with pytest.raises(UsageError) as raised:
        judged([Held(PLACES), Held([("tale", "plus", "cold")])], Choice(targets=("plus",)), project)
    told = str(raised.value)

    with pytest.raises(UsageError) as raised:
        judged(
            [Held([("sum", "plus", "cold")]), Held([("tale", "plus", "cold")])], Choice(), project
        )

    assert str(raised.value) == (
        "these have no case in common that was asked of the same: A asked sum; B asked tale\n\n"
        "hint: compare runs of the same cases; a renamed case is a new one"
    )
    assert told.endswith("or `--by scenario`")


def test_a_run_that_skipped_all_asked_nothing(project: Project) -> None:
    with pytest.raises(UsageError, match=r"A asked story, sum; B asked nothing\n"):
        judged([Held(), Held(outcome="skipped")], Choice(), project)


def test_targets_of_one_run_are_compared_with_one_source(project: Project) -> None:
    found = judged([Held(PLACES[:3])], Choice(by="target"), project)

    assert [side.label for side in found.comparison.sides] == ["plus", "max"]


def test_python_users_compare_open_runs(project: Project) -> None:
    found = compare(Held(), Held(outcome="failed", id="r2"), margin=0.1)

    assert found.against[0].headline.word in {"worse", "undecided"}
    assert found.settings.margin == 0.1
    assert [side.run for side in found.sides] == ["r1", "r2"]
