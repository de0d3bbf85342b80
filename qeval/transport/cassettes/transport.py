"""Recordings of one target: replayed, recorded, refreshed."""

from __future__ import annotations

from msgspec import structs

from qeval.dialects.errors import Read, inside
from qeval.errors import StatusError, UsageError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.base import Transport
from qeval.transport.cassettes import redact
from qeval.transport.cassettes.interaction import (
    Interaction,
    answer_of,
    interaction_of,
    request_text,
)
from qeval.transport.cassettes.shelf import CassetteOptions, Shelf


class CassetteTransport:
    """Answers from recordings, and, while recording, from `inner` for what they lack.

    `replay` has no way to the network: `inner` is None. `record` asks for what is missing or
    stale, and again for recorded time-outs, overloads and cuts. `refresh` asks for everything;
    where an answer is the same as before, its recording stays as it was.

    Args:
        options: Where recordings lie, and how they are used.
        inner: Who answers what they lack; None: a replay.
        read: How the target's dialect reads an answer, so that `record` asks again where a
            recorded one of status 200 holds an error that may pass; None: it is not looked for.

    Every attempt of a retried request is kept, and the last one replayed. A call that brought no
    answer at all is not recorded.
    """

    def __init__(
        self,
        options: CassetteOptions,
        inner: Transport | None = None,
        *,
        read: Read | None = None,
    ) -> None:
        if (inner is None) != (options.mode == "replay"):
            raise UsageError(f"mode {options.mode!r} and its transport do not fit")
        self.immediate = inner is None
        self.shelf = Shelf(options)
        self._inner = inner
        self._read = read
        self._base = options.base
        self._refreshes = options.mode == "refresh"

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
        wanted = sought(self._base, wire)
        tape = self.shelf.tape(place.case)
        found = tape.find(place, wanted) if tape is not None else None
        if self._inner is None:
            if found is None:
                raise self.shelf.miss(place, wanted)
            return answer_of(*found)
        again = self._refreshes or place.attempt > 0
        if found is not None and not again and self._reusable(found[0]):
            return answer_of(*found)
        self.shelf.refuse_old(place.case)
        answer = await self._inner.send(wire, place)
        made = redact.cleaned(interaction_of(wanted.uri, wire, answer, place))
        self.shelf.refuse(made, place.case)
        if found is None or not _is_foreign_twin(found[0], made):
            self.shelf.keep(made, place)
        # As a replay will have it, so that both are judged alike.
        return structs.replace(answer_of(made, 1), replayed=False)

    def _reusable(self, one: Interaction) -> bool:
        if not one.reusable or self._read is None:
            return one.reusable
        error = inside(answer_of(one, 1), self._read)
        return error is None or (isinstance(error, StatusError) and not error.retryable)

    async def end_case(self, case: str) -> None:
        """Write what was recorded of the case, and forget its file."""
        self.shelf.end_case(case)

    async def aclose(self) -> None:
        """Write what is unwritten, as much as can be; then tell of the first that could not."""
        try:
            first = self.shelf.close()
        finally:
            if self._inner is not None:
                await self._inner.aclose()
        if first is not None:
            raise first


def sought(base: str, wire: Wire) -> Interaction:
    """Return a call as recordings of it are looked for."""
    return Interaction(
        method=wire.method, uri=base + wire.path, request=request_text(wire.body), status=0
    )


def _is_foreign_twin(found: Interaction, made: Interaction) -> bool:
    """Whether another tool has recorded the same answer already."""
    alike = structs.replace(made, place=None, recorded=found.recorded)
    return found.place is None and found.same_answer(alike)
