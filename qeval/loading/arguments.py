"""Scorers' field types → shapes: what a check's argument and options may be."""
# ruff: noqa: D102  # `read` and `schema` are told once, in `shapes.Shape`

from __future__ import annotations

from typing import Any

from msgspec import inspect

from qeval.loading.nodes import Node
from qeval.loading.shapes import (
    AnyJson,
    Either,
    Fields,
    Flag,
    ListOf,
    Number,
    Several,
    Shape,
    TableOf,
    Text,
    Word,
    either,
)
from qeval.loading.texts import PATH, Function, template
from qeval.loading.walking import Walk

_LIMITS = ("ge", "gt", "le", "lt")


class Templated(Shape):
    """Another shape, or a text that a template makes into it."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.wants = shape.wants

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        if node.id == "scalar" and isinstance(node.value, str) and template(node.value):
            return node.value
        return self.shape.read(node, name, walk)

    def schema(self) -> dict[str, Any]:
        return either(self.shape.schema(), {"type": "string", "pattern": r"\{\{|\{%"})


def argument_shape(kind: inspect.Type, check: str) -> Shape:
    """Return the shape for a field of a scorer; texts may be templates, and so may the rest."""
    special = _SPECIAL.get(check) if _textual(kind) else None
    shape = special or shape_of(kind)
    if isinstance(shape, Fields):
        shape.label = check
    return shape if isinstance(shape, Text | AnyJson) else Templated(shape)


_SPECIAL: dict[str, Shape] = {
    "python": Function(),
    "json_schema": Either(scalar=PATH, mapping=TableOf(AnyJson())),
}


def _textual(kind: inspect.Type) -> bool:
    parts = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return any(isinstance(part, inspect.StrType) for part in parts)


def shape_of(kind: inspect.Type) -> Shape:
    """Return the shape for a msgspec type."""
    if isinstance(kind, inspect.Metadata):
        return shape_of(kind.type)
    if isinstance(kind, inspect.UnionType):
        return _union([part for part in kind.types if not isinstance(part, inspect.NoneType)])
    made = _MAKERS.get(type(kind))
    return AnyJson() if made is None else made(kind)


def _number(kind: Any) -> Shape:
    limits = {name: getattr(kind, name) for name in _LIMITS if getattr(kind, name) is not None}
    return Number(whole=isinstance(kind, inspect.IntType), **limits)


def _struct(kind: Any) -> Shape:
    fields = {field.encode_name: shape_of(field.type) for field in kind.fields}
    required = [field.encode_name for field in kind.fields if field.required]
    return Fields(kind.cls.__name__.lower(), fields, required=required)


def _list(kind: Any) -> Shape:
    return ListOf(shape_of(kind.item_type))


_MAKERS: dict[type, Any] = {
    inspect.StrType: lambda _: Text(null_as_written=True),
    inspect.IntType: _number,
    inspect.FloatType: _number,
    inspect.BoolType: lambda _: Flag(),
    inspect.LiteralType: lambda kind: Word(*(str(value) for value in kind.values)),
    inspect.VarTupleType: _list,
    inspect.ListType: _list,
    inspect.CollectionType: _list,
    inspect.DictType: lambda kind: TableOf(shape_of(kind.value_type)),
    inspect.StructType: _struct,
}


def _union(kinds: list[inspect.Type]) -> Shape:
    """Return one shape for scalars, one for lists, one for mappings."""
    if any(isinstance(kind, inspect.AnyType) for kind in kinds):
        return AnyJson()
    if len(kinds) == 1:
        return shape_of(kinds[0])
    shapes = [shape_of(kind) for kind in kinds]
    sequences = [shape for shape in shapes if isinstance(shape, ListOf)]
    mappings = [shape for shape in shapes if isinstance(shape, TableOf | Fields)]
    scalars = [shape for shape in shapes if shape not in (*sequences, *mappings)]
    return Either(
        scalar=_scalars(scalars) if scalars else None,
        sequence=sequences[0] if sequences else None,
        mapping=mappings[0] if mappings else None,
    )


def _scalars(shapes: list[Shape]) -> Shape:
    """Return a shape that reads flags and numbers as such, and the rest as text or a word."""
    flags = [shape for shape in shapes if isinstance(shape, Flag)]
    numbers = [shape for shape in shapes if isinstance(shape, Number)]
    others = [shape for shape in shapes if shape not in (*flags, *numbers)]
    choices: list[Any] = [(lambda value: isinstance(value, bool), shape) for shape in flags]
    choices += [
        (lambda value: isinstance(value, int | float) and not isinstance(value, bool), shape)
        for shape in numbers
    ]
    last = others[0] if others else (numbers or flags)[0]
    if not choices or len(shapes) == 1:
        return last
    return Several(" or ".join(shape.wants for shape in shapes), *choices, otherwise=last)
