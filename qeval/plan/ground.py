"""What planning stands on. `loading` gives it; the two do not import each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from qeval.errors import SuiteError
from qeval.scorers.base import Prepared
from qeval.suite import Suite, Target
from qeval.turns import Script
from qeval.value import Json

# ruff: noqa: D102  # `qeval.loading` says what its own attributes are


class Places(Protocol):
    """Knows where each element of a suite is written."""

    def where(self, path: tuple[str | int, ...]) -> str: ...
    def folder(self, path: tuple[str | int, ...]) -> Path: ...


class Mistakes(Protocol):
    """Collects what is wrong with a suite."""

    def add(self, where: str, message: str, hint: str | None = None) -> None: ...
    def __len__(self) -> int: ...
    def error(self) -> SuiteError: ...


class Project(Protocol):
    """What all suites of a project share."""

    @property
    def root(self) -> Path: ...
    @property
    def default_targets(self) -> tuple[str, ...]: ...
    @property
    def targets(self) -> dict[str, Target]: ...
    @property
    def models(self) -> dict[str, Json]: ...


class Filled(Protocol):
    """A case of one row under one scenario."""

    @property
    def script(self) -> Script: ...
    @property
    def checks(self) -> tuple[Prepared, ...]: ...
    @property
    def context(self) -> tuple[dict[str, Json], ...]: ...
    @property
    def vars(self) -> dict[str, Json]: ...
    @property
    def digest(self) -> str: ...


class Expanded(Protocol):
    """One of the cases that an authored case stands for."""

    @property
    def id(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def format(self) -> str | dict[str, Json] | None: ...
    @property
    def filled(self) -> Mapping[str, Filled]: ...
    @property
    def per_scenario(self) -> bool: ...


class Expander(Protocol):
    """Fills templates and reads rows."""

    def expand(
        self, number: int, scenarios: Mapping[str, dict[str, Json]]
    ) -> Iterator[Expanded]: ...


class Loaded(Protocol):
    """A suite that was read and found sound: `qeval.loading.Loaded`."""

    @property
    def suite(self) -> Suite: ...
    @property
    def source(self) -> Places: ...
    @property
    def id(self) -> str: ...
    @property
    def project(self) -> Project: ...
    @property
    def mistakes(self) -> Mistakes: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    def expander(self) -> Expander: ...
