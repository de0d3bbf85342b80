"""`qeval report RUN…`: the table and the page of runs that are there already."""

from __future__ import annotations

import argparse

from qeval.cli import judging
from qeval.cli.terminal import give, say
from qeval.errors import typed

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from qeval.loading.project import Project


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = (
        "Print the table of a run and write its page beside it; of several runs, side by side."
    )
    command.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a run's id, folder or run.jsonl, 'latest' or 'baseline'",
    )
    command.add_argument("--format", choices=judging.FORMATS, default="table", help="what to print")
    command.add_argument("--json", dest="format", action="store_const", const="json")
    command.add_argument("--output", metavar="FILE", help="where the page goes")
    command.add_argument(
        "--no-deflate",
        action="store_true",
        help="leave the page's data unpacked: three times the size, the same bytes everywhere",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the table and write the page."""
    from pathlib import Path

    from qeval.loading.project import find_project

    project = find_project(Path.cwd() / "suites" / "any")
    if len(arguments.runs) > 1:
        return _side_by_side(arguments, project)
    from qeval.cli.run import rendered
    from qeval.compare.columns import Column
    from qeval.report import html
    from qeval.session.paths import page_path
    from qeval.store import Baseline, find_source

    source = find_source(project.reports, arguments.runs[0])
    give(rendered(source, arguments.format))
    page = source.path.parent / "report.html"
    if arguments.output:
        page = Path(arguments.output)
    elif isinstance(source, Baseline):  # beside its file, which is committed, it has no place
        page = page_path(project, source.header.suite, "baseline.html")
    html.write([Column(source)], page, options=html.PageOptions(deflate=not arguments.no_deflate))
    say(f"\nreport: {typed(page)}")
    return 0


def _side_by_side(arguments: argparse.Namespace, project: Project) -> int:
    from pathlib import Path

    from qeval.report import html
    from qeval.session import comparing
    from qeval.session.paths import page_path

    sources = comparing.opened(project, arguments.runs)
    judged = comparing.judged(sources, comparing.Choice(), project)
    suite = judged.comparison.suite
    page = Path(arguments.output) if arguments.output else page_path(project, suite)
    options = html.PageOptions(deflate=not arguments.no_deflate)
    judging.tell(judged, page, arguments.format, (), options=options)
    return 0
