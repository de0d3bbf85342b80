"""The arguments by which `compare` and `run --baseline` say how to judge and what is red."""

from __future__ import annotations

import argparse

from qeval.cli.terminal import give, say
from qeval.errors import typed

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from qeval.compare.values import Comparison
    from qeval.report.formats import Failure
    from qeval.report.html import PageOptions
    from qeval.session.comparing import Choice, Judged

FORMATS = ("table", "markdown", "junit", "csv", "json")


def add(command: argparse.ArgumentParser) -> None:
    """Add the judging options to a command."""
    group = command.add_argument_group("judging")
    group.add_argument(
        "--fail-on",
        action="append",
        metavar="WHAT",
        help="exit 1 on: worse, worse:overall, worse:cases, worse:slices, worse:measures, "
        "undecided, drift, flip, gone, not_comparable, none; several with commas (default worse)",
    )
    group.add_argument(
        "--margin", type=share, metavar="M", help="a difference that does not matter: 0.05 or 5%%"
    )
    group.add_argument(
        "--alpha", type=share, metavar="A", help="share of false alarms allowed: 0.05 or 5%%"
    )
    group.add_argument(
        "--reading",
        choices=("suite", "cases"),
        help="did this suite change, or would it hold for cases like these?",
    )
    group.add_argument(
        "--cluster", metavar="KEY", help="cases that hang together: vars.NAME or tag:PREFIX"
    )
    group.add_argument(
        "--max-errors", type=share, metavar="E", help="errored share above which nothing is decided"
    )
    group.add_argument(
        "--rescore",
        action="store_true",
        help="judge the first run's kept answers by today's checks",
    )


def said(arguments: argparse.Namespace) -> str | None:
    """Return the first judging option that was typed."""
    names = ("fail_on", "margin", "alpha", "reading", "cluster", "max_errors", "rescore")
    given = (name for name in names if getattr(arguments, name) not in (None, False))
    return next((f"--{name.replace('_', '-')}" for name in given), None)


def share(text: str) -> float:
    """Read a share: `0.05` or `5%`."""
    try:
        number = float(text.removesuffix("%").strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 0.05 or 5%") from None
    return number / 100 if text.endswith("%") else number


def choice(arguments: argparse.Namespace, **more: Any) -> Choice:
    """Return what the arguments say about judging."""
    from qeval.session.comparing import Choice

    return Choice(
        alpha=arguments.alpha,
        margin=arguments.margin,
        reading=arguments.reading,
        cluster=arguments.cluster,
        max_errors=arguments.max_errors,
        rescore=arguments.rescore,
        **more,
    )


def tell(
    judged: Judged,
    page: Path,
    form: str,
    fail_on: tuple[str, ...],
    more: tuple[Failure, ...] = (),
    *,
    options: PageOptions | None = None,
) -> tuple[Failure, ...]:
    """Print the comparison, write its page, and return what is red: `more`, and what fails."""
    from qeval.report import formats

    red = more + formats.failures(judged.comparison, fail_on)
    give(formats.render(judged.comparison, form, red))
    for note in judged.notes:
        say(f"\nnote: {note}")
    judged.write(page, options)
    say(f"\nreport: {typed(page)}")
    if red:
        _name(judged.comparison, red)
    elif flips := formats.failures(judged.comparison, ("flip",)):
        one = len(flips) == 1
        many = "a group that passed fails" if one else f"{len(flips)} groups that passed fail"
        say(f"\nnote: {many} now; that decides nothing, and is red only with --fail-on flip")
    return red


def _name(comparison: Comparison, red: tuple[Failure, ...]) -> None:
    """Say on stderr what is red: of each condition the first three, and the worst cases."""
    from qeval.report.formats import WORST, worst
    from qeval.report.formats.terminal import told

    several = len(comparison.against) > 1
    grouped: dict[tuple[int, str], list[Failure]] = {}
    for each in red:
        grouped.setdefault((each.column, each.condition), []).append(each)
    for (column, condition), found in grouped.items():
        start = f"{comparison.sides[column].letter}: " if several else ""
        say(f"\n{start}failed on {condition}: {_counted(found)}")
        for each in found[:WORST]:
            name = "" if each.name == "overall" else f"{each.name}: "
            say(f"  {name}{each.why}")
    for against in comparison.against:
        mine = {each.name for each in red if each.column == against.column}
        if mine == {"overall"}:  # no case is red by itself: the suspects, then
            for change in worst(against):
                say(f"  {told(change)}")


def _counted(found: list[Failure]) -> str:
    from qeval import units

    names = ", ".join(each.name for each in found[:3])
    more = len(found) - 3
    return f"{names} and {units.count(more)} more" if more > 0 else names
