"""`Value`, the base of every type, and its JSON form."""

from __future__ import annotations

from typing import Any, TypeAlias, dataclass_transform

import msgspec

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict of them."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class _ValueMeta(msgspec.StructMeta):
    """Makes every subclass keyword-only too: msgspec applies `kw_only` to one class alone."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], fields: dict[str, Any], **options: Any
    ) -> Any:
        options.setdefault("kw_only", True)
        return super().__new__(cls, name, bases, fields, **options)


class Value(
    msgspec.Struct,
    metaclass=_ValueMeta,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """An immutable record with named fields only; fields at their default are left out in JSON."""


_ENCODER = msgspec.json.Encoder()
_SORTED = msgspec.json.Encoder(order="deterministic")


def to_json(value: object) -> bytes:
    """Encode values, lists, dicts and scalars as compact UTF-8 JSON, in field order."""
    return _ENCODER.encode(value)


def canonical_json(value: object) -> bytes:
    """Encode as compact JSON with sorted keys: equal values give equal bytes."""
    return _SORTED.encode(value)


def clean(text: str) -> str:
    """Return `text` with lone surrogates, which no UTF-8 file can hold, replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def cleaned(value: Json) -> Json:
    """Return a JSON value with lone surrogates, which no file can hold, replaced by U+FFFD."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): cleaned(item) for key, item in value.items()}
    return value
