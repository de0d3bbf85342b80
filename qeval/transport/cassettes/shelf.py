"""The cassettes of one target: files found, read, and put in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

from msgspec import structs

from qeval.errors import CassetteError, QevalError, StoreError, UsageError
from qeval.exchange import Place
from qeval.transport.cassettes import files, layout, misses, reading, redact
from qeval.transport.cassettes.interaction import Interaction, request_text
from qeval.value import Value

Slot = tuple[str, int, int]
"""Scenario, trial, turn: what one answer is for. Its attempts stand behind each other."""


class CassetteOptions(Value):
    """Where recordings lie, and how they are used."""

    folder: Path
    """`cassettes/<suite>/<target>`; a file a case."""
    root: Path
    """The project's; messages name files relative to it."""
    base: str
    """The target's address with the provider's alias for a host."""
    mode: Literal["replay", "record", "refresh", "live"] = "replay"
    secrets: tuple[str, ...] = ()
    """Values that no file may hold."""
    command: str = "qeval run SUITE --mode record"
    """What mends a miss."""

    def __repr__(self) -> str:
        """Show the folder and the mode, never a secret."""
        return f"CassetteOptions({files.relative(self.folder, self.root)!r}, mode={self.mode!r})"


class Tape:
    """The interactions of one case, found by trial, or by request where another tool wrote them."""

    def __init__(self, interactions: Sequence[Interaction]) -> None:
        self.interactions = interactions
        self.scanned = False
        """Whether it is known that what was recorded before holds no secret."""
        self._asked: set[tuple[str, int]] = set()
        """Scenario and trial of what was looked for."""
        self._taken: set[int] = set()
        """Which of another tool's recordings answered, by identity."""
        self.slots: dict[Slot, list[Interaction]] = {}
        self._foreign = [one for one in interactions if one.place is None]
        self._by_key: dict[str, list[Interaction]] | None = None
        """Those of another tool; made when first looked for."""
        for one in interactions:
            if one.place is not None:
                self.slots.setdefault(slot_of(one.place), []).append(one)
        for attempts in self.slots.values():
            attempts.sort(key=lambda one: one.place.attempt if one.place else 0)

    def find(self, place: Place, sought: Interaction) -> tuple[Interaction, int] | None:
        """Return the last attempt recorded for a trial's request, and the number of attempts.

        In a file without trials, the n-th of like requests is trial n.
        """
        attempts = self.slots.get(slot_of(place))
        if attempts:
            self._asked.add((place.scenario, place.trial))
            last = attempts[-1]
            tries = last.place.attempt + 1 if last.place else 1
            return (last, tries) if last.same_request(sought) else None
        if not self._foreign:
            return None
        if self._by_key is None:
            self._by_key = {}
            for one in self._foreign:
                self._by_key.setdefault(one.key, []).append(one)
        alike = self._by_key.get(sought.key, [])
        if place.trial >= len(alike):
            return None
        self._taken.add(id(alike[place.trial]))
        return alike[place.trial], 1

    def turns(self, place: Place, turns: range) -> list[Interaction]:
        """Return what is recorded for these turns of a trial, in order."""
        self._asked.add((place.scenario, place.trial))
        return [
            attempts[-1]
            for (scenario, trial, turn), attempts in sorted(self.slots.items())
            if (scenario, trial) == (place.scenario, place.trial) and turn in turns
        ]

    def unread(self) -> list[Interaction]:
        """Return the recordings of trials that were not asked, and what else answered nothing.

        Of a trial that was asked, every turn counts as read: how many there are may depend on
        an answer, or on a miss.
        """
        left = [
            one
            for slot, attempts in self.slots.items()
            if slot[:2] not in self._asked
            for one in attempts
        ]
        return left + [one for one in self._foreign if id(one) not in self._taken]


def slot_of(place: Place) -> Slot:
    """Return what the answer is for."""
    return place.scenario, place.trial, place.turn


class Shelf:
    """The cassettes of one target, a file a case: what they hold, and what is to be added."""

    def __init__(self, options: CassetteOptions) -> None:
        self.options = options
        self.secrets = set(options.secrets)
        """Values that no file may hold."""
        self._tapes: dict[str, Tape | None] = {}
        self._new: dict[str, dict[Slot, list[Interaction]]] = {}
        """What was asked anew, by case and call, each attempt of it."""
        self._digests: dict[str, str] = {}
        self._unread: dict[str, int] = {}
        self._folder_shown = files.relative(options.folder, options.root)
        self._swept = False

    def tape(self, case: str) -> Tape | None:
        """Return what is recorded of a case; None where there is no file.

        Raises:
            CassetteCorruptError: The file is damaged.
        """
        if case not in self._tapes:
            found = self._read(case)
            self._tapes[case] = None if found is None else Tape(found)
        return self._tapes[case]

    def shown(self, case: str) -> str:
        """Return what messages call the file of a case."""
        return f"{self._folder_shown}/{case}.yaml"

    def miss(self, place: Place, wanted: Interaction) -> CassetteError:
        """Return why no recording answers a call."""
        shown, command = self.shown(place.case), self.options.command
        tape = self.tape(place.case)
        if tape is None:
            return misses.no_file(shown, place, command)
        return misses.explain(shown, place, wanted, tape.interactions, command)

    def refuse_old(self, case: str) -> None:
        """Refuse to add to a file that holds a secret, before a call is paid for.

        Raises:
            CassetteSecretError: It does.
        """
        tape = self.tape(case)
        if tape is not None and not tape.scanned:
            secrets = tuple(self.secrets)
            redact.refuse_old(tape.interactions, secrets, self.shown(case), self.options.command)
            tape.scanned = True

    def refuse(self, made: Interaction, case: str) -> None:
        """Refuse a recording that holds a secret.

        Raises:
            CassetteSecretError: It does.
        """
        redact.refuse(made, tuple(self.secrets), self.shown(case))

    def keep(self, made: Interaction, place: Place) -> None:
        """Hold a recording until its case ends; a first attempt puts earlier ones aside."""
        held = self._new.setdefault(place.case, {})
        if place.attempt == 0:
            held[slot_of(place)] = [made]
        else:
            held.setdefault(slot_of(place), []).append(made)

    def drop(self, place: Place) -> None:
        """Leave out what was recorded for a call that is made no more."""
        self._new.setdefault(place.case, {})[slot_of(place)] = []

    def end_case(self, case: str) -> None:
        """Write what was recorded of the case, and forget its file.

        Raises:
            StoreError: The file cannot be written.
            CassetteSecretError: It would hold a secret.
        """
        tape = self._tapes.pop(case, None)
        if tape is not None and self.options.mode == "replay" and (left := tape.unread()):
            self._unread[self.shown(case)] = len(left)
        if case in self._new:
            self._write(case, self._new[case])
            del self._new[case]

    def close(self) -> QevalError | None:
        """Write what is unwritten, as much as can be; return why the first could not."""
        first: QevalError | None = None
        if not self._new:
            return first
        with files.undisturbed():
            for case in list(self._new):
                try:
                    self.end_case(case)
                except QevalError as error:
                    first = first or error
            self._new.clear()
        return first

    def files_read(self) -> list[tuple[str, str]]:
        """Return each file that answered, by its path below the root, with its SHA-256."""
        return sorted(self._digests.items())

    def file_read(self, case: str) -> tuple[str, str] | None:
        """Return the same of one case; None where it has not been read."""
        shown = self.shown(case)
        digest = self._digests.get(shown)
        return None if digest is None else (shown, digest)

    def unread(self) -> dict[str, int]:
        """Return how many interactions of each file no call came upon, of cases that ended.

        Told in a replay alone, and only of files that hold such.
        """
        return dict(self._unread)

    def _path(self, case: str) -> Path:
        if not case or case.startswith(".") or "/" in case or "\\" in case or "\0" in case:
            raise UsageError(f"case id {case!r} is not the name of a file")
        return self.options.folder / f"{case}.yaml"

    def _read(self, case: str) -> list[Interaction] | None:
        shown = self.shown(case)
        data = files.load(self._path(case), shown)
        if data is None:
            return None
        self._digests[shown] = sha256(data).hexdigest()
        found = reading.read(data, case, shown, self.options.command)
        base = self.options.base
        return [one if one.place is not None else adopted(one, base) for one in found]

    def _write(self, case: str, made: Mapping[Slot, list[Interaction]]) -> None:
        path, shown = self._path(case), self.shown(case)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.locked(path.parent):
                self._sweep()
                before = self._read(case) or []
                kept = merged(before, made)
                if kept == before:
                    return
                if not kept:
                    path.unlink()
                    return
                data = layout.write(kept).encode()
                redact.refuse_file(data, kept, tuple(self.secrets), shown)
                files.replace(path, data)
        except OSError as error:
            raise StoreError(
                f"cannot write {shown}: {error.strerror}",
                hint="make room or mend the folder's rights, then type the command again",
            ) from error
        self._digests[shown] = sha256(data).hexdigest()

    def _sweep(self) -> None:
        """Remove, once, what a killed run left: under the lock nobody else is writing."""
        if not self._swept:
            for path in self.options.folder.glob(f"{files.TEMPORARY}*"):
                path.unlink(missing_ok=True)
            self._swept = True


def adopted(one: Interaction, base: str) -> Interaction:
    """Return what another tool recorded, as the target of that address would have asked it."""
    uri = "/".join([*base.split("/", 3)[:3], *one.uri.split("/", 3)[3:]])
    request = request_text(one.request)
    return redact.cleaned(structs.replace(one, uri=uri, request=request))


def merged(
    before: Sequence[Interaction], made: Mapping[Slot, list[Interaction]]
) -> list[Interaction]:
    """Return the recordings of a case, each trial's new ones in place of its old, in order.

    Where a trial's new attempts say the same as its old ones, the old ones stay. Where there are
    none, it asks no more, and nothing stays.
    """
    kept = dict(Tape(before).slots)
    for slot, attempts in made.items():
        known = kept.get(slot, [])
        same = len(known) == len(attempts) and all(
            one.same_answer(other) for one, other in zip(known, attempts, strict=True)
        )
        if not same:
            kept[slot] = attempts
    # Without trials of their own, another tool's recordings are taken over in their order.
    foreign = [one for one in before if one.place is None]
    return foreign + [one for slot in sorted(kept) for one in kept[slot]]
