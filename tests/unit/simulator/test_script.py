from pathlib import Path

import pytest

from qeval.errors import UsageError
from qeval.simulator import reading
from qeval.simulator.script import Fault, Reply, Rule, Script

EXAMPLE = """\
seed: 7
x-texts:
  - &unknown I do not know.
rules:
  - match: "(?i)capital of France"
    model: qwen3-*
    dialect: chat
    replies:
      - {text: "Paris.", weight: 3}
      - It is Paris, on the Seine.
    latency_s: 0.05
  - match: overload me
    fault: {status: 429, code: limit_requests, times: 2, retry_after_s: 1}
  - match: 1.10
    fault: {kind: cut}
    reply: 007
  - match: ".*"
    reply: *unknown
"""


def test_a_script_is_read_whole() -> None:
    assert reading.parse(EXAMPLE) == Script(
        seed=7,
        rules=(
            Rule(
                match="(?i)capital of France",
                model="qwen3-*",
                dialect="chat",
                replies=(Reply(text="Paris.", weight=3), Reply(text="It is Paris, on the Seine.")),
                latency_s=0.05,
            ),
            Rule(
                match="overload me",
                fault=Fault(status=429, code="limit_requests", times=2, retry_after_s=1),
            ),
            Rule(match="1.10", fault=Fault(kind="cut"), replies=(Reply(text="007"),)),
            Rule(match=".*", replies=(Reply(text="I do not know."),)),
        ),
    )


MISTAKES = """\
sed: 3
rules:
  - mach: hello
    reply: x
  - match: "(unclosed"
    reply: x
  - match: a
    reply: x
    match: b
  - match: a
    reply: x
    replies: [y]
  - match: a
  - match: a
    replies: []
  - match: a
    replies:
      - {text: x, weight: 0}
      - {txt: x}
      - [x]
  - match: a
    reply: x
    latency_s: soon
    model: [a]
  - match: a
    fault: {}
  - match: a
    fault: {status: 200}
  - match: a
    fault: {kind: htm, times: 1.5}
  - match: a
    dialect: dashscope_text
    reply:
  - just text
  - match: a
    fault: {status: 700, code: x}
"""

TOLD = r"""s.yaml:1: unknown key 'sed' in a script
s.yaml:3: unknown key 'mach' in a rule
s.yaml:5: match '(unclosed' is no regular expression: \
missing ), unterminated subpattern at position 0
s.yaml:9: key 'match' is here twice; first on line 7
s.yaml:10: a rule has both 'reply' and 'replies'
s.yaml:13: a rule has none of 'reply', 'replies', 'fault'
s.yaml:15: replies wants a list of replies, got an empty list
s.yaml:18: weight 0 is out of range: > 0 and ≤ 1000000
s.yaml:19: unknown key 'txt' in a reply
s.yaml:20: a reply wants a mapping, got a list
s.yaml:23: latency_s wants a number ≥ 0 and ≤ 600 s, got 'soon'
s.yaml:24: model wants text, got a list
s.yaml:26: a fault has none of 'status', 'code', 'kind'
s.yaml:28: status 200 is no error: ≥ 400 and ≤ 599
s.yaml:30: kind 'htm' is none of cut, garbage, html, empty, partial
s.yaml:30: times wants a whole number ≥ 1 and ≤ 1000000, got '1.5'
s.yaml:32: dialect 'dashscope_text' is none of \
chat, dashscope-multimodal, dashscope-text, responses
s.yaml:33: reply wants text, got nothing
s.yaml:34: a rule wants a mapping, got 'just text'
s.yaml:36: status 700 is out of range: ≥ 200 and ≤ 599
20 mistakes in s.yaml

hint: write the regular expression as Python's re module reads it; \
did you mean 'seed' (1), 'match' (3), 'text' (19), 'html' (30), 'dashscope-text' (32)?"""


def test_all_mistakes_are_told_at_once_each_with_its_line() -> None:
    with pytest.raises(UsageError) as excinfo:
        reading.parse(MISTAKES, "s.yaml")

    assert str(excinfo.value) == TOLD.replace("\\\n", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "script:1: the script is empty\n\nhint: begin with 'rules:'"),
        ("rules: []", "script:1: rules wants a list of rules, got an empty list"),
        ("rules: {a: b}", "script:1: rules wants a list of rules, got a mapping"),
        ("- a", "script:1: a script wants a mapping, got a list"),
        ("seed: 1", "script:1: a script has no 'rules'"),
        (
            "rules: [{match: a, repl: x}]",
            "script:1: unknown key 'repl' in a rule\n\nhint: did you mean 'reply'?",
        ),
        ("rules: [{match: a, fault: 500}]", "script:1: a fault wants a mapping, got '500'"),
        ("rules: [{match: , reply: x}]", "script:1: match wants text, got nothing"),
        ("rules: [{reply: x}]", "script:1: a rule has no 'match'"),
        (
            "rules: [{match: a, replies: [{weight: x}]}]",
            "script:1: weight wants a number > 0 and ≤ 1000000, got 'x'\n2 mistakes in script",
        ),
        ("rules: [{match: a, reply: x, 'zz': 1}]", "keys of a rule: match, model"),
        ("seed: -1\nrules: [{match: a, reply: x}]", "seed -1 is out of range: ≥ 0"),
        ("rules: [{match: a, reply: x}]\n---\nrules: []", "script:2: not YAML: "),
        ("rules: [\n  {match: a", "script:3: not YAML: "),
        ("rules: [{match: a, reply: *b}]", "script:1: not YAML: found undefined alias"),
        ("rules: \x00", "script:1: not YAML: "),
        ("rules: &r [*r]", "script:1: a rule wants a mapping, got a list"),
        ("? [a]\n: b\nrules: [{match: a, reply: x}]", "script:1: unknown key '?' in a script"),
    ],
)
def test_a_mistake_names_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as excinfo:
        reading.parse(text)

    assert message in str(excinfo.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as excinfo:
        reading.load(tmp_path / "none.yaml")

    assert str(excinfo.value) == (
        f"{tmp_path}/none.yaml: cannot read the script: No such file or directory\n\n"
        "hint: name a script: qeval simulate SCRIPT"
    )


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UsageError, match="not UTF-8"):
        reading.load(path)


def test_a_file_is_read_with_its_name_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("\ufeff" + EXAMPLE, encoding="utf-8")

    assert reading.load(path) == reading.parse(EXAMPLE)
