"""A project with the recordings of one case, and a server to record from."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from qeval.exchange import Answer, Place, Wire
from qeval.transport.cassettes import CassetteOptions, CassetteTransport

T = TypeVar("T")
JSON = (("content-type", "application/json"),)
BASE = "https://endpoint.invalid/v1"
QUESTION = b'{"q": "France?"}'


class Server:
    """Answers with what `say` returns, and keeps what it was asked."""

    immediate = False

    def __init__(self, say: Callable[[Wire, Place], Answer]) -> None:
        self.say = say
        self.asked: list[tuple[bytes, Place]] = []
        self.closed = False

    async def send(self, wire: Wire, place: Place) -> Answer:
        self.asked.append((wire.body, place))
        return self.say(wire, place)

    async def end_case(self, case: str) -> None:  # noqa: ARG002 - the seam's signature
        raise AssertionError("the cassette ends cases itself")

    async def aclose(self) -> None:
        self.closed = True


class Project:
    """Transports over one folder of recordings, stepped without an event loop."""

    json = JSON
    server = Server

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "cassettes" / "facts" / "qwen-plus"
        self.file = self.folder / "capital.yaml"

    def transport(
        self, mode: str = "replay", server: Server | None = None, secrets: tuple[str, ...] = ()
    ) -> CassetteTransport:
        options: dict[str, Any] = {"mode": mode}
        return CassetteTransport(
            CassetteOptions(
                folder=self.folder,
                root=self.root,
                base=BASE,
                secrets=secrets,
                command="qeval run suites/facts.yaml --mode record",
                **options,
            ),
            server,
        )

    def record(self, *said: Answer, body: bytes = QUESTION, mode: str = "record") -> Server:
        """Record one trial for each answer."""
        server = Server(lambda _, place: said[place.trial])
        transport = self.transport(mode, server)
        for trial in range(len(said)):
            self.step(transport.send(self.wire(body), self.place(trial)))
        self.step(transport.aclose())
        return server

    def replay(self, trial: int = 0, body: bytes = QUESTION) -> Answer:
        return self.step(self.transport().send(self.wire(body), self.place(trial)))

    @staticmethod
    def answer(body: bytes = b'{"text": "Paris"}', **fields: Any) -> Answer:
        return Answer(
            **{
                "status": 200,
                "headers": JSON,
                "body": body,
                "latency_s": 0.25,
                "recorded_at": "2026-11-22T20:14:40Z",
                "source": "endpoint",
                **fields,
            }
        )

    @staticmethod
    def wire(body: bytes = QUESTION, **fields: Any) -> Wire:
        return Wire(**{"path": "/chat/completions", "body": body, **fields})

    @staticmethod
    def place(trial: int = 0, scenario: str = "main", **fields: Any) -> Place:
        return Place(**{"case": "capital", "scenario": scenario, "trial": trial, **fields})

    @staticmethod
    def step(coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine that never suspends."""
        try:
            coroutine.send(None)
        except StopIteration as end:
            result: T = end.value
            return result
        raise AssertionError("it suspended")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
