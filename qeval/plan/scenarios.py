"""Names of scenarios → parameters, with sweeps and grids expanded (suites.md section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product

import msgspec

from qeval import presets
from qeval.exchange import Params
from qeval.plan.ground import Loaded
from qeval.record import Setup
from qeval.suite import Scenario, Suite, slug
from qeval.value import Json, Value, canonical_json

DEFAULT = "default"
_OWN = frozenset(("description", "preset", "trials", "passes", "vars", "targets", "sweep", "grid"))
"""Keys of a scenario that are no parameters."""


class Situation(Value):
    """A scenario after expansion."""

    setup: Setup
    authored: str
    """The scenario's name, before what it varies."""
    params: dict[str, Json]
    """As written: the preset's, the scenario's over them."""
    targets: tuple[str, ...] | None
    counted: bool
    """Whether the scenario itself says how often, or how many must pass."""

    @property
    def name(self) -> str:
        """What reports call it: `story:temperature=0.3`."""
        return self.setup.name

    def fits(self, patterns: Sequence[str] | None) -> bool:
        """Whether one of the names or patterns chooses it; None chooses all."""
        return patterns is None or any(
            fnmatchcase(self.name, pattern) or fnmatchcase(self.authored, pattern)
            for pattern in patterns
        )


def resolve(loaded: Loaded) -> list[Situation]:
    """Return the scenarios of a suite in its order, each with all that it expands to."""
    found: dict[str, Situation] = {}
    for name, scenario in _named(loaded.suite):
        for situation in _expanded(name, scenario, loaded.suite):
            found.setdefault(situation.name, situation)
    return list(found.values())


def whole(trials: int | None, passes: str | None) -> int | None:
    """Return how often one place of a suite says to ask: `trials`, or the 5 of `4/5`."""
    if trials is None and passes is not None and "/" in passes:
        return int(passes.partition("/")[2])
    return trials


def params_of(written: Mapping[str, Json]) -> Params:
    """Return request parameters as values. A seed of `each` is left to the trials."""
    sent = {key: value for key, value in written.items() if value is not None}
    if sent.get("seed") == "each":
        del sent["seed"]
    return msgspec.convert(sent, Params)


def laid(*layers: Mapping[str, Json]) -> dict[str, Json]:
    """Lay parameters over each other, the last over all; `extra` is merged by key."""
    made: dict[str, Json] = {}
    for layer in layers:
        extra = {**made.get("extra", {}), **layer.get("extra", {})}
        made = {**made, **layer}
        if extra:
            made["extra"] = extra
    return made


def _named(suite: Suite) -> Iterator[tuple[str, Scenario]]:
    scenarios = suite.scenarios
    if scenarios is None:
        yield DEFAULT, Scenario()
    elif isinstance(scenarios, dict):
        for name, scenario in scenarios.items():
            yield name, scenario or Scenario(preset=name)
    else:
        for name in scenarios:
            yield name, Scenario(preset=name)


def _expanded(name: str, scenario: Scenario, suite: Suite) -> Iterator[Situation]:
    """Yield what a scenario stands for; of two that come out equal, the first."""
    preset = presets.find(scenario.preset) if scenario.preset else None
    own = {
        key: value
        for key in Scenario.__struct_fields__
        if key not in _OWN and (value := getattr(scenario, key)) is not None
    }
    base = laid({} if preset is None else preset.params, own)
    seen: set[bytes] = set()
    for suffix, varied in _variations(scenario):
        params = laid(base, varied)
        key = canonical_json(params)
        if key in seen:
            continue
        seen.add(key)
        yield Situation(
            setup=Setup(
                name=name + suffix,
                params=params_of(params),
                vars=scenario.vars,
                trials=whole(scenario.trials, scenario.passes)
                or whole(suite.trials, suite.passes)
                or 1,
                passes=scenario.passes or suite.passes or "all",
                source=None if preset is None else f"{preset.source}, {preset.date}",
                description=scenario.description,
            ),
            authored=name,
            params=params,
            targets=None if scenario.targets is None else tuple(scenario.targets),
            counted=scenario.trials is not None or scenario.passes is not None,
        )


def _variations(scenario: Scenario) -> Iterator[tuple[str, dict[str, Json]]]:
    if scenario.grid:
        for values in product(*scenario.grid.values()):
            varied = dict(zip(scenario.grid, values, strict=True))
            named = ",".join(f"{key}={_shown(key, value)}" for key, value in varied.items())
            yield f":{named}", varied
        return
    yield "", {}
    for key, alternatives in (scenario.sweep or {}).items():
        for value in alternatives:
            yield f":{key}={_shown(key, value)}", {key: value}


def _shown(key: str, value: Json) -> str:
    """Return a value as a scenario's name has it."""
    if key == "thinking" and isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):
        return slug(value)
    text = canonical_json(value).decode()
    return slug(text) if isinstance(value, list | tuple | dict) else text
