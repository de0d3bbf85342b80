"""How long an answer is: characters, words, lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from unicodedata import category

from qeval.record import Evidence, Score
from qeval.scorers.base import register
from qeval.scorers.extract import as_text
from qeval.scorers.folding import nfc
from qeval.value import Value

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Hiragana and Han: scripts written without spaces between words."""
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f]+")


def words(text: str) -> int:
    """Count the words of a text.

    Where a language has spaces, a word is what stands between white space or em dashes and
    holds a letter or a digit: `don't`, `well-known` and `3.14` are one each. Where it has none
    (Thai, Lao, Burmese, Khmer, Hiragana, Han), every letter counts and marks upon it do not:
    the default rule of Unicode's text segmentation, which needs no dictionary, also breaks
    there. A run of Katakana is one word.

    Source:
        Unicode Standard Annex 29, Unicode Text Segmentation, section 4 (rules WB13, WB999).

    >>> words("Don't panic, it is well-known."), words("代码改变世界"), words("— 42 —")
    (5, 6, 1)
    """
    if text.isascii():
        return _spaced(text)
    unspaced = sum(1 for c in _UNSPACED.findall(text) if category(c)[0] in "LN")
    rest, katakana = _KATAKANA.subn(" ", _UNSPACED.sub(" ", text.replace("—", " ")))
    return unspaced + katakana + _spaced(rest)


def _spaced(text: str) -> int:
    return sum(1 for chunk in text.split() if any(map(str.isalnum, chunk)))


def _lines(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())


_COUNTERS: tuple[tuple[str, Callable[[str], int]], ...] = (
    ("chars", len),
    ("words", words),
    ("lines", _lines),
)


class Bounds(Value):
    """Least and most characters, words and lines; None: no bound."""

    min_chars: int | None = None
    max_chars: int | None = None
    min_words: int | None = None
    max_words: int | None = None
    min_lines: int | None = None
    max_lines: int | None = None

    def of(self, unit: str) -> tuple[int | None, int | None]:
        """Return the least and the most of a unit."""
        return getattr(self, f"min_{unit}"), getattr(self, f"max_{unit}")

    def __post_init__(self) -> None:
        bounds = {unit: self.of(unit) for unit, _ in _COUNTERS}
        if all(least is None and most is None for least, most in bounds.values()):
            raise ValueError("length needs at least one of min_ and max_ of chars, words, lines")
        for unit, (least, most) in bounds.items():
            if min(least or 0, most or 0) < 0:
                raise ValueError(f"a bound of {unit} is at least 0")
            if least is not None and most is not None and least > most:
                raise ValueError(f"min_{unit} {least} is above max_{unit} {most}")


@register("length")
class Length(Value):
    """The answer, outer white space apart, has a length within bounds, both ends included.

    Characters are Unicode code points in NFC; words as `words` counts them; lines are those that
    hold anything but white space. Scores 1 or 0.
    """

    bounds: Bounds

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where every bound is kept."""
        text = nfc(as_text(evidence.value).strip())
        wrong, right = [], []
        for unit, counter in _COUNTERS:
            least, most = self.bounds.of(unit)
            if least is None and most is None:
                continue
            count = counter(text)
            if least is not None and count < least:
                wrong.append(f"{count} {unit}, at least {least}")
            elif most is not None and count > most:
                wrong.append(f"{count} {unit}, at most {most}")
            else:
                right.append(f"{count} {unit}")
        return Score(value=0.0 if wrong else 1.0, reason="; ".join(wrong or right))
