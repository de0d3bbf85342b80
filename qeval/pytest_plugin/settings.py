"""What the command line and the ini file say to the plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from qeval.pytest_plugin import limit, said
from qeval.session.preparing import Budget, Mode, Options
from qeval.value import Value


class Settings(Value):
    """The options of a pytest session; what the command line says goes before the ini file."""

    mode: Mode = "replay"
    report: Path | None = None
    """Folder for run files and pages; None: the project's, for what was asked, and else none."""
    baseline: str | None = None
    junit_properties: bool = False
    concurrency: int | None = None
    base_url: str | None = None
    client: str = "auto"
    block_network: bool = True
    budget: Budget = Budget()
    """Of the whole session, however many processes share it."""

    @property
    def kept(self) -> bool:
        """Whether runs are written: where something was asked, or where somebody wants them."""
        return self.mode != "replay" or self.report is not None

    @property
    def options(self) -> Options:
        """How suites are run."""
        return Options(
            mode=self.mode,
            concurrency=self.concurrency,
            base_url=self.base_url,
            client=cast("Any", self.client),
            budget=self.budget,
            # Counting the tokens of every request takes longer than replaying it.
            ledger=self.kept or self.baseline is not None,
        )


def settings(config: pytest.Config) -> Settings:
    """Read them; what has no meaning was refused when the session began."""
    report, calls = said(config, "report"), said(config, "concurrency")
    return Settings(
        mode=cast("Mode", said(config, "mode") or "replay"),
        report=config.invocation_params.dir / report if report else None,
        baseline=said(config, "baseline") or None,
        junit_properties=said(config, "junit_properties") == "True",
        concurrency=int(calls) if calls else None,
        base_url=said(config, "base_url") or None,
        client=said(config, "client") or "auto",
        block_network=said(config, "block_network") != "off",
        budget=Budget(
            cost=limit(config, "max_cost", float),
            tokens=limit(config, "max_tokens", int),
            calls=limit(config, "max_calls", int),
        ),
    )
