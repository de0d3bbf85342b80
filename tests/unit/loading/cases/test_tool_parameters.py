"""Parameters of a tool: a valid JSON Schema, of an object."""

from collections.abc import Callable

import pytest

from qeval.errors import SuiteError
from qeval.plan import Plan

Planned = Callable[..., Plan]

CASE = "  - {id: a, user: Hi, checks: [calls: f]}\n"
HINT = "\n\nhint: write `parameters: {type: object, properties: {city: {type: string}}}`"


def head(parameters: str) -> str:
    return f"tools:\n  f:\n    description: F.\n    parameters: {parameters}\n"


@pytest.mark.parametrize(
    "parameters",
    [
        "{type: object}",
        "{type: object, properties: {a: {type: array, items: {type: string}}}, required: [a]}",
        "{type: object, properties: {a: {enum: [x, y], title: A, description: B}}}",
        "{type: object, additionalProperties: false}",
        "{type: object, properties: {a: {type: integer, minimum: 1}}}",
        "{type: object, properties: {a: {type: [string, 'null']}}}",
        "{type: [object, 'null']}",
        "{$ref: '#/$defs/a', $defs: {a: {type: object}}}",
        "{anyOf: [{type: object}]}",
    ],
)
def test_schemas_of_objects_pass(planned: Planned, parameters: str) -> None:
    assert len(planned(CASE, head=head(parameters)).groups) == 1


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        pytest.param(
            "{type: banana}",
            "no JSON Schema: $.type: 'banana' is not valid under any of the given schemas",
            id="unknown-type",
        ),
        pytest.param(
            "{type: object, properties: {a: {type: strin}}}",
            "no JSON Schema: $.properties.a.type: "
            "'strin' is not valid under any of the given schemas",
            id="unknown-type-inside",
        ),
        pytest.param(
            "{type: object, properties: {a: string}}",
            "no JSON Schema: $.properties.a: 'string' is not of type 'object', 'boolean'",
            id="type-alone",
        ),
        pytest.param(
            "{type: object, required: a}",
            "no JSON Schema: $.required: 'a' is not of type 'array'",
            id="required-is-a-list",
        ),
        pytest.param(
            "{type: object, required: [a, a]}",
            "no JSON Schema: $.required: ['a', 'a'] has non-unique elements",
            id="required-twice",
        ),
        pytest.param(
            "{type: object, $ref: 'https://x.test/s'}",
            "the schema refers to 'https://x.test/s', and nothing is fetched",
            id="elsewhere",
        ),
        pytest.param("{type: string}", 'their type is "string", not object', id="text"),
        pytest.param("{type: [string]}", 'their type is ["string"], not object', id="list"),
        pytest.param("{}", "they have no type", id="nothing"),
        pytest.param("{properties: {a: {type: string}}}", "they have no type", id="no-type"),
    ],
)
def test_what_is_no_schema_of_an_object_is_refused(
    planned: Planned, parameters: str, told: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        planned(CASE, head=head(parameters))

    assert str(caught.value) == f"suites/s.yaml:5: tool 'f': parameters: {told}{HINT}"


def test_a_case_tells_its_own_tool_at_its_line(planned: Planned) -> None:
    case = (
        "  - id: a\n    user: Hi\n    tools:\n      g:\n        description: G.\n"
        "        parameters: {type: banana}\n    checks: [calls: g]\n"
    )

    with pytest.raises(SuiteError) as caught:
        planned(case)

    assert str(caught.value) == (
        "suites/s.yaml:8: tool 'g': parameters: no JSON Schema: $.type: 'banana' is not valid "
        f"under any of the given schemas{HINT}"
    )
