from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.dialects.errors import MODERATION, classify, failure, first_bytes, harmless
from qeval.exchange import Answer


def error(document: Any, status: int = 400, **headers: str) -> Any:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return failure(Answer(status=status, headers=named, body=body))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "InvalidParameter", "final"),
        (400, "invalid_parameter_error", "final"),
        (400, "InternalError.Algo.InvalidParameter", "final"),
        (400, "BadRequest.EmptyInput", "final"),
        (400, "BadRequest.TooLarge", "final"),
        (400, "InvalidURL", "final"),
        (400, "InvalidURL.Timeout", "retry"),
        (400, "DataInspectionFailed", "final"),
        (400, "data_inspection_failed", "final"),
        (400, "Arrearage", "account"),
        (404, "Model.NotExist", "account"),
        (404, "ModelNotFound", "account"),
        (404, "model_not_found", "account"),
        (400, "model_not_supported", "account"),
        (401, "InvalidApiKey", "account"),
        (401, "invalid_api_key", "account"),
        (401, "NOT AUTHORIZED", "account"),
        (403, "AccessDenied", "account"),
        (403, "access_denied", "account"),
        (403, "AccessDenied.Unpurchased", "account"),
        (403, "Model.AccessDenied", "account"),
        (403, "Workspace.AccessDenied", "account"),
        (403, "AllocationQuota.FreeTierOnly", "account"),
        (404, "WorkSpaceNotFound", "account"),
        (404, "NotFound", "account"),
        (405, "Method Not Allowed", "account"),
        (413, "too_large", "final"),
        (429, "Throttling", "retry"),
        (429, "Throttling.RateQuota", "retry"),
        (429, "LimitRequests", "retry"),
        (429, "limit_requests", "retry"),
        (429, "Throttling.BurstRate", "retry"),
        (429, "limit_burst_rate", "retry"),
        (429, "Throttling.AllocationQuota", "retry"),
        (429, "insufficient_quota", "retry"),
        (429, "CommodityNotPurchased", "account"),
        (429, "PrepaidBillOverdue", "account"),
        (429, "PostpaidBillOverdue", "account"),
        (500, "InternalError", "retry"),
        (500, "InternalError.Algo", "retry"),
        (500, "SystemError", "retry"),
        (500, "ModelServiceFailed", "retry"),
        (500, "RequestTimeOut", "retry"),
        (500, "ModelServingError", "retry"),
        (503, "ModelUnavailable", "retry"),
        (503, "ServiceUnavailable", "retry"),
        (504, "GatewayTimeout", "retry"),
        (429, "something_new", "retry"),
        (408, "something_new", "retry"),
        (409, "something_new", "retry"),
        (502, "something_new", "retry"),
        (403, "something_new", "account"),
        (200, "internal_error", "retry"),
        (200, "service_unavailable", "retry"),
        (200, "rate_limit_exceeded", "retry"),
        (422, "something_new", "final"),
    ],
)
def test_codes_are_classified_as_documented(status: int, code: str, kind: str) -> None:
    assert classify(code, status) == kind


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InternalError.Algo", "Expecting ',' delimiter: line 1 column 9 (char 8)"),
        ("internal_error", "<500> InternalError.Algo: Expecting ',' delimiter: line 1"),
        ("InternalError", "<400> InternalError.Algo.InvalidParameter: range of input length"),
    ],
)
def test_a_fault_of_the_request_is_not_asked_again_though_called_internal(
    code: str, message: str
) -> None:
    assert classify(code, 500, message) == "final"


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"code": "DataInspectionFailed", "message": "Input data may be bad."}},
        {"code": "data_inspection_failed", "message": "Output data may be bad."},
        {
            "error": {
                "code": "invalid_parameter_error",
                "message": "<400> InternalError.Algo.DataInspectionFailed: Output data …",
            }
        },
    ],
)
def test_every_spelling_of_a_moderation_block_has_one_code(document: Any) -> None:
    found = error(document)

    assert found.code == "data_inspection_failed"
    assert found.code in MODERATION
    assert not found.retryable
    assert not found.account


@pytest.mark.parametrize(
    ("document", "message", "code"),
    [
        pytest.param(
            {"error": {"message": "no", "type": "x", "code": "limit_requests"}, "request_id": "r"},
            "400 limit_requests: no",
            "limit_requests",
            id="nested",
        ),
        pytest.param(
            {"request_id": "r", "code": "InvalidParameter", "message": "no"},
            "400 InvalidParameter: no",
            "InvalidParameter",
            id="flat",
        ),
        pytest.param(
            {"error": {"message": "no", "type": "bad_type", "code": None}, "request_id": "r"},
            "400 bad_type: no",
            "bad_type",
            id="type-for-code",
        ),
        pytest.param({"error": "no", "request_id": "r"}, "400: no", "http_400", id="text"),
        pytest.param({"detail": "no", "request_id": "r"}, "400: no", "http_400", id="detail"),
    ],
)
def test_every_envelope_is_read(document: Any, message: str, code: str) -> None:
    found = error(document)

    assert (found.message, found.code, found.request_id) == (message, code, "r")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "502: answered nothing"),
        (b"<html>\x1b[31m", "502: answered '<html>\\x1b[31m'"),
        (b"[1, 2]", "502: [1, 2]"),
        (b"null", "502: None"),
    ],
)
def test_what_is_no_envelope_is_quoted(body: bytes, message: str) -> None:
    found = error(body, 502)

    assert (found.message, found.code, found.retryable) == (message, "http_502", True)


def test_the_headers_request_id_goes_before_the_bodys() -> None:
    assert error({"request_id": "b", "code": "X"}, x_request_id="h").request_id == "h"


def test_an_account_error_says_what_to_do() -> None:
    found = error(
        {"error": {"code": "invalid_api_key", "message": "Incorrect API key sk-12345678abc."}}, 401
    )

    assert found.account
    assert str(found) == (
        "401 invalid_api_key: Incorrect API key sk-….\n\n"
        "hint: check the key: each region and workspace has its own"
    )


def test_a_long_message_is_cut() -> None:
    found = error({"code": "X", "message": "a" * 10_000})

    assert found.message == "400 X: " + "a" * 300 + "…"


@settings(max_examples=100)
@given(text=st.text(st.characters(), max_size=40), body=st.binary(max_size=120))
def test_foreign_text_is_shown_harmlessly(text: str, body: bytes) -> None:
    for shown in (harmless(text), first_bytes(body)):
        assert shown.isprintable()
        shown.encode()  # raises for what no file can hold
