"""What is recorded, kept, replaced and replayed."""

from __future__ import annotations

import asyncio
import json
import random
import re
from typing import TYPE_CHECKING

import pytest

from qeval.errors import TransportError
from qeval.exchange import Answer, Place, Wire

if TYPE_CHECKING:
    from tests.unit.transport.cassettes.conftest import Project


def test_twenty_identical_concurrent_trials_each_get_their_own_answer_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = project.server(lambda _, place: project.answer(b'{"n": %d}' % place.trial))
    quick = server.send

    async def slow(wire: Wire, place: Place) -> Answer:
        await asyncio.sleep(random.random() / 100)  # noqa: S311 - an order, no secret
        return await quick(wire, place)

    monkeypatch.setattr(server, "send", slow)
    transport = project.transport("record", server)

    async def record() -> None:
        await asyncio.gather(
            *(transport.send(project.wire(), project.place(trial)) for trial in range(20))
        )
        await transport.aclose()

    asyncio.run(record())

    replay = project.transport()
    for trial in reversed(range(20)):
        assert json.loads(project.step(replay.send(project.wire(), project.place(trial))).body) == {
            "n": trial
        }


def test_a_replayed_answer_says_all_that_was_recorded(project: Project) -> None:
    headers = (
        *project.json,
        ("retry-after", "3"),
        ("set-cookie", "session=1"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-request-id", "r-1"),
    )
    project.record(project.answer(b'{"a":1.0}', headers=headers))

    found = project.replay()

    assert found == project.answer(
        b'{\n  "a": 1.0\n}',
        headers=(
            ("content-type", "application/json"),
            ("retry-after", "3"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-request-id", "r-1"),
        ),
        replayed=True,
    )


def test_what_changes_with_every_call_stands_in_one_line(project: Project) -> None:
    def recorded(number: int) -> list[str]:
        headers = (
            *project.json,
            ("x-request-id", f"r-{number}"),
            ("x-ratelimit-limit", str(number)),
        )
        project.file.unlink(missing_ok=True)
        project.record(
            project.answer(
                headers=headers, latency_s=number / 8, recorded_at=f"2026-11-2{number}T00:00:00Z"
            )
        )
        return project.file.read_text().splitlines()

    first, second = recorded(1), recorded(2)

    different = [one for one, other in zip(first, second, strict=True) if one != other]
    assert [line.split(":")[0].strip() for line in different] == ["recorded"]


def test_a_stream_keeps_its_chunks_and_their_times(project: Project) -> None:
    body = b'data: {"d": 1}\n\ndata: [DONE]\n\n'
    streamed = project.answer(
        body, headers=(("content-type", "text/event-stream"),), chunks=((16, 0.05), (14, 0.5))
    )

    project.record(streamed)

    assert project.replay().chunks == ((16, 0.05), (14, 0.5))
    assert project.replay().body == body


def test_record_asks_only_for_what_is_missing_or_stale(project: Project) -> None:
    project.record(project.answer(b'{"n": 0}'), project.answer(b'{"n": 1}'))
    server = project.server(lambda *_: project.answer(b'{"n": 9}'))
    transport = project.transport("record", server)

    project.step(transport.send(project.wire(), project.place(0)))
    project.step(transport.send(project.wire(b'{"q": "Spain?"}'), project.place(1)))
    project.step(transport.send(project.wire(), project.place(2)))
    project.step(transport.aclose())

    assert [asked.trial for _, asked in server.asked] == [1, 2]
    assert json.loads(project.replay(0).body) == {"n": 0}
    assert json.loads(project.replay(1, b'{"q": "Spain?"}').body) == {"n": 9}
    assert json.loads(project.replay(2).body) == {"n": 9}
    assert server.closed


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503])
def test_record_asks_again_where_the_moment_or_the_account_was_at_fault(
    project: Project, status: int
) -> None:
    project.record(project.answer(b'{"error": {}}', status=status))

    server = project.record(project.answer())

    assert len(server.asked) == 1
    assert project.replay().status == 200


def test_record_does_not_ask_again_what_was_refused_for_good(project: Project) -> None:
    project.record(project.answer(b'{"error": {"code": "data_inspection_failed"}}', status=400))

    assert project.record(project.answer()).asked == []


def test_record_asks_again_for_a_cut_answer_and_replay_gives_it_as_it_came(
    project: Project,
) -> None:
    cut = "qwen-7.example.net:443: the connection was cut: the server closed it"
    project.record(
        project.answer(b"data: {", headers=(("content-type", "text/event-stream"),), error=cut)
    )

    assert project.replay().error == "the connection was cut: the server closed it"
    assert project.replay().body == b"data: {"
    assert len(project.record(project.answer()).asked) == 1


def test_every_attempt_is_stored_and_the_last_is_replayed(project: Project) -> None:
    statuses = [429, 500, 200]
    server = project.server(lambda _, place: project.answer(status=statuses[place.attempt]))
    transport = project.transport("record", server)
    for attempt in range(3):
        project.step(transport.send(project.wire(), project.place(attempt=attempt)))
    project.step(transport.aclose())

    found = project.replay()

    assert (found.status, found.attempts) == (200, 3)
    assert [int(code) for code in re.findall(r"code: (\d+)", project.file.read_text())] == statuses


def test_an_attempt_that_brought_nothing_is_counted_but_not_stored(project: Project) -> None:
    def say(_: Wire, place: Place) -> Answer:
        if place.attempt == 0:
            raise TransportError("no answer", kind="timeout")
        return project.answer()

    transport = project.transport("record", project.server(say))
    with pytest.raises(TransportError):
        project.step(transport.send(project.wire(), project.place()))
    project.step(transport.send(project.wire(), project.place(attempt=1)))
    project.step(transport.aclose())

    assert project.replay().attempts == 2
    assert project.file.read_text().count("- request:") == 1


def test_fewer_attempts_replace_all_earlier_ones(project: Project) -> None:
    server = project.server(lambda *_: project.answer(status=500))
    transport = project.transport("record", server)
    for attempt in range(3):
        project.step(transport.send(project.wire(), project.place(attempt=attempt)))
    project.step(transport.aclose())

    project.record(project.answer())

    assert project.replay().attempts == 1
    assert project.file.read_text().count("- request:") == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            b'{"id": "a", "created": 1, "text": "x"}',
            b'{"id": "b", "created": 2, "text": "x"}',
            id="json",
        ),
        pytest.param(
            b'data: {"id": "a", "created": 1, "d": "x"}\n\ndata: [DONE]\n\n',
            b'data: {"id": "b", "created": 2, "d": "x"}\n\ndata: [DONE]\n\n',
            id="events",
        ),
    ],
)
def test_a_refresh_that_finds_the_same_answers_leaves_the_file_as_it_is(
    project: Project, before: bytes, after: bytes
) -> None:
    kind = "application/json" if before[:1] == b"{" else "text/event-stream"
    headers = (("content-type", kind),)
    project.record(project.answer(before, headers=headers))
    stored, changed = project.file.read_bytes(), project.file.stat().st_mtime_ns

    server = project.record(
        project.answer(after, headers=headers, latency_s=9.0, recorded_at="2027-01-01T00:00:00Z"),
        mode="refresh",
    )

    assert len(server.asked) == 1
    assert project.file.read_bytes() == stored
    assert project.file.stat().st_mtime_ns == changed


def test_a_refresh_replaces_what_changed_and_keeps_what_nobody_asks_for(project: Project) -> None:
    project.record(project.answer(b'{"n": 0}'), project.answer(b'{"n": 1}'))

    project.record(project.answer(b'{"n": 7}'), mode="refresh")

    assert json.loads(project.replay(0).body) == {"n": 7}
    assert json.loads(project.replay(1).body) == {"n": 1}


def test_the_order_of_endings_leaves_no_trace(project: Project) -> None:
    def recorded(order: list[int]) -> bytes:
        project.file.unlink(missing_ok=True)
        transport = project.transport(
            "record", project.server(lambda _, place: project.answer(b'{"n": %d}' % place.trial))
        )
        for trial in order:
            project.step(transport.send(project.wire(), project.place(trial)))
        project.step(transport.end_case("capital"))
        return project.file.read_bytes()

    assert recorded([0, 1, 2, 10]) == recorded([10, 2, 0, 1])


def test_scenarios_and_turns_of_a_case_share_its_file(project: Project) -> None:
    server = project.server(lambda _, p: project.answer(json.dumps([p.scenario, p.turn]).encode()))
    transport = project.transport("record", server)
    calls = [
        project.place(0, scenario, turn=turn) for scenario in ("cold", "hot") for turn in (0, 1)
    ]
    for call in calls:
        project.step(transport.send(project.wire(), call))
    project.step(transport.aclose())

    replay = project.transport()
    for call in calls:
        found = json.loads(project.step(replay.send(project.wire(), call)).body)
        assert found == [call.scenario, call.turn]


def test_keys_in_another_order_are_the_same_request(project: Project) -> None:
    project.record(project.answer(), body=b'{"a": 1, "b": [true]}')

    assert project.replay(body=b'{ "b":[true],"a":1 }').status == 200


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'{"a": 1}', b'{"a": 1.0}', id="integer-and-float"),
        pytest.param(b'{"a": 1}', b'{"a": true}', id="number-and-truth"),
        pytest.param(b'{"a": 9007199254740993}', b'{"a": 9007199254740992}', id="beyond-doubles"),
        pytest.param(
            b'{"a": 123456789012345678901}', b'{"a": 123456789012345678902}', id="beyond-64-bits"
        ),
        pytest.param(b'{"a": "\\ud800"}', b'{"a": "\\ud801"}', id="lone-surrogates"),
        pytest.param(b'{"a": NaN}', b'{"a": null}', id="not-a-number"),
    ],
)
def test_requests_that_only_look_alike_are_not_taken_for_each_other(
    project: Project, old: bytes, new: bytes
) -> None:
    project.record(project.answer(), body=old)
    server = project.record(project.answer(), body=new)

    assert len(server.asked) == 1
    assert project.replay(body=new).status == 200


def test_a_large_inline_picture_is_kept_and_matched_by_its_digest(project: Project) -> None:
    def asking(filler: str) -> bytes:
        return json.dumps({"url": "data:image/png;base64," + filler * 500}).encode()

    project.record(project.answer(), body=asking("iVBOR/w+"))

    assert project.file.stat().st_size < 1000
    assert "qeval-media:sha256-" in project.file.read_text()
    assert project.replay(body=asking("iVBOR/w+")).status == 200
    assert len(project.record(project.answer(), body=asking("iVBOR/w/")).asked) == 1


def test_the_simulator_is_named_in_the_file(project: Project) -> None:
    project.record(
        project.answer(source="simulator", headers=(*project.json, ("x-qeval-simulator", "1")))
    )

    assert '"source": "simulator"' in project.file.read_text()
    assert project.replay().source == "simulator"
    assert project.replay().header("x-qeval-simulator") == "1"
