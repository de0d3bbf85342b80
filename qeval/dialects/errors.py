"""Error answers: their three envelopes, and what each code means for the run.

Codes and their meaning are the vendor's documented ones, in CamelCase (native) and in
snake_case (compatible). A code is looked up whole, then by its part before the first dot,
then by the HTTP status; the status alone would not tell a rate limit from an unpaid bill.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from qeval.errors import ResponseError, StatusError, TransportError
from qeval.exchange import Answer, Response
from qeval.value import Json, Value, cleaned

MODERATION: frozenset[str] = frozenset({"data_inspection_failed"})
"""Codes of `StatusError` that mean the provider's moderation blocked the prompt or the answer:
an outcome of the evaluation (`refused`), not an error of it."""

ONCE: frozenset[str] = frozenset({"InvalidURL.Timeout"})
"""Retryable codes for which one retry is enough."""

QUOTA: frozenset[str] = frozenset({"Throttling.AllocationQuota", "insufficient_quota"})
"""Retryable codes of a token budget that fills up again within a minute, not within a second."""

RATE: frozenset[str] = frozenset(
    {"LimitRequests", "limit_requests", "limit_burst_rate", "insufficient_quota"}
    | {"rate_limit_exceeded"}
)
"""Codes of calls that came too fast; so are those that begin with `Throttling`."""

Read: TypeAlias = Callable[[Answer], Response]
"""How a dialect reads an answer."""
Kind: TypeAlias = Literal["account", "retry", "final"]

_EXACT: dict[str, Kind] = {
    # The key, the bill, the model or the address: every further request would fail alike.
    "NOT AUTHORIZED": "account",
    "invalid_api_key": "account",
    "access_denied": "account",
    "ModelNotFound": "account",
    "model_not_found": "account",
    "model_not_supported": "account",
    "WorkSpaceNotFound": "account",
    "CommodityNotPurchased": "account",
    "PrepaidBillOverdue": "account",
    "PostpaidBillOverdue": "account",
    # It may answer the next time.
    "LimitRequests": "retry",
    "limit_requests": "retry",
    "limit_burst_rate": "retry",
    "insufficient_quota": "retry",
    "rate_limit_exceeded": "retry",
    "internal_error": "retry",
    "internal_server_error": "retry",
    "server_error": "retry",
    "service_unavailable": "retry",
    "SystemError": "retry",
    "ModelServiceFailed": "retry",
    "ModelServingError": "retry",
    "ModelUnavailable": "retry",
    "ServiceUnavailable": "retry",
    "RequestTimeOut": "retry",
    "GatewayTimeout": "retry",
    "InvalidURL.Timeout": "retry",
    # It will say the same again, whatever its status.
    "InternalError.Algo.InvalidParameter": "final",
    "invalid_parameter_error": "final",
    "data_inspection_failed": "final",
}
_PREFIX: dict[str, Kind] = {
    "Arrearage": "account",
    "InvalidApiKey": "account",
    "AccessDenied": "account",
    "Model": "account",
    "Workspace": "account",
    "AllocationQuota": "account",
    "Throttling": "retry",
    "InternalError": "retry",
    "InvalidParameter": "final",
    "InvalidURL": "final",
    "BadRequest": "final",
    "DataInspectionFailed": "final",
}
_STATUS: dict[int, Kind] = {
    401: "account",
    403: "account",
    404: "account",
    405: "account",
    408: "retry",
    409: "retry",
    429: "retry",
}
_BROKEN_JSON = re.compile(r"InternalError\.Algo: (Expecting|Invalid|Unterminated|Extra data)")
"""The model wrote tool arguments that are not JSON: the vendor reports it as a server error."""

_HINTS = (
    (
        r"(?i)api_?key|NOT AUTHORIZED|http_401",
        "check the key: each region and workspace has its own",
    ),
    (r"Arrearage|Overdue|Purchased|FreeTier", "settle the account's bill or quota, then run again"),
    (
        r"(?i)^model|^http_40[45]|WorkSpaceNotFound",
        "check the target's model, workspace and base_url",
    ),
    (r"(?i)access_?denied", "let the account use this model, or choose another"),
)
_FRAME = re.compile(rb"(?:\A|[\r\n])data: ?(\{[^\r\n]*)")
"""The first event of an error body that is written as a stream."""
_KEY = re.compile(r"\b(sk-|(?i:bearer) )[\w.*-]{5,}[\w*-]")


class Envelope(Value):
    """What an error body says. What it leaves out is None."""

    message: str | None = None
    code: str | None = None
    request_id: str | None = None


def harmless(text: str, limit: int = 300) -> str:
    r"""Return foreign text for a message: one line, control characters escaped, keys masked.

    >>> harmless("a\x1b[31m\0\n\udc80 sk-0123456789")
    'a\\x1b[31m\\x00\\n\\udc80 sk-…'
    """
    cut = text if len(text) <= limit else text[:limit] + "…"
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut)
    return _KEY.sub(r"\1…", shown)


def first_bytes(body: bytes, limit: int = 80) -> str:
    r"""Return the start of a body, quoted for a message.

    >>> first_bytes(b"<html>\xff\x1b")
    "'<html>\\xff\\x1b'"
    """
    text = body[:limit].decode("utf-8", "surrogateescape")
    shown = "".join(
        f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else harmless(c) for c in text
    )
    return "'" + _KEY.sub(r"\1…", shown) + ("…'" if len(body) > limit else "'")


def decode(body: bytes) -> Json:
    """Decode a JSON body; lone surrogates, which no file can hold, become U+FFFD.

    Raises:
        ResponseError: It is empty, not UTF-8, or not JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return _decode_tolerantly(body)


def _decode_tolerantly(body: bytes) -> Json:
    """Decode what the strict decoder refuses but Python's reads: a BOM, lone surrogates, NaN."""
    import json  # only for odd bodies

    try:
        return cleaned(json.loads(body.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        reason = f"invalid UTF-8 at byte {error.start}"
    except RecursionError:
        reason = "nested too deeply"
    except ValueError:
        reason = "not JSON"
    if not body.strip():
        raise ResponseError("the answer is empty")
    raise ResponseError(f"the answer is {reason}; it begins {first_bytes(body)}")


def check(answer: Answer) -> None:
    """Raise what is wrong with an answer before its body is looked at.

    Raises:
        StatusError: Its status is not 2xx.
        TransportError: Its body was cut.
    """
    if not 200 <= answer.status < 300:
        raise failure(answer)
    if answer.error is not None:
        raise TransportError(answer.error, kind="cut")


def failure(answer: Answer) -> StatusError:
    """Return the error that an answer of a status other than 2xx stands for."""
    if 300 <= answer.status < 400:
        return StatusError(
            f"{answer.status}: a redirect, which is not followed, since a key stays with its host",
            status=answer.status,
            code=f"http_{answer.status}",
            request_id=answer.header("x-request-id"),
            account=True,
            hint="write the address that answers as the target's base_url",
        )
    frame = _FRAME.search(answer.body, 0, 65_536)
    try:
        document = decode(frame[1] if frame else answer.body)
    except ResponseError:
        said = f"answered {first_bytes(answer.body)}" if answer.body else "answered nothing"
        return status_error(Envelope(message=said), answer)
    return status_error(envelope(document), answer)


_END = re.compile(rb'response\.(?:completed|incomplete)|"finish_reason": ?"(?!null")')
"""What stands in the last frames of a stream that was not broken off."""


def inside(answer: Answer, read: Read) -> StatusError | TransportError | None:
    """Return the error that stands in an answer of status 2xx, or how it breaks off; else None.

    Only an answer that looks like it is read to see: one of a thousand.
    """
    if answer.error is not None or not 200 <= answer.status < 300 or not _suspect(answer.body):
        return None
    try:
        read(answer)
    except (StatusError, TransportError) as error:
        return error
    except ResponseError:
        pass
    return None


def _suspect(body: bytes) -> bool:
    end = body[-2048:]
    if b"rror" in end or b"failed" in end or b'"code"' in end:
        return True
    streamed = body[:64].lstrip().startswith((b"data:", b"event:", b"id:", b":"))
    return streamed and b"[DONE]" not in end and _END.search(end) is None


def is_rate(error: StatusError) -> bool:
    """Whether an error says that calls come too fast, and may pass."""
    fast = error.code in RATE or error.code.startswith("Throttling") or error.status == 429
    return fast and error.retryable


def envelope(document: Json) -> Envelope:
    """Read an error body, nested (`{"error": {…}}`) or flat (`{"code": …, "message": …}`)."""
    if not isinstance(document, dict):
        return Envelope(message=harmless(str(document)))
    inner = document.get("error")
    if isinstance(inner, str):
        inner = {"message": inner}
    if not isinstance(inner, dict):
        inner = document
    return Envelope(
        message=_text(inner.get("message")) or _text(inner.get("detail")),
        code=_text(inner.get("code")) or _text(inner.get("type")),
        request_id=_text(document.get("request_id")) or _text(inner.get("request_id")),
    )


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def status_error(said: Envelope, answer: Answer) -> StatusError:
    """Return the error for what an endpoint said, classified."""
    message = said.message or ""
    code = _code(said.code, message) or f"http_{answer.status}"
    kind = classify(code, answer.status, message)
    shown = harmless(code, 80)
    label = str(answer.status) if code.startswith("http_") else f"{answer.status} {shown}"
    return StatusError(
        f"{label}: {harmless(message)}" if message else label,
        status=answer.status,
        code=shown,
        request_id=answer.header("x-request-id") or said.request_id,
        retryable=kind == "retry",
        account=kind == "account",
        hint=_hint(code) if kind == "account" else None,
    )


def _code(code: str | None, message: str) -> str | None:
    """Return the code, with every spelling of a moderation block made one."""
    if "DataInspectionFailed" in f"{code} {message}" or code == "data_inspection_failed":
        return "data_inspection_failed"
    return code


def classify(code: str, status: int, message: str = "") -> Kind:
    """Return what an error means: `account`, `retry`, or `final` for this request alone.

    >>> classify("Throttling.BurstRate", 429), classify("Arrearage", 400), classify("x", 503)
    ('retry', 'account', 'retry')
    """
    if _BROKEN_JSON.search(f"{code}: {message}") or _BROKEN_JSON.search(message):
        return "final"
    if "InternalError.Algo.InvalidParameter" in message:
        return "final"
    known = _EXACT.get(code) or _PREFIX.get(code.split(".", 1)[0])
    return known or _STATUS.get(status) or ("retry" if status >= 500 else "final")


def _hint(code: str) -> str | None:
    return next((hint for pattern, hint in _HINTS if re.search(pattern, code)), None)
