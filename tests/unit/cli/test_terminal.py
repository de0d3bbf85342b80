"""What reaches the terminal: made visible, whatever command prints it and whoever wrote it."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.cli import main
from qeval.cli.terminal import give, give_json, say
from qeval.errors import QevalError

COMMANDS = Path(__file__).parents[3] / "qeval" / "cli"
HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202egnp\rnow"
HARMLESS = "␛]0;owned␇␛[31m‹RLO›gnp␍now"


def test_no_other_module_of_the_command_line_prints() -> None:
    printing = {
        path.name
        for path in COMMANDS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.Attribute)
        and ast.unparse(node) in {"print", "sys.stdout.write", "sys.stderr.write"}
    }

    assert printing == {"terminal.py"}


@pytest.mark.parametrize(("way", "stream"), [(give, "out"), (say, "err")])
def test_hostile_text_is_made_visible(
    way: Callable[[object], None], stream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    way(HOSTILE)

    assert getattr(capsys.readouterr(), stream) == f"{HARMLESS}\n"


def test_json_keeps_its_value(capsys: pytest.CaptureFixture[str]) -> None:
    give_json({"text": HOSTILE})

    printed = capsys.readouterr().out
    assert json.loads(printed) == {"text": HOSTILE}
    assert printed.replace("\n", "").isprintable()


def test_an_error_is_told_visibly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise QevalError(f"the server said {HOSTILE}", hint=HOSTILE)

    monkeypatch.setattr("qeval.cli.schema.execute", fail)

    assert main(["schema"]) == 4
    assert capsys.readouterr().err == f"the server said {HARMLESS}\n\nhint: {HARMLESS}\n"


def test_code_of_the_users_that_ends_the_program_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("qeval.cli.schema.execute", lambda _: sys.exit(0))

    assert main(["schema"]) == 4
    assert capsys.readouterr().err == (
        "code of the suite ended the program: sys.exit(0)\n\n"
        "hint: raise an error instead: it costs one trial, and not the run\n"
    )


def test_a_word_of_the_line_is_told_visibly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["schema", HOSTILE])

    assert capsys.readouterr().err.startswith(f"qeval: unrecognized arguments: {HARMLESS}\n\n")


def test_names_in_a_suite_are_told_visibly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "suites").mkdir()
    name = json.dumps("t\u001b[31m\u202e")
    (tmp_path / "suites" / "s.yaml").write_text(
        f"targets: [{name}]\ncases: [{{user: Hi, id: a, checks: [contains: x]}}]\n"
    )
    monkeypatch.chdir(tmp_path)

    for command in ("validate", "list", "run", "tokens"):
        main([command, "suites/s.yaml"])

    captured = capsys.readouterr()
    assert (captured.out + captured.err).replace("\n", "").isprintable()
