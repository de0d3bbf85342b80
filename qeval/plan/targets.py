"""Names of targets → whom to ask (suites.md section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

import msgspec

from qeval import models
from qeval.plan.ground import Loaded
from qeval.record import Setup
from qeval.suite import Target, slug
from qeval.value import Value

NOT_YET = "not in this version"
_SLUGGED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class Asked(Value):
    """A target, resolved."""

    name: str
    """As written."""
    id: str
    target: Target
    model: models.Model | None
    """What the table knows of it, or of what it is like."""
    where: str

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
    for where, name, settings in _named(loaded):
        asked = _asked(where, name, settings, loaded)
        other = found.setdefault(asked.id.lower(), asked)
        if other is not asked and other.name != name:
            message = f"targets {other.name!r} and {name!r} both have the id {asked.id!r}"
            hint = "give one an id of its own: `other: {model: …}`"
            loaded.mistakes.add(where, message, hint)
        _refuse(asked, loaded)
    return list(found.values())


def _named(loaded: Loaded) -> Iterator[tuple[str, str, Target | None]]:
    """Yield place, name and settings; None where the name is to be looked up."""
    targets = loaded.suite.targets
    if isinstance(targets, dict):
        for name, settings in targets.items():
            yield loaded.source.where(("targets", name)), name, settings
    elif targets is not None:
        for i, name in enumerate(targets):
            yield loaded.source.where(("targets", i)), name, None
    else:
        for name in loaded.project.default_targets:
            yield loaded.source.where(()), name, None


def _asked(where: str, name: str, settings: Target | None, loaded: Loaded) -> Asked:
    target = settings or loaded.project.targets.get(name) or Target()
    resolved = msgspec.structs.replace(
        target, model=target.model or name, dialect=target.dialect or "chat"
    )
    known = models.find(target.like or resolved.model or name, loaded.project.models)
    own = name if _SLUGGED.issuperset(name) else slug(name)
    return Asked(name=name, id=own, target=resolved, model=known, where=where)


def _refuse(asked: Asked, loaded: Loaded) -> None:
    """Note what this version cannot ask."""
    if asked.target.python is not None:
        loaded.mistakes.add(asked.where, f"target {asked.id!r}: callable targets: {NOT_YET}")
