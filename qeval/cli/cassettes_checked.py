"""`qeval cassette check` and `prune`: what is wrong with recordings, and what nobody reads."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import msgspec

from qeval.cli.choosing import several
from qeval.cli.terminal import give, say
from qeval.loading.project import find_project
from qeval.report import text
from qeval.session.cassette_checks import Checks, Finding, Pruned


def execute(arguments: argparse.Namespace) -> int:
    """Check, or prune."""
    project = find_project(Path.cwd() / "suites" / "any")
    with redirect_stdout(sys.stderr):  # what a suite's own code prints is talk, not data
        checks = Checks(project, arguments.suites)
        if arguments.action == "prune":
            pruned = list(checks.prune(dry=arguments.dry_run))
        else:
            found = list(checks.findings(arguments.max_age))
    if arguments.action == "prune":
        return _prune(pruned, arguments)
    return _check(found, len(checks.cassettes), arguments)


def _check(found: Sequence[Finding], total: int, arguments: argparse.Namespace) -> int:
    if arguments.format == "json":
        give(text.rows([msgspec.structs.asdict(one) for one in found], "json"))
    elif found:
        give("\n\n".join(_told(one) for one in found))
    files = len({one.file for one in found})
    if found:
        say(f"\n{files} of {several(total, 'file')} with something to mend")
    else:
        say(f"{several(total, 'file')}, nothing to mend")
    return 1 if found else 0


def _told(one: Finding) -> str:
    return f"{one.file}: {one.kind}: {one.what}\n  {one.mend}"


def _prune(found: Sequence[Pruned], arguments: argparse.Namespace) -> int:
    if arguments.format == "json":
        give(text.rows([msgspec.structs.asdict(one) for one in found], "json"))
    for one in found:
        if arguments.format == "table" and one.removed:
            give(f"{one.file}: {one.what}")
        if not one.removed:
            say(f"{one.file}: {one.what}")
    removed = [one for one in found if one.removed]
    count = sum(one.interactions for one in removed)
    verb = "would be removed" if arguments.dry_run else "removed"
    said = f"{several(count, 'interaction')} of {several(len(removed), 'file')} {verb}"
    say(said if removed else "nothing unused")
    return 0
