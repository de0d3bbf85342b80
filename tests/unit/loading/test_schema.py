from typing import Any

import jsonschema
import pytest

from qeval.loading.checking import MODIFIERS, check_names
from qeval.loading.schema import json_schema
from qeval.scorers.base import SCORERS
from qeval.value import Value


@pytest.fixture(scope="module")
def check() -> Any:
    schema = json_schema()
    return jsonschema.Draft7Validator({**schema, "$ref": "#/definitions/check"})


def test_the_schema_is_draft_7_and_itself_valid() -> None:
    schema = json_schema()

    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)


def test_a_check_is_one_flat_object_beside_an_enum_of_bare_words() -> None:
    flat, words = json_schema()["definitions"]["check"]["anyOf"]

    assert flat["additionalProperties"] is False
    assert {*check_names(), "not-contains", *MODIFIERS} <= set(flat["properties"])
    assert "oneOf" not in flat
    assert flat["dependencies"]["tolerance"] == {
        "anyOf": [{"required": ["equals_number"]}, {"required": ["not-equals_number"]}]
    }
    assert {"is_json", "not-is_json", "refuses", "json_schema"} <= set(words["enum"])
    assert "contains" not in words["enum"]


@pytest.mark.parametrize(
    ("entries", "valid"),
    [
        ("is_json", True),
        ("contains", False),
        ({"contains": 1989}, True),
        ({"contains": ["a"]}, False),
        ({"contain": "a"}, False),
        ({"contains": "a", "tolerance": 1}, False),
        ({"equals_number": "{{ a }}", "tolerance": 1}, True),
        ({"any": ["is_json", {"contains": "a"}]}, True),
        ({"any": [{"contain": "a"}]}, False),
        ({"contains": "a", "severity": "error"}, False),
    ],
)
def test_the_schema_judges_a_check(entries: Any, valid: bool, check: Any) -> None:  # noqa: FBT001
    assert check.is_valid(entries) is valid


@pytest.mark.parametrize(
    ("suite", "valid"),
    [
        ({"targets": ["qwen-plus"], "x-mine": [1]}, True),
        ({"target": ["qwen-plus"]}, False),
        ({"targets": {"a": None, "b": {"dialect": "chat"}}}, True),
        ({"targets": {"a": {"dialect": "chatt"}}}, False),
        ({"params": {"temperature": 2}}, False),
        ({"params": {"thinking": "off", "seed": "each"}}, True),
        ({"passes": "4/5"}, True),
        ({"passes": "4 of 5"}, False),
        ({"system": None}, True),
        ({"description": 3}, True),
        ({"extends": "a.yaml"}, True),
        ({"cases": [{"user": ["a", {"image": "b.png"}]}]}, True),
        ({"cases": [{"usr": "a"}]}, False),
    ],
)
def test_the_schema_judges_a_suite(suite: Any, valid: bool) -> None:  # noqa: FBT001
    assert jsonschema.Draft7Validator(json_schema()).is_valid(suite) is valid


def test_an_installed_scorer_is_in_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rhymes(Value):
        word: str
        strict: bool = False

    monkeypatch.setitem(SCORERS._known, "rhymes", Rhymes)

    flat = json_schema()["definitions"]["check"]["anyOf"][0]

    assert {"rhymes", "not-rhymes", "strict"} <= set(flat["properties"])
