"""The table of models: what each family speaks, how it thinks, how its tokens are counted.

The data is `models.toml`; a project's `[tool.qeval.models.NAME]` lies over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal

import msgspec

from qeval.errors import UsageError
from qeval.value import Json, Value


class Rates(Value):
    """Prices of a million tokens, in the currency of the `Price`. None: unknown, never free."""

    input_per_mtok: float | None = None
    output_per_mtok: float | None = None
    thinking_output_per_mtok: float | None = None
    """All output of a request that thinks; None: as `output_per_mtok`."""
    cached_input_per_mtok: float | None = None
    """Input read from a cache that the service keeps by itself."""
    explicit_cached_input_per_mtok: float | None = None
    """Input read from a cache that the request asked for."""
    cache_creation_per_mtok: float | None = None
    """Input written to a cache that the request asked for."""


class Tier(Rates):
    """Rates of whole requests with more input than a limit."""

    above_input_tokens: int = 0


class Price(Rates):
    """What a model costs."""

    currency: str = "USD"
    """As ISO 4217 has it, such as `USD`."""
    source: str | None = None
    date: str | None = None
    """Of the source, ISO 8601."""
    tiers: tuple[Tier, ...] = ()

    def rates(self, input_tokens: int) -> Rates:
        """Return what a request with so many input tokens pays: the highest tier it is above."""
        above = [tier for tier in self.tiers if input_tokens > tier.above_input_tokens]
        return max(above, key=lambda tier: tier.above_input_tokens, default=self)


class Model(Value):
    """What is known of a model. What nobody has said is None."""

    name: str
    dialects: tuple[str, ...] = ()
    """Those that its service answers; empty: unknown."""
    thinking: bool | None = None
    """Whether it thinks when nothing is said."""
    fixed: bool = False
    """Whether `thinking` cannot be switched."""
    stream_only: Literal["never", "thinking", "always"] = "never"
    vocabulary: str | None = None
    """`qwen2.5`, `qwen-old` (Qwen3: the same with more special tokens) or `qwen-new`."""
    template: str | None = None
    """Family of its chat template: a name of `tokens.templates.FAMILIES`."""
    tokenizer: str | None = None
    """Path of a tokenizer.json of the user's own, from the project's root."""
    chat_template: str | None = None
    """Path of a Jinja chat template of the user's own, from the project's root."""
    pixels_per_token: int | None = None
    context_tokens: int | None = None
    """Context window: the most that prompt and answer may have together."""
    price: Price | None = None
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

    Raises:
        UsageError: The model of a `like` is in no table.

    >>> find("qwen-plus-2025-07-28").thinking, find("Qwen/Qwen3-8B").stream_only
    (False, 'thinking')
    """
    row = _longest(name, overrides or {})
    if row is None:
        return _builtin(name)
    changes: dict[str, Any] = dict(row)
    like = changes.pop("like", None)
    base = _builtin(like or name)
    if base is None and like:
        raise UsageError(
            f"model {name!r}: like: unknown model {like!r}",
            hint="name one that `qeval tokens Hi --model NAME` knows, such as qwen-plus",
        )
    base = base or Model(name=name)
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
