"""What may stand where, one rule a row: a line of the suite, and all that is said of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.loading import read

Told = Callable[..., str]
CASE = "cases: [{user: Hi, checks: [contains: x]}]\n"
ONE = "targets: [qwen-plus]\ncases:\n"


def first(text: str) -> str:
    return text.partition("\n")[0].removeprefix("suites/s.yaml:")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("temperature: 2", "temperature 2 is out of range: ≥ 0 and < 2"),
        ("temperature: -0.1", "temperature -0.1 is out of range: ≥ 0 and < 2"),
        ("temperature: warm", "temperature wants a number, got 'warm'"),
        ("temperature: true", "temperature wants a number, got true"),
        ("temperature:", "temperature wants a number, got nothing"),
        ("top_p: 0", "top_p 0 is out of range: > 0 and ≤ 1"),
        ("top_k: -1", "top_k -1 is out of range: ≥ 0"),
        ("top_k: 1.5", "top_k wants a whole number, got 1.5"),
        ("presence_penalty: 2.1", "presence_penalty 2.1 is out of range: ≥ -2 and ≤ 2"),
        ("repetition_penalty: 0", "repetition_penalty 0 is out of range: > 0"),
        ("max_output_tokens: 0", "max_output_tokens 0 is out of range: ≥ 1"),
        (
            "thinking: deep",
            (
                "thinking wants on, off, a number of tokens, or minimal, low, medium, high, xhigh, "
                "max,"
                " got 'deep'"
            ),
        ),
        ("thinking: 0", "thinking 0 is out of range: ≥ 1"),
        ("stream: on", "stream wants true or false, got 'on'"),
        ("seed: -1", "seed -1 is out of range: ≥ 0"),
        ("stop: {a: b}", 'stop wants text or a list, got a mapping: {"a": "b"}'),
        ("logprobs: 6", "logprobs 6 is out of range: ≥ 0 and ≤ 5"),
        ("n: 5", "n 5 is out of range: ≥ 1 and ≤ 4"),
        ("search: maybe", "search wants true or false, got 'maybe'"),
        ("extra: {enable_thinking: true}", "extra: 'enable_thinking' has a key of its own"),
        ("extra: {top_k: 3}", "extra: 'top_k' has a key of its own"),
        ("max_tokens: 3", "unknown key 'max_tokens' in params"),
    ],
)
def test_a_parameter_out_of_its_range_is_refused(line: str, said: str, told: Told) -> None:
    assert first(told(f"targets: [qwen-plus]\nparams:\n  {line}\n{CASE}")) == f"3: {said}"


@pytest.mark.parametrize(
    ("written", "value"),
    [("on", True), ("off", False), ("true", True), ("500", 500), ("xhigh", "xhigh")],
)
def test_thinking_has_one_form_for_each_meaning(
    written: str, value: object, write: Callable[..., Path]
) -> None:
    loaded = read(write(f"targets: [qwen-plus]\nparams: {{thinking: {written}}}\n{CASE}"))

    assert loaded.suite.params == {"thinking": value}
    assert type(loaded.suite.params["thinking"]) is type(value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            "{dialect: chatt}",
            "dialect 'chatt' is none of chat, dashscope-multimodal, dashscope-text, responses",
        ),
        ("{base_url: localhost}", "base_url 'localhost' is no address that begins with http"),
        ("{region: '${1}'}", "region '${1}' is not ${NAME} or ${NAME:-default}"),
        ("{region: nowhere}", "region 'nowhere' is no region of Model Studio"),
        (
            "{api_key_env: '${KEY}'}",
            "api_key_env '${KEY}': ${NAME} is for region, workspace, base_url and headers",
        ),
        ("{conversation: server}", "conversation 'server' is for dialect 'responses' only"),
        ("{rpm: 0}", "rpm 0 is out of range: ≥ 1"),
        ("{timeout_s: 0}", "timeout_s 0 is out of range: > 0 and ≤ 86400"),
        ("{python: 'app:f', model: x}", "model beside python: a callable target has no endpoint"),
        ("{python: app}", "python 'app' is not path.py:function or package.module:function"),
        ("{python: 'missing.py:f'}", "python 'missing.py' is not there"),
        ("{like: qwen-plsu, base_url: 'http://x/v1'}", "like: unknown model 'qwen-plsu'"),
        (
            "{headers: {authorization: 'Bearer ${K:-sk-1}'}}",
            "a literal authorization header is a secret in the suite",
        ),
        ("{temperature: 1}", "unknown key 'temperature' in the target"),
        ("[1]", "t wants a mapping, got a list: [1]"),
    ],
)
def test_a_target_that_cannot_be_is_refused(settings: str, said: str, told: Told) -> None:
    assert first(told(f"targets:\n  t: {settings}\n{CASE}")) == f"2: {said}"


def test_a_header_may_hold_a_variable(write: Callable[..., Path]) -> None:
    text = "targets: {t: {model: qwen-plus, headers: {Authorization: 'Bearer ${TOKEN}'}}}\n"

    suite = read(write(text + CASE)).suite

    assert isinstance(suite.targets, dict)
    assert suite.targets["t"] is not None
    assert suite.targets["t"].headers == {"Authorization": "Bearer ${TOKEN}"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("{trials: 10, passes: 4/5}", "trials 10 beside passes '4/5', which asks 5 times"),
        ("{trials: 3, n: 2}", "trials 3 is no multiple of n 2"),
        ("{sweep: {}}", "sweep is empty"),
        ("{sweep: {temperature: 1}}", "temperature wants a list, got 1"),
        ("{sweep: {temperature: []}}", "temperature is empty"),
        ("{sweep: {vars: [1]}}", "unknown key 'vars' in sweep"),
        ("{vars: {row: 1}}", "variable 'row' is reserved for templates"),
        ("{targets: [other]}", "unknown target 'other'"),
        ("{passes: 0%}", "passes '0%' is not a pass rule: all, any, 4/5 or 80%"),
        ("{}", "unknown scenario 's'"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(settings: str, said: str, told: Told) -> None:
    text = f"targets: [qwen-plus]\nscenarios:\n  s: {settings}\n{CASE}"

    assert first(told(text)) == f"3: {said}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("format: 2", "this file is of format 2; this qeval reads 1"),
        ("only: true", "'only' in the suite: not in this version"),
        ("tests: []", "unknown key 'tests' in the suite"),
        ("max_turns: 51", "max_turns 51 is out of range: ≥ 1 and ≤ 50"),
        ("tools: [book]", "unknown tool 'book'"),
        ("tools: {book: {}}", "the tool lacks 'description'"),
        (
            "tools: {b: {description: d, result: 1, python: 'm:f'}}",
            "a tool has result or python, not both",
        ),
        ("response_format: xml", "response_format 'xml' is none of json, text"),
        ("response_format: {strict: true}", "response_format lacks 'schema'"),
        ("system: {file: ../../x.md}", "file '../../x.md' leads out of the project"),
        (
            "system: {file: ~/x.md}",
            "file '~/x.md' is not a path below the project: absolute paths and ~ are refused",
        ),
        (
            "system: {file: 'C:/x.md'}",
            "file 'C:/x.md' is not a path below the project: absolute paths and ~ are refused",
        ),
        ("system: {file: 'a\\b.md'}", "file 'a\\\\b.md' has a backslash: paths are written with /"),
        (
            "system: {file: a.md, template: b.md}",
            "it has exactly one of file or template, got file and template",
        ),
        ("context: [{title: t}]", "a document has exactly one of text or file, got none"),
        ("tags: home", "tags wants a list, got 'home'"),
        ("description:", "description wants text, got nothing"),
        ("without: [contains]", "without: no inherited check is called 'contains'"),
    ],
)
def test_a_key_of_the_suite_that_cannot_be_is_refused(line: str, said: str, told: Told) -> None:
    assert first(told(f"targets: [qwen-plus]\n{line}\n{CASE}")) == f"2: {said}"


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("{checks: [is_json]}", "the case asks nothing"),
        ("{user: Hi}", "the case has no check, so nothing could fail"),
        (
            "{user: Hi, turns: [{user: Ho}], checks: [is_json]}",
            "a case asks by one of user, messages or turns, got user and turns",
        ),
        ("{user: [], checks: [is_json]}", "user is empty"),
        (
            "{user: {text: a, image: b.png}, checks: [is_json]}",
            (
                "a part has exactly one of text, file, template, image, video or audio, "
                "got text and image"
            ),
        ),
        (
            "{user: {image: /a.png}, checks: [is_json]}",
            "image '/a.png' is not a path below the project: absolute paths and ~ are refused",
        ),
        (
            (
                "{messages: [{role: user, content: a}, {role: assistant, content: b}], "
                "checks: [is_json]}"
            ),
            "the last message asks, so its role is user or tool, got 'assistant'",
        ),
        (
            "{messages: [{role: bot, content: a}], checks: [is_json]}",
            "role 'bot' is none of assistant, system, tool, user",
        ),
        (
            "{id: a/b, user: Hi, checks: [is_json]}",
            (
                "id 'a/b' is not an id: letters, digits, . _ - "
                "(80 at most, no device name, first a letter or digit)"
            ),
        ),
        (
            "{id: con.txt, user: Hi, checks: [is_json]}",
            (
                "id 'con.txt' is not an id: letters, digits, . _ - "
                "(80 at most, no device name, first a letter or digit)"
            ),
        ),
        ("{user: Hi, rows: [], checks: [is_json]}", "rows is empty"),
        ("{user: Hi, rows: {where: x}, checks: [is_json]}", "rows lacks 'file'"),
        ("{user: Hi, grid: {a: 1}, checks: [is_json]}", "a wants a list, got 1"),
        ("{user: Hi, targets: [other], checks: [is_json]}", "unknown target 'other'"),
        ("{user: Hi, results: {book: 1}, checks: [is_json]}", "results: unknown tool 'book'"),
        ("{user: Hi, retry: 1, checks: [is_json]}", "'retry' in the case: not in this version"),
    ],
)
def test_a_case_that_cannot_be_is_refused(case: str, said: str, told: Told) -> None:
    assert first(told(f"{ONE}  - {case}\n")) == f"3: {said}"


def test_an_unsound_case_is_not_told_what_follows_from_its_mistake(told: Told) -> None:
    assert told(f"{ONE}  - usr: Hi\n    checks: [is_json]\n") == (
        "suites/s.yaml:3: unknown key 'usr' in the case\n\nhint: did you mean 'user'?"
    )


def test_keys_that_begin_with_x_are_ignored(write: Callable[..., Path]) -> None:
    text = f"x-mine: &c [is_json]\n{ONE}  - {{user: Hi, checks: *c}}\n"

    assert len(read(write(text)).suite.cases) == 1


def test_a_media_part_may_be_an_address(write: Callable[..., Path]) -> None:
    text = f"{ONE}  - {{user: [{{image: 'oss://b/x.png'}}], checks: [is_json]}}\n"

    assert read(write(text)).suite.cases[0].user == ({"image": "oss://b/x.png"},)
