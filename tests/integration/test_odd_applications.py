"""Callable targets that do what applications do: redirects, odd bodies, odd errors, late threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

import qeval
from qeval.errors import UsageError
from qeval.record import Trial
from qeval.session import Budget, Result

APP = """
import io, os, urllib.request

def redirected(request):
    import requests
    return requests.get(os.environ["BASE"] + "/there").text

async def redirected_by_aiohttp(request):
    import aiohttp
    async with aiohttp.ClientSession() as client, client.get(os.environ["BASE"] + "/there") as got:
        return await got.text()

def from_a_file(request):
    import requests
    return requests.post(os.environ["BASE"], data=io.BytesIO(b"of a file")).text

def from_an_iterator(request):
    import requests
    return requests.post(os.environ["BASE"], data=iter([b"of ", b"pieces"])).text

async def from_a_form(request):
    import aiohttp
    form = aiohttp.FormData({"q": "of a form"})
    async with aiohttp.ClientSession() as client, client.post(os.environ["BASE"], data=form) as got:
        return await got.text()

def lines_of_json(request):
    import json, requests
    return " ".join(json.loads(line)["said"] for line in requests.get(os.environ["BASE"]).text.splitlines())

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no text")

def mute(request):
    raise Mute

def skipping(request):
    import pytest
    pytest.skip("no service")

def leaving(request):
    raise GeneratorExit

def telling(request):
    import requests
    requests.get(os.environ["BASE"])
    raise ValueError("refused for key " + os.environ["SHOP_API_KEY"])

def asking(request):
    import requests
    return requests.get(os.environ["BASE"]).text

def with_secrets(request):
    import requests
    base, way = os.environ["BASE"], request.user
    secret = os.environ["SHOP_WORD"]
    if way == "userinfo":
        import httpx2
        return httpx2.get(base.replace("://", f"://bob:{secret}@")).text
    if way == "field":
        return requests.get(base, params={"api_key": secret}).text
    if way == "basic":
        return requests.get(base, auth=("bob", secret)).text
    if way == "cookie":
        return requests.get(base, cookies={"session": secret}).text
    return requests.get(base, headers={way: secret}).text

def abroad(value, evidence):
    urllib.request.urlopen("http://model.example/judge")
    return True
"""
JSON = b'{"said":"hello"}\n'


class Server(Protocol):
    url: str
    seen: list[Any]

    def says(self, *answers: Any) -> None: ...


def answer(body: bytes, kind: str = "text/plain", status: str = "200 OK", more: str = "") -> Any:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return [head.encode() + body]


Made = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path, loopback: Server, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Write a suite that asks functions of the application, one case of one trial each."""
    (tmp_path / "pyproject.toml").write_text("[tool.qeval]\n")
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASE", loopback.url)
    monkeypatch.setenv("SHOP_API_KEY", "hunter2plainsecretvalue")

    def make(
        *functions: str, cases: str = "  - {id: c, user: Hi, checks: [contains: h]}\n"
    ) -> Path:
        suite = tmp_path / "suites/s.yaml"
        targets = "".join(f'  {name}: {{python: "app.py:{name}"}}\n' for name in functions)
        suite.write_text(f"targets:\n{targets}cases:\n{cases}")
        return suite

    return make


def trials(result: Result) -> list[Trial]:
    return list(result.run().trials())


MOVED = answer(b"", status="302 Found", more="location: /v1/here\r\n")


@pytest.mark.parametrize("function", ["redirected", "redirected_by_aiohttp"])
def test_a_redirect_is_followed_in_a_replay_too(
    made: Made, loopback: Server, function: str
) -> None:
    suite = made(function)
    loopback.says(MOVED, answer(b"here"))

    recorded = qeval.run(suite, mode="record")
    loopback.says(answer(b"gone", status="500 Oops"))
    replayed = qeval.run(suite)

    assert [trials(run)[0].text for run in (recorded, replayed)] == ["here", "here"]
    assert len(loopback.seen) == 2


@pytest.mark.parametrize(
    ("function", "sent"),
    [
        ("from_a_file", b"of a file"),
        ("from_an_iterator", b"of pieces"),
        ("from_a_form", b"q=of+a+form"),
        ("lines_of_json", b""),
    ],
)
def test_whatever_a_body_is_made_of_is_recorded(
    made: Made, loopback: Server, function: str, sent: bytes
) -> None:
    suite = made(function)
    loopback.says(answer(JSON, "application/x-ndjson"))

    recorded = qeval.run(suite, mode="record")
    replayed = qeval.run(suite)

    assert [trials(run)[0].outcome for run in (recorded, replayed)] == ["passed", "passed"]
    assert len(loopback.seen) == 1
    chunked = "transfer-encoding" in loopback.seen[0].headers
    assert chunked or loopback.seen[0].body == sent


@pytest.mark.parametrize("function", ["mute", "skipping", "leaving"])
def test_whatever_a_function_raises_costs_its_trial_alone(
    made: Made, loopback: Server, function: str
) -> None:
    loopback.says(answer(b"hello"))

    result = qeval.run(made(function, "asking"), mode="record")

    assert {trial.target: trial.code for trial in trials(result)} == {
        function: "raised",
        "asking": None,
    }


@pytest.mark.parametrize("mode", ["record", "replay"])
def test_what_a_function_tells_of_the_environments_keys_is_not_kept(
    made: Made, loopback: Server, tmp_path: Path, mode: Any
) -> None:
    suite = made("telling")
    loopback.says(answer(b"hello"))
    qeval.run(suite, mode="record")

    result = qeval.run(suite, mode=mode)

    assert trials(result)[0].code == "secret"
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"hunter2plain" not in path.read_bytes()


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("userinfo", "secret"),
        ("field", "secret"),
        ("basic", "secret"),
        ("cookie", "secret"),
        ("x-goog-api-key", "secret"),
        ("x-other", None),
    ],
)
def test_what_was_sent_as_a_key_is_written_nowhere(
    made: Made,
    loopback: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    code: str | None,
) -> None:
    monkeypatch.setenv("SHOP_WORD", "swordfish-of-bob")
    suite = made("with_secrets", cases=f"  - {{id: c, user: {way}, checks: [contains: h]}}\n")
    loopback.says(answer(b"hello" if code is None else b"hello swordfish-of-bob"))

    (trial,) = trials(qeval.run(suite, mode="record"))

    assert trial.code == code
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"swordfish" not in path.read_bytes()


def test_a_budget_counts_nothing_of_what_is_replayed(made: Made, loopback: Server) -> None:
    suite = made("asking", cases="  - {id: c, user: Hi, trials: 5, checks: [contains: h]}\n")
    loopback.says(answer(b"hello"))

    came = [len(trials(qeval.run(suite, mode="record", budget=Budget(calls=2)))) for _ in range(3)]

    assert came == [2, 4, 5]
    assert len(loopback.seen) == 5


def test_a_cost_cannot_be_limited_where_nobody_knows_whom_a_function_asks(made: Made) -> None:
    with pytest.raises(UsageError) as caught:
        qeval.run(made("asking"), mode="record", budget=Budget(cost=1.0))

    assert str(caught.value) == (
        "--max-cost 1: the price of target 'asking' is unknown\n\n"
        "hint: whom a function asks is not known: use --max-calls or --max-tokens"
    )


def test_a_check_that_goes_abroad_is_refused_in_a_replay(made: Made, loopback: Server) -> None:
    suite = made("asking", cases="  - {id: c, user: Hi, checks: [python: 'app.py:abroad']}\n")
    loopback.says(answer(b"hello"))
    qeval.run(suite, mode="record")

    (trial,) = trials(qeval.run(suite))

    assert trial.code == "scorer"
    assert "recordings are replayed without a network" in (trial.error or "")
