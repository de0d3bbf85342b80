"""Errors as the service words them: codes, statuses, messages, and the two envelopes.

The wording follows what the service says (wire.md sections 2.1 and 6), since clients match on it.
Within the simulator a code is the one of the compatible dialects.
"""

from __future__ import annotations

import json

import msgspec

from qeval.simulator.script import Fault
from qeval.value import Json

INVALID = "invalid_parameter_error"
PREFIX = "<400> InternalError.Algo.InvalidParameter: "

STATUS = {
    INVALID: 400,
    "data_inspection_failed": 400,
    "Arrearage": 400,
    "invalid_api_key": 401,
    "access_denied": 403,
    "model_not_found": 404,
    "limit_requests": 429,
    "limit_burst_rate": 429,
    "insufficient_quota": 429,
    "ServiceUnavailable": 503,
    "ModelServingError": 503,
    "RequestTimeOut": 500,
    "InternalError": 500,
    "GatewayTimeout": 504,
}
"""The HTTP status that an error code comes with."""

CODES = {
    400: INVALID,
    401: "invalid_api_key",
    403: "access_denied",
    404: "model_not_found",
    429: "limit_requests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
"""The error code that an HTTP status usually carries."""

NATIVE = {
    INVALID: "InvalidParameter",
    "data_inspection_failed": "DataInspectionFailed",
    "invalid_api_key": "InvalidApiKey",
    "access_denied": "AccessDenied",
    "model_not_found": "ModelNotFound",
    "limit_requests": "Throttling.RateQuota",
    "limit_burst_rate": "Throttling.BurstRate",
    "insufficient_quota": "Throttling.AllocationQuota",
}
"""A code of the compatible dialects → what the flat envelope says instead."""

_MESSAGES = {
    "limit_requests": "You exceeded your current requests list, please slow down.",
    "limit_burst_rate": "Request rate increased too quickly, please slow down.",
    "insufficient_quota": "You exceeded your current quota of tokens, please slow down.",
    "invalid_api_key": "Incorrect API key provided.",
    "data_inspection_failed": "Input data may contain inappropriate content.",
}


class Refusal(Exception):  # noqa: N818 - an answer of the server, not a failure of the program
    """The request is answered with an error."""

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str = INVALID,
        retry_after_s: float | None = None,
    ) -> None:
        self.message = message or _MESSAGES.get(code, f"The simulator's script says {code}.")
        self.status = status or STATUS.get(code, 400)
        self.code = code
        self.retry_after_s = retry_after_s
        self.inside = True
        """Whether a dialect may tell it inside a stream, with status 200."""
        super().__init__(self.message)


def struck(fault: Fault) -> Refusal:
    """Return the error that a fault without a `kind` says."""
    code = fault.code or CODES.get(fault.status or 500, "InternalError")
    spelt = next((ours for ours, theirs in NATIVE.items() if theirs == code), code)
    return Refusal(
        fault.message or _MESSAGES.get(spelt, ""),
        status=fault.status or STATUS.get(spelt, 500),
        code=code,
        retry_after_s=fault.retry_after_s,
    )


def invalid(message: str) -> Refusal:
    """Return the refusal of a request whose values the model does not take."""
    return Refusal(PREFIX + message)


def nested(error: Refusal, identity: str) -> bytes:
    """Return an error in the envelope of the compatible chat dialect."""
    kind = "invalid_request_error" if error.code == INVALID else error.code
    inner = {"message": error.message, "type": kind, "param": None, "code": error.code}
    return encode({"error": inner, "id": f"chatcmpl-{identity}", "request_id": identity})


def flat(error: Refusal, identity: str) -> bytes:
    """Return an error in the envelope of the native dialects, of responses and of gateways."""
    code = NATIVE.get(error.code, error.code)
    return encode({"code": code, "message": error.message, "request_id": identity})


def encode(body: Json) -> bytes:
    """Return compact JSON."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # a lone surrogate; JSON can still escape it
        return json.dumps(body, separators=(",", ":")).encode()
