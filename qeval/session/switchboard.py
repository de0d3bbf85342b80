"""Who answers: for each target the transport of the mode, its cassettes, its pace."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from qeval.loading.project import Project
from qeval.record import Trial
from qeval.runner import without_secret
from qeval.session.preparing import CONCURRENCY, Mode, Options
from qeval.suite import Target
from qeval.transport.base import Transport
from qeval.transport.cassettes import CassetteOptions, CassetteTransport
from qeval.transport.cassettes.redact import holds_secret
from qeval.transport.hosts import endpoint, secrets
from qeval.value import canonical_json, to_json

if TYPE_CHECKING:
    from qeval.transport.pacing import Paced


class Switchboard:
    """Makes transports, and knows what they have read.

    Args:
        project: Whose targets.
        options: Address, client, concurrency.
        mode: Of all transports.
        command: What mends a missing recording.
        lines: Shared with other switchboards, so that a target that several suites ask has one
            pace and one pool of connections.
    """

    def __init__(
        self,
        project: Project,
        options: Options,
        mode: Mode,
        command: str,
        lines: dict[bytes, Paced] | None = None,
    ) -> None:
        self._project = project
        self._options = options
        self._mode: Mode = mode
        self._command = command
        self._lines = {} if lines is None else lines
        self._own: dict[str, Paced] = {}
        self._cassettes: list[CassetteTransport] = []
        self._by_folder: dict[Path, CassetteTransport] = {}
        """The latest of each folder."""
        self._secrets: tuple[str, ...] = ()
        self.concurrency = options.concurrency or project.concurrency or CONCURRENCY

    def guard(self, targets: Iterable[Target]) -> None:
        """Let no recording and no trial hold what these targets keep secret."""
        self._secrets = tuple({*self._secrets, *secrets(targets, os.environ)})

    def transport(
        self, target_id: str, target: Target, folder: Path, *, command: str | None = None
    ) -> Transport:
        """Return who answers a target; its recordings lie in `folder`, a file a case."""
        mends = command or self._command
        if self._mode == "replay":
            return self._cassette(target, folder, None, mends)
        from qeval.transport.retrying import Retrying

        live = self._own[target_id] = self._paced(target_id, target)
        if self._mode == "live":
            return Retrying(live)
        return Retrying(self._cassette(target, folder, live, mends))

    def clean(self, trial: Trial) -> Trial:
        """Return the trial as it may be kept: without all its text where that holds a secret."""
        if self._mode == "replay":
            return trial
        # Digests are ours: a search would take each for coded text, and unfold it.
        said = msgspec.structs.replace(trial, request=None, recording=None)
        if holds_secret(to_json(said), self._secrets):
            return without_secret(trial)
        return trial

    def files_read(self) -> list[tuple[str, str]]:
        """Return each file that answered, by its path below the root, with its SHA-256."""
        return [pair for cassette in self._cassettes for pair in cassette.files_read()]

    def file_read(self, folder: Path, case: str) -> tuple[str, str] | None:
        """Return the file of a case, if it has answered, with its SHA-256."""
        cassette = self._by_folder.get(folder)
        return None if cassette is None else cassette.file_read(case)

    def unread(self) -> dict[str, int]:
        """Return how many interactions of each file no call came upon, of cases that ended."""
        return {file: n for tape in self._cassettes for file, n in tape.unread().items()}

    def slowed(self) -> dict[str, str]:
        """Return what slowed targets down, by their ids."""
        return {target: said for target, p in self._own.items() if (said := p.slowed())}

    def _paced(self, target_id: str, target: Target) -> Paced:
        from qeval.transport.pacing import START, Limits, Paced

        key = canonical_json([target_id, msgspec.structs.replace(target, python=None)])
        if key in self._lines:
            return self._lines[key]
        own_server = target.base_url or self._options.base_url
        limits = Limits(
            concurrency=target.concurrency or self.concurrency,
            start=None if own_server else START,  # an account has limits that rise slowly
            rpm=target.rpm,
            tpm=target.tpm,
        )
        made = self._lines[key] = Paced(self._live(target_id, target), limits)
        return made

    def _live(self, target_id: str, target: Target) -> Transport:
        from qeval.transport.hosts import Settings, resolve
        from qeval.transport.live import Live, LiveOptions

        settings = Settings(
            region=self._project.region,
            workspace=self._project.workspace,
            base_url=self._options.base_url,
        )
        limits = LiveOptions(client=self._options.client, concurrency=self.concurrency)
        if self._project.timeout_s is not None:
            limits = msgspec.structs.replace(limits, timeout_s=self._project.timeout_s)
        return Live(lambda: resolve(target, target_id, settings, os.environ), limits)

    def _cassette(
        self, target: Target, folder: Path, live: Transport | None, command: str
    ) -> Transport:
        cassette = CassetteTransport(
            CassetteOptions(
                folder=folder,
                root=self._project.root,
                base=endpoint(target).base,
                mode=self._mode,
                secrets=self._secrets,
                command=command,
            ),
            live,
        )
        self._cassettes.append(cassette)
        self._by_folder[folder] = cassette
        return cassette
