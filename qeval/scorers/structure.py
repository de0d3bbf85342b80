"""Scorers of structure: JSON, JSON Schema, and how the answer ended."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, ClassVar, Literal
from urllib.parse import urldefrag, urljoin

from qeval.errors import ScorerError
from qeval.record import Evidence, Score
from qeval.scorers.base import Home, Scorer, register
from qeval.scorers.jsontext import NOTHING, find_json, read_json, wrong_from
from qeval.scorers.wording import plain, shown
from qeval.value import Json, Value, canonical_json

_MOST_ERRORS = 100
"""Errors that are looked for; a hostile answer could have millions."""


@register("is_json")
class IsJson(Value):
    """The whole answer is one JSON value, outer white space apart; a fence around it fails.

    Strictly: no comments, no trailing commas, no `NaN`. Scores 1 or 0.
    """

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where it is."""
        value = evidence.value
        good = not isinstance(value, str) or read_json(value.strip()) is not NOTHING
        return Score(value=float(good), reason="JSON" if good else _why_not(value.strip()))


def _why_not(text: str) -> str:
    if not text:
        return "not JSON: the answer is empty"
    if find_json(text) is not NOTHING:
        return "JSON, with other text around it"
    at = wrong_from(text)
    return f"not JSON from character {at} on" if at else "not JSON"


@register("json_schema")
class JsonSchema(Value):
    """The JSON in the answer, taken out as `extract: json` does, fits a schema.

    The schema is given, or a file's, or, without argument, that of the case's `response_format`.
    Drafts 3 to 2020-12 by `$schema`, else 2020-12; `format` is not checked, and a reference to
    another document is refused, since nothing is fetched. Scores 1 or 0.
    """

    source: str | dict[str, Any] | None = None

    def bind(self, home: Home) -> Scorer:
        """Read the schema and check it."""
        schema = self.source
        if schema is None:
            schema = home.schema
        if schema is None:
            raise ValueError("json_schema needs a schema: the case's response_format has none")
        if isinstance(schema, str):
            schema = _read_schema(schema, home)
        return FitsSchema(schema=schema, validator=_validator(canonical_json(schema)))


class FitsSchema(Value):
    """A schema, ready to judge."""

    schema: Json
    validator: Any

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the value fits; the reason names the first place that does not."""
        value = evidence.value
        found = find_json(value) if isinstance(value, str) else value
        if found is NOTHING:
            return Score(value=0.0, reason="no JSON")
        try:
            errors = list(islice(self.validator.iter_errors(found), _MOST_ERRORS + 1))
        except RecursionError:
            return Score(value=0.0, reason="nested too deeply to be checked")
        if not errors:
            return Score(value=1.0, reason="fits")
        first = min(errors, key=lambda e: (len(e.absolute_path), e.json_path, e.message))
        many = f"at least {_MOST_ERRORS}" if len(errors) > _MOST_ERRORS else len(errors) - 1
        more = f"; and {many} more" if len(errors) > 1 else ""
        return Score(value=0.0, reason=f"{_place(first)}: {plain(first.message, 120)}{more}")


def _place(error: Any) -> str:
    return plain(error.json_path, 80)


def _read_schema(name: str, home: Home) -> Json:
    path = (home.folder / name).resolve()
    if not path.is_relative_to(home.root.resolve()):
        raise ValueError(f"{name!r} lies outside the project")
    try:
        schema = read_json(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{name!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        schema = NOTHING
    if schema is NOTHING:
        raise ValueError(f"{name!r} is not JSON")
    return schema


@lru_cache(maxsize=256)
def _validator(encoded: bytes) -> Any:
    """Return the validator of a schema, given as JSON so that equal ones are checked once."""
    from jsonschema import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    schema = read_json(encoded.decode())
    if not isinstance(schema, dict):
        raise ValueError(f"{shown(schema)} is no JSON Schema")  # noqa: TRY004 (one kind to catch)
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"no JSON Schema: {_place(error)}: {plain(error.message, 120)}") from None
    _refuse_elsewhere(schema)
    # Without a registry of its own, jsonschema would fetch what `$ref` names.
    return kind(schema, registry=Registry())


def _refuse_elsewhere(schema: dict[str, Any]) -> None:
    """Raise ValueError for a reference that does not lead into the schema itself."""
    base = schema.get("$id", schema.get("id", ""))
    base = base if isinstance(base, str) else ""
    ids = {""}
    references = []
    for node in _objects(schema):
        for key in ("$id", "id"):
            if isinstance(node.get(key), str):
                ids.add(urldefrag(urljoin(base, node[key])).url)
        if isinstance(node.get("$ref"), str):
            references.append(node["$ref"])
    for reference in references:
        if not reference.startswith("#") and urldefrag(urljoin(base, reference)).url not in ids:
            raise ValueError(f"the schema refers to {shown(reference)}, and nothing is fetched")
        if reference.startswith("#/") and len(ids) <= 2 and not _leads(schema, reference):
            raise ValueError(f"the schema has nothing at {shown(reference)}")


def _objects(value: Json) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(v for k, v in value.items() if k not in {"enum", "const", "default"})
        elif isinstance(value, list):
            waiting.extend(value)


def _leads(schema: Json, reference: str) -> bool:
    from urllib.parse import unquote

    for part in unquote(reference[2:]).split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, dict) and key in schema:
            schema = schema[key]
        elif isinstance(schema, list) and key.isdecimal() and int(key) < len(schema):
            schema = schema[int(key)]
        else:
            return False
    return True


@register("finish_reason")
class FinishReason(Value):
    """The model ended for this reason: `stop`, `length`, or `tool_calls`. Scores 1 or 0."""

    expected: Literal["stop", "length", "tool_calls"]
    judges_answer: ClassVar[bool] = False

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where it did.

        Raises:
            ScorerError: The endpoint gave no reason.
        """
        got = evidence.response.finish_reason
        if got is None:
            raise ScorerError("finish_reason: the endpoint reported none")
        return Score(value=float(got == self.expected), reason=plain(str(got)))
