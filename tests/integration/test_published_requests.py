"""Every kind of request that the vendor's overview of text generation shows, said as a case.

The page shows each in several languages; what goes over the wire is one body. Its facts are kept
here with questions and pictures of our own. What we add to such a body is named beside it:
thinking is always said, as the model would do anyway.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qeval.dialects.base import DIALECTS
from qeval.loading import read
from qeval.plan import PlannedGroup, plan
from qeval.presets import PRESETS
from qeval.transport.hosts import Settings, endpoint, resolve

CHAT = "/compatible-mode/v1/chat/completions"
RESPONSES = "/compatible-mode/v1/responses"
TEXT = "/api/v1/services/aigc/text-generation/generation"
MULTIMODAL = "/api/v1/services/aigc/multimodal-generation/generation"
PICTURE = "https://pictures.example/shelf.png"

SYSTEM = {"role": "system", "content": "You keep the harbour."}
WHO = {"role": "user", "content": "Who keeps the harbour?"}
SPOKEN = [SYSTEM, WHO]
SHELF = "What stands on the shelf?"


class Shown(NamedTuple):
    """One request of the page."""

    name: str
    suite: str
    path: str
    body: dict[str, Any]
    """As published, field for field."""
    added: dict[str, Any]
    """What our body has beside it; under `parameters` in the native dialects."""


def spoken(target: str, scenarios: str = "") -> str:
    return f"""
targets: {{it: {target}}}
{scenarios}
system: {SYSTEM["content"]}
checks: [not-refuses]
cases: [{{user: {WHO["content"]}}}]
"""


def asked(target: str, user: str, scenarios: str = "") -> str:
    return f"""
targets: {{it: {target}}}
{scenarios}
checks: [not-refuses]
cases: [{{id: it, user: {json.dumps(user)}}}]
"""


def pictured(target: str) -> str:
    return f"""
targets: {{it: {target}}}
checks: [not-refuses]
cases: [{{id: it, user: [{{image: "{PICTURE}"}}, {SHELF}]}}]
"""


def preset(name: str, dialect: str, question: str) -> Shown:
    """Return one of the page's parameter sets, used in a call as the page uses two of them."""
    published = {
        "creative_writing": {"temperature": 0.9, "top_p": 0.95},
        "code_generation": {"temperature": 0.2, "top_p": 0.8},
        "factual_qa": {"temperature": 0.1, "top_p": 0.7},
        "translation": {"temperature": 0.3, "top_p": 0.8},
    }[name]
    suite = asked(f"{{model: qwen-plus, dialect: {dialect}}}", question, f"scenarios: [{name}]")
    messages = [{"role": "user", "content": question}]
    if dialect == "chat":
        body: dict[str, Any] = {"model": "qwen-plus", "messages": messages, **published}
        return Shown(f"{name} over chat", suite, CHAT, body, {"enable_thinking": False})
    body = {
        "model": "qwen-plus",
        "input": {"messages": messages},
        "parameters": {"result_format": "message", **published},
    }
    return Shown(f"{name} over text", suite, TEXT, body, {"enable_thinking": False})


def warmth(temperature: float) -> Shown:
    question = "A story of three sentences about an otter and a cloud."
    return Shown(
        f"temperature {temperature}",
        asked("{model: qwen-plus}", question, f"params: {{temperature: {temperature}}}"),
        CHAT,
        {
            "model": "qwen-plus",
            "messages": [{"role": "user", "content": question}],
            "temperature": temperature,
        },
        {"enable_thinking": False},
    )


REQUESTS = [
    Shown(
        "a first call over chat",
        spoken("{model: qwen3.6-plus}"),
        CHAT,
        {"model": "qwen3.6-plus", "messages": SPOKEN},
        {"enable_thinking": True},
    ),
    Shown(
        "a first call over responses",
        asked("{model: qwen3.6-plus, dialect: responses}", "What can you do?"),
        RESPONSES,
        {"model": "qwen3.6-plus", "input": "What can you do?"},
        {"enable_thinking": True},
    ),
    Shown(
        "responses with thinking said",
        asked(
            "{model: qwen3.6-plus, dialect: responses}",
            "What can you do?",
            "params: {thinking: on}",
        ),
        RESPONSES,
        {"model": "qwen3.6-plus", "input": "What can you do?", "enable_thinking": True},
        {},
    ),
    Shown(
        "a first call over the native text path",
        spoken("{model: qwen-plus, dialect: dashscope-text}"),
        TEXT,
        {
            "model": "qwen-plus",
            "input": {"messages": SPOKEN},
            "parameters": {"result_format": "message"},
        },
        {"enable_thinking": False},
    ),
    Shown(
        "a picture over chat",
        pictured("{model: qwen3.6-plus}"),
        CHAT,
        {
            "model": "qwen3.6-plus",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": PICTURE}},
                        {"type": "text", "text": SHELF},
                    ],
                }
            ],
        },
        {"enable_thinking": True},
    ),
    Shown(
        "a picture over the native multimodal path",
        pictured("{model: qwen3.6-plus, dialect: dashscope-multimodal}"),
        MULTIMODAL,
        {
            "model": "qwen3.6-plus",
            "input": {
                "messages": [{"role": "user", "content": [{"image": PICTURE}, {"text": SHELF}]}]
            },
        },
        {"enable_thinking": True},
    ),
    *(
        Shown(
            f"one of three at once over chat: {question}",
            asked("{model: qwen-plus}", question),
            CHAT,
            {"model": "qwen-plus", "messages": [{"role": "user", "content": question}]},
            {"enable_thinking": False},
        )
        for question in ("Who is there?", "What do you sell?", "Is it raining?")
    ),
    Shown(
        "one of several at once, with a system message, over chat",
        spoken("{model: qwen-plus}"),
        CHAT,
        {"model": "qwen-plus", "messages": SPOKEN},
        {"enable_thinking": False},
    ),
    preset("creative_writing", "chat", "A poem about a lighthouse."),
    preset("code_generation", "dashscope-text", "A function that reverses a list. Code only."),
    preset("factual_qa", "chat", "How deep is the harbour of Oslo?"),
    preset("translation", "chat", "Into Danish: the ferry is late."),
    warmth(0.9),
    warmth(0.1),
    Shown(
        "the two letters whose tokens are explained",
        asked("{model: qwen3.7-max}", "Hi"),
        CHAT,
        {"model": "qwen3.7-max", "messages": [{"role": "user", "content": "Hi"}]},
        {"enable_thinking": True},
    ),
]


def planned(folder: Path, suite: str) -> PlannedGroup:
    path = folder / "shown.yaml"
    path.write_text(suite)
    (group,) = plan(read(path)).groups
    return group


def merged(shown: Shown) -> dict[str, Any]:
    if "input" in shown.body and isinstance(shown.body["input"], dict):
        parameters = {**shown.body.get("parameters", {}), **shown.added}
        return {**shown.body, "parameters": parameters}
    return {**shown.body, **shown.added}


@pytest.mark.parametrize("shown", REQUESTS, ids=lambda shown: re.sub(r"\W+", "-", shown.name))
def test_a_published_request_is_a_case(shown: Shown, tmp_path: Path) -> None:
    group = planned(tmp_path, shown.suite)

    wire = DIALECTS.get(group.target.dialect or "chat").write(group.request(0))

    assert json.loads(wire.body) == merged(shown)
    assert endpoint(group.target).base.split(".invalid")[1] + wire.path == shown.path


def test_a_workspace_has_its_own_host_as_published(tmp_path: Path) -> None:
    group = planned(tmp_path, REQUESTS[0].suite)
    environ = {"DASHSCOPE_API_KEY": "sk-of-nobody"}

    found = resolve(group.target, "it", Settings(workspace="ws-1"), environ)

    assert found.base_url == "https://ws-1.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1"


def test_the_presets_are_all_among_the_requests() -> None:
    assert {shown.name.split()[0] for shown in REQUESTS} >= set(PRESETS)
