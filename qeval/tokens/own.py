"""A tokenizer.json of the user's own, read by the package `tokenizers`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qeval.errors import UsageError
from qeval.models import Model
from qeval.tokens.specials import TABLES
from qeval.tokens.vocabulary import CHUNK, normal, pieces

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

_WITHOUT: dict[str, Any] = {"added_tokens": [], "truncation": None, "padding": None}
"""Nothing that a user types is to be a special token, and no text is counted cut or filled up."""

_PUBLISHED = "give the tokenizer.json that the model's makers publish"

_MARK = "<|im_end|>"
"""Whose id tells one Qwen vocabulary from another."""


class OwnTokenizer:
    """Counts with the user's vocabulary; read at the first count.

    Special tokens are taken out of it, so that user text never holds one.

    Args:
        path: Of the tokenizer.json.
        model: Whose it is to be.

    Raises:
        UsageError: There is no such file.
    """

    def __init__(self, path: Path, model: Model) -> None:
        if not path.is_file():
            raise UsageError(
                f"model {model.name!r}: tokenizer {model.tokenizer!r} is not there",
                hint="give `tokenizer` as a path from the project's root",
            )
        self._path = path
        self._model = model
        self._tokenizer: Tokenizer | None = None

    def count(self, text: str) -> tuple[int, bool]:
        """Return the number of tokens of user text, and whether it is exact.

        Raises:
            UsageError: The file is no tokenizer, one of another vocabulary, or has no tokens for
                the text.
        """
        tokens, whole = 0, True
        for piece, safe in pieces(normal(text), CHUNK):
            tokens += len(self._encoded(piece).ids)
            whole = whole and safe
        return tokens, whole

    def prefix(self, text: str, tokens: int) -> str:
        """Return the text of the first `tokens` tokens."""
        text = normal(text)
        offsets = self._encoded(text).offsets[:tokens]
        return text[: offsets[-1][1]] if offsets else ""

    def _encoded(self, text: str) -> Encoding:
        loaded = self._loaded()
        try:
            return loaded.encode(text, add_special_tokens=False)
        except Exception as error:  # noqa: BLE001  (the package raises bare Exception)
            raise self._wrong(f"cannot read a text: {_line(error)}", _PUBLISHED) from None

    def _loaded(self) -> Tokenizer:
        if self._tokenizer is None:
            self._tokenizer = self._load()
        return self._tokenizer

    def _load(self) -> Tokenizer:
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise self._wrong(
                "needs the package 'tokenizers'", "install it: pip install 'qeval[tokenizers]'"
            ) from None
        try:
            document: Any = json.loads(self._path.read_bytes())
            added = {one["content"]: one["id"] for one in document.get("added_tokens") or ()}
            loaded = Tokenizer.from_str(json.dumps({**document, **_WITHOUT}))
        except Exception as error:  # noqa: BLE001  (the package raises bare Exception)
            raise self._wrong(f"cannot be read: {_line(error)}", _PUBLISHED) from None
        self._compare(added)
        return loaded

    def _compare(self, added: dict[str, int]) -> None:
        """Refuse the tokenizer of another Qwen vocabulary than the model's."""
        wanted = TABLES.get(self._model.vocabulary or "", {}).get(_MARK)
        got = added.get(_MARK)
        if wanted is not None and got is not None and got != wanted:
            raise self._wrong(
                f"has {_MARK} as {got}, the vocabulary {self._model.vocabulary!r} as {wanted}",
                "give the tokenizer.json of this very model",
            )

    def _wrong(self, what: str, hint: str) -> UsageError:
        return UsageError(
            f"model {self._model.name!r}: tokenizer {self._model.tokenizer!r} {what}", hint=hint
        )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
