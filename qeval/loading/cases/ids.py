"""Ids of cases: slugs, suffixes and digests, never a position (suites.md section 6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from qeval.loading.texts import wrong_id
from qeval.suite import slug
from qeval.value import Json, canonical_json, clean

LONGEST = 80
"""Characters of an id."""
_QUESTION = 40
"""Characters of an automatic id, and of a suffix made of values."""

_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{5,79}")
"""Already an id, and longer than the name of any device of Windows."""
_OTHER = re.compile(r"[^a-z0-9._-]+")
_JOINT = re.compile(r"[._]*-[._-]*")


def digest(value: Json) -> str:
    """Return 8 hex digits that stand for a JSON value."""
    return sha256(canonical_json(value)).hexdigest()[:8]


def rendered(text: str) -> str | None:
    """Return the id that a filled template stands for, or None where nothing is left of it.

    What is too long keeps its beginning and gets 8 digits of its digest; the name of a device
    of Windows gets `case-` before it.
    """
    if _PLAIN.fullmatch(text) and "." not in text:
        return text
    made = slug(text)
    if not made:
        return None
    if len(made) > LONGEST:
        made = f"{made[: LONGEST - 9].rstrip('._-')}-{digest(clean(text))}"
    return _no_device(made)


def automatic(question: str) -> str:
    """Return the id of a case without one: its question's unrendered text as a slug.

    >>> automatic("What is the capital of France?"), automatic("What is {{ a }} + {{ b }}?")
    ('what-is-the-capital-of-france', 'what-is-a-b')
    >>> automatic("法国的首都是哪里？")
    'case-c26c2080'
    """
    words = _JOINT.sub("-", _OTHER.sub("-", question.lower())).strip("._-")
    if len(words) > _QUESTION:
        cut = words[: _QUESTION + 1].rpartition("-")[0] or words[:_QUESTION]
        words = cut.strip("._-")
    if not words:
        return f"case-{digest(clean(question))}"
    return _no_device(words)


def _no_device(made: str) -> str:
    return made if wrong_id(made) is None else f"case-{made}"[:LONGEST]


def values_suffix(values: Iterable[Json]) -> str:
    """Return the suffix that values give to an id: themselves, or their digest.

    >>> values_suffix([17, 25]), values_suffix(["New York", True, -0.5])
    ('17-25', 'new-york-true--0.5')
    """
    listed = list(values)
    if all(value is None or isinstance(value, str | int | float) for value in listed):
        made = "-".join(_short(value) for value in listed)
        if len(made) <= _QUESTION and made.strip("._-"):
            return made
    return digest(listed)


def _short(value: Json) -> str:
    if isinstance(value, str):
        return slug(value)
    return canonical_json(value).decode().replace("+", "")


def joined(base: str, suffixes: Iterable[str]) -> str:
    """Return an id with suffixes, its base cut where it would be too long."""
    tail = "".join(f"-{suffix}" for suffix in suffixes)
    return base[: LONGEST - len(tail)].rstrip("._-") + tail if tail else base
