"""Cassette files on disk: read whole, put in place whole, one writer at a time."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from qeval.errors import CassetteCorruptError

TEMPORARY = ".writing-"
"""How the name of a file begins that is not in place yet."""


def load(path: Path, shown: str) -> bytes | None:
    """Return the bytes of a file; None where it is not there.

    Raises:
        CassetteCorruptError: It cannot be read.
    """
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (3 x faster)
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CassetteCorruptError(
            f"cannot read {shown}: {error.strerror}",
            path=shown,
            hint="mend the folder's rights, then type the command again",
        ) from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes; where the system has no such lock, do without."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let an interruption wait for the end of the block.

    The first Ctrl-C ends a recording in order, and what was paid for is written; a second one,
    or the second of `timeout -s INT`, would come amid that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal interrupts another thread
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        if came:
            signal.raise_signal(signal.SIGINT)


def replace(path: Path, data: bytes) -> None:
    """Put a file in place whole, or not at all.

    A new one is readable for its owner alone; one that is there keeps its rights.
    """
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(handle, path.stat().st_mode & 0o777)
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def relative(path: Path, root: Path) -> str:
    """Return a path as messages show it: below the root, else its name alone."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
