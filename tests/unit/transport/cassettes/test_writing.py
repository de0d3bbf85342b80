"""The files that recordings are written to: whole, safe from other writers, without secrets."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qeval.errors import CassetteCorruptError, CassetteSecretError, StoreError, UsageError
from qeval.transport.cassettes import files

if TYPE_CHECKING:
    from tests.unit.transport.cassettes.conftest import Project


def test_files_read_is_the_same_after_recording_and_after_replay(project: Project) -> None:
    transport = project.transport("record", project.server(lambda *_: project.answer()))
    project.step(transport.send(project.wire(), project.place()))
    project.step(transport.end_case("capital"))

    replay = project.transport()
    project.step(replay.send(project.wire(), project.place()))

    digest = sha256(project.file.read_bytes()).hexdigest()
    expected = [("cassettes/facts/qwen-plus/capital.yaml", digest)]
    assert list(transport.shelf.files_read()) == list(replay.shelf.files_read()) == expected


def test_replay_is_immediate_and_has_no_way_to_the_network(project: Project) -> None:
    assert project.transport().immediate
    assert not project.transport("record", project.server(lambda *_: project.answer())).immediate
    with pytest.raises(UsageError):
        project.transport("replay", project.server(lambda *_: project.answer()))


def test_an_ended_case_is_forgotten(project: Project) -> None:
    project.record(project.answer(b'{"n": 0}'))
    replay = project.transport()
    project.step(replay.send(project.wire(), project.place()))
    project.step(replay.end_case("capital"))
    project.file.unlink()
    project.record(project.answer(b'{"n": 1}'))

    assert json.loads(project.step(replay.send(project.wire(), project.place())).body) == {"n": 1}


def test_a_new_file_is_its_owners_alone_and_leaves_nothing_beside_it(project: Project) -> None:
    old = os.umask(0)
    try:
        project.record(project.answer())
    finally:
        os.umask(old)

    assert project.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in project.folder.iterdir()] == ["capital.yaml"]


def _record_some(project: Project, first: int) -> None:
    for trial in range(first, first + 10):
        transport = project.transport(
            "record", project.server(lambda _, p: project.answer(b'{"n": %d}' % p.trial))
        )
        project.step(transport.send(project.wire(), project.place(trial)))
        project.step(transport.aclose())


def test_workers_that_write_the_same_file_lose_nothing(project: Project) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_record_some, args=(project, first)) for first in (0, 10, 20)]
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
    project.record(project.answer(b'{"n": 0}'))
    stored = project.file.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(target, name, full)
    with pytest.raises(StoreError) as caught:
        project.record(project.answer(b'{"n": 0}'), project.answer(b'{"n": 1}'))
    monkeypatch.undo()

    assert "cassettes/facts/qwen-plus/capital.yaml: No space left on device" in str(caught.value)
    assert project.file.read_bytes() == stored
    assert [path.name for path in project.folder.iterdir()] == ["capital.yaml"]


def test_a_case_that_cannot_be_written_does_not_stop_the_others(project: Project) -> None:
    server = project.server(lambda *_: project.answer())
    transport = project.transport("record", server)
    project.step(transport.send(project.wire(), project.place()))
    project.step(transport.send(project.wire(), project.place(case="other")))
    project.file.mkdir(parents=True)

    with pytest.raises(CassetteCorruptError):
        project.step(transport.aclose())

    assert (project.folder / "other.yaml").exists()
    assert server.closed


@pytest.mark.parametrize("case", ["../up", "a/b", ".hidden", "", "nul\0"])
def test_a_case_id_cannot_leave_the_folder(project: Project, case: str) -> None:
    with pytest.raises(UsageError):
        project.step(project.transport().send(project.wire(), project.place(case=case)))


def test_only_the_trial_that_would_leak_goes_unrecorded(project: Project) -> None:
    key = "correct-horse-battery"
    server = project.server(
        lambda _, p: (
            project.answer(json.dumps({"error": {"message": f"no {key}"}}).encode())
            if p.trial
            else project.answer()
        )
    )
    transport = project.transport("record", server, secrets=(key,))

    project.step(transport.send(project.wire(), project.place(0)))
    with pytest.raises(CassetteSecretError) as caught:
        project.step(transport.send(project.wire(), project.place(1)))
    project.step(transport.aclose())

    assert key not in str(caught.value)
    assert str(caught.value) == (
        "cassettes/facts/qwen-plus/capital.yaml would hold a secret: the response's body"
        " of trial 1 under 'main' at error.message\n\n"
        "hint: take the key out of what is sent or answered; this trial was not recorded"
    )
    assert project.file.read_text().count("- request:") == 1
    assert key not in project.file.read_text()


def test_nothing_is_asked_for_the_sake_of_a_file_that_holds_a_secret(project: Project) -> None:
    project.record(project.answer(b'{"a": "correct-horse-battery"}'))
    stored = project.file.read_bytes()
    server = project.server(lambda *_: project.answer())
    transport = project.transport("record", server, secrets=("correct-horse-battery",))

    with pytest.raises(CassetteSecretError) as caught:
        project.step(transport.send(project.wire(), project.place(1)))
    project.step(transport.aclose())

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
        "record", project.server(lambda *_: project.answer()), secrets=("correct-horse-battery",)
    )
    project.step(transport.send(project.wire(), project.place(1)))
    project.record(project.answer(b'{"a": "correct-horse-battery"}'))
    stored = project.file.read_bytes()

    with pytest.raises(CassetteSecretError, match=r"the response's body of trial 0 under 'main'"):
        project.step(transport.aclose())
    assert project.file.read_bytes() == stored


def test_a_scenario_named_after_a_key_is_refused_without_repeating_it(project: Project) -> None:
    transport = project.transport(
        "record", project.server(lambda *_: project.answer()), secrets=("k-12345678",)
    )

    with pytest.raises(CassetteSecretError, match=r"hold a secret: the scenario's name") as caught:
        project.step(transport.send(project.wire(), project.place(scenario="k-12345678")))
    assert "12345678" not in str(caught.value)


def test_a_refresh_that_finds_the_same_leaves_a_file_in_another_form_as_it_is(
    project: Project,
) -> None:
    project.record(project.answer())
    edited = project.file.read_text().replace("# qeval cassette 1", "# checked by hand")
    project.file.write_text(edited)
    transport = project.transport("refresh", project.server(lambda *_: project.answer()))

    project.step(transport.send(project.wire(), project.place(0)))
    project.step(transport.aclose())

    assert project.file.read_text() == edited


def test_what_a_killed_run_left_is_swept_away(project: Project) -> None:
    project.record(project.answer())
    left = project.file.with_name(".writing-abc")
    left.write_text("half")

    project.record(project.answer(b'{"text": "two"}'), mode="refresh")

    assert [path.name for path in project.file.parent.iterdir()] == [project.file.name]


def test_options_do_not_show_their_secrets(project: Project) -> None:
    transport = project.transport(
        "record", project.server(lambda *_: project.answer()), secrets=("k-12345678",)
    )

    assert "12345678" not in repr(transport.shelf.options)


def test_an_interruption_waits_until_all_is_written() -> None:
    written = []

    def write() -> None:
        with files.undisturbed():
            for number in range(3):
                signal.raise_signal(signal.SIGINT)
                written.append(number)

    with pytest.raises(KeyboardInterrupt):
        write()

    assert written == [0, 1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
