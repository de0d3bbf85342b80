"""`qeval report RUN`: the table and the page of a run that is there already."""

from __future__ import annotations

import argparse
import sys

from qeval.cli import choosing


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = "Print the table of a run and write its page beside it."
    command.add_argument("run", help="a run's id, folder or run.jsonl, or 'latest'")
    command.add_argument(
        "--format", choices=("table", "markdown", "json"), default="table", help="what to print"
    )
    command.add_argument("--json", dest="format", action="store_const", const="json")


def execute(arguments: argparse.Namespace) -> int:
    """Print the table and write the page."""
    from pathlib import Path

    from qeval.loading.project import find_project
    from qeval.report import html, text
    from qeval.store import find_run

    stored = find_run(find_project(Path.cwd() / "suites" / "any").reports, arguments.run)
    print(text.render(stored, arguments.format))
    page = stored.path.parent / "report.html"
    html.write(stored, page)
    print(f"\nreport: {choosing.shown(page)}", file=sys.stderr)
    return 0
