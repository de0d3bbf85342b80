"""Who asks next: groups of several runners, in turn, within limits, on one event loop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio

    from qeval.plan import PlannedGroup


class Asker(Protocol):
    """A runner, as a crew knows it."""

    def limit(self, group: PlannedGroup) -> int | None:
        """Return how many trials of a group's target may be in flight; None: as many as of all."""
        ...

    def enough(self) -> bool:
        """Whether nothing more is to be asked."""
        ...

    async def one(self, number: int, group: PlannedGroup, index: int) -> None:
        """Ask one trial of an expected group."""
        ...


class Work:
    """A group in a crew's hands."""

    def __init__(self, runner: Asker, number: int, group: PlannedGroup, line: _Line) -> None:
        self.runner = runner
        self.number = number
        self.group = group
        self.line = line
        self.begun = 0
        """Trials that were started."""
        self.began_s: float | None = None
        """When the first of them was, by `time.perf_counter`."""

    @property
    def over(self) -> bool:
        """Whether no trial is left to start."""
        return self.begun == self.group.trials


class _Line:
    """What one target is still to be asked."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.flying = 0
        self.waiting: deque[Work] = deque()

    @property
    def free(self) -> bool:
        return self.flying < self.limit


class Crew:
    """Asks groups of any number of runners at the same time, within limits, on one event loop.

    Groups can be added and hurried at any time. Targets take turns, so that a slow one does not
    hold up the others.

    Args:
        concurrency: Trials in flight at the same time over everything, at least 1.
        failed: Called once with the first fault of ours, such as a full disk: nothing more is
            started then. Without it, `idle` raises the fault.
    """

    def __init__(
        self, concurrency: int, failed: Callable[[BaseException], None] | None = None
    ) -> None:
        import asyncio

        self._concurrency = concurrency
        self._failed = failed
        self._lines: dict[tuple[int, str], _Line] = {}
        self._turns: deque[_Line] = deque()
        self._hurried: deque[Work] = deque()
        self._tasks: set[asyncio.Future[None]] = set()
        self._flying = 0
        self._idle = asyncio.Event()
        self._fault: BaseException | None = None

    def add(self, runner: Asker, number: int, group: PlannedGroup) -> Work:
        """Put an expected group at the end of its target's line, and start what there is room for.

        `Runner.expect` must have been told of it.
        """
        key = id(runner), group.target_id
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(runner.limit(group) or self._concurrency)
            self._turns.append(line)
        work = Work(runner, number, group, line)
        line.waiting.append(work)
        self._fill()
        return work

    def hurry(self, work: Work) -> None:
        """Ask a group before all others: somebody waits for it."""
        if not work.over:
            self._hurried.append(work)

    def watch(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run something beside the trials; `idle` waits for it, and its fault ends all."""
        import asyncio

        self._follow(asyncio.ensure_future(coroutine))

    async def idle(self) -> None:
        """Return when nothing is left to ask.

        Raises:
            BaseException: The first fault of ours.
        """
        while self._tasks and self._fault is None:
            self._idle.clear()
            await self._idle.wait()
        if self._fault is not None:
            raise self._fault

    async def stop(self) -> None:
        """Give up what is in flight, and start nothing more."""
        import asyncio

        self._turns.clear()
        self._hurried.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _fill(self) -> None:
        """Start what there is room for."""
        import asyncio

        while (picked := self._pick()) is not None:
            self._follow(asyncio.ensure_future(self._ask(*picked)))

    def _pick(self) -> tuple[Work, int] | None:
        """Take the next trial in hand, if there is one and room for it."""
        if self._flying >= self._concurrency or (work := self._next()) is None:
            return None
        index, work.begun = work.begun, work.begun + 1
        if work.began_s is None:
            work.began_s = time.perf_counter()
        self._flying += 1
        work.line.flying += 1
        return work, index

    async def _ask(self, work: Work, index: int) -> None:
        """Ask a trial, and then whatever is next.

        In the same task, so that its connection is taken again at once: a client looks through
        all those that lie idle.
        """
        while True:
            try:
                await work.runner.one(work.number, work.group, index)
            finally:
                self._flying -= 1
                work.line.flying -= 1
            picked = self._pick()
            if picked is None:
                return
            work, index = picked

    def _next(self) -> Work | None:
        while self._hurried and (self._hurried[0].over or self._hurried[0].runner.enough()):
            self._hurried.popleft()
        for wanted in self._hurried:
            if wanted.line.free and not wanted.over:
                return wanted
        for _ in range(len(self._turns)):
            line = self._turns[0]
            self._turns.rotate(-1)
            if line.free and (work := _first(line)) is not None:
                return work
        return None

    def _follow(self, task: asyncio.Future[None]) -> None:
        def done(task: asyncio.Future[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (fault := task.exception()) is not None:
                self._break(fault)
            if self._fault is None:
                self._fill()
            if not self._tasks:
                self._idle.set()

        self._tasks.add(task)
        task.add_done_callback(done)

    def _break(self, fault: BaseException) -> None:
        if self._fault is None:
            self._fault = fault
            self._turns.clear()
            self._hurried.clear()
            self._idle.set()
            if self._failed is not None:
                self._failed(fault)


def _first(line: _Line) -> Work | None:
    """Return the first group of a line that has a trial to start."""
    while line.waiting:
        work = line.waiting[0]
        if work.runner.enough():
            line.waiting.clear()
        elif work.over:
            line.waiting.popleft()
        else:
            return work
    return None
