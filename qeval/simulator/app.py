"""The HTTP face of the simulator: paths, headers, and bodies that are broken on purpose."""

from __future__ import annotations

import asyncio
import math
from hashlib import blake2b

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from qeval.simulator import chat
from qeval.simulator.engine import Engine, Outcome
from qeval.simulator.script import Fault

MARK = "x-qeval-simulator"
"""On every answer, so that nobody takes a made-up answer for a model's."""

CHAT_PATHS = ("/compatible-mode/v1/chat/completions", "/v1/chat/completions")

_NOBODY = "0" * 32
"""The request id of what no rule answered."""

_GARBAGE = b'{"choices":[{"message":{"content":"\xff\xfe\x00\x9f\xc3\x28'
_HTML = b"<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body>upstream</body></html>"
_MESSAGES = {
    "limit_requests": "You exceeded your current requests list, please slow down.",
    "insufficient_quota": "You exceeded your current quota of tokens, please slow down.",
    "invalid_api_key": "Incorrect API key provided.",
    "data_inspection_failed": "Input data may contain inappropriate content.",
}


class Face:
    """Answers requests with what the engine decides.

    Args:
        engine: The rules at work.
        mark: Value of the header: `1`, or `1; usage=estimate` where tokens are guessed.
    """

    def __init__(self, engine: Engine, mark: str) -> None:
        self._engine = engine
        self._mark = mark

    async def chat(self, request: Request) -> Response:
        """Answer in the chat dialect."""
        body = await request.body()
        try:
            ask = chat.read(body)
            outcome = self._engine.answer(ask, "chat")
        except chat.Refusal as refusal:
            identity = blake2b(body, digest_size=16).hexdigest()
            error = chat.write_error(refusal.code, refusal.message, identity)
            return self._json(error, identity, refusal.status)
        if outcome.latency_s:
            await asyncio.sleep(outcome.latency_s)
        if outcome.fault is not None:
            return self._broken(outcome, outcome.fault, ask.model)
        return self._json(chat.write(outcome.said, ask.model), outcome.said.identity, 200)

    async def about(self, _request: Request) -> Response:
        """Say what this is."""
        text = f"qeval simulator: scripted answers, no model. Chat: POST {CHAT_PATHS[0]}\n"
        return PlainTextResponse(text, headers={MARK: self._mark})

    async def lost(self, request: Request, error: Exception) -> Response:
        """Answer what has no route, in the nested envelope."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        said = "Method Not Allowed" if status == 405 else "Not Found"
        code = said.replace(" ", "")
        asked = f"{request.method} {request.url.path}"
        message = f"{said}: {asked}; the chat dialect is at POST {CHAT_PATHS[0]}"
        return self._json(chat.write_error(code, message, _NOBODY), _NOBODY, status)

    async def broke(self, _request: Request, error: Exception) -> Response:
        """Answer after a mistake in the simulator itself."""
        body = chat.write_error("InternalError", f"the simulator broke: {error!r}", _NOBODY)
        return self._json(body, _NOBODY, 500)

    def _json(
        self, body: bytes, identity: str, status: int, kind: type[Response] = Response
    ) -> Response:
        headers = {"x-request-id": identity, MARK: self._mark}
        return kind(body, status, headers, "application/json")

    def _broken(self, outcome: Outcome, fault: Fault, model: str) -> Response:
        said = outcome.said
        whole = chat.write(said, model)
        status = fault.status or 200
        match fault.kind:
            case None:
                response = self._error(fault, said.identity)
            case "cut":
                response = self._json(whole, said.identity, status, Cut)
            case "garbage":
                response = self._json(_GARBAGE, said.identity, status)
            case "html":
                headers = {"x-request-id": said.identity, MARK: self._mark}
                response = Response(_HTML, status, headers, "text/html")
            case _:  # empty
                response = self._json(b"", said.identity, status)
        if fault.retry_after_s is not None:
            response.headers["retry-after"] = str(math.ceil(fault.retry_after_s))
        return response

    def _error(self, fault: Fault, identity: str) -> Response:
        status = fault.status or chat.STATUS.get(fault.code or "", 500)
        code = fault.code or chat.CODES.get(status, "InternalError")
        message = fault.message or _MESSAGES.get(code, f"The simulator's script says {code}.")
        return self._json(chat.write_error(code, message, identity), identity, status)


class Cut(Response):
    """Promises the whole body, sends half, and lets the connection go."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the start and half of the body."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        # The server closes the connection of an application that returns before its last byte.


def create_app(engine: Engine) -> Starlette:
    """Return the application of one simulator. Loads the vocabulary, so no request waits for it."""
    estimated = engine.warm() == "estimate"
    face = Face(engine, "1; usage=estimate" if estimated else "1")
    return Starlette(
        routes=[
            Route("/", face.about, methods=["GET"]),
            *(Route(path, face.chat, methods=["POST"]) for path in CHAT_PATHS),
        ],
        exception_handlers={HTTPException: face.lost, Exception: face.broke},
    )
