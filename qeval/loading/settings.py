"""The shape of `[tool.qeval]`."""

from __future__ import annotations

from qeval.loading.content import JSON_TABLE, WHOLE
from qeval.loading.keys import ENVIRONMENT, TARGET, Named
from qeval.loading.shapes import AnyJson, Fields, Flag, ListOf, Number, Shape, TableOf, Text, Word
from qeval.loading.texts import LITERAL_PATH

_PRICE = Number(ge=0)
_MODEL: dict[str, Shape] = {
    "like": Text(),
    "dialects": ListOf(Text(), least=1),
    "thinking": Flag(),
    "fixed": Flag(),
    "stream_only": Word("never", "thinking", "always"),
    "vocabulary": Word("qwen-old", "qwen-new"),
    "template": Text(),
    "tokenizer": LITERAL_PATH,
    "pixels_per_token": WHOLE,
    "input_usd_per_mtok": _PRICE,
    "output_usd_per_mtok": _PRICE,
    "cached_input_usd_per_mtok": _PRICE,
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
