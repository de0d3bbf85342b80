"""Hostile text made visible."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval.report.marks import escaped, line, visible

ANY = st.text(st.characters(exclude_categories=()))  # lone surrogates with the rest


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x9b31m", "‹U+009B›31m"),
        ("a\x00b", "a␀b"),
        ("a\rb", "a␍b"),
        ("\u202edlrow", "‹RLO›dlrow"),
        ("\u061c", "‹ALM›"),
        ("pay\u200bload", "pay‹ZWSP›load"),
        ("\ud800", "‹U+D800›"),
        ("\ufeffx", "‹BOM›x"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("👩\u200d👧 می\u200cخواهم", "👩\u200d👧 می\u200cخواهم"),
    ],
)
def test_what_would_be_obeyed_is_shown(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


@given(ANY)
def test_visible_text_obeys_nothing_and_can_be_written(text: str) -> None:
    shown = visible(text)
    shown.encode()
    controls = {c for c in shown if unicodedata.category(c) in {"Cc", "Cs"}} - {"\n", "\t"}
    assert not controls
    assert not {c for c in shown if unicodedata.bidirectional(c) in {"RLO", "LRO", "RLI", "LRI"}}
    assert visible(shown) == shown


@given(ANY, st.integers(1, 50))
def test_a_line_is_one_line_of_at_most_so_many_characters(text: str, limit: int) -> None:
    shown = line(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1


@given(ANY)
def test_escaped_json_means_the_same_and_is_harmless(text: str) -> None:
    document = escaped(json.dumps([text], ensure_ascii=False))
    assert json.loads(document) == [text]
    assert visible(document) == document
