"""Scorers of text: what it equals, contains, matches.

All of them score in [0, 1], higher is better, and 1 or 0 unless they say that they are graded.
Text is compared in NFC, so that an accent written as one character or as two is the same;
`ignore_case` folds case by Unicode's full folding. A value that is not text is judged as its JSON.
"""

from __future__ import annotations

import math
from typing import Any

from qeval.record import Evidence, Score
from qeval.scorers.base import Home, Scorer, register
from qeval.scorers.extract import as_text
from qeval.scorers.folding import fold
from qeval.scorers.jsontext import same_json
from qeval.scorers.numbers import last_number
from qeval.scorers.patterns import compiled, first_match
from qeval.scorers.wording import plain, shown
from qeval.value import Json, Value


def _score(passed: bool, reason: str) -> Score:  # noqa: FBT001 (read with its name at every call)
    return Score(value=1.0 if passed else 0.0, reason=reason)


def _trimmed(text: str, *, ignore_case: bool) -> str:
    return fold(text.strip(), ignore_case=ignore_case)


def _refuse_empty(text: str) -> None:
    if not text:
        raise ValueError("an empty text is in every answer, so it would check nothing")


@register("equals")
class Equals(Value):
    """The text equals another, outer white space apart; after `extract`, a JSON value equals.

    A JSON value is judged where `extract` ends in `json` or `number`: then 7 is 7.0 but not "7",
    true is not 1, and the order of keys does not matter. Texts within are compared in NFC.
    `null` fits both JSON's null and the text null.
    """

    expected: str | bool | int | float | list[Any] | dict[str, Any] | None
    ignore_case: bool = False

    def bind(self, home: Home) -> Scorer:
        """Decide by `extract` whether texts are compared, or JSON."""
        if home.of_json:
            wanted = _folded(self.expected, ignore_case=self.ignore_case)
            return EqualsJson(expected=wanted, ignore_case=self.ignore_case)
        if isinstance(self.expected, list | dict):
            kind = "list" if isinstance(self.expected, list) else "mapping"
            told = f"equals wants text, got a {kind}: {shown(self.expected)}"
            raise ValueError(told)  # noqa: TRY004 (one kind to catch)
        wanted = _trimmed(as_text(self.expected), ignore_case=self.ignore_case)
        return EqualsText(expected=wanted, ignore_case=self.ignore_case)


class EqualsText(Value):
    """Compares texts; the expected one is folded already."""

    expected: str
    ignore_case: bool

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the text equals."""
        got = _trimmed(as_text(evidence.value), ignore_case=self.ignore_case)
        if got == self.expected:
            return _score(True, "equal")
        if not self.ignore_case and got.casefold() == self.expected.casefold():
            return _score(False, f"equal with other case: {shown(got)}")
        return _score(False, f"got {shown(got)}")


class EqualsJson(Value):
    """Compares JSON values; the expected one is folded already."""

    expected: Json
    ignore_case: bool

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the value equals."""
        try:
            got = _folded(evidence.value, ignore_case=self.ignore_case)
        except RecursionError:
            return _score(False, f"got JSON nested deeper than {_DEEPEST} levels")
        same = same_json(got, self.expected) or (got is None and self.expected == "null")
        if same:
            return _score(True, "equal")
        text = shown(evidence.value)
        if isinstance(got, str) != isinstance(self.expected, str):
            wanted = "text" if isinstance(self.expected, str) else "no text"
            return _score(False, f"got {text}, wanted {wanted}: {shown(self.expected)}")
        return _score(False, f"got {text}")


_DEEPEST = 200
"""Levels of nesting that are compared; a fixed number, so that no two Pythons differ."""


def _folded(value: Json, *, ignore_case: bool, level: int = 0) -> Json:
    """Fold every text in a JSON value, keys excepted; raise RecursionError below level 200."""
    if isinstance(value, str):
        return _trimmed(value, ignore_case=ignore_case)
    if not isinstance(value, list | dict):
        return value
    if level == _DEEPEST:
        raise RecursionError
    deeper = level + 1
    if isinstance(value, list):
        return [_folded(item, ignore_case=ignore_case, level=deeper) for item in value]
    return {k: _folded(v, ignore_case=ignore_case, level=deeper) for k, v in value.items()}


class _Search(Value):
    """What `contains`, `starts_with` and `ends_with` share."""

    text: str
    ignore_case: bool = False

    def __post_init__(self) -> None:
        _refuse_empty(self.text)

    def folded(self, evidence: Evidence) -> tuple[str, str]:
        """Return the answer and the wanted text, comparable."""
        got = as_text(evidence.value)
        return (
            fold(got, ignore_case=self.ignore_case),
            fold(self.text, ignore_case=self.ignore_case),
        )


@register("contains")
class Contains(_Search):
    """The text is somewhere in the answer, within a word too: `contains: no` fits `know`."""

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where it is found; the reason gives the first place, counted from 0."""
        got, want = self.folded(evidence)
        at = got.find(want)
        if at >= 0:
            return _score(True, f"found at {at}")
        other_case = not self.ignore_case and want.casefold() in got.casefold()
        return _score(False, "found with other case" if other_case else "not found")


@register("starts_with")
class StartsWith(_Search):
    """The answer begins with the text, leading white space apart."""

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where it begins so."""
        got, want = self.folded(evidence)
        if not want[0].isspace():
            got = got.lstrip()
        found = got.startswith(want)
        return _score(found, f"begins with '{plain(got[: len(want)])}'")


@register("ends_with")
class EndsWith(_Search):
    """The answer ends with the text, trailing white space apart."""

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where it ends so."""
        got, want = self.folded(evidence)
        if not want[-1].isspace():
            got = got.rstrip()
        found = got.endswith(want)
        return _score(found, f"ends with '{plain(got[-len(want) :])}'")


class _Several(Value):
    """What `contains_all`, `contains_any` and `one_of` share."""

    texts: tuple[str, ...]
    ignore_case: bool = False

    def __post_init__(self) -> None:
        if not self.texts:
            raise ValueError("the list is empty, so nothing could ever pass")


class _SeveralWithin(_Several):
    """What `contains_all` and `contains_any` share."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for text in self.texts:
            _refuse_empty(text)

    def parted(self, evidence: Evidence) -> tuple[list[str], list[str]]:
        """Return which texts are in the answer, and which are not."""
        got = fold(as_text(evidence.value), ignore_case=self.ignore_case)
        found: list[str] = []
        missing: list[str] = []
        for text in self.texts:
            there = fold(text, ignore_case=self.ignore_case) in got
            (found if there else missing).append(text)
        return found, missing


@register("contains_all")
class ContainsAll(_SeveralWithin):
    """Every text is somewhere in the answer. Graded: the share that is."""

    def score(self, evidence: Evidence) -> Score:
        """Return the share of the texts that are found."""
        found, missing = self.parted(evidence)
        reason = f"not found: {_listed(missing)}" if missing else "all found"
        return Score(value=len(found) / len(self.texts), reason=reason)


@register("contains_any")
class ContainsAny(_SeveralWithin):
    """At least one of the texts is somewhere in the answer."""

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where one is found."""
        found, _ = self.parted(evidence)
        return _score(bool(found), f"found {_listed(found)}" if found else "none found")


@register("one_of")
class OneOf(_Several):
    """The answer, outer white space apart, equals one of the texts."""

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where it equals one."""
        got = _trimmed(as_text(evidence.value), ignore_case=self.ignore_case)
        wanted = [_trimmed(text, ignore_case=self.ignore_case) for text in self.texts]
        if got in wanted:
            return _score(True, "is one of them")
        other_case = got.casefold() in [text.casefold() for text in wanted]
        return _score(False, f"{'other case: ' if other_case else ''}got {shown(got)}")


def _listed(texts: list[str]) -> str:
    return plain(", ".join(shown(text) for text in texts), 120)


@register("matches")
class Matches(Value):
    """A regular expression (Python's `re`) matches somewhere in the answer.

    No more than the first million characters are searched; a longer answer without a match in
    them cannot be judged. `patterns` says what is not guarded against.
    """

    pattern: str
    ignore_case: bool = False

    def __post_init__(self) -> None:
        compiled(self.pattern, ignore_case=self.ignore_case)

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where it matches; the reason quotes the first match."""
        text = as_text(evidence.value)
        found = first_match(self.pattern, text, ignore_case=self.ignore_case)
        if found is not None:
            return _score(True, f"matches '{plain(found[0])}' at {found.start()}")
        return _score(False, "no match")


@register("equals_number")
class EqualsNumber(Value):
    """The last number in the answer equals another, within an absolute tolerance.

    `numbers.last_number` says what counts as a number. Numbers are compared as 64-bit floats,
    about 15 digits; beyond the tolerance, two units in the last place are forgiven, so that
    0.1 + 0.2 is 0.3.
    """

    expected: float
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.expected):
            raise ValueError(f"equals_number wants a finite number, got {self.expected}")
        if not 0 <= self.tolerance < math.inf:
            raise ValueError(f"tolerance must be at least 0, got {self.tolerance:g}")

    def score(self, evidence: Evidence) -> Score:
        """Return 1 where the numbers agree."""
        value = evidence.value
        got = last_number(value if isinstance(value, int | float) else as_text(value))
        if got is None:
            return _score(False, "no number")
        try:
            number = float(got)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            return _score(False, "a number beyond any 64-bit float")
        forgiven = 2 * math.ulp(max(abs(number), abs(self.expected)))
        same = abs(number - self.expected) <= self.tolerance + forgiven
        reason = f"{number:.15g} {'=' if same else '≠'} {self.expected:.15g}"
        return _score(same, f"{reason} ± {self.tolerance:g}" if self.tolerance else reason)
