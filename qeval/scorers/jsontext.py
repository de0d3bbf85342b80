"""JSON values within text that need not be JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from qeval.scorers.markdown import fenced
from qeval.value import Json

NOTHING: Any = type("Nothing", (), {"__repr__": lambda _: "NOTHING"})()
"""What is returned where nothing is found; JSON's null is a finding."""

_BUDGET = 20_000_000
"""Characters that attempts at reading JSON may cost in one text; some tenths of a second."""

_WINDOW = 65_536
"""Characters after which the text read so far is cut off: Python's reader counts the lines from
the beginning for each attempt that fails."""

_OPEN = re.compile(r"\[(?=\s*+[\[{\"\]\d\-tfn])|\{(?=\s*+[\"}])")
"""Where an array or an object may begin, by what comes next."""


def find_json(text: str) -> Json:
    """Return the JSON value in a text, or `NOTHING`.

    That is the whole text, else the first fenced block that is JSON, else the first array or
    object that begins anywhere and is complete. `See [1]: {"a": 2}` therefore gives `[1]`.
    Values nested deeper than Python's own reader goes (about 1,000 levels) are not found.
    """
    whole = read_json(text)
    if whole is not NOTHING:
        return whole
    for _, code in fenced(text):
        block = read_json(code)
        if block is not NOTHING:
            return block
    return _first_balanced(text)


def _first_balanced(text: str) -> Json:
    budget = _BUDGET
    base, rest = 0, text
    for match in _OPEN.finditer(text):
        if match.start() - base > _WINDOW:
            base = match.start()
            rest = text[base:]
        at = match.start() - base
        try:
            return _DECODER.raw_decode(rest, at)[0]
        except json.JSONDecodeError as error:
            # A string that never ends is reported at its beginning, but was read to the end.
            end = len(rest) if error.msg.startswith("Unterminated") else error.pos
            budget -= end - at + end // 64 + 16
        except (ValueError, RecursionError):
            budget -= min(len(rest) - at, 100_000)
        if budget < 0:
            break
    return NOTHING


def read_json(text: str) -> Json:
    """Return the value of a text that is JSON and nothing else, or `NOTHING`.

    White space around it is allowed, `NaN` and `Infinity` are not.
    """
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return NOTHING


def wrong_from(text: str) -> int | None:
    """Return where a text stops being JSON, in characters from 0, or None if nobody can say."""
    try:
        _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return error.pos
    except (ValueError, RecursionError):
        return None
    return None


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    """Read a whole number; one of more digits than Python converts becomes a float."""
    return int(digits) if len(digits) < 4000 else float(digits)


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer)


def same_json(one: Json, other: Json) -> bool:
    """Tell whether two values are equal as JSON: 1 is 1.0, and true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)
