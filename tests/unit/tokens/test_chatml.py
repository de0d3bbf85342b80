import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.exchange import Message
from qeval.tokens import chatml, vocabulary
from qeval.tokens.vocabulary import counter

SYSTEM = Message(role="system", content="You are a helpful assistant.")


def user(text: str) -> Message:
    return Message(role="user", content=text)


@pytest.mark.parametrize(
    ("messages", "tokens"),
    [
        pytest.param([user("Hi")], 9, id="hi-without-think"),
        pytest.param([user("你是谁？")], 11, id="billed-by-qwen-plus"),
        pytest.param([SYSTEM, user("你是谁？")], 22, id="billed-with-system"),
        pytest.param([user("请问 1+1 是多少？")], 16, id="billed-by-latest"),
        pytest.param([SYSTEM, user("Who are you?")], 23, id="plain-of-the-seed-example"),
        pytest.param([], 3, id="generation-alone"),
    ],
)
def test_conversations_count_what_the_service_billed(messages: list[Message], tokens: int) -> None:
    found = chatml.tally(messages, counter("qwen-plus").count)

    assert found.tokens == tokens
    assert found.method == "exact"


def test_items_name_each_message_and_the_suffix() -> None:
    found = chatml.tally([SYSTEM, user("Hi")], counter("qwen-plus").count)

    assert [(i.kind, i.message, i.role, i.tokens) for i in found.items] == [
        ("text", 0, "system", 6),
        ("overhead", 0, "system", 5),
        ("text", 1, "user", 1),
        ("overhead", 1, "user", 5),
        ("generation", None, None, 3),
    ]


conversations = st.lists(
    st.builds(Message, role=st.sampled_from(sorted(chatml.ROLES)), content=st.text(max_size=40)),
    max_size=4,
)


@given(conversations)
@settings(max_examples=60)
def test_a_conversation_is_five_a_message_and_three(messages: list[Message]) -> None:
    count = counter("qwen-plus").count

    found = chatml.tally(messages, count)

    assert found.tokens == sum(5 + count(m.text).tokens for m in messages) + 3
    assert found.tokens == sum(item.tokens for item in found.items)
    assert chatml.count(messages, count).tokens == found.tokens


def test_the_formula_equals_the_markup_read_as_one_text() -> None:
    qwen = vocabulary.shared()
    assert qwen is not None
    messages = [SYSTEM, user("What is 2 + 2?"), Message(role="assistant", content="4\n")]

    whole = qwen.encode_markup(chatml.render(messages))

    assert len(whole) == chatml.count(messages, counter("qwen-plus").count).tokens


def test_an_unusual_role_costs_its_own_tokens() -> None:
    count = counter("qwen-plus").count
    role = "moderator-in-chief"

    found = chatml.count([Message(role=role, content="Hi")], count)

    assert found.tokens == 4 + count(role).tokens + 1 + 3
    assert count(role).tokens > 1


def test_one_estimated_text_makes_the_total_an_estimate() -> None:
    run = "字" * (vocabulary.CHUNK + 1)

    assert chatml.tally([user("Hi"), user(run)], counter("qwen-plus").count).method == "estimate"
    assert chatml.tally([user("Hi")], counter("qwen3.7-max").count).method == "model"
