import time
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval.scorers.folding import fold, nfc
from qeval.scorers.length import words

LONG = 10_000


@given(st.text(max_size=80))
def test_short_text_is_composed_as_unicode_says(text: str) -> None:
    assert nfc(text) == normalize("NFC", text)


@given(st.text(alphabet="ae\u0301\u0327\u1100\u1161\u11a8é中 ", min_size=1, max_size=60))
def test_long_text_is_composed_as_unicode_says(seed: str) -> None:
    text = (seed + "x") * (LONG // len(seed) + 1)

    assert nfc(text) == normalize("NFC", text)


def test_a_run_of_marks_that_no_writing_has_is_left_and_costs_little() -> None:
    text = "e\u0301 " + "a" + "\u0301\u0327" * 500_000
    began = time.perf_counter()

    composed = nfc(text)

    assert time.perf_counter() - began < 10
    assert len(composed) > 900_000


@given(st.text(max_size=40))
def test_folding_makes_composed_and_decomposed_text_equal(text: str) -> None:
    one, other = normalize("NFC", text), normalize("NFD", text)

    assert fold(one, ignore_case=False) == fold(other, ignore_case=False)
    assert fold(one, ignore_case=True) == fold(other, ignore_case=True)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("one", 1),
        ("Don't panic, it is well-known.", 5),
        ("3.14 and 2,000", 3),
        ("the cat—a tabby", 4),
        ("— … !", 0),
        ("代码改变世界。", 6),
        ("こんにちは", 5),
        ("コンピューター", 1),
        ("テストtest", 2),
        ("私はコーヒーが好き", 6),
        ("สวัสดี", 4),
        ("안녕하세요 세계", 2),
        ("GPT模型 is good", 5),
        ("naïve café", 2),
    ],
)
def test_words_are_counted_as_documented(text: str, count: int) -> None:
    assert words(text) == count


@given(st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), max_size=12))
def test_words_of_spaced_text_are_what_spaces_part(parts: list[str]) -> None:
    assert words("  ".join(parts)) == len(parts)
