"""The shape of `[tool.qeval]`."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from qeval import models
from qeval.errors import suggestion
from qeval.loading.content import WHOLE
from qeval.loading.keys import (
    CONCURRENCY,
    DIALECTS,
    ENVIRONMENT,
    REGION,
    TARGET,
    TIMEOUT,
    Named,
    line_of,
)
from qeval.loading.nodes import Node
from qeval.loading.shapes import (
    Fields,
    Flag,
    ListOf,
    Number,
    Shape,
    TableOf,
    Text,
    Word,
)
from qeval.loading.texts import LITERAL_PATH, wrong_file
from qeval.loading.walking import Walk, Wrong
from qeval.tokens.templates import FAMILIES

MEASURES = ("input_tokens", "output_tokens", "cost", "latency")
"""What comparisons take tolerances for."""


def _model(text: str, _walk: Walk) -> Wrong | None:
    if models.find(text) is not None:
        return None
    return f"{text!r} is no model of the built-in table", suggestion("model", text, models.names())


def _currency(text: str, _walk: Walk) -> Wrong | None:
    if re.fullmatch("[A-Z]{3}", text):
        return None
    return f"{text!r} is no currency code", "write three capitals, as ISO 4217 has them: USD, CNY"


def _date(text: str, _walk: Walk) -> Wrong | None:
    try:
        date.fromisoformat(text)
    except ValueError:
        return f"{text!r} is no date", "write year, month and day: 2026-11-23"
    return None


def _file(text: str, walk: Walk) -> Wrong | None:
    return wrong_file(text, walk.root, walk.root)


_FILE = Text(_file)


def _tiers(values: dict[str, Any], node: Node, walk: Walk) -> None:
    tiers = values.get("tiers")
    if not isinstance(tiers, tuple):
        return
    limits = [tier.get("above_input_tokens") for tier in tiers if isinstance(tier, dict)]
    for limit in sorted({each for each in limits if isinstance(each, int)}):
        if limits.count(limit) > 1:
            message = f"two tiers begin above {limit} input tokens"
            walk.say_at(line_of(node, "tiers"), message, "keep one of them")


_RATES: dict[str, Shape] = {
    "input_per_mtok": Number(ge=0),
    "output_per_mtok": Number(ge=0),
    "thinking_output_per_mtok": Number(ge=0),
    "cached_input_per_mtok": Number(ge=0),
    "explicit_cached_input_per_mtok": Number(ge=0),
    "cache_creation_per_mtok": Number(ge=0),
}
_TIER = Fields(
    "the tier", {"above_input_tokens": WHOLE, **_RATES}, required=("above_input_tokens",)
)
_PRICE = Fields(
    "the price",
    {
        "currency": Text(_currency),
        "source": Text(),
        "date": Text(_date),
        "tiers": ListOf(_TIER),
        **_RATES,
    },
    required=("currency",),
    after=_tiers,
)
_MODEL: dict[str, Shape] = {
    "like": Text(_model),
    "dialects": ListOf(Word(*DIALECTS), least=1),
    "thinking": Flag(),
    "fixed": Flag(),
    "stream_only": Word("never", "thinking", "always"),
    "vocabulary": Word("qwen2.5", "qwen-old", "qwen-new"),
    "template": Word(*FAMILIES),
    "tokenizer": _FILE,
    "chat_template": _FILE,
    "pixels_per_token": WHOLE,
    "context_tokens": WHOLE,
    "price": _PRICE,
    "source": Text(),
    "date": Text(_date),
}
SETTINGS = Fields(
    "[tool.qeval]",
    {
        "suites": LITERAL_PATH,
        "cassettes": LITERAL_PATH,
        "reports": LITERAL_PATH,
        "mode": Word("replay", "record", "refresh", "live"),
        "region": REGION,
        "workspace": ENVIRONMENT,
        "default_targets": ListOf(Text(), least=1),
        "targets": Named(TARGET, slugged=True),
        "concurrency": CONCURRENCY,
        "timeout_s": TIMEOUT,
        "models": TableOf(Fields("the model", _MODEL)),
        "tolerances": Fields(
            "[tool.qeval.tolerances]", {name: Number(ge=0, lt=10) for name in MEASURES}
        ),
    },
)
