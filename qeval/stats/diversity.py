"""How alike several answers to one question are.

Groups have different numbers of answers, so each measure is one whose expectation does not
depend on that number: an average over pairs, or a count brought down to `m` draws.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations, permutations
from math import comb, exp, fsum, log
from typing import NamedTuple

_ALONE = (
    r"\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    r"\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_ALONE}]|[^\s{_ALONE}]+")
"""Runs without white space; of Han, Kana and Hangul each character by itself."""
_ORDERS = 4


def agreement(answers: Sequence[Hashable]) -> float | None:
    """Return the share of pairs of answers that are equal, in [0, 1]; None of fewer than two.

    Source:
        Simpson, E. H. (1949). Measurement of diversity. Nature 163, 688.

    >>> agreement(["a", "a", "a", "b", "c"])
    0.3
    """
    k = len(answers)
    if k < 2:
        return None
    return sum(n * (n - 1) for n in Counter(answers).values()) / (k * (k - 1))


def distinct_answers(answers: Sequence[Hashable], m: int) -> float | None:
    """Return how many different answers `m` draws would bring, in [1, m]; None of fewer than m.

    Source:
        Hurlbert, S. H. (1971). The nonconcept of species diversity. Ecology 52, 577-586.

    >>> round(distinct_answers(["a", "a", "a", "b", "c"], 3), 6)
    2.2
    """
    k = len(answers)
    if k < m or m < 1:
        return None
    whole = comb(k, m)
    return fsum(1 - comb(k - n, m) / whole for n in Counter(answers).values())


def modal_agreement(answers: Sequence[Hashable], m: int) -> float | None:
    """Return the share that the commonest of `m` draws has, in [1/m, 1]; None of fewer than m.

    >>> round(modal_agreement(["a", "a", "a", "b", "c"], 3), 6)
    0.6
    """
    k = len(answers)
    if k < m or m < 1:
        return None
    sizes = Counter(Counter(answers).values())
    whole = comb(k, m)
    most = fsum(1 - _ways(sizes, t, m) / whole for t in range(m))
    return most / m


class Grams(NamedTuple):
    """The n-grams of some texts, counted, so that the texts can be let go."""

    texts: int
    total: int
    """All n-grams, of all texts."""
    held: tuple[tuple[int, int], ...]
    """How many n-grams stand in exactly so many texts: pairs of (texts, n-grams), sorted."""


def grams(texts: Sequence[str], n: int) -> Grams:
    """Count the n-grams of texts."""
    kinds = Counter(texts)
    total, holding = 0, Counter[tuple[str, ...]]()
    for text, number in kinds.items():
        found = _grams(words(text), n)
        total += number * sum(found.values())
        for gram in found:
            holding[gram] += number
    return Grams(len(texts), total, tuple(sorted(Counter(holding.values()).items())))


def distinct_n(counted: Grams, m: int) -> float | None:
    """Return distinct n-grams over all n-grams, as in `m` draws; None of fewer than m texts.

    Source:
        Li et al. (2016), NAACL (distinct-n); rarefied as Hurlbert (1971) does for species.

    >>> round(distinct_n(grams(["the cat sat", "the cat ran", "a dog sat"], 1), 2), 6)
    0.833333
    """
    k = counted.texts
    if k < m or m < 1 or not counted.total:
        return None
    whole = comb(k, m)
    seen = fsum(each * (1 - comb(k - number, m) / whole) for number, each in counted.held)
    return seen / (m * counted.total / k)


def ngram_share(counted: Grams) -> float | None:
    """Return the plain distinct-n, which falls with the number of texts: never compare it."""
    return sum(each for _, each in counted.held) / counted.total if counted.total else None


def pairwise_bleu(texts: Sequence[str]) -> float | None:
    """Return the mean BLEU of each answer against each other one, in [0, 1]; None of one.

    Orders up to 4, one added to counts from order 2 on, brevity penalty. It does not grow with
    the number of answers, as BLEU against all others does.

    Source:
        Shen et al. (2019), ICML; Zhu et al. (2018), SIGIR (self-BLEU).
    """
    if len(texts) < 2:
        return None
    kinds = Counter(texts)
    if len(kinds) == 1:
        return 1.0
    split = {text: words(text) for text in sorted(kinds)}
    held = {t: [_grams(own, n) for n in range(1, _ORDERS + 1)] for t, own in split.items()}
    same = sum(number * (number - 1) for number in kinds.values())  # equal ones score 1
    apart = fsum(
        kinds[one]
        * kinds[other]
        * _bleu(held[one], held[other], len(split[one]), len(split[other]))
        for one, other in permutations(split, 2)
    )
    return (same + apart) / (len(texts) * (len(texts) - 1))


def pairwise_similarity(texts: Sequence[str]) -> float | None:
    """Return the mean share of characters that two answers keep in order, in [0, 1].

    2 · (longest common subsequence) / (sum of lengths), over all pairs; None of fewer than two.

    Source:
        Hoeffding, W. (1948). A class of statistics with asymptotically normal distribution.
        Annals of Mathematical Statistics 19, 293-325 (the average over pairs).
    """
    if len(texts) < 2:
        return None
    kinds = Counter(texts)
    pairs = comb(len(texts), 2)
    same = sum(comb(n, 2) for n in kinds.values())
    apart = fsum(
        kinds[one] * kinds[other] * _similarity(one, other)
        for one, other in combinations(sorted(kinds), 2)
    )
    return (same + apart) / pairs


def words(text: str) -> list[str]:
    """Split a text into words: case folded, at white space, Han, Kana and Hangul by character.

    >>> words("The CAT 你好")
    ['the', 'cat', '你', '好']
    """
    return _WORD.findall(text.casefold())


def _ways(sizes: Counter[int], most: int, m: int) -> int:
    """Return the ways to draw m answers with at most so many of each kind."""
    ways = [1] + [0] * m
    for size, number in sizes.items():
        chosen = [comb(size, j) for j in range(min(most, size, m) + 1)]
        for _ in range(number):
            ways = _product(ways, chosen)
    return ways[m]


def _product(ways: list[int], chosen: list[int]) -> list[int]:
    return [
        sum(ways[total - j] * chosen[j] for j in range(min(total, len(chosen) - 1) + 1))
        for total in range(len(ways))
    ]


def _grams(split: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(split[i : i + n]) for i in range(len(split) - n + 1))


def _bleu(
    candidate: Sequence[Counter[tuple[str, ...]]],
    reference: Sequence[Counter[tuple[str, ...]]],
    length: int,
    other: int,
) -> float:
    if not length or not other:
        return float(length == other)
    logs = []
    for order, (mine, theirs) in enumerate(zip(candidate, reference, strict=True), 1):
        hits = sum(min(number, theirs[gram]) for gram, number in mine.items())
        total = sum(mine.values())
        added = 1 if order > 1 else 0
        if not hits + added:
            return 0.0
        logs.append(log((hits + added) / (total + added)))
    penalty = min(0.0, 1 - other / length)
    return exp(fsum(logs) / _ORDERS + penalty)


def _similarity(one: str, other: str) -> float:
    """Return the normalised Indel ratio, by bits: a row of the table is one whole number."""
    if not one or not other:
        return float(one == other)
    places: dict[str, int] = {}
    for place, sign in enumerate(one):
        places[sign] = places.get(sign, 0) | 1 << place
    row = full = (1 << len(one)) - 1
    for sign in other:
        found = row & places.get(sign, 0)
        row = ((row + found) | (row - found)) & full
    common = len(one) - row.bit_count()
    return 2 * common / (len(one) + len(other))
