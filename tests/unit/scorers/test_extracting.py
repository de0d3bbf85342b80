import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.errors import ScorerError
from qeval.scorers.extract import steps
from qeval.scorers.jsonpath import parse
from qeval.scorers.jsontext import NOTHING, find_json, same_json
from qeval.scorers.markdown import fenced
from qeval.scorers.numbers import last_number


def take(extract: Any, value: Any) -> Any:
    for step in steps(extract):
        value = step.take(value)
        if value is NOTHING:
            break
    return value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("17 of 42.", 42),
        ("1,234,567", 1234567),
        ("1,234.50 m", 1234.5),
        ("1’234", 1234),
        ("1\u202f234", 1234),
        ("1_000", 1000),
        ("1 234", 234),
        ("3,14", 14),
        ("1,234,5678", 5678),
        ("x = -3", -3),
        ("it is −2.5", -2.5),
        ("+7", 7),
        (".5", 0.5),
        ("1990-1995", 1995),
        ("f(1)-3", 3),
        ("10 - 4", 4),
        ("6.02e23", 6.02e23),
        ("1e-3 mol", 0.001),
        ("60 %", 60),
        ("12:30", 30),
        ("2024-01-31", 31),
        ("version 1.2.3", 1.2),
        ("CO2", None),
        ("no", None),
        ("", None),
        ("答案是42。", 42),
        ("٤٢", 42),
        ("\\boxed{42}", 42),
        ("**42**", 42),
        (2.5, 2.5),
        (True, None),
        (None, None),
    ],
)
def test_the_last_number_is_read_as_documented(text: Any, found: float | None) -> None:
    got = last_number(text)

    assert got == found
    assert type(got) is type(found)


@given(
    number=st.integers(-(10**15), 10**15) | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
    before=st.sampled_from(["", "It is ", "of 17: ", "答案是"]),
    after=st.sampled_from(["", ".", " %", " metres.", "。"]),
)
def test_a_number_in_prose_is_found_again(number: float, before: str, after: str) -> None:
    assert last_number(f"{before}{number}{after}") == number


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("```py\na\n```", [("py", "a\n")]),
        ("```\na\n```\n~~~sh\nb\n~~~", [("", "a\n"), ("sh", "b\n")]),
        ("````md\n```py\na\n```\n````", [("md", "```py\na\n```\n")]),
        ("- item:\n  ```js\n  a\n  ```", [("js", "  a\n")]),
        ("cut short:\n```py\ndef f():", [("py", "def f():")]),
        ("```python title=x\na\n```", [("python", "a\n")]),
        ("inline ```code``` only", []),
        ("```not a fence`\n", []),
        ("```\n```", [("", "")]),
        ("```", [("", "")]),
        ("no fence", []),
    ],
)
def test_fences_are_those_of_markdown(text: str, blocks: list[tuple[str, str]]) -> None:
    assert list(fenced(text)) == blocks


@pytest.mark.parametrize(
    ("extract", "text", "found"),
    [
        ("json", '  {"a": 1}\n', {"a": 1}),
        ("json", "3", 3),
        ("json", 'x [1 and ```\n{"a": 2}\n```', {"a": 2}),
        ("json", '```\nnot json\n```\nthen {"a": 3}', {"a": 3}),
        ("json", 'See [1]: {"a": 2}', [1]),
        ("json", "null", None),
        ("json", "NaN", NOTHING),
        ("json", "[1, 2", NOTHING),
        ("json", "", NOTHING),
        ({"json": "$.a.b"}, '{"a": {"b": null}}', None),
        ({"json": "$.a.c"}, '{"a": {"b": 1}}', NOTHING),
        ({"json": "$.*"}, '{"a": 1}', [1]),
        ({"json": "$.*"}, "{}", NOTHING),
        ("code", "just text", "just text"),
        ("code", "  \n", NOTHING),
        ({"code": "Python"}, "```sh\na\n```\n```python\nb\n```", "b\n"),
        ({"code": "rust"}, "```sh\na\n```", "a\n"),
        ("number", "4 or 5", 5),
        ("number", "none", NOTHING),
        ({"regex": "[a-z]+"}, "ab cd", "cd"),
        ({"regex": "(a)(b)?"}, "xa", "a"),
        ({"regex": "a|(b)"}, "a", NOTHING),
        (["code", {"json": "$[0]"}], "```\n[7]\n```", 7),
        ([{"json": "$.t"}, "number"], '{"t": "about 9"}', 9),
        ([{"json": "$.t"}, "number"], '{"u": 1}', NOTHING),
    ],
)
def test_steps_take_out_what_they_name(extract: Any, text: str, found: Any) -> None:
    assert take(extract, text) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [{"a b": [0, 1, 2, 3], "x": {"a b": 9}}]),
        ("$['a b'][1:3]", [1, 2]),
        ("$['a b'][::2]", [0, 2]),
        ("$['a b'][::-1]", [3, 2, 1, 0]),
        ("$['a b'][::0]", []),
        ('$..["a b"][-1]', [3]),
        ("$..['a b']", [[0, 1, 2, 3], 9]),
        ("$.x.*", [9]),
        ("$.x[0]", []),
    ],
)
def test_paths_take_quoted_names_and_slices_with_steps(path: str, found: list[Any]) -> None:
    assert parse(path).find({"a b": [0, 1, 2, 3], "x": {"a b": 9}}) == found


@pytest.mark.parametrize(
    "path", ["", "a", "$a", "$.", "$..", "$...a", "$.[0]", "$[", "$[-:]", "$[0,1]", "$[?(@.a)]"]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path: begin with"):
        parse(path)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
prose = st.text(alphabet=st.characters(exclude_characters="[]{}`~", codec="utf-8"), max_size=30)


@settings(max_examples=100)
@given(value=values.filter(lambda v: isinstance(v, dict | list)), before=prose, after=prose)
def test_json_embedded_in_prose_or_in_a_fence_is_given_back(
    value: Any, before: str, after: str
) -> None:
    text = json.dumps(value).replace("Infinity", "1e999")

    assert same_json(find_json(f"{before}{text}{after}"), value)
    assert same_json(find_json(f"{before}\n```json\n{text}\n```\n{after}"), value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(1, 1.0, True), (1, True, False), (0, False, False), ([1], [1, 2], False), ("1", 1, False)],
)
def test_json_equality_tells_types_apart_but_not_kinds_of_number(
    one: Any, other: Any, *, same: bool
) -> None:
    assert same_json({"v": one}, {"v": other}) is same


HOSTILE: dict[str, Callable[[int], str]] = {
    "open brackets": lambda n: "[" * n,
    "open objects": lambda n: '{"a":' * (n // 5),
    "a string that never ends": lambda n: "[" * 900 + '"' + "a" * n,
    "many false starts": lambda n: "[x " * (n // 3),
    "unclosed fences": lambda n: "```\n[" * (n // 5),
    "a fence that is none": lambda n: "```" + "a" * n + "`",
    "digits": lambda n: "1" * n,
    "groups": lambda n: "1,111" * (n // 5),
    "points": lambda n: "1." * (n // 2),
    "signs": lambda n: "-" * n,
    "spaces": lambda n: " " * n,
    "marks out of order": lambda n: "a" + "\u0301\u0327" * (n // 2),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_megabytes_are_read_in_a_breath(make: Callable[[int], str]) -> None:
    text = make(2_000_000)
    began = time.perf_counter()

    for extract in ("json", "code", "number"):
        take(extract, text)

    # Work that grew with the square would take hours; the bound leaves room for a busy machine.
    assert time.perf_counter() - began < 10


def test_a_pattern_is_not_tried_on_a_text_that_is_too_long() -> None:
    with pytest.raises(ScorerError) as caught:
        take({"regex": "x"}, "y" * 1_000_001)

    assert caught.value.message == (
        "'x' is searched in at most 1,000,000 characters, the text has 1,000,001"
    )
