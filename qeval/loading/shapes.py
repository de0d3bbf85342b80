"""Shapes: what may stand in a place, told once, for reading and for the JSON Schema alike."""
# ruff: noqa: D102  # `read` and `schema` are told once, in `shapes.Shape`

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from qeval.loading.mistakes import meant
from qeval.loading.nodes import PLAIN, VALUE, Node, json_of, plain, scalar
from qeval.loading.walking import Bad, Walk, Wrong, got
from qeval.value import Json

OWN = "judge with a function of your own: `python: judging.py:score`"
PYTHON = "name a function as `path.py:function`, or `package.module:function`"
RESERVED = {
    "judge": OWN,
    "similar": OWN,
    "property": OWN,
    "retry": "ask several times with `trials:`",
    "only": "choose where you run: `qeval run SUITE --case ID`",
}
"""Names kept for later versions of the format, each with what there is today."""
EMPTY = "name at least one, or leave the key out"


class Shape:
    """Something that may stand in a place."""

    wants = "a value"

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        """Return the value of the node, or say what is wrong with it and return `BAD`.

        Args:
            node: What is written.
            name: What messages call the place.
            walk: The file.
        """
        raise NotImplementedError

    def schema(self) -> dict[str, Json]:
        """Return the JSON Schema (Draft 7) of the place."""
        raise NotImplementedError

    def refuse(self, node: Node, name: str, walk: Walk, hint: str | None = None) -> Bad:
        """Say that something else was wanted."""
        hint = hint or self.advice(node, name)
        return walk.say(node, f"{name} wants {self.wants}, got {got(node)}", hint)

    def advice(self, node: Node, name: str) -> str | None:
        """Return what to write instead of a node that is refused; None: the message says it."""
        del node, name
        return None


class AnyJson(Shape):
    """Any JSON value, by the core schema of YAML 1.2."""

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        value = json_of(node)
        if walk.dressed and _has_function(value):
            return walk.say(node, f"{name} wants a JSON value, got a function")
        return value

    def schema(self) -> dict[str, Json]:
        return {}


class Text(Shape):
    """Text, taken from any scalar as it is written.

    Args:
        check: Returns what is wrong with a text, or None.
        null: Whether `null` may stand here.
    """

    wants = "text"

    def __init__(
        self,
        check: Callable[[str, Walk], Wrong | None] | None = None,
        *,
        null: bool = False,
        null_as_written: bool = False,
        schema: Mapping[str, Json] | None = None,
    ) -> None:
        self.check = check
        self.null = null
        self.null_as_written = null_as_written
        self._schema = dict(schema or {})

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        if node.id != "scalar":
            return self.refuse(node, name, walk)
        text = node.value
        if node.tag == VALUE:
            if walk.typed or not isinstance(text, bool | int | float | None):
                return self.refuse(node, name, walk)
            text = None if text is None else json.dumps(text)
        if text is None or (node.tag == PLAIN and scalar(node) is None):
            if self.null:
                return None
            if not (self.null_as_written and text):
                return self.refuse(node, name, walk)
        if self.check is not None and (wrong := self.check(text, walk)):
            return walk.say(node, f"{name} {wrong[0]}", wrong[1])
        return text

    def advice(self, node: Node, name: str) -> str | None:
        if node.id != "scalar":
            return None
        if node.tag == VALUE and node.value is not None and not callable(node.value):
            return f'write it in quotes: {name} = "{json.dumps(node.value)}"'
        if node.value:
            return f'in quotes it is text: `{name}: "{node.value}"`'
        return f"write text after `{name}:`, or leave the line out"

    def schema(self) -> dict[str, Json]:
        kinds = ["string", "number", "boolean", "null"]
        return {"type": kinds[: 4 if self.null or self.null_as_written else 3], **self._schema}


_HOLDS = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}


class Number(Shape):
    """A number in a range. `limits` is any of `ge`, `gt`, `le`, `lt`."""

    def __init__(self, *, whole: bool = False, **limits: float) -> None:
        self.whole = whole
        self.limits = limits
        self.wants = "a whole number" if whole else "a number"

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        value = scalar(node) if node.id == "scalar" else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.refuse(node, name, walk)
        if self.whole and isinstance(value, float):
            return self.refuse(node, name, walk)
        if not self._inside(value):
            return walk.say(node, f"{name} {value} is out of range: {self.range}")
        return value

    def _inside(self, value: float) -> bool:
        return all(_HOLDS[key](value, limit) for key, limit in self.limits.items())

    def advice(self, node: Node, name: str) -> str | None:
        if node.id == "scalar" and isinstance(node.value, str):
            meant = plain(node.value or "?")
            if isinstance(meant, int | float) and not isinstance(meant, bool):
                return f"write it without quotes or fraction: `{name}: {meant:g}`"
        fits = next(n for n in (1, *self.limits.values(), 0) if self._inside(n))
        return f"write a number, such as `{name}: {fits}`"

    @property
    def range(self) -> str:
        """The range in words: `≥ 0 and < 2`."""
        signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
        limits = self.limits
        return " and ".join(f"{sign} {limits[key]}" for key, sign in signs.items() if key in limits)

    def schema(self) -> dict[str, Json]:
        words = {
            "ge": "minimum",
            "gt": "exclusiveMinimum",
            "le": "maximum",
            "lt": "exclusiveMaximum",
        }
        limits = {words[key]: limit for key, limit in self.limits.items()}
        return {"type": "integer" if self.whole else "number", **limits}


class Flag(Shape):
    """`true` or `false`."""

    wants = "true or false"

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        value = scalar(node) if node.id == "scalar" else None
        return value if isinstance(value, bool) else self.refuse(node, name, walk)

    def advice(self, node: Node, name: str) -> str | None:
        word = str(node.value).lower() if node.id == "scalar" else ""
        meant = "true" if word in {"yes", "on", "1"} else "false"
        known = word in {"yes", "on", "1", "no", "off", "0"}
        return f"write `{name}: {meant}`" if known else None

    def schema(self) -> dict[str, Json]:
        return {"type": "boolean"}


class Word(Shape):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.wants = "one of " + ", ".join(sorted(words))

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        if node.id != "scalar" or not isinstance(node.value, str):
            return self.refuse(node, name, walk)
        if node.value in self.words:
            return node.value
        known = ", ".join(sorted(self.words))
        return walk.say(
            node, f"{name} {node.value!r} is none of {known}", meant(node.value, self.words)
        )

    def schema(self) -> dict[str, Json]:
        return {"enum": list(self.words)}


class Either(Shape):
    """One shape for scalars, one for lists, one for mappings; what is None is refused."""

    def __init__(
        self,
        scalar: Shape | None = None,
        sequence: Shape | None = None,
        mapping: Shape | None = None,
    ) -> None:
        self.shapes = {"scalar": scalar, "sequence": sequence, "mapping": mapping}
        self.wants = " or ".join(shape.wants for shape in self.shapes.values() if shape)

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        shape = self.shapes[node.id]
        return self.refuse(node, name, walk) if shape is None else shape.read(node, name, walk)

    def advice(self, node: Node, name: str) -> str | None:
        """Return what to write instead; a single item stands in a list."""
        shape = self.shapes["sequence"] or self.shapes["mapping"] or self.shapes["scalar"]
        return None if shape is None else shape.advice(node, name)

    def schema(self) -> dict[str, Json]:
        return either(*(shape.schema() for shape in self.shapes.values() if shape))


class Several(Shape):
    """Scalars of more than one kind: the first shape that `takes` the value reads it."""

    def __init__(
        self, wants: str, *choices: tuple[Callable[[Json], bool], Shape], otherwise: Shape
    ) -> None:
        self.wants = wants
        self.choices = choices
        self.otherwise = otherwise

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        value = scalar(node) if node.id == "scalar" else None
        for takes, shape in self.choices:
            if takes(value):
                return shape.read(node, name, walk)
        return self.otherwise.read(node, name, walk)

    def schema(self) -> dict[str, Json]:
        return either(*(shape.schema() for _, shape in self.choices), self.otherwise.schema())


class ListOf(Shape):
    """A list. `one` says whether its only item may stand there without brackets."""

    def __init__(self, item: Shape, *, least: int = 0, one: bool = False) -> None:
        self.item = item
        self.least = least
        self.one = one

    @property
    def wants(self) -> str:  # type: ignore[override]  # its words depend on the item's
        """What messages say should stand here."""
        return f"{self.item.wants} or a list" if self.one else "a list"

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        if node.id != "sequence":
            if self.one and node.id == "scalar":
                return (self.item.read(node, name, walk),)
            return self.refuse(node, name, walk)
        if len(node.value) < self.least:
            return walk.say(node, f"{name} is empty", EMPTY)
        read = self.item.read
        return tuple(read(item, name, walk) for item in node.value)

    def advice(self, node: Node, name: str) -> str | None:
        if node.id == "scalar" and node.value not in {None, ""}:
            return f"put it in brackets: `{name}: [{node.value}]`"
        return f"begin each item below `{name}:` with `- `"

    def schema(self) -> dict[str, Json]:
        items: dict[str, Json] = {"type": "array", "items": self.item.schema()}
        if self.least:
            items["minItems"] = self.least
        return either(self.item.schema(), items) if self.one else items


class TableOf(Shape):
    """A mapping with keys of the user's own. `key` returns what is wrong with one, or None."""

    wants = "a mapping"

    def __init__(
        self,
        item: Shape,
        key: Callable[[str], Wrong | None] | None = None,
        *,
        least: int = 0,
    ) -> None:
        self.item = item
        self.key = key
        self.least = least

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        if node.id != "mapping":
            return self.refuse(node, name, walk)
        if len(node.value) < self.least:
            return walk.say(node, f"{name} is empty", EMPTY)
        table = {}
        for key, item in node.value:
            if self.key is not None and (wrong := self.key(key.value)):
                walk.say(key, *wrong)
            table[key.value] = self.item.read(item, key.value, walk)
        return table

    def advice(self, node: Node, name: str) -> str | None:
        del node
        return f"write `key: value` lines below `{name}:`, two spaces in"

    def schema(self) -> dict[str, Json]:
        return {"type": "object", "additionalProperties": self.item.schema()}


After = Callable[[dict[str, Any], Node, Walk], None]


class Fields(Shape):
    """A mapping with known keys.

    Args:
        label: What messages call it: `params`, `the case`.
        fields: Shape of each key.
        required: Keys that must be there.
        after: Looks at the values together with their node; may say mistakes.
        make: Makes the result of the values; they may hold `BAD`.
    """

    wants = "a mapping"

    def __init__(
        self,
        label: str,
        fields: Mapping[str, Shape],
        *,
        required: Iterable[str] = (),
        after: After | None = None,
        empty: bool = False,
    ) -> None:
        self.label = label
        self.fields = dict(fields)
        self.required = tuple(required)
        self.after = after
        self.empty = empty

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        if node.id != "mapping":
            if self.empty and node.id == "scalar" and scalar(node) is None:
                return None
            return self.refuse(node, name, walk)
        fields = self.fields
        values = {}
        for key, item in node.value:
            text = key.value
            shape = fields.get(text)
            if shape is not None:
                values[text] = shape.read(item, text, walk)
            else:
                self.unknown(key, item, walk)
        for missing in self.required:
            if missing not in values:
                walk.say(node, f"{self.label} lacks {missing!r}", f"add `{missing}: …` to it")
        if self.after is not None:
            self.after(values, node, walk)
        return values

    def unknown(self, key: Node, _item: Node, walk: Walk) -> None:
        """Say that a key is not one of ours."""
        text = key.value
        if text in RESERVED:
            walk.say(key, f"{text!r} in {self.label}: not in this version", RESERVED[text])
            return
        message = f"unknown key {text!r} in {self.label}"
        hint = meant(text, self.fields) or f"{self.label} may have {', '.join(sorted(self.fields))}"
        walk.say(key, message, hint)

    def advice(self, node: Node, name: str) -> str | None:
        del node
        if not name.isidentifier():
            return None
        first = self.required[0] if self.required else next(iter(self.fields))
        return f"write `{name}: {{{first}: …}}`, or a line for each key below it"

    def schema(self) -> dict[str, Json]:
        fields: dict[str, Json] = {
            "type": ["object", "null"] if self.empty else "object",
            "additionalProperties": False,
            "properties": {key: shape.schema() for key, shape in self.fields.items()},
        }
        return {**fields, "required": list(self.required)} if self.required else fields


class Reference(Shape):
    """A shape of which the schema keeps one definition. `made` is called when first needed."""

    def __init__(self, name: str, made: Callable[[], Shape]) -> None:
        self.name = name
        self._made = made
        self._shape: Shape | None = None

    @property
    def shape(self) -> Shape:
        """The shape itself."""
        if self._shape is None:
            self._shape = self._made()
        return self._shape

    @property
    def wants(self) -> str:  # type: ignore[override]  # said by the shape
        """What messages say should stand here."""
        return self.shape.wants

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        return self.shape.read(node, name, walk)

    def schema(self) -> dict[str, Json]:
        return {"$ref": f"#/definitions/{self.name}"}


def either(*schemas: dict[str, Json]) -> dict[str, Json]:
    """Return the schema of places that take any of several shapes, flat where types suffice."""
    if any(not schema for schema in schemas):
        return {}
    unique = [schema for i, schema in enumerate(schemas) if schema not in schemas[:i]]
    return unique[0] if len(unique) == 1 else {"anyOf": unique}


def _has_function(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_function(item) for item in value.values())
    return any(map(_has_function, value)) if isinstance(value, list) else callable(value)
