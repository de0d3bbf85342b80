"""`qeval compare A B`: better, the same, worse, or not decided."""

from __future__ import annotations

import argparse

from qeval.cli import judging


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = "Judge runs against the first of them, or targets or scenarios of runs."
    command.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a run's id, folder or run.jsonl, 'latest' or 'baseline'; "
        "one is enough with --by target or --by scenario",
    )
    command.add_argument(
        "--by", choices=("run", "target", "scenario"), default="run", help="the side compared"
    )
    for name in ("target", "scenario"):
        command.add_argument(
            f"--{name}", action="append", default=[], metavar="X", help=f"only this {name}"
        )
    judging.add(command)
    command.add_argument("--format", choices=judging.FORMATS, default="table", help="what to print")
    command.add_argument("--json", dest="format", action="store_const", const="json")
    command.add_argument("--output", metavar="FILE", help="where the page goes")


def execute(arguments: argparse.Namespace) -> int:
    """Print the verdicts and write the page."""
    from pathlib import Path

    from qeval.errors import UsageError
    from qeval.loading.project import find_project
    from qeval.report.formats import conditions
    from qeval.session import comparing
    from qeval.session.paths import page_path

    if arguments.by == "run" and len(arguments.runs) == 1:
        raise UsageError(
            f"one run, {arguments.runs[0]!r}, has nothing to be compared with",
            hint=f"name two, `qeval compare baseline {arguments.runs[0]}`, "
            "or compare its own sides with `--by target` or `--by scenario`",
        )
    # One target worse than another is a finding, and no regression.
    said = arguments.fail_on or (["worse"] if arguments.by == "run" else ["none"])
    fail_on = conditions(said)
    project = find_project(Path.cwd() / "suites" / "any")
    sources = comparing.opened(project, arguments.runs)
    choice = judging.choice(
        arguments,
        by=arguments.by,
        targets=tuple(arguments.target),
        scenarios=tuple(arguments.scenario),
    )
    judged = comparing.judged(sources, choice, project)
    suite = judged.comparison.suite
    page = Path(arguments.output) if arguments.output else page_path(project, suite)
    more = comparing.errored(judged.comparison) if fail_on and arguments.by == "run" else ()
    return 1 if judging.tell(judged, page, arguments.format, fail_on, more) else 0
