"""Numbers within text."""

from __future__ import annotations

import re

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_])(?<!\d\.)(?:(?<![A-Za-z0-9_)])[-+−])?+"
    r"(?:(?:\d{1,3}+(?:[,_'’\u00a0\u2009\u202f]\d{3})++(?!\d)|\d++)(?:\.\d++)?+|\.\d++)"
    r"(?:[eE][-+−]?\d{1,4}(?!\d))?+"
)
_SEPARATORS = re.compile("[,_'’\u00a0\u2009\u202f]")
_LONGEST = 400
"""Digits of a whole number that is kept exact; a float ends at 309."""


def last_number(value: str | float | bool | None) -> int | float | None:  # noqa: FBT001 (JSON)
    """Return the last number in a text, or None.

    - A sign counts where no Latin letter, digit or closing bracket stands before it:
      `1990-1995` ends in 1995, `x = -3` in −3. Minus is a hyphen or U+2212.
    - Groups of three after a comma, an underscore, an apostrophe, or a no-break, thin or narrow
      space are thousands: `1,234.5` is 1234.5. A comma is nothing else, so that `3,14` ends in
      14, and neither is a plain space: `1 234` ends in 234.
    - Exponents count: `1.5e3` is 1500. Units and `%` are left out: `60 %` is 60.
    - Digits right after a Latin letter (`CO2`) or a second point (`1.2.3`) are no number; those
      of a date or a time are: `2024-01-31` ends in 31, `12:30` in 30.
    - Digits of any script count: `٤٢` is 42.

    A number stays itself; true and false are none.

    >>> [last_number(t) for t in ("17 of 42.", "1,234.5 m", "−.5", "no")]
    [42, 1234.5, -0.5, None]
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    last = None
    for last in _NUMBER.finditer(value):  # noqa: B007 (the last is wanted)
        pass
    if last is None:
        return None
    text = _SEPARATORS.sub("", last[0]).replace("−", "-")
    if len(text) < _LONGEST and not any(c in ".eE" for c in text):
        return int(text)
    return float(text)
