"""A project's settings: `[tool.qeval]` in its pyproject.toml (suites.md section 13)."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from qeval.loading.mistakes import Mistakes
from qeval.loading.nodes import Path as KeyPath
from qeval.loading.walking import Walk
from qeval.suite import Target
from qeval.value import Json, Value

FILE = "pyproject.toml"
_HEADER = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(#.*)?$")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"))*)\s*="""
)
_STEP = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


class Project(Value):
    """Where a project's files lie, and what all its suites share. All folders are absolute."""

    root: Path
    """The parent of the nearest `suites/` above the suite, without links."""
    suites: Path
    cassettes: Path
    reports: Path
    mode: str = "replay"
    region: str | None = None
    workspace: str | None = None
    default_targets: tuple[str, ...] = ()
    targets: dict[str, Target] = {}
    concurrency: int | None = None
    """Calls in flight."""
    timeout_s: float | None = None
    models: dict[str, Json] = {}
    """Rows over the model table, by name."""
    tolerances: dict[str, Json] = {}
    """Measures in comparisons."""


def find_project(suite_path: Path) -> Project:
    """Return the project that a suite file belongs to.

    Args:
        suite_path: The suite file, or the folder to begin at.

    Raises:
        SuiteError: `[tool.qeval]` has mistakes; `where` and `mistakes` tell their lines.
    """
    root = _root(suite_path)
    settings = _settings(root)
    targets = {
        name: Target(**(target or {})) for name, target in settings.pop("targets", {}).items()
    }
    folders = {name: root / settings.pop(name, name) for name in ("suites", "cassettes", "reports")}
    return Project(root=root, targets=targets, **folders, **settings)


def _root(path: Path) -> Path:
    """Return the parent of the nearest `suites/` at or above `path`, else the working directory."""
    absolute = path.absolute()
    for folder in (absolute, *absolute.parents):
        if folder.name == "suites":
            return folder.parent.resolve()
    return Path.cwd().resolve()


def _settings(root: Path) -> dict[str, Any]:
    """Read and check `[tool.qeval]`; {} where there is none."""
    file = root / FILE
    if not file.is_file():
        return {}
    data = file.read_bytes()
    if b"qeval" not in data:
        return {}
    mistakes = Mistakes()
    settings = _checked(data, root, mistakes)
    if len(mistakes):
        raise mistakes.error()
    return settings


def _checked(data: bytes, root: Path, mistakes: Mistakes) -> dict[str, Any]:
    from qeval.loading.nodes import OddValueError, dress
    from qeval.loading.settings import SETTINGS
    from qeval.loading.source import decoded

    walk = Walk(FILE, root, root, mistakes)
    walk.typed = True
    text = decoded(data, walk)
    table = None if text is None else _table(text, walk)
    if text is None or table is None:
        return {}
    lines = _lines(text)
    try:
        node = dress(_dated(table), lambda path: _line(lines, ("tool", "qeval", *path)))
    except OddValueError as error:
        walk.say_at(error.line, str(error), "write text in quotes, else a number, true or false")
        return {}
    settings = SETTINGS.read(node, "[tool.qeval]", walk)
    return settings if isinstance(settings, dict) else {}


def _table(text: str, walk: Walk) -> Any:
    """Return `[tool.qeval]` as it is written; None where the file is no TOML."""
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        number = int(line[1]) - 1 if line else text.count("\n")
        reason = str(error).partition(" (at")[0]
        hint = 'write text in quotes: mode = "live"' if "Invalid value" in reason else None
        walk.say_at(number, f"not TOML: {reason}", hint)
        return None
    tool = data.get("tool", {})
    return tool.get("qeval", {}) if isinstance(tool, dict) else {}


def _dated(value: Any, key: str = "") -> Any:
    """Return a table whose `date` is text, as it may stand in TOML without quotes."""
    if isinstance(value, dict):
        return {name: _dated(item, name) for name, item in value.items()}
    return str(value) if key == "date" and isinstance(value, date) else value


def _lines(text: str) -> dict[KeyPath, int]:
    """Return the line, from 0, of each key of a TOML text, by key path."""
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines()):
        if match := _HEADER.match(line):
            table = _steps(match[1])
            _note(found, (), table, number)
        elif match := _KEY.match(line):
            _note(found, table, _steps(match[1]), number)
    return found


def _note(found: dict[KeyPath, int], table: KeyPath, steps: KeyPath, number: int) -> None:
    for length in range(1, len(steps) + 1):
        found.setdefault((*table, *steps[:length]), number)


def _steps(text: str) -> KeyPath:
    return tuple(step.strip("\"'") for step in _STEP.findall(text))


def _line(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of a key, or of its nearest ancestor."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 0
