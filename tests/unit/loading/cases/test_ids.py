import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.loading.cases.ids import automatic, digest, joined, rendered, values_suffix
from qeval.loading.texts import wrong_id


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the capital of France?", "what-is-the-capital-of-france"),
        ("In which year did the Berlin Wall fall, and why?", "in-which-year-did-the-berlin-wall-fall"),
        ("What is {{ a }} + {{ b }}?", "what-is-a-b"),
        ("Is 3.5 - 1 = 2.5? Yes. No.", "is-3.5-1-2.5-yes-no"),
        ("CON", "case-con"),
        ("nul.txt", "case-nul.txt"),
        ("x" * 60, "x" * 40),
        ("Ça va?", "a-va"),
    ],
)  # fmt: skip
def test_automatic_ids(question: str, expected: str) -> None:
    assert automatic(question) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("q-17", "q-17"),
        ("Q 17/b", "q-17-b"),
        ("a__b", "a__b"),
        ("com1", "case-com1"),
        ("aux.x", "case-aux.x"),
        ("-_.", None),
        ("问题", None),
        ("", None),
        ("y" * 81, "y" * 71 + "-c82ac004"),
    ],
)
def test_rendered_ids(text: str, expected: str | None) -> None:
    assert rendered(text) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([17, 25], "17-25"),
        (["German"], "german"),
        ([True, None, 0.5], "true-null-0.5"),
        ([-3], "-3"),
        (["x" * 41], digest(["x" * 41])),
        ([["a"]], digest([["a"]])),
        (["?"], digest(["?"])),
    ],
)
def test_suffixes_are_the_values_or_their_digest(values: list[object], expected: str) -> None:
    assert values_suffix(values) == expected


def test_suffixes_keep_within_the_length_of_ids() -> None:
    assert joined("a" * 80, ["17"]) == "a" * 77 + "-17"


@settings(max_examples=100)
@given(st.text(max_size=120))
def test_ids_are_valid_whatever_the_text(text: str) -> None:
    assert wrong_id(automatic(text)) is None
    assert wrong_id(joined(automatic(text), [values_suffix([text])])) is None
    made = rendered(text)
    assert made is None or wrong_id(made) is None
