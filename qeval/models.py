"""The table of models: what each family speaks, how it thinks, how its tokens are counted.

The data is `models.toml`; a project's `[tool.qeval.models.NAME]` lies over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal

import msgspec

from qeval.value import Json, Value


class Model(Value):
    """What is known of a model.

    Prices are US dollars for a million tokens. What nobody has said is None.
    """

    name: str
    dialects: tuple[str, ...] = ()
    """Those that its service answers; empty: unknown."""
    thinking: bool | None = None
    """Whether it thinks when nothing is said."""
    fixed: bool = False
    """Whether `thinking` cannot be switched."""
    stream_only: Literal["never", "thinking", "always"] = "never"
    vocabulary: str | None = None
    """`qwen-old` or `qwen-new`."""
    template: str | None = None
    """Family of its chat template."""
    tokenizer: str | None = None
    """Path of a tokenizer.json of the user's own."""
    pixels_per_token: int | None = None
    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    cached_input_usd_per_mtok: float | None = None
    source: str | None = None
    date: str | None = None
    """Of the source, ISO 8601."""


def find(name: str, overrides: Mapping[str, Json] | None = None) -> Model | None:
    """Return what is known of a model, or None.

    Letter case, and an organisation before `/`, do not count. The longest name or pattern wins.

    Args:
        name: As the request says it.
        overrides: `[tool.qeval.models]`: rows by name or pattern, each laid over the row of
            its `like`, else over the model's own.

    >>> find("qwen-plus-2025-07-28").thinking, find("Qwen/Qwen3-8B").stream_only
    (False, 'thinking')
    """
    row = _longest(name, overrides or {})
    if row is None:
        return _builtin(name)
    changes: dict[str, Any] = dict(row)
    like = changes.pop("like", None)
    base = (_builtin(like) if like else _builtin(name)) or Model(name=name)
    return msgspec.convert({**msgspec.to_builtins(base), **changes, "name": name}, Model)


def names(overrides: Mapping[str, Json] | None = None) -> list[str]:
    """Return every name that stands in the tables in full, sorted."""
    return sorted(name for name in {*_table(), *(overrides or {})} if "*" not in name)


def _builtin(name: str) -> Model | None:
    row = _longest(name, _table())
    return None if row is None else msgspec.structs.replace(row, name=name)


def _longest(name: str, rows: Mapping[str, Any]) -> Any:
    plain = name.lower().rpartition("/")[2]
    best = max(
        (
            pattern
            for pattern in rows
            if pattern == name or fnmatchcase(plain, pattern.lower().rpartition("/")[2])
        ),
        key=lambda pattern: (pattern == name, "*" not in pattern, len(pattern)),
        default=None,
    )
    return None if best is None else rows[best]


@cache
def _table() -> dict[str, Model]:
    """Read the built-in table: names and patterns in lower case."""
    import tomllib
    from importlib.resources import files

    data = tomllib.loads((files("qeval") / "models.toml").read_text(encoding="utf-8"))
    table: dict[str, Model] = {}
    for row in data["model"]:
        own = row.pop("names")
        for name in own:
            table[name] = msgspec.convert({**row, "name": name}, Model)
    return table
