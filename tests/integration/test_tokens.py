"""Tokens and money from the command line down: counting, forecasts, limits, and drift."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qeval.cli import main
from qeval.simulator import running
from qeval.store import StoredRun, find_run
from qeval.tokens import vocabulary

SUITE = """\
targets: [qwen-plus]
scenarios: {factual_qa: {preset: factual_qa, max_output_tokens: 20}}
checks: [{token_drift: 0, name: drift}]
cases:
  - {id: capital, user: What is the capital of France?, checks: [contains: Paris]}
  - {id: longer, user: What is the capital of France? Answer in one short sentence., checks: [contains: Paris]}
"""
SCRIPT = """\
rules:
  - match: France
    reply: Paris
"""
PRICED = """\
[tool.qeval.models.qwen-plus.price]
currency = "USD"
input_per_mtok = 1000
output_per_mtok = 2000
source = "a list of our own"
date = "2026-11-22"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "facts.yaml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    return tmp_path


@contextmanager
def simulator(project: Path, script: str = SCRIPT) -> Iterator[str]:
    (project / "script.yaml").write_text(script)
    with running(project / "script.yaml") as base_url:
        yield base_url


def run(*more: str) -> int:
    return main(["run", "suites/facts.yaml", *more])


def latest(project: Path) -> StoredRun:
    return find_run(project / "reports", "latest", "facts")


def test_hi_counts_one_and_eleven(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "Hi", "--model", "qwen3.7-max"]) == 0

    assert capsys.readouterr().out == (
        "qwen3.7-max · template qwen3.7 · thinking on, its default\n"
        "\n"
        "  tokens  what\n"
        "--------  ----------------------------------------------------------\n"
        "       1  message 1, user, text: Hi\n"
        "       5  message 1, user, markup: <|im_start|>user\\n … <|im_end|>\\n\n"
        "       3  opening of the answer: <|im_start|>assistant\\n\n"
        "       2  opening of the answer: <think>\\n\n"
        "      11  in all\n"
        "\n"
        "1 for the text, 11 with the template.\n"
        "A page that prints this prompt without its last newline shows 10: that newline is a "
        "token, and it is billed.\n"
        "Counted by model: by an older vocabulary of the same maker, or a template that no "
        "recorded bill has proven for such a request.\n"
    )


def test_a_text_is_counted_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tokens", "Hi", "--model", "qwen-plus", "--system", "Be brief.", "--json"]

    assert main(words) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["text_tokens"], found["tokens"], found["method"]) == (4, 17, "exact")
    assert sum(item["tokens"] for item in found["items"]) == found["tokens"]


def test_a_text_may_come_from_a_pipe_in_any_bytes(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Hi \xff\n")))

    assert main(["tokens", "-", "--model", "qwen-plus", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["text_tokens"] == 3


def test_a_template_that_is_in_no_table_is_a_mistake_of_the_settings(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pyproject.toml").write_text('[tool.qeval.models.house]\ntemplate = "qwen4"\n')

    assert main(["tokens", "Hi", "--model", "house"]) == 4

    assert capsys.readouterr().err.startswith("pyproject.toml:2: template 'qwen4' is none of ")


def test_a_text_without_a_model_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "Hi"]) == 4

    assert capsys.readouterr().err == (
        "'Hi' is no suite file, and no model is named to count it as a text\n\n"
        "hint: name one: qeval tokens TEXT --model qwen-plus\n"
    )


def test_without_a_vocabulary_counts_are_marked_and_the_extra_is_named(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "shared", lambda: None)

    assert main(["tokens", "Hi there", "--model", "qwen-plus"]) == 0

    told = capsys.readouterr()
    assert "Counted by estimate: a guess." in told.out
    assert told.err == ("\nhint: install the Qwen vocabulary: pip install 'qeval[qwen]'\n")


def test_a_hostile_text_reaches_no_terminal(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokens", "\x1b[31m\u202e\x00Hi", "--model", "qwen-plus"]) == 0

    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "\x00" not in told


def test_a_hostile_model_name_reaches_no_terminal(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokens", "Hi", "--model", "q\x1b[31m"]) == 0

    said = capsys.readouterr()
    assert said.out.startswith("q␛[31m · not in the table of models")
    assert "\x1b" not in said.out + said.err


def test_a_degree_of_thinking_that_is_none_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokens", "Hi", "--model", "qwen-plus", "--thinking", "banana"]) == 4

    assert capsys.readouterr().err == (
        "--thinking 'banana' is none of on, off, minimal, low, medium, high, xhigh, max\n\n"
        "hint: type --thinking on, or leave it out for the model's own way\n"
    )


def test_a_file_in_place_of_a_text_is_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokens", "suites/facts.yaml", "--model", "qwen-plus"]) == 0

    assert capsys.readouterr().err == (
        "\nhint: its name was counted; for what the file 'suites/facts.yaml' holds: "
        "qeval tokens - --model qwen-plus < suites/facts.yaml\n"
    )


@pytest.mark.parametrize("text", ["x" * 100_000, "a\0b"])
def test_a_text_that_can_be_no_name_is_counted(project: Path, text: str) -> None:
    assert main(["tokens", text, "--model", "qwen-plus"]) == 0


def test_a_model_like_none_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text('[tool.qeval.models]\nhouse = {like = "qwen-pluss"}\n')

    assert main(["tokens", "Hi", "--model", "house"]) == 4

    assert capsys.readouterr().err == (
        "pyproject.toml:2: like 'qwen-pluss' is no model of the built-in table\n\n"
        "hint: did you mean 'qwen-plus'?\n"
    )


def test_a_plan_is_forecast_in_tokens_money_and_minutes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window = "[tool.qeval.models.qwen-plus]\ncontext_tokens = 40\n"
    (project / "pyproject.toml").write_text(window + PRICED)

    assert main(["tokens", "suites/facts.yaml", "--trials", "10", "--rpm", "5", "--tpm", "90"]) == 0

    assert capsys.readouterr().out == (
        "target     scenario      trials    tokens in    overhead    out at most             cost  counted\n"
        "---------  ----------  --------  -----------  ----------  -------------  ---------------  ---------\n"
        "qwen-plus  factual_qa        20          360      44.4 %            400  0.36 … 1.16 USD  exact\n"
        "\n"
        "20 trials. Cost 0.36 … 1.16 USD: input alone … with all output that is allowed.\n"
        "At the limits given: at most 8 min 27 s.\n"
        "Too long for qwen-plus: longer\n"
    )


def test_a_forecast_without_prices_has_no_cost(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokens", "suites/facts.yaml", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["shares"][0]["least_cost"] is None
    assert found["shares"][0]["input_tokens"] == 36
    assert found["residuals"] == []


def test_recordings_tell_how_far_predictions_were_off(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with simulator(project, SCRIPT + "hidden_tokens: 40\n") as url:
        assert run("--mode", "record", "--base-url", url) == 0
    capsys.readouterr()

    assert main(["tokens", "suites/facts.yaml"]) == 0

    assert capsys.readouterr().out.endswith(
        "Recorded bills beside the prediction:\n"
        "  chat: 40 tokens off a request, mean of 2 trials\n"
        "  qwen-plus, chat, thinking off, no tools, text: constant 40, 2 trials\n"
    )


def test_every_trial_has_its_ledger_and_its_cost(project: Path) -> None:
    (project / "pyproject.toml").write_text(PRICED)
    with simulator(project) as url:
        assert run("--mode", "record", "--base-url", url) == 0

    stored = latest(project)
    first = next(iter(stored.trials()))
    (target,) = stored.header.targets
    assert first.ledger is not None
    assert (first.ledger.text, first.ledger.markup, first.ledger.method) == (7, 8, "exact")
    assert first.ledger.residual(first.usage.input_tokens) == 0
    assert first.cost == pytest.approx((15 * 1000 + (first.usage.output_tokens or 0) * 2000) / 1e6)
    assert (target.currency, target.priced) == ("USD", "a list of our own, 2026-11-22")


def test_the_table_shows_overhead_and_cost(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pyproject.toml").write_text(PRICED)
    with simulator(project) as url:
        assert run("--mode", "record", "--base-url", url) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["tokens", "in", "tokens", "latency"]
    assert "(overhead)" in lines[1]
    assert lines[1].split()[-1] == "cost"
    assert "18 (44.4 %)" in lines[3]
    assert lines[3].endswith("0.04 USD")


def test_hidden_text_between_baseline_and_run_is_a_drift(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with simulator(project) as url:
        assert run("--mode", "record", "--base-url", url) == 0
    assert main(["baseline", "set", "latest"]) == 0
    with simulator(project, SCRIPT + "hidden_tokens: 40\n") as url:
        assert run("--mode", "refresh", "--base-url", url) == 0

    scores = [score for trial in latest(project).trials() for score in trial.scores]
    drifts = [score for score in scores if score.check == "drift"]
    assert [(s.passed, s.severity, s.reason) for s in drifts] == [
        (False, "warn", "constant 0 → 40: +40 tokens that the prompt does not explain")
    ] * 2
    assert "2 warnings" in capsys.readouterr().out


def test_a_drift_turns_the_run_red_when_asked_to(project: Path) -> None:
    with simulator(project) as url:
        assert run("--mode", "record", "--base-url", url) == 0
    assert main(["baseline", "set", "latest"]) == 0
    suite = project / "suites" / "facts.yaml"
    suite.write_text(SUITE.replace("token_drift: 0,", "token_drift: 0, severity: fail,"))

    with simulator(project, SCRIPT + "hidden_tokens: 40\n") as url:
        assert run("--mode", "refresh", "--base-url", url) == 1


def test_a_longer_prompt_alone_is_no_drift(project: Path) -> None:
    with simulator(project) as url:
        assert run("--mode", "record", "--base-url", url) == 0
        assert main(["baseline", "set", "latest"]) == 0
        suite = project / "suites" / "facts.yaml"
        suite.write_text(SUITE.replace("France?,", "France? Think well before you answer,"))
        assert run("--mode", "refresh", "--base-url", url) == 0

    drifts = [s for t in latest(project).trials() for s in t.scores if s.check == "drift"]
    assert [score.passed for score in drifts] == [True, True]
    assert drifts[0].reason == "+0 tokens, as in the baseline"


def test_a_run_stops_at_its_limit_with_what_it_has(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pyproject.toml").write_text(PRICED)
    with simulator(project) as url:
        code = run(
            *("--mode", "record", "--base-url", url),
            *("--trials", "10", "--concurrency", "1", "--max-cost", "0.05"),
        )

    told = capsys.readouterr()
    stored = latest(project)
    trials = list(stored.trials())
    spent = sum(trial.cost or 0 for trial in trials)
    assert code == 2
    assert 0.05 <= spent < 0.05 + 0.03
    assert 0 < len(trials) < 20
    assert not stored.header.complete
    assert f"stopped by --max-cost: spent {spent:.3g} USD of 0.05 USD; what had ended is kept" in (
        told.err
    )


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (("--max-calls", "3"), "stopped by --max-calls: spent 3 calls of 3 calls"),
        (("--max-tokens", "50"), "stopped by --max-tokens: spent "),
    ],
)
def test_a_run_stops_after_so_many_calls_or_tokens(
    project: Path, capsys: pytest.CaptureFixture[str], limit: tuple[str, str], told: str
) -> None:
    with simulator(project) as url:
        code = run(
            "--mode", "record", "--base-url", url, "--trials", "10", "--concurrency", "1", *limit
        )

    trials = list(latest(project).trials())
    used = sum((t.usage.input_tokens or 0) + (t.usage.output_tokens or 0) for t in trials)
    assert code == 2
    assert told in capsys.readouterr().err
    assert len(trials) == 3 if limit[0] == "--max-calls" else 50 <= used < 50 + 60


def test_a_replay_spends_nothing(project: Path) -> None:
    (project / "pyproject.toml").write_text(PRICED)
    with simulator(project) as url:
        assert run("--mode", "record", "--base-url", url) == 0

    assert run("--max-cost", "0.000001") == 0


def test_a_limit_without_a_price_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--max-cost", "5") == 4

    assert capsys.readouterr().err == (
        "--max-cost 5: the price of target 'qwen-plus' is unknown\n\n"
        'hint: give it in pyproject.toml, as [tool.qeval.models."qwen-plus".price]\n'
    )


@pytest.mark.parametrize("limit", ["0", "-1", "much", "nan", "inf"])
def test_a_limit_that_is_no_sum_is_refused(limit: str) -> None:
    with pytest.raises(SystemExit) as info:
        run("--max-cost", limit)

    assert info.value.code == 4


def imported(project: Path, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "qeval", "run", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}


def test_the_vocabulary_is_loaded_only_where_somebody_looks(project: Path) -> None:
    with simulator(project) as url:
        assert run("--mode", "record", "--base-url", url) == 0
    plain = project / "suites" / "plain.yaml"
    plain.write_text(SUITE.replace("checks: [{token_drift: 0, name: drift}]\n", ""))
    (project / "cassettes" / "facts").rename(project / "cassettes" / "plain")

    assert "tiktoken" in imported(project, "suites/plain.yaml")
    assert "tiktoken" not in imported(project, "suites/plain.yaml", "--no-ledger")
    (project / "cassettes" / "plain").rename(project / "cassettes" / "facts")
    assert "tiktoken" in imported(project, "suites/facts.yaml", "--no-ledger")


def test_a_wrong_vocabulary_file_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(project) as url:
        assert run("--mode", "record", "--base-url", url) == 0
    fake = project / "qwen.tiktoken"
    fake.write_bytes(b"IQ== 0\n")
    monkeypatch.setattr(vocabulary, "ranks_file", lambda: fake)
    monkeypatch.setattr(vocabulary, "shared", vocabulary._Shared())
    capsys.readouterr()

    assert run() == 4

    assert "vocabulary file 'qwen.tiktoken' of the package 'dashscope' has SHA-256" in (
        capsys.readouterr().err
    )
    assert run("--no-ledger", "--case", "nothing") == 5


def test_without_a_vocabulary_a_run_file_keeps_no_guess(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(project) as url:
        assert run("--mode", "record", "--base-url", url) == 0
    monkeypatch.setattr(vocabulary, "shared", lambda: None)

    assert run() == 0  # the check that looks at tokens cannot judge, and only warns

    assert [trial.ledger for trial in latest(project).trials()] == [None, None]
