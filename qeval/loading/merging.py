"""Layers → one: what a suite is, one file over the other (suites.md section 2)."""

from __future__ import annotations

from typing import Any

from qeval.loading.keys import UNSOUND
from qeval.loading.mistakes import Mistakes, meant
from qeval.loading.reading import Layer
from qeval.loading.source import Source
from qeval.suite import Check

_BY_KEY = ("params", "vars", "tools", "targets", "scenarios")
_APPENDED = ("checks", "tags")


def merge(layers: list[Layer], mistakes: Mistakes) -> tuple[dict[str, Any], Source]:
    """Lay files over each other, the last over all.

    Scalars replace, mappings merge by key, lists append (`context` replaces), a list picks among
    the names of an inherited mapping, and a case replaces the base's case of the same id.

    Returns:
        The merged values, without `without`, and where each of them is written.
    """
    merger = _Merger(Source(layers[-1].file), mistakes)
    for layer in layers:
        merger.add(layer)
    return merger.values, merger.source


class _Merger:
    def __init__(self, source: Source, mistakes: Mistakes) -> None:
        self.source = source
        self.mistakes = mistakes
        self.values: dict[str, Any] = {}

    def add(self, layer: Layer) -> None:
        """Lay one file over what there is."""
        self._drop(layer)
        for key, value in layer.values.items():
            if key == "without":
                continue
            if key in _APPENDED:
                self._append(key, value, layer)
            elif key == "cases":
                self._cases(value, layer)
            elif key in _BY_KEY:
                self._by_key(key, value, layer)
            else:
                self._replace(key, value, layer)

    def _replace(self, key: str, value: Any, layer: Layer) -> None:
        self.values[key] = value
        self.source.move((key,), layer.file, (key,))

    def _drop(self, layer: Layer) -> None:
        """Drop the bases' checks that the file does `without`."""
        names = layer.values.get("without", ())
        checks = self.values.get("checks", ())
        if not isinstance(names, tuple) or not isinstance(checks, tuple):
            return
        places = [self.source.place(("checks", i)) for i in range(len(checks))]
        for i, name in enumerate(names):
            if not isinstance(name, str):
                continue
            known = known_names(checks)
            if name not in known and None not in known:
                where = f"{layer.file.name}:{layer.file.line(('without', i)) + 1}"
                message = f"without: no inherited check is called {name!r}"
                self.mistakes.add(where, message, inherited(name, known))
        kept = [i for i, check in enumerate(checks) if not _called(check, names)]
        self.values["checks"] = tuple(checks[i] for i in kept)
        for new, old in enumerate(kept):
            self.source.move(("checks", new), *places[old])

    def _append(self, key: str, value: Any, layer: Layer) -> None:
        if not isinstance(value, tuple):
            return self._replace(key, value, layer)
        before = self.values.get(key, ())
        if not isinstance(before, tuple):
            return None
        self.source.move((key,), layer.file, (key,))
        self.values[key] = (*before, *value)
        for i in range(len(value)):
            self.source.move((key, len(before) + i), layer.file, (key, i))
        return None

    def _by_key(self, key: str, value: Any, layer: Layer) -> None:
        before = self.values.get(key)
        if isinstance(before, tuple) and isinstance(value, dict):
            places = [self.source.place((key, i)) for i in range(len(before))]
            before = {name: None for name in before if isinstance(name, str)}
            for name, place in zip(before, places, strict=False):
                self.source.move((key, name), *place)
        if not isinstance(before, dict):
            return self._replace(key, value, layer)
        if isinstance(value, tuple):
            return self._pick(key, before, value, layer)
        if isinstance(value, dict):
            self.values[key] = {**before, **value}
            for name in value:
                self.source.move((key, name), layer.file, (key, name))
        return None

    def _pick(self, key: str, before: dict[str, Any], names: Any, layer: Layer) -> None:
        """Choose among inherited definitions by name; a name that none bears is looked up later."""
        chosen: dict[str, Any] = {}
        for i, name in enumerate(names):
            if not isinstance(name, str):
                continue
            chosen[name] = before.get(name)
            if name not in before:
                self.source.move((key, name), layer.file, (key, i))
        self.values[key] = chosen

    def _cases(self, cases: Any, layer: Layer) -> None:
        if not isinstance(cases, tuple):
            return
        merged = list(self.values.get("cases", ()))
        places = {
            case["id"]: i
            for i, case in enumerate(merged)
            if isinstance(case, dict) and isinstance(case.get("id"), str)
        }
        for i, case in enumerate(cases):
            own = case.get("id", UNSOUND) if isinstance(case, dict) else UNSOUND
            at = places.get(own) if isinstance(own, str) else None
            if at is None:
                at = len(merged)
                merged.append(case)
            else:
                merged[at] = case
            self.source.move(("cases", at), layer.file, ("cases", i))
        self.values["cases"] = tuple(merged)


def known_names(checks: Any) -> set[str | None]:
    """Return what `without` may call these checks; None stands for one that is no good."""
    found: set[str | None] = set()
    for check in checks:
        found |= check.known_as if isinstance(check, Check) else {None}
    return found


def inherited(name: str, known: set[str | None]) -> str:
    """Return the hint for a `without` that names none of the checks there are."""
    names = sorted(each for each in known if each)
    return meant(name, names) or f"inherited are {', '.join(names) or 'none'}"


def _called(check: Any, names: tuple[Any, ...]) -> bool:
    return isinstance(check, Check) and not check.known_as.isdisjoint(
        name for name in names if isinstance(name, str)
    )
