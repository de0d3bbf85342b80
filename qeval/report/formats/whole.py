"""The comparison whole, as JSON: every field of `compare.values`, with its default or without."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from qeval.compare.values import Comparison
from qeval.report.formats.gate import Failure
from qeval.report.marks import escaped
from qeval.value import Value


def render(comparison: Comparison, red: Sequence[Failure] = ()) -> str:
    """Return one object: the fields of `Comparison`, and `failed`, what makes it red."""
    document = _plain(comparison) | {"failed": _plain(tuple(red))}
    return escaped(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Value):
        return {key: _plain(held) for key, held in msgspec.structs.asdict(value).items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    return value
