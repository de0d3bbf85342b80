"""A Python function in an endpoint's place: a callable target (suites.md section 3)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import structs

from qeval import units
from qeval.dialects.calling import asked, told
from qeval.errors import CassetteError, CassetteMissingError, TransportError, TrialError
from qeval.exchange import Answer, CallableRequest, Place, Wire
from qeval.scorers.wording import REASON, first_line, plain
from qeval.transport.base import in_thread
from qeval.transport.cassettes.interaction import CALL, Interaction
from qeval.transport.cassettes.redact import in_environment
from qeval.transport.cassettes.shelf import Shelf
from qeval.transport.guard import installed
from qeval.value import Value

if TYPE_CHECKING:
    from qeval.transport.cassettes.foreign import Traffic

T = TypeVar("T")

TIMEOUT_S = 300.0
"""For one call where neither target nor project says otherwise: that of an endpoint."""


class Function(Value):
    """What is called."""

    name: str
    """The target's id."""
    code: Callable[[CallableRequest], Any]
    timeout_s: float = TIMEOUT_S


class Calling:
    """Answers with what a function returns.

    It runs in a thread of its own, and an async one on a loop that all of them share. How long it
    took is the answer's latency.

    Args:
        function: What is called.
    """

    immediate = False

    def __init__(self, function: Function) -> None:
        self._function = function

    async def send(self, wire: Wire, place: Place) -> Answer:
        """Return the function's answer to one request.

        Raises:
            TransportError: It raised (kind `raised`), or did not end in time (`timeout`).
            ResponseError: It returned what is no answer.
        """
        request = asked(wire, place.trial)
        began = time.perf_counter()
        body = await asyncio.wrap_future(in_thread(lambda: called(self._function, request)))
        return Answer(status=200, body=body, latency_s=time.perf_counter() - began)

    async def end_case(self, case: str) -> None:
        """Do nothing: nothing is recorded here."""

    async def aclose(self) -> None:
        """Do nothing."""


class RecordedCalling:
    """As `Calling`, with the function's own HTTP calls recorded and replayed as the trial's.

    One runs at a time in the whole process, for vcrpy patches clients everywhere. Latency is not
    told, since a replay could not tell it.

    Args:
        function: What is called.
        shelf: Where its calls are recorded.
    """

    alone = True
    """Whether the runner is to ask one trial at a time."""

    def __init__(self, function: Function, shelf: Shelf) -> None:
        self.immediate = shelf.options.mode == "replay"
        self._function = function
        self._shelf = shelf

    async def send(self, wire: Wire, place: Place) -> Answer:
        """Return the function's answer to one request.

        Raises:
            TransportError: As of `Calling`.
            ResponseError: As of `Calling`.
            CassetteError: A call is not recorded, whatever the function made of that; or the file
                holds, or would hold, a secret.
        """
        request = asked(wire, place.trial)
        if self.immediate:
            return self._alone(request, place)
        return await asyncio.wrap_future(in_thread(lambda: self._alone(request, place)))

    async def end_case(self, case: str) -> None:
        """Write what was recorded of the case."""
        self._shelf.end_case(case)

    async def aclose(self) -> None:
        """Write what is unwritten, as much as can be; then tell of the first that could not."""
        if (first := self._shelf.close()) is not None:
            raise first

    def _alone(self, request: CallableRequest, place: Place) -> Answer:
        with _ALONE:
            _end_late(self._function)
            return self._answer(request, place)

    def _answer(self, request: CallableRequest, place: Place) -> Answer:
        if not self.immediate:
            self._shelf.refuse_old(place.case)
        own = self._recorded(place)
        traffic = self._traffic(own, place.case)
        body, failed = b"", None
        with traffic.open(), self._watched() as refused:
            try:
                body = called(self._function, request)
            except TrialError as error:
                failed = error
        if traffic.missed:
            raise self._miss(traffic, own, place)
        if refused:
            raise self._unseen(refused[0], place)
        if len(traffic.played) + len(traffic.new) > CALL:
            raise TransportError(
                f"{self._function.name} asked more than {units.count(CALL)} times in one call",
                kind="raised",
                hint="so many are not recorded: let it ask less, or ask live",
            )
        self._keep(traffic, own, place, cut=failed is not None)
        if failed is not None:
            raise failed
        heard = [one.recorded for one in (*traffic.played, *traffic.new)]
        return Answer(
            status=200,
            body=body,
            replayed=self.immediate or bool(heard and not traffic.new),
            source=heard[-1].source if heard else None,
            recorded_at=heard[-1].date if heard else None,
        )

    def _traffic(self, own: Sequence[Interaction], case: str) -> Traffic:
        from qeval.transport.cassettes.foreign import Traffic  # with vcrpy, which takes 0.2 s

        mode = self._shelf.options.mode
        assert mode != "live"  # noqa: S101 - that is what `Calling` is for
        usable = own if self.immediate else [one for one in own if one.reusable]
        return Traffic(usable, mode, self._shelf.shown(case))

    def _watched(self) -> AbstractContextManager[list[str]]:
        """Refuse the network in a replay, and return where hosts are noted that were asked for."""
        return installed().watching(self._function.name) if self.immediate else nullcontext([])

    def _recorded(self, place: Place) -> list[Interaction]:
        tape = self._shelf.tape(place.case)
        return [] if tape is None else tape.turns(place, _turns(place))

    def _miss(self, traffic: Traffic, own: Sequence[Interaction], place: Place) -> CassetteError:
        """Say why there was no answer: compare with the first recording that answered nothing."""
        taken = {id(one) for one in traffic.played}
        left = [one.place.turn for one in own if one.place is not None and id(one) not in taken]
        turn = left[0] if left else _turns(place)[min(len(own), CALL - 1)]
        return self._shelf.miss(structs.replace(place, turn=turn), traffic.missed[0])

    def _unseen(self, host: str, place: Place) -> CassetteError:
        return CassetteMissingError(
            f"{self._function.name} asked for {host!r} by a client whose calls are not recorded",
            path=self._shelf.shown(place.case),
            hint="use one that vcrpy knows, such as httpx2, httpx, requests, aiohttp or urllib",
        )

    def _keep(
        self, traffic: Traffic, own: Sequence[Interaction], place: Place, *, cut: bool
    ) -> None:
        """Hold what a call of the function has asked; what it asks no more is left out."""
        self._shelf.secrets |= traffic.secrets
        heard = [*traffic.played, *traffic.new]
        if self.immediate or (not traffic.new and len(heard) == len(own)):
            return
        self._shelf.secrets |= in_environment()
        turns = _turns(place)
        for turn, one in zip(turns, heard, strict=False):
            made = structs.replace(one, place=structs.replace(place, turn=turn))
            self._shelf.refuse(made, place.case)
            self._shelf.keep(made, structs.replace(place, turn=turn))
        for turn in () if cut else turns[len(heard) : len(own)]:
            self._shelf.drop(structs.replace(place, turn=turn))


_ALONE = threading.Lock()
"""Held while one function runs with its clients patched."""
_late: set[Future[Any]] = set()
"""Calls that have not ended in their time, and might still ask somebody."""


def _end_late(function: Function) -> None:
    """Wait for an earlier call that goes on, lest its requests be taken for another's."""
    if wait(tuple(_late), function.timeout_s).not_done:
        raise TransportError(
            f"{function.name} was not called: an earlier call has not ended", kind="timeout"
        )


def _turns(place: Place) -> range:
    """Return the turns of what one call of a function may ask."""
    return range(place.turn * CALL, (place.turn + 1) * CALL)


def called(function: Function, request: CallableRequest) -> bytes:
    """Return a function's answer as the body of one.

    Raises:
        TransportError: It raised (kind `raised`), or did not end in time (`timeout`).
        ResponseError: It returned what is no answer.
    """
    tasks: list[Future[Any]] = []

    def run() -> Any:
        result = function.code(request)
        if not isinstance(result, Awaitable):
            return result
        tasks.append(asyncio.run_coroutine_threadsafe(_outcome(result), _loop()))
        returned, error = tasks[0].result()
        if error is not None:
            raise error
        return returned

    running = in_thread(run)
    if wait([running], function.timeout_s).not_done:
        for task in tasks:
            task.cancel()
        _late.add(running)
        running.add_done_callback(_late.discard)
        within = units.seconds(function.timeout_s)
        raise TransportError(
            f"{function.name} did not end within {within}",
            kind="timeout",
            hint="raise the target's `timeout_s`",
        )
    try:
        result = running.result()
    except BaseException as error:  # it was in a thread of its own: none of them is ours
        said = plain(": ".join(filter(None, (type(error).__name__, first_line(error)))), REASON)
        raise TransportError(f"{function.name} raised {said}", kind="raised") from error
    return told(result, function.name)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all async functions: their clients' connections belong to one."""
    loop = asyncio.new_event_loop()

    def run() -> None:
        while True:
            with suppress(BaseException):  # a task of the user's that exits would stop it
                loop.run_forever()

    threading.Thread(target=run, name="qeval-callables", daemon=True).start()
    return loop


async def _outcome(awaitable: Awaitable[T]) -> tuple[T | None, BaseException | None]:
    """Return what an async function returns, or raises: exits, too, which would end the loop."""
    try:
        return await awaitable, None
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
        return None, error
