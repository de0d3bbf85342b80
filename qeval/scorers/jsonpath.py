"""The part of JSONPath (RFC 9535) that checks need: names, indexes, slices, `*` and `..`.

Names in quotes have no escapes: `'` goes into `"…"` and the other way round.
No filters and no functions: what they would do, a `python` check does better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from qeval.scorers.wording import shown
from qeval.value import Json, Value

_SEGMENT = re.compile(
    r"(?:(?P<deep>\.\.)|\.)(?:(?P<name>[^\W\d][\w-]*)|(?P<star>\*))|"
    r"(?P<below>\.\.)?\[\s*(?:(?P<all>\*)|'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|"
    r"(?P<slice>(?:-?\d+)?\s*:\s*(?:-?\d+)?(?:\s*:\s*(?:-?\d+)?)?)|"
    r"(?P<index>-?\d+))\s*\]"
)


class Segment(Value):
    """One step of a path: a name, an index, a slice, or everything (all three None)."""

    name: str | None = None
    index: int | None = None
    part: tuple[int | None, ...] | None = None
    """Start, stop, and step of a slice."""
    deep: bool = False
    """Whether it applies at every depth below."""


class Path(Value):
    """A parsed path."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def definite(self) -> bool:
        """Whether it can find one value at most."""
        return not any(
            s.deep or s.part is not None or (s.name is None and s.index is None)
            for s in self.segments
        )

    def find(self, document: Json) -> list[Json]:
        """Return every value that the path leads to, in document order."""
        found: Iterable[Json] = [document]
        for segment in self.segments:
            found = [hit for value in found for hit in _step(segment, value)]
        return list(found)


@lru_cache(maxsize=1024)
def parse(text: str) -> Path:
    """Parse a path such as `$.lines[*].price`, `$..id`, `$['a key'][-1]`, `$.rows[1:3]`.

    >>> parse("$.lines[*].price").find({"lines": [{"price": 2}, {"price": 3}]})
    [2, 3]

    Raises:
        ValueError: It is not a path of this kind; the message shows where it stops being one.
    """
    at = 1
    segments = []
    while text.startswith("$") and at < len(text):
        match = _SEGMENT.match(text, at)
        if match is None:
            break
        segments.append(_segment(match))
        at = match.end()
    if not text.startswith("$") or at < len(text):
        rest = text if not text.startswith("$") else text[at:]
        raise ValueError(
            f"{shown(text)} is not a path: begin with $, then .name or [0]; see {shown(rest)}"
        )
    return Path(text=text, segments=tuple(segments))


def _segment(match: re.Match[str]) -> Segment:
    deep = match["deep"] is not None or match["below"] is not None
    for group in ("name", "single", "double"):
        if match[group] is not None:
            return Segment(name=match[group], deep=deep)
    if match["index"] is not None:
        return Segment(index=int(match["index"]), deep=deep)
    if match["slice"] is not None:
        sides = [side.strip() for side in match["slice"].split(":")]
        return Segment(part=tuple(int(s) if s else None for s in sides), deep=deep)
    return Segment(deep=deep)


def _step(segment: Segment, value: Json) -> Iterator[Json]:
    for place in _below(value) if segment.deep else (value,):
        yield from _here(segment, place)


def _here(segment: Segment, value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return _in_object(segment, value)
    return _in_array(segment, value) if isinstance(value, list) else ()


def _in_object(segment: Segment, value: dict[str, Json]) -> Iterable[Json]:
    if segment.name is not None:
        return (value[segment.name],) if segment.name in value else ()
    return value.values() if segment.index is None and segment.part is None else ()


def _in_array(segment: Segment, value: list[Json]) -> Iterable[Json]:
    if segment.index is not None:
        return (value[segment.index],) if -len(value) <= segment.index < len(value) else ()
    if segment.part is not None:
        # A step of 0 selects nothing, says the standard; Python would refuse it.
        return () if segment.part[2:] == (0,) else value[slice(*segment.part)]
    return value if segment.name is None else ()


def _below(value: Json) -> Iterator[Json]:
    """Yield a value and all that lies in it, parents first, without recursion."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, dict | list):
            waiting.extend(reversed(list(value.values() if isinstance(value, dict) else value)))
