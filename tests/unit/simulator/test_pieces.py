import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.exchange import ToolCall
from qeval.simulator.asked import Said
from qeval.simulator.pieces import deltas, tokens_of
from qeval.tokens.counters import counter

COUNTER = counter("qwen-plus")
texts = st.text(st.sampled_from("aé天語😀e\u0301\ud800 \n\r\t09_.,'\"{}tS\0"), max_size=40)


def said(**fields: object) -> Said:
    fixed = {"finish_reason": "stop", "input_tokens": 1, "output_tokens": 1, "created": 0}
    return Said(**{"text": "", "identity": "ab" * 16, **fixed, **fields})  # type: ignore[arg-type] # a test's fields


@given(texts, texts, texts, st.booleans())
@settings(max_examples=100)
def test_the_pieces_of_an_answer_are_the_answer(
    text: str, reasoning: str, arguments: str, bare: object
) -> None:
    calls = (
        ToolCall(id="1", name="f", arguments=arguments),
        ToolCall(id="2", name="g", arguments=""),
    )
    whole = said(text=text, reasoning=reasoning, calls=calls, others=(said(text=reasoning),))

    found = list(deltas(whole, COUNTER, bare=bool(bare)))

    def joined(choice: int, kind: str, call: int = 0) -> str:
        wanted = (choice, kind, call)
        return "".join(d.piece for d in found if (d.choice, d.kind, d.call) == wanted)

    assert joined(0, "text") == text
    assert joined(0, "reasoning") == reasoning
    assert (joined(0, "call"), joined(0, "call", 1)) == (arguments, "")
    assert joined(1, "text") == reasoning
    assert [d.call for d in found if d.first] == [0, 1]


@given(texts)
@settings(max_examples=100)
def test_the_tokens_of_a_text_are_the_text(text: str) -> None:
    assert "".join(tokens_of(text, COUNTER)) == text


@pytest.mark.parametrize(
    "text",
    [
        "The capital of France is Paris, on the Seine.",
        "def f(x):\n    return x_1 + 2025  # it's 'so'\r\n",
        "天气很好，我们去公园吧。",
        '{"city": "Zürich", "days": [1, 2]}',
    ],
)
def test_there_are_as_many_tokens_as_are_billed(text: str) -> None:
    assert len(list(tokens_of(text, COUNTER))) == COUNTER.count(text).tokens
    pieces = [delta.tokens for delta in deltas(said(text=text), COUNTER)]
    assert sum(pieces) == COUNTER.count(text).tokens
    assert pieces[0] < 3 or len(pieces) < 5  # what is said first is said soon


def test_several_answers_take_turns() -> None:
    whole = said(text="one two three four five", others=(said(text="six seven eight nine ten"),))

    assert [delta.choice for delta in deltas(whole, COUNTER)] == [0, 1, 0, 1, 0, 1]


def test_a_long_run_without_a_word_is_cut_at_a_bearable_cost() -> None:
    pieces = list(deltas(said(text="天" * 20_000), COUNTER))

    assert len(pieces) > 300
    assert "".join(piece.piece for piece in pieces) == "天" * 20_000
