"""Asking ahead, in the background: what somebody waits for goes first, then the session's order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from qeval.crew import Crew, Work
from qeval.errors import QevalError
from qeval.exchange import Answer
from qeval.plan import PlannedGroup
from qeval.session.asking import Call, Calls, Key, Record, Stage
from qeval.session.running import Session

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

END_S = 5.0
"""How long what is being written may take when the session ends."""


class Asking:
    """Asks ahead, on a loop in a thread of its own that starts when it is first needed.

    Args:
        sessions: By the suite's file; may grow until `begin`.
        calls: For tests written in Python; made on the loop.
        concurrency: Trials in flight at the same time, at least 1.
    """

    def __init__(
        self, sessions: Mapping[str, Session], calls: Callable[[], Calls], concurrency: int
    ) -> None:
        self._sessions = sessions
        self._make_calls = calls
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._futures: dict[Key, Future[Record]] = {}
        self._fault: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._side: _LoopSide

    def begin(self, keys: Sequence[Key], window: int | None = None) -> None:
        """Begin to ask."""
        self._start()
        self._loop.call_soon_threadsafe(self._side.begin, list(keys), window)

    def group(self, key: Key, *, again: bool = False) -> Record:
        """Return what a group came to; wait for it, with everything else behind it."""
        return self.want(key, again=again).result()

    def want(self, key: Key, *, again: bool = False) -> Future[Record]:
        """As `group`, without waiting."""
        self._start()
        with self._lock:
            future = self._futures.get(key)
            if future is None or (again and future.done()):
                future = self._futures[key] = Future()
            if self._fault is not None and not future.done():
                future.set_exception(self._fault)
                return future
        self._loop.call_soon_threadsafe(self._side.want, key, again)
        return future

    def call(self, call: Call) -> Future[Answer]:
        """Ask one request now."""
        self._start()
        return self._submit(self._side.call(call))

    def end(self, folder: str, case: str) -> Future[None]:
        """Put the recordings of a test in place."""
        self._start()
        return self._submit(self._side.end(folder, case))

    def records(self) -> list[Record]:
        """Return everything that was answered."""
        with self._lock:
            ended = [future for future in self._futures.values() if future.done()]
        return [future.result() for future in ended if future.exception() is None]

    @property
    def fault(self) -> BaseException | None:
        """Why nothing more was asked: a fault of ours, such as a full disk."""
        return self._fault

    def stopped(self) -> dict[str, QevalError]:
        """Return the targets of which no more was asked, and why."""
        stages = self._side.stages.values() if self._thread is not None else ()
        return {target: why for stage in stages for target, why in stage.runner.stopped.items()}

    def close(self) -> None:
        """Give up what is under way, and write what was recorded."""
        if self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._side.stop)
            self._thread.join(END_S)
        self.fail(QevalError("the session has ended"), final=True)

    def _submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        import asyncio

        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._main, name="qeval-asking", daemon=True)
                self._thread.start()
        self._ready.wait()  # whoever comes meanwhile waits too

    def _main(self) -> None:
        import asyncio

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._side = _LoopSide(self._sessions, self._make_calls, self._concurrency, self)
            self._ready.set()
            await self._side.serve()

        try:
            asyncio.run(serve())
        except BaseException as fault:  # noqa: BLE001  # told by whoever waits
            self.fail(fault)
        finally:
            self._ready.set()

    def took(self, record: Record) -> None:
        """Hand a record to whoever waits for it."""
        with self._lock:
            future = self._futures.setdefault(record.key, Future())
            if not future.done():
                future.set_result(record)

    def fail(self, fault: BaseException, *, final: bool = False) -> None:
        """Let nobody wait any longer. A fault, unless it is the end, is told to who comes later."""
        with self._lock:
            if self._fault is None and not final:
                self._fault = fault
            for future in self._futures.values():
                if not future.done():
                    future.set_exception(fault)


class _LoopSide:
    """What of `Asking` lives on its loop, and is touched there alone."""

    def __init__(
        self,
        sessions: Mapping[str, Session],
        calls: Callable[[], Calls],
        concurrency: int,
        asking: Asking,
    ) -> None:
        import asyncio

        self.stages: dict[str, Stage] = {}
        self._sessions = sessions
        self._make_calls = calls
        self._calls: Calls | None = None
        self._asking = asking
        self._crew = Crew(concurrency, asking.fail)
        self._stopping = asyncio.Event()
        self._works: dict[Key, Work] = {}
        self._order: list[Key] = []
        self._place: dict[Key, int] = {}
        self._window: int | None = None
        self._next = 0
        """Place of the first group that was not begun."""
        self._at = -1
        """Place of the last group that was wanted."""
        self._ahead = 0
        """Trials that were begun beyond it."""

    async def serve(self) -> None:
        """Live until stopped; then write what was recorded."""
        try:
            await self._stopping.wait()
        finally:
            await self._crew.stop()
            for stage in self.stages.values():
                await stage.runner.aclose()
            if self._calls is not None:
                await self._calls.aclose()

    def stop(self) -> None:
        self._stopping.set()

    def begin(self, keys: list[Key], window: int | None) -> None:
        self._order = keys
        self._place = {key: place for place, key in enumerate(keys)}
        self._window = window
        for suite in dict.fromkeys(key[0] for key in keys):
            stage = self._stage(suite)
            stage.runner.expect(stage.groups[key[1:]][1] for key in keys if key[0] == suite)
            self._crew.watch(stage.runner.load())
        self._advance()

    def want(self, key: Key, again: bool) -> None:  # noqa: FBT001  # called by the loop
        place = self._place.get(key)
        if place is not None and place > self._at:
            trials = (self._group(self._order[n]).trials for n in range(self._at + 1, place + 1))
            self._ahead -= sum(trials) if place < self._next else self._ahead
            self._at = place
        known = self._works.get(key)
        if known is None or (again and known.over):
            if known is not None or place is None:
                self._stage(key[0]).runner.expect([self._group(key)])
            known = self._add(key)
        self._crew.hurry(known)
        self._advance()

    async def call(self, call: Call) -> Answer:
        return await self._all_calls().of(call).send(call.wire, call.place)

    async def end(self, folder: str, case: str) -> None:
        await self._all_calls().end(folder, case)

    def _advance(self) -> None:
        """Begin groups in order, as far ahead as the window goes."""
        self._next = max(self._next, self._at + 1)
        while self._next < len(self._order):
            if self._window is not None and self._ahead >= self._window:
                return
            key = self._order[self._next]
            self._next += 1
            if key not in self._works:
                self._ahead += self._group(key).trials
                self._add(key)

    def _add(self, key: Key) -> Work:
        stage = self._stage(key[0])
        work = self._works[key] = self._crew.add(stage.runner, *stage.groups[key[1:]])
        return work

    def _group(self, key: Key) -> PlannedGroup:
        return self._stage(key[0]).groups[key[1:]][1]

    def _stage(self, suite: str) -> Stage:
        if suite not in self.stages:
            self.stages[suite] = Stage(suite, self._sessions[suite], self._took)
        return self.stages[suite]

    def _took(self, record: Record) -> None:
        began_s = self._works[record.key].began_s
        asked_s = None if began_s is None else time.perf_counter() - began_s
        self._asking.took(msgspec.structs.replace(record, asked_s=asked_s))

    def _all_calls(self) -> Calls:
        if self._calls is None:
            self._calls = self._make_calls()
        return self._calls
