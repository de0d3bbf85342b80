"""What may be written: headers by an allow-list, and nothing that holds a secret.

Nothing is blacked out silently: where a secret would reach a file, writing is refused, since a
key that an answer repeats has already gone where it should not.
"""

from __future__ import annotations

import base64
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

import msgspec

from qeval.errors import CassetteSecretError
from qeval.transport.cassettes.interaction import UNREADABLE, Interaction, load
from qeval.value import Json

REQUEST_HEADERS = frozenset(
    {
        "accept",
        "content-type",
        "x-dashscope-async",
        "x-dashscope-datainspection",
        "x-dashscope-ossresourceresolve",
        "x-dashscope-session-cache",
        "x-dashscope-sse",
        "x-dashscope-wait-timeout",
    }
)
RESPONSE_HEADERS = frozenset(
    {
        "content-type",
        "retry-after",
        "retry-after-ms",
        "x-dashscope-call-gateway",
        "x-dashscope-finished",
        "x-dashscope-partialresponse",
        "x-dashscope-timeout",
        "x-qeval-simulator",
        "x-should-retry",
    }
)
VOLATILE_HEADERS = frozenset(
    {"req-arrive-time", "req-cost-time", "resp-start-time", "x-envoy-upstream-service-time"}
)
"""Names that are kept; `x-ratelimit-…` too. All others are dropped, known or not."""

_KEYS = re.compile(
    rb"(?<![A-Za-z0-9])(?:"
    # A capital or a digit, so that words joined by hyphens pass.
    rb"sk-(?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{16,}"
    rb"|(?:AKIA|ASIA)[A-Z0-9]{16}|LTAI[A-Za-z0-9]{12,24}|AIza[\w-]{35}"
    rb"|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    rb"|hf_[A-Za-z0-9]{30,}|[Bb]earer\s+(?=[A-Za-z._~+/-]*[0-9])[A-Za-z0-9._~+/-]{20,}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----)"
)
"""Shapes of keys that providers give out. A masked key, such as `sk-…3456`, has none of them."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_ESCAPE = re.compile(rb"\\u00([0-7][0-9a-fA-F])|\\(/)")
_BREAK = re.compile(rb"(?<=[A-Za-z0-9+/_-]{40})(?:\\[rn]|\s)+(?=[A-Za-z0-9+/_=-])")
"""A line break, perhaps an escaped one, inside long base64."""
_PACKED = (b"\x1f\x8b", b"\x78")
"""How gzip and zlib begin."""
_LARGEST = 10_000_000
"""Bytes that a packed text may unfold to while it is searched."""
_SHORTEST = 12
"""Characters of a value of the environment that is searched for: shorter ones stand in any text."""


def cleaned(one: Interaction) -> Interaction:
    """Return the interaction with only the headers that may be written.

    What changes from call to call moves to `recorded`.
    """
    came = dict(one.response_headers)
    volatile = {
        name: came[name]
        for name in sorted(came)
        if name in VOLATILE_HEADERS or name.startswith("x-ratelimit-")
    }
    recorded = msgspec.structs.replace(
        one.recorded,
        headers=volatile or one.recorded.headers,
        request_id=one.recorded.request_id or came.get("x-request-id"),
    )
    return msgspec.structs.replace(
        one,
        recorded=recorded,
        request_headers=tuple(h for h in one.request_headers if h[0] in REQUEST_HEADERS),
        response_headers=tuple(sorted(h for h in one.response_headers if h[0] in RESPONSE_HEADERS)),
    )


def refuse(one: Interaction, secrets: tuple[str, ...], shown: str) -> None:
    """Refuse an interaction that holds a secret, anywhere and in any usual coding.

    Raises:
        CassetteSecretError: The message names the place and never the value.
    """
    place = leak(one, secrets)
    if place is not None:
        raise CassetteSecretError(
            f"{shown} would hold a secret: {place}",
            path=shown,
            hint="take the key out of what is sent or answered; this trial was not recorded",
        )


def refuse_old(
    interactions: Iterable[Interaction], secrets: tuple[str, ...], shown: str, command: str
) -> None:
    """Refuse a file in which a secret stands already, before a call is made for its sake.

    Raises:
        CassetteSecretError: As of `refuse`.
    """
    for one in interactions:
        place = leak(one, secrets)
        if place is not None:
            raise CassetteSecretError(
                f"{shown} holds a secret: {place}",
                path=shown,
                hint=f"have the key revoked, delete the file and type `{command}`",
            )


def leak(one: Interaction, secrets: tuple[str, ...]) -> str | None:
    """Return where in an interaction a secret stands, or None."""
    for place, data in _parts(one):
        if holds_secret(data, secrets):
            whose = f" of trial {one.place.trial} under {one.place.scenario!r}" if one.place else ""
            field = _field(load(data), secrets) if place.endswith("body") else ""
            return "the scenario's name" if place == _SCENARIO else f"{place}{whose}{field}"
    return None


def refuse_file(
    data: bytes, interactions: Iterable[Interaction], secrets: tuple[str, ...], shown: str
) -> None:
    """Refuse the bytes of a file that hold a secret, be it in what was recorded long ago.

    Raises:
        CassetteSecretError: As of `refuse`; nothing of the file is written.
    """
    if not holds_secret(data, secrets):
        return
    places = (leak(one, secrets) for one in interactions)
    place = next((place for place in places if place is not None), "across two fields")
    raise CassetteSecretError(
        f"{shown} would hold a secret: {place}",
        path=shown,
        hint="take the key out of the suite or the file; what was recorded of the case is lost",
    )


_SCENARIO = "the scenario"


def _parts(one: Interaction) -> Iterator[tuple[str, bytes]]:
    if one.place is not None:
        yield _SCENARIO, one.place.scenario.encode(errors="replace")
    yield "the request's address", one.uri.encode()
    yield "the request's body", one.request
    yield "the response's body", one.response
    for side, headers in (("request", one.request_headers), ("response", one.response_headers)):
        for name, value in headers:
            yield f"the {side}'s header {name}", value.encode(errors="replace")
    for name, value in one.recorded.headers.items():
        yield f"the response's header {name}", value.encode(errors="replace")
    yield "the error", (one.error or "").encode(errors="replace")
    yield "the request id", (one.recorded.request_id or "").encode()


def _field(document: Json, secrets: tuple[str, ...]) -> str:
    """Return the path of the first field that holds a secret, as ` at messages[0].content`."""
    if document is UNREADABLE:
        return ""
    waiting: list[tuple[str, Json]] = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            below = [(f"{path}.{key}", item) for key, item in value.items()]
            if any(holds_secret(str(key).encode(), secrets) for key in value):
                return f" in a key of {path.lstrip('.') or 'the whole'}"
        elif isinstance(value, list):
            below = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            if holds_secret(text.encode(errors="replace"), secrets):
                return f" at {path.lstrip('.')}"
            continue
        waiting.extend(reversed(below))
    return ""


def holds_secret(data: bytes, secrets: tuple[str, ...], depth: int = 3) -> bool:
    """Whether bytes hold a known secret or anything shaped like a key, plain or coded.

    Looked for as it is, URL-encoded, JSON-escaped, in hexadecimal and in base64 at all three
    alignments; and in whatever base64 and gzip within the bytes unfold to.
    """
    if any(form in data for secret in secrets if secret for form in _forms(secret)) or _KEYS.search(
        data
    ):
        return True
    if depth == 0:
        return False
    return any(
        # Noise, such as a picture, is searched but not unfolded further: it takes long.
        holds_secret(inner, secrets, depth - 1 if _unfolds(inner) else 0)
        for inner in _decodings(data)
    )


def in_environment() -> set[str]:
    """Return the values of the environment whose names say that they are secret."""
    signs = ("API_KEY", "APIKEY", "TOKEN", "SECRET", "PASSWORD")
    return {
        value
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST and any(sign in name.upper() for sign in signs)
    }


def _unfolds(data: bytes) -> bool:
    """Whether decoded bytes are text, or packed, so that more may be coded in them."""
    if data.startswith(_PACKED):
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=64)
def _forms(secret: str) -> tuple[bytes, ...]:
    raw = secret.encode()
    forms = {
        raw,
        quote(secret, safe="").encode(),
        json.dumps(secret)[1:-1].encode(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
    }
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        # The first characters depend on what stands before, the last on what follows.
        middle = coded[-(-shift * 8 // 6) : -1]
        forms |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    return tuple(forms)


def _decodings(data: bytes) -> Iterator[bytes]:
    """Yield what bytes may stand for, each only where it is not what they are."""
    if data.startswith(_PACKED):
        yield _unpacked(data)
    if b"%" in data:
        yield unquote_to_bytes(data)
    if _ESCAPE.search(data):
        yield _ESCAPE.sub(lambda m: bytes.fromhex(m[1].decode()) if m[1] else b"/", data)
    for match in _HEX.finditer(data):
        yield bytes.fromhex(match[0].decode())
    # Long base64 is broken into lines, in YAML and inside JSON.
    for match in _BASE64.finditer(_BREAK.sub(b"", data)):
        yield from _unfolded(match[0])


def _unfolded(coded: bytes) -> Iterator[bytes]:
    """Decode base64 from each of its first four characters: those before it may look like it."""
    text = coded.replace(b"-", b"+").replace(b"_", b"/")
    for start in range(4):
        piece = text[start:]
        piece = piece[:-1] if len(piece) % 4 == 1 else piece
        yield base64.b64decode(piece + b"=" * (-len(piece) % 4))


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, _LARGEST)
    except zlib.error:
        return b""
