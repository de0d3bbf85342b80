from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.loading import read
from qeval.loading.checking import kind, names
from qeval.value import Json

Told = Callable[..., str]
Write = Callable[..., Path]
HEAD = "targets: [qwen-plus]\ncases:\n  - user: Hi\n    checks:\n"


@pytest.mark.parametrize(
    ("check", "entries"),
    [
        pytest.param("is_json", {"is_json": None}, id="bare-word"),
        pytest.param("not-is_json", {"not-is_json": None}, id="bare-word-reversed"),
        pytest.param("contains: 1.10", {"contains": "1.10"}, id="number-as-written"),
        pytest.param("contains: true", {"contains": "true"}, id="flag-as-written"),
        pytest.param("one_of: [no, 007, null]", {"one_of": ["no", "007", "null"]}, id="list"),
        pytest.param("equals: 007", {"equals": "007"}, id="equals-as-written"),
        pytest.param(
            "{equals: 7, extract: {json: $.a}}",
            {"equals": 7, "extract": {"json": "$.a"}},
            id="equals-a-json-value-after-extract",
        ),
        pytest.param(
            "{equals: 7, extract: [code, json]}",
            {"equals": 7, "extract": ["code", "json"]},
            id="equals-after-a-chain",
        ),
        pytest.param(
            "{equals: 7, extract: code}", {"equals": "7", "extract": "code"}, id="code-is-text"
        ),
        pytest.param("equals_number: '{{ a }}'", {"equals_number": "{{ a }}"}, id="template"),
        pytest.param(
            "{ignore_case: true, contains: x, weight: 0}",
            {"contains": "x", "ignore_case": True, "weight": 0},
            id="the-name-comes-first",
        ),
        pytest.param(
            "any: [is_json, {contains: 1}]",
            {"any": [{"is_json": None}, {"contains": "1"}]},
            id="group",
        ),
        pytest.param("json_schema:", {"json_schema": None}, id="optional-argument"),
        pytest.param("max_cost_usd: 0.5", {"max_cost_usd": 0.5}, id="scorer-to-come"),
        pytest.param("not-refuses", {"not-refuses": None}, id="bare-scorer-to-come"),
    ],
)
def test_a_check_is_read_as(check: str, entries: Json, write: Write) -> None:
    found = read(write(f"{HEAD}      - {check}\n")).suite.cases[0].checks[0].entries

    assert found == entries
    assert list(found) == list(entries)
    assert [type(value) for value in found.values()] == [type(v) for v in entries.values()]


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("contian: x", "unknown check 'contian'\n\nhint: did you mean 'contains'?"),
        ("contian", "unknown check 'contian'\n\nhint: did you mean 'contains'?"),
        ("judge: good", "check 'judge': not in this version"),
        ("similar", "check 'similar': not in this version"),
        ("contains", "check 'contains' needs an argument: `contains: …`"),
        ("contains:", "contains wants text, got nothing"),
        ("contains: {a: 1}", 'contains wants text, got a mapping: {"a": 1}'),
        (
            "contains: [a]",
            "contains wants text, got a list: [\"a\"]\n\nhint: did you mean 'contains_any'?",
        ),
        ("contains_all: a", "contains_all wants a list, got 'a'"),
        (
            "{contains: a, equals: b}",
            (
                "one check at a time, got 'contains' and 'equals'\n\n"
                "hint: write each check as an item of its own, or both inside `all:`"
            ),
        ),
        ("{weight: 2}", "a check needs a key that is a check's name"),
        (
            "{contains: a, ignore_cas: true}",
            (
                "check 'contains' has no option 'ignore_cas'; it has ignore_case, of, extract, "
                "threshold, weight, severity, name\n\nhint: did you mean 'ignore_case'?"
            ),
        ),
        (
            "{contains: a, of: text}",
            "of 'text' is none of answer, calls, completed, reasoning, response",
        ),
        ("{contains: a, threshold: 2}", "threshold 2 is out of range: ≥ 0 and ≤ 1"),
        ("{contains: a, weight: -1}", "weight -1 is out of range: ≥ 0"),
        ("{contains: a, severity: error}", "severity 'error' is none of fail, warn"),
        (
            "{contains: a, extract: {json: $.a, code: py}}",
            "extract has exactly one of json, code or regex, got json and code",
        ),
        (
            "not-max_output_tokens: 3",
            "check 'max_output_tokens' has no not-: limits and groups cannot be reversed",
        ),
        ("not-all: [is_json]", "check 'all' has no not-: limits and groups cannot be reversed"),
        ("any: []", "any is empty"),
        ("any: [contain: x]", "unknown check 'contain'\n\nhint: did you mean 'contains'?"),
        ("is_json: 3", "is_json takes no argument"),
        ("equals_number: ten", "equals_number wants a number, got 'ten'"),
        (
            "length: {min_char: 1}",
            "unknown key 'min_char' in length\n\nhint: did you mean 'min_chars'?",
        ),
        ("finish_reason: done", "finish_reason 'done' is none of length, stop, tool_calls"),
        ("python: '../../x.py:f'", "python '../../x.py' leads out of the project"),
        (
            "json_schema: /x.json",
            (
                "json_schema '/x.json' is not a path below the project: "
                "absolute paths and ~ are refused"
            ),
        ),
        ("calls: 3\n        exact: maybe", "exact wants true or false, got 'maybe'"),
        ("[is_json]", 'checks wants a check, got a list: ["is_json"]'),
        ("3: x", "unknown check '3'"),
    ],
)
def test_a_check_that_cannot_be_is_refused(check: str, said: str, told: Told) -> None:
    text = told(f"{HEAD}      - {check}\n").removeprefix("suites/s.yaml:")

    assert text.partition(": ")[0] in {"5", "6"}
    assert text.partition(": ")[2].startswith(said)


@pytest.mark.parametrize("pattern", ["(", "[a", "*"])
def test_a_pattern_that_is_no_regular_expression_is_refused_on_its_line(
    pattern: str, told: Told
) -> None:
    assert told(f"{HEAD}      - matches: '{pattern}'\n").startswith("suites/s.yaml:5: matches")
    extract = f"{HEAD}      - {{contains: x, extract: {{regex: '{pattern}'}}}}\n"
    assert told(extract).startswith("suites/s.yaml:5: regex")


def test_every_name_of_a_check_has_a_kind_and_only_what_can_be_reversed_a_not() -> None:
    found = names()

    assert {"contains", "not-contains", "calls", "not-refuses", "max_cost_usd"} <= set(found)
    assert not {"not-any", "not-all", "not-max_output_tokens", "not-max_cost_usd"} & set(found)
    assert all(kind(name.removeprefix("not-")) for name in found)
