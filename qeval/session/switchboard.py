"""Who answers: for each target the transport of the mode, its cassettes, its pace."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from qeval.dialects.base import spoken
from qeval.dialects.errors import Read
from qeval.loading.project import Project
from qeval.record import Trial
from qeval.runner import without_secret
from qeval.session.preparing import CONCURRENCY, Mode, Options
from qeval.session.spending import Metered, Spending
from qeval.suite import Target
from qeval.transport.base import Transport
from qeval.transport.cassettes import CassetteOptions, CassetteTransport
from qeval.transport.cassettes.redact import holds_secret, in_environment
from qeval.transport.cassettes.shelf import Shelf
from qeval.transport.hosts import endpoint, secrets
from qeval.value import canonical_json, to_json

if TYPE_CHECKING:
    from qeval.transport.pacing import Paced


class Shared:
    """What the switchboards of one session have in common.

    Args:
        spending: What all their calls may take together.
    """

    def __init__(self, spending: Spending) -> None:
        self.spending = spending
        self.lines: dict[bytes, Paced] = {}
        """So that a target that several suites ask has one pace and one pool of connections."""


class Switchboard:
    """Makes transports, and knows what they have read.

    Args:
        project: Whose targets.
        options: Address, client, concurrency.
        mode: Of all transports.
        command: What mends a missing recording.
        shared: What it has in common with other switchboards.
    """

    def __init__(
        self,
        project: Project,
        options: Options,
        mode: Mode,
        command: str,
        shared: Shared | None = None,
    ) -> None:
        self._project = project
        self._options = options
        self._mode: Mode = mode
        self._command = command
        self._shared = shared or Shared(Spending(options.budget))
        self._own: dict[str, Paced] = {}
        self._shelves: list[Shelf] = []
        self._by_folder: dict[Path, Shelf] = {}
        """The latest of each folder."""
        self._secrets: tuple[str, ...] = ()
        self._foreign = False
        """Whether functions answer, which may say anything in a replay, too."""
        self.concurrency = options.concurrency or project.concurrency or CONCURRENCY

    def guard(self, targets: Iterable[Target]) -> None:
        """Let no recording and no trial hold what these targets keep secret."""
        held = list(targets)
        self._secrets = tuple({*self._secrets, *secrets(held, os.environ)})
        if any(callable(target.python) for target in held):  # it knows what the process knows
            self._secrets = tuple({*self._secrets, *in_environment()})
            self._foreign = True

    def transport(
        self, target_id: str, target: Target, folder: Path, *, command: str | None = None
    ) -> Transport:
        """Return who answers a target; its recordings lie in `folder`, a file a case."""
        tapes = self._tapes(target, folder, command or self._command)
        if callable(target.python):
            return self._function(target_id, target, tapes)
        if self._mode == "replay":
            return self._cassette(tapes)
        from qeval.transport.retrying import Retrying

        live = self._own[target_id] = self._paced(target_id, target)
        read = spoken(target).read
        if self._mode == "live":
            return Retrying(live, read=read)
        return Retrying(self._cassette(tapes, live, read), read=read)

    def clean(self, trial: Trial) -> Trial:
        """Return the trial as it may be kept: without all its text where that holds a secret."""
        if self._mode == "replay" and not self._foreign:
            return trial
        # Digests and names of counts are ours; a search would unfold each, as coded text.
        ours = {"request": None, "recording": None, "usage": None, "ledger": None}
        said = msgspec.structs.replace(trial, **ours)
        if holds_secret(to_json(said), self._secrets):
            return without_secret(trial)
        return trial

    def files_read(self) -> list[tuple[str, str]]:
        """Return each file that answered, by its path below the root, with its SHA-256."""
        return [pair for shelf in self._shelves for pair in shelf.files_read()]

    def file_read(self, folder: Path, case: str) -> tuple[str, str] | None:
        """Return the file of a case, if it has answered, with its SHA-256."""
        shelf = self._by_folder.get(folder)
        return None if shelf is None else shelf.file_read(case)

    def unread(self) -> dict[str, int]:
        """Return how many interactions of each file no call came upon, of cases that ended."""
        return {file: n for shelf in self._shelves for file, n in shelf.unread().items()}

    def slowed(self) -> dict[str, str]:
        """Return what slowed targets down, by their ids."""
        return {target: said for target, p in self._own.items() if (said := p.slowed())}

    def _function(self, target_id: str, target: Target, tapes: CassetteOptions) -> Transport:
        from qeval.transport.calling import TIMEOUT_S, Calling, Function, RecordedCalling

        assert callable(target.python)  # noqa: S101 - asked before
        timeout_s = target.timeout_s or self._project.timeout_s or TIMEOUT_S
        function = Function(name=target_id, code=target.python, timeout_s=timeout_s)
        if self._mode == "live":
            return self._metered(target_id, target, Calling(function))
        shelf = Shelf(tapes)
        self._shelved(shelf)
        recorded = RecordedCalling(function, shelf)
        return recorded if self._mode == "replay" else self._metered(target_id, target, recorded)

    def _metered(self, target_id: str, target: Target, inner: Transport) -> Transport:
        return Metered(inner, self._shared.spending, target_id, spoken(target).read)

    def _paced(self, target_id: str, target: Target) -> Paced:
        from qeval.transport.pacing import START, Limits, Paced

        key = canonical_json([target_id, msgspec.structs.replace(target, python=None)])
        if key in self._shared.lines:
            return self._shared.lines[key]
        own_server = target.base_url or self._options.base_url
        limits = Limits(
            concurrency=target.concurrency or self.concurrency,
            start=None if own_server else START,  # an account has limits that rise slowly
            rpm=target.rpm,
            tpm=target.tpm,
        )
        live = self._metered(target_id, target, self._live(target_id, target))
        made = self._shared.lines[key] = Paced(live, limits, read=spoken(target).read)
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

    def _shelved(self, shelf: Shelf) -> None:
        """Remember where files are read and written."""
        self._shelves.append(shelf)
        self._by_folder[shelf.options.folder] = shelf

    def _tapes(self, target: Target, folder: Path, command: str) -> CassetteOptions:
        return CassetteOptions(
            folder=folder,
            root=self._project.root,
            base=endpoint(target).base,
            mode=self._mode,
            secrets=self._secrets,
            command=command,
        )

    def _cassette(
        self, options: CassetteOptions, live: Transport | None = None, read: Read | None = None
    ) -> Transport:
        cassette = CassetteTransport(options, live, read=read)
        self._shelved(cassette.shelf)
        return cassette
