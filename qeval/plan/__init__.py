"""Suite × targets × scenarios → groups of trials, ordered by case, target, scenario, trial."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

from qeval.errors import UsageError
from qeval.exchange import Params
from qeval.plan import scenarios, targets
from qeval.plan.choosing import choose, unmatched
from qeval.plan.ground import Expanded, Expander, Loaded
from qeval.plan.refusing import faults, is_plain
from qeval.plan.scenarios import Situation, laid, params_of, whole
from qeval.plan.targets import Asked
from qeval.plan.tool_names import misnamed
from qeval.plan.values import Plan, PlannedCase, PlannedGroup, Selection
from qeval.suite import Case
from qeval.value import Json, Value, canonical_json

__all__ = ["Loaded", "Plan", "PlannedCase", "PlannedGroup", "Selection", "plan"]


def plan(loaded: Loaded, selection: Selection = Selection()) -> Plan:  # noqa: B008  # immutable
    """Plan what a suite asks.

    Args:
        loaded: As `qeval.loading.read` gives it.
        selection: What of it to run.

    Raises:
        SuiteError: With every mistake that filling templates, reading rows and putting cases,
            targets and scenarios together has brought to light.
        UsageError: The selection's keyword is no expression, or its trials are no multiple of `n`.
    """
    warnings = list(loaded.warnings)
    planner = _Planner(loaded, warnings)
    every = planner.groups()
    if len(loaded.mistakes):
        raise loaded.mistakes.error()
    groups = choose(every, selection)
    warnings += unmatched(every, selection)
    digest = planner.digest(every)
    if selection.trials is not None:
        groups = [_asked_so_often(group, selection.trials) for group in groups]
    target_ids = {group.target_id for group in groups}
    names = {group.scenario.name for group in groups}
    return Plan(
        suite_id=loaded.id,
        digest=digest,
        description=loaded.suite.description,
        targets=tuple(a.setup for a in planner.targets if a.id in target_ids),
        scenarios=tuple(s.setup for s in planner.scenarios if s.name in names),
        groups=tuple(groups),
        trials_total=sum(group.trials for group in groups),
        warnings=tuple(dict.fromkeys(warnings)),
    )


class _Seat(Value):
    """A target under a scenario, as one authored case is asked there."""

    asked: Asked
    situation: Situation
    params: Params
    seed_each: bool
    trials: int
    passes: str


class _Planner:
    def __init__(self, loaded: Loaded, warnings: list[str]) -> None:
        self.loaded = loaded
        self.warnings = warnings
        self.targets = targets.resolve(loaded)
        self.scenarios = scenarios.resolve(loaded)
        self._sets: dict[bytes, Params] = {}
        self._sound: dict[bytes, list[_Seat]] = {}
        self._told: set[tuple[str, str]] = set()
        self._fit: set[int] = set()
        """Seats at which a plain question was found to be in order."""

    def groups(self) -> list[PlannedGroup]:
        """Return all groups of the suite; mistakes are noted."""
        expander = self.loaded.expander()
        found: list[PlannedGroup] = []
        for number, case in enumerate(self.loaded.suite.cases):
            found += self._case(number, case, expander)
        for mistake in misnamed(found, self.loaded.suite):
            self.loaded.mistakes.add(*mistake)
        return found

    def _case(self, number: int, case: Case, expander: Expander) -> list[PlannedGroup]:
        seats = self._known_seats(number, case)
        names = {seat.situation.name: seat.situation.setup.vars for seat in seats}
        found: list[PlannedGroup] = []
        for expanded in expander.expand(number, names):
            before = len(found)
            _sit(found, expanded, case, seats)
            for group, seat in zip(found[before:], seats, strict=True):
                self._check(group, seat)
        return found

    def _check(self, group: PlannedGroup, seat: _Seat) -> None:
        """Note, once for each case and target, what cannot work at the endpoint."""
        plain = is_plain(group)
        if plain and id(seat) in self._fit:
            return  # what is left to look at is the same for every row of a case
        for message, hint, only_told in faults(group, seat.asked):
            plain = False
            if only_told:
                self.warnings.append(message)
            elif (group.case.where, message) not in self._told:
                self._told.add((group.case.where, message))
                self.loaded.mistakes.add(group.case.where, message, hint)
        if plain:
            self._fit.add(id(seat))

    def _known_seats(self, number: int, case: Case) -> list[_Seat]:
        """Return where a case is asked; cases that pick and set the same share it."""
        key = canonical_json([case.targets, case.scenarios, case.params, case.trials, case.passes])
        seats = self._sound.get(key)
        if seats is None:
            before = len(self.loaded.mistakes)
            seats = self._seats(number, case)
            if len(self.loaded.mistakes) == before:
                self._sound[key] = seats
        return seats

    def _seats(self, number: int, case: Case) -> list[_Seat]:
        where = self.loaded.source.where(("cases", number))
        self._unknown(number, case)
        seats = [
            self._seat(asked, situation, case)
            for asked in self.targets
            if asked.fits(_patterns(case.targets))
            for situation in self.scenarios
            if situation.fits(case.scenarios) and asked.fits(situation.targets)
        ]
        if not seats and self.targets:
            hint = "look at `targets:` and `scenarios:` of the case and of its scenarios"
            self.loaded.mistakes.add(where, "the case is asked of nobody", hint)
        return seats

    def _unknown(self, number: int, case: Case) -> None:
        """Note patterns that choose none of what the scenarios expand to."""
        for i, pattern in enumerate(case.scenarios or ()):
            if not any(situation.fits((pattern,)) for situation in self.scenarios):
                place = self.loaded.source.where(("cases", number, "scenarios", i))
                named = ", ".join(situation.name for situation in self.scenarios[:12])
                hint = f"the scenarios expand to {named}"
                self.loaded.mistakes.add(place, f"no scenario matches {pattern!r}", hint)

    def _seat(self, asked: Asked, situation: Situation, case: Case) -> _Seat:
        suite = self.loaded.suite
        written = laid(suite.params, asked.target.params, situation.params, case.params)
        self._thinking(written, asked)
        return _Seat(
            asked=asked,
            situation=situation,
            params=self._shared(written),
            seed_each=written.get("seed") == "each",
            trials=whole(case.trials, case.passes) or situation.setup.trials,
            passes=case.passes or situation.setup.passes,
        )

    def _thinking(self, written: dict[str, Json], asked: Asked) -> None:
        """Say explicitly whether to think: the model's own default where nothing is written.

        A model that cannot be switched is told nothing that it would refuse to hear.
        """
        model = asked.model
        if model is None:
            return
        if model.fixed and not model.thinking:
            if written.get("thinking") is False:
                del written["thinking"]
        elif written.get("thinking") is None and model.thinking is not None:
            written["thinking"] = model.thinking

    def _shared(self, written: dict[str, Json]) -> Params:
        """Return parameters as values; equal ones are one object."""
        key = canonical_json(written)
        if key not in self._sets:
            self._sets[key] = params_of(written)
        return self._sets[key]

    def digest(self, groups: Iterable[PlannedGroup]) -> str:
        """Return the digest of the whole suite."""
        hashed = sha256(self.loaded.id.encode())
        for asked in self.targets:
            target = msgspec.structs.replace(asked.target, python=None)
            hashed.update(canonical_json([asked.id, target]))
        texts: dict[int, str] = {}
        for group in groups:
            params = texts.get(id(group.params))
            if params is None:
                params = texts[id(group.params)] = canonical_json(group.params).decode()
            case = group.case
            line = (case.id, case.digest, case.skip or "", *case.tags, group.target_id)
            rule = (group.scenario.name, params, str(group.trials), group.passes)
            hashed.update("\0".join((*line, *rule, str(group.seed_each), "\n")).encode())
        return hashed.hexdigest()


def _sit(found: list[PlannedGroup], expanded: Expanded, case: Case, seats: Sequence[_Seat]) -> None:
    """Add the groups of one case; scenarios that ask the same share it."""
    made: dict[int, PlannedCase] = {}
    for seat in seats:
        filled = expanded.filled[seat.situation.name]
        planned = made.get(id(filled))
        if planned is None:
            planned = made[id(filled)] = PlannedCase(
                id=expanded.id,
                where=expanded.where,
                script=filled.script,
                tags=expanded.tags,
                digest=filled.digest,
                description=case.description,
                skip=case.skip,
                vars=filled.vars,
                context=filled.context,
            )
        found.append(
            PlannedGroup(
                case=planned,
                target_id=seat.asked.id,
                target=seat.asked.target,
                model=seat.asked.model,
                scenario=seat.situation.setup,
                checks=filled.checks,
                params=seat.params,
                trials=seat.trials,
                passes=seat.passes,
                seed_each=seat.seed_each,
                response_format=expanded.format,
                per_scenario=expanded.per_scenario,
            )
        )


def _asked_so_often(group: PlannedGroup, trials: int) -> PlannedGroup:
    if trials % group.params.n:
        raise UsageError(
            f"{trials} trials are no multiple of n {group.params.n}, which case"
            f" {group.case.id!r} sets under {group.scenario.name!r}",
            hint=f"ask {math.ceil(trials / group.params.n) * group.params.n}, or other cases",
        )
    return msgspec.structs.replace(group, trials=trials)


def _patterns(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
