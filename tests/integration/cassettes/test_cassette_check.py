"""`qeval cassette list`, `check` and `prune`: what is there, what is wrong, what nobody reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.cli import main

Capture = pytest.CaptureFixture[str]


def cassette(*words: str) -> int:
    return main(["cassette", *words])


def edit(path: Path, old: str, new: str) -> None:
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new))


def suite(project: Path) -> Path:
    return project / "suites" / "facts.yaml"


# List


def test_list_has_a_row_a_file_and_says_what_is_unknown_or_damaged(
    capital: Path, capsys: Capture
) -> None:
    capital.with_name("river.yaml").write_text("nonsense")

    assert cassette("list") == 0
    out, err = capsys.readouterr()
    assert [re.split(r"\s{2,}", line) for line in out.splitlines()] == [
        ["file", "interactions", "age", "tokens in", "tokens out", "from"],
        [*out.splitlines()[1].split()],
        ["cassettes/facts/main/capital.yaml", "2", "0 d", "30", "8", "simulator"],
        ["cassettes/facts/main/river.yaml", "damaged", "–", "–", "–", "–"],
    ]
    assert err == "2 files, 2 interactions\n"


def test_list_as_json_has_none_for_what_is_unknown(capital: Path, capsys: Capture) -> None:
    capital.with_name("river.yaml").write_text("nonsense")
    assert cassette("list", "suites/facts.yaml", "--json") == 0
    rows = json.loads(capsys.readouterr().out)

    assert [(row["interactions"], row["input_tokens"], row["damaged"]) for row in rows] == [
        (2, 30, False),
        (0, None, True),
    ]


def test_list_of_a_suite_without_recordings(recorded: Path, capsys: Capture) -> None:
    suite(recorded).with_name("more.yaml").write_text(suite(recorded).read_text())

    assert cassette("list", "more") == 5
    assert cassette("list", "mroe") == 4
    assert "nothing is recorded of suite 'mroe'" in capsys.readouterr().err


# Check


def findings(capsys: Capture, *words: str) -> list[tuple[str, str, str]]:
    """Return kind, file and what of each finding; exit code and count go together."""
    code = cassette("check", *words, "--json")
    found = json.loads(capsys.readouterr().out)
    assert code == (1 if found else 0)
    assert all("`" in one["mend"] for one in found)
    return [(one["kind"], Path(one["file"]).name, one["what"]) for one in found]


def test_sound_recordings_pass_the_check(recorded: Path, capsys: Capture) -> None:
    assert recorded.exists()
    assert cassette("check") == 0
    assert capsys.readouterr() == ("", "2 files, nothing to mend\n")


def test_check_tells_unused_files_and_interactions(recorded: Path, capsys: Capture) -> None:
    edit(suite(recorded), "trials: 2", "trials: 1")
    edit(suite(recorded), "id: river", "id: stream")

    assert cassette("check") == 1
    out, err = capsys.readouterr()
    assert out == (
        "cassettes/facts/main/capital.yaml: unused: no trial reads trial 1 under 'warm'\n"
        "  remove it with `qeval cassette prune facts`\n\n"
        "cassettes/facts/main/river.yaml: unused: case 'river' is not asked of target 'main'\n"
        "  remove it with `qeval cassette prune facts`\n"
    )
    assert err == "\n2 of 2 files with something to mend\n"


def test_check_tells_stale_recordings_and_what_to_type(recorded: Path, capsys: Capture) -> None:
    edit(suite(recorded), "of France", "of Spain")

    assert cassette("check", "facts") == 1
    assert capsys.readouterr().out == (
        "cassettes/facts/main/capital.yaml: stale: trials 0 and 1 under 'warm' now ask something"
        " else: messages[0].content: 'What is the capital of France?' → 'What is the capital of"
        " Spain?'\n"
        "  if the change is meant, record it anew with `qeval run suites/facts.yaml --mode record"
        " --case capital --target main`\n"
    )


def test_check_tells_damage_keys_age_and_suites_that_are_gone(
    capital: Path, recorded: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "a-key-of-no-known-shape")
    edit(capital, "Paris", "a-key-of-no-known-shape")
    old = capital.with_name("river.yaml")
    old.write_text(re.sub(r'"date": "2\d{3}', '"date": "2001', old.read_text()))
    old.write_text(re.sub(r'"seal": "[0-9a-f]{8}"', '"seal": "edited"', old.read_text()))
    gone = recorded / "cassettes" / "gone" / "main" / "x.yaml"
    gone.parent.mkdir(parents=True)
    gone.write_bytes(old.read_bytes())

    found = findings(capsys, "--max-age", "90d")

    assert [(kind, name) for kind, name, _ in found] == [
        ("secret", "capital.yaml"),
        ("damaged", "capital.yaml"),
        ("old", "river.yaml"),
        ("unused", "x.yaml"),
        ("old", "x.yaml"),
    ]
    assert found[0][2].startswith("what looks like a key: ")
    assert "a-key-of" not in str(found)
    assert found[1][2].startswith("interactions[0] was changed since it was recorded")
    assert found[2][2].startswith("trials 0 and 1 under 'warm': up to ")
    assert found[3][2] == "there is no suite 'gone'"


def test_age_counts_only_where_it_is_asked_for(capital: Path, capsys: Capture) -> None:
    capital.write_text(re.sub(r'"date": "2\d{3}', '"date": "2001', capital.read_text()))
    capital.write_text(re.sub(r'"seal": "[0-9a-f]{8}"', '"seal": "edited"', capital.read_text()))

    assert findings(capsys) == []
    assert [kind for kind, *_ in findings(capsys, "--max-age", "12w")] == ["old"]


@pytest.mark.parametrize("text", ["90", "d", "1.5d", "90m", "", "999999d"])
def test_an_age_that_is_none_is_refused(text: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        cassette("check", "--max-age", text)

    assert ended.value.code == 4
    assert "is not an age such as 90d, 12w or 36h" in capsys.readouterr().err


def test_recordings_of_a_case_that_is_skipped_are_not_unused(
    recorded: Path, capsys: Capture
) -> None:
    edit(suite(recorded), "  - id: river\n", "  - id: river\n    skip: under repair\n")

    assert findings(capsys) == []
    assert main(["run", "suites/facts.yaml"]) == 0
    assert "unused" not in capsys.readouterr().err


# Recordings of tests written in Python, and of other tools


FOREIGN = """\
interactions:
- request:
    body: '{"model": "qwen-plus", "messages": [{"role": "user", "content": "%s"}],
      "temperature": 0.7, "top_p": 0.8, "enable_thinking": false}'
    headers: {content-type: [application/json]}
    method: POST
    uri: https://elsewhere.example/compatible-mode/v1/chat/completions
  response:
    body: {string: '{"choices": [{"message": {"role": "assistant", "content": "Paris"}}]}'}
    headers: {content-type: [application/json]}
    status: {code: 200, message: OK}
version: 1
"""


def python_test(project: Path, module: str = "unit/test_agent", name: str = "test_asks-a") -> Path:
    path = project / "cassettes" / "tests" / module / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FOREIGN % "Bees?")
    source = (project / module).with_suffix(".py")
    source.parent.mkdir(exist_ok=True)
    source.write_text("def test_asks(qeval, x):\n    pass\n")
    return path


def test_recordings_of_python_tests_are_listed_shown_and_checked(
    recorded: Path, capsys: Capture
) -> None:
    python_test(recorded)
    python_test(recorded, name="test_asked")

    assert cassette("list", "tests", "--json") == 0
    assert [row["file"] for row in json.loads(capsys.readouterr().out)] == [
        "cassettes/tests/unit/test_agent/test_asked.yaml",
        "cassettes/tests/unit/test_agent/test_asks-a.yaml",
    ]
    assert cassette("show", "test_asks-a") == 0
    assert "> Bees?\n\nParis\n" in capsys.readouterr().out
    assert findings(capsys, "tests") == [
        ("unused", "test_asked.yaml", "there is no such test in unit/test_agent")
    ]
    assert cassette("why", "test_asks-a") == 4
    assert "what it asks is known when it runs" in capsys.readouterr().err


def test_recordings_of_a_python_module_that_is_gone_are_unused_and_pruned(
    recorded: Path, capsys: Capture
) -> None:
    path = python_test(recorded)
    (recorded / "unit" / "test_agent.py").unlink()

    assert [kind for kind, *_ in findings(capsys)] == ["unused"]
    assert cassette("prune") == 0
    assert not (recorded / "cassettes" / "tests").exists()
    assert not path.exists()


def test_what_another_tool_recorded_is_used_as_often_as_trials_ask_it(
    capital: Path, capsys: Capture
) -> None:
    asked = FOREIGN % "What is the capital of France?"
    one = asked.partition("interactions:\n")[2].partition("version")[0]
    capital.write_text(f"interactions:\n{one * 3}version: 1\n")

    assert findings(capsys) == [("unused", "capital.yaml", "no trial reads 1 interaction")]
    assert main(["run", "suites/facts.yaml"]) == 0
    assert "unused recordings: 1 interaction; `qeval cassette check facts`" in (
        capsys.readouterr().err
    )
    assert cassette("prune") == 0
    capsys.readouterr()
    assert main(["run", "suites/facts.yaml"]) == 0
    assert "unused" not in capsys.readouterr().err


def test_files_that_are_of_no_suite_are_left_alone(recorded: Path, capsys: Capture) -> None:
    notes = recorded / "cassettes" / "notes.yaml"
    notes.write_text("a: b")

    assert findings(capsys) == []
    assert cassette("prune") == 0
    assert notes.exists()


# Prune, and what a run says


def test_prune_removes_what_is_unused_and_nothing_else(
    recorded: Path, capital: Path, capsys: Capture
) -> None:
    edit(suite(recorded), "trials: 2", "trials: 1")
    edit(suite(recorded), "id: river", "id: stream")
    before = capital.read_text()
    assert cassette("prune", "facts", "--dry-run") == 0
    out, err = capsys.readouterr()
    assert out == (
        "cassettes/facts/main/capital.yaml: trial 1 under 'warm'\n"
        "cassettes/facts/main/river.yaml: the whole file\n"
    )
    assert err == "3 interactions of 2 files would be removed\n"
    assert capital.read_text() == before

    assert cassette("prune", "facts") == 0
    assert capsys.readouterr().err == "3 interactions of 2 files removed\n"
    first = before.index("- request:")
    second = before.index("- request:", first + 1)
    assert capital.read_text() == before[:second] + "...\n"
    assert [path.name for path in capital.parent.iterdir()] == ["capital.yaml"]
    assert cassette("check") == 0


def test_prune_leaves_damaged_files_and_says_so(capital: Path, capsys: Capture) -> None:
    edit(capital, "trial: 1", "trial: 7")
    before = capital.read_bytes()

    assert cassette("prune") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "capital.yaml: left alone: cassettes/facts/main/capital.yaml is damaged" in err
    assert capital.read_bytes() == before


def test_a_suite_with_mistakes_prunes_nothing(capital: Path, recorded: Path) -> None:
    edit(suite(recorded), "cases:", "casos:")

    assert cassette("prune") == 4
    assert capital.exists()


def test_a_full_replay_tells_of_unused_recordings_on_one_line(
    recorded: Path, capsys: Capture
) -> None:
    edit(suite(recorded), "trials: 2", "trials: 1")
    edit(suite(recorded), "id: river", "id: stream")
    main(["run", "suites/facts.yaml", "--json"])

    said = [line for line in capsys.readouterr().err.splitlines() if "unused" in line]
    assert said == [
        "unused recordings: 1 file and 1 interaction; `qeval cassette check facts` names them"
    ]


@pytest.mark.parametrize("narrowed", [["--case", "capital"], ["--limit", "1"], ["--trials", "1"]])
def test_a_replay_of_a_part_says_nothing_of_the_rest(
    recorded: Path, capsys: Capture, narrowed: list[str]
) -> None:
    assert recorded.exists()
    assert main(["run", "suites/facts.yaml", *narrowed]) == 0
    assert "unused" not in capsys.readouterr().err


# Files that are nonsense


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(lambda _: b"\xff\xfe", id="not-utf-8"),
        pytest.param(lambda _: b"\x1b]0;title\x07: [", id="terminal-codes"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut"),
        pytest.param(lambda data: data.replace(b"attempt", b"\\x1b[2J"), id="key-of-escapes"),
        pytest.param(lambda data: data.replace(b"capital", "\u202elatipac".encode()), id="bidi"),
        pytest.param(lambda data: data[:20] + b"[" * 5000 + data[20:], id="nested"),
        pytest.param(lambda data: data.replace(b"body: |2-", b"body: !!binary "), id="binary"),
    ],
)
def test_every_action_takes_nonsense_calmly(
    capital: Path, capsys: Capture, how: Callable[[bytes], bytes]
) -> None:
    capital.write_bytes(how(capital.read_bytes()))
    file = str(capital)

    codes = [
        cassette(*words)
        for words in (
            ["list"],
            ["why", "capital"],
            ["check"],
            ["prune"],
            ["show", "capital"],
            ["show", "--textconv", file],
            ["diff", file, file],
        )
    ]
    assert codes == [0, 0, 1, 0, 4, 0, 4]
    printed = "".join(capsys.readouterr())
    assert capital.exists()
    assert not set(printed) & {"\x1b", "\x07", "\x00", "\u202e"}
