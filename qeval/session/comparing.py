"""Runs against each other: find them, choose columns, judge, write the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qeval.compare.columns import Column, columns
from qeval.compare.values import TOLERANCES, Against, By, Comparison, Reading, Settings
from qeval.errors import UsageError, suggestion
from qeval.loading.project import Project, find_project
from qeval.record import Source
from qeval.report.formats import Failure
from qeval.report.summary import because
from qeval.session.parts import Part, chosen, on_common_ground
from qeval.store import StoredRun, find_source
from qeval.value import Value

_BASELINE = "baseline"

if TYPE_CHECKING:
    from qeval.report.html import PageOptions


class Choice(Value):
    """What to compare, and how to judge it; what is None is the project's or the default."""

    by: By = "run"
    targets: tuple[str, ...] = ()
    """Only these: names or patterns."""
    scenarios: tuple[str, ...] = ()
    """Only these; a scenario's name stands for all that it expands to."""
    alpha: float | None = None
    margin: float | None = None
    reading: Reading | None = None
    cluster: str | None = None
    max_errors: float | None = None
    tolerances: dict[str, float] = {}
    """Over the project's."""
    rescore: bool = False
    """Judge the kept answers of the first run by today's checks, where they answer today's
    question."""


class Judged(Value):
    """A comparison with the columns it was made of, which a page needs."""

    columns: tuple[Column, ...]
    comparison: Comparison
    notes: tuple[str, ...] = ()

    def write(self, path: Path, options: PageOptions | None = None) -> None:
        """Write the page of the comparison, whole or not at all.

        Raises:
            StoreError: The file cannot be written.
        """
        from qeval.report import html

        html.write(self.columns, path, self.comparison, options or html.PageOptions())


def compare(*runs: str | Path | Source, **choice: Any) -> Comparison:
    """Judge runs against the first of them.

    Args:
        *runs: Ids, folders or files of runs, `latest`, `baseline`, or sources that are open
            already. One is enough with `by="target"` or `by="scenario"`.
        **choice: Fields of `Choice`; `margin=0.02`, say.

    Raises:
        UsageError: A run is not there, they have nothing in common, or a setting is wrong.
    """
    project = find_project(Path.cwd() / "suites" / "any")
    return judged(opened(project, runs), Choice(**choice), project).comparison


def opened(
    project: Project, runs: Sequence[str | Path | Source], suite: str | None = None
) -> list[Source]:
    """Open runs by their references.

    Args:
        project: Where they lie.
        runs: References, as `find_source` takes them, or open sources.
        suite: Whose `baseline` and `latest` are meant; None: that of the other runs.

    Raises:
        StoreError: One is not there.
    """
    found: dict[int, Source] = {}
    # What names its suite comes first, then `latest`, then `baseline`.
    rank = {_BASELINE: 2, "latest": 1}
    order = sorted(range(len(runs)), key=lambda n: rank.get(str(runs[n]), 0))
    for number in order:
        given = runs[number]
        if isinstance(given, str | Path):
            given = find_source(project.reports, str(given), suite)
        found[number] = given
        suite = suite or given.header.suite
    return [found[number] for number in sorted(found)]


def judged(sources: Sequence[Source], choice: Choice, project: Project) -> Judged:
    """Judge open runs.

    Raises:
        UsageError: They are of several suites, have nothing in common, or a setting is wrong.
    """
    from qeval.compare import compare as judge

    _of_one_suite(sources)
    held = list(sources)
    notes: tuple[str, ...] = ()
    if choice.rescore:
        from qeval.session.rescoring import rescored

        held[0], notes = rescored(held[0], project)
    parts = [chosen(source, choice.targets, choice.scenarios) for source in held]
    if choice.by != "run":
        parts, left = on_common_ground(parts, choice.by)
        notes += left
    found = columns(parts, choice.by)
    comparison = judge(found, settings(choice, project))
    _have_something_in_common(comparison, found)
    return Judged(columns=tuple(found), comparison=comparison, notes=notes)


def settings(choice: Choice, project: Project) -> Settings:
    """Return how to judge: the choice over the project's tolerances over the defaults.

    Raises:
        UsageError: A number is out of range, or a tolerance is of no known measure.
    """
    _within("alpha", choice.alpha, 0, 0.5)
    _within("margin", choice.margin, 0, 1)
    _within("max_errors", choice.max_errors, 0, 1)
    said = {
        name: getattr(choice, name)
        for name in ("alpha", "margin", "reading", "cluster", "max_errors")
        if getattr(choice, name) is not None
    }
    return Settings(**said, tolerances=_tolerances(dict(project.tolerances) | choice.tolerances))


def _within(name: str, value: float | None, least: float, most: float) -> None:
    if value is None:
        return
    open_below = name == "alpha"
    if math.isfinite(value) and least <= value <= most and not (open_below and value == least):
        return
    sign = ">" if open_below else "≥"
    raise UsageError(
        f"{name} {value:g} is out of range: {sign} {least:g} and ≤ {most:g}",
        hint="write shares as fractions: 0.05 is five points",
    )


def _tolerances(said: dict[str, Any]) -> dict[str, float]:
    for name, value in said.items():
        if name not in TOLERANCES:
            raise UsageError(
                f"[tool.qeval.tolerances] has no measure {name!r}",
                hint=suggestion("measure", name, TOLERANCES),
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10:
            raise UsageError(
                f"[tool.qeval.tolerances] {name} {value!r} is not a relative change ≥ 0 and < 10",
                hint=f"write a fraction, ten percent as `{name} = 0.1`",
            )
    return {name: float(value) for name, value in said.items()}


def _of_one_suite(sources: Sequence[Source]) -> None:
    suites = dict.fromkeys(source.header.suite for source in sources)
    if len(suites) > 1:
        told = ", ".join(f"{source.header.id!r} of {source.header.suite!r}" for source in sources)
        raise UsageError(
            f"these are runs of different suites: {told}",
            hint="name runs of one suite; list them with `ls reports/SUITE`",
        )


def _have_something_in_common(comparison: Comparison, found: Sequence[Column]) -> None:
    for against in comparison.against:
        if not against.changes or any(c.state not in {"new", "gone"} for c in against.changes):
            return
    asked = [_setups(column) for column in found]
    hint = "compare other sides, with `--by target` or `--by scenario`"
    if len(set(asked)) == 1:  # then the cases differ
        asked = [_cases(column) for column in found]
        hint = "compare runs of the same cases; a renamed case is a new one"
    told = "; ".join(
        f"{side.letter} asked {what}" for side, what in zip(comparison.sides, asked, strict=True)
    )
    raise UsageError(f"these have no case in common that was asked of the same: {told}", hint=hint)


def _setups(column: Column) -> str:
    header = column.header
    targets = [setup.name for setup in header.targets if column.by != "target"]
    scenarios = [setup.name for setup in header.scenarios if column.by != "scenario"]
    named = [f"{', '.join(names[:4])}" for names in (targets, scenarios) if names]
    return " under ".join(named) or "nothing"


def _cases(column: Column) -> str:
    cases = dict.fromkeys(group.case for group in column.groups() if group.outcome != "skipped")
    return ", ".join(list(cases)[:4]) or "nothing"


def against(project: Project, base: Source, run: StoredRun, choice: Choice) -> Judged:
    """Judge a run that has just ended against a baseline, or another run of its suite.

    Where the command line chose only some of the suite, the rest of the baseline is left aside:
    it is not gone, it was not asked for.

    Raises:
        UsageError: They have nothing in common, or a setting is wrong.
    """
    if run.header.options:
        keys = {(group.case, group.target, group.scenario) for group in run.groups()}
        base = Part(base, base.header, lambda g: (g.case, g.target, g.scenario) in keys)
    return judged([base, run], choice, project)


def errored(comparison: Comparison) -> tuple[Failure, ...]:
    """Return the columns of which too many trials errored: a dead endpoint is no success."""
    return tuple(
        Failure(
            condition="errors",
            name="overall",
            why=against.headline.sentence,
            column=against.column,
        )
        for against in comparison.against
        if against.errors[1] > comparison.settings.max_errors
    )


def _too_few(against: Against, least: int) -> bool:
    """Whether so few cases, of one trial each, are compared that nothing of them can be decided."""
    paired = {change.case for change in against.changes if change.state == "paired"}
    headline = against.headline
    return headline.word == "undecided" and headline.reading == "cases" and len(paired) < least


def unexcused(comparison: Comparison, run: Source, fail_on: Sequence[str]) -> tuple[Failure, ...]:
    """Return what no baseline excuses in a run.

    Errors above the limit, and cases that failed and that the baseline does not know, or knows
    only with other checks. Where what is worse is red, and there are too few cases for any verdict,
    so is each answer that passed before and now fails.
    """
    (judged_against,) = comparison.against
    found = list(errored(comparison))
    if "worse:overall" in fail_on and _too_few(judged_against, comparison.settings.min_cases):
        found += [
            Failure(condition="flip", name=change.name, why=change.why, column=1)
            for change in judged_against.changes
            if change.flip and (change.difference or 0) < 0
        ]
    unknown = {
        (change.case, change.target, change.scenario): change
        for change in judged_against.changes
        if change.state in {"new", "not_comparable"}
    }
    for group in run.groups() if unknown else ():
        change = unknown.get((group.case, group.target, group.scenario))
        if change is not None and group.outcome == "failed":
            why = f"{change.state.replace('_', ' ')}, and failed: {because(group)}"
            found.append(Failure(condition="new failure", name=change.name, why=why, column=1))
    return tuple(found)
