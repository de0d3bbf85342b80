"""Regular expressions of the user's, searched in text that a model wrote.

Python's `re` has no time limit, and one that depended on the clock would make replays differ. A
pattern with a repeat inside a repeat, such as `(a+)+b`, can take time that doubles with every
character; suites are trusted, so such a pattern is the user's to mend, and Ctrl-C ends the search.
What is guarded here is length: no more than `LONGEST` characters are searched, and where that
could have changed the result the check is an error, never passed or failed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache

from qeval.errors import ScorerError
from qeval.scorers.folding import nfc

LONGEST = 1_000_000
"""Characters of a text that a regular expression is tried on."""


@lru_cache(maxsize=4096)
def compiled(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Return a compiled pattern, in NFC as the text is.

    Raises:
        ValueError: It is no regular expression; the message says where.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about set operations of some later Python
            return re.compile(nfc(pattern), re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None


def first_match(pattern: str, text: str, *, ignore_case: bool) -> re.Match[str] | None:
    """Return the first match anywhere in a text.

    Raises:
        ScorerError: None in the part that is searched of a text that is too long.
    """
    found = compiled(pattern, ignore_case=ignore_case).search(nfc(text), 0, LONGEST)
    if found is None and len(text) > LONGEST:
        raise _too_long(pattern, text)
    return found


def matches_of(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """Yield all matches in a text.

    Raises:
        ScorerError: The text is too long to be searched whole.
    """
    if len(text) > LONGEST:
        raise _too_long(pattern, text)
    return compiled(pattern).finditer(nfc(text))


def _too_long(pattern: str, text: str) -> ScorerError:
    return ScorerError(
        f"{pattern!r} is searched in at most {LONGEST:,} characters, the text has {len(text):,}"
    )
