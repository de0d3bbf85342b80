"""Recordings as people read them: what was asked, in whichever dialect, and every answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qeval.session.cassette_answers import readings
from qeval.session.cassettes import Cassette
from qeval.transport.cassettes.interaction import Interaction

CHAT = "https://model-studio.invalid/compatible-mode/v1/chat/completions"
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def cassette(request: object, response: object = None) -> Cassette:
    one = Interaction(
        method="POST",
        uri=CHAT,
        request=json.dumps(request).encode(),
        status=200,
        response=json.dumps(response or {"choices": []}).encode(),
    )
    return Cassette(
        path=Path("c.yaml"), shown="c.yaml", suite="s", target="t", case="c", interactions=(one,)
    )


def user(content: object) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        pytest.param({"messages": [user("Hi")]}, "Hi", id="chat"),
        pytest.param(
            {"messages": [{"role": "system", "content": "Be brief."}, user("Hi")]},
            "Hi",
            id="without the system message",
        ),
        pytest.param(
            {"messages": [user("Hi"), {"role": "assistant", "content": "Ho"}, user("And?")]},
            "And?",
            id="the last turn",
        ),
        pytest.param(
            {
                "messages": [
                    user("Hi"),
                    {"role": "assistant", "tool_calls": [CALL]},
                    {"role": "tool", "content": "7"},
                    {"role": "tool", "content": "8"},
                ]
            },
            "tool: 7\ntool: 8",
            id="two tools",
        ),
        pytest.param({"input": "Hi"}, "Hi", id="responses, text"),
        pytest.param(
            {
                "input": [
                    user("Hi"),
                    {"type": "function_call", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "output": "7"},
                ]
            },
            "tool: 7",
            id="responses, tool",
        ),
        pytest.param({"input": {"messages": [user([{"text": "Hi"}])]}}, "Hi", id="native"),
        pytest.param(
            {
                "messages": [
                    user(
                        [
                            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
                            {"type": "text", "text": "What?"},
                        ]
                    )
                ]
            },
            "[image]\nWhat?",
            id="a picture",
        ),
        pytest.param(
            {"input": {"messages": [user([{"audio": "https://x.example/a.wav"}])]}},
            "[audio https://x.example/a.wav]",
            id="a sound at an address",
        ),
        pytest.param({"messages": "no list"}, "no list", id="odd"),
        pytest.param({"messages": [7, None]}, "", id="odder"),
        pytest.param(["no mapping"], "", id="oddest"),
    ],
)
def test_what_was_asked_is_told_in_any_dialect(body: object, asked: str) -> None:
    (found,) = readings(cassette(body))

    assert found.asked == asked


def test_every_answer_of_several_is_told() -> None:
    choices = [{"index": n, "message": {"content": text}} for n, text in enumerate(("Elbe", "Po"))]

    (found,) = readings(cassette({"messages": [user("Hi")], "n": 2}, {"choices": choices}))

    assert (found.text, found.others) == ("Elbe", ("Po",))
