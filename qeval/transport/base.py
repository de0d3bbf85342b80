"""The seam between what is asked and who answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from qeval.exchange import Answer, Place, Wire

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class Transport(Protocol):
    """Answers the calls of one target. Live, recording and replay differ only here."""

    immediate: bool
    """True where `send` never suspends, so that it can be stepped without an event loop."""

    async def send(self, wire: Wire, place: Place) -> Answer:
        """Bring back the answer to one call, whatever its status.

        Raises:
            TransportError: No answer came.
            CassetteError: Replay has none.
        """
        ...

    async def end_case(self, case: str) -> None:
        """Say that every trial of the case has ended, so its recordings can be written."""
        ...

    async def aclose(self) -> None:
        """Write what is unwritten and let connections go."""
        ...


def in_thread(work: Callable[[], T]) -> Future[T]:
    """Run something in a thread of its own, which does not keep the process from ending."""
    import threading  # not on the replay path
    from concurrent.futures import Future

    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            future.set_exception(error)

    threading.Thread(target=run, name="qeval-work", daemon=True).start()
    return future


def step(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, without an event loop, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("a transport that calls itself immediate has suspended")
