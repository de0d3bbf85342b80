"""Short, harmless words for reasons and labels: answers are hostile text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qeval.value import Json

SHOWN = 60
"""Characters of a value that a reason shows."""
REASON = 240
"""Characters of a whole reason."""


def plain(text: str, limit: int = SHOWN) -> str:
    r"""Return text on one line, shortened, with what a terminal would obey made visible.

    >>> plain("two\nlines")
    'two\\nlines'
    >>> plain("abcdef", limit=4)
    'abc…'
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut)


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message that says anything, or ''."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the user's class may do anything
        return ""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def shown(value: Json) -> str:
    """Return a value as a reason shows it: text in quotes, anything else as JSON.

    >>> shown("a"), shown([1, "b"])
    ("'a'", '[1, "b"]')
    """
    if isinstance(value, str):
        return f"'{plain(value)}'"
    if callable(value):
        return str(getattr(value, "__qualname__", "a function"))
    try:
        return plain(json.dumps(value, ensure_ascii=False, default=str))
    except RecursionError:
        return "deeply nested JSON"


def label(entries: Mapping[str, Json], written: str, scorer: Any) -> str:
    """Return what reports call a check: its name, or what it says.

    `weight` and `severity` are left out: they do not change what is judged.

    >>> label({"contains": "Paris", "ignore_case": True}, "contains", None)
    "contains 'Paris' (ignore_case)"
    >>> label({"equals": "7", "extract": {"json": "$.n"}}, "equals", None)
    "equals '7' (extract json $.n)"
    >>> label({"contains": "please", "name": "polite"}, "contains", None)
    'polite'
    """
    name = entries.get("name")
    if name is not None:
        return plain(str(name))
    argument = entries[written]
    said = written if argument is None else f"{written} {_argument(argument, scorer)}"
    if len(entries) == 1:
        return said
    options = [
        _option(key, value)
        for key, value in entries.items()
        if value is not False and key not in (written, "weight", "severity")
    ]
    return f"{said} ({', '.join(options)})" if options else said


def _argument(argument: Json, scorer: Any) -> str:
    inner = getattr(scorer, "checks", None)
    if inner is not None:
        return plain(f"({', '.join(check.label for check in inner)})", 2 * SHOWN)
    if isinstance(argument, dict) and all(isinstance(v, int | float) for v in argument.values()):
        return plain(" and ".join(f"{key} {value}" for key, value in argument.items()))
    return shown(argument)


def _option(key: str, value: Json) -> str:
    if value is True:
        return key
    return f"{key} {_step(value)}" if key == "extract" else f"{key} {_bare(value)}"


def _step(value: Json) -> str:
    if isinstance(value, list | tuple):
        return plain(", then ".join(_step(item) for item in value), 2 * SHOWN)
    if isinstance(value, dict):
        return " ".join(f"{key} {_bare(item)}" for key, item in value.items())
    return _bare(value)


def _bare(value: Json) -> str:
    return plain(value) if isinstance(value, str) else shown(value)
