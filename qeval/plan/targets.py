"""Names of targets → whom to ask (suites.md section 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from qeval import models
from qeval.dialects.calling import NAME
from qeval.plan.ground import Loaded
from qeval.record import Setup
from qeval.scorers.base import Home
from qeval.scorers.functions import find
from qeval.suite import Target, slug
from qeval.value import Value

KeyPath: TypeAlias = tuple[str | int, ...]
_SLUGGED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class Asked(Value):
    """A target, resolved."""

    name: str
    """As written."""
    id: str
    target: Target
    where: str
    model: models.Model | None = None
    """What the table knows of it, or of what it is like."""

    @property
    def setup(self) -> Setup:
        """The target as reports show it."""
        price = None if self.model is None else self.model.price
        return Setup(
            name=self.id,
            model=self.target.model,
            dialect=self.target.dialect,
            deterministic=bool(self.target.deterministic),
            currency=None if price is None else price.currency,
            priced=None if price is None else ", ".join(filter(None, (price.source, price.date))),
        )

    def fits(self, patterns: tuple[str, ...] | None) -> bool:
        """Whether one of the names or patterns chooses it; None chooses all."""
        return patterns is None or any(
            fnmatchcase(name, pattern) for pattern in patterns for name in (self.name, self.id)
        )


def resolve(loaded: Loaded) -> list[Asked]:
    """Return whom a suite asks, in its order; mistakes are noted."""
    found: dict[str, Asked] = {}
    for path, name, settings in _named(loaded):
        asked = _asked(path, name, settings, loaded)
        other = found.setdefault(asked.id.lower(), asked)
        if other is not asked and other.name != name:
            message = f"targets {other.name!r} and {name!r} both have the id {asked.id!r}"
            hint = "give one an id of its own: `other: {model: …}`"
            loaded.mistakes.add(asked.where, message, hint)
    return list(found.values())


def _named(loaded: Loaded) -> Iterator[tuple[KeyPath, str, Target | None]]:
    """Yield key path, name and settings; None where the name is to be looked up."""
    targets = loaded.suite.targets
    if isinstance(targets, dict):
        for name, settings in targets.items():
            yield ("targets", name), name, settings
    elif targets is not None:
        for i, name in enumerate(targets):
            yield ("targets", i), name, None
    else:
        for name in loaded.project.default_targets:
            yield (), name, None


def _asked(path: KeyPath, name: str, settings: Target | None, loaded: Loaded) -> Asked:
    target = settings or loaded.project.targets.get(name) or Target()
    where = loaded.source.where(path)
    own = name if _SLUGGED.issuperset(name) else slug(name)
    if target.python is not None:
        root = loaded.project.root
        home = Home(folder=loaded.source.folder(path) if settings else root, root=root)
        return Asked(name=name, id=own, target=_called(target, home, where, loaded), where=where)
    resolved = msgspec.structs.replace(
        target, model=target.model or name, dialect=target.dialect or "chat"
    )
    known = models.find(target.like or resolved.model or name, loaded.project.models)
    return Asked(name=name, id=own, target=resolved, model=known, where=where)


def _called(target: Target, home: Home, where: str, loaded: Loaded) -> Target:
    """Return a callable target with its function found, and where that stands for a model."""
    written = target.python
    assert written is not None  # noqa: S101 - asked before
    try:
        function = find(written, home)
    except ValueError as error:
        loaded.mistakes.add(where, str(error))
        function = None
    named = written if isinstance(written, str) else _place(written, home.root)
    return msgspec.structs.replace(target, model=named, dialect=NAME, python=function)


def _place(function: Callable[..., Any], root: Path) -> str:
    """Return where a function stands, the same in every folder that holds the project."""
    name = getattr(function, "__qualname__", type(function).__name__)
    file = Path(getattr(getattr(function, "__code__", None), "co_filename", ""))
    if file.is_relative_to(root):
        return f"{file.relative_to(root).as_posix()}:{name}"
    return f"{getattr(function, '__module__', '')}:{name}"
