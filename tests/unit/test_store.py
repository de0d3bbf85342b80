import os
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.errors import StoreError
from qeval.exchange import Message, Usage
from qeval.record import Asked, Header, Score, Setup, Trial
from qeval.store import RunWriter, StoredRun, find_run
from qeval.value import clean, to_json

HEADER = Header(
    id="r1",
    qeval="0.1.0",
    suite="facts",
    mode="record",
    suite_digest="ab" * 32,
    scenarios=(Setup(name="warm", passes="2/3"),),
)


def trial(number: int = 0, *, case: str = "a", text: str = "Paris") -> Trial:
    return Trial(
        case=case,
        target="plus",
        scenario="warm",
        trial=number,
        outcome="passed",
        scores=(Score(value=1.0, passed=True, check="contains 'Paris'"),),
        text=text,
        usage=Usage(input_tokens=20, output_tokens=2),
    )


ASKED = {case: Asked(case=case, messages=(Message(role="user", content="?"),)) for case in "ab"}
LINES: list[tuple[int, Asked | Trial]] = [
    (0, ASKED["a"]),
    (0, trial(0)),
    (0, trial(1)),
    (1, ASKED["b"]),
    (1, trial(0, case="b")),
]


def write(
    folder: Path, lines: list[tuple[int, Asked | Trial]], header: Header = HEADER
) -> StoredRun:
    writer = RunWriter(folder, header)
    for number, line in lines:
        writer.asked(number, line) if isinstance(line, Asked) else writer.trial(number, line)
    return writer.close(header)


def test_a_closed_file_is_the_same_whatever_the_order_of_endings(tmp_path: Path) -> None:
    seen = set()
    for index, order in enumerate(permutations(LINES)):
        seen.add(write(tmp_path / str(index), list(order)).path.read_bytes())

    assert len(seen) == 1


def test_groups_come_with_their_outcome_by_the_scenarios_pass_rule(tmp_path: Path) -> None:
    failed = msgspec.structs.replace(trial(1), outcome="failed")
    groups = list(write(tmp_path, [LINES[0], (0, failed), LINES[1]]).groups())

    assert [(g.case, g.passes, g.outcome, len(g.trials)) for g in groups] == [
        ("a", "2/3", "failed", 2)
    ]


def test_a_cases_own_pass_rule_comes_before_its_scenarios(tmp_path: Path) -> None:
    asked = msgspec.structs.replace(ASKED["a"], passes="any")
    failed = msgspec.structs.replace(trial(1), outcome="failed")

    (group,) = write(tmp_path, [(0, asked), (0, failed), LINES[1]]).groups()

    assert (group.passes, group.outcome) == ("any", "passed")


def test_a_killed_run_loads_up_to_its_last_whole_line(tmp_path: Path) -> None:
    lines: list[Header | Asked | Trial] = [
        msgspec.structs.replace(HEADER, complete=False),
        *(line for _, line in LINES),
    ]
    data = b"".join(to_json(line) + b"\n" for line in lines)
    path = tmp_path / "run.jsonl"

    for cut in range(data.index(b"\n") + 1, len(data) + 1):
        path.write_bytes(data[:cut])
        whole = data[:cut].count(b"\n") + (data[cut : cut + 1] == b"\n") - 1
        expected = [line for _, line in LINES[:whole] if isinstance(line, Trial)]
        assert list(StoredRun(path).trials()) == expected


def test_an_unfinished_run_keeps_the_trials_of_a_group_together(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path, HEADER)
    for number, line in [LINES[0], LINES[1], LINES[3], LINES[4], LINES[2]]:
        writer.asked(number, line) if isinstance(line, Asked) else writer.trial(number, line)

    writer.release()

    groups = list(StoredRun(writer.folder / "run.jsonl").groups())

    assert [(group.case, len(group.trials)) for group in groups] == [("a", 2), ("b", 1)]


def test_a_replay_gets_its_folder_when_its_id_is_known(tmp_path: Path) -> None:
    header = msgspec.structs.replace(HEADER, id="", mode="replay")
    writer = RunWriter(tmp_path, header)
    writer.asked(0, ASKED["a"])
    stored = writer.close(msgspec.structs.replace(header, id="0123456789ab"))

    assert [path.name for path in tmp_path.iterdir()] == ["0123456789ab"]
    assert stored.header.id == "0123456789ab"


texts = st.text(st.characters(exclude_categories=()))


@settings(max_examples=50)
@given(text=texts, reason=texts)
def test_what_is_written_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, text: str, reason: str
) -> None:
    score = Score(value=1.0, passed=True, reason=reason)
    line = msgspec.structs.replace(trial(text=text), error=reason, scores=(score,))

    stored = write(tmp_path_factory.mktemp("run"), [LINES[0], (0, line)])

    (found,) = stored.trials()
    assert (found.text, found.error) == (clean(text), clean(reason))
    assert found.scores[0].reason == clean(reason)
    assert stored.whole().trials == (found,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "facts/run.jsonl:1: not a line of a run file: Input data was truncated"),
        (b'{"type":' + b"[" * 100_000, "facts/run.jsonl:1: not a line of a run file: maximum rec"),
        (b"nonsense\n", "facts/run.jsonl:1: not a line of a run file: JSON is malformed"),
        (b'{"type":"run","schema":2}\n', "facts/run.jsonl is of schema 2; this qeval reads 1"),
        (
            to_json(HEADER) + b"\n{}\n" + to_json(trial()) + b"\n",
            "facts/run.jsonl:2: not a line of a run file: Object missing required field `type`",
        ),
        (to_json(trial()) + b"\n", "facts/run.jsonl:1: not a line of a run file: the first line"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(
    tmp_path: Path, content: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "facts" / "run.jsonl"
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(StoreError) as caught:
        StoredRun(path)

    assert caught.value.message.startswith(message)
    assert caught.value.hint is not None


def test_a_run_is_found_by_id_folder_file_and_latest(tmp_path: Path) -> None:
    old = write(tmp_path / "facts", LINES, msgspec.structs.replace(HEADER, id="old"))
    new = write(tmp_path / "facts", LINES, msgspec.structs.replace(HEADER, id="new"))
    os.utime(old.path, (1, 1))

    for reference in ("old", str(old.path.parent), str(old.path)):
        assert find_run(tmp_path, reference).header.id == "old"
    assert find_run(tmp_path, "latest", "facts").path == new.path


def test_an_unknown_run_is_answered_with_those_there_are(tmp_path: Path) -> None:
    write(tmp_path / "reports" / "facts", LINES)

    with pytest.raises(StoreError) as caught:
        find_run(tmp_path / "reports", "nope", "facts")

    assert str(caught.value) == (
        "there is no run 'nope' of suite 'facts' below reports/\n\nhint: runs there: r1"
    )


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file stands where the folder should be")

    with pytest.raises(StoreError, match=r"cannot write .*facts: Not a directory"):
        RunWriter(tmp_path / "reports" / "facts", HEADER)
