"""Arguments of checks as written → fields of scorers, and sentences about those that do not fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from qeval.errors import nearest
from qeval.scorers.wording import plain, shown
from qeval.value import Json

# ruff: noqa: TRY004  # whatever is wrong with an argument is a ValueError: one kind to catch


def build(kind: type[Any], written: str, given: Mapping[str, Json]) -> Any:
    """Return the scorer with its main argument and its options.

    A text field takes any scalar, as JSON writes it: a template may have made a number of it.

    Args:
        kind: The scorer's class. Its first field is the main argument.
        written: The check's name as written, `not-` included; a key of `given`.
        given: The check without its modifiers.

    Raises:
        ValueError: The arguments do not fit; the message is one sentence.
    """
    fields = kind.__struct_fields__
    values = {key: value for key, value in given.items() if key != written}
    main = fields[0] if fields else ""
    argument = given[written]
    if argument is not None and not fields:
        raise ValueError(f"{written} takes no argument, got {shown(argument)}")
    if argument is not None:
        values[main] = argument
    if callable(argument):
        return kind(**values)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError:
        pass
    return _one_by_one(kind, written, main, values)


def _one_by_one(kind: type[Any], written: str, main: str, values: dict[str, Json]) -> Any:
    """Convert each field on its own, so that what does not fit can be named."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)  # noqa: S101 (scorers are Values)
    types = {field.name: field.type for field in info.fields}
    name = written.removeprefix("not-")
    for key in values:
        if key not in types:
            known = [field for field in types if field != main]
            close = nearest(key, known)
            has = f"did you mean {close!r}?" if close else f"it has {', '.join(known) or 'none'}"
            raise ValueError(f"check {name!r} has no option {key!r}; {has}")
    missing = [f.name for f in info.fields if f.required and f.name not in values]
    if missing:
        raise ValueError(f"{written} needs {'an argument' if missing == [main] else missing[0]}")
    hints = get_type_hints(kind, include_extras=True)
    told = {main: written}
    made = {
        key: _fitted(value, hints[key], types[key], told.get(key, f"{key} of {written}"))
        for key, value in values.items()
    }
    return kind(**made)


def _fitted(value: Json, hint: Any, kind: inspect.Type, name: str) -> Any:
    """Convert one value, as it is or as text; text of a table may be a number or a flag."""
    for form in (value, _as_text(value)):
        try:
            return msgspec.convert(form, hint)
        except msgspec.ValidationError as error:
            # What the type of a field refuses in its own words, it says best itself.
            if isinstance(error.__cause__, ValueError):
                raise ValueError(str(error.__cause__)) from None
    if isinstance(value, str):
        with suppress(msgspec.ValidationError):
            return msgspec.convert(value.strip(), hint, strict=False)
    if isinstance(kind, inspect.StructType) and isinstance(value, Mapping):
        return _struct(value, kind, name)
    raise ValueError(f"{name} wants {_wanted(kind)}, got {_got(value)}")


def _struct(value: Mapping[str, Json], kind: inspect.StructType, name: str) -> Any:
    """Convert a mapping into a Value, field by field."""
    types = {field.name: field.type for field in kind.fields}
    hints = get_type_hints(kind.cls, include_extras=True)
    for key in value:
        if key not in types:
            close = nearest(key, types)
            known = f"did you mean {close!r}?" if close else f"it has {', '.join(types)}"
            raise ValueError(f"{name} has no {key!r}; {known}")
    made = {k: _fitted(v, hints[k], types[k], f"{k} of {name}") for k, v in value.items()}
    return kind.cls(**made)


_WANTED: dict[type, str] = {
    inspect.StrType: "text",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.DictType: "a mapping",
    inspect.StructType: "a mapping",
}
_SIGNS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
_LISTS = (inspect.VarTupleType, inspect.ListType, inspect.CollectionType)


def _wanted(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.UnionType):
        words = [_wanted(part) for part in kind.types if not isinstance(part, inspect.NoneType)]
        return " or ".join(dict.fromkeys(words))
    if isinstance(kind, inspect.LiteralType):
        return f"one of {', '.join(str(value) for value in kind.values)}"
    if isinstance(kind, _LISTS):
        inner = isinstance(kind.item_type, inspect.StrType)
        return "a list of texts" if inner else "a list"
    word = _WANTED.get(type(kind), "something else")
    limits = [
        f"{sign} {bound}" for key, sign in _SIGNS if (bound := getattr(kind, key, None)) is not None
    ]
    return " ".join((word, " and ".join(limits))) if limits else word


def _got(value: Json) -> str:
    if isinstance(value, list | tuple):
        return f"a list: {shown(value)}"
    if isinstance(value, Mapping):
        return f"a mapping: {shown(value)}"
    if isinstance(value, bool):
        return shown(value)
    if value is None:
        return "nothing"
    return shown(value) if isinstance(value, int | float) else f"text: {shown(value)}"


def _as_text(value: Json) -> Json:
    """Return scalars as JSON writes them, within lists too; anything else as it is."""
    if isinstance(value, list | tuple):
        return [_as_text(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return plain(json.dumps(value), 10_000)
    return value
