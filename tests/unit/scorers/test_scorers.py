import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.errors import ScorerError
from qeval.exchange import Message, Request, Response, ToolCall, Usage
from qeval.record import Evidence, Score
from qeval.scorers.base import SCORERS, prepare

HERE = Path(__file__).parent


def evidence(text: str = "", **fields: Any) -> Evidence:
    measured = {k: fields.pop(k) for k in ("latency_s", "first_token_s") if k in fields}
    messages = fields.pop("messages", ())
    return Evidence(
        request=Request(model="m", messages=messages),
        response=Response(text=text, **fields),
        **measured,
    )


def judge(entries: dict[str, Any], text: str = "", **fields: Any) -> Score:
    return prepare(entries, folder=HERE, root=HERE).score(evidence(text, **fields))


TABLE: list[tuple[dict[str, Any], str, float, str]] = [
    ({"equals": "Paris"}, "  Paris\n", 1, "equal"),
    ({"equals": "Paris"}, "Lyon", 0, "got 'Lyon'"),
    ({"equals": "Paris"}, "paris", 0, "equal with other case: 'paris'"),
    ({"equals": "Paris", "ignore_case": True}, "PARIS", 1, "equal"),
    ({"equals": "caf\u00e9"}, "cafe\u0301", 1, "equal"),
    ({"equals": "straße", "ignore_case": True}, "STRASSE", 1, "equal"),
    ({"equals": "007", "extract": {"json": "$.n"}}, '{"n": "007"}', 1, "equal"),
    ({"equals": "007", "extract": {"json": "$.n"}}, '{"n": 7}', 0, "got 7, wanted text: '007'"),
    ({"equals": 7, "extract": {"json": "$.n"}}, '{"n": "7"}', 0, "got '7', wanted no text: 7"),
    ({"equals": 7}, "7", 1, "equal"),
    ({"equals": True}, "true", 1, "equal"),
    ({"equals": "null", "extract": {"json": "$.n"}}, '{"n": null}', 1, "equal"),
    ({"equals": "caf\u00e9", "extract": "json"}, '"cafe\\u0301"', 1, "equal"),
    ({"equals": 42, "extract": "number"}, "It is 42.", 1, "equal"),
    ({"equals": 3.25, "extract": {"json": "$.n"}}, '{"n": 3.250}', 1, "equal"),
    ({"equals": [1, 2], "extract": "json"}, "[1, 2.0]", 1, "equal"),
    ({"equals": [1], "extract": "json"}, "[true]", 0, "got [true]"),
    ({"contains": "Paris"}, "It is Paris.", 1, "found at 6"),
    ({"contains": "Paris"}, "It is PARIS.", 0, "found with other case"),
    ({"contains": "Paris"}, "Lyon", 0, "not found"),
    ({"contains": 1989}, "in 1989", 1, "found at 3"),
    ({"not-contains": "Lyon"}, "Paris", 1, "not found"),
    ({"not-contains": "Lyon"}, "Lyon", 0, "found at 0"),
    ({"starts_with": "def"}, "\n def f():", 1, "begins with 'def'"),
    ({"starts_with": "def"}, "class", 0, "begins with 'cla'"),
    ({"ends_with": "end."}, "the end.\n", 1, "ends with 'end.'"),
    ({"ends_with": "end.\n"}, "the end.\n", 1, r"ends with 'end.\n'"),
    ({"contains_all": ["a", "b"]}, "ab", 1, "all found"),
    ({"contains_all": ["a", "b"]}, "a", 0.5, "not found: 'b'"),
    ({"contains_any": ["x", "y"]}, "xyz", 1, "found 'x', 'y'"),
    ({"contains_any": ["x", "y"]}, "abc", 0, "none found"),
    ({"one_of": ["yes", "no"], "ignore_case": True}, "No", 1, "is one of them"),
    ({"one_of": ["yes", "no"]}, "maybe", 0, "got 'maybe'"),
    ({"matches": r"\d{4}"}, "in 1989", 1, "matches '1989' at 3"),
    ({"matches": "a\nb"}, "a\nb", 1, r"matches 'a\nb' at 0"),
    ({"matches": "x"}, "abc", 0, "no match"),
    ({"equals_number": 1234.5}, "about 1,234.50 in all", 1, "1234.5 = 1234.5"),
    ({"equals_number": -3}, "it is −3", 1, "-3 = -3"),
    ({"equals_number": 1995}, "from 1990-1995", 1, "1995 = 1995"),
    ({"equals_number": 60}, "60 %", 1, "60 = 60"),
    ({"equals_number": 0.3}, "0.30000000000000004", 1, "0.3 = 0.3"),
    ({"equals_number": 10, "tolerance": 0.5}, "10.4", 1, "10.4 = 10 ± 0.5"),
    ({"equals_number": 10, "tolerance": 0.5}, "10.6", 0, "10.6 ≠ 10 ± 0.5"),
    ({"equals_number": 5}, "CO2", 0, "no number"),
    ({"equals_number": 42}, "答案是42。", 1, "42 = 42"),
    ({"length": {"min_words": 2, "max_words": 3}}, "a b c", 1, "3 words"),
    ({"length": {"max_words": 2, "max_chars": 3}}, "a b c", 0, "5 chars, at most 3; 3 words, at most 2"),
    ({"length": {"min_words": 6}}, "代码改变世界", 1, "6 words"),
    ({"length": {"max_lines": 1}}, "a\n\nb", 0, "2 lines, at most 1"),
    ({"is_json": None}, ' {"a": 1} ', 1, "JSON"),
    ({"is_json": None}, '```json\n{"a": 1}\n```', 0, "JSON, with other text around it"),
    ({"is_json": None}, "{'a': 1}", 0, "not JSON from character 1 on"),
    ({"is_json": None}, "NaN", 0, "not JSON"),
    ({"json_schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', 1, "fits"),
    (
        {"json_schema": {"properties": {"a": {"type": "string"}}}},
        'see {"a": 1}',
        0,
        "$.a: 1 is not of type 'string'",
    ),
    ({"json_schema": {}}, "no", 0, "no JSON"),
    ({"any": [{"contains": "a"}, {"is_json": None}]}, "a", 1, "contains 'a': found at 0"),
    ({"any": [{"contains": "a"}, {"is_json": None}]}, "b", 0, "contains 'a': not found; is_json: not JSON"),
    ({"all": [{"contains": "a"}, {"contains": "b"}]}, "ab", 1, "all 2 passed"),
    ({"all": [{"contains": "a", "weight": 3}, {"contains": "b"}]}, "a", 0.75, "contains 'b': not found"),
    ({"equals": "b", "extract": {"regex": "(b)"}}, "abc", 1, "equal"),
    ({"equals": "b", "extract": {"regex": "x"}}, "abc", 0, "nothing to extract: no match of 'x'"),
    ({"not-equals": "b", "extract": {"regex": "x"}}, "abc", 0, "nothing to extract: no match of 'x'"),
    ({"contains": "return", "extract": "code"}, "Here:\n```py\nreturn 1\n```", 1, "found at 0"),
    ({"equals": "2", "extract": {"code": "sh"}}, "```py\n1\n```\n```sh\n2\n```", 1, "equal"),
    ({"equals": [1, 3], "extract": {"json": "$.l[*].p"}}, '{"l": [{"p": 1}, {"p": 3}]}', 1, "equal"),
    ({"equals_number": 3, "extract": [{"regex": "total: .*"}, "number"]}, "1\ntotal: 3\n9", 1, "3 = 3"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "text", "value", "reason"), TABLE, ids=lambda x: str(x)[:40] if x else None
)
def test_scores_match_hand_worked_values(
    entries: dict[str, Any], text: str, value: float, reason: str
) -> None:
    score = judge(entries, text)

    assert (score.value, score.reason) == (value, reason)
    assert score.passed == (value == 1)


def test_a_graded_score_passes_from_its_threshold() -> None:
    assert judge({"contains_all": ["a", "b"], "threshold": 0.5}, "a").passed
    assert not judge({"contains_all": ["a", "b"], "threshold": 0.6}, "a").passed


@pytest.mark.parametrize(
    ("entries", "fields", "value", "reason"),
    [
        ({"max_output_tokens": 5}, {"usage": Usage(output_tokens=5)}, 1, "5 tokens"),
        ({"max_output_tokens": 4}, {"usage": Usage(output_tokens=5)}, 0, "5 tokens, at most 4"),
        ({"max_input_tokens": 1}, {"usage": Usage(input_tokens=2)}, 0, "2 tokens, at most 1"),
        (
            {"max_total_tokens": 1500},
            {"usage": Usage(input_tokens=1000, output_tokens=501)},
            0,
            "1,501 tokens, at most 1,500",
        ),
        ({"max_total_tokens": 9}, {"usage": Usage(total_tokens=9)}, 1, "9 tokens"),
        ({"max_latency_s": 1}, {"latency_s": 0.25}, 1, "250 ms"),
        ({"max_first_token_s": 0.1}, {"first_token_s": 0.25}, 0, "250 ms, at most 100 ms"),
        ({"finish_reason": "stop"}, {"finish_reason": "stop"}, 1, "stop"),
        ({"finish_reason": "stop"}, {"finish_reason": "length"}, 0, "length"),
    ],
)
def test_measures_match_hand_worked_values(
    entries: dict[str, Any], fields: dict[str, Any], value: float, reason: str
) -> None:
    score = judge(entries, **fields)

    assert (score.value, score.reason) == (value, reason)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"max_output_tokens": 5}, "max_output_tokens: the endpoint reported no output tokens"),
        ({"finish_reason": "stop"}, "finish_reason: the endpoint reported none"),
        ({"not-finish_reason": "length"}, "finish_reason: the endpoint reported none"),
        ({"max_latency_s": 5}, "max_latency_s: the latency was not recorded"),
        (
            {"max_first_token_s": 5},
            "max_first_token_s: the answer was not streamed, so its first token has no time",
        ),
    ],
)
def test_a_limit_on_an_unknown_measure_is_an_error_and_never_passes(
    entries: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScorerError) as caught:
        judge(entries)

    assert caught.value.message == message


def test_what_is_judged_follows_of() -> None:
    call = ToolCall(id="1", name="book", arguments='{"id": "AF2"}')
    partial = (Message(role="assistant", content="def area(r):", partial=True),)

    assert judge({"equals": "why", "of": "reasoning"}, "x", reasoning="why").passed
    assert judge({"starts_with": "def area", "of": "completed"}, " 1", messages=partial).passed
    path = {"json": "$[0].arguments.id"}
    assert judge({"equals": "AF2", "of": "calls", "extract": path}, tool_calls=(call,)).passed
    whole = {"json": "$.tool_calls[0].name"}
    assert judge({"equals": "book", "of": "response", "extract": whole}, tool_calls=(call,)).passed


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {"contains": ["Paris", "Rome"]},
            'contains wants text, got a list: ["Paris", "Rome"]',
        ),
        ({"contains": None}, "contains needs an argument"),
        ({"matches": "("}, "'(' is no regular expression: missing ), unterminated subpattern at position 0"),
        ({"contains_any": []}, "the list is empty, so nothing could ever pass"),
        ({"length": {}}, "length needs at least one of min_ and max_ of chars, words, lines"),
        ({"any": []}, "the list of checks is empty"),
        ({"json_schema": None}, "json_schema needs a schema: the case's response_format has none"),
        ({"json_schema": "../x.json"}, "'../x.json' lies outside the project"),
        ({"json_schema": "none.json"}, "'none.json': No such file or directory"),
        ({"json_schema": {"type": 1}}, "no JSON Schema: $.type: 1 is not valid under any of the given schemas"),
        ({"python": "judge.py"}, "python 'judge.py' is not path.py:function or package.module:function"),
        ({"python": "none.py:f"}, "'none.py': no such file"),
        ({"python": "json:nothing"}, "json has no function 'nothing'"),
        ({"contains": "a", "extract": {"json": "x"}}, "'x' is not a path: begin with $, then .name or [0]; see 'x'"),
        ({"contains": "a", "extract": "xml"}, "extract 'xml' is none of json, code, number, {regex: …}"),
        ({"weight": 2}, "no key of ['weight'] is the name of a check"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_one_sentence(entries: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        judge(entries)

    assert str(caught.value) == message


CHECKS = """
import asyncio
from qeval import Score

def says(value, evidence, word="yes"):
    return word in value

async def later(value, evidence):
    await asyncio.sleep(0)
    return 0.5

def asserts(value, evidence):
    assert value == "yes", f"said {value}"

def scores(value, evidence):
    return Score(value=1.0, reason=evidence.case)

def breaks(value, evidence):
    return value["no"]

def wrong(value, evidence):
    return "fine"
"""


@pytest.mark.parametrize(
    ("entries", "value", "reason"),
    [
        ({"python": "c.py:says"}, 1, "says returned True"),
        ({"python": "c.py:says", "args": {"word": "no"}}, 0, "says returned False"),
        ({"python": "c.py:later"}, 0.5, "later returned 0.5"),
        ({"python": "c.py:asserts"}, 0, "said yes!"),
        ({"python": "c.py:scores"}, 1, "hello"),
    ],
)
def test_a_function_of_the_users_judges(
    tmp_path: Path, entries: dict[str, Any], value: float, reason: str
) -> None:
    (tmp_path / "c.py").write_text(CHECKS)
    import msgspec

    check = prepare(entries, folder=tmp_path, root=tmp_path)
    score = check.score(msgspec.structs.replace(evidence("yes!"), case="hello"))

    assert (score.value, score.reason) == (value, reason)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("breaks", "python check breaks raised TypeError: string indices must be integers, not 'str'"),
        ("wrong", "python check wrong returned str, not a bool, 0 to 1, or a Score"),
    ],
)  # fmt: skip
def test_a_function_that_breaks_is_an_error_and_no_failed_check(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "c.py").write_text(CHECKS)
    check = prepare({"python": f"c.py:{name}"}, folder=tmp_path, root=tmp_path)

    with pytest.raises(ScorerError) as caught:
        check.score(evidence("yes!"))

    assert caught.value.message == message


texts = st.text(max_size=60)
words = st.text(min_size=1, max_size=4)
simple = st.one_of(
    words.map(lambda t: {"contains": t}),
    texts.map(lambda t: {"equals": t}),
    st.lists(words, min_size=1, max_size=4).map(lambda t: {"contains_all": t}),
    st.lists(texts, min_size=1, max_size=4).map(lambda t: {"one_of": t}),
    st.just({"is_json": None}),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda n: {"equals_number": n}),
)


@settings(max_examples=100)
@given(entries=simple, text=texts)
def test_scores_stay_in_range_and_not_reverses(entries: dict[str, Any], text: str) -> None:
    score = judge(entries, text)
    ((name, argument),) = entries.items()
    reverse = judge({f"not-{name}": argument}, text)

    assert 0 <= score.value <= 1
    assert reverse.passed is (not score.passed)
    assert reverse.value == 1 - score.value


@settings(max_examples=50)
@given(checks=st.lists(simple, min_size=1, max_size=4), text=texts)
def test_groups_agree_with_logic(checks: list[dict[str, Any]], text: str) -> None:
    each = [judge(check, text).passed for check in checks]

    assert judge({"any": checks}, text).passed is any(each)
    assert judge({"all": checks}, text).passed is all(each)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=100)
@given(
    value=st.dictionaries(st.text(max_size=5), json_values, max_size=3),
    before=st.sampled_from(["", "So: ", "a ] b } ", "[x] "]),
)
def test_json_within_prose_is_found_again(value: dict[str, Any], before: str) -> None:
    text = before + json.dumps(value) + " and that is it"

    assert judge({"equals": value, "extract": "json"}, text).passed


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, "```\n" * 50_000, "1," * 200_000]
)
def test_hostile_text_costs_bounded_time(text: str) -> None:
    for extract in ("json", "code", "number"):
        assert judge({"contains": "never there", "extract": extract}, text).value == 0


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a.b", [1]),
        ("$['a']['b']", [1]),
        ("$.c[0]", [10]),
        ("$.c[-1]", [30]),
        ("$.c[1:]", [20, 30]),
        ("$.c[*]", [10, 20, 30]),
        ("$.*.b", [1]),
        ("$..b", [1, 2]),
        ("$.none", []),
        ("$.c[9]", []),
    ],
)
def test_paths_lead_where_the_standard_says(path: str, found: list[Any]) -> None:
    from qeval.scorers.jsonpath import parse

    assert parse(path).find({"a": {"b": 1}, "c": [10, 20, 30], "d": [{"b": 2}]}) == found


def test_a_third_partys_scorer_joins_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shouting.py").write_text(
        "from qeval.record import Score\n"
        "from qeval.value import Value\n"
        "class Shouts(Value):\n"
        "    def score(self, evidence):\n"
        "        return Score(value=float(evidence.value.isupper()))\n"
    )
    info = tmp_path / "shouting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[qeval.scorers]\nshouts = shouting:Shouts\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(SCORERS, "_loaded", False)
    monkeypatch.setattr(SCORERS, "_known", dict(SCORERS._known))

    assert judge({"shouts": None}, "HELLO").passed
    assert "shouts" in SCORERS.names()
    sys.modules.pop("shouting")
