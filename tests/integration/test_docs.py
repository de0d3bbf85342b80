"""The page about CI, done: its files written, its commands run, the server gone when it says so."""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@contextmanager
def served(command: str, port: int, folder: Path, env: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(shlex.split(command), cwd=folder, env=env, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """This Python's commands first, and nothing of this project's own settings."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name, module in (("qeval", "qeval"), ("pytest", "pytest -p qeval.pytest_plugin")):
        shim = bin_folder / name
        shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        shim.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return {
        **kept,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def test_the_page_leads_from_an_empty_folder_to_a_green_offline_session(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    port = free_port()
    for kind, name, text in BLOCKS:
        if kind in {"yaml", "python"}:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    def run(text: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text.replace("8765", str(port))],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    commands = [(name, text) for kind, name, text in BLOCKS if kind == "sh"]
    assert commands[0][1].startswith("pip install"), "done already: this environment has it"
    (server,) = (text for name, text in commands if name == "server")
    with served(server.replace("8765", str(port)).strip(), port, folder, environment):
        said = [run(text) for name, text in commands[1:] if name == ""]
        run(f"pytest --qeval-mode record --qeval-base-url http://127.0.0.1:{port} tests")
    said += [run(text) for name, text in commands if name == "offline"]

    assert "2 passed" in said[0]
    assert "2 passed" in said[2]
    assert sorted(path.name for path in (folder / "cassettes" / "facts").rglob("*.yaml")) == [
        "is-pluto-a-planet-begin-with-yes-or-no.yaml",
        "what-is-the-capital-of-france.yaml",
    ]
    assert "1 passed" in run("pytest tests")


def test_the_suite_has_ten_lines() -> None:
    (suite,) = (text for _, name, text in BLOCKS if name == "suites/facts.yaml")

    assert suite.count("\n") == 10


def test_every_option_of_the_page_is_one_of_the_plugins(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        ["pytest", "--help"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    for option in re.findall(r"--qeval-[a-z-]+", PAGE):
        assert option in done.stdout, option
