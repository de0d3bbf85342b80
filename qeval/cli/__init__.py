"""The command line: arguments → calls → exit code. Data goes to stdout, talk to stderr.

Exit codes: 0 all well · 1 a check failed · 2 interrupted · 3 a fault of qeval's own ·
4 the user's to mend · 5 nothing to run.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module

from qeval import __version__
from qeval.errors import QevalError, nearest

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
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
    taken = _take_signals()
    try:
        # Not `list(…)`: that name becomes the command's module once it is imported.
        words = sys.argv[1:] if argv is None else [*argv]
        arguments = parser(words).parse_args(words)
        code = _executed(arguments)
        _flush()
    except QevalError as error:
        _say(str(error))
        return 4
    except KeyboardInterrupt:
        _say("interrupted")
        return 2
    except OSError as error:
        what = f"{_place(error.filename)}: {error.strerror or error}"
        _say(f"{what}\n\nhint: see that it is there, may be read and written, and has room")
        _drop(sys.stdout)
        return 4
    except Exception:  # noqa: BLE001  (a fault of qeval's own, whatever it is)
        import traceback

        _say(f"a fault of qeval's own:\n{traceback.format_exc()}\nhint: report it with these lines")
        return 3
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
    return code


def _place(name: object) -> str:
    """Return a file as it is named from here."""
    if not isinstance(name, str):
        return "input or output"
    return name.removeprefix(os.path.join(os.getcwd(), ""))  # noqa: PTH109, PTH118  (pathlib is slow to import)


def _executed(arguments: argparse.Namespace) -> int:
    try:
        code: int = arguments.execute(arguments)
    except SystemExit as error:  # commands return: it is code of the user's that ended the program
        raise QevalError(
            f"code of the suite ended the program: sys.exit({error.code!r})",
            hint="raise an error instead: it costs one trial, and not the run",
        ) from error
    return code


def _take_signals() -> list[int]:
    """Let what a cancelled CI job or a closed terminal sends end a command as Ctrl-C does.

    So what is half written is cleared away, and what had ended is kept. Who ignores them
    (`nohup`), or calls from another thread than the first, is left alone.
    """
    names = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    taken = []
    for number in numbers:
        if signal.getsignal(number) is signal.SIG_DFL:
            try:
                signal.signal(number, _end_early)
            except ValueError:  # not the first thread
                break
            taken.append(number)
    return taken


def _end_early(number: int, frame: FrameType | None) -> None:
    del number, frame
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.raise_signal(signal.SIGINT)  # an event loop has its own way to end for it
        return
    # Started with `&` in a script. Raised amid a task, it would be that task's error alone.
    try:
        loop = sys.modules["asyncio"].get_running_loop()
    except (KeyError, RuntimeError):
        _interrupt()
    else:
        loop.call_soon_threadsafe(_interrupt)


def _interrupt() -> None:
    raise KeyboardInterrupt


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
    from qeval.cli.terminal import say

    try:
        say(text)
    except OSError:
        _drop(sys.stderr)


def _flush() -> None:
    """Print what is still held; who went away (`| head`) has what it wanted."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop(sys.stdout)


def _drop(stream: TextIO) -> None:
    from qeval.cli.terminal import drop

    drop(stream)


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
            top.chosen = top.chosen or command
    return top


_UNKNOWN = "unrecognized arguments: "


class _Parser(argparse.ArgumentParser):
    """argparse, with the exit code that qeval uses for a user's mistake."""

    chosen: _Parser | None = None
    """Of the command that was typed."""

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
        hint = f"type `{self.prog} --help`"
        if self.chosen is not None and message.startswith(_UNKNOWN):
            hint = self.chosen.instead(message.removeprefix(_UNKNOWN).split()[0])
        _say(f"{self.prog}: {message}\n\nhint: {hint}")
        self.exit(4)

    def instead(self, unknown: str) -> str:
        """Return the hint for an argument that this command does not take."""
        close = nearest(unknown.partition("=")[0], self._option_string_actions)
        return f"did you mean {close}?" if close else f"type `{self.prog} --help`"

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(4 if status else 0, message)
