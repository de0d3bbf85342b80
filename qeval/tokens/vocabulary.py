"""Counting tokens with the Qwen vocabulary, without a network.

The ranks come from the file that the `dashscope` wheel carries (found, never imported), checked
by SHA-256, and are read by tiktoken. A fast copy of them lies in the user's cache folder; it is
checked against a digest that stands here, so nobody can plant another one. Without the wheel or
without tiktoken every count is an estimate, and says so.

Nothing heavy is imported or read before the first count.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from qeval.errors import UsageError
from qeval.record import Method
from qeval.tokens.specials import OLD, cut
from qeval.value import Value, clean

if TYPE_CHECKING:
    from tiktoken import Encoding

INSTALL_HINT = "install the Qwen vocabulary: pip install 'qeval[qwen]'"
"""What turns estimates into counts."""

RANKS_SHA256 = "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186"
"""Of `qwen.tiktoken`, as every wheel seen so far carries it."""

PACKED_SHA256 = "caa0a2b90ec75a6bbfdad77a3fe4e690869507f8bf08b4cf81877d4c7297fc0e"
"""Of the same ranks in the packed form of `pack`."""

TOKENS = 151_643
"""Entries of the vocabulary; special tokens follow."""

_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CHUNK = 50_000
"""Characters encoded at once: a run of a million blanks overflows the stack of tiktoken 0.14."""

_BOUNDARY = re.compile(r"(?<=\n)(?=\S)|(?<=[^\W_])(?=[\s.,;:!?。，；：！？])|(?<=[0-9])(?=[^\W_])")
"""Places where the split pattern always ends a piece, so that cutting there changes no count."""

_NEAR = 2_000
"""How far before the end of a chunk such a place is looked for, in characters."""

CJK_PER_TOKEN = 1.7
"""Characters of Chinese, Japanese or Korean a token, measured on Chinese text."""
LATIN_PER_TOKEN = 4.2
"""ASCII characters a token, measured on English documents with code and tables in them."""
OTHER_PER_TOKEN = 1.9
"""Characters of other scripts a token, measured on a Cyrillic sentence."""

_CJK = re.compile(
    "[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+"
)


class Count(Value):
    """A number of tokens, and how it was found."""

    tokens: int
    method: Method


def weakest(methods: Iterable[Method]) -> Method:
    """Return the least sure of the methods, which is what a sum of such counts is worth.

    >>> weakest(["exact", "model"]), weakest([])
    ('model', 'exact')
    """
    found = set(methods)
    if "estimate" in found:
        return "estimate"
    return "model" if "model" in found else "exact"


class Vocabulary:
    """The Qwen vocabulary of 151,643 entries (Qwen 1 to Qwen3), with the special tokens of Qwen3.

    Text is normalised to NFC first, as the models' own tokenizers do. Safe to use from
    several threads at once.
    """

    def __init__(self, ranks: dict[bytes, int]) -> None:
        from tiktoken import Encoding

        self._encoding: Encoding = Encoding(
            "qwen", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens=OLD
        )
        # It is kept for pickling alone, and is 17 MB; what encodes has its own copy.
        self._encoding._mergeable_ranks = {}  # noqa: SLF001 (see above)

    def encode(self, text: str) -> list[int]:
        """Return the ids of user text: what looks like a special token is ordinary text here."""
        return [one for piece, _ in pieces(normal(text)) for one in self._ids(piece)]

    def encode_markup(self, text: str, known: dict[str, int] = OLD) -> list[int]:
        """Return the ids of template text, where special tokens count as themselves.

        Args:
            text: Markup, not user text.
            known: Special tokens and their ids.
        """
        ids: list[int] = []
        for part in cut(text, known):
            ids += [known[part]] if part in known else self.encode(part)
        return ids

    def count(self, text: str) -> tuple[int, bool]:
        """Return the number of tokens, and whether it is exact.

        It is not where a very long run (50,000 characters without a safe place to cut) had to
        be cut in its middle. Time and memory beyond the text are bounded by the chunk.
        """
        text = normal(text)
        if len(text) <= CHUNK:
            return len(self._ids(text)), True
        tokens, whole = 0, True
        for piece, safe in pieces(text):
            tokens += len(self._ids(piece))
            whole = whole and safe
        return tokens, whole

    def prefix(self, text: str, tokens: int) -> str:
        """Return the text of the first `tokens` tokens, without a character cut in half."""
        return self._encoding.decode_bytes(self.encode(text)[:tokens]).decode(errors="ignore")

    def _ids(self, piece: str) -> list[int]:
        return self._encoding.encode_ordinary(piece)


def normal(text: str) -> str:
    """Return the text in NFC, lone surrogates replaced."""
    return text if text.isascii() else unicodedata.normalize("NFC", clean(text))


def pieces(text: str, size: int = CHUNK) -> Iterator[tuple[str, bool]]:
    """Cut a long text where the split pattern ends a piece anyway.

    Yields:
        Each part, and whether its end is such a place (or the end of the text).
    """
    start = 0
    while len(text) - start > size:
        end, safe = _cut(text, start, start + size)
        yield text[start:end], safe
        start = end
    yield text[start:], True


def _cut(text: str, start: int, end: int) -> tuple[int, bool]:
    places = [m.start() for m in _BOUNDARY.finditer(text, max(end - _NEAR, start + 1), end)]
    return (places[-1], True) if places else (end, False)


def estimate(text: str) -> int:
    """Guess the number of tokens from the scripts of the text; 0 only for an empty text.

    Digits count one each, which is exact. The other rates are the constants `…_PER_TOKEN`.
    """
    length = len(text)
    ascii_only = len(text.encode("ascii", "ignore"))
    digits = sum(text.count(digit) for digit in "0123456789")
    cjk = length - len(_CJK.sub("", text)) if ascii_only < length else 0
    other = length - ascii_only - cjk
    parts = (ascii_only - digits) / LATIN_PER_TOKEN + cjk / CJK_PER_TOKEN + other / OTHER_PER_TOKEN
    return max(round(digits + parts), 1 if text else 0)


class _Shared:
    """The one vocabulary of the process, loaded at the first need, by one thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaded = False
        self._vocabulary: Vocabulary | None = None

    def __call__(self) -> Vocabulary | None:
        if not self._loaded:
            with self._lock:
                if not self._loaded:
                    self._vocabulary = load()
                    self._loaded = True
        return self._vocabulary


shared = _Shared()
"""Return the vocabulary of this process, or None where none is installed."""


def load() -> Vocabulary | None:
    """Read the installed vocabulary, or return None where the extra `qwen` is not installed.

    Raises:
        UsageError: The file is not the one known: its SHA-256 differs.
    """
    raw = verified()
    if raw is None:
        return None
    try:
        return Vocabulary(_read_cache() or _write_cache(_parse(raw)))
    except ImportError:  # tiktoken is there, and lacks what it needs
        return None


def verified() -> bytes | None:
    """Return the installed ranks as their maker ships them, or None where there are none.

    Raises:
        UsageError: The file is not the one known: its SHA-256 differs.
    """
    path = ranks_file()
    if path is None or importlib.util.find_spec("tiktoken") is None:
        return None
    raw = path.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if digest != RANKS_SHA256:
        raise UsageError(
            f"vocabulary file {path.name!r} of the package 'dashscope' has SHA-256 {digest[:12]}…, "
            f"not {RANKS_SHA256[:12]}…; counting with it would give wrong numbers",
            hint="install it anew: pip install --force-reinstall --no-deps dashscope",
        )
    return raw


def ranks_file() -> Path | None:
    """Return where the `dashscope` wheel keeps the ranks, or None. Nothing is imported."""
    try:
        spec = importlib.util.find_spec("dashscope")
    except (ImportError, ValueError):  # ValueError: a module of that name without a spec
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "resources" / "qwen.tiktoken"
        if path.is_file():
            return path
    return None


def cache_file() -> Path | None:
    """Return where the packed ranks are kept, or None where the user has no home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # A relative path is to be ignored: XDG Base Directory Specification 0.8.
        folder = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return None
    return folder / "qeval" / f"qwen-{PACKED_SHA256[:12]}.ranks"


def _parse(raw: bytes) -> dict[bytes, int]:
    from base64 import b64decode

    pairs = (line.split() for line in raw.splitlines())
    return {b64decode(token): int(rank) for token, rank in pairs}


def pack(ranks: dict[bytes, int]) -> bytes:
    """Return the ranks as the lengths of all tokens, one byte each, then the tokens, by rank."""
    tokens = sorted(ranks, key=ranks.__getitem__)
    return bytes(map(len, tokens)) + b"".join(tokens)


def unpack(packed: bytes) -> dict[bytes, int]:
    """Return the ranks that `pack` packed: 0.03 s where the wheel's own form takes 0.14."""
    tokens = map(BytesIO(packed[TOKENS:]).read, packed[:TOKENS])
    return dict(zip(tokens, range(TOKENS), strict=True))


def _read_cache() -> dict[bytes, int] | None:
    path = cache_file()
    try:
        packed = path.read_bytes() if path else b""
    except OSError:
        return None
    return unpack(packed) if hashlib.sha256(packed).hexdigest() == PACKED_SHA256 else None


def _write_cache(ranks: dict[bytes, int]) -> dict[bytes, int]:
    """Keep the ranks for the next process if that is possible, and return them."""
    path = cache_file()
    if path is not None:
        with suppress(OSError):
            _replace(path, pack(ranks))
    return ranks


def _replace(path: Path, content: bytes) -> None:
    """Put a whole file in place at once, or leave nothing behind."""
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
