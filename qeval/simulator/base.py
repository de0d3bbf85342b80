"""What a dialect is on the server's side: it reads requests, and writes answers and errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from qeval import models
from qeval.simulator.asked import Ask, Said
from qeval.simulator.pieces import Delta
from qeval.simulator.refusals import Refusal, encode
from qeval.simulator.script import Quirk
from qeval.value import Json

Headers = Mapping[str, str]
Quirks = tuple[Quirk, ...]


class Frame(NamedTuple):
    """A part of a streamed body."""

    data: bytes
    says: bool = False
    """Whether it brings anything of the answer."""


class Dialect(Protocol):
    """One endpoint's way to put things."""

    name: str
    paths: tuple[str, ...]
    inside: bool
    """Whether a request for a stream is refused inside the stream, with status 200."""

    def streams(self, body: bytes, headers: Headers) -> bool:
        """Return whether a stream is asked for, in a request that may be wrong."""
        ...

    def read(self, body: bytes, headers: Headers) -> Ask:
        """Understand a request.

        Raises:
            Refusal: The service would refuse it.
        """
        ...

    def write(self, said: Said, ask: Ask) -> bytes:
        """Return the body of a whole answer."""
        ...

    def frames(
        self, said: Said, ask: Ask, deltas: Iterable[Delta], quirks: Quirks
    ) -> Iterator[Frame]:
        """Return the frames of a streamed answer."""
        ...

    def error(self, error: Refusal, identity: str) -> bytes:
        """Return the body of an error."""
        ...

    def failed(self, error: Refusal, identity: str) -> bytes:
        """Return the frame of an error inside a stream."""
        ...


def decode(body: bytes) -> dict[str, Any]:
    """Return a request body.

    Raises:
        Refusal: It is no JSON object.
    """
    sent = loose(body)
    if sent is None:
        raise Refusal("Required body invalid, please check the request body format.")
    return sent


def loose(body: bytes) -> dict[str, Any] | None:
    """Return a request body, or None where it is no JSON object."""
    try:
        sent = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return sent if isinstance(sent, dict) else None


def check_route(model: str, dialect: str) -> None:
    """Refuse a model that the service does not offer at this path.

    Raises:
        Refusal: The table of models has it elsewhere.
    """
    known = models.find(model)
    if known is not None and known.dialects and dialect not in known.dialects:
        raise Refusal("url error, please check url！ For details, see the model's page.")


def sse(number: int, event: str, document: Json, status: int = 200) -> bytes:
    """Return a frame as the native services write it: no space after the colons."""
    return b"id:%d\nevent:%s\n:HTTP_STATUS/%d\ndata:%s\n\n" % (
        number,
        event.encode(),
        status,
        encode(document),
    )


def cache_of(said: Said) -> dict[str, Json]:
    """Return what the details of a prompt's tokens say of the cache."""
    cached = said.cached
    if cached is None:
        return {"cached_tokens": 0}
    return {
        "cached_tokens": cached.read,
        "cache_type": "ephemeral",
        "cache_creation_input_tokens": cached.created,
        "cache_creation": {"ephemeral_5m_input_tokens": cached.created},
    }


def call_of(said: Said, number: int, arguments: str | None = None) -> dict[str, Json]:
    """Return a tool call as chat and native messages hold it, or as much as came of it."""
    call = said.calls[number]
    whole = call.arguments if arguments is None else arguments
    function = {"name": call.name, "arguments": whole}
    return {"index": number, "id": call.id, "type": "function", "function": function}


def fragment(said: Said, delta: Delta, quirks: Quirks) -> dict[str, Json]:
    """Return a piece of a tool call: only its first names it (wire.md pitfall 7)."""
    if not delta.first:
        function: dict[str, Json] = {"arguments": delta.piece}
        return {"index": delta.call, "id": "", "type": "function", "function": function}
    call = said.calls[delta.call]
    bare = "null_arguments" in quirks and not delta.piece
    function = {"name": call.name, "arguments": None if bare else delta.piece}
    return {"index": delta.call, "id": call.id, "type": "function", "function": function}
