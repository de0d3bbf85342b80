"""An answer in the pieces in which it streams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Literal, NamedTuple, TypeAlias

from qeval.simulator.asked import Said
from qeval.tokens.counters import Counter
from qeval.value import Json

Kind: TypeAlias = Literal["reasoning", "text", "call"]

_WORD = re.compile(
    r"'(?:[stmd]|re|ve|ll)\b|(?:[^\r\n\w]|_)?[^\W\d_]+|\d| ?(?:[^\s\w]|_)+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    re.IGNORECASE,
)
"""Where the vocabulary ends a piece of text before it looks for tokens, about."""
_LONGEST = 48
"""Characters of a word that are looked at together, so that long runs stay cheap."""
TOGETHER = 3
"""Tokens in one piece of a stream, at least, but for the first."""


class Delta(NamedTuple):
    """What one frame of a stream brings."""

    choice: int
    kind: Kind
    piece: str
    tokens: int
    """Of the piece."""
    call: int = 0
    """Which of the calls."""
    first: bool = False
    """Whether it begins a call."""
    logprobs: tuple[dict[str, Json], ...] | None = None


def tokens_of(text: str, counter: Counter) -> Iterator[str]:
    """Cut a text into tokens. A character that takes several is put to the last of them."""
    for word in _words(text):
        count = counter.count(word).tokens
        before = ""
        for number in range(1, count):
            so_far = counter.prefix(word, number)
            # The counter reads a normal form of the text, which need not begin as the text does.
            if word.startswith(so_far):
                yield so_far[len(before) :]
                before = so_far
            else:
                yield ""
        yield word[len(before) :]


def deltas(said: Said, counter: Counter, *, bare: bool = False) -> Iterator[Delta]:
    """Return all answers in pieces; where there are several they take turns.

    Args:
        said: The answers.
        counter: Of the tokens.
        bare: Whether each call begins with its name alone; else the first of them does not.
    """
    each = [list(_of_one(one, number, counter, bare)) for number, one in enumerate(said.all)]
    for together in zip_longest(*each):
        yield from (delta for delta in together if delta is not None)


def _of_one(said: Said, choice: int, counter: Counter, bare: bool) -> Iterator[Delta]:  # noqa: FBT001 - of `deltas`
    for piece, tokens in _pieces(said.reasoning or "", counter):
        yield Delta(choice, "reasoning", piece, tokens)
    if said.logprobs is not None:
        for entry in said.logprobs:
            yield Delta(choice, "text", entry["token"], 1, logprobs=(entry,))
    else:
        for piece, tokens in _pieces(said.text, counter):
            yield Delta(choice, "text", piece, tokens)
    for number, call in enumerate(said.calls):
        pieces = _pieces(call.arguments, counter)
        if bare or number or not pieces:
            pieces = [("", 0), *pieces]
        for place, (piece, tokens) in enumerate(pieces):
            yield Delta(choice, "call", piece, tokens, number, place == 0)


def _pieces(text: str, counter: Counter) -> list[tuple[str, int]]:
    """Return pieces of a few tokens each; the first as soon as there is one."""
    found: list[tuple[str, int]] = []
    held, tokens = "", 0
    for word in _words(text):
        held += word
        tokens += counter.count(word).tokens
        if tokens >= TOGETHER or not found:
            found.append((held, tokens))
            held, tokens = "", 0
    return [*found, (held, tokens)] if held else found


def _words(text: str) -> Iterable[str]:
    for match in _WORD.finditer(text):
        word = match[0]
        yield from (word[at : at + _LONGEST] for at in range(0, len(word), _LONGEST))
