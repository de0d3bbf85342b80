"""The tools of a case, and what answers when the model calls one (suites.md section 8)."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from qeval.loading.cases.filling import TemplateFault, Values
from qeval.loading.cases.pieces import Notes, Piece
from qeval.loading.cases.templates import Filler
from qeval.loading.nodes import Path as KeyPath
from qeval.scorers.base import Home
from qeval.scorers.functions import awaited, find
from qeval.scorers.structure import JsonSchema
from qeval.scorers.wording import REASON, first_line, plain
from qeval.suite import Case, Suite
from qeval.turns import Tool
from qeval.value import Json, Value

_OWN = frozenset(("arguments", "call"))
"""What a result's template sees beside the case's variables."""
_WRITTEN_SO = "write `parameters: {type: object, properties: {city: {type: string}}}`"
_COMPOSED = frozenset(("$ref", "allOf", "anyOf", "oneOf"))
"""What may say elsewhere that parameters are an object."""
_TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))
_NOWHERE = Home(folder=Path(), root=Path())
"""A schema that is given needs no files."""
_ADDRESS = re.compile("0x[0-9a-fA-F]{6,}")
_NO_PARAMETERS: dict[str, Json] = {"type": "object", "properties": {}}


class ToolRecipe(Value):
    """A tool whose answer may be a template."""

    name: str
    definition: dict[str, Json]
    result: Piece | None = None
    function: Callable[..., Json] | None = None
    content: Json = None
    """What stands for its answer in digests."""

    def fill(self, values: Values) -> Tool:
        """Return the tool as a case with these values offers it."""
        function, result = self.function, self.result
        if function is not None:

            def call(arguments: dict[str, Json], _number: int) -> Json:
                return _called(function, self.name, arguments)

            return Tool(name=self.name, definition=self.definition, answer=call, python=True)
        if result is None:
            return Tool(name=self.name, definition=self.definition)

        def answer(arguments: dict[str, Json], number: int) -> Json:
            try:
                return result.fill({**values, "arguments": arguments, "call": number})
            except TemplateFault as fault:
                raise ValueError(fault.message) from None

        return Tool(name=self.name, definition=self.definition, answer=answer)


def tools_of(
    suite: Suite, case: Case, path: KeyPath, notes: Notes, root: Path
) -> tuple[ToolRecipe, ...]:
    """Return the tools that a case offers: a mapping adds, a list picks, `[]` offers none."""
    shared = suite.tools if isinstance(suite.tools, dict) else {}
    offered: dict[str, tuple[KeyPath, Mapping[str, Json]]] = {
        name: (("tools", name), tool) for name, tool in shared.items()
    }
    if isinstance(case.tools, dict):
        offered |= {name: ((*path, "tools", name), tool) for name, tool in case.tools.items()}
    elif case.tools is not None:
        offered = {name: offered[name] for name in case.tools}
    found = [
        _tool(name, place, tool, (path, case.results, notes, root))
        for name, (place, tool) in offered.items()
    ]
    return tuple(tool for tool in found if tool is not None)


def _tool(
    name: str,
    place: KeyPath,
    tool: Mapping[str, Json],
    of_case: tuple[KeyPath, Mapping[str, Json], Notes, Path],
) -> ToolRecipe | None:
    path, results, notes, root = of_case
    parameters = tool.get("parameters", _NO_PARAMETERS)
    if wrong := _wrong_parameters(parameters):
        notes.add((*place, "parameters"), f"tool {name!r}: parameters: {wrong}", _WRITTEN_SO)
        return None
    definition = {"name": name, "description": tool["description"], "parameters": parameters}
    if name in results:
        return _answered(definition, results[name], (*path, "results", name), notes)
    if "result" in tool:
        return _answered(definition, tool["result"], (*place, "result"), notes)
    if "python" not in tool:
        return ToolRecipe(name=name, definition=definition)
    written = tool["python"]
    home = Home(folder=notes.folder(place), root=root)
    function = notes.read("tools", place, lambda: _found(written, home))
    if function is None:
        return None
    content = getattr(function, "__qualname__", type(function).__name__)
    return ToolRecipe(name=name, definition=definition, function=function, content=content)


def _wrong_parameters(parameters: dict[str, Json]) -> str | None:
    """Return what is wrong with the parameters of a tool, or None."""
    if not _plain(parameters):
        try:
            JsonSchema(source=parameters).bind(_NOWHERE)
        except ValueError as error:
            return str(error)
    kind = parameters.get("type")
    if kind is None:
        return None if parameters.keys() & _COMPOSED else "they have no type"
    kinds = kind if isinstance(kind, list | tuple) else (kind,)
    return None if "object" in kinds else f"their type is {json.dumps(kind)}, not object"


def _plain(schema: Json) -> bool:
    """Whether a schema is seen to be one without the library, which takes 40 ms to load."""
    return isinstance(schema, dict) and all(
        key in _SEEN and _SEEN[key](value) for key, value in schema.items()
    )


def _texts(value: Json) -> bool:
    listed = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    return listed and len(set(value)) == len(value)


_SEEN: dict[str, Callable[[Json], bool]] = {
    "type": lambda value: isinstance(value, str) and value in _TYPES,
    "description": lambda value: isinstance(value, str),
    "title": lambda value: isinstance(value, str),
    "properties": lambda value: isinstance(value, dict) and all(map(_plain, value.values())),
    "items": _plain,
    "required": _texts,
    "enum": _texts,
    "additionalProperties": lambda value: isinstance(value, bool),
}
"""Keywords of nearly all schemas, and whether their values are right beyond doubt."""


def _answered(
    definition: dict[str, Json], result: Json, place: KeyPath, notes: Notes
) -> ToolRecipe | None:
    made = notes.piece("tools", place, lambda: Filler(result))
    if made is None:
        return None
    piece = Piece(
        label=made.label,
        where=made.where,
        names=made.names - _OWN,
        seen=made.seen - _OWN,
        fill=made.fill,
        inherited=made.inherited,
    )
    return ToolRecipe(name=definition["name"], definition=definition, result=piece, content=result)


def _found(written: Json, home: Home) -> Callable[..., Json]:
    try:
        return find(written, home)
    except ValueError as error:
        raise TemplateFault(str(error)) from None


def _called(function: Callable[..., Json], name: str, arguments: dict[str, Json]) -> Json:
    """Call a user's function; what it raises is told to the model, as an application would."""
    try:
        result = function(**arguments)
        return awaited(result) if isinstance(result, Awaitable) else result
    except Exception as error:
        told = plain(f"{type(error).__name__}: {first_line(error)}", REASON).rstrip(": ")
        # An address is another in each process, and no replay could send what was recorded.
        raise ValueError(f"{name} failed: {_ADDRESS.sub('0x…', told)}") from error
