r"""The form of a cassette: what is written, and a reader for exactly that.

The file is a stock vcrpy cassette. Bodies stand as literal blocks, JSON indented, so that a
person can read them in a diff; what belongs to qeval stands under `qeval:` beside request and
response, where vcrpy passes over it, all that is volatile on one line::

    # qeval cassette 1
    version: 1
    interactions:
    - request:
        method: POST
        uri: "https://model-studio.invalid/compatible-mode/v1/chat/completions"
        body: |2-
          {
            "model": "qwen-plus"
          }
        headers:
          "content-type":
          - "application/json"
      response:
        status:
          code: 200
          message: "OK"
        headers:
          "content-type":
          - "application/json"
        body:
          string: |2-
            {
              "id": "chatcmpl-1"
            }
      qeval:
        scenario: "factual_qa"
        trial: 0
        turn: 0
        attempt: 0
        recorded: {"date": "2026-11-22T20:14:40Z", "latency_s": 0.21, "seal": "5b1fa9c4"}
    ...

The last line, `...`, ends the document: a file without it was cut short. The reader takes a file
apart at lines that no body can hold, since those of bodies stand further in; it gives None for
whatever is not exactly this form, and a YAML parser reads that.

The seal is a CRC-32 over all that is written of an interaction before it. It is no signature: it
tells a slip of the hand, a bad merge or a damaged disk from what was recorded. Whoever changes an
answer on purpose writes `"seal": "edited"`, and it is taken as it stands.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from qeval.exchange import Place
from qeval.transport.cassettes.interaction import Headers, Interaction, Recorded

HEAD = "# qeval cassette 1\nversion: 1\ninteractions:\n"
END = "...\n"

_FIRST = HEAD.encode() + b"- request:\n"
_LAST = b"\n" + END.encode()
_PLAIN = bytes(range(0x20, 0x7F)) + b"\n\t"
_UNPRINTABLE = re.compile(
    "[^\n\t\x20-\x7e\xa0-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd"
    "\U00010000-\U0010ffff]"
)
"""What a literal block does not hold: control characters, breaks that YAML alone knows, and the
marks that turn the direction of text, which would make a diff lie."""
_ESCAPED = re.compile(
    "[\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def write(interactions: Iterable[Interaction]) -> str:
    """Return a cassette of these interactions, in this order."""
    return HEAD + "".join(_interaction(one) for one in interactions) + END


def _interaction(one: Interaction) -> str:
    text = _unsealed(one)
    return f'{text}"seal": "{_crc(text)}"}}\n'


def seal(one: Interaction) -> str:
    """Return the seal of an interaction: 8 hex digits over all that is written before it."""
    return _crc(_unsealed(one))


def _crc(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def _unsealed(one: Interaction) -> str:
    return (
        f"- request:\n    method: {one.method}\n    uri: {quoted(one.uri)}\n"
        f"    body: {scalar(one.request, 6)}\n    headers:{_headers(one.request_headers)}\n"
        f"  response:\n    status:\n      code: {one.status}\n      message: {quoted(one.reason)}\n"
        f"    headers:{_headers(one.response_headers)}\n"
        f"    body:\n      string: {scalar(one.response, 8)}\n{_own(one)}"
    )


def _own(one: Interaction) -> str:
    chunks = f"    chunks: {json.dumps(list(one.chunks))}\n" if one.chunks else ""
    error = f"    error: {quoted(one.error)}\n" if one.error is not None else ""
    recorded = _flow(one.recorded).removesuffix("}")
    comma = "" if recorded == "{" else ", "
    return f"  qeval:\n{_place(one.place)}{chunks}{error}    recorded: {recorded}{comma}"


def _place(place: Place | None) -> str:
    """Return whose call it was; nothing for what another tool recorded."""
    if place is None:
        return ""
    return (
        f"    scenario: {quoted(place.scenario)}\n    trial: {place.trial}\n"
        f"    turn: {place.turn}\n    attempt: {place.attempt}\n"
    )


def _flow(recorded: Recorded) -> str:
    return _ESCAPED.sub(_escape, json.dumps(msgspec.to_builtins(recorded), ensure_ascii=False))


def _headers(headers: Headers) -> str:
    if not headers:
        return " {}"
    lines: dict[str, list[str]] = {}
    for name, value in headers:
        lines.setdefault(name, []).append(value)
    return "".join(
        f"\n      {quoted(name)}:" + "".join(f"\n      - {quoted(value)}" for value in values)
        for name, values in sorted(lines.items())
    )


def quoted(text: str) -> str:
    """Return a double-quoted scalar: JSON, with what YAML must escape besides."""
    return _ESCAPED.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def scalar(body: bytes, indent: int) -> str:
    """Return a body as a scalar whose lines stand `indent` blanks in.

    A literal block where its characters allow, else a quoted text, else base64.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f'!!binary "{base64.b64encode(body).decode()}"'
    if "\n" not in text or not text.strip("\n") or _is_odd(body):
        return quoted(text)
    content = text.rstrip("\n")
    breaks = len(text) - len(content)
    pad = " " * indent
    lines = "\n".join(pad + line if line else "" for line in content.split("\n"))
    chomp = "-" if breaks == 0 else "" if breaks == 1 else "+"
    return f"|2{chomp}\n{lines}" + "\n" * max(breaks - 1, 0)


def _is_odd(data: bytes) -> bool:
    """Whether UTF-8 text has a character that cannot stand for itself in a literal block."""
    rest = data.translate(None, _PLAIN)
    return bool(rest) and _UNPRINTABLE.search(rest.decode()) is not None


_TEXT = rb'"[^"\\\n]*"'
"""A text without escapes: the same in YAML and in JSON."""
_NUMBER = rb"(?:0|[1-9][0-9]{0,8})"
_REAL = rb"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?"
_NAMES = rb'"[a-z0-9-]{1,64}"'
_ADDRESS = re.compile(rb"    method: ([A-Z]{1,16})\n    uri: (" + _TEXT + rb")")
_HEADERS = rb"    headers:( \{\}|(?:\n      " + _NAMES + rb":(?:\n      - " + _TEXT + rb")+)+)\n"
_MIDDLE = re.compile(
    _HEADERS
    + rb"  response:\n    status:\n      code: ([1-9][0-9]{2})\n      message: (%s)\n" % _TEXT
    + _HEADERS
    + rb"    body:"
)
_HEADER = re.compile(rb"\n      (%s):|\n      - (%s)" % (_NAMES, _TEXT))
_TIMES = rb"\[%s(?:, %s)*\]" % (_REAL, _REAL)
_PAIR = rb"%s: %s" % (_NAMES, _TEXT)
_RECORDED = rb"(?:, )?".join(
    [
        rb"\{",
        rb'(?:"date": %s)?' % _TEXT,
        rb'(?:"latency_s": %s)?' % _REAL,
        rb'(?:"chunk_times": %s)?' % _TIMES,
        rb'(?:"request_id": %s)?' % _TEXT,
        rb'(?:"source": %s)?' % _TEXT,
        rb'(?:"headers": \{%s(?:, %s)*\})?' % (_PAIR, _PAIR),
    ]
)
_SEAL = rb'(?:, )?(?P<seal>"seal": "(?P<crc>[0-9a-f]{8})")?'
_TAIL = re.compile(
    rb"  qeval:\n(?:    scenario: (%s)\n    trial: (%s)\n" % (_TEXT, _NUMBER)
    + rb"    turn: (%s)\n    attempt: (%s)\n)?" % (_NUMBER, _NUMBER)
    + rb"(?:    chunks: (\[%s(?:, %s)*\])\n)?" % (_NUMBER, _NUMBER)
    + rb"(?:    error: (%s)\n)?    recorded: (%s)" % (_TEXT, _RECORDED)
    + _SEAL
    + rb"\}\n"
)
_BLOCK = re.compile(rb"\|2([+-]?)\n")
_QUOTED = re.compile(rb'"(?:[^"\\\n\t]|\\["\\bfnrt]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4})*"')
_BASE64 = re.compile(rb'!!binary "([A-Za-z0-9+/=]*)"')
_OUTDENTED = {n: re.compile(rb"\n(?! {%d}|\n|\Z)" % n) for n in (6, 8)}
_OPENED = zlib.crc32(b"- request:\n")
_DECODE_RECORDED = msgspec.json.Decoder(Recorded).decode


def read(data: bytes, case: str) -> list[Interaction] | None:
    """Return the interactions of a file in exactly the form that `write` gives, else None."""
    if not (data.startswith(_FIRST) and data.endswith(_LAST)):
        return None
    try:
        data.decode()
        if _is_odd(data):
            return None
        parts = data[len(_FIRST) : -len(_LAST)].split(b"\n- request:\n")
        return [_read(part + b"\n", case) for part in parts]
    except ValueError:
        return None


def _read(part: bytes, case: str) -> Interaction:
    request_at = part.index(b"\n    body: ")
    middle_at = part.index(b"\n    headers:", request_at)
    response_at = part.index(b"\n      string: ", middle_at)
    tail_at = part.index(b"\n  qeval:\n", response_at)
    method, uri = _read_address(part[:request_at])
    sent, status, reason, came = _read_middle(part[middle_at + 1 : response_at])
    tail = _TAIL.fullmatch(part, tail_at + 1)
    if tail is None or not _holds(part, tail):
        raise ValueError("not as it is written")
    place, (chunks, error, recorded) = None, tail.groups()[4:7]
    if tail[1] is not None:
        place = Place(
            case=case,
            scenario=tail[1][1:-1].decode(),
            trial=int(tail[2]),
            turn=int(tail[3]),
            attempt=int(tail[4]),
        )
    return Interaction(
        method=method,
        uri=uri,
        request=_body(part[request_at + 11 : middle_at], 6),
        request_headers=sent,
        status=status,
        reason=reason,
        response=_body(part[response_at + 15 : tail_at], 8),
        response_headers=came,
        place=place,
        chunks=tuple(json.loads(chunks)) if chunks else (),
        error=error[1:-1].decode() if error is not None else None,
        recorded=_DECODE_RECORDED(recorded.removesuffix(b", ") + b"}"),
    )


def _holds(part: bytes, tail: re.Match[bytes]) -> bool:
    """Whether the bytes of an interaction are what its seal was put under."""
    crc = tail["crc"]
    return crc is not None and zlib.crc32(part[: tail.start("seal")], _OPENED) == int(crc, 16)


@lru_cache(maxsize=64)
def _read_address(text: bytes) -> tuple[str, str]:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError("not as it is written")
    return match[1].decode(), match[2][1:-1].decode()


@lru_cache(maxsize=256)
def _read_middle(text: bytes) -> tuple[Headers, int, str, Headers]:
    """Read what stands between the bodies: the same in most files of a target."""
    match = _MIDDLE.fullmatch(text)
    if match is None:
        raise ValueError("not as it is written")
    reason = match[3][1:-1].decode()
    return _read_headers(match[1]), int(match[2]), reason, _read_headers(match[4])


def _read_headers(block: bytes) -> Headers:
    found: list[tuple[str, str]] = []
    names: set[str] = set()
    name = ""
    for key, value in _HEADER.findall(block):
        if key:
            name = key[1:-1].decode()
            if name in names:
                raise ValueError("a name twice")
            names.add(name)
        else:
            found.append((name, value[1:-1].decode()))
    return tuple(sorted(found, key=lambda pair: pair[0]))


def _body(text: bytes, indent: int) -> bytes:
    """Return the body of a scalar, given without its last line end."""
    block = _BLOCK.match(text)
    if block is None:
        if _QUOTED.fullmatch(text):
            return str(json.loads(text)).encode()
        binary = _BASE64.fullmatch(text)
        if binary is None:
            raise ValueError("not as it is written")
        return base64.b64decode(binary[1], validate=True)
    lines = b"\n" + text[block.end() :]
    if _OUTDENTED[indent].search(lines):
        raise ValueError("not as it is written")
    body = lines.replace(b"\n" + b" " * indent, b"\n")[1:]
    chomp = block[1]
    if chomp != b"+" and (not body or body.endswith(b"\n")):
        raise ValueError("not as it is written")
    return body if chomp == b"-" else body + b"\n"


__all__ = ["END", "HEAD", "quoted", "read", "scalar", "seal", "write"]
