"""`qeval validate SUITE…`: every mistake of every file at once."""

from __future__ import annotations

import argparse
import sys

from qeval.cli.choosing import several
from qeval.cli.terminal import give, say


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = "Read, check and plan suites; nothing is asked."
    command.add_argument("suites", nargs="+", metavar="SUITE")


def execute(arguments: argparse.Namespace) -> int:
    """Check each suite; exit 4 if any has a mistake."""
    from contextlib import redirect_stdout

    from qeval.errors import UsageError
    from qeval.session import Options, prepare

    code = 0
    for number, suite in enumerate(arguments.suites):
        try:
            with redirect_stdout(sys.stderr):  # what a suite's own code prints is talk, not data
                loaded, plan = prepare(suite, Options())
        except UsageError as error:
            say("\n" * bool(number and code) + str(error))
            code = 4
            continue
        for warning in plan.warnings:
            say(f"warning: {warning}")
        cases = len({group.case.id for group in plan.groups})
        groups, trials = several(len(plan.groups), "group"), several(plan.trials_total, "trial")
        give(f"{loaded.id}: {several(cases, 'case')}, {groups}, {trials}")
    return code
