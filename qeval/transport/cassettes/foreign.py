"""Other people's HTTP calls: recorded and replayed by stock vcrpy, under our rules.

For code whose client cannot be given our transport. vcrpy patches the classes of all HTTP clients
it knows, in the whole process, so only one `Traffic` is open at a time.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import vcr
import vcr.patch
from msgspec import structs
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.request import Request
from vcr.serialize import deserialize, serialize
from vcr.serializers import yamlserializer
from vcr.stubs import VCRHTTPSConnection

from qeval.errors import TransportError
from qeval.transport.cassettes import layout, reading
from qeval.transport.cassettes.interaction import (
    Interaction,
    Recorded,
    indented,
    request_key,
    request_text,
)
from qeval.transport.cassettes.redact import REQUEST_HEADERS, cleaned

RECORD_MODES = {"replay": "none", "record": "new_episodes", "refresh": "all"}
"""Our mode → vcrpy's."""
_WITH_KEYS = frozenset(
    {"authorization", "proxy-authorization", "cookie"}
    | {"x-api-key", "api-key", "apikey", "x-goog-api-key", "x-auth-token", "x-access-token"}
)
_KEY_FIELDS = frozenset(
    {"key", "api_key", "apikey", "api-key", "token", "access_token", "auth_token", "secret"}
    | {"client_secret", "password", "sig", "signature"}
)
"""Fields of a query whose values are keys."""
_WAYS = frozenset({"location", "link"})
"""Response headers that lead on: without them a client stops at a redirect or at the first page."""
_SHORTEST_KEY = 8
"""Characters of a key that was sent and is searched for as a secret: shorter ones stand in any
text."""


_reset = vcr.patch.force_reset
_RESETTING = threading.RLock()
_NAMED = ("httplib2", "botocore")
"""Libraries whose connections look up their classes by name when they are made."""


@contextmanager
def _threads_apart() -> Iterator[None]:
    """Stand where vcrpy puts clients' classes back, in the whole process, for its connections.

    Whatever another thread asked meanwhile went to the network, unseen, and two threads that did so
    at once left the classes unpatched. It is needed for connections that look up their classes by
    name alone: those of `_NAMED`, and HTTPS of the standard library, for which `_Https` stands in.
    """
    if sys.modules.keys().isdisjoint(_NAMED):
        yield
        return
    with _RESETTING, _reset():
        yield


class _Https(HTTPSConnection):
    """A connection as the standard library makes it, without looking up its class by name."""

    def __init__(self, host: str, port: int | None = None, **options: Any) -> None:
        context = options.pop("context", None)
        for obsolete in ("key_file", "cert_file", "check_hostname"):
            options.pop(obsolete, None)
        HTTPConnection.__init__(self, host, port, **options)
        self._context = ssl.create_default_context() if context is None else context


vcr.patch.force_reset = _threads_apart
VCRHTTPSConnection._baseclass = _Https  # noqa: SLF001 - what vcrpy makes its own connections of


class Traffic:
    """The calls of some code, while it runs inside `open`.

    Args:
        recorded: What may answer, each once, in order.
        mode: `replay` answers from recordings alone; `record` asks for what they lack; `refresh`
            asks for everything.
        shown: What messages of vcrpy call the file.
    """

    def __init__(
        self,
        recorded: Sequence[Interaction],
        mode: Literal["replay", "record", "refresh"],
        shown: str,
    ) -> None:
        self._recorded = () if mode == "refresh" else tuple(recorded)
        self._mode = mode
        self._shown = shown
        self._cassette: Any = None
        self.played: list[Interaction] = []
        """Recordings that answered, in their order."""
        self.new: list[Interaction] = []
        """What was asked of servers, in order, without what may not be written."""
        self.missed: list[Interaction] = []
        """Calls that no recording answered; the code may have made light of it."""
        self.secrets: set[str] = set()
        """Keys that were sent."""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Record or replay what is called inside."""
        recorder = vcr.VCR(
            record_mode=RECORD_MODES[self._mode],
            match_on=["qeval"],
            before_record_request=self._writable,
            before_record_response=self._taken,
            decode_compressed_response=True,
        )
        recorder.register_matcher("qeval", _same)
        recorder.register_persister(self)
        with recorder.use_cassette(self._shown) as cassette:
            self._cassette = cassette
            self._nearest = cassette.find_requests_with_most_matches
            # vcrpy asks for the most alike when it refuses a call; and what refuses may be caught.
            cassette.find_requests_with_most_matches = self._missed
            try:
                yield
            finally:
                known = len(self._recorded)
                played = sorted(cassette.play_counts)
                self.played = [self._recorded[i] for i in played if i < known]
                self.new = _interactions(cassette.data[known:])

    def load_cassette(self, cassette_path: str, serializer: Any) -> Any:
        """Return what may answer; for vcrpy to call."""
        del cassette_path
        if not self._recorded:
            raise CassetteNotFoundError
        # Through the text of a file, so that vcrpy reads what it would read without us.
        return deserialize(layout.write(self._recorded), serializer)

    def save_cassette(self, cassette_path: str, cassette_dict: Any, serializer: Any) -> None:
        """Leave writing to whom `new` is for; for vcrpy to call."""

    def _writable(self, request: Any) -> Any:
        """Keep only the headers that may be written; remember what the others hid."""
        if isinstance(request.body, dict):
            request.body = _body(request)
        self.secrets |= _in_address(request.uri)
        for name in list(request.headers):
            if name.lower() not in REQUEST_HEADERS:
                value = request.headers.pop(name)
                if name.lower() in _WITH_KEYS:
                    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    self.secrets |= _in_header(text)
        return request

    def _missed(self, request: Any) -> Any:
        if self._cassette.can_play_response_for(request):  # aiohttp's, for where a redirect leads
            return self._nearest(request)
        body = request_text(_body(request))
        call = Interaction(method=request.method, uri=request.uri, request=body, status=0)
        self.missed.append(call)
        return self._nearest(request)

    def _taken(self, response: Any) -> Any:
        """Let no answer that was just recorded answer the next like call: it has its own."""
        if self._cassette is not None:
            self._cassette.play_counts[len(self._cassette.data)] += 1
        return response


def _in_address(uri: str) -> set[str]:
    """Return what of an address is secret: a password, and keys among its fields."""
    parts = urlsplit(uri)
    fields = [value for name, value in parse_qsl(parts.query) if name.lower() in _KEY_FIELDS]
    return {key for key in (unquote(parts.password or ""), *fields) if len(key) >= _SHORTEST_KEY}


def _in_header(text: str) -> set[str]:
    """Return what of a header is secret: each word, each cookie, and what Basic hides."""
    keys = set(text.split()) | {part.partition("=")[2].strip() for part in text.split(";")}
    scheme, _, coded = text.partition(" ")
    if scheme.lower() == "basic":
        with suppress(ValueError):
            keys.add(b64decode(coded).decode("latin-1").partition(":")[2])
    # Not the words of our own files.
    return {key for key in keys if len(key) >= _SHORTEST_KEY} - {"simulator", "endpoint"}


def _interactions(pairs: Sequence[tuple[Any, Any]]) -> list[Interaction]:
    """Return calls that vcrpy has recorded as they are written."""
    if not pairs:
        return []
    # A body may be a file or an iterator, and a redirect may have none.
    requests = [Request(one.method, one.uri, _body(one), one.headers) for one, _ in pairs]
    responses = [came | {"body": {"string": b"", **came["body"]}} for _, came in pairs]
    text = serialize({"requests": requests, "responses": responses}, yamlserializer)
    found = reading.read(text.encode(), "traffic", "the traffic", "qeval")
    return [_dated(one) for one in found]


def _dated(one: Interaction) -> Interaction:
    """Return a call as a person can read it in a diff, with its date and who answered."""
    came = dict(one.response_headers)
    recorded = Recorded(
        date=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        source="simulator" if "x-qeval-simulator" in came else "endpoint",
    )
    # Not of many lines of JSON: each is read by itself.
    is_json = came.get("content-type", "").lower().startswith("application/json")
    made = cleaned(
        structs.replace(
            one,
            request=request_text(one.request),
            response=indented(one.response) if is_json else one.response,
            recorded=recorded,
        )
    )
    ways = [(name, value) for name, value in one.response_headers if name in _WAYS]
    return structs.replace(made, response_headers=tuple(sorted({*made.response_headers, *ways})))


def _same(one: Any, other: Any) -> None:
    """Match as our own replay does: method, address, canonical body."""
    keys = [request_key(r.method, r.uri, request_text(_body(r))) for r in (one, other)]
    assert keys[0] == keys[1], "another method, address or body"  # noqa: S101 - vcrpy's way


def _body(request: Any) -> bytes:
    """Return the body of a request as bytes, whatever the client was given for one."""
    body = request.body
    if callable(body):  # a form of aiohttp's
        body = getattr(body(), "_value", body)
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if hasattr(body, "read"):
        return bytes(body.read())
    return _gathered(body)


def _gathered(body: Any) -> bytes:
    """Return what a body that is neither bytes nor a file would be sent as."""
    if not isinstance(body, Iterable):
        raise TransportError(
            f"a request's body of type {type(body).__name__} cannot be recorded",
            kind="raised",
            hint="send bytes, text or JSON",
        )
    if not isinstance(body, dict):
        pieces = list(body)
        if all(isinstance(piece, bytes) for piece in pieces):
            return b"".join(pieces)
        body = pieces
    # A client that turns a table into JSON, or a form, by itself.
    return json.dumps(body, default=str).encode()
