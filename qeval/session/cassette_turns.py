"""What a planned trial reads of its recordings, turn by turn, with nothing asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qeval.conversation import converse
from qeval.dialects.base import spoken
from qeval.errors import CassetteMissingError, QevalError
from qeval.exchange import Answer, Place, Wire
from qeval.plan import PlannedGroup
from qeval.transport.base import step
from qeval.transport.cassettes.interaction import Interaction, answer_of
from qeval.transport.cassettes.shelf import Tape
from qeval.transport.cassettes.transport import sought
from qeval.transport.hosts import endpoint


class Walked(NamedTuple):
    """How far a trial's recordings carry."""

    place: Place
    """Of the trial; its `turn` is that of `missed`, else how many turns were read."""
    missed: Interaction | None = None
    """What would be sent where there is no usable recording."""
    recorded: Interaction | None = None
    """What is recorded there instead; None: nothing."""
    whole: bool = False
    """Whether the trial came to its end, so that further turns answer nothing."""


def walks(group: PlannedGroup, interactions: Sequence[Interaction]) -> Iterator[Walked]:
    """Walk each trial of a group of which something is recorded.

    A callable target is passed over: what it asks is known only when it runs.
    """
    if group.target.python is not None:
        return
    held = {(one.place.scenario, one.place.trial) for one in interactions if one.place is not None}
    tape = Tape(interactions)
    # One request with `n` brings the answers of several trials.
    for trial in range(0, group.trials, group.params.n):
        if (group.scenario.name, trial) in held:
            yield _walk(group, trial, tape)


def _walk(group: PlannedGroup, trial: int, tape: Tape) -> Walked:
    base = endpoint(group.target).base
    place = Place(case=group.case.id, scenario=group.scenario.name, trial=trial)
    missed: list[Walked] = []
    read: list[Place] = []

    async def send(wire: Wire, at: Place) -> Answer:
        now = sought(base, wire)
        found = tape.find(at, now)
        if found is None:
            slot = tape.slots.get((at.scenario, at.trial, at.turn), [None])
            missed.append(Walked(at, now, slot[-1]))
            raise CassetteMissingError("", path="")
        read.append(at)
        return answer_of(*found)

    try:
        step(converse(group, trial, spoken(group.target), send, place))
    except QevalError:  # a miss, an answer that is an error, or a question of no dialect
        return missed[0] if missed else Walked(_after(place, read))
    return Walked(_after(place, read), whole=True)


def _after(place: Place, read: Sequence[Place]) -> Place:
    return Place(case=place.case, scenario=place.scenario, trial=place.trial, turn=len(read))
