"""Cassettes of other hands: vcrpy's, edited ones, damaged ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.errors import CassetteCorruptError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.base import step
from qeval.transport.cassettes import CassetteOptions, CassetteTransport
from qeval.transport.cassettes.interaction import Interaction
from qeval.transport.cassettes.layout import write
from qeval.transport.cassettes.reading import read

FOREIGN = """\
interactions:
- request:
    body: '{"q": "France?"}'
    headers: &id001
      Content-Type:
      - application/json
      Authorization:
      - of no use here
    method: POST
    uri: http://10.0.0.7:8000/v1/chat/completions
  response:
    body:
      string: '{"text": "one"}'
    headers:
      Content-Type:
      - application/json
      Set-Cookie:
      - a=b
      X-Request-Id: r-1
    status:
      code: 200
      message: OK
- request:
    body: '{"q":"France?"}'
    headers: *id001
    method: POST
    uri: http://10.0.0.7:8000/v1/chat/completions
  response:
    content: '{"text": "two"}'
    headers: {}
    http_version: HTTP/1.1
    status_code: 200
version: 1
"""


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "cassettes" / "facts" / "qwen-plus" / "capital.yaml"
        self.file.parent.mkdir(parents=True)

    def transport(self, server: Any = None, mode: Any = "replay") -> CassetteTransport:
        return CassetteTransport(
            CassetteOptions(
                folder=self.file.parent,
                root=self.root,
                base="https://endpoint.invalid/v1",
                mode=mode,
                command="qeval run suites/facts.yaml --mode record",
            ),
            server,
        )

    def ask(self, trial: int = 0, transport: CassetteTransport | None = None) -> Answer:
        return step(
            (transport or self.transport()).send(
                Wire(path="/chat/completions", body=b'{"q": "France?"}'),
                Place(case="capital", scenario="main", trial=trial),
            )
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


class Same:
    immediate = False

    def __init__(self, text: str) -> None:
        self.text = text

    async def send(self, wire: Wire, place: Place) -> Answer:  # noqa: ARG002 - the seam's
        headers = (("content-type", "application/json"),)
        return Answer(status=200, headers=headers, body=json.dumps({"text": self.text}).encode())

    async def end_case(self, case: str) -> None: ...

    async def aclose(self) -> None: ...


def test_a_foreign_file_answers_the_nth_like_request_with_its_nth_recording(
    project: Project,
) -> None:
    project.file.write_text(FOREIGN)

    assert [json.loads(project.ask(trial).body)["text"] for trial in (1, 0)] == ["two", "one"]


def test_a_foreign_answer_brings_no_cookie(project: Project) -> None:
    project.file.write_text(FOREIGN)

    assert project.ask().headers == (("content-type", "application/json"), ("x-request-id", "r-1"))


def test_recording_beside_foreign_answers_keeps_their_order(project: Project) -> None:
    project.file.write_text(FOREIGN)
    transport = project.transport(Same("three"), "record")
    for trial in range(3):
        project.ask(trial, transport)
    step(transport.aclose())

    texts = [json.loads(project.ask(trial).body)["text"] for trial in range(3)]
    assert texts == ["one", "two", "three"]
    assert "10.0.0.7" not in project.file.read_text()
    assert "of no use" not in project.file.read_text()


def test_a_refresh_that_finds_the_same_leaves_a_foreign_file_as_it_is(project: Project) -> None:
    project.file.write_text(FOREIGN)
    transport = project.transport(Same("one"), "refresh")
    project.ask(0, transport)
    step(transport.aclose())

    assert project.file.read_text() == FOREIGN


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_a_packed_body_is_unpacked(project: Project, coding: str) -> None:
    document = yaml.safe_load(FOREIGN)
    response = document["interactions"][0]["response"]
    response["body"]["string"] = gzip.compress(b'{"text": "packed"}')
    response["headers"] |= {"Content-Encoding": [coding], "Content-Length": ["38"]}
    project.file.write_text(yaml.safe_dump(document))

    found = project.ask()

    assert json.loads(found.body) == {"text": "packed"}
    assert found.header("content-encoding") is None


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        pytest.param("", "it has no list of interactions", id="empty"),
        pytest.param("a: [", "it is not YAML: ", id="not-yaml"),
        pytest.param("just words", "it has no list of interactions", id="words"),
        pytest.param(
            "version: 1\ninteractions: 7\n", "it has no list of interactions", id="no-list"
        ),
        pytest.param("interactions: []\n", "it does not say `version: 1`", id="no-version"),
        pytest.param(
            "version: 1\ninteractions: [7]\n", "interactions[0] has no request", id="no-mapping"
        ),
        pytest.param(
            FOREIGN.replace("code: 200", "code: many"),
            "interactions[0].response has no status code",
            id="status",
        ),
        pytest.param(
            FOREIGN.replace("    method: POST\n", ""),
            "interactions[0].request.method is not text",
            id="method",
        ),
        pytest.param(
            FOREIGN.replace("    status_code: 200", "    status_code: 200\n  qeval: {trial: x}"),
            "interactions[1].qeval: Expected `int | null`, got `str` - at `$.trial`",
            id="trial",
        ),
        pytest.param(
            FOREIGN.replace("    status_code: 200", "    status_code: 200\n  qeval: {trial: 1}"),
            "interactions[1].qeval: scenario, trial, turn and attempt go together",
            id="trial-alone",
        ),
        pytest.param("a: 2026-13-45\n", "it is not YAML: month must be in 1..12", id="date"),
        pytest.param(
            "[" * 50_000, "it is not YAML: nested more than 200 levels deep (line 1)", id="deep"
        ),
    ],
)
def test_damage_is_told_with_its_place_and_what_mends_it(
    project: Project, text: str, fact: str
) -> None:
    project.file.write_text(text)

    with pytest.raises(CassetteCorruptError) as caught:
        project.ask()

    assert caught.value.message.startswith(
        f"cassettes/facts/qwen-plus/capital.yaml is damaged: {fact}"
    )
    assert caught.value.hint == (
        "restore the file, or delete it and type `qeval run suites/facts.yaml --mode record`"
    )


def test_a_damaged_file_is_not_recorded_over(project: Project) -> None:
    project.file.write_text("a: [")
    transport = project.transport(Same("new"), "record")

    with pytest.raises(CassetteCorruptError):
        project.ask(0, transport)
    step(transport.aclose())

    assert project.file.read_text() == "a: ["


def test_bytes_that_are_no_text_are_told(project: Project) -> None:
    project.file.write_bytes(b"version: 1\xff")

    with pytest.raises(CassetteCorruptError, match=r"it is not UTF-8 \(byte 10\)"):
        project.ask()


def ours(*trials: int) -> bytes:
    return write(
        Interaction(
            method="POST",
            uri="https://endpoint.invalid/v1/chat/completions",
            request=b'{\n  "q": "France?"\n}',
            status=200,
            response=b'{\n  "n": %d,\n  "text": "caf\xc3\xa9"\n}' % trial,
            place=Place(case="capital", scenario="main", trial=trial),
        )
        for trial in trials
    ).encode()


def test_two_answers_for_one_trial_are_refused() -> None:
    with pytest.raises(CassetteCorruptError, match="is the second for trial 1 under 'main'"):
        read(ours(0, 1, 1), "capital", "file", "command")


WHOLE = ours(0, 12)


@settings(max_examples=100)
@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_anywhere_gives_no_wrong_answer(end: int) -> None:
    whole = read(WHOLE, "capital", "file", "command")
    try:
        found = read(WHOLE[:end], "capital", "file", "command")
    except CassetteCorruptError:
        return
    assert found == whole


@settings(max_examples=100)
@given(st.integers(0, len(WHOLE)), st.binary(min_size=1, max_size=3))
def test_no_byte_in_the_wrong_place_upsets_the_reader(at: int, data: bytes) -> None:
    try:
        read(WHOLE[:at] + data + WHOLE[at:], "capital", "file", "command")
    except CassetteCorruptError as error:
        assert str(error).startswith("file is damaged: ")  # noqa: PT017 - most are no error
