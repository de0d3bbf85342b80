"""Suites as pytest items, in sessions of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("suites", "cassettes"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def session(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": "",
    }
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "qeval.pytest_plugin",
            "--strict-markers",
            *arguments,
        ],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_group_is_an_item_and_passes(project: Path) -> None:
    done = session(project, "-q", "suites")

    assert done.returncode == 0, done.stdout
    assert "72 passed" in done.stdout


def test_items_are_chosen_by_id_by_name_and_by_tag(project: Path) -> None:
    by_id = session(project, "-q", "suites/quickstart.yaml::pluto[factual_qa-qwen-plus]")
    by_name = session(project, "-q", "suites", "-k", "pluto and qwen3-max")
    by_tag = session(project, "-q", "suites", "-m", "json")

    assert "1 passed" in by_id.stdout
    assert "2 passed" in by_name.stdout
    assert "4 passed" in by_tag.stdout


def test_a_short_group_fails_with_question_answers_and_reasons(project: Path) -> None:
    path = project / "suites" / "quickstart.yaml"
    path.write_text(path.read_text().replace("contains: bees", "contains: wasps"))

    done = session(project, "-q", "suites", "-k", "follow-up and factual_qa and qwen-plus")

    assert done.returncode == 1
    shown = done.stdout.partition("____\n")[2].partition("====")[0]
    line = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if "follow-up" in text)
    assert shown == (
        f"suites/quickstart.yaml:{line}: contains 'wasps' (ignore_case): not found\n"
        "\n"
        "prompt     What do I keep?\n"
        "trial 0    failed   You keep bees, Ada.\n"
        "             contains 'wasps' (ignore_case)    not found\n"
    )


def test_a_group_without_recording_is_an_error_and_not_a_failure(project: Path) -> None:
    (project / "cassettes" / "quickstart" / "qwen-plus" / "pluto.yaml").unlink()

    done = session(project, "-q", "suites", "-k", "pluto")

    assert "2 passed, 68 deselected, 2 errors" in done.stdout
    assert "cassettes/quickstart/qwen-plus/pluto.yaml is not there" in done.stdout


def test_last_failed_selects_the_item_that_failed(project: Path) -> None:
    path = project / "suites" / "quickstart.yaml"
    good = path.read_text()
    path.write_text(good.replace("contains: bees", "contains: wasps"))
    session(project, "-q", "suites", "-k", "follow-up and factual_qa and qwen-plus")

    done = session(project, "-q", "suites", "--lf", "-p", "cacheprovider")

    assert "1 failed" in done.stdout
    assert "passed" not in done.stdout


def test_a_mistake_in_a_suite_is_told_with_its_line(project: Path) -> None:
    path = project / "suites" / "quickstart.yaml"
    path.write_text(path.read_text().replace("contains: bees", "contain: bees"))

    done = session(project, "-q", "suites")

    assert done.returncode == 2
    assert "unknown check 'contain'" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_session_without_suites_imports_nothing_of_qeval(project: Path) -> None:
    (project / "test_it.py").write_text("def test_it():\n    pass\n")
    code = (
        "import sys, pytest\n"
        "assert pytest.main(['-q', '-p', 'qeval.pytest_plugin', 'test_it.py']) == 0\n"
        "seen = {name for name in sys.modules if name.startswith('qeval')}\n"
        "assert seen == {'qeval', 'qeval.pytest_plugin'}, seen\n"
        "assert not {'yaml', 'msgspec', 'jinja2', 'httpx2'} & set(sys.modules)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("1 passed")
