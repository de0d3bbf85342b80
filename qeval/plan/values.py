"""What a plan is made of."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from qeval.exchange import CallableRequest, Message, Params, Request
from qeval.models import Model
from qeval.record import Setup
from qeval.scorers.base import Prepared
from qeval.suite import Target
from qeval.turns import Script
from qeval.value import Json, Value


class Selection(Value):
    """What of a suite to run; everything, if nothing is said. All that is said must hold."""

    keyword: str | None = None
    """As pytest's `-k`: parts of ids of cases, targets, scenarios, with `and`, `or`, `not`."""
    tags: tuple[str, ...] = ()
    """Cases with any of these."""
    cases: tuple[str, ...] = ()
    """Ids or patterns, as in the next two."""
    targets: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    """A scenario's name stands for all that it expands to."""
    trials: int | None = None
    """How often each case is asked, whatever the suite says; at least 1."""
    limit: int | None = None
    """Only the first so many of the cases that are left."""
    keys: frozenset[tuple[str, str, str]] | None = None
    """Only these groups: case, target, scenario."""


class PlannedCase(Value):
    """A case ready to be asked: texts filled, files read."""

    id: str
    where: str
    """`suites/facts.yaml:14`, relative to the project's root."""
    script: Script
    tags: tuple[str, ...] = ()
    digest: str = ""
    """16 hex digits over messages, response format and checks, without paths."""
    description: str | None = None
    skip: str | None = None
    vars: dict[str, Json] = {}
    context: tuple[dict[str, Json], ...] = ()
    """Documents, each `{text, title, index}`."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages of the first request."""
        return self.script.opening


class PlannedGroup(Value):
    """All trials of a case under one scenario and target."""

    case: PlannedCase
    target_id: str
    target: Target
    """With model and dialect set, and with `python` the function itself, if there is one; `${NAME}`
    is not resolved."""
    scenario: Setup
    checks: tuple[Prepared, ...]
    params: Params
    trials: int = 1
    passes: str = "all"
    seed_each: bool = False
    """Whether each trial's seed is its number."""
    response_format: str | dict[str, Json] | None = None
    per_scenario: bool = False
    """Whether messages or checks depend on the scenario."""
    model: Model | None = None
    """What the table of models knows of whom is asked, or of what it is like."""

    @property
    def vars(self) -> dict[str, Json]:
        """Values that templates saw, for scorers."""
        return self.case.vars

    @property
    def context(self) -> tuple[dict[str, Json], ...]:
        """The case's documents."""
        return self.case.context

    @property
    def slow(self) -> bool:
        """Whether a check, of a turn or of the end, runs code that may take long."""
        turns = (turn.checks for turn in self.case.script.turns)
        return any(check.slow for checks in (self.checks, *turns) for check in checks)

    def request(self, index: int) -> Request:
        """Return what the trial of that number, from 0, asks first."""
        params = self.params
        if self.seed_each:
            params = msgspec.structs.replace(params, seed=index)
        request = Request(
            model=self.target.model or self.target_id,
            messages=self.case.messages,
            params=params,
            response_format=self.response_format,  # type: ignore[arg-type]  # text, json, or a dict
            tools=tuple(tool.definition for tool in self.case.script.tools),
        )
        if self.target.python is None:
            return request
        return CallableRequest(**msgspec.structs.asdict(request), vars=self.vars)


class Plan(Value):
    """A suite, planned: every group in the order case, target, scenario."""

    suite_id: str
    digest: str
    """Hex digits over the whole suite, resolved, whatever was chosen of it: equal in every folder,
    time zone and environment."""
    description: str | None = None
    targets: tuple[Setup, ...] = ()
    """Those that are asked; so are `scenarios`."""
    scenarios: tuple[Setup, ...] = ()
    groups: Sequence[PlannedGroup] = ()
    trials_total: int = 0
    warnings: tuple[str, ...] = ()
