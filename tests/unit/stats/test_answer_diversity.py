"""How alike answers are: printed values, enumeration and bounds."""

import random
from collections.abc import Callable, Sequence
from itertools import combinations
from math import exp, fsum, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval.stats.diversity import (
    agreement,
    distinct_answers,
    distinct_n,
    grams,
    modal_agreement,
    ngram_share,
    pairwise_bleu,
    pairwise_similarity,
    words,
)

ANSWERS = ["a", "a", "a", "b", "c"]
PETS = ["the cat sat", "the cat ran", "a dog sat"]
KINDS = st.lists(st.sampled_from("abcd"), min_size=2, max_size=8)
TEXTS = st.lists(
    st.lists(st.sampled_from(["the", "cat", "sat", "on", "你"]), max_size=6).map(" ".join),
    min_size=2,
    max_size=5,
)


def test_five_answers_have_the_printed_values() -> None:
    assert agreement(ANSWERS) == pytest.approx(0.3, abs=1e-12)
    assert distinct_answers(ANSWERS, 2) == pytest.approx(1.7, abs=1e-12)
    assert distinct_answers(ANSWERS, 3) == pytest.approx(2.2, abs=1e-12)
    assert modal_agreement(ANSWERS, 3) == pytest.approx(0.6, abs=1e-12)


def test_three_texts_have_the_printed_values() -> None:
    assert ngram_share(grams(PETS, 1)) == pytest.approx(2 / 3, abs=1e-12)
    assert ngram_share(grams(PETS, 2)) == pytest.approx(5 / 6, abs=1e-12)
    assert distinct_n(grams(PETS, 1), 2) == pytest.approx(5 / 6, abs=1e-12)
    assert distinct_n(grams(PETS, 2), 2) == pytest.approx(11 / 12, abs=1e-12)


@pytest.mark.parametrize("answers", [[], ["one"]])
def test_a_single_answer_has_no_diversity(answers: list[str]) -> None:
    assert agreement(answers) is None
    assert pairwise_bleu(answers) is None
    assert pairwise_similarity(answers) is None
    assert distinct_answers(answers, 2) is None
    assert modal_agreement(answers, 2) is None
    assert distinct_n(grams(answers, 1), 2) is None


def test_texts_without_a_word_have_no_share_of_them() -> None:
    assert distinct_n(grams(["", " "], 1), 2) is None
    assert ngram_share(grams(["", " "], 1)) is None


def mean_of_draws(of: Callable[[Sequence[str]], float], answers: Sequence[str], m: int) -> float:
    """The mean over all ways to draw m answers: what a rarefied measure has to be."""
    drawn = [of(chosen) for chosen in combinations(answers, m)]
    return fsum(drawn) / len(drawn)


@given(answers=KINDS, data=st.data())
def test_rarefied_measures_are_means_over_all_draws(
    answers: list[str], data: st.DataObject
) -> None:
    m = data.draw(st.integers(1, len(answers)))

    distinct = mean_of_draws(lambda chosen: len(set(chosen)), answers, m)
    modal = mean_of_draws(lambda chosen: max(map(chosen.count, chosen)) / m, answers, m)

    assert distinct_answers(answers, m) == pytest.approx(distinct, abs=1e-12)
    assert modal_agreement(answers, m) == pytest.approx(modal, abs=1e-12)


@given(texts=TEXTS, n=st.integers(1, 3), data=st.data())
def test_distinct_n_draws_its_unique_ngrams_from_all_draws(
    texts: list[str], n: int, data: st.DataObject
) -> None:
    m = data.draw(st.integers(1, len(texts)))

    def split_of(text: str) -> list[tuple[str, ...]]:
        split = text.split()
        return [tuple(split[i : i + n]) for i in range(len(split) - n + 1)]

    total = sum(len(split_of(text)) for text in texts)
    unique = mean_of_draws(
        lambda chosen: len({gram for text in chosen for gram in split_of(text)}), texts, m
    )

    found = distinct_n(grams(texts, n), m)

    assert found == (pytest.approx(unique / (m * total / len(texts))) if total else None)


@given(answers=KINDS, order=st.randoms(use_true_random=False))
def test_measures_of_equality_stay_in_bounds_and_know_no_order(
    answers: list[str], order: random.Random
) -> None:
    other = list(answers)
    order.shuffle(other)
    same = agreement(answers)
    distinct = distinct_answers(answers, 2)
    modal = modal_agreement(answers, 2)

    assert same is not None
    assert distinct is not None
    assert modal is not None
    assert 0 <= same <= 1
    assert (same == 1) == (len(set(answers)) == 1)
    assert agreement(other) == same
    # Two draws are one answer with the chance that a pair agrees.
    assert distinct == pytest.approx(2 - same, abs=1e-12)
    assert modal == pytest.approx((1 + same) / 2, abs=1e-12)


@given(texts=TEXTS, order=st.randoms(use_true_random=False))
def test_measures_of_likeness_stay_in_bounds_and_know_no_order(
    texts: list[str], order: random.Random
) -> None:
    other = list(texts)
    order.shuffle(other)

    for measure in (pairwise_bleu, pairwise_similarity):
        found = measure(texts)
        assert found is not None
        assert 0 <= found <= 1 + 1e-12
        assert measure(other) == pytest.approx(found, abs=1e-12)
        if len(set(texts)) == 1:
            assert found == pytest.approx(1, abs=1e-12)


def common(one: str, other: str) -> int:
    """The longest common subsequence, by the table of all prefixes."""
    row = [0] * (len(other) + 1)
    for sign in one:
        before = row
        row = [0]
        for place, each in enumerate(other):
            row.append(before[place] + 1 if each == sign else max(row[-1], before[place + 1]))
    return row[-1]


@given(one=st.text("abc你", max_size=40), other=st.text("abc你", max_size=40))
def test_similarity_is_twice_the_common_part_of_both_lengths(one: str, other: str) -> None:
    lengths = len(one) + len(other)
    expected = 2 * common(one, other) / lengths if lengths else 1.0

    assert pairwise_similarity([one, other]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("the cat sat", "the cat sat", 1.0),
        ("the cat sat", "THE  CAT\nsat", 1.0),
        ("a", "b", 0.0),
        ("", "b", 0.0),
        ("", "", 1.0),
        # orders 1 to 4: 2/3, (1+1)/(2+1), (0+1)/(1+1), (0+1)/(0+1), of equal length
        ("the cat sat", "the cat ran", exp(log(2 / 3 * 2 / 3 * 1 / 2) / 4)),
        # one way 2/2, 2/2, 1, 1 and shorter by a half; the other way 2/4, 2/4, 1/3, 1/2
        ("a b", "a b c d", (exp(1 - 4 / 2) + exp(log(2 / 4 * 2 / 4 * 1 / 3 * 1 / 2) / 4)) / 2),
    ],
)
def test_bleu_of_two_answers_is_as_worked_by_hand(one: str, other: str, expected: float) -> None:
    assert pairwise_bleu([one, other]) == pytest.approx(expected, abs=1e-12)


def test_likeness_does_not_grow_with_the_number_of_answers() -> None:
    pair = ["the cat sat", "a dog ran"]
    more = [*pair, "my bird flew", "one fish swam"]

    assert pairwise_bleu(more) == pytest.approx(0, abs=1e-12)
    assert pairwise_bleu(pair) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("The CAT  sat.\n", ["the", "cat", "sat."]),
        ("Straße", ["strasse"]),
        ("你好 world", ["你", "好", "world"]),
        ("ok你好ok", ["ok", "你", "好", "ok"]),
        ("ひらカナ한글𠀀々", ["ひ", "ら", "カ", "ナ", "한", "글", "𠀀", "々"]),
        ("", []),
    ],
)
def test_words_are_cut_at_white_space_and_ideographs_stand_alone(
    text: str, split: list[str]
) -> None:
    assert words(text) == split
