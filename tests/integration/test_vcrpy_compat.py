"""Stock vcrpy replays what we write, and we replay what it writes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Protocol

import httpx2  # noqa: TID251 - the client that stock vcrpy records from
import pytest
import vcr
import yaml

from qeval.errors import CassetteExhaustedError, CassetteMissingError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.base import step
from qeval.transport.cassettes import CassetteOptions, CassetteTransport, reading

ROOT = Path(__file__).parents[2]
BASE = "https://model-studio.invalid/v1"
JSON = (("content-type", "application/json"),)
STREAM = 'data: {"n": 1, "text": "中文 😀\u2028"}\n\ndata: [DONE]\n\n'.encode()


class Loopback(Protocol):
    """The fixture `loopback`."""

    url: str

    def says(self, *answers: list[bytes]) -> None: ...


class Scripted:
    """Answers calls in turn."""

    immediate = False

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)

    async def send(self, wire: Wire, place: Place) -> Answer:  # noqa: ARG002 - the seam's signature
        return self.answers.pop(0)

    async def end_case(self, case: str) -> None:
        pass

    async def aclose(self) -> None:
        pass


def options(root: Path, mode: str = "replay", base: str = BASE) -> CassetteOptions:
    folder = root / "cassettes" / "facts" / "qwen-plus"
    return CassetteOptions(folder=folder, root=root, base=base, mode=mode)  # type: ignore[arg-type]


def wire(text: str = "Hi", **fields: Any) -> Wire:
    body = {"model": "qwen-plus", "messages": [{"role": "user", "content": text}], **fields}
    return Wire(path="/chat/completions", body=json.dumps(body).encode())


def place(trial: int = 0, scenario: str = "warm") -> Place:
    return Place(case="sum", scenario=scenario, trial=trial)


def recorded(root: Path, *answers: Answer) -> Path:
    """Record the answers as trials 0, 1, … of one request, and return the file."""
    tape = CassetteTransport(options(root, "record"), Scripted(*answers))
    for trial in range(len(answers)):
        step(tape.send(wire(), place(trial)))
    step(tape.aclose())
    return root / "cassettes" / "facts" / "qwen-plus" / "sum.yaml"


def spoken(text: str) -> Answer:
    body = json.dumps({"id": "chatcmpl-1", "text": text}, ensure_ascii=False).encode()
    return Answer(status=200, headers=JSON, body=body, latency_s=0.5)


def assert_vcrpy_replays(path: Path) -> int:
    """Send every recorded request through stock vcrpy; each must get its own answer back.

    Returns:
        How many interactions the file has.
    """
    recorded = reading.read(path.read_bytes(), path.stem, path.name, "qeval run")
    with vcr.use_cassette(
        str(path),
        record_mode="none",
        match_on=["method", "scheme", "host", "path", "query", "body"],
    ) as cassette:
        for one in recorded:
            with httpx2.Client() as client:
                answer = client.request(
                    one.method, one.uri, content=one.request, headers=list(one.request_headers)
                )
            assert answer.status_code == one.status, path
            assert answer.content == one.response, path
        assert cassette.all_played, path
    return len(recorded)


def test_vcrpy_replays_three_identical_trials_in_order(tmp_path: Path) -> None:
    path = recorded(tmp_path, spoken("one"), spoken("two"), spoken("three"))

    with vcr.use_cassette(str(path), record_mode="none"), httpx2.Client() as client:
        url = f"{BASE}/chat/completions"
        texts = [
            client.post(url, content=wire().body, headers=dict(JSON)).json()["text"]
            for _ in range(3)
        ]

    assert texts == ["one", "two", "three"]
    assert assert_vcrpy_replays(path) == 3


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(spoken("Größe 中文 😀\x85\u2028\ufeff\x00\r\n"), id="odd-characters"),
        pytest.param(
            Answer(status=200, headers=(("content-type", "text/event-stream"),), body=STREAM),
            id="stream",
        ),
        pytest.param(Answer(status=200, body=b"\x89PNG\r\n\x1a\n\x00\xff"), id="binary"),
        pytest.param(Answer(status=502, body=b"<html>\r\n\tBad gateway \n\n"), id="page"),
        pytest.param(Answer(status=200, headers=JSON, body=b""), id="empty"),
        pytest.param(Answer(status=200, headers=JSON, body=b'{"a": 1'), id="broken-json"),
        pytest.param(
            Answer(status=200, headers=JSON, body=b'{"a":', error="cut: reset by peer"), id="cut"
        ),
        pytest.param(Answer(status=299, headers=JSON, body=b"[]"), id="status-without-name"),
    ],
)
def test_vcrpy_replays_whatever_was_answered(tmp_path: Path, answer: Answer) -> None:
    assert assert_vcrpy_replays(recorded(tmp_path, answer)) == 1


def test_vcrpy_replays_every_committed_cassette() -> None:
    """Of the shipped suites; the count says that there are some."""
    files = sorted((ROOT / "cassettes").rglob("*.yaml"))

    assert sum(assert_vcrpy_replays(path) for path in files) >= len(files) > 0


def http(body: bytes, kind: str = "application/json", *more: str) -> list[bytes]:
    """Write one answer as it goes over the wire."""
    lines = ["HTTP/1.1 200 OK", f"content-type: {kind}", f"content-length: {len(body)}", *more]
    return ["\r\n".join([*lines, "", ""]).encode() + body]


def vcrpy_records(loopback: Loopback, path: Path, wires: list[Wire], **config: Any) -> None:
    """Record the calls with stock vcrpy, a key in their headers."""
    path.parent.mkdir(parents=True)
    headers = {"content-type": "application/json", "authorization": "Bearer sk-0123456789abcdef01"}
    with vcr.use_cassette(str(path), **config), httpx2.Client() as client:
        for one in wires:
            client.post(f"{loopback.url}{one.path}", content=one.body, headers=headers)


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "facts" / "qwen-plus" / "sum.yaml"


def test_identical_requests_of_vcrpy_are_trials_in_their_order(
    loopback: Loopback, cassette: Path, tmp_path: Path
) -> None:
    loopback.says(*(http(json.dumps({"text": text}).encode()) for text in ("one", "two", "three")))
    vcrpy_records(loopback, cassette, [wire()] * 3)
    tape = CassetteTransport(options(tmp_path))

    texts = [json.loads(step(tape.send(wire(), place(n))).body)["text"] for n in (2, 0, 1)]

    assert texts == ["three", "one", "two"]
    with pytest.raises(CassetteExhaustedError):
        step(tape.send(wire(), place(3)))


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param(http(b'{"text": "Paris"}'), b'{"text": "Paris"}', id="json"),
        pytest.param(http(STREAM, "text/event-stream"), STREAM, id="stream"),
        pytest.param(http(b"\x00\xff\xfe", "image/png"), b"\x00\xff\xfe", id="binary"),
        pytest.param(
            http(gzip.compress(b'{"n": 1}'), "application/json", "content-encoding: gzip"),
            b'{"n": 1}',
            id="gzip",
        ),
    ],
)
def test_what_vcrpy_wrote_is_replayed(
    loopback: Loopback, cassette: Path, tmp_path: Path, answer: list[bytes], body: bytes
) -> None:
    loopback.says(answer)
    vcrpy_records(loopback, cassette, [wire()])

    answered = step(CassetteTransport(options(tmp_path)).send(wire(), place()))

    assert answered.body == body
    assert (answered.status, answered.replayed) == (200, True)
    assert answered.header("content-encoding") is None


def test_vcrpy_recording_of_another_request_is_no_answer(
    loopback: Loopback, cassette: Path, tmp_path: Path
) -> None:
    loopback.says(http(b"{}"))
    vcrpy_records(loopback, cassette, [wire("Hello")])

    with pytest.raises(CassetteMissingError, match="'Hello' → 'Hi'"):
        step(CassetteTransport(options(tmp_path)).send(wire("Hi"), place()))


def test_anchors_and_old_status_codes_are_read(cassette: Path, tmp_path: Path) -> None:
    headers = {"content-type": ["application/json"]}
    request = {
        "method": "POST",
        "uri": f"{BASE}/chat/completions",
        "body": wire().body.decode(),
        "headers": headers,
    }
    response = {"status_code": 200, "headers": headers, "body": {"string": b"\xff\x00"}}
    text = yaml.dump({"interactions": [{"request": request, "response": response}], "version": 1})
    assert "&id001" in text
    assert "!!binary" in text
    cassette.parent.mkdir(parents=True)
    cassette.write_text(text)

    answered = step(CassetteTransport(options(tmp_path)).send(wire(), place()))

    assert (answered.status, answered.body) == (200, b"\xff\x00")


def test_recording_into_a_file_of_vcrpy_keeps_its_answers_and_drops_its_key(
    loopback: Loopback, cassette: Path, tmp_path: Path
) -> None:
    loopback.says(http(b'{"text": "one"}'), http(b'{"text": "two"}'))
    vcrpy_records(loopback, cassette, [wire()] * 2)
    assert "sk-0123456789abcdef01" in cassette.read_text()
    tape = CassetteTransport(options(tmp_path, "record"), Scripted(spoken("three")))
    for trial in range(3):
        step(tape.send(wire(), place(trial)))
    step(tape.aclose())

    assert "sk-0123456789abcdef01" not in cassette.read_text()
    assert "127.0.0.1" not in cassette.read_text()
    replay = CassetteTransport(options(tmp_path))
    texts = [json.loads(step(replay.send(wire(), place(n))).body)["text"] for n in range(3)]
    assert texts == ["one", "two", "three"]
    assert assert_vcrpy_replays(cassette) == 3
