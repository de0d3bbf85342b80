"""The JSON Schema of suite files, from the same shapes as the loader's."""

from __future__ import annotations

from typing import Any

from qeval.loading.checking import CHECK
from qeval.loading.content import CONTENT, TEXT, TOOL, VARS
from qeval.loading.keys import PARAMS_TABLE, SUITE
from qeval.value import Json


def json_schema() -> dict[str, Json]:
    """Return the schema (Draft 7) that editors use; the loader stays the judge.

    A check is one flat object of all names, options and modifiers, with `dependencies` from each
    option to its checks, beside an `enum` of bare words. Installed third-party scorers are in it.
    """
    definitions = {
        "params": PARAMS_TABLE.schema(),
        "content": CONTENT.schema(),
        "text": TEXT.schema(),
        "tool": TOOL.schema(),
        "vars": VARS.schema(),
        "check": CHECK.shape.schema(),
    }
    whole = SUITE.schema()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "qeval suite",
        **_shortened(whole, definitions),
        "definitions": definitions,
    }


def _shortened(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put a reference where a definition stands in full."""
    if isinstance(schema, list):
        return [_shortened(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    for name, definition in definitions.items():
        if schema == definition:
            return {"$ref": f"#/definitions/{name}"}
    return {key: _shortened(item, definitions) for key, item in schema.items()}
