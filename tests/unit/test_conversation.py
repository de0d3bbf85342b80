"""Turns, tool loops and blocked questions, over a transport that answers from a list."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qeval.conversation import Shared
from qeval.errors import ResponseError
from qeval.exchange import Answer, Message, Place, Usage, Wire
from qeval.loading import read
from qeval.plan import PlannedGroup, plan
from qeval.record import Trial
from qeval.runner import Runner
from qeval.transport.base import step

TOOLS = """\
tools:
  find:
    description: Lists flights.
    result: [{id: AF2}]
  book:
    description: Books a flight.
    result: "{{ {'AF2': 'booked'}[arguments.id] | default('unknown') }} {{ call }} for {{ who }}"
  pay:
    description: Pays.
    python: "checks/pay.py:pay"
  stop:
    description: Has no answer here.
vars: {who: Ada}
"""
PAY = """\
async def pay(amount):
    if amount > 9:
        raise RuntimeError("no money\\nsecret detail")
    return {"paid": amount}
"""


def called(*calls: tuple[str, str], **more: Any) -> dict[str, Any]:
    made = [
        {"id": f"c{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": "", "tool_calls": made, **more}
    return {"choices": [{"message": message, "finish_reason": "tool_calls"}]}


def said(text: str) -> dict[str, Any]:
    return {
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    }


class Scripted:
    immediate = True

    def __init__(self, *bodies: dict[str, Any]) -> None:
        self.bodies = list(bodies)
        self.sent: list[dict[str, Any]] = []
        self.places: list[Place] = []

    async def send(self, wire: Wire, place: Place) -> Answer:
        self.sent.append(json.loads(wire.body))
        self.places.append(place)
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        status = body.pop("http", 200)
        return Answer(status=status, body=json.dumps(body).encode(), latency_s=0.5)

    async def end_case(self, case: str) -> None: ...

    async def aclose(self) -> None: ...


def group(tmp_path: Path, case: str, head: str = "", pay: str = PAY) -> PlannedGroup:
    folder = tmp_path / "suites"
    (folder / "checks").mkdir(parents=True)
    (folder / "checks" / "pay.py").write_text(pay)
    path = folder / "s.yaml"
    path.write_text(f"targets: [qwen-plus]\n{head}cases:\n  - {{id: c, {case}}}\n")
    return plan(read(path)).groups[0]


def ask(asked: PlannedGroup, transport: Scripted) -> Trial:
    trials: list[Trial] = []
    Runner({"qwen-plus": transport}, lambda _n, _g, trial, _a: trials.append(trial)).run(
        [(0, asked)]
    )
    return trials[0]


def spoken(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in body["messages"]]


def test_tools_with_a_result_are_answered_until_there_is_a_text(tmp_path: Path) -> None:
    asked = group(
        tmp_path, "user: Book., checks: [calls: [find, {book: {id: AF2}}], contains: ok]", TOOLS
    )
    transport = Scripted(
        called(("find", "{}")),
        called(("book", '{"id": "AF2"}'), ("book", '{"id": "X"}')),
        said("ok"),
    )

    trial = ask(asked, transport)

    assert trial.outcome == "passed"
    assert [place.turn for place in transport.places] == [0, 1, 2]
    assert spoken(transport.sent[2])[1:] == [
        ("assistant", ""),
        ("tool", '[{"id":"AF2"}]'),
        ("assistant", ""),
        ("tool", "booked 1 for Ada"),
        ("tool", "unknown 2 for Ada"),
    ]
    assert [message.get("tool_call_id") for message in transport.sent[2]["messages"]][2] == "c0"
    assert (trial.requests, trial.latency_s) == (3, 1.5)
    assert [call.name for call in trial.calls] == ["find", "book", "book"]
    assert trial.usage == Usage(), "two of three responses reported none"


def test_a_python_tool_is_called_and_what_it_raises_is_told_to_the_model(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Pay., checks: [contains: ok]", TOOLS)
    transport = Scripted(
        called(("pay", '{"amount": 5}'), ("pay", '{"amount": 50}'), ("pay", "{"), ("pay", "[]")),
        said("ok"),
    )

    ask(asked, transport)

    assert [text for role, text in spoken(transport.sent[1]) if role == "tool"] == [
        '{"paid":5}',
        "error: pay failed: RuntimeError: no money",
        "error: the arguments are not JSON",
        "error: the arguments are no JSON object",
    ]


RESULTS = """\
def _circle():
    found = []
    found.append(found)
    return found

def pay(kind):
    made = {"set": {1, 2}, "inner": {"a": [(frozenset(),)]}, "object": object(), "half": ["\\ud800"], "circle": _circle(), "digits": 10**5000}
    return made[kind]
"""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"kind": "set"}', "error: the result holds a set, which has no order: return a list"),
        ('{"kind": "inner"}', "error: the result holds a set, which has no order: return a list"),
        ('{"kind": "object"}', "error: Encoding objects of type object is unsupported"),
        ('{"kind": "half"}', "error: 'utf-8' codec can't encode"),
        ('{"kind": "circle"}', "error: maximum recursion depth exceeded"),
        ('{"kind": "digits"}', "error: Exceeds the limit"),
        ("[" * 100_000, "error: the arguments are not JSON"),
    ],
)
def test_what_is_no_json_in_a_call_or_its_result_does_not_end_the_run(
    tmp_path: Path, arguments: str, told: str
) -> None:
    asked = group(
        tmp_path, "user: Pay., checks: [contains: ok, not-calls: {pay: {a: 1}}]", TOOLS, RESULTS
    )
    transport = Scripted(called(("pay", arguments)), said("ok"))

    trial = ask(asked, transport)

    (result,) = [text for role, text in spoken(transport.sent[1]) if role == "tool"]
    assert result.startswith(told)
    assert trial.outcome == "passed"


def test_a_tool_that_nobody_offered_is_answered_with_an_error(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Go., checks: [contains: ok]", TOOLS)
    transport = Scripted(called(("fly", "{}")), said("ok"))

    ask(asked, transport)

    assert spoken(transport.sent[1])[-1] == ("tool", "error: there is no tool 'fly'")


def test_a_call_without_an_answer_ends_the_trial(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Stop., checks: [calls: stop]", TOOLS)
    transport = Scripted(called(("find", "{}"), ("stop", "{}")))

    trial = ask(asked, transport)

    assert (trial.outcome, trial.requests, trial.finish_reason) == ("passed", 1, "tool_calls")


def test_a_case_may_answer_in_the_tools_place(tmp_path: Path) -> None:
    asked = group(
        tmp_path, "user: Book., results: {find: [], stop: done}, checks: [contains: ok]", TOOLS
    )
    transport = Scripted(called(("find", "{}"), ("stop", "{}")), said("ok"))

    ask(asked, transport)

    assert [text for role, text in spoken(transport.sent[1]) if role == "tool"] == ["[]", "done"]


@pytest.mark.parametrize(
    ("tools", "offered"),
    [
        ("", ["find", "book", "pay", "stop"]),
        ("tools: [stop, find], ", ["stop", "find"]),
        ("tools: [], ", None),
        ("tools: {more: {description: d}}, ", ["find", "book", "pay", "stop", "more"]),
    ],
)
def test_a_mapping_adds_tools_and_a_list_picks(
    tmp_path: Path, tools: str, offered: list[str] | None
) -> None:
    transport = Scripted(said("ok"))

    ask(group(tmp_path, f"user: Go., {tools}checks: [contains: ok]", TOOLS), transport)

    sent = transport.sent[0].get("tools")
    assert (sent and [tool["function"]["name"] for tool in sent]) == offered


def test_a_model_that_goes_on_calling_fails_with_that_reason(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Go., max_turns: 3, checks: [length: {max_chars: 9}]", TOOLS)
    transport = Scripted(called(("find", "{}")))

    trial = ask(asked, transport)

    assert trial.requests == 3
    assert trial.outcome == "failed"
    assert [(s.check, s.reason) for s in trial.scores if not s.passed] == [
        ("max_turns", "still called tools after 3 requests")
    ]


def test_each_turn_is_asked_with_what_the_model_said_before(tmp_path: Path) -> None:
    asked = group(
        tmp_path,
        "turns: [{user: Hello., checks: [contains: name, contains: '?']}, {user: Ada.}, {user: Bye.}],"
        " checks: [contains: Ada]",
        "system: Be kind.\n",
    )
    transport = Scripted(said("Your name?"), said("Hello Ada"), said("Bye, Ada"))

    trial = ask(asked, transport)

    assert spoken(transport.sent[2]) == [
        ("system", "Be kind."),
        ("user", "Hello."),
        ("assistant", "Your name?"),
        ("user", "Ada."),
        ("assistant", "Hello Ada"),
        ("user", "Bye."),
    ]
    assert [score.check for score in trial.scores] == [
        "turn 1: contains 'name'",
        "turn 1: contains '?'",
        "contains 'Ada'",
    ]
    assert trial.outcome == "passed"
    assert trial.earlier == ("Your name?", "Hello Ada")
    assert trial.text == "Bye, Ada"
    assert trial.usage == Usage(input_tokens=30, output_tokens=6)


def test_checks_of_a_turn_judge_that_turn_alone(tmp_path: Path) -> None:
    asked = group(
        tmp_path,
        "turns: [{user: A., checks: [not-calls: find, max_output_tokens: 2]}, {user: B.}],"
        " checks: [calls: find]",
        TOOLS,
    )
    transport = Scripted(said("a"), called(("find", "{}")), said("b"))

    trial = ask(asked, transport)

    assert trial.outcome == "passed"


def test_history_and_partial_stand_around_the_question(tmp_path: Path) -> None:
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "earlier.jsonl").write_text(
        '{"role": "user", "content": "{{ not a template }}"}\n\n'
        '{"role": "assistant", "content": "Yes."}\n'
    )
    path = folder / "s.yaml"
    path.write_text(
        "targets: [qwen-plus]\nsystem: S\ncases:\n"
        "  - {id: c, history: earlier.jsonl, user: Q, partial: 'A, ', checks: [contains: x]}\n"
    )
    asked = plan(read(path)).groups[0]

    assert asked.request(0).messages == (
        Message(role="system", content="S"),
        Message(role="user", content="{{ not a template }}"),
        Message(role="assistant", content="Yes."),
        Message(role="user", content="Q"),
        Message(role="assistant", content="A, ", partial=True),
    )


@pytest.mark.parametrize(
    ("checks", "outcome", "scores"),
    [
        ("[contains: x]", "refused", []),
        ("[refuses, contains: x]", "passed", ["refuses"]),
        ("[not-refuses, contains: x]", "failed", ["not-refuses"]),
        ("[{refuses: model}]", "failed", ["refuses 'model'"]),
    ],
)
def test_a_blocked_question_is_judged_only_by_checks_that_ask_for_it(
    tmp_path: Path, checks: str, outcome: str, scores: list[str]
) -> None:
    error = {"message": "inappropriate content", "code": "data_inspection_failed"}
    transport = Scripted({"http": 400, "error": error})

    trial = ask(group(tmp_path, f"user: Bad., checks: {checks}"), transport)

    assert trial.outcome == outcome
    assert [score.check for score in trial.scores] == scores
    assert trial.code == "data_inspection_failed"


def kept(asked: PlannedGroup) -> PlannedGroup:
    """The same, of a server that keeps the conversation."""
    target = {"conversation": "server", "dialect": "responses"}
    return msgspec.structs.replace(asked, target=msgspec.structs.replace(asked.target, **target))


def response(number: int, *output: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"resp_{number}", "status": "completed", "output": list(output)}


def message(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "role": "assistant", "content": content}


def test_a_conversation_that_the_server_keeps_sends_only_what_is_new(tmp_path: Path) -> None:
    asked = kept(group(tmp_path, "turns: [{user: A.}, {user: B.}], checks: [contains: b]"))
    transport = Scripted(response(1, message("a")), response(2, message("b")))

    trial = ask(asked, transport)

    assert trial.outcome == "passed", trial
    assert transport.sent[1]["previous_response_id"] == "resp_1"
    assert "A." not in json.dumps(transport.sent[1])
    assert "instructions" not in transport.sent[1]


def test_the_server_keeps_no_instructions_so_each_request_says_them(tmp_path: Path) -> None:
    asked = kept(
        group(
            tmp_path,
            "turns: [{user: A.}, {user: B.}], checks: [contains: b]",
            f"system: Be kind.\n{TOOLS}",
        )
    )
    call = {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"}
    transport = Scripted(response(1, call), response(2, message("a")), response(3, message("b")))

    trial = ask(asked, transport)

    assert trial.outcome == "passed", trial
    assert [body["instructions"] for body in transport.sent] == ["Be kind."] * 3
    assert [body.get("previous_response_id") for body in transport.sent] == [
        None,
        "resp_1",
        "resp_2",
    ]
    assert transport.sent[1]["input"] == [
        {"type": "function_call_output", "call_id": "c1", "output": '[{"id":"AF2"}]'}
    ]
    assert transport.sent[2]["input"] == "B."


def test_a_system_message_of_parts_is_input_which_the_server_keeps(tmp_path: Path) -> None:
    asked = kept(
        group(
            tmp_path,
            "messages: [{role: system, content: [{text: Be kind., cache: true}]},"
            " {role: user, content: A.}], checks: [contains: b]",
            TOOLS,
        )
    )
    call = {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"}
    transport = Scripted(response(1, call), response(2, message("b")))

    ask(asked, transport)

    assert "Be kind." in json.dumps(transport.sent[0]["input"])
    assert "Be kind." not in json.dumps(transport.sent[1])


@pytest.mark.parametrize(("extra", "shown"), [("", None), ("preserve_thinking: true", "Hm.")])
def test_reasoning_of_answers_is_kept_where_the_model_is_asked_to_heed_it(
    tmp_path: Path, extra: str, shown: str | None
) -> None:
    asked = group(
        tmp_path,
        "turns: [{user: A.}, {user: B.}], checks: [contains: b]",
        f"params: {{extra: {{{extra}}}}}\n",
    )
    first = said("a")
    first["choices"][0]["message"]["reasoning_content"] = "Hm."
    transport = Scripted(first, said("b"))

    ask(asked, transport)

    assert transport.sent[1]["messages"][1].get("reasoning_content") == shown


def test_a_stream_is_read_as_it_was_asked_to_count(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Count., params: {stream: true}, checks: [equals: '112']")
    target = msgspec.structs.replace(asked.target, dialect="dashscope-text")
    frames = [
        {"output": {"choices": [{"message": {"content": text}, "finish_reason": finish}]}}
        for text, finish in (("1", "null"), ("12", "stop"))
    ]

    class Streaming(Scripted):
        async def send(self, wire: Wire, place: Place) -> Answer:
            body = "".join(f"data:{json.dumps(frame)}\n\n" for frame in frames)
            answer = await super().send(wire, place)
            return msgspec.structs.replace(answer, body=body.encode())

    trial = ask(msgspec.structs.replace(asked, target=target), Streaming({}))

    assert (trial.outcome, trial.text) == ("passed", "112")


def answers(*texts: str) -> dict[str, Any]:
    choices = [{"index": i, "message": {"content": text}} for i, text in enumerate(texts)]
    return {"choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": 4}}


def test_one_request_may_bring_the_answers_of_several_trials(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Say., trials: 4, params: {n: 2}, checks: [contains: a]")
    transport = Scripted(answers("a", "b"), answers("aa", "bb"))
    trials: list[Trial] = []

    Runner({"qwen-plus": transport}, lambda _n, _g, t, _a: trials.append(t)).run([(0, asked)])

    assert [body["n"] for body in transport.sent] == [2, 2]
    assert [place.trial for place in transport.places] == [0, 2]
    assert [(t.trial, t.text, t.outcome) for t in trials] == [
        (0, "a", "passed"),
        (1, "b", "failed"),
        (2, "aa", "passed"),
        (3, "bb", "failed"),
    ]
    assert [t.usage.output_tokens for t in trials] == [4, None, 4, None]


def test_trials_without_an_answer_of_their_own_say_so(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Say., trials: 2, params: {n: 2}, checks: [contains: a]")
    trials: list[Trial] = []

    Runner({"qwen-plus": Scripted(answers("a"))}, lambda _n, _g, t, _a: trials.append(t)).run(
        [(0, asked)]
    )

    assert [(t.outcome, t.error) for t in trials] == [
        ("passed", None),
        ("errored", "2 answers were asked for, and 1 came"),
    ]


def test_in_flight_the_others_wait_for_the_first(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Say., trials: 6, params: {n: 3}, checks: [contains: a]")
    transport = Scripted(answers("a", "b", "c"), answers("a", "b", "c"))
    transport.immediate = False
    trials: list[Trial] = []

    Runner({"qwen-plus": transport}, lambda _n, _g, t, _a: trials.append(t)).run([(0, asked)])

    assert sorted(t.text for t in trials) == ["a", "a", "b", "b", "c", "c"]
    assert len(transport.sent) == 2


def test_the_address_of_an_object_is_not_told_to_the_model(tmp_path: Path) -> None:
    pay = "def pay():\n    raise KeyError(object())\n"
    transport = Scripted(called(("pay", "{}")), said("ok"))

    ask(group(tmp_path, "user: Pay., checks: [contains: ok]", TOOLS, pay), transport)

    (told,) = [text for role, text in spoken(transport.sent[1]) if role == "tool"]
    assert told == "error: pay failed: KeyError: <object object at 0x…>"


def test_after_a_call_the_given_beginning_is_part_of_what_the_model_said(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Go., partial: 'Well: ', checks: [contains: ok]", TOOLS)
    first = called(("find", "{}"), content="let me see.")
    transport = Scripted(first, called(("find", "{}")), said("ok"))

    ask(asked, transport)

    assert [message.get("partial") for message in transport.sent[0]["messages"]] == [None, True]
    assert "partial" not in json.dumps(transport.sent[1:])
    assert spoken(transport.sent[2]) == [
        ("user", "Go."),
        ("assistant", "Well: let me see."),
        ("tool", '[{"id":"AF2"}]'),
        ("assistant", ""),
        ("tool", '[{"id":"AF2"}]'),
    ]


MEETING = """\
import threading
both = threading.Barrier(2, timeout=20)

{define} pay():
    both.wait()
    return "met"
"""


@pytest.mark.parametrize("define", ["def", "async def"])
def test_a_slow_tool_holds_up_no_other_trial(tmp_path: Path, define: str) -> None:
    pay = MEETING.format(define=define)
    asked = group(tmp_path, "user: Pay., trials: 2, checks: [contains: ok]", TOOLS, pay)
    trials: list[Trial] = []
    call, end = called(("pay", "{}")), said("ok")

    class Live(Scripted):
        immediate = False

        async def send(self, wire: Wire, place: Place) -> Answer:
            self.sent.append(json.loads(wire.body))
            return Answer(status=200, body=json.dumps(end if place.turn else call).encode())

    transport = Live(end)
    Runner({"qwen-plus": transport}, lambda _n, _g, t, _a: trials.append(t)).run([(0, asked)])

    assert [trial.outcome for trial in trials] == ["passed", "passed"]
    results = [spoken(body)[-1] for body in transport.sent if len(body["messages"]) > 1]
    assert results == [("tool", "met"), ("tool", "met")], "each waited for the other"


@pytest.mark.parametrize("replayed", [True, False])
def test_what_the_server_has_forgotten_can_be_asked_anew(tmp_path: Path, *, replayed: bool) -> None:
    asked = group(tmp_path, "turns: [{user: A.}, {user: B.}], checks: [contains: b]")
    target = {"conversation": "server", "dialect": "responses"}
    asked = msgspec.structs.replace(asked, target=msgspec.structs.replace(asked.target, **target))
    content = [{"type": "output_text", "text": "a"}]
    first = {
        "id": "resp_1",
        "status": "completed",
        "output": [{"type": "message", "role": "assistant", "content": content}],
    }
    gone = {"error": {"message": "not found", "code": "invalid_parameter_error"}}

    class Half(Scripted):
        async def send(self, wire: Wire, place: Place) -> Answer:
            self.sent.append(json.loads(wire.body))
            if place.turn:
                return Answer(status=400, body=json.dumps(gone).encode())
            return Answer(status=200, body=json.dumps(first).encode(), replayed=replayed)

    trial = ask(asked, Half(first))

    hint = "ask all anew with `--mode refresh --case c`"
    assert trial.error is not None
    assert trial.error.endswith(hint) is replayed


def test_an_answer_of_a_request_that_nobody_makes_is_not_waited_for() -> None:
    first = Place(case="c", scenario="s", trial=2)

    with pytest.raises(ResponseError, match="comes with trial 2, which was not asked"):
        step(Shared().part(first, 1))


def test_a_request_that_is_made_again_brings_new_answers_to_all_its_trials(tmp_path: Path) -> None:
    asked = group(tmp_path, "user: Say., trials: 2, params: {n: 2}, checks: [contains: a]")

    class Live(Scripted):
        immediate = False

        async def send(self, wire: Wire, place: Place) -> Answer:
            await asyncio.sleep(0)  # the other trial begins meanwhile
            return await super().send(wire, place)

    transport = Live(answers("a", "b"), answers("aa", "bb"))
    trials: list[Trial] = []
    runner = Runner({"qwen-plus": transport}, lambda _n, _g, trial, _a: trials.append(trial))

    runner.run([(0, asked)])
    runner.run([(0, asked)])

    assert sorted(trial.text for trial in trials) == ["a", "aa", "b", "bb"]
