"""The one registration mechanism: a decorator, a dict, and entry points for third parties."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Generic, TypeVar

from qeval.errors import UsageError, suggestion

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind.

    Args:
        kind: What the things are called in messages, in the singular.
        group: Entry-point group through which other distributions join. It is
            read only when a name is asked for that is not built in, or all names are.
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind = kind
        self.group = group
        self._known: dict[str, T] = {}
        self._later: dict[str, str] = {}
        self._loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files what it decorates under `name`.

        Raises:
            ValueError: The name is taken.
        """

        def add(thing: T) -> T:
            if name in self._known:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._known[name] = thing
            return thing

        return add

    def later(self, name: str, module: str) -> None:
        """Say which module files `name` when it is imported, which `find` will see to."""
        self._later[name] = module

    def find(self, name: str) -> T | None:
        """Return the thing of that name, or None."""
        if name not in self._known:
            if name in self._later:
                import_module(self._later.pop(name))
            else:
                self._load()
        return self._known.get(name)

    def get(self, name: str) -> T:
        """Return the thing of that name.

        Raises:
            UsageError: Nothing has that name; the hint names the nearest.
        """
        found = self.find(name)
        if found is None:
            hint = suggestion(self.kind, name, self.names())
            raise UsageError(f"unknown {self.kind} {name!r}", hint=hint)
        return found

    def names(self) -> list[str]:
        """Return every name, third parties' included, sorted."""
        self._load()
        return sorted({*self._known, *self._later})

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        from importlib.metadata import entry_points

        for point in sorted(entry_points(group=self.group), key=lambda p: (p.name, p.value)):
            if point.name not in self._known and point.name not in self._later:
                self.register(point.name)(point.load())
