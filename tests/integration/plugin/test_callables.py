"""Callable targets under pytest: recorded once, replayed without a network, by any worker."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.plugin.conftest import Counted, Project

APP = """
    import json, os, urllib.request

    def answer(request):
        body = {"model": "qwen-plus", "messages": [{"role": "user", "content": request.user}]}
        url = os.environ["BASE"] + "/chat/completions"
        call = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(call) as answer:
            return json.load(answer)["choices"][0]["message"]["content"]
"""
SUITE = """
    targets: {app: {python: "app.py:answer"}}
    cases:
      - {id: capital, user: What is the capital of France?, checks: [contains: Paris], trials: 2}
      - {id: number, user: number 1, checks: [contains: One]}
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "two workers"])
def test_an_application_is_recorded_and_replayed_by_pytest(
    project: Project, asked: Counted, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BASE", asked.url)
    project.suite(SUITE)
    (project.path / "suites" / "app.py").write_text(textwrap.dedent(APP))
    plugins = ("xdist",) if workers else ()

    project.child("--qeval-mode", "record", *workers, plugins=plugins).assert_outcomes(passed=2)
    recorded = [path.read_bytes() for path in project.cassettes()]
    assert (len(asked), len(recorded)) == (3, 2)
    monkeypatch.setenv("BASE", asked.url)
    project.child(*workers, plugins=plugins).assert_outcomes(passed=2)

    assert len(asked) == 3
    assert [path.read_bytes() for path in project.cassettes()] == recorded


def test_a_changed_application_is_red_and_says_what_it_asks_now(
    project: Project, asked: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE", asked.url)
    project.suite(SUITE)
    app = project.path / "suites" / "app.py"
    app.write_text(textwrap.dedent(APP))
    project.child("--qeval-mode", "record").assert_outcomes(passed=2)
    app.write_text(textwrap.dedent(APP).replace("request.user}", "request.user.upper()}"))

    result = project.child()

    result.assert_outcomes(errors=2)
    changed = "messages[[]0].content: 'What is the capital of France?' → 'WHAT IS"
    result.stdout.fnmatch_lines(
        [f"*trial 0 under 'default' was recorded for another request: {changed}*"]
    )
