"""`qeval cassette …`: what is recorded, and whether it can be trusted."""

from __future__ import annotations

import argparse
from importlib import import_module

from qeval.cli import choosing

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

GIT = """\
git can show answers instead of YAML. Into .gitattributes:

    cassettes/**/*.yaml diff=qeval

and once in each clone:

    git config diff.qeval.textconv "qeval cassette show --textconv"
"""


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's actions, each with its arguments."""
    command.description = "Look at recordings, find what is wrong with them, and mend it."
    actions = command.add_subparsers(
        title="actions", metavar="ACTION", required=True, dest="action", prog=command.prog
    )
    for name, (about, arguments) in _ACTIONS.items():
        action = actions.add_parser(name, help=about, description=f"{about.capitalize()}.")
        arguments(action)
        action.add_argument(
            "--format", choices=("table", "json"), default="table", help="what to print"
        )
        action.add_argument("--json", dest="format", action="store_const", const="json")


def execute(arguments: argparse.Namespace) -> int:
    """Do what was typed; only its module is imported."""
    code: int = import_module(_MODULES[arguments.action]).execute(arguments)
    return code


def _list(action: argparse.ArgumentParser) -> None:
    _suites(action)


def _why(action: argparse.ArgumentParser) -> None:
    action.add_argument("case", metavar="CASE")
    action.add_argument("--suite", metavar="S", help="where several have such a case")
    action.add_argument("--target", metavar="T")
    action.add_argument("--scenario", metavar="S")
    action.add_argument("--trial", type=_whole, metavar="N", help="counted from 0")


def _check(action: argparse.ArgumentParser) -> None:
    _suites(action)
    action.add_argument(
        "--max-age",
        type=_age,
        metavar="AGE",
        help="tell of recordings older than this: 90d, 12w, 36h; else age does not count",
    )


def _prune(action: argparse.ArgumentParser) -> None:
    _suites(action)
    action.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def _show(action: argparse.ArgumentParser) -> None:
    action.formatter_class = argparse.RawDescriptionHelpFormatter
    action.epilog = GIT
    action.add_argument("case", metavar="CASE", help="a case's id, or a cassette's file")
    action.add_argument("--suite", metavar="S")
    action.add_argument("--target", metavar="T")
    action.add_argument("--scenario", metavar="S")
    action.add_argument("--trial", type=_whole, metavar="N", help="counted from 0")
    action.add_argument(
        "--textconv", action="store_true", help="for git: nothing that every recording has anew"
    )


def _diff(action: argparse.ArgumentParser) -> None:
    what = "a cassette, a folder of them, or REVISION:PATH as git has it"
    action.add_argument("a", metavar="A", help=what)
    action.add_argument("b", metavar="B", help="the other")


def _verify(action: argparse.ArgumentParser) -> None:
    action.add_argument("suites", nargs="+", metavar="SUITE")
    action.add_argument(
        "--against", choices=("live",), required=True, help="live: the endpoints, which costs money"
    )
    action.add_argument(
        "--take", type=choosing.positive, default=10, metavar="N", help="trials to ask (default 10)"
    )
    action.add_argument("--seed", type=_whole, default=0, metavar="N", help="chooses them")
    action.add_argument(
        "--base-url", metavar="URL", help="a server that stands in for every target; gets no key"
    )
    choosing.add(action)


def _suites(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "suites", nargs="*", metavar="SUITE", help="a suite's file or id, or 'tests'; else all"
    )


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _age(text: str) -> timedelta:
    from datetime import timedelta

    units = {"h": 1, "d": 24, "w": 168}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not (number.isascii() and number.isdecimal() and len(number) <= 5):
        raise argparse.ArgumentTypeError(f"{text!r} is not an age such as 90d, 12w or 36h")
    return timedelta(hours=int(number) * units[unit])


_ACTIONS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "list": ("list what is recorded, a row a file", _list),
    "why": ("explain why a case has no usable recording, and what mends it", _why),
    "check": ("find recordings that are unused, stale, damaged, old or hold a key", _check),
    "prune": ("remove recordings that no planned trial reads", _prune),
    "show": ("show recorded answers as readable text", _show),
    "diff": ("show the answers of two cassettes or folders side by side", _diff),
    "verify": ("ask some recorded requests again, and tell how the answers moved", _verify),
}
_MODULES = {
    "list": "qeval.cli.cassettes_listed",
    "why": "qeval.cli.cassettes_why",
    "check": "qeval.cli.cassettes_checked",
    "prune": "qeval.cli.cassettes_checked",
    "show": "qeval.cli.cassettes_shown",
    "diff": "qeval.cli.cassettes_beside",
    "verify": "qeval.cli.cassettes_verified",
}
