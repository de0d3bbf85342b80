import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qeval.errors import ScorerError
from qeval.exchange import Request, Response, Usage
from qeval.record import Evidence, Score
from qeval.scorers.base import SCORERS, Prepared, prepare

HERE = Path(__file__).parent


def evidence(text: str = "", **fields: Any) -> Evidence:
    return Evidence(request=Request(model="m", messages=()), response=Response(text=text, **fields))


def made(entries: dict[str, Any], folder: Path = HERE, schema: Any = None) -> Prepared:
    return prepare(entries, folder=folder, root=folder, schema=schema)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"contains": ["Paris", "Rome"]}, 'contains wants text, got a list: ["Paris", "Rome"]'),
    ({"contains": {"a": 1}}, 'contains wants text, got a mapping: {"a": 1}'),
    ({"equals": [1]}, "equals wants text, got a list: [1]"),
    ({"contains_any": "Paris"}, "contains_any wants a list of texts, got text: 'Paris'"),
    ({"contains": ""}, "an empty text is in every answer, so it would check nothing"),
    ({"contains_all": ["a", ""]}, "an empty text is in every answer, so it would check nothing"),
    ({"contains": "a", "tolerance": 1}, "check 'contains' has no option 'tolerance'; it has ignore_case"),
    ({"contains": "a", "ignorecase": True}, "check 'contains' has no option 'ignorecase'; did you mean 'ignore_case'?"),
    ({"contains": "a", "ignore_case": 3}, "ignore_case of contains wants true or false, got 3"),
    ({"max_output_tokens": "eighty"}, "max_output_tokens wants a whole number, got text: 'eighty'"),
    ({"max_output_tokens": 1.5}, "max_output_tokens wants a whole number, got 1.5"),
    ({"max_output_tokens": -1}, "a limit is at least 0, got -1"),
    ({"max_latency_s": -0.5}, "a limit is at least 0 s, got -0.5"),
    ({"not-max_output_tokens": 5}, "max_output_tokens has no not-: limits and groups cannot be reversed"),
    ({"not-any": ["is_json"]}, "any has no not-: limits and groups cannot be reversed"),
    ({"max_output_tokens": 5, "of": "reasoning"}, "max_output_tokens takes no of: it does not judge the answer's text"),
    ({"all": ["is_json"], "extract": "json"}, "all takes no extract: it does not judge the answer's text"),
    ({"any": ["is_json"], "threshold": 0.5}, "any takes no threshold: give it to the checks inside"),
    ({"any": [3]}, "a check is a mapping or a word, got int"),
    ({"length": {"max_word": 3}}, "length has no 'max_word'; did you mean 'max_words'?"),
    ({"length": {"max_words": "x"}}, "max_words of length wants a whole number, got text: 'x'"),
    ({"length": 5}, "length wants a mapping, got 5"),
    ({"length": {"max_words": 2, "min_words": 3}}, "min_words 3 is above max_words 2"),
    ({"length": {"max_chars": -2}}, "a bound of chars is at least 0"),
    ({"equals_number": "many"}, "equals_number wants a number, got text: 'many'"),
    ({"equals_number": float("nan")}, "equals_number wants a finite number, got nan"),
    ({"equals_number": 1, "tolerance": -1}, "tolerance must be at least 0, got -1"),
    ({"finish_reason": "end"}, "finish_reason wants one of length, stop, tool_calls, got text: 'end'"),
    ({"is_json": 5}, "is_json takes no argument, got 5"),
    ({"contains": "a", "of": "anser"}, "of 'anser' is none of answer, completed, reasoning, calls, response"),
    ({"contains": "a", "threshold": 2}, "threshold 2 is out of range: from 0 to 1"),
    ({"contains": "a", "weight": True}, "weight true is out of range: ≥ 0"),
    ({"contains": "a", "severity": "info"}, "severity 'info' is neither fail nor warn"),
    ({"contains": "a", "extract": {"json": "$", "code": "x"}}, 'extract {"json": "$", "code": "x"} is none of json, code, number, {regex: …}'),
    ({"contains": "a", "extract": 5}, "extract 5 is none of json, code, number, {regex: …}"),
    ({"json_schema": {"$ref": "https://example.org/s"}}, "the schema refers to 'https://example.org/s', and nothing is fetched"),
    ({"json_schema": {"$ref": "#/$defs/a"}}, "the schema has nothing at '#/$defs/a'"),
    ({"python": "no_such_module:f"}, "no_such_module cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "message"), REFUSED, ids=lambda x: str(x)[:50])
def test_a_bad_check_is_told_in_one_sentence(entries: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        made(entries)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("entries", "label"),
    [
        ({"contains": "Paris"}, "contains 'Paris'"),
        ({"not-contains": "Lyon", "weight": 2, "severity": "warn"}, "not-contains 'Lyon'"),
        ({"contains": "a", "ignore_case": True}, "contains 'a' (ignore_case)"),
        ({"contains": "a", "ignore_case": False}, "contains 'a'"),
        ({"equals": 7, "extract": {"json": "$.n"}}, "equals 7 (extract json $.n)"),
        ({"contains": "a", "of": "reasoning"}, "contains 'a' (of reasoning)"),
        (
            {"contains": "a", "extract": ["code", {"regex": "x"}]},
            "contains 'a' (extract code, then regex x)",
        ),
        ({"length": {"min_words": 2, "max_words": 9}}, "length min_words 2 and max_words 9"),
        ({"equals_number": 3.25, "tolerance": 0.01}, "equals_number 3.25 (tolerance 0.01)"),
        ({"any": [{"contains": "a"}, "is_json"]}, "any (contains 'a', is_json)"),
        ({"all": ["is_json"], "threshold": 0.5}, "all (is_json) (threshold 0.5)"),
        ({"is_json": None, "name": "nothing but\nJSON"}, "nothing but\\nJSON"),
        ({"contains": "\x1b[31m\u202e\ud800"}, r"contains '\x1b[31m\u202e\ud800'"),
        ({"contains": "x" * 100}, f"contains '{'x' * 59}…'"),
    ],
)
def test_a_check_is_known_by_its_name_or_its_content(entries: dict[str, Any], label: str) -> None:
    assert made(entries).label == label


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({"equals_number": "42"}, "42"),
        ({"length": {"max_words": "3"}}, "a b"),
        ({"contains": 1989, "ignore_case": True}, "in 1989"),
        ({"contains_any": [1, True]}, "true"),
        ({"contains": "A", "ignore_case": "true"}, "a"),
    ],
)
def test_what_a_template_made_of_a_table_is_taken_as_meant(
    entries: dict[str, Any], text: str
) -> None:
    assert made(entries).score(evidence(text)).passed


def test_reasons_are_one_harmless_short_line() -> None:
    text = "\x00\x1b[2J</script>\ud800\u202e\n" * 1000

    for entries in ({"equals": "x"}, {"one_of": ["x"]}, {"is_json": None}, {"starts_with": "x"}):
        reason = made(entries).score(evidence(text)).reason

        assert reason.isprintable()
        assert len(reason) < 700


@pytest.mark.parametrize(
    ("entries", "value", "passed"),
    [
        ({"all": [{"contains": "a"}, {"contains": "b"}], "threshold": 0.5}, 0.5, True),
        ({"all": [{"contains": "a"}, {"contains": "b"}], "threshold": 0.6}, 0.5, False),
        ({"all": [{"contains": "a"}, {"contains": "b", "severity": "warn"}]}, 1, True),
        ({"all": [{"contains": "a"}, {"contains": "b", "weight": 0}]}, 1, False),
        ({"all": [{"contains_all": ["a", "b"], "threshold": 0.5}]}, 0.5, True),
        ({"any": [{"contains_all": ["a", "b"], "threshold": 0.5}, "is_json"]}, 0.5, True),
        (
            {"all": [{"any": [{"contains": "b"}, {"contains": "a"}]}, {"not-contains": "c"}]},
            1,
            True,
        ),
    ],
)
def test_groups_weigh_and_decide(entries: dict[str, Any], value: float, *, passed: bool) -> None:
    score = made(entries).score(evidence("a"))

    assert (score.value, score.passed) == (value, passed)


def test_ten_weighted_tenths_reach_their_threshold_in_spite_of_rounding() -> None:
    checks = [{"contains": "a", "weight": 0.1}] * 8 + [{"contains": "b", "weight": 0.1}] * 2

    assert made({"all": checks, "threshold": 0.8}).score(evidence("a")).passed


def test_any_passes_beside_an_unknown_measure_but_never_on_it() -> None:
    check = made({"any": [{"max_output_tokens": 5}, {"contains": "a"}]})

    assert check.score(evidence("a")).passed
    with pytest.raises(ScorerError, match="the endpoint reported no output tokens"):
        check.score(evidence("b"))
    assert check.score(evidence("b", usage=Usage(output_tokens=5))).passed


def test_a_score_carries_what_the_check_around_it_says() -> None:
    check = made({"not-contains": "a", "weight": 3, "severity": "warn", "name": "no a"})

    assert check.score(evidence("b")) == Score(
        value=1.0,
        passed=True,
        reason="not found",
        check="no a",
        severity="warn",
        weight=3.0,
        version=1,
    )


def test_a_huge_number_equals_nothing() -> None:
    for text in ("9" * 500, "1e999", "[" + "9" * 5000 + "]"):
        for extract in (None, "number", {"json": "$[0]"}):
            score = made({"equals_number": 5, "extract": extract}).score(evidence(text))

            assert not score.passed


def test_numbers_next_to_each_other_are_not_equal() -> None:
    assert not made({"equals_number": 12345678901}).score(evidence("12345678902")).passed
    assert not made({"equals_number": 1989}).score(evidence("1989.000001")).passed
    assert made({"equals_number": 0.1 + 0.2}).score(evidence("0.3")).passed


def test_json_that_is_nested_too_deeply_is_judged_and_not_an_error() -> None:
    text = "[" * 400 + "]" * 400

    score = made({"equals": [1], "extract": "json"}).score(evidence(text))

    assert (score.value, score.reason) == (0.0, "got JSON nested deeper than 200 levels")


def test_json_schema_takes_the_cases_own_or_a_files(tmp_path: Path) -> None:
    schema = {"type": "object", "$defs": {"n": {"type": "integer"}}, "required": ["n"],
              "properties": {"n": {"$ref": "#/$defs/n"}}}  # fmt: skip
    (tmp_path / "s.json").write_bytes(msgspec.json.encode(schema))

    for check in (
        made({"json_schema": "s.json"}, tmp_path),
        made({"json_schema": None}, schema=schema),
    ):
        assert check.score(evidence('So: {"n": 1}.')).passed
        assert check.score(evidence('{"n": "1"}')).reason == "$.n: '1' is not of type 'integer'"


def test_a_schema_that_millions_of_values_break_is_judged_at_once() -> None:
    text = "[" + "1," * 300_000 + "1]"

    score = made({"json_schema": {"items": {"type": "string"}}}).score(evidence(text))

    assert score.reason == "$[0]: 1 is not of type 'string'; and at least 100 more"


def test_a_check_with_a_function_in_the_project_is_found_by_module_too(tmp_path: Path) -> None:
    (tmp_path / "project_checks.py").write_text(
        "def f(value, evidence):\n    return value == 'a'\n"
    )
    before = list(sys.path)

    check = made({"python": "project_checks:f"}, tmp_path)

    assert check.score(evidence("a")).passed
    assert sys.path == before
    del sys.modules["project_checks"]


FUNCTIONS = """
import sys

def bare(value, evidence):
    assert value == "x"

def lines(value, evidence):
    raise ValueError("\\n first \\n second")

def leaves(value, evidence):
    sys.exit(3)

def above(value, evidence):
    return 1.5

def unlike(value, evidence):
    return object()
"""


def test_an_assertion_without_a_message_is_told_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text(FUNCTIONS)

    score = made({"python": "c.py:bare"}, tmp_path).score(evidence("y"))

    assert (score.passed, score.reason) == (False, 'assert value == "x"')


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lines", "python check lines raised ValueError: first"),
        ("leaves", "python check leaves raised SystemExit: 3"),
        ("above", "python check above returned 1.5, not a bool, 0 to 1, or a Score"),
        ("unlike", "python check unlike returned object, not a bool, 0 to 1, or a Score"),
        ("bare", "python check bare returned NoneType, not a bool, 0 to 1, or a Score"),
    ],
)
def test_a_function_that_cannot_judge_is_told_in_one_line(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "c.py").write_text(FUNCTIONS)
    check = made({"python": f"c.py:{name}"}, tmp_path)

    with pytest.raises(ScorerError) as caught:
        check.score(evidence("x"))

    assert caught.value.message == message


def test_a_third_partys_scorer_that_breaks_costs_one_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaks(msgspec.Struct):
        def score(self, _: Evidence) -> Score:
            raise KeyError("model")

    class Beyond(msgspec.Struct):
        def score(self, _: Evidence) -> Score:
            return Score(value=float("nan"))

    monkeypatch.setattr(SCORERS, "_known", {**SCORERS._known, "breaks": Breaks, "beyond": Beyond})

    with pytest.raises(ScorerError, match=r"^breaks: KeyError: 'model'$"):
        made({"breaks": None}).score(evidence())
    with pytest.raises(ScorerError, match=r"^beyond: a score of nan is not within 0 and 1$"):
        made({"beyond": None}).score(evidence())


def test_what_only_warns_and_cannot_judge_decides_nothing_inside_all() -> None:
    check = made({"all": [{"contains": "a"}, {"max_latency_s": 1, "severity": "warn"}]})

    score = check.score(evidence("a"))

    assert (score.passed, score.value) == (True, 1.0)
    assert "max_latency_s" in score.reason
