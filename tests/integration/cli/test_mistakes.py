"""What is typed wrongly, and runs that are damaged: told, never a traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.cli import choosing, main


def run(*arguments: str) -> int:
    return main(["run", "suites/three.yaml", *arguments])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["run"], "the following arguments are required: suite"),
        (["run", "--frob", "x"], "unrecognized arguments: --frob"),
        (["run", "x", "--mode", "reply"], "invalid choice: 'reply'"),
        (["run", "x", "--trials", "0"], "'0' is not a whole number from 1 to 1000000"),
        (["run", "x", "--trials", "²"], "'²' is not a whole number from 1 to 1000000"),
        (["run", "x", "--trials", "9" * 14], "is not a whole number from 1 to 1000000"),
        (["run", "x", "--limit", "-1"], "'-1' is not a whole number from 1 to 1000000"),
        (["simulate", "x", "--port", "y"], "'y' is not a port: 0 to 65535"),
        (["simulate", "x", "--port", "65536"], "'65536' is not a port"),
    ],
)
def test_an_argument_that_is_none_ends_4_with_what_and_where_to_look(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 4
    fact, hint = capsys.readouterr().err.split("\n\n")
    assert fact.startswith("qeval")
    assert told in fact
    assert hint.startswith("hint: type `qeval")
    assert hint.endswith("--help`\n")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["run", "x", "--modee", "live"], "did you mean --mode?"),
        (["run", "x", "--modee=live"], "did you mean --mode?"),
        (["run", "x", "--zzz"], "type `qeval run --help`"),
        (["cassette", "why", "x", "--zzz"], "type `qeval cassette --help`"),
    ],
)
def test_an_option_that_is_none_is_answered_by_its_command(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)

    assert capsys.readouterr().err.endswith(f"\n\nhint: {hint}\n")


def test_the_most_that_can_be_asked_for_is_a_number() -> None:
    assert choosing.positive("1000000") == choosing.MOST
    assert choosing.budget("20000000") == 20_000_000


MISTAKES: list[tuple[str, bytes | None, str]] = [
    ("suites/none.yaml", None, "suites/none.yaml: there is no such file"),
    ("suites", None, "suites: this is a folder"),
    ("suites/x.yaml", b"", "suites/x.yaml:1: the file is empty"),
    ("suites/x.yaml", b"\x96\x00\xff", "suites/x.yaml:1: not UTF-8: byte 0x96"),
    ("suites/x.yaml", b"targets: [a\ncases:\n  - {", "suites/x.yaml:"),
    ("suites/x.py", b"raise ValueError('boom')", "suites/x.py:1: ValueError: boom"),
    ("suites/x.py", b"import sys; sys.exit(3)", "suites/x.py:1: SystemExit: 3"),
    ("suites/x.py", b"def (", "suites/x.py:1: SyntaxError: invalid syntax"),
    ("suites/x.py", b"y = 1", "suites/x.py:1: no `suite = Suite("),
    ("suites/a b.yaml", b"targets: [qwen-plus]", "suites/a b.yaml:1: the suite's path is its id"),
    ("n" * 300, None, "File name too long"),
]


@pytest.mark.parametrize(("suite", "data", "told"), MISTAKES)
@pytest.mark.parametrize("command", ["run", "list", "validate"])
def test_a_file_that_is_no_suite_ends_4_and_names_the_place(
    command: str,
    suite: str,
    data: bytes | None,
    told: str,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if data is not None:
        (project / suite).write_bytes(data)

    assert main([command, suite]) == 4

    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""
    assert not (project / "reports").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[tool.qeval]\nregoin = "x"\n', "pyproject.toml:2: unknown key 'regoin' in [tool.qeval]"),
        ("[tool.qeval\n", "pyproject.toml:1: not TOML"),
        ("[tool]\nqeval = 3\n", "pyproject.toml:2: [tool.qeval] wants a mapping, got 3"),
        ('[tool.qeval]\nreports = "../.."\n', "leads out of the project"),
    ],
)
@pytest.mark.parametrize("command", [("run", "suites/three.yaml"), ("report", "latest")])
def test_settings_that_are_none_end_4(
    command: tuple[str, ...],
    text: str,
    told: str,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (project / "pyproject.toml").write_text(text)

    assert main([*command]) == 4

    assert told in capsys.readouterr().err


def test_a_pyproject_whose_tool_is_no_table_has_no_settings(recorded: Path) -> None:
    (recorded / "pyproject.toml").write_text("tool = 3 # qeval\n")

    assert run() == 0


@pytest.mark.parametrize(
    "url", ["127.0.0.1:1", "ftp://x", "http://", "", "http://127.0.0.1:99999", "http://h:0/v1"]
)
def test_an_address_that_is_none_ends_4(
    url: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--mode", "live", "--base-url", url) == 4

    assert f"{url!r} is not an address" in capsys.readouterr().err


@pytest.mark.parametrize("key", ['"sk-1"', "'sk-1'", 'sk-1"'])
def test_a_key_in_quotation_marks_is_told_before_it_is_sent(
    key: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", key)

    assert run("--mode", "live") == 4

    told = capsys.readouterr()
    assert "DASHSCOPE_API_KEY begins or ends with a quotation mark" in told.err
    assert "sk-1" not in told.out + told.err


@pytest.mark.parametrize("option", ["--last-failed", "--retry-errors"])
def test_what_leans_on_a_run_says_that_there_is_none(
    option: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(option) == 4

    assert capsys.readouterr().err == (
        "there is no run 'latest' of suite 'three' below reports/\n\n"
        "hint: run a suite first: `qeval run suites/NAME.yaml`\n"
    )


def test_list_tells_of_a_name_that_nobody_has(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "suites/three.yaml", "--target", "qwen-plos"]) == 5

    told = capsys.readouterr().err
    assert "no target is called 'qwen-plos'; did you mean 'qwen-plus'?" in told


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("three", "did you mean 'suites/three.yaml'?"),
        ("suites/thre.yaml", "did you mean 'suites/three.yaml'?"),
        ("suites/zzz.yaml", "suites here are suites/three.yaml"),
        ("nowhere/x.yaml", "begin with `qeval init FOLDER`"),
        ("suites", "name one suite file in it: suites/three.yaml"),
    ],
)
def test_a_suite_that_is_not_there_is_answered_with_those_that_are(
    typed: str, hint: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", typed]) == 4

    assert capsys.readouterr().err.endswith(f"\n\nhint: {hint}\n")


def test_an_address_for_a_replay_is_told_to_change_nothing(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--base-url", "http://127.0.0.1:9/v1") == 0

    told = capsys.readouterr().err
    assert told.startswith(
        "warning: a replay asks no server, so --base-url changes nothing; see --mode\n"
    )


def test_a_gate_without_anything_to_compare_with_is_refused(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["--fail-on", "worse"], ["--margin", "5%"], ["--rescore"]):
        assert run(*words) == 4

        told = capsys.readouterr().err
        assert told.startswith(f"{words[0]} says how a comparison is judged")
        assert "hint: add `--baseline`" in told


def test_links_in_a_circle_and_what_is_no_file_are_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "suites/round.yaml").symlink_to("round.yaml")
    os.mkfifo(project / "suites/pipe.yaml")

    assert main(["validate", "suites/round.yaml", "suites/pipe.yaml"]) == 4

    told = capsys.readouterr().err
    assert told.startswith("suites/round.yaml: ")
    assert told.endswith("suites/pipe.yaml: this is no regular file\n\nhint: name a suite file\n")


def test_a_fault_of_qevals_own_ends_3(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("qeval.session.prepare", broken)

    assert main(["validate", "suites/three.yaml"]) == 3

    told = capsys.readouterr().err
    assert "a fault of qeval's own" in told
    assert "RuntimeError: a fault" in told


DAMAGES: list[tuple[str, Callable[[list[bytes]], bytes], str]] = [
    ("empty", lambda _: b"", "run.jsonl:1: not a line of a run file"),
    ("binary", lambda _: b"\x00\xff\x80", "run.jsonl:1: not a line of a run file"),
    ("a list", lambda _: b"[1]\n", "run.jsonl:1: not a line of a run file"),
    ("a line", lambda held: b"".join([*held[:3], b"{{{\n", *held[3:]]), "run.jsonl:4: not a line"),
    (
        "cut between lines",
        lambda held: b"".join(held[:-1]),
        "run.jsonl is cut short: 2 of 3 trials",
    ),
    ("cut in a line", lambda held: b"".join(held)[:-9], "run.jsonl is cut short: 2 of 3 trials"),
    (
        "a later schema",
        lambda held: held[0].replace(b'"schema":1', b'"schema":99') + b"".join(held[1:]),
        "run.jsonl is of schema 99; this qeval reads 1",
    ),
]


@pytest.mark.parametrize(
    ("how", "told"), [(how, told) for _, how, told in DAMAGES], ids=[name for name, _, _ in DAMAGES]
)
def test_a_damaged_run_is_told_by_whatever_reads_it(
    how: Callable[[list[bytes]], bytes],
    told: str,
    recorded: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (path,) = recorded.glob("reports/three/*/run.jsonl")
    path.write_bytes(how(path.read_bytes().splitlines(keepends=True)))

    for command in (["report", "latest"], ["report", str(path)], ["list", "suites/three.yaml"]):
        extra = ["--last-failed"] if command[0] == "list" else []
        assert main([*command, *extra]) == 4
        said = capsys.readouterr().err
        assert f"{path.parent.name}/{told}" in said or told in said
        assert "hint: " in said
