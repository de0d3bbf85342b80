"""Why a replay has no answer: the whole text of every message."""

from __future__ import annotations

from pathlib import Path

import pytest

from qeval.errors import (
    CassetteError,
    CassetteExhaustedError,
    CassetteMissingError,
    CassetteStaleError,
)
from qeval.exchange import Place, Wire
from qeval.transport.base import step
from qeval.transport.cassettes import CassetteOptions, CassetteTransport
from qeval.transport.cassettes.interaction import Interaction, request_text
from qeval.transport.cassettes.layout import write

BASE = "https://endpoint.invalid/v1"
FILE = "cassettes/facts/qwen-plus/capital.yaml"
COMMAND = "qeval run suites/facts.yaml --mode record"
RECORD = f"\n\nhint: record it with `{COMMAND}`"
BODY = b'{"model": "qwen-plus", "messages": [{"role": "user", "content": "France?"}]}'


def recorded(root: Path, *calls: tuple[str, int], body: bytes = BODY) -> None:
    file = root / FILE
    file.parent.mkdir(parents=True)
    uri = f"{BASE}/chat/completions"
    file.write_text(
        write(
            Interaction(
                method="POST",
                uri=uri,
                request=request_text(body),
                status=200,
                place=Place(case="capital", scenario=scenario, trial=trial),
            )
            for scenario, trial in calls
        )
    )


def asked(
    root: Path, body: bytes = BODY, *, scenario: str = "main", trial: int = 0, turn: int = 0
) -> CassetteError:
    transport = CassetteTransport(
        CassetteOptions(folder=(root / FILE).parent, root=root, base=BASE, command=COMMAND)
    )
    place = Place(case="capital", scenario=scenario, trial=trial, turn=turn)
    with pytest.raises(CassetteError) as caught:
        step(transport.send(Wire(path="/chat/completions", body=body), place))
    assert caught.value.path == FILE
    return caught.value


def test_no_file(tmp_path: Path) -> None:
    error = asked(tmp_path)

    assert type(error) is CassetteMissingError
    assert str(error) == f"no recording of case 'capital': {FILE} is not there" + RECORD


def test_no_such_trial(tmp_path: Path) -> None:
    recorded(tmp_path, ("main", 0), ("main", 1))

    error = asked(tmp_path, BODY.replace(b"France", b"Spain"), scenario="warm", trial=4)

    assert type(error) is CassetteMissingError
    assert str(error) == (
        f"{FILE}: trial 4 under 'warm' is not recorded; recorded are trials 0 and 1 under 'main';"
        " the nearest differs in messages[0].content: 'France?' → 'Spain?'" + RECORD
    )


def test_no_such_turn(tmp_path: Path) -> None:
    recorded(tmp_path, ("main", 0))

    error = asked(tmp_path, b'{"model": "qwen-plus", "messages": []}', turn=1)

    assert str(error) == (
        f"{FILE}: trial 0 under 'main', request 2 is not recorded; recorded are trial 0 under 'main';"
        " the nearest differs in messages: 1 item → 0, gone 'user'" + RECORD
    )


def test_exhausted(tmp_path: Path) -> None:
    recorded(tmp_path, ("main", 0), ("main", 1), ("main", 2))

    error = asked(tmp_path, trial=3)

    assert type(error) is CassetteExhaustedError
    assert str(error) == (
        f"{FILE}: trial 3 under 'main' is not recorded;"
        " this very request is, for trials 0, 1 and 2 under 'main'" + RECORD
    )


def test_stale(tmp_path: Path) -> None:
    recorded(tmp_path, ("main", 0))
    changed = (
        b'{"model": "qwen-max", "messages": [{"role": "user", "content": "Spain?"}],'
        b' "temperature": 0.5, "seed": 7}'
    )

    error = asked(tmp_path, changed)

    assert type(error) is CassetteStaleError
    assert str(error) == (
        f"{FILE}: trial 0 under 'main' was recorded for another request:"
        " model: 'qwen-plus' → 'qwen-max';"
        " messages[0].content: 'France?' → 'Spain?';"
        " temperature: not sent → 0.5; and 1 more"
        f"\n\nhint: if the change is meant, record it anew with `{COMMAND}`"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(b'{"a": 1}', b'{"a": 1.0}', "a: 1 → 1.0", id="number"),
        pytest.param(b'{"a": [1]}', b'{"a": 1}', "a: [1] → 1", id="kind"),
        pytest.param(b'{"a": 1, "b": 2}', b'{"a": 1}', "b: 2 → not sent", id="gone"),
        pytest.param(b"plain", b"other", "body: 'plain' → 'other'", id="not-json"),
        pytest.param(
            b'{"m": [{"role": "user"}]}',
            b'{"m": [{"role": "user"}, {"role": "tool"}, {"type": "reasoning"}]}',
            "m: 1 item → 3, added 'tool' and 'reasoning'",
            id="added-at-the-end",
        ),
        pytest.param(
            b'{"m": [{"role": "user"}, {"role": "user"}]}',
            b'{"m": [{"role": "system"}, {"role": "user"}, {"role": "user"}]}',
            "m: 2 items → 3, added 'system'",
            id="added-at-the-front",
        ),
        pytest.param(
            b'{"m": [{"role": "user", "content": "a"}]}',
            b'{"m": [{"role": "user", "content": "b"}, {"role": "tool"}]}',
            "m: 1 item → 2",
            id="added-and-changed",
        ),
        pytest.param(
            b'{"m": [%s]}' % b",".join([b'{"role": "user"}'] * 6),
            b'{"m": [{"role": "user"}]}',
            "m: 6 items → 1, gone 'user', 'user', 'user' and 2 more",
            id="many-gone",
        ),
        pytest.param(b'{"a": [1]}', b'{"a": [1, 2]}', "a: 1 item → 2", id="no-messages"),
        pytest.param(
            b'{"a": "%s"}' % (b"x" * 90 + b"old" + b"y" * 90),
            b'{"a": "%s"}' % (b"x" * 90 + b"new" + b"y" * 90),
            f"a: '…{'x' * 16}old{'y' * 29}…' → '…{'x' * 16}new{'y' * 29}…'",
            id="long-texts-around-where-they-part",
        ),
    ],
)
def test_a_stale_request_shows_both_values(
    tmp_path: Path, old: bytes, new: bytes, told: str
) -> None:
    recorded(tmp_path, ("main", 0), body=old)

    assert asked(tmp_path, new).message.endswith(f"for another request: {told}")


def test_control_characters_of_a_request_stay_escaped(tmp_path: Path) -> None:
    recorded(tmp_path, ("main", 0), body=b'{"a": "x"}')

    error = asked(tmp_path, rb'{"a": "\u001b[31m\ud800\u0000"}')

    assert "\x1b" not in str(error)
    str(error).encode()
