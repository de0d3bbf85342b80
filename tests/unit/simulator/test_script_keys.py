"""What a script can say of limits, tools, thinking and streams."""

import json

import pytest

from qeval.errors import UsageError
from qeval.simulator import reading
from qeval.simulator.script import Called, Fault, Limits, Reply, Rule, Script

EXAMPLE = """\
hidden_tokens: 5
clock: 10
limits: {rpm: 300, tpm: 100_000, burst: 20, retry_after: true}
rules:
  - match: weather
    after_tool: get_*
    params: {thinking_budget: {at_least: 100}}
    reply: {text: Sun., reasoning: The tool says so.}
    first_s: 0.3
    chunk_s: 0.02
    quirks: [no_blank_lines, null_text, null_json, null_arguments]
    fault: {status: 500, after_chunks: 0, for_s: 2.5}
  - match: weather
    reply:
      calls:
        - name: get_weather
          arguments: {city: Paris, days: [1, 2.5, true, null, "7"], when: 2026-01-02, hex: 0x1f}
        - {name: get_weather, arguments: '{"city": '}
        - name: get_time
"""


def test_every_key_is_read() -> None:
    arguments = {
        "city": "Paris",
        "days": [1, 2.5, True, None, "7"],
        "when": "2026-01-02",
        "hex": "0x1f",
    }
    script = reading.parse(EXAMPLE)

    assert script == Script(
        hidden_tokens=5,
        clock=10,
        limits=Limits(rpm=300, tpm=100_000, burst=20, retry_after=True),
        rules=(
            Rule(
                match="weather",
                after_tool="get_*",
                params=script.rules[0].params,
                replies=(Reply(text="Sun.", reasoning="The tool says so."),),
                first_s=0.3,
                chunk_s=0.02,
                quirks=("no_blank_lines", "null_text", "null_json", "null_arguments"),
                fault=Fault(status=500, after_chunks=0, for_s=2.5),
            ),
            Rule(
                match="weather",
                replies=(
                    Reply(
                        calls=(
                            Called(name="get_weather", arguments=json.dumps(arguments)),
                            Called(name="get_weather", arguments='{"city": '),
                            Called(name="get_time", arguments="{}"),
                        )
                    ),
                ),
            ),
        ),
    )
    assert script.rules[0].params["thinking_budget"].at_least == 100


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("clock: 0", "clock 0 is out of range: > 0 and ≤ 1000"),
        ("limits: {}", "limits has none of 'rpm', 'tpm', 'burst'"),
        ("limits: 300", "limits wants a mapping, got '300'"),
        ("limits: {rpm: 0}", "rpm 0 is out of range: ≥ 1 and ≤ 1000000"),
        ("limits: {rmp: 5}", "unknown key 'rmp' in limits\n\nhint: did you mean 'rpm'?"),
        ("limits: {rpm: 5, retry_after: 3}", "retry_after wants true or false, got '3'"),
    ],
)
def test_a_mistake_in_a_script_s_own_keys_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        reading.parse(f"{text}\nrules: [{{match: a, reply: b}}]", "s.yaml")

    assert str(raised.value).startswith("s.yaml:1: ")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("reply: {}", "a reply has none of 'text', 'calls'"),
        ("reply: {reasoning: x}", "a reply has none of 'text', 'calls'"),
        ("reply: {ocr: {a: 1}}", "a reply has none of 'text', 'calls'"),
        ("reply: {text: x, ocr: [1]}", "ocr wants a mapping, got a list"),
        ("reply: {text: x, ocr: &a {b: *a}}", "ocr holds itself"),
        ("reply: {text: x, annotations: {a: 1}}", "annotations wants a list of annotations"),
        ("reply: {text: x, annotations: [x]}", "annotations wants a mapping, got 'x'"),
        ("reply: {calls: []}", "calls wants a list of calls, got an empty list"),
        ("reply: {calls: [x]}", "a call wants a mapping, got 'x'"),
        ("reply: {calls: [{}]}", "a call has no 'name'"),
        ("reply: {calls: [{nam: x}]}", "unknown key 'nam' in a call\n\nhint: did you mean 'name'?"),
        (
            "reply: {calls: [{name: x, arguments: [1]}]}",
            "arguments wants a mapping, or JSON as text, got a list",
        ),
        ("reply: {calls: [{name: x, arguments: &a {b: *a}}]}", "arguments holds itself"),
        ("reply: x, first_s: -1", "first_s -1 is out of range: ≥ 0 and ≤ 600 s"),
        ("reply: x, chunk_s: slow", "chunk_s wants a number ≥ 0 and ≤ 600 s, got 'slow'"),
        ("reply: x, quirks: null_text", "quirks wants a list of quirks, got 'null_text'"),
        (
            "reply: x, quirks: [nul_text]",
            "null_arguments, cumulative\n\nhint: did you mean 'null_text'?",
        ),
        ("reply: x, after_tool: [a]", "after_tool wants text, got a list"),
        (
            "reply: x, fault: {kind: cut, after_chunks: -1}",
            "after_chunks -1 is out of range: ≥ 0 and ≤ 1000000",
        ),
        ("fault: {after_chunks: 2}", "a fault has none of 'status', 'code', 'kind'"),
    ],
)
def test_a_mistake_in_a_rule_s_keys_is_told(keys: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        reading.parse(f"rules:\n  - {{match: a, {keys}}}", "s.yaml")

    assert str(raised.value).startswith("s.yaml:2: ")
    assert told in str(raised.value)


def test_the_example_of_the_docstring_is_a_script() -> None:
    from qeval.simulator import script

    text = (script.__doc__ or "").partition("::\n")[2]

    parsed = reading.parse(text)

    assert parsed.limits == Limits(rpm=300, tpm=100_000, burst=20, retry_after=True)
    assert parsed.rules[0].replies[1].calls == (
        Called(name="get_weather", arguments='{"city": "Paris"}'),
    )


def test_deep_nesting_is_told_and_not_the_end_of_the_process() -> None:
    with pytest.raises(UsageError, match="nested more than 200 levels deep"):
        reading.parse("rules: " + "[" * 50_000, "s.yaml")
