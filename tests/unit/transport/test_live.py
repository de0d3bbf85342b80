from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys

import aiohttp
import httpx2  # noqa: TID251 - its exceptions are the table's rows
import pytest

from qeval.errors import TargetError
from qeval.exchange import Place, Wire
from qeval.transport.hosts import Resolved
from qeval.transport.live import Client, Live, LiveOptions, _kind, _reason


def raised(error: Exception, *causes: Exception) -> Exception:
    """Chain the causes under the error, as `raise … from …` does."""
    current = error
    for cause in causes:
        current.__cause__ = cause
        current = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(TimeoutError(), "timeout", id="ours"),
        pytest.param(httpx2.ReadTimeout("x"), "timeout", id="read"),
        pytest.param(httpx2.WriteTimeout("x"), "timeout", id="write"),
        pytest.param(httpx2.PoolTimeout("x"), "timeout", id="pool"),
        pytest.param(httpx2.ConnectTimeout("x"), "connect", id="connect-timeout"),
        pytest.param(httpx2.ConnectError("x"), "connect", id="connect"),
        pytest.param(httpx2.ProxyError("x"), "connect", id="proxy"),
        pytest.param(httpx2.UnsupportedProtocol("x"), "connect", id="protocol"),
        pytest.param(httpx2.ReadError("x"), "cut", id="reset"),
        pytest.param(httpx2.WriteError("x"), "cut", id="broken-pipe"),
        pytest.param(httpx2.RemoteProtocolError("x"), "cut", id="not-http"),
        pytest.param(httpx2.DecodingError("x"), "cut", id="bad-gzip"),
        pytest.param(aiohttp.ServerDisconnectedError(), "cut", id="aiohttp-lost"),
        pytest.param(aiohttp.ClientOSError(104, "reset"), "cut", id="aiohttp-reset"),
        pytest.param(aiohttp.ClientPayloadError("x"), "cut", id="aiohttp-payload"),
        pytest.param(aiohttp.ConnectionTimeoutError("x"), "connect", id="aiohttp-connect-timeout"),
        pytest.param(aiohttp.SocketTimeoutError("x"), "timeout", id="aiohttp-read-timeout"),
        pytest.param(
            raised(httpx2.ConnectError("x"), TimeoutError(110, "connection timed out")),
            "connect",
            id="the-systems-timeout-while-connecting",
        ),
        pytest.param(aiohttp.ClientError("x"), "cut", id="aiohttp-other"),
    ],
)
def test_errors_of_both_clients_have_one_kind(error: Exception, kind: str) -> None:
    assert _kind(error) == kind


def test_reasons_are_the_systems_words_and_never_the_errors_own() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "x")
    untrusted.verify_message = "self-signed certificate"
    reset = raised(httpx2.ReadError("Bearer sk-planted"), ConnectionResetError(104, "sk-planted"))

    wrapped = aiohttp.ClientConnectorCertificateError(None, untrusted)  # type: ignore[arg-type]
    broken = ssl.SSLError(1, "x")
    broken.reason = "WRONG_VERSION_NUMBER"
    for client_error in (httpx2.ConnectError("x"), wrapped):
        assert _reason(raised(client_error, untrusted)) == (
            "the certificate is not trusted (self-signed certificate)"
        )
    assert _reason(raised(httpx2.ConnectError("x"), broken)) == "TLS failed (WRONG_VERSION_NUMBER)"
    assert _reason(reset) == "connection reset by peer"
    assert _reason(httpx2.LocalProtocolError("illegal b'Bearer sk-planted'")) == (
        "LocalProtocolError"
    )


@pytest.mark.parametrize(
    ("client", "missing", "proxy", "message"),
    [
        (
            "aiohttp",
            "aiohttp",
            None,
            "the client aiohttp is not installed",
        ),
        (
            "auto",
            "socksio",
            "socks5://127.0.0.1:1080",
            "the proxy of the environment speaks SOCKS, for which a library is missing",
        ),
    ],
)
def test_a_library_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, client: Client, missing: str, proxy: str | None, message: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "qeval.transport.pool_aiohttp", raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy or "")
    live = Live(lambda: Resolved(base_url="http://model.example/v1"), LiveOptions(client=client))

    with pytest.raises(TargetError) as caught:
        asyncio.run(live.send(Wire(path="/x", body=b""), Place(case="c", scenario="s", trial=0)))

    assert caught.value.message == message
    assert "pip install" in (caught.value.hint or "")


def test_importing_the_module_imports_no_http_library() -> None:
    code = (
        "import sys, qeval.transport.live, qeval.transport.retrying, qeval.transport.hosts\n"
        "print([m for m in ('httpx2', 'aiohttp', 'httpx_aiohttp') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
