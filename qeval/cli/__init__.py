"""The command line: arguments → calls → exit code. Data goes to stdout, talk to stderr.

Exit codes: 0 all well · 1 a check failed · 2 interrupted · 3 a fault of qeval's own ·
4 the user's to mend · 5 nothing to run.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from qeval import __version__
from qeval.errors import QevalError

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn, TextIO

COMMANDS = {
    "run": "run a suite, by default from its recordings",
    "compare": "judge runs against each other: better, same, worse, or not decided",
    "baseline": "keep a run to judge later ones against, or show what is kept",
    "report": "print and render a run again",
    "validate": "check suites without asking anything",
    "list": "show what a run would ask",
    "cassette": "look at recordings, find what is wrong with them, and mend it",
    "tokens": "count a text, or forecast what a suite will take: tokens, cost, minutes",
    "schema": "print the JSON Schema of suite files",
    "simulate": "serve scripted answers on loopback, for trying a suite without spending",
    "init": "write a first suite, a simulator script and a test",
}
"""Each is a module of this package, imported only where it is the one that was typed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake never ends in a traceback."""
    _ready_streams()
    try:
        # Not `list(…)`: that name becomes the command's module once it is imported.
        words = sys.argv[1:] if argv is None else [*argv]
        arguments = parser(words).parse_args(words)
        code: int = arguments.execute(arguments)
        sys.stdout.flush()
    except QevalError as error:
        _say(str(error))
        return 4
    except KeyboardInterrupt:
        _say("interrupted")
        return 2
    except BrokenPipeError:
        _drop(sys.stdout)  # the reader went away (`| head`); what it took is what it wanted
        return 0
    except OSError as error:
        _say(f"{error.filename or 'input or output'}: {error.strerror or error}")
        _drop(sys.stdout)
        return 4
    except Exception:  # noqa: BLE001  (a fault of qeval's own, whatever it is)
        import traceback

        _say(f"a fault of qeval's own:\n{traceback.format_exc()}\nhint: report it with these lines")
        return 3
    return code


def _ready_streams() -> None:
    """Make printing safe: closed streams swallow, and what one cannot show comes escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # started with the stream closed (`>&-`)
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  (to the end)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str) -> None:
    """Print a line of talk; where nobody can hear it, the exit code has to do."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    """Send what a stream still holds nowhere, so that closing it at the end raises nothing."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # a stream without a descriptor, as in a test
        return


def parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser for a line; only the command that stands in it gets its arguments."""
    top = _Parser(
        prog="qeval",
        description="Did it get worse? Regression tests for language-model endpoints.",
        epilog="Start with `qeval init` in an empty folder.",
    )
    top.add_argument("--version", action="version", version=f"qeval {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about)
        if name in words:
            module = import_module(f"qeval.cli.{name}")
            module.add(command)
            command.set_defaults(execute=module.execute)
    return top


class _Parser(argparse.ArgumentParser):
    """argparse, with the exit code that qeval uses for a user's mistake."""

    def _get_formatter(self) -> argparse.HelpFormatter:
        # argparse asks `shutil` for the width, whose import takes longer than printing.
        try:
            width = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
        except (OSError, ValueError):
            width = 80
        make: Any = self.formatter_class
        made: argparse.HelpFormatter = make(self.prog, width=max(width, 40) - 2)
        return made

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to look; the whole usage would bury it."""
        self.exit(4, f"{self.prog}: {message}\n\nhint: type `{self.prog} --help`\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(4 if status else 0, message)
