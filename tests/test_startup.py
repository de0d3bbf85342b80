"""What start-up may import: a deterministic guard, where a time limit would flake."""

import subprocess
import sys

import pytest

FORBIDDEN_IN_HELP = {
    "asyncio",
    "hypothesis",
    "httpx",
    "httpx2",
    "importlib.metadata",
    "jinja2",
    "jsonschema",
    "msgspec",
    "pytest",
    "tabulate",
    "tiktoken",
    "tqdm",
    "vcr",
    "yaml",
}


def imports_of(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], capture_output=True, text=True, check=True
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}


def test_help_imports_nothing_heavy() -> None:
    assert imports_of("-m", "qeval", "--help").isdisjoint(FORBIDDEN_IN_HELP)


def test_replay_imports_neither_http_nor_event_loop() -> None:
    seen = imports_of("-m", "qeval", "run", "suites/quickstart.yaml")

    assert "qeval.runner" in seen
    assert seen.isdisjoint({"httpx2", "httpx", "aiohttp", "asyncio", "vcr", "tqdm"})


@pytest.mark.parametrize("name", ["Suite", "Check", "run", "Score"])
def test_public_names_are_there_when_asked_for(name: str) -> None:
    import qeval

    assert getattr(qeval, name).__name__ == name
    assert name in dir(qeval)
