"""The suites of `suites/wire`: every dialect and feature, replayed, and asked of the simulator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import qeval
from qeval.cli import main
from qeval.record import Trial
from qeval.session import Result
from qeval.simulator import running

ROOT = Path(__file__).parents[2]
WIRE = ROOT / "suites" / "wire"
TRIALS = {
    "answers": 27,
    "caching": 3,
    "dialects": 16,
    "findings": 8,
    "pictures": 21,
    "refused": 6,
    "streams": 20,
    "thinking": 12,
    "tools": 13,
    "turns": 9,
}
"""Of every suite."""
LOOPS = {"caching", "streams", "tools", "turns"}
"""Suites of which some trials take several requests."""
MOST_BYTES = 500_000
"""Of all recordings together."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(WIRE, tmp_path / "suites" / "wire")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    return tmp_path


@contextmanager
def simulated(name: str) -> Iterator[str]:
    """Serve a suite's answers; yield the bare address, which stands in for every target."""
    with running(Path("suites", "wire", f"{name}.simulator.yaml")) as base:
        yield base.removesuffix("/compatible-mode/v1")


def replayed(name: str) -> Result:
    shutil.copytree(ROOT / "cassettes" / "wire" / name, Path("cassettes", "wire", name))
    return qeval.run(f"suites/wire/{name}.yaml")


def asked(name: str) -> Result:
    with simulated(name) as base_url:
        return qeval.run(f"suites/wire/{name}.yaml", mode="live", base_url=base_url)


def trials(result: Result) -> list[Trial]:
    return sorted(result.run().trials(), key=lambda trial: trial.key)


def of(result: Result, case: str) -> dict[tuple[str, str], Trial]:
    """Return the first trials of a case by target and scenario."""
    found = [trial for trial in trials(result) if trial.case == case and not trial.trial]
    return {(trial.target, trial.scenario): trial for trial in found}


def said(trial: Trial) -> tuple[object, ...]:
    """What of a trial is the same whoever replays or asks it, the ids of calls aside."""
    calls = tuple((call.name, json.loads(call.arguments)) for call in trial.calls)
    return (
        trial.key,
        trial.outcome,
        trial.text,
        trial.earlier,
        calls,
        trial.requests,
        trial.reasoning,
        trial.finish_reason,
        trial.usage,
        trial.code,
    )


def test_every_suite_is_among_these() -> None:
    suites = {path.stem for path in WIRE.glob("*.yaml") if ".simulator" not in path.name}

    assert suites == set(TRIALS)


@pytest.mark.parametrize("name", sorted(TRIALS))
def test_a_suite_replays_green_without_key_and_network(project: Path, name: str) -> None:
    result = replayed(name)

    assert result.exit_code == 0, result.table()
    assert [trial.outcome for trial in trials(result)] == ["passed"] * TRIALS[name]
    assert not result.misses
    assert not result.unused


@pytest.mark.parametrize("name", sorted(TRIALS))
def test_the_simulator_still_says_what_was_recorded(project: Path, name: str) -> None:
    assert [said(trial) for trial in trials(asked(name))] == [
        said(trial) for trial in trials(replayed(name))
    ]


def test_recordings_are_sound_and_small(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "cassettes" / "wire", project / "cassettes" / "wire")
    suites = [f"suites/wire/{name}.yaml" for name in TRIALS]

    assert main(["cassette", "check", *suites]) == 0, capsys.readouterr().out
    files = (project / "cassettes").rglob("*.yaml")
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


EIGHT = [
    (target, scenario)
    for target in ("chat", "multimodal", "responses", "text")
    for scenario in ("streamed", "whole")
]


@pytest.mark.parametrize(
    ("case", "text", "calls", "finish"),
    [
        ("moons", "Two moons.", [], "stop"),
        ("weather", "", [("get_weather", {"city": "Oslo"})], "tool_calls"),
    ],
)
def test_eight_ways_bring_one_answer(
    project: Path,
    case: str,
    text: str,
    calls: list[tuple[str, dict[str, str]]],
    finish: str,
) -> None:
    rows = of(asked("dialects"), case)

    for (target, scenario), trial in sorted(rows.items()):
        made = [(call.name, call.arguments) for call in trial.calls]
        tokens = f"{trial.usage.input_tokens} in, {trial.usage.output_tokens} out"
        print(f"{target:11} {scenario:9} {trial.text!r:13} {made} {trial.finish_reason} {tokens}")
    assert sorted(rows) == EIGHT
    for trial in rows.values():
        assert trial.text == text
        assert [(call.name, json.loads(call.arguments)) for call in trial.calls] == calls
        assert trial.finish_reason == finish
        assert trial.usage.input_tokens
        assert (trial.first_token_s is None) == (trial.scenario == "whole")
    assert len({trial.usage for trial in rows.values()}) == 1


def test_a_tool_loop_is_the_same_over_four_dialects(project: Path) -> None:
    rows = of(asked("tools"), "loop")

    assert len(rows) == 4
    for trial in rows.values():
        calls = [(call.name, json.loads(call.arguments)) for call in trial.calls]
        assert calls == [("fares", {"to": "Milan"}), ("book", {"train": "B2"})]
        assert (trial.text, trial.requests) == ("B2 is booked.", 3)
    assert len({trial.usage for trial in rows.values()}) == 1


def test_thinking_is_switched_in_every_dialect_that_has_it(project: Path) -> None:
    result = replayed("thinking")
    thought, at_once = of(result, "snail"), of(result, "snail-at-once")

    by_scenario: dict[str, set[str]] = {}
    for target, scenario in (*thought, *at_once):
        by_scenario.setdefault(scenario, set()).add(target)
    four = {"chat", "responses", "text", "multimodal"}
    assert by_scenario == {
        "on": four,
        "off": four,
        "budget": four - {"responses"},
        "effort": {"responses"},
    }
    assert {trial.reasoning for trial in thought.values()} == {"2 m are left on the third day."}
    assert all(trial.usage.reasoning_tokens for trial in thought.values())
    assert {trial.reasoning for trial in at_once.values()} == {None}


def test_reasoning_goes_back_into_the_loop_where_it_is_plain_text(project: Path) -> None:
    bodies = sent("tools", "chat", "thinks")

    assert len(bodies) == 2
    assert bodies[1]["messages"][-2]["reasoning_content"] == "First the fares."


def test_a_kept_conversation_sends_only_what_is_new(project: Path) -> None:
    kept, resent = sent("turns", "kept", "live"), sent("turns", "responses", "live")

    assert [type(body["input"]) for body in kept] == [str] * 3
    assert ["previous_response_id" in body for body in kept] == [False, True, True]
    assert [len(body["input"]) for body in resent[1:]] == [3, 5]


def sent(suite: str, target: str, case: str) -> list[dict[str, Any]]:
    """Return the bodies of the requests in a recording."""
    import yaml

    path = ROOT / "cassettes" / "wire" / suite / target / f"{case}.yaml"
    held = yaml.safe_load(path.read_text())
    return [json.loads(one["request"]["body"]) for one in held["interactions"]]


@pytest.mark.parametrize("hidden", [0, 7])
@pytest.mark.parametrize("name", sorted(TRIALS))
def test_tokens_stand_beside_the_bills(
    project: Path, name: str, hidden: int, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Path("suites", "wire", f"{name}.simulator.yaml")
    script.write_text(f"hidden_tokens: {hidden}\n{script.read_text()}")
    with simulated(name) as base_url:
        mode = ["--mode", "record", "--base-url", base_url]
        assert main(["run", f"suites/wire/{name}.yaml", *mode]) == 0
    capsys.readouterr()

    assert main(["tokens", f"suites/wire/{name}.yaml", "--json"]) == 0

    residuals = json.loads(capsys.readouterr().out)["residuals"]
    for one in residuals:
        print(f"{name}: {one['dialect']} {one['mean_absolute']} over {one['trials']} trials")
    assert residuals
    assert all(one["mean_absolute"] >= hidden for one in residuals)
    # Hidden text is billed with each request of a loop.
    same = {one["mean_absolute"] for one in residuals} == {hidden}
    assert same or (hidden and name in LOOPS)


def test_why_tells_of_a_later_request_that_changed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = project / "suites" / "wire" / "tools.yaml"
    suite.write_text(suite.read_text().replace("euros: 29", "euros: 28"))
    assert replayed("tools").misses == {"stale": 7}

    assert main(["cassette", "why", "loop", "--suite", "wire/tools", "--target", "text"]) == 0

    told = capsys.readouterr().out
    assert "\nstale: prompt changed\n" in told
    assert "input.messages[2].content" in told


@pytest.mark.parametrize(
    ("suite", "question"),
    [("tools", ["loop"]), ("turns", ["live"]), ("answers", ["several", "--trial", "1"])],
)
def test_why_finds_nothing_amiss_where_all_is_recorded(
    project: Path, capsys: pytest.CaptureFixture[str], suite: str, question: list[str]
) -> None:
    assert replayed(suite).exit_code == 0

    assert main(["cassette", "why", *question, "--suite", f"wire/{suite}"]) == 0

    told = capsys.readouterr().out.splitlines()
    assert told[1] == "recorded"
    assert not any(line.startswith("field ") for line in told)


BROKEN = """\
targets:
  chat: {model: qwen-plus}
  responses: {model: qwen-plus, dialect: responses}
  text: {model: qwen-plus, dialect: dashscope-text}
  multimodal: {model: qwen3-vl-plus, dialect: dashscope-multimodal}
params: {thinking: off, stream: true}
cases:
  - {id: tale, user: Tell me a tale., checks: [contains: gull]}
"""
"""No suite of `suites/wire` is like it: what breaks off is an error, and turns a run red."""


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param("kind: cut, after_chunks: 2", "cut", id="connection-cut"),
        pytest.param("code: ModelServingError, after_chunks: 2", "ModelServingError", id="error"),
    ],
)
def test_a_stream_that_breaks_off_is_kept_with_what_had_come(
    project: Path, fault: str, code: str
) -> None:
    Path("suites", "wire", "broken.yaml").write_text(BROKEN)
    Path("suites", "wire", "broken.simulator.yaml").write_text(
        "rules:\n  - match: tale\n    reply: A gull stole a sandwich from the harbour master.\n"
        f"    fault: {{{fault}}}\n"
    )
    with simulated("broken") as base_url:
        recorded = qeval.run("suites/wire/broken.yaml", mode="record", base_url=base_url)

    again = qeval.run("suites/wire/broken.yaml")

    assert (recorded.exit_code, again.exit_code) == (1, 1)
    assert [said(trial) for trial in trials(again)] == [said(trial) for trial in trials(recorded)]
    assert [(t.target, t.outcome, t.text, t.code) for t in trials(again)] == [
        (target, "errored", "A gull stole", code)
        for target in ("chat", "multimodal", "responses", "text")
    ]


def test_a_marked_beginning_is_read_from_the_cache_by_the_second_request(project: Path) -> None:
    rows = of(replayed("caching"), "rules")
    cached = {target: trial.usage.cached_input_tokens for (target, _), trial in rows.items()}

    # The cache of a session keeps the question too.
    assert cached == {"chat": 1337, "multimodal": 1337, "responses": 1343}
    bodies = sent("caching", "chat", "rules")
    assert bodies[0]["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}


def test_films_and_sounds_travel_as_they_are(project: Path) -> None:
    film, bell = (sent("pictures", "chat", case)[0] for case in ("film", "bell"))

    assert film["messages"][0]["content"][0].items() >= {"type": "video_url", "fps": 2}.items()
    sound = bell["messages"][0]["content"][0]["input_audio"]
    assert sound["format"] == "wav"
    assert "base64," in sound["data"]
