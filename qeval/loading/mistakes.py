"""Collects every mistake of a suite, so that all are told at once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qeval.errors import SuiteError, nearest

_MEANT = re.compile(r"did you mean '([^']*)'\?")


class Mistakes:
    """Mistakes found so far, each with its place (`file:line`) and, perhaps, a hint."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, str], str | None] = {}

    def add(self, where: str, message: str, hint: str | None = None) -> None:
        """Note one mistake at `file:line`. The same one twice counts once."""
        file, _, line = where.rpartition(":")
        key = (file, int(line), message) if line.isdigit() else (where, 0, message)
        self._found.setdefault(key, hint)

    def __len__(self) -> int:
        return len(self._found)

    def lines(self) -> tuple[str, ...]:
        """Return `file:line: message` of each mistake, by file and line."""
        return tuple(f"{_place(key)}: {key[2]}" for key, _ in self._sorted())

    def error(self) -> SuiteError:
        """Build the error that tells them all, with one hint that gathers theirs."""
        found = self._sorted()
        files = sorted({key[0] for key, _ in found})
        total = f"{len(found)} mistake{'s'[: len(found) != 1]} in {_listed(files)}"
        lines = self.lines()
        return SuiteError(
            "\n".join((*lines, total)) if len(lines) > 1 else lines[0],
            where=_place(found[0][0]),
            hint=_gathered(found),
            mistakes=lines,
        )

    def _sorted(self) -> list[tuple[tuple[str, int, str], str | None]]:
        return sorted(self._found.items(), key=lambda item: item[0][:2])


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the hint that names the nearest known name, or None where none is near."""
    close = nearest(name, known)
    return f"did you mean {close!r}?" if close else None


def _place(key: tuple[str, int, str]) -> str:
    return f"{key[0]}:{key[1]}" if key[1] else key[0]


def _listed(files: list[str]) -> str:
    return files[0] if len(files) == 1 else f"{len(files)} files"


def _gathered(found: list[tuple[tuple[str, int, str], str | None]]) -> str | None:
    """Gather hints into one text: first the names that were meant, then the others, once each."""
    hints = [(key, hint) for key, hint in found if hint]
    if len(found) == 1:
        return hints[0][1] if hints else None
    names: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for key, hint in hints:
        match = _MEANT.fullmatch(hint or "")
        known, text = (names, match[1]) if match else (others, str(hint))
        known.setdefault(text, []).append(str(key[1]))
    parts = []
    if names:
        inner = ", ".join(f"{name!r} ({', '.join(at)})" for name, at in names.items())
        parts.append(f"did you mean {inner}?")
    parts.extend(f"{text} ({', '.join(at)})" for text, at in others.items())
    return "\nhint: ".join(parts) or None
