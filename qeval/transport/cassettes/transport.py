"""Recordings of one target: replayed, recorded, refreshed."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

from msgspec import structs

from qeval.errors import QevalError, StoreError, UsageError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.base import Transport
from qeval.transport.cassettes import files, layout, misses, reading, redact
from qeval.transport.cassettes.interaction import (
    Interaction,
    answer_of,
    interaction_of,
    request_text,
)
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


class CassetteTransport:
    """Answers from recordings, and, while recording, from `inner` for what they lack.

    `replay` has no way to the network: `inner` is None. `record` asks for what is missing or
    stale, and again for recorded time-outs, overloads and cuts. `refresh` asks for everything;
    where an answer is the same as before, its recording stays as it was.

    Every attempt of a retried request is kept, and the last one replayed. A call that brought no
    answer at all is not recorded.
    """

    def __init__(self, options: CassetteOptions, inner: Transport | None = None) -> None:
        if (inner is None) != (options.mode == "replay"):
            raise UsageError(f"mode {options.mode!r} and its transport do not fit")
        self.immediate = inner is None
        self._options = options
        self._inner = inner
        self._tapes: dict[str, Tape | None] = {}
        self._new: dict[str, dict[Slot, list[Interaction]]] = {}
        """What was asked anew, by case and call, each attempt of it."""
        self._digests: dict[str, str] = {}
        self._unread: dict[str, int] = {}
        self._folder_shown = files.relative(options.folder, options.root)
        self._swept = False

    async def send(self, wire: Wire, place: Place) -> Answer:
        """Bring back the answer to one call.

        Raises:
            CassetteMissingError: Replay has no recording of this trial.
            CassetteStaleError: It has, of another request.
            CassetteExhaustedError: This request is recorded for fewer trials.
            CassetteCorruptError: The file is damaged.
            CassetteSecretError: The answer, or what was sent, holds a secret; not recorded.
            TransportError: Recording, no answer came.
        """
        wanted = sought(self._options.base, wire)
        tape = self._tape(place.case)
        found = tape.find(place, wanted) if tape is not None else None
        if self._inner is None:
            if found is None:
                raise self._miss(place, wanted, tape)
            return answer_of(*found)
        again = self._options.mode == "refresh" or place.attempt > 0
        if found is not None and not again and found[0].reusable:
            return answer_of(*found)
        self._refuse_old(place.case, tape)
        answer = await self._inner.send(wire, place)
        made = redact.cleaned(interaction_of(wanted.uri, wire, answer, place))
        redact.refuse(made, self._options.secrets, self._shown(place.case))
        if found is None or not _is_foreign_twin(found[0], made):
            self._keep(place, made)
        # As a replay will have it, so that both are judged alike.
        return structs.replace(answer_of(made, 1), replayed=False)

    def _refuse_old(self, case: str, tape: Tape | None) -> None:
        """Refuse to add to a file that holds a secret, before a call is paid for."""
        if tape is not None and not tape.scanned:
            said = self._options
            redact.refuse_old(tape.interactions, said.secrets, self._shown(case), said.command)
            tape.scanned = True

    def _keep(self, place: Place, made: Interaction) -> None:
        """Hold a recording until its case ends; a first attempt puts earlier ones aside."""
        held = self._new.setdefault(place.case, {})
        if place.attempt == 0:
            held[slot_of(place)] = [made]
        else:
            held.setdefault(slot_of(place), []).append(made)

    async def end_case(self, case: str) -> None:
        """Write what was recorded of the case, and forget its file."""
        tape = self._tapes.pop(case, None)
        if tape is not None and self._inner is None and (left := tape.unread()):
            self._unread[self._shown(case)] = len(left)
        if case in self._new:
            self._write(case, [one for made in self._new[case].values() for one in made])
            del self._new[case]

    async def aclose(self) -> None:
        """Write what is unwritten, as much as can be; then tell of the first that could not."""
        first: QevalError | None = None
        for case in list(self._new):
            try:
                await self.end_case(case)
            except QevalError as error:
                first = first or error
        self._new.clear()
        if self._inner is not None:
            await self._inner.aclose()
        if first is not None:
            raise first

    def files_read(self) -> list[tuple[str, str]]:
        """Return each file that answered, by its path below the root, with its SHA-256."""
        return sorted(self._digests.items())

    def file_read(self, case: str) -> tuple[str, str] | None:
        """Return the same of one case; None where it has not been read."""
        shown = self._shown(case)
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
        return self._options.folder / f"{case}.yaml"

    def _shown(self, case: str) -> str:
        return f"{self._folder_shown}/{case}.yaml"

    def _tape(self, case: str) -> Tape | None:
        if case not in self._tapes:
            found = self._read(case)
            self._tapes[case] = None if found is None else Tape(found)
        return self._tapes[case]

    def _read(self, case: str) -> list[Interaction] | None:
        shown = self._shown(case)
        data = files.load(self._path(case), shown)
        if data is None:
            return None
        self._digests[shown] = sha256(data).hexdigest()
        found = reading.read(data, case, shown, self._options.command)
        base = self._options.base
        return [one if one.place is not None else adopted(one, base) for one in found]

    def _miss(self, place: Place, wanted: Interaction, tape: Tape | None) -> Exception:
        shown, command = self._shown(place.case), self._options.command
        if tape is None:
            return misses.no_file(shown, place, command)
        return misses.explain(shown, place, wanted, tape.interactions, command)

    def _write(self, case: str, made: list[Interaction]) -> None:
        path, shown = self._path(case), self._shown(case)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.locked(path.parent):
                self._sweep()
                before = self._read(case) or []
                kept = merged(before, made)
                if kept == before:
                    return
                data = layout.write(kept).encode()
                redact.refuse_file(data, kept, self._options.secrets, shown)
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
            for path in self._options.folder.glob(f"{files.TEMPORARY}*"):
                path.unlink(missing_ok=True)
            self._swept = True


def adopted(one: Interaction, base: str) -> Interaction:
    """Return what another tool recorded, as the target of that address would have asked it."""
    uri = "/".join([*base.split("/", 3)[:3], *one.uri.split("/", 3)[3:]])
    request = request_text(one.request)
    return redact.cleaned(structs.replace(one, uri=uri, request=request))


def sought(base: str, wire: Wire) -> Interaction:
    """Return a call as recordings of it are looked for."""
    return Interaction(
        method=wire.method, uri=base + wire.path, request=request_text(wire.body), status=0
    )


def merged(before: Sequence[Interaction], made: Sequence[Interaction]) -> list[Interaction]:
    """Return the recordings of a case, each trial's new ones in place of its old, in order.

    Where a trial's new attempts say the same as its old ones, the old ones stay.
    """
    old, new = Tape(before), Tape(made)
    kept = dict(old.slots)
    for slot, attempts in new.slots.items():
        known = kept.get(slot, [])
        same = len(known) == len(attempts) and all(
            one.same_answer(other) for one, other in zip(known, attempts, strict=True)
        )
        if not same:
            kept[slot] = attempts
    # Without trials of their own, another tool's recordings are taken over in their order.
    foreign = [one for one in before if one.place is None]
    return foreign + [one for slot in sorted(kept) for one in kept[slot]]


def _is_foreign_twin(found: Interaction, made: Interaction) -> bool:
    """Whether another tool has recorded the same answer already."""
    alike = structs.replace(made, place=None, recorded=found.recorded)
    return found.place is None and found.same_answer(alike)
