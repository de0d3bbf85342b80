"""Suites as pytest items: one item a group, answered from recordings unless told otherwise.

This module is imported in every pytest session of everyone who installs qeval, so it imports
nothing but pytest until a suite is collected.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from qeval.pytest_plugin.fixture import Qeval
    from qeval.pytest_plugin.items import SuiteFile

T = TypeVar("T", int, float)
_FOLDERS = pytest.StashKey[frozenset[str]]()
_SUFFIXES = frozenset((".yaml", ".yml", ".json", ".py"))


_CHOICES = {
    "mode": ("replay", "record", "refresh", "live"),
    "client": ("auto", "httpx2", "aiohttp"),
    "block_network": ("on", "off"),
}


_LIMITS: dict[str, type[int | float]] = {
    "max_calls": int,
    "max_tokens": int,
    "max_cost": float,
}


class QevalCheckWarning(UserWarning):
    """A check of severity `warn` did not pass."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options, each with an ini key of the same name; nothing is read here."""
    group = parser.getgroup("qeval", "suites of language-model endpoints (qeval)")
    ask = group.addoption
    ask(
        "--qeval-mode",
        choices=_CHOICES["mode"],
        help="replay: recordings only (default) · record: ask for what is missing · "
        "refresh: ask for everything again · live: ask, and keep no recording",
    )
    ask(
        "--qeval-report",
        metavar="PATH",
        help="folder for run files and pages; what was asked is kept in the project's without it",
    )
    ask(
        "--qeval-baseline",
        metavar="REF",
        help="fail on what is worse than this run: 'baseline', 'latest', an id, a file",
    )
    ask(
        "--qeval-junit-properties",
        action="store_true",
        default=None,
        help="write tokens, cost and score of each item into the JUnit file",
    )
    ask("--qeval-concurrency", metavar="N", help="calls in flight (default 32)")
    ask("--qeval-base-url", metavar="URL", help="a server that stands in for all; gets no key")
    ask(
        "--qeval-client",
        choices=_CHOICES["client"],
        help="what carries live calls; aiohttp comes with the extra 'fast'",
    )
    ask("--qeval-max-calls", metavar="N", help="make no more calls than this in the session")
    ask("--qeval-max-tokens", metavar="N", help="make no more calls once so many tokens are billed")
    ask("--qeval-max-cost", metavar="X", help="the same of money, in the currency of the prices")
    ask(
        "--qeval-block-network",
        choices=_CHOICES["block_network"],
        help="while recordings are replayed, refuse every host but this one (default on)",
    )
    for name in ("mode", "report", "baseline", "concurrency", "base_url", "client", *_LIMITS):
        parser.addini(f"qeval_{name}", default="", help=f"as --qeval-{name.replace('_', '-')}")
    parser.addini("qeval_junit_properties", type="bool", help="as --qeval-junit-properties")
    parser.addini("qeval_block_network", default="on", help="as --qeval-block-network")
    parser.addini(
        "qeval_suites",
        type="args",
        default=["suites/*.yaml", "suites/*.py"],
        help="globs below the root folder of the suites to collect",
    )


def said(config: pytest.Config, name: str) -> str:
    """Return what the command line says, else the ini file; '' where neither does."""
    value = config.getoption(f"qeval_{name}")
    return str(config.getini(f"qeval_{name}") if value is None else value)


def limit(config: pytest.Config, name: str, kind: type[T]) -> T | None:
    """Return a limit of the session, > 0; None where there is none.

    Raises:
        pytest.UsageError: It is no number.
    """
    text = said(config, name)
    if not text:
        return None
    try:
        value: Any = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        wanted = "whole number ≥ 1" if kind is int else "number > 0"
        raise pytest.UsageError(f"--qeval-{name.replace('_', '-')} {text!r} is no {wanted}")
    found: T = value
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark, and take part where pytest-xdist hands items to workers."""
    _refuse_nonsense(config)
    config.addinivalue_line(
        "markers", "qeval_cassette: record and replay the HTTP traffic of the test (qeval)"
    )
    if not hasattr(config, "workerinput") and config.getoption("tx", None):
        from qeval.pytest_plugin.controller import Controller

        config.pluginmanager.register(Controller(config), "qeval-controller")


def _refuse_nonsense(config: pytest.Config) -> None:
    for name, known in _CHOICES.items():
        value = said(config, name)
        if value and value not in known:
            raise pytest.UsageError(f"qeval_{name} {value!r} is none of {', '.join(known)}")
    report, calls = said(config, "report"), said(config, "concurrency")
    if report.endswith((".html", ".jsonl")):
        raise pytest.UsageError(
            f"--qeval-report {report!r} is a file; run file and page get a folder each\n\n"
            f"hint: name a folder, such as `--qeval-report {Path(report).parent / 'reports'}`"
        )
    if calls and not (calls.isdecimal() and int(calls) > 0):
        raise pytest.UsageError(f"--qeval-concurrency {calls!r} is no whole number ≥ 1")
    for name, kind in _LIMITS.items():
        limit(config, name, kind)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stand ready for a test whose traffic is recorded."""
    if item.get_closest_marker("qeval_cassette") is not None:
        from qeval.pytest_plugin.state import state

        state(item.config)


@pytest.fixture
def qeval(request: pytest.FixtureRequest) -> Iterator[Qeval]:
    """Ask a model from a test: `qeval.ask("…", model="qwen-plus").check(contains="…")`."""
    from qeval.pytest_plugin.fixture import asking

    yield from asking(request)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over the recordings of a project: no other plugin needs to look at each."""
    folders = config.stash.get(_FOLDERS, None)
    if folders is None:
        folders = config.stash[_FOLDERS] = _folders(config.rootpath)
    return True if folders and str(collection_path) in folders else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """Collect a file that the globs name, or that was named and holds cases."""
    if not is_suite(file_path, parent.config):
        return None
    with unwritten(parent.config):
        from qeval.pytest_plugin.items import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)


@contextmanager
def unwritten(config: pytest.Config) -> Iterator[None]:
    """Import without pytest's rewriting of assertions, which ours have no need of.

    pytest rewrites every module of a distribution that brings a plugin: with some 100 modules
    that takes longer than 1,000 items, and again in each session that cannot write byte code.
    """
    hook = getattr(config.pluginmanager, "rewrite_hook", None)
    if hook not in sys.meta_path:
        yield
        return
    place = sys.meta_path.index(hook)
    sys.meta_path.remove(hook)
    try:
        yield
    finally:
        sys.meta_path.insert(place, hook)


def is_suite(path: Path, config: pytest.Config) -> bool:
    """Return whether a file is a suite: the globs name it, or somebody named it in person."""
    if path.suffix not in _SUFFIXES or path.name.endswith(".simulator.yaml"):
        return False
    python = path.suffix == ".py"
    if python and any(path.match(pattern) for pattern in config.getini("python_files")):
        return False  # a module of tests, and collected as such
    root = config.rootpath
    depth = len(path.relative_to(root).parts) if path.is_relative_to(root) else 0
    if any(depth == glob.count("/") + 1 and path.match(glob) for glob in _globs(config)):
        # A module beside suites may hold checks for them, and no suite.
        return not python or b"suite" in path.read_bytes()
    named = (config.invocation_params.dir / said.partition("::")[0] for said in config.args)
    return not python and path in named and b"cases" in path.read_bytes()


def _globs(config: pytest.Config) -> list[str]:
    globs: list[str] = config.getini("qeval_suites")
    return globs


def _folders(root: Path) -> frozenset[str]:
    """Return the project's folders of cassettes and reports; none where it has no suites."""
    names = {"suites": "suites", "cassettes": "cassettes", "reports": "reports"}
    settings = root / "pyproject.toml"
    if settings.is_file() and b"tool.qeval" in (data := settings.read_bytes()):
        import tomllib

        try:
            said = tomllib.loads(data.decode())["tool"]["qeval"]
        except (ValueError, LookupError, TypeError):
            said = {}  # told with its line when a suite is loaded
        names |= {key: value for key, value in said.items() if key in names}
    if not (root / names["suites"]).is_dir() or not (root / names["cassettes"]).is_dir():
        return frozenset()
    return frozenset(str(root / str(names[name])) for name in ("cassettes", "reports"))
