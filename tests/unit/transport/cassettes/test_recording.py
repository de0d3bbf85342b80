"""What is recorded, kept, replaced and replayed."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import re
from collections.abc import Callable, Coroutine
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest

from qeval.errors import (
    CassetteCorruptError,
    CassetteSecretError,
    StoreError,
    TransportError,
    UsageError,
)
from qeval.exchange import Answer, Place, Wire
from qeval.transport.cassettes import CassetteOptions, CassetteTransport

T = TypeVar("T")
JSON = (("content-type", "application/json"),)
BASE = "https://endpoint.invalid/v1"


def answer(body: bytes = b'{"text": "Paris"}', **fields: Any) -> Answer:
    return Answer(
        **{
            "status": 200,
            "headers": JSON,
            "body": body,
            "latency_s": 0.25,
            "recorded_at": "2026-11-22T20:14:40Z",
            "source": "endpoint",
            **fields,
        }
    )


class Server:
    """Answers with what `say` returns, and keeps what it was asked."""

    immediate = False

    def __init__(self, say: Callable[[Wire, Place], Answer]) -> None:
        self.say = say
        self.asked: list[tuple[bytes, Place]] = []
        self.closed = False

    async def send(self, wire: Wire, place: Place) -> Answer:
        self.asked.append((wire.body, place))
        return self.say(wire, place)

    async def end_case(self, case: str) -> None:  # noqa: ARG002 - the seam's signature
        raise AssertionError("the cassette ends cases itself")

    async def aclose(self) -> None:
        self.closed = True


class Project:
    """Transports over one folder of recordings, stepped without an event loop."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "cassettes" / "facts" / "qwen-plus"
        self.file = self.folder / "capital.yaml"

    def transport(
        self, mode: str = "replay", server: Server | None = None, secrets: tuple[str, ...] = ()
    ) -> CassetteTransport:
        options: dict[str, Any] = {"mode": mode}
        return CassetteTransport(
            CassetteOptions(
                folder=self.folder,
                root=self.root,
                base=BASE,
                secrets=secrets,
                command="qeval run suites/facts.yaml --mode record",
                **options,
            ),
            server,
        )

    def record(
        self, *said: Answer, body: bytes = b'{"q": "France?"}', mode: str = "record"
    ) -> Server:
        """Record one trial for each answer."""
        server = Server(lambda _, place: said[place.trial])
        transport = self.transport(mode, server)
        for trial in range(len(said)):
            step(transport.send(wire(body), place(trial)))
        step(transport.aclose())
        return server

    def replay(self, trial: int = 0, body: bytes = b'{"q": "France?"}') -> Answer:
        return step(self.transport().send(wire(body), place(trial)))


def wire(body: bytes = b'{"q": "France?"}', **fields: Any) -> Wire:
    return Wire(**{"path": "/chat/completions", "body": body, **fields})


def place(trial: int = 0, scenario: str = "main", **fields: Any) -> Place:
    return Place(**{"case": "capital", "scenario": scenario, "trial": trial, **fields})


def step(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it suspended")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_twenty_identical_concurrent_trials_each_get_their_own_answer_back(
    project: Project,
) -> None:
    class Slow(Server):
        async def send(self, wire: Wire, place: Place) -> Answer:
            await asyncio.sleep(random.random() / 100)  # noqa: S311 - an order, no secret
            return await super().send(wire, place)

    server = Slow(lambda _, place: answer(b'{"n": %d}' % place.trial))
    transport = project.transport("record", server)

    async def record() -> None:
        await asyncio.gather(*(transport.send(wire(), place(trial)) for trial in range(20)))
        await transport.aclose()

    asyncio.run(record())

    replay = project.transport()
    for trial in reversed(range(20)):
        assert json.loads(step(replay.send(wire(), place(trial))).body) == {"n": trial}


def test_a_replayed_answer_says_all_that_was_recorded(project: Project) -> None:
    headers = (
        *JSON,
        ("retry-after", "3"),
        ("set-cookie", "session=1"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-request-id", "r-1"),
    )
    project.record(answer(b'{"a":1.0}', headers=headers))

    found = project.replay()

    assert found == answer(
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
        headers = (*JSON, ("x-request-id", f"r-{number}"), ("x-ratelimit-limit", str(number)))
        project.file.unlink(missing_ok=True)
        project.record(
            answer(
                headers=headers, latency_s=number / 8, recorded_at=f"2026-11-2{number}T00:00:00Z"
            )
        )
        return project.file.read_text().splitlines()

    first, second = recorded(1), recorded(2)

    different = [one for one, other in zip(first, second, strict=True) if one != other]
    assert [line.split(":")[0].strip() for line in different] == ["recorded"]


def test_a_stream_keeps_its_chunks_and_their_times(project: Project) -> None:
    body = b'data: {"d": 1}\n\ndata: [DONE]\n\n'
    streamed = answer(
        body, headers=(("content-type", "text/event-stream"),), chunks=((16, 0.05), (14, 0.5))
    )

    project.record(streamed)

    assert project.replay().chunks == ((16, 0.05), (14, 0.5))
    assert project.replay().body == body


def test_record_asks_only_for_what_is_missing_or_stale(project: Project) -> None:
    project.record(answer(b'{"n": 0}'), answer(b'{"n": 1}'))
    server = Server(lambda *_: answer(b'{"n": 9}'))
    transport = project.transport("record", server)

    step(transport.send(wire(), place(0)))
    step(transport.send(wire(b'{"q": "Spain?"}'), place(1)))
    step(transport.send(wire(), place(2)))
    step(transport.aclose())

    assert [asked.trial for _, asked in server.asked] == [1, 2]
    assert json.loads(project.replay(0).body) == {"n": 0}
    assert json.loads(project.replay(1, b'{"q": "Spain?"}').body) == {"n": 9}
    assert json.loads(project.replay(2).body) == {"n": 9}
    assert server.closed


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503])
def test_record_asks_again_where_the_moment_or_the_account_was_at_fault(
    project: Project, status: int
) -> None:
    project.record(answer(b'{"error": {}}', status=status))

    server = project.record(answer())

    assert len(server.asked) == 1
    assert project.replay().status == 200


def test_record_does_not_ask_again_what_was_refused_for_good(project: Project) -> None:
    project.record(answer(b'{"error": {"code": "data_inspection_failed"}}', status=400))

    assert project.record(answer()).asked == []


def test_record_asks_again_for_a_cut_answer_and_replay_gives_it_as_it_came(
    project: Project,
) -> None:
    cut = "qwen-7.example.net:443: the connection was cut: the server closed it"
    project.record(answer(b"data: {", headers=(("content-type", "text/event-stream"),), error=cut))

    assert project.replay().error == "the connection was cut: the server closed it"
    assert project.replay().body == b"data: {"
    assert len(project.record(answer()).asked) == 1


def test_every_attempt_is_stored_and_the_last_is_replayed(project: Project) -> None:
    statuses = [429, 500, 200]
    server = Server(lambda _, place: answer(status=statuses[place.attempt]))
    transport = project.transport("record", server)
    for attempt in range(3):
        step(transport.send(wire(), place(attempt=attempt)))
    step(transport.aclose())

    found = project.replay()

    assert (found.status, found.attempts) == (200, 3)
    assert [int(code) for code in re.findall(r"code: (\d+)", project.file.read_text())] == statuses


def test_an_attempt_that_brought_nothing_is_counted_but_not_stored(project: Project) -> None:
    def say(_: Wire, place: Place) -> Answer:
        if place.attempt == 0:
            raise TransportError("no answer", kind="timeout")
        return answer()

    transport = project.transport("record", Server(say))
    with pytest.raises(TransportError):
        step(transport.send(wire(), place()))
    step(transport.send(wire(), place(attempt=1)))
    step(transport.aclose())

    assert project.replay().attempts == 2
    assert project.file.read_text().count("- request:") == 1


def test_fewer_attempts_replace_all_earlier_ones(project: Project) -> None:
    server = Server(lambda *_: answer(status=500))
    transport = project.transport("record", server)
    for attempt in range(3):
        step(transport.send(wire(), place(attempt=attempt)))
    step(transport.aclose())

    project.record(answer())

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
    project.record(answer(before, headers=headers))
    stored, changed = project.file.read_bytes(), project.file.stat().st_mtime_ns

    server = project.record(
        answer(after, headers=headers, latency_s=9.0, recorded_at="2027-01-01T00:00:00Z"),
        mode="refresh",
    )

    assert len(server.asked) == 1
    assert project.file.read_bytes() == stored
    assert project.file.stat().st_mtime_ns == changed


def test_a_refresh_replaces_what_changed_and_keeps_what_nobody_asks_for(project: Project) -> None:
    project.record(answer(b'{"n": 0}'), answer(b'{"n": 1}'))

    project.record(answer(b'{"n": 7}'), mode="refresh")

    assert json.loads(project.replay(0).body) == {"n": 7}
    assert json.loads(project.replay(1).body) == {"n": 1}


def test_the_order_of_endings_leaves_no_trace(project: Project) -> None:
    def recorded(order: list[int]) -> bytes:
        project.file.unlink(missing_ok=True)
        transport = project.transport(
            "record", Server(lambda _, place: answer(b'{"n": %d}' % place.trial))
        )
        for trial in order:
            step(transport.send(wire(), place(trial)))
        step(transport.end_case("capital"))
        return project.file.read_bytes()

    assert recorded([0, 1, 2, 10]) == recorded([10, 2, 0, 1])


def test_scenarios_and_turns_of_a_case_share_its_file(project: Project) -> None:
    server = Server(lambda _, p: answer(json.dumps([p.scenario, p.turn]).encode()))
    transport = project.transport("record", server)
    calls = [place(0, scenario, turn=turn) for scenario in ("cold", "hot") for turn in (0, 1)]
    for call in calls:
        step(transport.send(wire(), call))
    step(transport.aclose())

    replay = project.transport()
    for call in calls:
        found = json.loads(step(replay.send(wire(), call)).body)
        assert found == [call.scenario, call.turn]


def test_keys_in_another_order_are_the_same_request(project: Project) -> None:
    project.record(answer(), body=b'{"a": 1, "b": [true]}')

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
    project.record(answer(), body=old)
    server = project.record(answer(), body=new)

    assert len(server.asked) == 1
    assert project.replay(body=new).status == 200


def test_a_large_inline_picture_is_kept_and_matched_by_its_digest(project: Project) -> None:
    def asking(filler: str) -> bytes:
        return json.dumps({"url": "data:image/png;base64," + filler * 500}).encode()

    project.record(answer(), body=asking("iVBOR/w+"))

    assert project.file.stat().st_size < 1000
    assert "qeval-media:sha256-" in project.file.read_text()
    assert project.replay(body=asking("iVBOR/w+")).status == 200
    assert len(project.record(answer(), body=asking("iVBOR/w/")).asked) == 1


def test_the_simulator_is_named_in_the_file(project: Project) -> None:
    project.record(answer(source="simulator", headers=(*JSON, ("x-qeval-simulator", "1"))))

    assert '"source": "simulator"' in project.file.read_text()
    assert project.replay().source == "simulator"
    assert project.replay().header("x-qeval-simulator") == "1"


def test_files_read_is_the_same_after_recording_and_after_replay(project: Project) -> None:
    transport = project.transport("record", Server(lambda *_: answer()))
    step(transport.send(wire(), place()))
    step(transport.end_case("capital"))

    replay = project.transport()
    step(replay.send(wire(), place()))

    digest = sha256(project.file.read_bytes()).hexdigest()
    expected = [("cassettes/facts/qwen-plus/capital.yaml", digest)]
    assert list(transport.files_read()) == list(replay.files_read()) == expected


def test_replay_is_immediate_and_has_no_way_to_the_network(project: Project) -> None:
    assert project.transport().immediate
    assert not project.transport("record", Server(lambda *_: answer())).immediate
    with pytest.raises(UsageError):
        project.transport("replay", Server(lambda *_: answer()))


def test_an_ended_case_is_forgotten(project: Project) -> None:
    project.record(answer(b'{"n": 0}'))
    replay = project.transport()
    step(replay.send(wire(), place()))
    step(replay.end_case("capital"))
    project.file.unlink()
    project.record(answer(b'{"n": 1}'))

    assert json.loads(step(replay.send(wire(), place())).body) == {"n": 1}


def test_a_new_file_is_its_owners_alone_and_leaves_nothing_beside_it(project: Project) -> None:
    old = os.umask(0)
    try:
        project.record(answer())
    finally:
        os.umask(old)

    assert project.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in project.folder.iterdir()] == ["capital.yaml"]


def _record_some(root: Path, first: int) -> None:
    project = Project(root)
    for trial in range(first, first + 10):
        transport = project.transport("record", Server(lambda _, p: answer(b'{"n": %d}' % p.trial)))
        step(transport.send(wire(), place(trial)))
        step(transport.aclose())


def test_workers_that_write_the_same_file_lose_nothing(project: Project) -> None:
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_record_some, args=(project.root, first)) for first in (0, 10, 20)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    for trial in range(30):
        assert json.loads(project.replay(trial).body) == {"n": trial}


@pytest.mark.parametrize(("target", "name"), [(os, "fdopen"), (Path, "replace")])
def test_a_full_disk_loses_nothing_that_was_there(
    project: Project, monkeypatch: pytest.MonkeyPatch, target: object, name: str
) -> None:
    project.record(answer(b'{"n": 0}'))
    stored = project.file.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(target, name, full)
    with pytest.raises(StoreError) as caught:
        project.record(answer(b'{"n": 0}'), answer(b'{"n": 1}'))
    monkeypatch.undo()

    assert "cassettes/facts/qwen-plus/capital.yaml: No space left on device" in str(caught.value)
    assert project.file.read_bytes() == stored
    assert [path.name for path in project.folder.iterdir()] == ["capital.yaml"]


def test_a_case_that_cannot_be_written_does_not_stop_the_others(project: Project) -> None:
    server = Server(lambda *_: answer())
    transport = project.transport("record", server)
    step(transport.send(wire(), place()))
    step(transport.send(wire(), place(case="other")))
    project.file.mkdir(parents=True)

    with pytest.raises(CassetteCorruptError):
        step(transport.aclose())

    assert (project.folder / "other.yaml").exists()
    assert server.closed


@pytest.mark.parametrize("case", ["../up", "a/b", ".hidden", "", "nul\0"])
def test_a_case_id_cannot_leave_the_folder(project: Project, case: str) -> None:
    with pytest.raises(UsageError):
        step(project.transport().send(wire(), place(case=case)))


def test_only_the_trial_that_would_leak_goes_unrecorded(project: Project) -> None:
    key = "correct-horse-battery"
    server = Server(
        lambda _, p: (
            answer(json.dumps({"error": {"message": f"no {key}"}}).encode())
            if p.trial
            else answer()
        )
    )
    transport = project.transport("record", server, secrets=(key,))

    step(transport.send(wire(), place(0)))
    with pytest.raises(CassetteSecretError) as caught:
        step(transport.send(wire(), place(1)))
    step(transport.aclose())

    assert key not in str(caught.value)
    assert str(caught.value) == (
        "cassettes/facts/qwen-plus/capital.yaml would hold a secret: the response's body"
        " of trial 1 under 'main' at error.message\n\n"
        "hint: take the key out of what is sent or answered; this trial was not recorded"
    )
    assert project.file.read_text().count("- request:") == 1
    assert key not in project.file.read_text()


def test_nothing_is_asked_for_the_sake_of_a_file_that_holds_a_secret(project: Project) -> None:
    project.record(answer(b'{"a": "correct-horse-battery"}'))
    stored = project.file.read_bytes()
    server = Server(lambda *_: answer())
    transport = project.transport("record", server, secrets=("correct-horse-battery",))

    with pytest.raises(CassetteSecretError) as caught:
        step(transport.send(wire(), place(1)))
    step(transport.aclose())

    assert str(caught.value) == (
        "cassettes/facts/qwen-plus/capital.yaml holds a secret: the response's body"
        " of trial 0 under 'main' at a\n\n"
        "hint: have the key revoked, delete the file and type"
        " `qeval run suites/facts.yaml --mode record`"
    )
    assert server.asked == []
    assert project.file.read_bytes() == stored


def test_a_secret_that_came_into_the_file_meanwhile_is_not_written_again(project: Project) -> None:
    transport = project.transport(
        "record", Server(lambda *_: answer()), secrets=("correct-horse-battery",)
    )
    step(transport.send(wire(), place(1)))
    project.record(answer(b'{"a": "correct-horse-battery"}'))
    stored = project.file.read_bytes()

    with pytest.raises(CassetteSecretError, match=r"the response's body of trial 0 under 'main'"):
        step(transport.aclose())
    assert project.file.read_bytes() == stored


def test_a_scenario_named_after_a_key_is_refused_without_repeating_it(project: Project) -> None:
    transport = project.transport("record", Server(lambda *_: answer()), secrets=("k-12345678",))

    with pytest.raises(CassetteSecretError, match=r"hold a secret: the scenario's name") as caught:
        step(transport.send(wire(), place(scenario="k-12345678")))
    assert "12345678" not in str(caught.value)


def test_a_refresh_that_finds_the_same_leaves_a_file_in_another_form_as_it_is(
    project: Project,
) -> None:
    project.record(answer())
    edited = project.file.read_text().replace("# qeval cassette 1", "# checked by hand")
    project.file.write_text(edited)
    transport = project.transport("refresh", Server(lambda *_: answer()))

    step(transport.send(wire(), place(0)))
    step(transport.aclose())

    assert project.file.read_text() == edited


def test_what_a_killed_run_left_is_swept_away(project: Project) -> None:
    project.record(answer())
    left = project.file.with_name(".writing-abc")
    left.write_text("half")

    project.record(answer(b'{"text": "two"}'), mode="refresh")

    assert [path.name for path in project.file.parent.iterdir()] == [project.file.name]


def test_options_do_not_show_their_secrets(project: Project) -> None:
    transport = project.transport("record", Server(lambda *_: answer()), secrets=("k-12345678",))

    assert "12345678" not in repr(transport._options)
