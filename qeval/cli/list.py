"""`qeval list SUITE`: what would run."""

from __future__ import annotations

import argparse
import sys

from qeval.cli import choosing
from qeval.cli.choosing import several
from qeval.cli.terminal import give, say


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = "List the groups that a run would ask, in order; nothing is asked."
    command.add_argument("suite")
    choosing.add(command)
    command.add_argument("--last-failed", action="store_true", help="what did not pass last time")
    command.add_argument(
        "--format", choices=("table", "markdown", "json"), default="table", help="what to print"
    )
    command.add_argument("--json", dest="format", action="store_const", const="json")


def execute(arguments: argparse.Namespace) -> int:
    """Print one row a group."""
    from contextlib import redirect_stdout

    from qeval.report import text
    from qeval.session import Options, prepare

    options = Options(selection=choosing.selection(arguments), last_failed=arguments.last_failed)
    with redirect_stdout(sys.stderr):  # what a suite's own code prints is talk, not data
        _, plan = prepare(arguments.suite, options)
    for warning in plan.warnings:
        say(f"warning: {warning}")
    rows = [
        {
            "case": group.case.id,
            "target": group.target_id,
            "scenario": group.scenario.name,
            "trials": group.trials,
            "passes": group.passes,
            "tags": " ".join(group.case.tags),
            "where": group.case.where,
        }
        for group in plan.groups
    ]
    give(text.rows(rows, arguments.format))
    say(f"{several(len(rows), 'group')}, {several(plan.trials_total, 'trial')}")
    return 0 if rows else 5
