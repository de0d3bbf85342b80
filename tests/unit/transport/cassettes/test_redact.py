"""What may be written, and the search for secrets."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.errors import CassetteSecretError
from qeval.exchange import Place
from qeval.transport.cassettes.interaction import Interaction
from qeval.transport.cassettes.redact import cleaned, holds_secret, refuse

KEY = 'top"secret/+value=42'
DASHSCOPE = "sk-0123456789abcdef0123456789abcdef"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(KEY, id="plain"),
        pytest.param(f"x{KEY}x", id="inside-a-word"),
        pytest.param(quote(KEY, safe=""), id="url-encoded"),
        pytest.param(quote(KEY), id="url-encoded-in-part"),
        pytest.param(quote(KEY, safe="").lower(), id="url-encoded-in-lower-case"),
        pytest.param(json.dumps(KEY), id="json"),
        pytest.param("".join(f"\\u{ord(c):04x}" for c in KEY), id="json-escaped-throughout"),
        pytest.param(KEY.replace("/", "\\/").replace('"', '\\"'), id="json-with-escaped-slashes"),
        pytest.param(KEY.encode().hex(), id="hex"),
        pytest.param(KEY.encode().hex().upper(), id="hex-in-capitals"),
        pytest.param(b64(KEY), id="base64"),
        pytest.param(b64("u:" + KEY), id="base64-after-two"),
        pytest.param(b64("u" + KEY + "tail"), id="base64-after-one"),
        pytest.param(base64.urlsafe_b64encode(KEY.encode()).decode(), id="base64-for-urls"),
        pytest.param("path/a" + b64(KEY), id="base64-glued-to-a-word"),
        pytest.param(b64(b64(KEY)), id="base64-twice"),
        pytest.param(
            base64.encodebytes(("-" * 50 + KEY).encode()).decode(), id="base64-broken-into-lines"
        ),
        pytest.param(
            json.dumps(base64.encodebytes(("-" * 50 + KEY).encode()).decode()),
            id="base64-broken-into-lines-in-json",
        ),
        pytest.param(
            base64.b64encode(gzip.compress(KEY.encode(), mtime=0)).decode(), id="base64-of-gzip"
        ),
    ],
)
def test_a_known_secret_is_found_in_every_coding(text: str) -> None:
    assert holds_secret(f'{{"message": "before {text} after"}}'.encode(), (KEY,))
    assert not holds_secret(f'{{"message": "before {text} after"}}'.encode(), ("another-value",))


def test_a_known_secret_is_found_in_a_packed_body() -> None:
    assert holds_secret(gzip.compress(KEY.encode()), (KEY,))


@settings(max_examples=60)
@given(before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_base64_hides_no_secret_whatever_stands_around_it(before: bytes, after: bytes) -> None:
    coded = base64.b64encode(before + KEY.encode() + after)

    assert holds_secret(b"data:" + coded, (KEY,))


@pytest.mark.parametrize(
    "text",
    [
        DASHSCOPE,
        "sk-proj-aBcD1234_efGH5678-ijKL",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "LTAI5tAbCdEf0123456789",
        "hf_abcdefghijklmnopqrstuvwxyzABCDEF",
        "Authorization: Bearer abc123def456ghi789jkl0",
        "-----BEGIN RSA PRIVATE KEY-----",
        b64("Basic user:" + DASHSCOPE),
    ],
)
def test_the_shape_of_a_providers_key_is_found_though_the_key_is_not_known(text: str) -> None:
    assert holds_secret(f'{{"m": "{text}"}}'.encode(), ())


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-…3456.",
        "Incorrect API key provided: sk-****3456.",
        "Incorrect API key provided: sk-0123********************3456.",
        "sk-learn-and-other-long-names",
        "risk-0123456789abcdef0123456789",
        "a bearer of authorization-and-good-news",
        "The quick brown fox jumps over the lazy dog",
        "qeval-media:sha256-" + "0123456789abcdef" * 4,
    ],
)
def test_what_only_resembles_a_key_passes(text: str) -> None:
    assert not holds_secret(f'{{"m": "{text}"}}'.encode(), ())


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_no_bytes_upset_the_search(data: bytes) -> None:
    assert holds_secret(data + KEY.encode(), (KEY,))
    assert not holds_secret(data, ("no such value in them",))


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        pytest.param(
            {"request": b'{"messages": [{"content": "%s"}]}'},
            "the request's body of trial 3 under 'main' at messages[0].content",
            id="request",
        ),
        pytest.param(
            {"response": b'{"error": {"message": "no %s"}}'},
            "the response's body of trial 3 under 'main' at error.message",
            id="response",
        ),
        pytest.param(
            {"response": b'{"%s": 1}'},
            "the response's body of trial 3 under 'main' in a key of the whole",
            id="key-of-an-object",
        ),
        pytest.param(
            {"response": b"<p>%s</p>"},
            "the response's body of trial 3 under 'main'",
            id="not-json",
        ),
        pytest.param(
            {"uri": b"https://endpoint.invalid/v1?key=%s"},
            "the request's address of trial 3 under 'main'",
            id="address",
        ),
    ],
)
def test_the_refusal_names_the_place_and_not_the_value(
    fields: dict[str, bytes], where: str
) -> None:
    filled: dict[str, Any] = {k: v % DASHSCOPE.encode() for k, v in fields.items()}
    if "uri" in filled:
        filled["uri"] = fields["uri"].decode() % DASHSCOPE
    one = Interaction(
        **{
            "method": "POST",
            "uri": "https://endpoint.invalid/v1",
            "request": b"{}",
            "status": 401,
            "place": Place(case="capital", scenario="main", trial=3),
            **filled,
        }
    )

    with pytest.raises(CassetteSecretError) as caught:
        refuse(one, (), "cassettes/f/t/capital.yaml")

    assert caught.value.message == f"cassettes/f/t/capital.yaml would hold a secret: {where}"
    assert DASHSCOPE not in str(caught.value)


def test_headers_are_kept_by_name_only() -> None:
    names = ["authorization", "cookie", "x-dashscope-workspace", "api-key", "content-type"]
    came = ["set-cookie", "openai-organization", "server", "content-type", "retry-after"]
    one = Interaction(
        method="POST",
        uri="u",
        request=b"",
        status=200,
        request_headers=tuple((name, "v") for name in names),
        response_headers=(
            *((name, "v") for name in came),
            ("x-request-id", "r-1"),
            ("x-ratelimit-remaining-tokens", "7"),
        ),
    )

    kept = cleaned(one)

    assert kept.request_headers == (("content-type", "v"),)
    assert kept.response_headers == (("content-type", "v"), ("retry-after", "v"))
    assert kept.recorded.headers == {"x-ratelimit-remaining-tokens": "7"}
    assert kept.recorded.request_id == "r-1"
