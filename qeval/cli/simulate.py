"""`qeval simulate SCRIPT`: a scripted server on loopback."""

from __future__ import annotations

import argparse


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = "Serve a script of answers on 127.0.0.1, in all four dialects."
    command.add_argument("script")
    command.add_argument("--port", type=_port, default=8765, metavar="N", help="default 8765")


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 65536
    if number > 65535:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port: 0 to 65535 (0: any that is free)"
        )
    return number


def execute(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from pathlib import Path

    from qeval.errors import UsageError

    try:
        from qeval.simulator import serve
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the simulator needs {error.name!r}, which is not installed",
            hint="install it with `pip install 'qeval[simulator]'`",
        ) from None
    serve(Path(arguments.script), arguments.port)
    return 0
