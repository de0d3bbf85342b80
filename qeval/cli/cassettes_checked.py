"""`qeval cassette check` and `prune`: what is wrong with recordings, and what nobody reads."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path

import msgspec

from qeval.loading.project import find_project
from qeval.report import text
from qeval.report.marks import visible
from qeval.session.cassette_checks import Checks, Finding


def execute(arguments: argparse.Namespace) -> int:
    """Check, or prune."""
    project = find_project(Path.cwd() / "suites" / "any")
    with redirect_stdout(sys.stderr):  # what a suite's own code prints is talk, not data
        checks = Checks(project, arguments.suites)
    return _prune(checks, arguments) if arguments.action == "prune" else _check(checks, arguments)


def _check(checks: Checks, arguments: argparse.Namespace) -> int:
    found = list(checks.findings(arguments.max_age))
    if arguments.format == "json":
        print(text.rows([msgspec.structs.asdict(one) for one in found], "json"))
    elif found:
        print("\n\n".join(_told(one) for one in found))
    files = len({one.file for one in found})
    total = len(checks.cassettes)
    if found:
        print(f"\n{files} of {total} files with something to mend", file=sys.stderr)
    else:
        print(f"{total} files, nothing to mend", file=sys.stderr)
    return 1 if found else 0


def _told(one: Finding) -> str:
    return f"{visible(one.file)}: {one.kind}: {visible(one.what)}\n  {one.mend}"


def _prune(checks: Checks, arguments: argparse.Namespace) -> int:
    found = list(checks.prune(dry=arguments.dry_run))
    if arguments.format == "json":
        print(text.rows([msgspec.structs.asdict(one) for one in found], "json"))
    for one in found:
        if arguments.format == "table" and one.removed:
            print(f"{one.file}: {visible(one.what)}")
        if not one.removed:
            print(f"{one.file}: {visible(one.what)}", file=sys.stderr)
    removed = [one for one in found if one.removed]
    count = sum(one.interactions for one in removed)
    verb = "would be removed" if arguments.dry_run else "removed"
    said = f"{count} interactions of {len(removed)} files {verb}" if removed else "nothing unused"
    print(said, file=sys.stderr)
    return 0
