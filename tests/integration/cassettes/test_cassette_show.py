"""`qeval cassette show`, `diff` and `verify`: answers as text, side by side, and asked again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qeval.cli import main
from qeval.simulator import running

Capture = pytest.CaptureFixture[str]


def cassette(*words: str) -> int:
    return main(["cassette", *words])


def edit(path: Path, old: str, new: str) -> None:
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new))


def suite(project: Path) -> Path:
    return project / "suites" / "facts.yaml"


def told(capsys: Capture) -> str:
    """Return what was printed to stdout, with recording dates made equal."""
    return re.sub(r"20\d\d-\d\d-\d\d", "2026-11-22", capsys.readouterr().out)


# Show and diff


HOSTILE = "\x1b[31mred\x1b[0m \u202egnp\u2066 <script>alert(1)</script>\x00\nsecond line"


def hostile(project: Path) -> None:
    script = f"rules:\n  - {{match: ., reply: {json.dumps(HOSTILE)}}}\n"
    (project / "script.yaml").write_text(script)
    with running(project / "script.yaml") as base_url:
        main(["run", "suites/facts.yaml", "--mode", "refresh", "--base-url", base_url])


def test_answers_are_shown_as_text_that_no_terminal_obeys(recorded: Path, capsys: Capture) -> None:
    hostile(recorded)
    capsys.readouterr()
    assert cassette("show", "capital", "--trial", "0") == 0

    out = re.sub(r"\d+(\.\d+)? m?s", "9 ms", told(capsys))
    assert out == (
        "# cassettes/facts/main/capital.yaml\n\n"
        "== warm · trial 0\n"
        "   15 tokens in, 26 out · 9 ms · recorded 2026-11-22 · from simulator\n\n"
        "> What is the capital of France?\n\n"
        "␛[31mred␛[0m ‹RLO›gnp‹LRI› <script>alert(1)</script>␀\nsecond line\n"
    )


def test_show_narrows_and_ends_5_where_nothing_is_left(recorded: Path, capsys: Capture) -> None:
    assert recorded.exists()
    assert cassette("show", "river", "--trial", "1", "--json") == 0
    (only,) = json.loads(capsys.readouterr().out)
    assert (only["text"], only["trial"], only["usage"]["output_tokens"]) == ("The Danube.", 1, 4)

    assert cassette("show", "river", "--scenario", "cold") == 5
    assert cassette("show", "rivr") == 4
    assert "hint: did you mean 'river'?" in capsys.readouterr().err


def git(*words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(["git", *who, *words], capture_output=True, text=True, check=True)
    return done.stdout


def test_git_shows_answers_with_the_lines_from_the_help(recorded: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        cassette("show", "--help")
    lines = capsys.readouterr().out.splitlines()
    attributes = next(line.strip() for line in lines if line.endswith("diff=qeval"))
    config = next(line.strip() for line in lines if "textconv" in line and "git config" in line)
    git("init", "-q")
    git("add", "cassettes")
    git("commit", "-qm", "recorded")
    (recorded / ".gitattributes").write_text(f"{attributes}\n")
    convert = f"{sys.executable} -m qeval cassette show --textconv"
    git(*config.split()[1:3], convert)
    assert 'qeval cassette show --textconv"' in config
    edit(recorded / "script.yaml", "It is Paris.", "Paris it is.")
    with running(recorded / "script.yaml") as base_url:
        main(["run", "suites/facts.yaml", "--mode", "refresh", "--base-url", base_url])

    changed = [line for line in git("diff").splitlines() if re.match(r"[+-](?![+-])", line)]
    assert changed == ["-It is Paris.", "+Paris it is."] * 2


def test_textconv_of_a_damaged_file_shows_it_as_it_stands(capital: Path, capsys: Capture) -> None:
    capital.write_text("<<<<<<< ours\n\x1b\n")

    assert cassette("show", "--textconv", str(capital)) == 0
    assert capsys.readouterr().out == "<<<<<<< ours\n␛\n"


def test_diff_lays_answers_side_by_side(recorded: Path, capsys: Capture) -> None:
    git("init", "-q")
    git("add", "cassettes")
    git("commit", "-qm", "recorded")
    edit(suite(recorded), "trials: 2", "trials: 1")
    cassette("prune")
    edit(recorded / "script.yaml", "It is Paris.", "It is 巴黎 (Paris), and has been for long.")
    with running(recorded / "script.yaml") as base_url:
        main(["run", "suites/facts.yaml", "--mode", "refresh", "--base-url", base_url])
    capsys.readouterr()

    assert cassette("diff", "HEAD:cassettes/facts", "cassettes/facts") == 0
    out, err = capsys.readouterr()
    assert out == (
        "HEAD:cassettes/facts                             | cassettes/facts\n\n"
        "== main/capital · warm · trial 0\n"
        "It is Paris.                                     | It is 巴黎 (Paris), and has been for long.\n"
        "[4 tokens]                                       | [14 tokens]\n\n"
        "== main/capital · warm · trial 1\n"
        "It is Paris.                                     | (not recorded)\n"
        "[4 tokens]                                       |\n\n"
        "== main/river · warm · trial 1\n"
        "The Danube.                                      | (not recorded)\n"
        "[4 tokens]                                       |\n"
    )
    assert err == "4 answers: 1 different, 1 equal, 2 only in A\n"


def test_diff_of_two_files_pairs_their_trials(capital: Path, capsys: Capture) -> None:
    assert cassette("diff", str(capital), str(capital.with_name("river.yaml")), "--json") == 0
    pairs = json.loads(capsys.readouterr().out)

    assert [(pair["trial"], pair["a"]["text"], pair["b"]["text"]) for pair in pairs] == [
        (0, "It is Paris.", "The Danube."),
        (1, "It is Paris.", "The Danube."),
    ]


@pytest.mark.parametrize("side", ["nowhere", "HEAD:cassettes", "--output=x:y"])
def test_diff_of_what_is_not_there_is_the_users_to_mend(
    recorded: Path, capsys: Capture, side: str
) -> None:
    assert recorded.exists()
    assert main(["cassette", "diff", "--", side, "cassettes"]) == 4
    assert "hint: name a" in capsys.readouterr().err
    assert not (recorded / "x").exists()


# Verify


def verify(project: Path, *words: str) -> int:
    with running(project / "script.yaml") as base_url:
        return cassette(
            "verify", "suites/facts.yaml", "--against", "live", "--base-url", base_url, *words
        )


def test_answers_that_hold_are_told_as_equal(recorded: Path, capsys: Capture) -> None:
    before = {path: path.read_bytes() for path in (recorded / "cassettes").rglob("*.yaml")}
    assert verify(recorded) == 0

    assert capsys.readouterr().err.endswith("facts: 4 of 4 recorded trials asked again: 4 equal\n")
    assert {path: path.read_bytes() for path in before} == before
    assert len(list((recorded / "reports" / "facts").iterdir())) == 1  # the recording's own


def test_moved_answers_are_told_with_flips_and_tokens(recorded: Path, capsys: Capture) -> None:
    edit(recorded / "script.yaml", "It is Paris.", "It is Lyon, on the Rhône.")
    edit(recorded / "script.yaml", "The Danube.", "That is the Danube.")
    assert verify(recorded, "--json") == 1

    rows = json.loads(capsys.readouterr().out)
    assert [(row["case"], row["trial"], row["moved"], row["flips"]) for row in rows] == [
        ("capital", 0, "outcome", ["contains 'Paris': passed → failed"]),
        ("capital", 1, "outcome", ["contains 'Paris': passed → failed"]),
        ("river", 0, "text", []),
        ("river", 1, "text", []),
    ]
    assert rows[2]["before"]["text"] == "The Danube."
    assert rows[2]["now"]["text"] == "That is the Danube."
    assert (rows[2]["before"]["output_tokens"], rows[2]["now"]["output_tokens"]) == (4, 6)


def test_a_few_are_taken_by_the_seed(recorded: Path, capsys: Capture) -> None:
    def chosen(seed: int) -> list[tuple[str, int]]:
        assert verify(recorded, "--take", "2", "--seed", str(seed), "--json") == 0
        rows = json.loads(capsys.readouterr().out)
        return [(row["case"], row["trial"]) for row in rows]

    assert chosen(1) == chosen(1)
    assert len(chosen(1)) == 2
    assert len({tuple(chosen(seed)) for seed in range(5)}) > 1


def test_without_a_key_verify_says_which(recorded: Path, capsys: Capture) -> None:
    assert recorded.exists()
    assert cassette("verify", "suites/facts.yaml", "--against", "live") == 4
    assert "DASHSCOPE_API_KEY is not set" in capsys.readouterr().err


def test_nothing_recorded_is_nothing_to_verify(project: Path, capsys: Capture) -> None:
    assert verify(project) == 4
    assert "nothing of suite facts is recorded" in capsys.readouterr().err


# The command itself


@pytest.mark.parametrize("action", ["list", "why", "check", "prune", "show", "diff", "verify"])
def test_every_action_explains_itself(action: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        cassette(action, "--help")

    assert ended.value.code == 0
    assert "--format {table,json}" in capsys.readouterr().out


def test_an_empty_project_has_nothing_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)

    assert cassette("list") == 5
    assert cassette("check") == 0
    assert cassette("prune") == 0
    assert capsys.readouterr().out == ""
