"""What is typed instead: the hint of each kind of mistake that has one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.loading import read

CASE = "cases: [{user: Hi, checks: [is_json]}]\n"
HINTS = [
    ("targets: qwen-plus\n", "put it in brackets: `targets: [qwen-plus]`"),
    ("checks: {is_json: null}\n", "begin each item below `checks:` with `- `"),
    ('params: {temperature: "0.5"}\n', "write it without quotes or fraction: `temperature: 0.5`"),
    ("trials: three\n", "write a number, such as `trials: 1`"),
    ("trials: 2.0\n", "write it without quotes or fraction: `trials: 2`"),
    ("params: {top_p: much}\n", "write a number, such as `top_p: 1`"),
    ("params: {stream: yes}\n", "write `stream: true`"),
    ("params: {stream: off}\n", "write `stream: false`"),
    ("params: [temperature]\n", "write `params: {temperature: …}`, or a line for each key below it"),
    ("vars: [a]\n", "write `key: value` lines below `vars:`, two spaces in"),
    ("vars: {row: 1}\n", "rename it, to 'my_row' say"),
    ("description:\n", "write text after `description:`, or leave the line out"),
    ("targets: []\n", "name at least one, or leave the key out"),
    ("tools: {book: {}}\n", "add `description: …` to it"),
    ("only: true\n", "choose where you run: `qeval run SUITE --case ID`"),
    ("system: {file: ~/x.md}\n", "write it from the suite's own folder, such as 'data/rows.csv'"),
    ("system: {file: 'a\\b.md'}\n", "write 'a/b.md'"),
    ("system: {file: ../../x.md}\n", "copy the file into the project"),
    ("extends: commn.yaml\n", "did you mean 'common.yaml'"),
    ("targets: {t: {base_url: localhost}}\n", "write it whole: http://127.0.0.1:8000/v1"),
    ("targets: {t: {conversation: server}}\n", "write dialect: responses, or leave conversation out"),
    ("targets: {t: {region: '${1}'}}\n", "a name has letters, digits and _, and braces around it"),
    ("targets: {t: {region: cn-beijng}}\n", "did you mean 'cn-beijing'?"),
    ("targets: {'a b': {model: qwen-plus}}\n", "write 'a-b', say"),
    ("scenarios: {whole: {}}\n", "give it a parameter, such as `whole: {stream: false}`"),
    ("scenarios: {translatoin: {}}\n", "did you mean 'translation'"),
    ("scenarios: [whole]\n", "known are code_generation, "),
    ("scenarios: {s: {trials: 3, n: 2}}\n", "write trials: 4"),
    ("scenarios: {s: {trials: 3, passes: 4/5}}\n", "leave trials out, or write trials: 5"),
    ("checks: [{equals: 1, contains: 2}]\n", "write each check as an item of its own, or both inside `all:`"),
    ("checks: [{threshold: 1}]\n", "such as `contains: Paris`"),
    ("checks: [not-any: [is_json]]\n", "write the other group, with not- before each check inside"),
    ("checks: [not-max_output_tokens: 3]\n", "set the opposite limit"),
    ("checks: [{contains: a, extract: {regex: '('}}]\n", "put a backslash before a sign that is meant as such: \\( for ("),
    ("checks: [judge: good]\n", "judge with a function of your own: `python: judging.py:score`"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "hint"), HINTS, ids=[line.strip() for line, _ in HINTS])
def test_the_hint_says_what_to_type(
    line: str, hint: str, told: Callable[..., str], write: Callable[..., object]
) -> None:
    write("tags: [a]\n", "suites/common.yaml")

    assert f"hint: {hint}" in told(line + CASE)


YAML = [
    ("a:\n\tb: 1\n", "indent with spaces: YAML takes no tabs"),
    ("a: What: is it\n", "put text with `: ` in it in quotes, "),
    ("a: {{ b }}\n", 'put a template in quotes: "{{ name }}"'),
    ("a: [1\n", "close every [ and {, and put text that holds one in quotes"),
    ("a: @b\n", "put text that begins with @, ` or % in quotes"),
    ('a: "\\d"\n', "write \\\\ for \\ inside \"…\", or use '…'"),
    ("a: *b\n", "put text that begins with * in quotes"),
    ("a: 1\n---\nb: 2\n", "make a file of each, and let one extend the other"),
    ("- a\nb: c\n", "begin each item of the list with `- `, all in one column"),
    ("a: 1\na: 2\n", "keep one of them"),
]


@pytest.mark.parametrize(("text", "hint"), YAML, ids=[text.strip() for text, _ in YAML])
def test_what_is_no_yaml_has_a_hint(text: str, hint: str, told: Callable[..., str]) -> None:
    assert f"hint: {hint}" in told(text)


def test_a_grid_beyond_all_measure_is_told_before_it_is_made(write: Callable[..., Path]) -> None:
    values = ", ".join(map(str, range(1001)))
    loaded = read(
        write(
            "targets: [qwen-plus]\nchecks: [is_json]\n"
            f"cases: [{{user: '{{{{ a }}}}', grid: {{a: [{values}], b: [{values}]}}}}]\n"
        )
    )

    assert list(loaded.expander().expand(0, {"default": {}})) == []
    assert str(loaded.mistakes.error()) == (
        "suites/s.yaml:3: the case stands for 1,002,001 cases; at most 1,000,000 may be\n\n"
        "hint: take values out of `grid:`, or set a `limit:`"
    )


def test_a_folder_in_a_files_place_is_told_as_that(
    told: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "suites/code.py").mkdir(parents=True)

    assert told("checks: [python: 'code.py:f']\ntargets: [qwen-plus]\n") == (
        "suites/s.yaml:1: python 'code.py' is a folder\n\n"
        "hint: name a file in it, such as 'code.py/NAME'"
    )
