"""Texts with `{{ … }}` in them, made once and filled often (suites.md section 7).

A text without templates is passed on as it is; one in which every template is a bare name is
filled by putting pieces together. Both are a hundred times faster than Jinja, and a suite that
needs no more never imports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from qeval.loading.cases.filling import LIMIT, Template, TemplateFault, Values, printed, too_long
from qeval.loading.texts import template
from qeval.value import Json

_SLOT = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}")
_NOT_BARE = frozenset(
    "and caller dict else false False if in is kwargs loop namespace none None not or range self "  # noqa: SIM905  # a column of 24 quoted words reads worse
    "super true True varargs".split()
)
"""Words that mean something else than a variable to Jinja, or may."""
_NO_NAMES: frozenset[str] = frozenset()


def literal(value: Json) -> Template:
    """Return the template that is always that value."""
    return Template(lambda _values: value, constant=True)


def compiled(text: str, *, native: bool = False) -> Template:
    """Read a text as written in a suite.

    Args:
        text: With or without templates.
        native: Let a text that is wholly one `{{ expression }}` keep its value's type.

    Raises:
        TemplateFault: It is no template that this format knows.
    """
    return _compiled(text, native) if template(text) else literal(text)


@lru_cache(maxsize=512)
def _compiled(text: str, native: bool) -> Template:  # noqa: FBT001  # a key of the cache
    pieces = _SLOT.split(text)
    names = pieces[1::2]
    if _bare(pieces[::2], names):
        return _Filling(pieces).template(native=native)
    # Jinja costs 30 ms, and most suites need none of it.
    from qeval.loading.cases.sandbox import jinja

    return jinja(text, native=native)


def _bare(literals: list[str], names: list[str]) -> bool:
    """Whether a text is literals around bare names, so that nothing is left for Jinja."""
    if not names or not _NOT_BARE.isdisjoint(names):
        return False
    return not any(template(piece) or "\r" in piece for piece in literals) and not any(
        piece.endswith("{") for piece in literals[:-1]
    )


class _Filling:
    """Pieces, literal and name in turn."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces
        self.slots = [(i, pieces[i]) for i in range(1, len(pieces), 2)]

    def template(self, *, native: bool) -> Template:
        names = {name for _, name in self.slots}
        if len(self.slots) > 1 or self.pieces[0] or self.pieces[-1]:
            fill = self.fill
        else:
            fill = self.value if native else self.text
        return Template(fill, names)

    def fill(self, values: Values) -> str:
        pieces = self.pieces.copy()
        size = 0
        for place, name in self.slots:
            pieces[place] = shown = printed(_value(name, values))
            size += len(shown)
        if size > LIMIT:
            raise too_long()
        return "".join(pieces)

    def value(self, values: Values) -> Json:
        return _value(self.slots[0][1], values)

    def text(self, values: Values) -> str:
        return printed(_value(self.slots[0][1], values))


def _value(name: str, values: Values) -> Json:
    try:
        return values[name]
    except KeyError:
        raise undefined(name) from None


def undefined(name: str) -> TemplateFault:
    """Return the fault of a variable that is not there."""
    return TemplateFault(f"no variable {name!r}", missing=name)


class Filler:
    """A JSON value whose strings, keys aside, are templates.

    Args:
        value: As written in a suite.
        native: Let strings that are wholly one expression keep their value's type.
        verbatim: Keys whose values are no templates.
        schemas: Keys whose values are none where they are mappings.

    Raises:
        TemplateFault: A string is no template that this format knows.
    """

    def __init__(
        self,
        value: Json,
        *,
        native: bool = True,
        verbatim: frozenset[str] = _NO_NAMES,
        schemas: frozenset[str] = _NO_NAMES,
    ) -> None:
        self._templates: list[Template] = []
        self._native = native
        self._verbatim = verbatim
        self._schemas = schemas
        self.fill = self._made(value)
        self.names = _NO_NAMES.union(*(t.names for t in self._templates))
        self.seen = _NO_NAMES.union(*(t.seen for t in self._templates))
        self.constant = not self._templates

    def _made(self, value: Json) -> Callable[[Values], Json]:
        if isinstance(value, str):
            made = compiled(value, native=self._native)
            if not made.constant:
                self._templates.append(made)
                return made.fill
        elif isinstance(value, dict):
            return self._mapping(value)
        elif isinstance(value, list | tuple):
            return self._list(value)
        return lambda _values: value

    def _mapping(self, value: dict[str, Json]) -> Callable[[Values], Json]:
        before = len(self._templates)
        changing: list[tuple[str, Callable[[Values], Json]]] = []
        for key, item in value.items():
            count = len(self._templates)
            plain = key in self._verbatim or (key in self._schemas and isinstance(item, dict))
            made = None if plain else self._made(item)
            if made is not None and len(self._templates) > count:
                changing.append((key, made))
        if len(self._templates) == before:
            return lambda _values: value

        def fill(values: Values) -> dict[str, Json]:
            filled = value.copy()
            for key, made in changing:
                filled[key] = made(values)
            return filled

        return fill

    def _list(self, value: Iterable[Json]) -> Callable[[Values], Json]:
        before = len(self._templates)
        items = [self._made(item) for item in value]
        if len(self._templates) == before:
            return lambda _values: value
        return lambda values: [made(values) for made in items]
