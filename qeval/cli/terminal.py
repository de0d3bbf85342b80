"""The one way to the terminal: data to stdout, talk to stderr, and nothing that it would obey.

Texts of models, suites, files and servers are hostile; whatever is printed becomes visible here,
so that no command can forget it.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

from qeval.report.marks import escaped, visible


def give(text: object = "", end: str = "\n") -> None:
    """Print data."""
    _put(visible(str(text)) + end)


def give_json(document: object) -> None:
    """Print data as JSON whose value is that of the document, hostile characters escaped."""
    import json

    _put(escaped(json.dumps(document, ensure_ascii=False, indent=2)) + "\n")


def _put(text: str) -> None:
    """Print to stdout; where the reader went away (`| head`) the command goes on to its end.

    So its exit code is what it would have been: a failed run does not pass because of a pipe.
    """
    try:
        print(text, end="")
    except BrokenPipeError:
        drop(sys.stdout)


def say(text: object, end: str = "\n") -> None:
    """Print talk."""
    print(visible(str(text)), end=end, file=sys.stderr, flush=True)


def drop(stream: TextIO) -> None:
    """Send what a stream still holds nowhere, so that closing it at the end raises nothing."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # a stream without a descriptor, as in a test
        return
