"""Shapes of what is asked: texts, parts, documents, messages, data, tools."""
# ruff: noqa: D102  # `read` and `schema` are told once, in `shapes.Shape`

from __future__ import annotations

from typing import Any

from qeval.loading.mistakes import meant
from qeval.loading.nodes import Node
from qeval.loading.shapes import (
    AnyJson,
    Either,
    Fields,
    Flag,
    ListOf,
    Number,
    TableOf,
    Text,
    Word,
)
from qeval.loading.texts import LITERAL_PATH, MEDIA, PATH, Function, wrong_variable
from qeval.loading.walking import Walk

WHOLE = Number(whole=True, ge=1)
JSON_TABLE = TableOf(AnyJson())


def one_of(label: str, *keys: str) -> Any:
    """Return a look at a mapping that must have exactly one of some keys."""
    listed = f"{', '.join(keys[:-1])} or {keys[-1]}"

    def look(values: dict[str, Any], node: Node, walk: Walk) -> None:
        there = [key for key in keys if key in values]
        if len(there) != 1:
            found = " and ".join(there) or "none"
            hint = f"leave {there[-1]} out" if there else f"add `{keys[0]}: …`"
            walk.say(node, f"{label} has exactly one of {listed}, got {found}", hint)

    return look


_OPTIONS: dict[str, tuple[str, ...]] = {
    "text": ("cache",),
    "file": ("cache",),
    "template": ("cache",),
    "image": ("min_pixels", "max_pixels", "cache"),
    "video": ("fps", "min_pixels", "max_pixels", "total_pixels"),
    "audio": (),
}
_one_part = one_of("a part", *_OPTIONS)


def _fitting(values: dict[str, Any], node: Node, walk: Walk) -> None:
    """Say which options of a part belong to parts of another kind."""
    _one_part(values, node, walk)
    kinds = [key for key in values if key in _OPTIONS]
    if len(kinds) != 1:
        return
    own = _OPTIONS[kinds[0]]
    for key, _ in node.value:
        if key.value in values and key.value not in (kinds[0], *own):
            has = f"it has {', '.join(own)}" if own else "it has none"
            walk.say(key, f"{kinds[0]} has no option {key.value!r}; {has}", meant(key.value, own))


PART = Fields(
    "the part",
    {
        "text": Text(),
        "file": PATH,
        "template": PATH,
        "image": MEDIA,
        "video": Either(scalar=MEDIA, sequence=ListOf(MEDIA, least=1)),
        "audio": MEDIA,
        "cache": Flag(),
        "min_pixels": WHOLE,
        "max_pixels": WHOLE,
        "total_pixels": WHOLE,
        "fps": Number(gt=0),
    },
    after=_fitting,
)
FILED = Fields("the text", {"file": PATH, "template": PATH}, after=one_of("it", "file", "template"))
TEXT = Either(scalar=Text(), mapping=FILED)
TEXT_OR_NONE = Either(scalar=Text(null=True), mapping=FILED)
CONTENT = Either(
    scalar=Text(),
    sequence=ListOf(Either(scalar=Text(), mapping=PART), least=1),
    mapping=PART,
)
CONTEXT = ListOf(
    Either(
        scalar=Text(),
        mapping=Fields(
            "the document",
            {"text": Text(), "file": PATH, "title": Text()},
            after=one_of("a document", "text", "file"),
        ),
    )
)

_MESSAGE = Fields(
    "the message",
    {
        "role": Word("system", "user", "assistant", "tool"),
        "content": CONTENT,
        "tool_calls": ListOf(JSON_TABLE),
        "tool_call_id": Text(),
        "reasoning_content": Text(),
        "name": Text(),
    },
    required=("role",),
)


class Messages(ListOf):
    """A scripted conversation; its last message is what is asked."""

    def __init__(self) -> None:
        super().__init__(_MESSAGE, least=1)

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        messages = super().read(node, name, walk)
        if isinstance(messages, tuple) and isinstance(messages[-1], dict):
            role = messages[-1].get("role")
            if role in {"system", "assistant"}:
                hint = "end with what the user says: `{role: user, content: …}`"
                if role == "assistant":
                    hint = "give the beginning of the answer as `partial:`"
                last = node.value[-1]
                message = f"the last message asks, so its role is user or tool, got {role!r}"
                walk.say(last, message, hint)
        return messages


VARS = TableOf(AnyJson(), wrong_variable)
ROWS = Either(
    scalar=LITERAL_PATH,
    sequence=ListOf(TableOf(AnyJson(), wrong_variable), least=1),
    mapping=Fields(
        "rows",
        {
            "file": Either(scalar=LITERAL_PATH, sequence=ListOf(LITERAL_PATH, least=1)),
            "where": Text(),
            "limit": WHOLE,
        },
        required=("file",),
    ),
)
GRID = TableOf(ListOf(AnyJson(), least=1), wrong_variable, least=1)


def _one_answer(values: dict[str, Any], node: Node, walk: Walk) -> None:
    if "result" in values and "python" in values:
        walk.say(node, "a tool has result or python, not both", "keep the one that answers")


TOOL = Fields(
    "the tool",
    {
        "description": Text(),
        "parameters": JSON_TABLE,
        "result": AnyJson(),
        "python": Function(),
    },
    required=("description",),
    after=_one_answer,
)
TOOLS = Either(sequence=ListOf(Text()), mapping=TableOf(TOOL))
RESPONSE_FORMAT = Either(
    scalar=Word("text", "json"),
    mapping=Fields(
        "response_format",
        {
            "schema": Either(scalar=LITERAL_PATH, mapping=JSON_TABLE),
            "name": Text(),
            "strict": Flag(),
        },
        required=("schema",),
    ),
)
