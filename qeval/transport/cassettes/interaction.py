"""One recorded call, and when two of them are the same."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from hashlib import blake2b, sha256
from typing import NoReturn, TypeAlias

import msgspec

from qeval.exchange import Answer, Place, Wire
from qeval.value import Json, Value, canonical_json, clean

Headers: TypeAlias = tuple[tuple[str, str], ...]

TURNS = 10**9
"""So many that no two requests of one test share one by chance, and no more digits than the fast
reader of cassettes takes."""
CALL = 1000
"""Turns of a trial that belong to one call of a callable target: so many requests may it make."""
VOLATILE = frozenset({"id", "created", "created_at", "completed_at", "request_id"})
"""Top-level keys of an answer's body that differ between two recordings of the same answer."""

_FLEETING = ("x-ratelimit-", "retry-after")
"""Response headers that do."""
_AGAIN = frozenset({401, 402, 403, 408, 409, 425, 429})
"""Statuses below 500 that speak of the moment or the account, not of the request."""
_HOST = re.compile(r"\S+:\d+: ")
"""How a live call's error begins; recordings name no host."""
_MEDIA = re.compile(rb'"data:[A-Za-z0-9.+/;=-]{0,100};base64,([A-Za-z0-9+/]{1366,}={0,2})"')
"""A picture, film or sound of 1 kB or more inside a JSON body."""
_BLANK = re.compile(rb"(?:\r?\n){2,}")
_LINE = re.compile(rb"\n+")


def nth(turn: int) -> str:
    """Return which request of its trial an interaction is, from 1, for messages; '' for the first.

    >>> [nth(turn) for turn in (0, 6, 2003, 837_282_119)]
    ['', 'request 7', 'call 3, request 4', '']
    """
    if turn >= CALL * CALL:  # made from the request: no number of anything
        return ""
    call, request = divmod(turn, CALL)
    return f"call {call + 1}, request {request + 1}" if call else f"request {turn + 1}" * (turn > 0)


class Recorded(Value):
    """All that is volatile in an interaction."""

    date: str | None = None
    """UTC, `2026-11-22T20:14:40Z`."""
    latency_s: float | None = None
    chunk_times: tuple[float, ...] = ()
    """Seconds since sending, beside the interaction's chunk sizes."""
    request_id: str | None = None
    headers: dict[str, str] = {}
    """Of the response, that count down from call to call: rate limits."""
    source: str | None = None
    """Who answered: a provider alias, or `simulator`."""


class Interaction(Value):
    """A request, its response, and whose they are.

    Bodies are as they stand in the file: JSON with an indent of two, each token as it came.
    """

    method: str
    uri: str
    """With the provider's alias for a host."""
    request: bytes
    status: int
    request_headers: Headers = ()
    reason: str = ""
    response: bytes = b""
    response_headers: Headers = ()
    place: Place | None = None
    """Whose call it was; the case is the file. None in a file that vcrpy wrote."""
    chunks: tuple[int, ...] = ()
    """Sizes in bytes, of a streamed body."""
    error: str | None = None
    """Why the body is cut."""
    recorded: Recorded = Recorded()

    @property
    def key(self) -> str:
        """What makes two requests the same request."""
        return request_key(self.method, self.uri, self.request)

    @property
    def reusable(self) -> bool:
        """Whether asking again could bring nothing better: no overload, refused account or cut."""
        return self.status not in _AGAIN and self.status < 500 and self.error is None

    def same_request(self, other: Interaction) -> bool:
        """Whether both ask the same."""
        # Bodies are indented alike, so equal requests are nearly always equal bytes.
        if self.request == other.request and self.uri == other.uri and self.method == other.method:
            return True
        return self.key == other.key

    def same_answer(self, other: Interaction) -> bool:
        """Whether another recording says the same, all that is volatile aside."""
        return self._stable() == other._stable()

    def _stable(self) -> tuple[object, ...]:
        headers = tuple(h for h in self.response_headers if not h[0].startswith(_FLEETING))
        body, source = _lasting(self.response), self.recorded.source
        return (self.key, self.place, self.status, headers, body, self.error, source)


def _lasting(body: bytes) -> object:
    """Return a body without its identity and date; of an event stream, each event so."""
    if body.startswith((b"data:", b"id:", b"event:", b":")):
        fields = (line.partition(b":") for line in body.splitlines())
        return [(name, _lasting(value.strip())) for name, _, value in fields if name != b"id"]
    document = load(body)
    if not isinstance(document, dict):
        return body
    return _canonical({k: v for k, v in document.items() if k not in VOLATILE})


def request_key(method: str, uri: str, body: bytes) -> str:
    """Return the identity of a request: 32 hex digits over method, address and canonical body.

    JSON bodies are equal whatever the order of their keys and their white space; addresses
    whatever the order of their query, blank values kept.
    """
    head, mark, query = uri.partition("?")
    address = head + mark + "&".join(sorted(query.split("&")))
    document = load(body)
    canonical = body if document is UNREADABLE else _canonical(document)
    digest = blake2b(digest_size=16)
    for part in (method.encode(), address.encode("utf-8", "surrogatepass"), canonical):
        digest.update(part)
        digest.update(b"\0")
    return digest.hexdigest()


def _canonical(document: Json) -> bytes:
    try:
        return canonical_json(document)
    except (ValueError, OverflowError):  # lone surrogates, integers beyond 64 bits
        return json.dumps(document, sort_keys=True).encode()


def without_media(body: bytes) -> bytes:
    """Put a digest in place of each inline picture, film or sound of 1 kB or more."""
    if b";base64," not in body:
        return body
    return _MEDIA.sub(_digest_of_media, body)


def _digest_of_media(match: re.Match[bytes]) -> bytes:
    data = b64decode(match[1] + b"==")  # surplus padding is passed over
    return b'"qeval-media:sha256-%s"' % sha256(data).hexdigest().encode()


def indented(body: bytes) -> bytes:
    """Return JSON with an indent of two, each token as it stands; other bytes as they are.

    >>> print(indented(b'{"a":[1.0,{}]}').decode())
    {
      "a": [
        1.0,
        {}
      ]
    }
    """
    try:
        body.decode()  # the formatter does not look
        return msgspec.json.format(body, indent=2)
    except (ValueError, RecursionError):
        return body


def request_text(body: bytes) -> bytes:
    """Return a request's body as it is stored and matched: indented, large media as digests."""
    return indented(without_media(body))


def events(body: bytes, chunks: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    """Return size and time of each event of a stream, from those of the pieces that came.

    How a network cuts a stream differs from call to call; its events do not. An event has the
    time of the piece that completed it. Events end at blank lines, or at every line where a
    gateway sends no blank ones.
    """
    if sum(size for size, _ in chunks) != len(body):
        return ()
    ends = [match.end() for match in _BLANK.finditer(body)]
    if len(ends) < 2:
        ends = [match.end() for match in _LINE.finditer(body)]
    found: list[tuple[int, float]] = []
    pieces = iter(chunks)
    came, time, last = 0, 0.0, 0
    for end in dict.fromkeys([*ends, len(body)]):
        while came < end:
            size, time = next(pieces)
            came += size
        if end > last:
            found.append((end - last, time))
        last = end
    return tuple(found)


UNREADABLE = object()
"""What `load` returns for bytes that are not JSON; JSON's null is None."""


def load(body: bytes) -> Json:
    """Return the JSON value of a body in UTF-8, or `UNREADABLE`.

    A repeated key and a number beyond all floats are unreadable too: a Python value would
    not say the same.
    """
    try:
        return json.loads(
            body.decode(),
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_unrepeated,
        )
    except (ValueError, RecursionError):
        return UNREADABLE


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    return _refuse(text) if value in {float("inf"), float("-inf")} else value


def _unrepeated(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    return _refuse("a repeated key") if len(found) != len(pairs) else found


def answer_of(found: Interaction, attempts: int) -> Answer:
    """Return the answer that a recorded interaction replays."""
    recorded = found.recorded
    headers = found.response_headers + tuple(recorded.headers.items())
    if recorded.request_id is not None:
        headers = (*headers, ("x-request-id", recorded.request_id))
    chunks: tuple[tuple[int, float], ...] = ()
    if found.chunks and sum(found.chunks) == len(found.response):  # else edited since
        chunks = tuple(zip(found.chunks, recorded.chunk_times, strict=False))
    return Answer(
        status=found.status,
        headers=headers,
        body=found.response,
        chunks=chunks,
        latency_s=recorded.latency_s,
        recorded_at=recorded.date,
        source=recorded.source,
        attempts=attempts,
        replayed=True,
        error=found.error,
    )


def interaction_of(uri: str, wire: Wire, answer: Answer, place: Place) -> Interaction:
    """Return what to record of a call that was made, before redaction."""
    import http.client  # only when recording: it is slow to import

    # The chunks of a whole body say how the network cut it, and differ each time.
    kind = (answer.header("content-type") or "").lower()
    chunks = events(answer.body, answer.chunks) if "event-stream" in kind else ()
    simulated = answer.header("x-qeval-simulator") is not None
    return Interaction(
        method=wire.method,
        uri=uri,
        request=request_text(wire.body),
        request_headers=wire.headers,
        status=answer.status,
        reason=http.client.responses.get(answer.status, ""),
        response=indented(answer.body) if "json" in kind else answer.body,
        response_headers=answer.headers,
        place=place,
        chunks=tuple(size for size, _ in chunks),
        error=None if answer.error is None else clean(_HOST.sub("", answer.error, count=1)),
        recorded=Recorded(
            date=answer.recorded_at,
            latency_s=None if answer.latency_s is None else round(answer.latency_s, 4),
            chunk_times=tuple(round(seconds, 4) for _, seconds in chunks),
            request_id=answer.header("x-request-id"),
            source="simulator" if simulated else answer.source,
        ),
    )
