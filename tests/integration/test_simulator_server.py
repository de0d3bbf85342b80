"""The simulator over plain sockets and as a process."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from qeval.errors import UsageError
from qeval.simulator import running, serve
from qeval.simulator.reading import parse
from qeval.simulator.script import Script
from qeval.tokens import vocabulary

SCRIPT = parse("""
rules:
  - {match: cut, reply: A long answer that will not arrive., fault: {kind: cut, times: 1}}
  - {match: garbage, fault: {kind: garbage}}
  - {match: html, fault: {kind: html, status: 502}}
  - {match: empty, fault: {kind: empty}}
  - {match: known, reply: I do not know.}
""")

PATH = "/compatible-mode/v1/chat/completions"


class Plain:
    """A client without opinions."""

    def __init__(self, base: str) -> None:
        self.address = urlsplit(base).netloc

    def call(
        self, text: str, path: str = PATH, method: str = "POST"
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]})
            connection.request(method, path, body if method == "POST" else None)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def plain() -> Iterator[Plain]:
    with running(SCRIPT) as base:
        yield Plain(base)


def test_the_short_path_answers_too(plain: Plain) -> None:
    assert plain.call("known", "/v1/chat/completions")[2] != b""
    assert plain.call("known", "/v1/chat/completions")[0] == 200
    assert plain.call("known", "/v1/chat%2Fcompletions")[0] == 200


def test_headers_say_who_answered_and_nothing_that_changes(plain: Plain) -> None:
    status, headers, body = plain.call("known")

    assert status == 200
    assert headers.pop("x-request-id") == json.loads(body)["id"].removeprefix("chatcmpl-")
    assert headers == {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "x-qeval-simulator": "1",
    }


def test_a_cut_answer_stops_in_the_middle_of_its_body(plain: Plain) -> None:
    with pytest.raises(http.client.IncompleteRead) as excinfo:
        plain.call("cut")

    begun = excinfo.value.partial
    assert json.loads(plain.call("cut")[2])["choices"][0]["message"]["content"] == (
        "A long answer that will not arrive."
    )
    assert plain.call("cut")[2].startswith(begun[:20])
    assert len(begun) > 0
    assert abs(len(begun) - (excinfo.value.expected or 0)) <= 1


@pytest.mark.parametrize(
    ("text", "status", "kind", "begin"),
    [
        ("garbage", 200, "application/json", b'{"choices"'),
        ("html", 502, "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        ("empty", 200, "application/json", b""),
    ],
)
def test_bodies_that_are_no_answer(
    plain: Plain, text: str, status: int, kind: str, begin: bytes
) -> None:
    got, headers, body = plain.call(text)

    assert (got, headers["content-type"], headers["x-qeval-simulator"]) == (status, kind, "1")
    assert body.startswith(begin)
    with pytest.raises(ValueError):  # noqa: PT011 - not UTF-8, or not JSON
        json.loads(body)


def test_the_front_page_says_what_this_is(plain: Plain) -> None:
    status, headers, body = plain.call("", "/", "GET")

    assert (status, headers["x-qeval-simulator"]) == (200, "1")
    assert body == (
        b"qeval simulator: scripted answers, no model.\n"
        b"chat: POST /compatible-mode/v1/chat/completions\n"
        b"responses: POST /compatible-mode/v1/responses\n"
        b"dashscope-text: POST /api/v1/services/aigc/text-generation/generation\n"
        b"dashscope-multimodal: POST /api/v1/services/aigc/multimodal-generation/generation\n"
    )


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/api/v1/services", "POST", 404, "NotFound"),
        ("/compatible-mode/v1/embeddings", "POST", 404, "NotFound"),
        (PATH, "GET", 405, "MethodNotAllowed"),
    ],
)
def test_other_paths_are_errors_in_the_envelope(
    plain: Plain, path: str, method: str, status: int, code: str
) -> None:
    got, headers, body = plain.call("known", path, method)

    assert (got, headers["x-qeval-simulator"]) == (status, "1")
    said = json.loads(body)
    assert said.get("error", said)["code"] == code
    assert ("error" in said) == path.startswith("/compatible-mode")


def test_estimated_usage_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "shared", lambda: None)

    with running(SCRIPT) as base:
        _, headers, body = Plain(base).call("known")

    assert headers["x-qeval-simulator"] == "1; usage=estimate"
    assert json.loads(body)["usage"]["total_tokens"] > 8


def test_running_stops_its_thread_and_frees_its_port() -> None:
    before = set(threading.enumerate())
    with running(Script(rules=SCRIPT.rules)) as base:
        port = urlsplit(base).port or 0
        assert set(threading.enumerate()) > before

    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_running_reads_a_file(tmp_path: Path) -> None:
    script = tmp_path / "s.yaml"
    script.write_text("rules: [{match: a, reply: b}]", encoding="utf-8")

    with running(script) as base:
        assert b'"content":"b"' in Plain(base).call("a")[2]


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    script = tmp_path / "s.yaml"
    script.write_text("rules: [{match: a, reply: b}]", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(UsageError) as excinfo:
            serve(script, port)

    assert str(excinfo.value) == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use\n\n"
        "hint: choose a free port: qeval simulate SCRIPT --port 8766"
    )


def test_a_port_that_is_no_port_is_told(tmp_path: Path) -> None:
    script = tmp_path / "s.yaml"
    script.write_text("rules: [{match: a, reply: b}]", encoding="utf-8")

    with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1:70000"):
        serve(script, 70_000)


def test_the_process_tells_its_addresses_and_ends_on_interrupt(tmp_path: Path) -> None:
    script = tmp_path / "s.yaml"
    script.write_text("rules: [{match: a, reply: b}]", encoding="utf-8")
    code = "import sys; from pathlib import Path; from qeval.simulator import serve;"
    code += "serve(Path(sys.argv[1]), 0)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(script)], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(3)]
        base = lines[1].split()[-1]
        status, _, _ = Plain(base).call("a")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        ended = process.wait(10)
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()

    assert lines == [
        "The simulator answers by script; no model is asked. Stop it with Ctrl-C.\n",
        f"  chat, responses: {base}\n",
        f"  native:          {base.removesuffix('/compatible-mode/v1')}/api/v1\n",
    ]
    assert (status, rest, ended) == (200, "", 0)
