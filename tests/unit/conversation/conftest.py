"""Trials asked to their end, over a transport that answers from a list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest

from qeval.exchange import Answer, Place, Wire
from qeval.loading import read
from qeval.plan import PlannedGroup, plan
from qeval.record import Trial
from qeval.runner import Runner

Planned: TypeAlias = Callable[..., PlannedGroup]
Body: TypeAlias = dict[str, Any]


class Model:
    """Answers with each in turn, and then with the last again and again."""

    immediate = True

    def __init__(self) -> None:
        self.answers: list[Body | Answer] = []
        self.sent: list[Body] = []
        self.places: list[Place] = []

    def ask(self, asked: PlannedGroup, *answers: Body | Answer) -> list[Trial]:
        self.answers = list(answers)
        trials: list[Trial] = []
        runner = Runner({"qwen-plus": self}, lambda _n, _g, trial, _a: trials.append(trial))
        runner.run([(0, asked)])
        return trials

    async def send(self, wire: Wire, place: Place) -> Answer:
        if not self.immediate:
            await asyncio.sleep(0)  # other trials begin meanwhile
        self.sent.append(json.loads(wire.body))
        self.places.append(place)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not isinstance(answer, Answer):
            answer = self.answer(answer)
        return msgspec.structs.replace(answer, latency_s=0.5)

    async def end_case(self, case: str) -> None: ...

    async def aclose(self) -> None: ...

    def spoken(self, request: int) -> list[tuple[str, str]]:
        """(role, text) of each message of a request."""
        return [(each["role"], each["content"]) for each in self.sent[request]["messages"]]

    @property
    def told(self) -> list[str]:
        """What the tools said in the second request."""
        return [text for role, text in self.spoken(1) if role == "tool"]

    @staticmethod
    def answer(body: Body, status: int = 200, **fields: Any) -> Answer:
        return Answer(status=status, body=json.dumps(body).encode(), **fields)

    @staticmethod
    def called(*calls: tuple[str, str], **more: Any) -> Body:
        made = [
            {"id": f"c{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(calls)
        ]
        message = {"role": "assistant", "content": "", "tool_calls": made, **more}
        return {"choices": [{"message": message, "finish_reason": "tool_calls"}]}

    @staticmethod
    def said(text: str, **more: Any) -> Body:
        return {
            "choices": [{"message": {"content": text, **more}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 2},
        }


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Writes a suite of one case, and files beside it, and plans it."""

    def make(case: str, head: str = "", files: dict[str, str] | None = None) -> PlannedGroup:
        suite = f"targets: [qwen-plus]\n{head}cases:\n  - {{id: c, {case}}}\n"
        for name, text in {"s.yaml": suite, **(files or {})}.items():
            path = tmp_path / "suites" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return plan(read(tmp_path / "suites" / "s.yaml")).groups[0]

    return make
