"""Sessions of pytest in a folder of their own, against the simulator with its requests counted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

# A session in this process forgets what it imported; what is here already, it keeps.
import qeval.pytest_plugin.items
import qeval.pytest_plugin.summing
import qeval.pytest_plugin.telling
import qeval.session.broker
import qeval.session.comparing
import qeval.transport.live  # noqa: F401
from qeval.simulator import running, server
from qeval.simulator.asked import Ask
from qeval.simulator.engine import Engine, Outcome
from qeval.store import StoredRun
from qeval.transport.cassettes import layout, reading

SCRIPT = """\
rules:
  - match: France
    reply: Paris.
  - match: endless
    reply: At long last.
    latency_s: 4
  - match: slow
    reply: At last.
    latency_s: 0.3
  - match: broken
    fault: {status: 400, code: invalid_parameter_error}
  - match: flaky
    reply: Here I am.
    fault: {status: 400, code: invalid_parameter_error, times: 1}
  - match: hostile
    reply: "\\e[31mred \\u202e ]]> \\0 end"
  - match: leak
    reply: "my key is sk-plugin-secret-0123456789"
  - match: "number (\\\\d+)"
    reply: One.
    latency_s: 0.01
"""

SUITE = """\
targets: [qwen-plus]
scenarios: {plain: {temperature: 0.1}}
cases:
  - id: capital
    user: What is the capital of France?
    tags: [geo, "two words"]
    checks: [contains: Paris]
  - id: wrong
    user: And the largest city of France?
    checks: [contains: Lyon, not-contains: Paris]
"""


class Counted:
    """The prompts that the simulator was asked, in order of arrival."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.times: list[float] = []
        """Of their arrival, in seconds."""
        self.url = ""

    def __len__(self) -> int:
        return len(self.prompts)


_COUNTED = Counted()


class _Counting(Engine):
    def answer(self, ask: Ask, dialect: str) -> Outcome:
        _COUNTED.prompts.append(ask.user)
        _COUNTED.times.append(time.monotonic())
        return super().answer(ask, dialect)


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("simulator") / "script.yaml"
    path.write_text(SCRIPT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "Engine", _Counting)
        with running(path) as url:
            yield url


@pytest.fixture
def asked(simulator: str) -> Counted:
    _COUNTED.prompts.clear()
    _COUNTED.times.clear()
    _COUNTED.url = simulator
    return _COUNTED


class Project:
    """A folder with suites, and the sessions run in it."""

    def __init__(self, pytester: pytest.Pytester, url: str) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.url = url

    def suite(self, text: str = SUITE, name: str = "facts.yaml") -> Path:
        path = self.path / "suites" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def numbered(self, count: int, *, trials: int = 1, checks: str = "contains: One") -> Path:
        """A suite of so many cases that ask for their numbers."""
        rows = json.dumps([{"n": n} for n in range(count)])
        return self.suite(
            f"targets: [qwen-plus]\nscenarios: {{plain: {{trials: {trials}}}}}\ncases:\n"
            f'  - id: "q-{{{{ n }}}}"\n    rows: {rows}\n'
            f'    user: "number {{{{ n }}}}"\n    checks: [{checks}]\n',
            "many.yaml",
        )

    def run(self, *arguments: str, plugins: Sequence[str] = ()) -> pytest.RunResult:
        """A session in this process."""
        return self.pytester.runpytest_inprocess(*self._said(arguments, plugins))

    def child(self, *arguments: str, plugins: Sequence[str] = ()) -> pytest.RunResult:
        """A session in a process of its own."""
        return self.pytester.runpytest_subprocess(*self._said(arguments, plugins))

    def record(self, *arguments: str, plugins: Sequence[str] = ()) -> pytest.RunResult:
        return self.run(*self.asking("record"), *arguments, plugins=plugins)

    def asking(self, mode: str) -> tuple[str, ...]:
        return ("--qeval-mode", mode, "--qeval-base-url", self.url)

    def start(self, *arguments: str, plugins: Sequence[str] = ()) -> subprocess.Popen[str]:
        """A session in a process group of its own, for Ctrl-C."""
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *self._said(arguments, plugins)],
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @staticmethod
    def rewrite(path: Path, answers: Sequence[str] = ()) -> None:
        """Put other answers, a trial each, and another day into a file, as if so recorded."""
        made = []
        for one in reading.read(path.read_bytes(), path.stem, path.name, ""):
            body = json.loads(one.response)
            if answers and one.place is not None:
                body["choices"][0]["message"]["content"] = answers[one.place.trial]
            made.append(
                msgspec.structs.replace(
                    one,
                    response=json.dumps(body, indent=2, ensure_ascii=False).encode(),
                    recorded=msgspec.structs.replace(one.recorded, date="2026-11-22T20:14:40Z"),
                )
            )
        path.write_text(layout.write(made), encoding="utf-8")

    def cassettes(self, suite: str = "facts") -> list[Path]:
        return sorted((self.path / "cassettes" / suite).rglob("*.yaml"))

    def runs(self, folder: str = "reports") -> list[Path]:
        return sorted((self.path / folder).rglob("run.jsonl"))

    def latest(self, folder: str = "reports") -> StoredRun:
        (path,) = self.runs(folder)
        return StoredRun(path)

    def _said(self, arguments: Sequence[str], plugins: Sequence[str]) -> list[str]:
        named = [part for name in ("qeval.pytest_plugin", *plugins) for part in ("-p", name)]
        cache = [] if "cacheprovider" in plugins else ["-p", "no:cacheprovider"]
        own = [each for each in named if each not in {"-p", "cacheprovider"}]
        loaded = [part for name in own for part in ("-p", name)]
        # In this process the filters of the session outside hold, where any warning is an error.
        return [*loaded, *cache, "--strict-markers", "-W", "default", *arguments]


@pytest.fixture
def project(pytester: pytest.Pytester, asked: Counted, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("CI", "BUILD_NUMBER", "GITHUB_STEP_SUMMARY", "DASHSCOPE_API_KEY", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), *sys.path]))
    (pytester.path / "suites").mkdir()
    return Project(pytester, asked.url)


def interrupted(process: subprocess.Popen[str], ready: Path, count: int) -> tuple[float, str]:
    """Send Ctrl-C once so many cassettes are there; return seconds to the end, and the output."""
    deadline = time.monotonic() + 20
    while len(list(ready.rglob("*.yaml"))) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    return time.monotonic() - began, output
