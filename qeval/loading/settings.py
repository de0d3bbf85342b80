"""The shape of `[tool.qeval]`."""

from __future__ import annotations

from qeval.loading.content import JSON_TABLE, WHOLE
from qeval.loading.keys import ENVIRONMENT, TARGET, Named
from qeval.loading.shapes import AnyJson, Fields, Flag, ListOf, Number, Shape, TableOf, Text, Word
from qeval.loading.texts import LITERAL_PATH
from qeval.tokens.templates import FAMILIES

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
    {"currency": Text(), "source": Text(), "date": Text(), "tiers": ListOf(_TIER), **_RATES},
    required=("currency",),
)
_MODEL: dict[str, Shape] = {
    "like": Text(),
    "dialects": ListOf(Text(), least=1),
    "thinking": Flag(),
    "fixed": Flag(),
    "stream_only": Word("never", "thinking", "always"),
    "vocabulary": Word("qwen2.5", "qwen-old", "qwen-new"),
    "template": Word(*FAMILIES),
    "tokenizer": LITERAL_PATH,
    "chat_template": LITERAL_PATH,
    "pixels_per_token": WHOLE,
    "context_tokens": WHOLE,
    "price": _PRICE,
    "source": Text(),
    "date": Text(),
}
SETTINGS = Fields(
    "[tool.qeval]",
    {
        "suites": LITERAL_PATH,
        "cassettes": LITERAL_PATH,
        "reports": LITERAL_PATH,
        "mode": Word("replay", "record", "refresh", "live"),
        "region": ENVIRONMENT,
        "workspace": ENVIRONMENT,
        "default_targets": ListOf(Text(), least=1),
        "targets": Named(TARGET, slugged=True),
        "concurrency": WHOLE,
        "timeout_s": Number(gt=0),
        "models": TableOf(Fields("the model", _MODEL)),
        "tolerances": TableOf(AnyJson()),
    },
)
__all__ = ["JSON_TABLE", "SETTINGS"]
