"""The shape of a check: one key that is a check's name, options and modifiers beside it."""
# ruff: noqa: D102  # `read` and `schema` are told once, in `shapes.Shape`

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from qeval.loading.arguments import argument_shape
from qeval.loading.content import one_of
from qeval.loading.mistakes import meant
from qeval.loading.nodes import Node, scalar
from qeval.loading.shapes import (
    RESERVED,
    AnyJson,
    Either,
    Fields,
    ListOf,
    Number,
    Reference,
    Shape,
    Text,
    Word,
    either,
)
from qeval.loading.texts import template
from qeval.loading.walking import BAD, Walk, Wrong, bad
from qeval.scorers.base import SCORERS
from qeval.suite import Check


def wrong_regex(text: str, _walk: Walk) -> Wrong | None:
    """Return why a text is no regular expression, or None."""
    if template(text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        hint = r"put a backslash before a sign that is meant as such: \( for ("
        return f"{text!r} is no regular expression: {error}", hint
    return None


_EXTRACT_WORD = Word("json", "code", "number")
_EXTRACT_TABLE = Fields(
    "extract",
    {"json": Text(), "code": Text(), "regex": Text(wrong_regex)},
    after=one_of("extract", "json", "code", "regex"),
)
_EXTRACT_STEP = Either(scalar=_EXTRACT_WORD, mapping=_EXTRACT_TABLE)
MODIFIERS: dict[str, Shape] = {
    "of": Word("answer", "completed", "reasoning", "calls", "response"),
    "extract": Either(
        scalar=_EXTRACT_WORD,
        sequence=ListOf(_EXTRACT_STEP, least=1),
        mapping=_EXTRACT_TABLE,
    ),
    "threshold": Number(ge=0, le=1),
    "weight": Number(ge=0),
    "severity": Word("fail", "warn"),
    "name": Text(),
}


class Kind(msgspec.Struct, frozen=True):
    """What the walk must know of one scorer."""

    scorer: Any
    argument: Shape | None
    """None: it takes none."""
    main: str | None
    """The field that holds the argument."""
    bare: bool
    """Whether it may stand without argument."""
    options: dict[str, Shape]
    reversible: bool

    def allowed(self) -> dict[str, Shape]:
        """Own options, then modifiers."""
        return {**self.options, **MODIFIERS}


@cache
def kind(name: str) -> Kind | None:
    """Return what the walk must know of the scorer of that name, or None."""
    scorer = SCORERS.find(name)
    if scorer is None:
        return None
    info = inspect.type_info(scorer)
    assert isinstance(info, inspect.StructType)  # noqa: S101  # the registry holds values
    group = bool(getattr(scorer, "group", False))
    limit = bool(getattr(scorer, "limit", False))
    fields = list(info.fields)
    main, rest = (fields[0], fields[1:]) if fields else (None, [])
    argument = None
    if main is not None:
        argument = GROUPED if group else argument_shape(main.type, name)
    return Kind(
        scorer=scorer,
        argument=argument,
        main=main.name if main else None,
        bare=main is None or not main.required,
        options={field.name: argument_shape(field.type, name) for field in rest},
        reversible=not (group or limit),
    )


def check_names() -> list[str]:
    """Return the names of all checks, sorted."""
    return sorted(SCORERS.names())


def split(name: str) -> tuple[str, bool]:
    """Return a check's name without `not-`, and whether that was there."""
    return (name[4:], True) if name.startswith("not-") else (name, False)


def names() -> list[str]:
    """Return all that may name a check, `not-` names included."""
    found = []
    for name in check_names():
        found.append(name)
        known = kind(name)
        if known is not None and known.reversible:
            found.append(f"not-{name}")
    return found


class CheckShape(Shape):
    """One check."""

    wants = "a check"

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        entries = self.entries(node, name, walk)
        return BAD if entries is BAD else Check(**entries)

    def entries(self, node: Node, name: str, walk: Walk) -> Any:
        """Return the entries of a check, its name first."""
        if node.id == "mapping":
            return self._mapping(node, walk)
        if node.id == "scalar" and isinstance(node.value, str):
            return self._bare(node, walk)
        return self.refuse(node, name, walk)

    def _bare(self, node: Node, walk: Walk) -> Any:
        known = self._known(node, walk)
        if known is None:
            return BAD
        if not known.bare:
            return walk.say(node, f"check {node.value!r} needs an argument: `{node.value}: …`")
        return {node.value: None}

    def _mapping(self, node: Node, walk: Walk) -> Any:
        mains = _mains(node)
        if len(mains) != 1:
            return self._unclear(node, mains, walk)
        known = self._known(mains[0], walk)
        if known is None:
            return BAD
        before = len(walk.mistakes)
        values = {mains[0].value: self._argument(node, mains[0], known, walk)}
        allowed = known.allowed()
        for key, item in node.value:
            if key is mains[0]:
                continue
            shape = allowed.get(key.value)
            if shape is None:
                values[key.value] = self._no_option(key, split(mains[0].value)[0], known, walk)
            else:
                values[key.value] = shape.read(item, key.value, walk)
        if len(walk.mistakes) > before or bad(values) or wrong(values, known, mains[0], walk):
            return BAD
        return values

    def _unclear(self, node: Node, mains: list[Node], walk: Walk) -> Any:
        if len(mains) > 1:
            listed = " and ".join(repr(key.value) for key in mains)
            hint = "write each check as an item of its own, or both inside `all:`"
            return walk.say(mains[1], f"one check at a time, got {listed}", hint)
        options = set(MODIFIERS)
        strange = [key for key, _ in node.value if key.value not in options]
        own = [key for key in strange if not _option_of_any(key.value)]
        if not own:
            message = "a check needs a key that is a check's name"
            return walk.say(node, message, "such as `contains: Paris`")
        return self._strange(own[0], walk)

    def _known(self, key: Node, walk: Walk) -> Kind | None:
        """Return the kind of a check, or say why there is none of that name."""
        name, reversed_ = split(key.value)
        known = kind(name)
        if known is None:
            self._strange(key, walk)
        elif reversed_ and not known.reversible:
            message = f"check {name!r} has no not-: limits and groups cannot be reversed"
            hint = "set the opposite limit"
            if known.argument is GROUPED:
                hint = "write the other group, with not- before each check inside"
            walk.say(key, message, hint)
            return None
        return known

    def _strange(self, key: Node, walk: Walk) -> Any:
        name = key.value
        if (later := RESERVED.get(split(name)[0])) is not None:
            return walk.say(key, f"check {name!r}: not in this version", later)
        hint = meant(name, names()) or f"known checks: {', '.join(check_names())}"
        return walk.say(key, f"unknown check {name!r}", hint)

    def _no_option(self, key: Node, name: str, known: Kind, walk: Walk) -> Any:
        has = ", ".join((*known.options, *MODIFIERS))
        hint = meant(key.value, known.allowed())
        return walk.say(key, f"check {name!r} has no option {key.value!r}; it has {has}", hint)

    def _argument(self, node: Node, main: Node, known: Kind, walk: Walk) -> Any:
        item = next(item for key, item in node.value if key is main)
        if known.argument is None or (known.bare and _nothing(item)):
            if not _nothing(item):
                hint = f"write `{main.value}` alone"
                return walk.say(item, f"{main.value} takes no argument", hint)
            return None
        name = split(main.value)[0]
        shape = known.argument
        if name == "equals":
            shape = _JSON if _takes_out_json(node) and not _nothing(item) else _AS_WRITTEN
        if isinstance(shape, Text) and item.id == "sequence" and kind(f"{name}_any"):
            return shape.refuse(item, main.value, walk, f"did you mean '{name}_any'?")
        return shape.read(item, main.value, walk)

    def schema(self) -> dict[str, Any]:
        words = [name for name in names() if _bare_word(name)]
        return {"anyOf": [self._flat(), {"type": "string", "enum": words}]}

    def _flat(self) -> dict[str, Any]:
        """One object of all names, options and modifiers; an option depends on its checks."""
        properties: dict[str, Any] = {}
        owners: dict[str, list[str]] = {}
        for name in names():
            known = kind(split(name)[0])
            assert known is not None  # noqa: S101
            properties[name] = _argument_schema(known)
            for option in known.options:
                owners.setdefault(option, []).append(name)
        for option, of in owners.items():
            forms = [kinds.options[option].schema() for n in of if (kinds := kind(split(n)[0]))]
            properties[option] = either(*forms)
        for option, shape in MODIFIERS.items():
            properties[option] = shape.schema()
        return {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": properties,
            "dependencies": {
                option: {"anyOf": [{"required": [name]} for name in of]}
                for option, of in owners.items()
            },
        }


_JSON = AnyJson()
_AS_WRITTEN = Text(null_as_written=True)


def _mains(node: Node) -> list[Node]:
    """Return the keys that are checks' names.

    What is an option of the check before it is not looked up: a name that no built-in bears makes
    the registry look for installed ones, which takes longer than a whole suite.
    """
    found = []
    options: dict[str, Shape] = MODIFIERS
    for key, _ in node.value:
        known = None if key.value in options else kind(split(key.value)[0])
        if known is not None:
            found.append(key)
            options = {**options, **known.options}
    return found


CHECK = Reference("check", CheckShape)
CHECKS = ListOf(CHECK)
GROUPED = ListOf(CHECK, least=1)


def wrong(values: dict[str, Any], known: Kind, main: Node, walk: Walk) -> bool:
    """Say what the scorer itself has against its settings, where no template hides them."""
    fields = {key: value for key, value in values.items() if key in known.options}
    argument = values[main.value]
    if known.main is not None and argument is not None:
        fields[known.main] = argument
    if known.argument is GROUPED or _unready(fields):
        return False
    try:
        msgspec.convert(fields, known.scorer)
    except msgspec.ValidationError as error:
        # Types have been seen to; the cause is what the scorer itself raised.
        if error.__cause__ is not None:
            reason = str(error.__cause__)
            named = reason.startswith(main.value)
            walk.say(main, reason if named else f"{main.value}: {reason}")
            return True
    return False


def _unready(value: Any) -> bool:
    """Whether something is still to be rendered, or is a function given as such."""
    if isinstance(value, str):
        return template(value)
    if isinstance(value, dict):
        return any(_unready(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_unready(item) for item in value)
    return callable(value)


def _nothing(node: Node) -> bool:
    return node.id == "scalar" and scalar(node) is None


def _takes_out_json(node: Node) -> bool:
    """Whether a check's `extract` ends in JSON, so that `equals` compares JSON values."""
    for key, item in node.value:
        if key.value != "extract":
            continue
        last = item.value[-1] if item.id == "sequence" and item.value else item
        if last.id == "mapping":
            return any(name.value == "json" for name, _ in last.value)
        return last.value in {"json", "number"}
    return False


def _option_of_any(name: str) -> bool:
    return any(name in known.options for n in check_names() if (known := kind(n)))


def _bare_word(name: str) -> bool:
    known = kind(split(name)[0])
    return known is not None and known.bare


def _argument_schema(known: Kind) -> dict[str, Any]:
    if known.argument is None:
        return {"type": "null"}
    schema = known.argument.schema()
    return either(schema, {"type": "null"}) if known.bare else schema
