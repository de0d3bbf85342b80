"""`qeval baseline set | show | list`: what later runs of a suite are judged against."""

from __future__ import annotations

import argparse

from qeval.cli.terminal import give, say
from qeval.errors import typed

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from qeval.loading.project import Project
    from qeval.record import Header


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = (
        "Keep a run as its suite's baseline in reports/baselines/, to be committed, or show them."
    )
    actions = command.add_subparsers(dest="action", metavar="ACTION", required=True)
    to_set = actions.add_parser("set", help="make a run the baseline of its suite")
    to_set.add_argument("run", help="a run's id, folder or run.jsonl, or 'latest'")
    to_set.add_argument(
        "--with-answers",
        action="store_true",
        help="keep what was answered too: larger, but it can be shown and judged anew",
    )
    show = actions.add_parser("show", help="print the table of a baseline")
    show.add_argument("suite", nargs="?", help="the suite's id; none: the only baseline there is")
    each = actions.add_parser("list", help="list the baselines")
    for action in (show, each):
        action.add_argument(
            "--format", choices=("table", "markdown", "json"), default="table", help="what to print"
        )
        action.add_argument("--json", dest="format", action="store_const", const="json")


def execute(arguments: argparse.Namespace) -> int:
    """Do what the action says."""
    from pathlib import Path

    from qeval.loading.project import find_project

    project = find_project(Path.cwd() / "suites" / "any")
    action = {"set": _set, "show": _show, "list": _list}[arguments.action]
    return action(arguments, project)


def _set(arguments: argparse.Namespace, project: Project) -> int:
    from qeval.store import baseline_path, find_run, write_baseline

    run = find_run(project.reports, arguments.run)
    path = baseline_path(project.reports, run.header.suite)
    write_baseline(run, path, answers=arguments.with_answers)
    give(typed(path))
    errored = sum(trial.outcome == "errored" for trial in run.trials())
    for warning in _warnings(run.header, errored):
        say(f"warning: {warning}")
    say(
        f"\nRun {run.header.id} is the baseline of {run.header.suite}. Commit the file; "
        f"`qeval run suites/{run.header.suite}.yaml --baseline` judges against it.",
    )
    return 0


def _warnings(header: Header, errored: int) -> list[str]:
    found = []
    if header.options:
        found.append("this run asked only a part of the suite; what it left out will be new")
    if errored:
        trials = "trial" if errored == 1 else "trials"
        found.append(f"{errored} {trials} of this run errored, and will be judged as missing")
    return found


def _show(arguments: argparse.Namespace, project: Project) -> int:
    from qeval.report import text
    from qeval.store import find_source

    source = find_source(project.reports, "baseline", arguments.suite)
    give(text.render(source, arguments.format))
    return 0


def _list(arguments: argparse.Namespace, project: Project) -> int:
    from qeval import units
    from qeval.report import text
    from qeval.report.summary import summarize
    from qeval.store import Baseline, baselines

    rows = []
    for path in baselines(project.reports):
        held = Baseline(path)
        total = summarize(held).total
        rows.append(
            {
                "suite": held.header.suite,
                "run": held.run,
                "recorded": (held.header.recorded_to or "").partition("T")[0],
                "groups": f"{units.count(total.groups_passed)}/{units.count(total.groups)}",
                "trials": f"{units.count(total.passed)}/{units.count(total.judged)}",
                "answers": "kept" if held.answers else "digests",
                "size": units.size(path.stat().st_size),
            }
        )
    if rows or arguments.format == "json":
        give(text.rows(rows, arguments.format))
    else:
        say("no baseline yet")
        say("\nhint: keep a run as one: `qeval baseline set latest`")
    return 0
