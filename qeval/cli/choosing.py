"""The arguments by which `run`, `list` and others choose cases, targets and scenarios."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from qeval.plan import Selection

MOST = 1_000_000  # what asks for more is a slip of the finger, and would run for ever


def add(command: argparse.ArgumentParser) -> None:
    """Add the choosing options to a command."""
    group = command.add_argument_group("choosing")
    group.add_argument("-k", metavar="WORDS", help="cases whose ids match: words with and, or, not")
    for name, what in (("tag", "tag"), ("case", "case id or pattern"), ("target", "target")):
        group.add_argument(f"--{name}", action="append", default=[], metavar="X", help=what)
    group.add_argument("--scenario", action="append", default=[], metavar="X", help="scenario")
    group.add_argument("--trials", type=positive, metavar="N", help="ask each N times")
    group.add_argument("--limit", type=positive, metavar="N", help="the first N cases only")


def selection(arguments: argparse.Namespace) -> Selection:
    """Return what the arguments choose."""
    from qeval.plan import Selection

    return Selection(
        keyword=arguments.k,
        tags=tuple(arguments.tag),
        cases=tuple(arguments.case),
        targets=tuple(arguments.target),
        scenarios=tuple(arguments.scenario),
        trials=arguments.trials,
        limit=arguments.limit,
    )


def several(count: int, noun: str) -> str:
    """Return a count with its noun: `1 answer`, `2 answers`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def positive(text: str, most: int = MOST) -> int:
    """Read a whole number of at least 1."""
    number = int(text) if text.isdecimal() and len(text) <= len(str(most)) else 0
    if not 1 <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most}")
    return number


def budget(text: str) -> int:
    """Read a limit on calls or tokens."""
    return positive(text, 10**12)


def amount(text: str) -> float:
    """Read a sum of money above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a sum above 0")
    return number
