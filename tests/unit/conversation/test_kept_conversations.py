"""Conversations that the server keeps: what is sent again, and what it may have forgotten."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from qeval.plan import PlannedGroup

if TYPE_CHECKING:
    from tests.unit.conversation.conftest import Model, Planned

FIND = "tools: {find: {description: Lists flights., result: [{id: AF2}]}}\n"
CALL = {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"}
TWO_TURNS = "turns: [{user: A.}, {user: B.}], checks: [contains: b]"


@pytest.fixture
def kept(planned: Planned) -> Planned:
    """Plans a case, for a server that keeps the conversation."""

    def make(case: str, head: str = "") -> PlannedGroup:
        asked = planned(case, head)
        target = {"conversation": "server", "dialect": "responses"}
        return msgspec.structs.replace(
            asked, target=msgspec.structs.replace(asked.target, **target)
        )

    return make


def response(number: int, *output: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"resp_{number}", "status": "completed", "output": list(output)}


def message(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "role": "assistant", "content": content}


def test_a_conversation_that_the_server_keeps_sends_only_what_is_new(
    kept: Planned, model: Model
) -> None:
    (trial,) = model.ask(kept(TWO_TURNS), response(1, message("a")), response(2, message("b")))

    assert trial.outcome == "passed", trial
    assert model.sent[1]["previous_response_id"] == "resp_1"
    assert "A." not in json.dumps(model.sent[1])
    assert "instructions" not in model.sent[1]


def test_the_server_keeps_no_instructions_so_each_request_says_them(
    kept: Planned, model: Model
) -> None:
    (trial,) = model.ask(
        kept(TWO_TURNS, f"system: Be kind.\n{FIND}"),
        response(1, CALL),
        response(2, message("a")),
        response(3, message("b")),
    )

    assert trial.outcome == "passed", trial
    assert [body["instructions"] for body in model.sent] == ["Be kind."] * 3
    assert [body.get("previous_response_id") for body in model.sent] == [None, "resp_1", "resp_2"]
    assert model.sent[1]["input"] == [
        {"type": "function_call_output", "call_id": "c1", "output": '[{"id":"AF2"}]'}
    ]
    assert model.sent[2]["input"] == "B."


def test_a_system_message_of_parts_is_input_which_the_server_keeps(
    kept: Planned, model: Model
) -> None:
    asked = kept(
        "messages: [{role: system, content: [{text: Be kind., cache: true}]},"
        " {role: user, content: A.}], checks: [contains: b]",
        FIND,
    )

    model.ask(asked, response(1, CALL), response(2, message("b")))

    assert "Be kind." in json.dumps(model.sent[0]["input"])
    assert "Be kind." not in json.dumps(model.sent[1])


@pytest.mark.parametrize("replayed", [True, False])
def test_what_the_server_has_forgotten_can_be_asked_anew(
    kept: Planned, model: Model, *, replayed: bool
) -> None:
    gone = {"error": {"message": "not found", "code": "invalid_parameter_error"}}

    (trial,) = model.ask(
        kept(TWO_TURNS),
        model.answer(response(1, message("a")), replayed=replayed),
        model.answer(gone, 400),
    )

    hint = "ask all anew with `--mode refresh --case c`"
    assert trial.error is not None
    assert trial.error.endswith(hint) is replayed
