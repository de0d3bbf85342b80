"""Who counts the tokens of a model: the Qwen vocabulary, the user's own tokenizer, or a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from qeval import models
from qeval.models import Model
from qeval.record import Method
from qeval.tokens import vocabulary
from qeval.tokens.specials import cut, table
from qeval.tokens.vocabulary import Count, estimate

_KEPT = 2048
"""Texts whose counts a counter remembers: system prompts and questions come again and again."""
_LONGEST = 20_000
"""Characters of a text that is worth remembering."""

_METHODS: dict[str | None, Method] = {"qwen2.5": "exact", "qwen-old": "exact", "qwen-new": "model"}
"""Vocabulary of a model → what counting it with the old one is worth."""


class Reader(Protocol):
    """A vocabulary, as a counter uses it."""

    def count(self, text: str) -> tuple[int, bool]:
        """Return the number of tokens of user text, and whether it is exact."""
        ...

    def prefix(self, text: str, tokens: int) -> str:
        """Return the text of the first `tokens` tokens."""
        ...


class Counter:
    """Counts the tokens of texts for one model, and remembers counts of short texts.

    `count` is exact for models of the old vocabulary and for those with a tokenizer of the
    user's own, `model` for later Qwen models (counted with the old one), and `estimate` for any
    other model or where no vocabulary is installed.
    """

    def __init__(self, model: Model | None, own: Reader | None = None) -> None:
        name = None if model is None else model.vocabulary
        self._method: Method = "exact" if own is not None else _METHODS.get(name, "estimate")
        self._own = own
        self._known = table(name)
        self._counted: dict[str, Count] = {}
        self._marks: dict[str, int] = {}

    def count(self, text: str) -> Count:
        """Count user text; no special token is seen in it. The first call loads the vocabulary.

        Raises:
            UsageError: The installed vocabulary file is not the one known.
        """
        found = self._counted.get(text)
        if found is None:
            found = self._count(text)
            if len(text) <= _LONGEST:
                if len(self._counted) >= _KEPT:
                    self._counted.clear()
                self._counted[text] = found
        return found

    def marks(self, markup: str) -> int:
        """Count fixed template text, where special tokens of the model count one each."""
        found = self._marks.get(markup)
        if found is None:
            parts = cut(markup, self._known)
            found = sum(1 if part in self._known else self._count(part).tokens for part in parts)
            self._marks[markup] = found
        return found

    def prefix(self, text: str, tokens: int) -> str:
        """Return the beginning of the text that has `tokens` tokens; all of it if it has fewer."""
        reader = self._reader()
        if reader is not None:
            return reader.prefix(text, tokens)
        total = estimate(text)
        return text if total <= tokens else text[: len(text) * tokens // total]

    def _count(self, text: str) -> Count:
        reader = self._reader()
        if reader is None:
            return Count(tokens=estimate(text), method="estimate")
        tokens, whole = reader.count(text)
        return Count(tokens=tokens, method=self._method if whole else "estimate")

    def _reader(self) -> Reader | None:
        return self._own or vocabulary.shared()


def counter(model: str | Model | None, root: Path | None = None) -> Counter:
    """Return the counter for a model, or for a model's name; nothing is loaded yet.

    Args:
        model: None: a model of which nothing is known.
        root: Where the path of a `tokenizer` starts; None: the working directory.

    Raises:
        UsageError: The user's tokenizer.json cannot be read, or belongs to another model.

    >>> counter("qwen-plus") is not None
    True
    """
    known = models.find(model) if isinstance(model, str) else model
    if known is None or known.tokenizer is None:
        return Counter(known)
    from qeval.tokens.own import OwnTokenizer

    return Counter(known, OwnTokenizer((root or Path()) / known.tokenizer, known))
