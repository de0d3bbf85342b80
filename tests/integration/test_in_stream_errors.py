"""Errors inside HTTP 200, over loopback in all four dialects: asked again, and never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

import qeval
from qeval.simulator import running

SUITE = """
params: {stream: true}
targets:
  chat: {model: qwen-plus}
  responses: {model: qwen-plus, dialect: responses}
  text: {model: qwen-plus, dialect: dashscope-text}
  multimodal: {model: qwen3.6-plus, dialect: dashscope-multimodal, params: {thinking: off}}
cases:
  - {id: france, user: France?, checks: [contains: Paris]}
"""
FAULTS = {
    "at once": "{code: Throttling.RateQuota, status: 429, after_chunks: 0, times: 1}",
    "after some text": "{code: InternalError, status: 500, after_chunks: 1, times: 1}",
    "cut": "{kind: cut, after_chunks: 1, times: 1}",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("mode", ["live", "record"])
def test_a_passing_fault_inside_a_stream_costs_an_attempt_and_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, mode: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.qeval]\n")
    suite = tmp_path / "suites" / "s.yaml"
    suite.parent.mkdir()
    suite.write_text(SUITE)
    script = tmp_path / "script.yaml"
    rules = [
        f"  - {{match: France, dialect: {dialect}, reply: It is Paris., fault: {FAULTS[fault]}}}\n"
        for dialect in ("chat", "responses", "dashscope-text", "dashscope-multimodal")
    ]
    script.write_text("rules:\n" + "".join(rules))

    with running(script) as base:
        url = base.removesuffix("/compatible-mode/v1")
        result = qeval.run(suite, mode=mode, base_url=url)

    trials = list(result.run().trials())
    assert [(t.target, t.outcome, t.attempts) for t in trials] == [
        (target, "passed", 2) for target in ("chat", "responses", "text", "multimodal")
    ]
    if mode == "record":
        assert qeval.run(suite).exit_code == 0
