r"""The token count of a conversation in plain ChatML, item by item.

Each message is written `<|im_start|>ROLE\nTEXT<|im_end|>\n`, and the answer begins after
`<|im_start|>assistant\n`. Start, newline, end and newline are one token each, and so is every
usual role, so a conversation counts Σ(5 + tokens of text) + 3. Hosted qwen-plus, qwen-max and
qwen-flash bill exactly that for plain text. Media, tools and thinking are not counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from qeval.exchange import Message
from qeval.tokens.vocabulary import Count, Method, weakest
from qeval.value import Value

MARKS = 4
"""Tokens around role and text: start, newline, end, newline."""

GENERATION = 3
"""Tokens after the last message that open the answer: start, role, newline."""

ROLES = frozenset({"system", "user", "assistant", "tool"})
"""Roles that are one token each."""


class Item(Value):
    """Some of the tokens of a conversation. `message` counts from 0; None: no message's own."""

    kind: Literal["text", "overhead", "generation"]
    tokens: int
    message: int | None = None
    role: str | None = None


class Tally(Value):
    """The tokens of a conversation: items that add up to the total, and how they were counted."""

    items: tuple[Item, ...]
    method: Method

    @property
    def tokens(self) -> int:
        """The total."""
        return sum(item.tokens for item in self.items)


def tally(messages: Iterable[Message], count_text: Callable[[str], Count]) -> Tally:
    """Count a conversation that asks for an answer.

    Args:
        messages: In order; of each only role and text count.
        count_text: `Counter.count` of the model that is asked.

    Returns:
        Two items for each message, text and overhead, and the generation suffix.
    """
    items: list[Item] = []
    methods: list[Method] = []
    for index, message in enumerate(messages):
        text, overhead = _parts(message, count_text)
        items += (
            Item(kind="text", tokens=text.tokens, message=index, role=message.role),
            Item(kind="overhead", tokens=overhead, message=index, role=message.role),
        )
        methods.append(text.method)
    items.append(Item(kind="generation", tokens=GENERATION))
    return Tally(items=tuple(items), method=weakest(methods))


def count(messages: Iterable[Message], count_text: Callable[[str], Count]) -> Count:
    """Return the total of `tally` without its items, which is quicker."""
    parts = [_parts(message, count_text) for message in messages]
    tokens = sum(text.tokens + overhead for text, overhead in parts) + GENERATION
    return Count(tokens=tokens, method=weakest(text.method for text, _ in parts))


def _parts(message: Message, count_text: Callable[[str], Count]) -> tuple[Count, int]:
    role = 1 if message.role in ROLES else count_text(message.role).tokens
    return count_text(message.text), MARKS + role


def render(messages: Iterable[Message]) -> str:
    """Return the conversation as the model reads it, up to where its answer begins."""
    turns = (f"<|im_start|>{m.role}\n{m.text}<|im_end|>\n" for m in messages)
    return "".join(turns) + "<|im_start|>assistant\n"
