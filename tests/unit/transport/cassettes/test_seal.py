"""What was recorded is told from what was changed since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from qeval.errors import CassetteCorruptError


@pytest.fixture
def recorded(project: Any) -> Any:
    """A project with two trials recorded."""
    project.record(project.answer(), project.answer(b'{"text": "Lyon"}'))
    return project


def edit(project: Any, how: Callable[[str], str]) -> None:
    before = project.file.read_text()
    project.file.write_text(how(before))
    assert project.file.read_text() != before


def test_an_edited_answer_is_refused_and_the_message_says_both_ways_out(recorded: Any) -> None:
    edit(recorded, lambda text: text.replace("Paris", "Rome"))

    with pytest.raises(CassetteCorruptError) as raised:
        recorded.replay()

    assert str(raised.value) == (
        "cassettes/facts/qwen-plus/capital.yaml is damaged: interactions[0] was changed since it"
        " was recorded: its seal does not fit\n\n"
        "hint: restore the file, or delete it and type `qeval run suites/facts.yaml --mode record`;"
        ' if the change is meant, write "edited" for its "seal"'
    )


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(lambda text: text.replace("trial: 0", "trial: 2"), id="trial"),
        pytest.param(lambda text: text.replace("code: 200", "code: 201", 1), id="status"),
        pytest.param(lambda text: text.replace("France", "Spain", 1), id="request"),
        pytest.param(lambda text: text.replace("0.25", "0.26", 1), id="latency"),
        pytest.param(lambda text: text.replace("endpoint", "simulator", 1), id="source"),
        pytest.param(lambda text: text.replace(', "seal"', ', "soul"', 1), id="key"),
        pytest.param(
            lambda text: text.replace(text[text.index(', "seal"') :].partition("}")[0], "", 1),
            id="seal-lost",
        ),
    ],
)
def test_every_field_is_under_the_seal(recorded: Any, how: Callable[[str], str]) -> None:
    edit(recorded, how)

    with pytest.raises(CassetteCorruptError, match=r"is damaged: interactions\[0\]"):
        recorded.replay()


def test_a_change_that_is_said_to_be_meant_is_replayed(recorded: Any) -> None:
    data = recorded.file.read_text()
    seal = data.partition('"seal": "')[2][:8]
    edit(recorded, lambda text: text.replace("Paris", "Rome").replace(seal, "edited"))

    assert recorded.replay().body == b'{\n  "text": "Rome"\n}'
    assert recorded.replay(1).body == b'{\n  "text": "Lyon"\n}'


def test_recording_beside_a_meant_change_keeps_and_seals_it(recorded: Any) -> None:
    seal = recorded.file.read_text().partition('"seal": "')[2][:8]
    edit(recorded, lambda text: text.replace("Paris", "Rome").replace(seal, "edited"))
    said = recorded.answer(b'{"text": "Nice"}')
    server = recorded.record(said, said, said)

    assert [place.trial for _, place in server.asked] == [2]
    assert "edited" not in recorded.file.read_text()
    assert recorded.replay().body == b'{\n  "text": "Rome"\n}'


def test_a_file_that_a_formatter_laid_out_anew_is_as_it_was(recorded: Any) -> None:
    document = yaml.safe_load(recorded.file.read_bytes())
    truth = recorded.replay()
    head = "# qeval cassette 1\n"
    edit(recorded, lambda _: head + yaml.dump(document, indent=4, width=60) + "...\n")

    assert recorded.replay() == truth


def test_aliases_that_multiply_are_refused_at_once(recorded: Any) -> None:
    laughs = "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 40))
    edit(
        recorded,
        lambda text: text.replace("version: 1\n", f"b0: &b0 [lol]\n{laughs}version: 1\n").replace(
            '"POST"' if '"POST"' in text else "POST", "*b39"
        ),
    )

    with pytest.raises(CassetteCorruptError, match="method is not text"):
        recorded.replay()


def test_an_alias_into_itself_is_refused(recorded: Any) -> None:
    edit(recorded, lambda text: text.replace("- request:\n", "- &a\n  request: *a\n", 1))

    with pytest.raises(CassetteCorruptError, match="is damaged"):
        recorded.replay()
