"""The HTTP face of the simulator: paths, headers, and bodies that are broken on purpose."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from qeval.simulator.asked import Ask, Said
from qeval.simulator.base import Dialect, Frame
from qeval.simulator.bodies import Cut, Pace, Streamed
from qeval.simulator.chat import Chat
from qeval.simulator.engine import Engine, Outcome
from qeval.simulator.native import Native
from qeval.simulator.refusals import Refusal, flat, nested, struck
from qeval.simulator.responses import Responses
from qeval.simulator.script import Fault
from qeval.value import Value

MARK = "x-qeval-simulator"
"""On every answer, so that nobody takes a made-up answer for a model's."""

_NOBODY = "0" * 32
"""The request id of what no rule answered."""

_GARBAGE = b'{"choices":[{"message":{"content":"\xff\xfe\x00\x9f\xc3\x28'
_HTML = b"<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body>upstream</body></html>"
_WAIT = "x-dashscope-wait-timeout"
_PARTIAL = "x-dashscope-partialresponse"


class Served(Value):
    """How one request was answered, by the server's clock: `time.perf_counter`."""

    path: str
    status: int
    request_id: str
    arrived_s: float
    answered_s: float
    """When the answer began to leave."""


class Log(Value):
    """What a simulator did, for who wants to know."""

    served: list[Served] = []
    """In the order in which the answers began."""
    first_s: dict[str, float] = {}
    """Request id of a stream → when its first piece had left."""


class Face:
    """Answers requests with what the engine decides.

    Args:
        engine: The rules at work.
        mark: Value of the header: `1`, or `1; usage=estimate` where tokens are guessed.
        log: Where to write down what was answered; None: nowhere.
    """

    def __init__(self, engine: Engine, mark: str, log: Log | None = None) -> None:
        self._engine = engine
        self._mark = mark
        self._log = log
        self._responses = Responses()
        self.dialects: tuple[Dialect, ...] = (
            Chat(),
            self._responses,
            Native("dashscope-text", "text-generation"),
            Native("dashscope-multimodal", "multimodal-generation"),
        )
        self._by_path = {path: one for one in self.dialects for path in one.paths}

    async def answer(self, request: Request) -> Response:
        """Answer in the dialect of the path."""
        arrived = time.perf_counter()
        if self._log is not None:
            await asyncio.sleep(0)  # what came in the same instant is seen before this is answered
        dialect = self._by_path[request.scope["path"]]  # as the route read it, decoded
        body = await request.body()
        try:
            response = await self._outcome(dialect, body, request.headers)
        except Refusal as error:
            response = self._refused(dialect, error, body, request.headers)
        if self._log is not None:
            self._log.served.append(
                Served(
                    path=request.url.path,
                    status=response.status_code,
                    request_id=response.headers["x-request-id"],
                    arrived_s=arrived,
                    answered_s=time.perf_counter(),
                )
            )
        return response

    async def _outcome(self, dialect: Dialect, body: bytes, headers: Mapping[str, str]) -> Response:
        ask = dialect.read(body, headers)
        await self._pause(self._admit(ask, headers))
        outcome = self._engine.answer(ask, dialect.name)
        await self._pause(outcome.latency_s)
        if outcome.fault is not None:
            return self._broken(dialect, ask, outcome, outcome.fault)
        if ask.form.stream:
            return self._streamed(dialect, ask, outcome)
        return self._json(dialect.write(outcome.said, ask), outcome.said.identity)

    def _admit(self, ask: Ask, headers: Mapping[str, str]) -> float:
        said = headers.get(_WAIT, "")
        patience = float(said) if said.isdecimal() else 0.0
        try:
            return self._engine.admit(ask.model, time.perf_counter(), patience)
        except Refusal as error:
            error.inside = False  # the gateway refuses before there is a stream
            raise

    def _refused(
        self, dialect: Dialect, error: Refusal, body: bytes, headers: Mapping[str, str]
    ) -> Response:
        identity = blake2b(body, digest_size=16).hexdigest()
        if error.inside and dialect.inside and dialect.streams(body, headers):
            frames = [Frame(dialect.failed(error, identity))]
            return Streamed(frames, self._headers(identity), Pace())
        return self._error(dialect, error, identity)

    def _error(self, dialect: Dialect, error: Refusal, identity: str) -> Response:
        response = self._json(dialect.error(error, identity), identity, error.status)
        if error.retry_after_s is not None:
            response.headers["retry-after"] = str(math.ceil(error.retry_after_s))
        return response

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await asyncio.sleep(seconds / self._engine.clock)

    def _streamed(
        self, dialect: Dialect, ask: Ask, outcome: Outcome, end: Frame | None = None
    ) -> Response:
        """Return a stream; one with an `end` stops at its fault's place and says that instead."""
        said, rule, fault = outcome.said, outcome.rule, outcome.fault
        deltas = self._engine.deltas(said, bare="null_arguments" in rule.quirks)
        frames: Iterable[Frame] = dialect.frames(said, ask, deltas, rule.quirks)
        if fault is not None:
            frames = _before(list(frames), fault.after_chunks)
        if end is not None:
            frames = [*frames, end]
        clock = self._engine.clock
        pace = Pace(first_s=rule.first_s / clock, chunk_s=rule.chunk_s / clock)
        headers = self._headers(said.identity)
        log, whole = self._log, fault is None or end is not None

        def told(at: float) -> None:
            if log is not None:
                log.first_s[said.identity] = at

        return Streamed(frames, headers, pace, whole=whole, told=told)

    def _broken(self, dialect: Dialect, ask: Ask, outcome: Outcome, fault: Fault) -> Response:
        said = outcome.said
        status = fault.status or 200
        headers = self._headers(said.identity)
        match fault.kind:
            case None:
                response = self._failed(dialect, ask, outcome, fault)
            case "cut" if ask.form.stream:
                response = self._streamed(dialect, ask, outcome)
            case "cut":
                response = Cut(dialect.write(said, ask), status, headers, "application/json")
            case "partial":
                response = self._json(dialect.write(_half(said), ask), said.identity)
                response.headers[_PARTIAL] = "true"
            case "garbage":
                response = Response(_GARBAGE, status, headers, "application/json")
            case "html":
                response = Response(_HTML, status, headers, "text/html")
            case _:  # empty
                response = Response(b"", status, headers, "application/json")
        if fault.retry_after_s is not None:
            response.headers["retry-after"] = str(math.ceil(fault.retry_after_s))
        return response

    def _failed(self, dialect: Dialect, ask: Ask, outcome: Outcome, fault: Fault) -> Response:
        error, identity = struck(fault), outcome.said.identity
        if ask.form.stream and fault.after_chunks is not None:
            return self._streamed(dialect, ask, outcome, Frame(dialect.failed(error, identity)))
        return self._error(dialect, error, identity)

    async def stored(self, request: Request) -> Response:
        """Return a response that was given before."""
        identity = request.path_params["identity"]
        body = self._responses.stored(identity)
        if body is None:
            error = Refusal(f"Response with id {identity!r} not found.", status=404)
            return self._json(flat(error, _NOBODY), _NOBODY, 404)
        return self._json(body, identity.removeprefix("resp_"))

    async def about(self, _request: Request) -> Response:
        """Say what this is."""
        lines = [f"{one.name}: POST {one.paths[0]}" for one in self.dialects]
        text = "\n".join(["qeval simulator: scripted answers, no model.", *lines, ""])
        return PlainTextResponse(text, headers={MARK: self._mark})

    async def lost(self, request: Request, error: Exception) -> Response:
        """Answer what has no route, in the envelope of its family."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        said = "Method Not Allowed" if status == 405 else "Not Found"
        asked = f"{request.method} {request.url.path}"
        message = f"{said}: {asked}; GET / tells what there is"
        told = Refusal(message, status=status, code=said.replace(" ", ""))
        return self._json(_envelope(request, told), _NOBODY, status)

    async def broke(self, request: Request, error: Exception) -> Response:
        """Answer after a mistake in the simulator itself."""
        told = Refusal(f"the simulator broke: {error!r}", code="InternalError")
        return self._json(_envelope(request, told), _NOBODY, 500)

    def _headers(self, identity: str) -> dict[str, str]:
        return {"x-request-id": identity, MARK: self._mark}

    def _json(self, body: bytes, identity: str, status: int = 200) -> Response:
        return Response(body, status, self._headers(identity), "application/json")


def _envelope(request: Request, error: Refusal) -> bytes:
    native = request.url.path.startswith("/api/") or "/responses" in request.url.path
    return (flat if native else nested)(error, _NOBODY)


def _half(said: Said) -> Said:
    return msgspec.structs.replace(said, text=said.text[: len(said.text) // 2])


def _before(frames: list[Frame], after: int | None) -> list[Frame]:
    """Return the frames up to so many that say something; None: half of those."""
    saying = [number for number, frame in enumerate(frames) if frame.says]
    most = len(saying) // 2 if after is None else after
    if most >= len(saying):
        return frames[: saying[-1] + 1] if saying else []
    return frames[: saying[most]]


def create_app(engine: Engine, log: Log | None = None) -> Starlette:
    """Return the application of one simulator. Loads the vocabulary, so no request waits for it."""
    estimated = engine.warm() == "estimate"
    face = Face(engine, "1; usage=estimate" if estimated else "1", log)
    routes = [
        Route(path, face.answer, methods=["POST"]) for one in face.dialects for path in one.paths
    ]
    kept = [Route(f"{path}/{{identity}}", face.stored, methods=["GET"]) for path in Responses.paths]
    return Starlette(
        routes=[Route("/", face.about, methods=["GET"]), *routes, *kept],
        exception_handlers={HTTPException: face.lost, Exception: face.broke},
    )
