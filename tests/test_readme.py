"""The README, run: its commands, its table, its suites, its code."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qeval.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("suites", "cassettes"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_two_commands_are_there_word_for_word() -> None:
    assert (
        "\n    python3 -m venv .venv && .venv/bin/pip install -q -e '.[qwen]' "
        "&& .venv/bin/qeval run suites/quickstart.yaml\n"
    ) in README
    assert "\n    .venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest -n auto\n" in README


def test_the_table_is_what_the_quickstart_prints(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "suites/quickstart.yaml"]) == 0

    assert capsys.readouterr().out == blocks("")[0]


def test_the_miss_is_what_a_changed_parameter_brings(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "suites" / "quickstart.yaml"
    changed = path.read_text().replace(
        "preset: factual_qa,", "preset: factual_qa, temperature: 0.2,"
    )
    path.write_text(changed)

    assert main(["run", str(path), "--case", "pluto", "--target", "qwen-plus"]) == 4

    assert blocks("")[3].strip() in capsys.readouterr().out


def test_the_verdict_is_what_comparing_the_targets_says(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "suites/quickstart.yaml"]) == 0
    assert main(["baseline", "set", "latest"]) == 0
    assert main(["run", "suites/quickstart.yaml", "--baseline"]) == 0
    capsys.readouterr()

    assert main(["compare", "latest", "--by", "target"]) == 0

    assert blocks("")[1] in capsys.readouterr().out


def test_the_ledger_is_what_counting_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "Hi", "--model", "qwen3.7-max"]) == 0

    assert blocks("")[2] in capsys.readouterr().out


def test_the_suite_on_the_first_screen_is_sound(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = blocks("yaml")[0]
    (project / "suites" / "first.yaml").write_text(suite)

    assert suite.count("\n") == 12
    assert main(["validate", "suites/first.yaml"]) == 0
    assert capsys.readouterr().out == "first: 5 cases, 20 groups, 20 trials\n"


def test_the_python_test_passes_in_pytest(project: Path) -> None:
    (project / "test_quickstart.py").write_text(blocks("python")[0])

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_quickstart.py"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 passed" in done.stdout


def test_the_suite_in_python_is_sound(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "suites" / "squares.py").write_text(blocks("python")[1])

    assert main(["validate", "suites/squares.py"]) == 0
    assert capsys.readouterr().out == "squares: 10 cases, 10 groups, 10 trials\n"


def test_the_check_of_ones_own_judges(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "suites" / "checks").mkdir()
    (project / "suites" / "checks" / "tone.py").write_text(blocks("python")[2])
    path = project / "suites" / "quickstart.yaml"
    path.write_text(
        path.read_text().replace(
            "checks: [max_output_tokens: 120, finish_reason: stop]", blocks("yaml")[1].strip()
        )
    )

    assert main(["run", str(path)]) == 0

    assert "144 warnings" not in capsys.readouterr().out


def test_the_application_answers_in_the_models_place(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "suites" / "app").mkdir()
    (project / "suites" / "app" / "assistant.py").write_text(blocks("python")[3])
    (project / "suites" / "orders.yaml").write_text(blocks("yaml")[2])

    assert main(["run", "suites/orders.yaml"]) == 0

    assert "1 of 1 groups passed" in capsys.readouterr().out


def test_every_mode_and_exit_code_it_names_is_in_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command in ("run", "compare", "cassette"):
        with pytest.raises(SystemExit):
            main([command, "--help"])

    told = capsys.readouterr().out
    for option in re.findall(r"`(--[a-z-]+|-k)`", README):
        assert option in told, option
    for mode in ("replay", "record", "refresh", "live"):
        assert mode in told
