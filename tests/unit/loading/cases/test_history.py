"""Earlier conversations from files: what is taken from them, and what is said of bad ones."""

import json
from collections.abc import Callable

import pytest

from qeval.exchange import ToolCall
from qeval.plan import Plan

CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}


def case(history: str) -> str:
    return f"  - {{id: c, user: And now?, history: {history}, checks: [contains: a]}}\n"


def test_an_exported_tool_call_has_no_content_and_is_taken_whole(
    planned: Callable[..., Plan],
) -> None:
    earlier = [
        {"role": "user", "content": "Find.", "name": "ada"},
        {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "Hm."},
        {"role": "tool", "content": "AF2", "tool_call_id": "c1"},
        {"role": "assistant", "content": "AF2.", "tool_calls": None},
    ]

    plan = planned(case("h.json"), files={"h.json": json.dumps(earlier)})

    said = plan.groups[0].case.messages
    assert [(message.role, message.content) for message in said] == [
        ("user", "Find."),
        ("assistant", ""),
        ("tool", "AF2"),
        ("assistant", "AF2."),
        ("user", "And now?"),
    ]
    assert said[1].tool_calls == (ToolCall(id="c1", name="find", arguments="{}"),)
    assert said[1].reasoning == "Hm."
    assert said[2].tool_call_id == "c1"


@pytest.mark.parametrize(
    ("name", "text", "fact"),
    [
        ("h.json", "null", "1: the file holds a list of rows, got nothing"),
        ("h.json", '[\n{"role": "bot"}]', "2: Invalid enum value 'bot' - at `$.role`"),
        (
            "h.jsonl",
            '\n{"role": "tool", "content": "x", "tool_call_id": 5}',
            "2: Expected `str | null`, got `int` - at `$.tool_call_id`",
        ),
        (
            "h.json",
            '[{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}]',
            "1: Expected `str`, got `object` - at `$.tool_calls[0].function.arguments`",
        ),
        (
            "h.json",
            '[\n{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]',
            "2: content is a list of parts, and a history holds text",
        ),
        ("h.json", "[" * 100_000, "1: not JSON: maximum recursion depth exceeded"),
        ("h.jsonl", '{"a":' * 100_000, "1: not JSON: maximum recursion depth exceeded"),
        ("h.yaml", "a: [", "1: not YAML: did not find expected node content"),
        ("h.yaml", "[" * 50_000, "1: nested more than 200 levels deep"),
        ("h.yaml", "- !!python/name:os.system ''", "1: tag 'tag:yaml.org,2002:python/name:"),
    ],
)
def test_a_file_that_is_no_conversation_is_told_at_the_case(
    told: Callable[..., tuple[str, ...]], name: str, text: str, fact: str
) -> None:
    (mistake,) = told(case(name), files={name: text})

    assert mistake.startswith(f"suites/s.yaml:3: history: {name}:{fact}")


def test_a_name_too_long_for_the_disk_is_not_there(told: Callable[..., tuple[str, ...]]) -> None:
    long = "h" * 5000

    assert told(case(long)) == (f"suites/s.yaml:3: history: {long!r} is not there",)


def test_a_call_in_messages_is_all_text(told: Callable[..., tuple[str, ...]]) -> None:
    call = "{id: x, function: {name: f, arguments: {a: 1}}}"
    asked = f"[{{role: assistant, tool_calls: [{call}]}}, {{role: user, content: And?}}]"

    mistakes = told(f"  - {{id: c, messages: {asked}, checks: [contains: a]}}\n")

    assert mistakes == (
        (
            "suites/s.yaml:3: messages: Expected `str`, got `object` - at "
            "`$.tool_calls[0].function.arguments`"
        ),
    )
