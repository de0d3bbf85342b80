from collections import Counter
from typing import Any

import pytest

from qeval.exchange import Message
from qeval.simulator.asked import Ask
from qeval.simulator.engine import Engine
from qeval.simulator.reading import parse
from qeval.simulator.refusals import Refusal
from qeval.simulator.script import Script

SCRIPT = parse("""
rules:
  - match: flaky
    fault: {status: 503, times: 2}
    reply: at last
  - match: hiccup
    fault: {code: limit_requests, times: 1}
  - {match: who, model: "qwen3-*", reply: three}
  - {match: who, dialect: responses, reply: not in chat}
  - match: (?i)colour
    replies:
      - {text: red, weight: 2}
      - {text: green, weight: 1}
      - {text: blue, weight: 1}
  - match: long
    reply: One two three four five. STOP six
  - {match: hiccup, reply: after all}
""")


def ask(text: str, **others: Any) -> Ask:
    model = others.pop("model", "qwen-plus")
    return Ask(model=model, messages=(Message(role="user", content=text),), **others)


def texts(engine: Engine, question: Ask, times: int) -> list[str]:
    return [engine.answer(question, "chat").said.text for _ in range(times)]


def test_the_first_matching_rule_answers_and_model_and_dialect_narrow_it() -> None:
    engine = Engine(SCRIPT)

    assert texts(engine, ask("who", model="qwen3-max"), 1) == ["three"]
    assert engine.answer(ask("who"), "responses").said.text == "not in chat"
    with pytest.raises(Refusal, match=r"no rule of the simulator's script matches .* 'who'"):
        engine.answer(ask("who"), "chat")


def test_a_rule_looks_at_the_last_user_message() -> None:
    messages = [("user", "who"), ("assistant", "long"), ("user", "Colour?"), ("assistant", "who")]
    question = Ask(
        model="m", messages=tuple(Message(role=role, content=text) for role, text in messages)
    )

    assert texts(Engine(SCRIPT), question, 1)[0] in {"red", "green", "blue"}


def test_a_fault_strikes_each_prompt_as_often_as_told() -> None:
    engine = Engine(SCRIPT)

    def struck(question: Ask) -> list[bool]:
        return [engine.answer(question, "chat").fault is not None for _ in range(4)]

    assert struck(ask("flaky")) == [True, True, False, False]
    assert struck(ask("flaky too")) == [True, True, False, False]


def test_a_fault_ends_some_time_after_the_first_request() -> None:
    engine = Engine(
        parse("clock: 10\nrules: [{match: a, fault: {status: 503, for_s: 10}, reply: b}]")
    )

    def struck(now: float) -> bool:
        engine.admit("m", now)
        return engine.answer(ask(f"a {now}"), "chat").fault is not None

    assert [struck(now) for now in (5.0, 5.5, 5.99, 6.0, 9.0)] == [True, True, True, False, False]


def test_a_rule_whose_fault_is_used_up_lets_the_next_one_answer() -> None:
    engine = Engine(SCRIPT)

    assert engine.answer(ask("hiccup"), "chat").fault is not None
    assert texts(engine, ask("hiccup"), 1) == ["after all"]


def test_two_engines_of_one_script_answer_alike() -> None:
    questions = [ask(f"colour {n % 5}", temperature=1.3) for n in range(40)]

    one, other = Engine(SCRIPT), Engine(SCRIPT)

    assert [one.answer(q, "chat") for q in questions] == [
        other.answer(q, "chat") for q in questions
    ]


def test_answers_follow_the_occurrence_and_vary() -> None:
    drawn = Counter(texts(Engine(SCRIPT), ask("colour"), 400))

    assert 160 <= drawn["red"] <= 240
    assert 60 <= drawn["green"] <= 140
    assert 60 <= drawn["blue"] <= 140


def test_other_prompts_do_not_move_the_draws_of_a_prompt() -> None:
    alone = texts(Engine(SCRIPT), ask("colour"), 12)
    engine = Engine(SCRIPT)
    mixed = []
    for n in range(12):
        mixed += texts(engine, ask("colour"), 1)
        texts(engine, ask("colour", temperature=0.5), n % 3)

    assert mixed == alone


def test_a_seed_repeats_its_answer_whatever_came_before() -> None:
    engine = Engine(SCRIPT)

    seeded = {seed: set(texts(engine, ask("colour", seed=seed), 5)) for seed in range(30)}

    assert all(len(found) == 1 for found in seeded.values())
    assert set.union(*seeded.values()) == {"red", "green", "blue"}


def test_the_seed_of_the_script_changes_the_draws() -> None:
    other = Script(rules=SCRIPT.rules, seed=1)

    assert texts(Engine(SCRIPT), ask("colour"), 40) != texts(Engine(other), ask("colour"), 40)


def test_temperature_zero_always_takes_the_heaviest() -> None:
    assert set(texts(Engine(SCRIPT), ask("colour", temperature=0.0), 30)) == {"red"}
    assert set(texts(Engine(SCRIPT), ask("colour", top_p=0.4), 30)) == {"red"}


def test_identities_and_dates_are_made_up_but_differ_by_occurrence() -> None:
    engine = Engine(SCRIPT)

    said = [engine.answer(ask("long"), "chat").said for _ in range(3)]

    assert len({one.identity for one in said}) == 3
    assert all(1_700_000_000 <= one.created < 1_730_000_000 for one in said)


@pytest.mark.parametrize(
    ("limits", "text", "tokens", "finish"),
    [
        ({}, "One two three four five. STOP six", 8, "stop"),
        ({"max_output_tokens": 8}, "One two three four five. STOP six", 8, "stop"),
        ({"max_output_tokens": 3}, "One two three", 3, "length"),
        ({"stop": ("STOP",)}, "One two three four five. ", 7, "stop"),
        ({"stop": ("zzz", " four", "STOP")}, "One two three", 3, "stop"),
        ({"stop": ("STOP",), "max_output_tokens": 1}, "One", 1, "length"),
    ],
)
def test_limits_cut_the_answer_at_tokens(
    limits: dict[str, Any], text: str, tokens: int, finish: str
) -> None:
    said = Engine(SCRIPT).answer(ask("long", **limits), "chat").said

    assert (said.text, said.output_tokens, said.finish_reason) == (text, tokens, finish)


def test_input_tokens_are_those_of_plain_chatml() -> None:
    assert Engine(SCRIPT).answer(ask("long"), "chat").said.input_tokens == 9


def test_seeded_requests_do_not_move_the_draws_of_others() -> None:
    alone = texts(Engine(SCRIPT), ask("colour"), 12)
    engine = Engine(SCRIPT)
    mixed = []
    for n in range(12):
        texts(engine, ask("colour", seed=n), 1)
        mixed += texts(engine, ask("colour"), 1)

    assert mixed == alone


def test_hidden_tokens_are_billed_with_every_prompt() -> None:
    script = "hidden_tokens: {}\nrules:\n  - {{match: ., reply: ok}}\n"
    ask = Ask(model="qwen-plus", messages=(Message(role="user", content="Hi"),))

    plain, more = (
        Engine(parse(script.format(hidden))).answer(ask, "chat").said for hidden in (0, 40)
    )

    assert (plain.input_tokens, more.input_tokens) == (9, 49)
    assert plain.text == more.text
