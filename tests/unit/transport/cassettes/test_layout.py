"""The form of a cassette: two readers, one meaning."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from vcr.serializers import yamlserializer

from qeval.errors import CassetteCorruptError
from qeval.exchange import Place
from qeval.transport.cassettes import layout, reading
from qeval.transport.cassettes.interaction import Interaction, Recorded, indented

BASE = "https://model-studio.invalid/compatible-mode/v1/chat/completions"
JSON = (("content-type", "application/json"),)


def interaction(
    request: bytes = b'{"model": "qwen-plus", "n": 1}',
    response: bytes = b'{"id": "chatcmpl-1", "n": 1}',
    **fields: Any,
) -> Interaction:
    given_fields: dict[str, Any] = {
        "status": 200,
        "place": Place(case="sum", scenario="factual_qa", trial=0),
        "recorded": Recorded(date="2026-11-22T20:14:40Z", latency_s=0.21, source="simulator"),
        "request_headers": JSON,
        "response_headers": JSON,
    }
    return Interaction(
        method="POST",
        uri=BASE,
        request=indented(request),
        reason="OK",
        response=indented(response),
        **(given_fields | fields),
    )


def by_yaml(data: bytes) -> list[Interaction]:
    return reading._foreign(data.decode(), "sum")


def read(data: bytes) -> list[Interaction]:
    return reading.read(
        data, "sum", "cassettes/facts/qwen-plus/sum.yaml", "qeval run --mode record"
    )


def test_file_is_written_to_be_read_by_people() -> None:
    written = layout.write([interaction(chunks=(3, 4), error="the connection was cut")])

    assert written == (
        "# qeval cassette 1\n"
        "version: 1\n"
        "interactions:\n"
        "- request:\n"
        "    method: POST\n"
        f'    uri: "{BASE}"\n'
        "    body: |2-\n"
        "      {\n"
        '        "model": "qwen-plus",\n'
        '        "n": 1\n'
        "      }\n"
        "    headers:\n"
        '      "content-type":\n'
        '      - "application/json"\n'
        "  response:\n"
        "    status:\n"
        "      code: 200\n"
        '      message: "OK"\n'
        "    headers:\n"
        '      "content-type":\n'
        '      - "application/json"\n'
        "    body:\n"
        "      string: |2-\n"
        "        {\n"
        '          "id": "chatcmpl-1",\n'
        '          "n": 1\n'
        "        }\n"
        "  qeval:\n"
        '    scenario: "factual_qa"\n'
        "    trial: 0\n"
        "    turn: 0\n"
        "    attempt: 0\n"
        "    chunks: [3, 4]\n"
        '    error: "the connection was cut"\n'
        '    recorded: {"date": "2026-11-22T20:14:40Z", "latency_s": 0.21, "source": "simulator", "seal": "d5e771bf"}\n'
        "...\n"
    )


ODD = "aé\u4e2d😀\x00\x85\x9f\u2028\u2029\u202e\ufeff\uffff\r\n\t #'\"\\:-|>&*!%@`{}[],?"
texts = st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"])))
plain = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3),
    max_leaves=8,
)
bodies = st.one_of(
    st.binary(max_size=40),
    texts.map(str.encode),
    st.lists(texts, max_size=4).map(lambda lines: "\n".join(lines).encode()),
    documents.map(lambda value: indented(json.dumps(value, ensure_ascii=False).encode())),
    documents.map(lambda value: indented(json.dumps(value).encode())),
)
names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
seconds = st.floats(0, 1e6).map(lambda value: round(value, 4))
headers = st.dictionaries(names, st.lists(texts | plain, min_size=1, max_size=2), max_size=2).map(
    lambda found: tuple((name, value) for name in sorted(found) for value in found[name])
)
recordings = st.builds(
    Recorded,
    date=st.none() | plain,
    latency_s=st.none() | seconds,
    chunk_times=st.lists(seconds, max_size=3).map(tuple),
    request_id=st.none() | texts,
    headers=st.dictionaries(names, texts | plain, max_size=2),
    source=st.none() | plain,
)
counts = st.integers(0, 10**8)
places = st.builds(
    Place, case=st.just("sum"), scenario=texts | plain, trial=counts, turn=counts, attempt=counts
)
interactions = st.builds(
    Interaction,
    method=st.sampled_from(["POST", "GET"]),
    uri=texts | plain,
    request=bodies,
    status=st.integers(100, 599),
    request_headers=headers,
    reason=texts | plain,
    response=bodies,
    response_headers=headers,
    place=st.none() | places,
    chunks=st.lists(counts, max_size=3).map(tuple),
    error=st.none() | texts | plain,
    recorded=recordings,
)
files = st.lists(interactions, min_size=1, max_size=3)


@settings(max_examples=100)
@given(files)
def test_both_readers_give_back_what_was_written(written: list[Interaction]) -> None:
    data = layout.write(written).encode()

    assert by_yaml(data) == written
    assert layout.read(data, "sum") in (None, written)


@settings(max_examples=50)
@given(files)
def test_writing_what_was_read_gives_the_same_bytes(written: list[Interaction]) -> None:
    data = layout.write(written).encode()

    assert layout.write(by_yaml(data)).encode() == data


@settings(max_examples=50)
@given(files)
def test_stock_vcrpy_reads_the_same_bodies_and_requests(written: list[Interaction]) -> None:
    document = yamlserializer.deserialize(layout.write(written))

    assert document["version"] == 1
    for one, entry in zip(written, document["interactions"], strict=True):
        assert entry["request"].keys() == {"method", "uri", "body", "headers"}
        bodies = entry["request"]["body"], entry["response"]["body"]["string"]
        assert [b if isinstance(b, bytes) else b.encode() for b in bodies] == [
            one.request,
            one.response,
        ]


def test_ordinary_recordings_are_read_without_a_yaml_parser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(yaml, "load", None)
    stream = b'data: {"n": 1}\n\ndata: [DONE]\n\n'
    written = [
        interaction(),
        interaction(response='{"text": "Größe 中文 😀"}'.encode()),
        interaction(response=stream, chunks=(16, 14)),
        interaction(response=b"\x1f\x8b\x00", error="cut"),
        interaction(response=b"<html>\t</html>"),
        interaction(response=b""),
        interaction(response=b"\n\n"),
        interaction(recorded=Recorded(headers={"x-ratelimit-remaining": "3"}), place=None),
        interaction(recorded=Recorded()),
    ]

    assert read(layout.write(written[:1]).encode()) == written[:1]
    assert layout.read(layout.write(written).encode(), "sum") == written


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":1,"a":1.0}', id="key-repeated"),
        pytest.param(b'{"a":1.0,"b":1,"c":1e2,"d":-0.0}', id="numbers-as-spelled"),
        pytest.param(b'{"a":12345678901234567890123}', id="beyond-64-bits"),
        pytest.param(b'{"a":1e400}', id="beyond-floats"),
        pytest.param(b'{"a":"\\ud83d\\ude00\\u0041\\/"}', id="escapes"),
        pytest.param(b'{"a":"\\ud800"}', id="lone-surrogate"),
        pytest.param(b'{"a":NaN}', id="not-quite-json"),
        pytest.param(b"[" * 5000 + b"]" * 5000, id="deep"),
        pytest.param('{"a":1}'.encode("utf-16"), id="utf-16"),
        pytest.param("\ufeff{}".encode(), id="byte-order-mark"),
        pytest.param(b'{"a": "\xff"}', id="not-utf-8"),
    ],
)
def test_json_keeps_every_token(body: bytes) -> None:
    stored = read(layout.write([interaction(response=body)]).encode())[0].response

    def tokens(data: bytes) -> object:
        return json.loads(data, object_pairs_hook=list, parse_float=str, parse_int=str)

    if stored != body:
        assert tokens(stored) == tokens(body)
        assert b"".join(stored.split()) == b"".join(body.split())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("trailing \nblanks\t\n", id="trailing-blanks"),
        pytest.param("\n\n  leading\n", id="leading-blanks"),
        pytest.param("a\n\n\n", id="blank-lines-at-the-end"),
        pytest.param("   \n   \n", id="blanks-alone"),
        pytest.param("a\rb\r\nc", id="carriage-returns"),
        pytest.param("a\x85b\nc", id="next-line"),
        pytest.param("a\u2028b\nc\u2029", id="separators"),
        pytest.param("\ufeffa\nb", id="byte-order-mark"),
        pytest.param("nul\x00\nhere", id="nul"),
        pytest.param("\x1b[31mred\x1b[0m\n", id="terminal-codes"),
        pytest.param("😀\n👩‍👩‍👧", id="emoji"),
        pytest.param("- request:\n    method: POST\n  qeval:\n...\n", id="looks-like-a-cassette"),
        pytest.param("---\n...\n# x\n", id="document-marks"),
        pytest.param("data: {}\r\n\r\ndata: [DONE]\r\n\r\n", id="stream-with-crlf"),
        pytest.param("a\u202eb\n", id="direction-marks"),
        pytest.param("\t\n\t", id="tabs"),
        pytest.param("", id="empty"),
    ],
)
def test_other_bodies_come_back_byte_for_byte(body: str) -> None:
    data = layout.write([interaction(response=body.encode())]).encode()

    assert read(data)[0].response == body.encode()
    assert by_yaml(data)[0].response == body.encode()


def test_fifty_megabytes_come_back() -> None:
    long = interaction(response=b"x" * 49_000_000 + b"\n" + b"y" * 1_000_000)

    assert layout.read(layout.write([long]).encode(), "sum") == [long]


SAMPLE = layout.write(
    [
        interaction(response=b'data: {"n": 1}\n\ndata: [DONE]\n\n', chunks=(16, 14)),
        interaction(
            place=Place(case="sum", scenario="warm", trial=12, attempt=1),
            status=429,
            error="cut",
            recorded=Recorded(chunk_times=(0.1, 2.0), request_id="r-1", headers={"x-n": "3"}),
        ),
    ]
).encode()
PIECES = (b" ", b"\n", b"#", b"-", b'"', b":", b"|", b"0", b"1", b"e", b"{}", b",", b"~", b"'")


def edited(data: bytes, random: Random) -> bytes:
    """Return the file as a hand, a merge or a lost disk might leave it."""
    lines = data.splitlines(keepends=True)
    at = random.randrange(len(lines))
    place = random.randrange(len(data))
    piece = random.choice(PIECES)
    edits = [
        b"".join(lines[:at] + lines[at + 1 :]),
        b"".join(lines[: at + 1] + lines[at:]),
        b"".join([*lines[:at], b"  " + lines[at], *lines[at + 1 :]]),
        b"".join([*lines[:at], lines[at][1:], *lines[at + 1 :]]),
        b"".join([*lines[:at], lines[at].rstrip() + b" \n", *lines[at + 1 :]]),
        b"".join([*lines[:at], b"<<<<<<< ours\n", *lines[at:]]),
        data[:place],
        data[:place] + data[place + 1 :],
        data[:place] + piece + data[place:],
        data[:place] + piece + data[place + 1 :],
        data.replace(b"\n", b"\r\n"),
    ]
    return random.choice(edits)


@settings(max_examples=100)
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_fast_reader_never_says_other_than_the_general_one(random: Random, times: int) -> None:
    data = SAMPLE
    for _ in range(times):
        data = edited(data, random) or data
    fast = layout.read(data, "sum")

    if fast is not None:
        assert fast == by_yaml(data)


def test_a_file_cut_anywhere_is_damaged() -> None:
    for length in range(len(SAMPLE) - 1):
        with pytest.raises(CassetteCorruptError):
            read(SAMPLE[:length])


def test_general_reader_reads_a_file_checked_out_with_other_line_ends() -> None:
    assert read(SAMPLE.replace(b"\n", b"\r\n")) == read(SAMPLE)


TWELVE = layout.write(
    [
        interaction(place=Place(case="sum", scenario="warm", trial=12), response=b'{"n": 12}'),
        interaction(place=Place(case="sum", scenario="warm", trial=13), response=b'{"n": 13}'),
    ]
)
LINES = TWELVE.splitlines(keepends=True)
OUTSIDE = [at for at, line in enumerate(LINES) if not line.startswith("      ")]
"""Lines that are of no body and no header."""


@pytest.mark.parametrize("at", OUTSIDE)
@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda _: "", id="deleted"),
        pytest.param(lambda line: line + line, id="doubled"),
        pytest.param(lambda line: " " + line, id="indented"),
        pytest.param(lambda line: line[1:], id="outdented"),
        pytest.param(lambda line: line.replace(":", "", 1), id="colon-lost"),
        pytest.param(lambda line: line.replace('"', "", 1), id="quote-lost"),
        pytest.param(lambda line: "<<<<<<< ours\n" + line, id="merge-mark"),
        pytest.param(lambda line: line.rstrip("\n") + " # seen\n", id="comment"),
        pytest.param(lambda line: line.rstrip("\n"), id="joined-to-the-next"),
        pytest.param(lambda line: line.replace("  ", "\t"), id="tabs"),
    ],
)
def test_a_line_spoilt_by_hand_gives_an_error_or_the_true_answer(
    at: int, edit: Callable[[str], str]
) -> None:
    spoilt = "".join([*LINES[:at], edit(LINES[at]), *LINES[at + 1 :]])
    found: list[Interaction] = []
    with suppress(CassetteCorruptError):
        found = read(spoilt.encode())

    for one in found:
        if one.place is not None and one.place.scenario == "warm":
            assert (one.status, json.loads(one.response)) == (200, {"n": one.place.trial})
