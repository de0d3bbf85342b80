"""A request and an answer as the simulator knows them, whatever the dialect."""

from __future__ import annotations

from typing import Literal

from qeval.exchange import Message, Request, ToolCall
from qeval.value import Json, Value


class Form(Value):
    """How an answer is to be written. It changes nothing of what is said."""

    stream: bool = False
    usage: bool = True
    """Whether the tokens stand at the end of a stream."""
    incremental: bool = True
    """Whether each frame of a stream holds what is new, not all so far."""
    plain: bool = False
    """The native form without a message: its text alone."""
    store: bool = True
    """Whether the response may be continued later."""
    echo: dict[str, Json] = {}
    """Fields of the request that the answer repeats."""


class Ask(Value):
    """A request as the simulator understands it, whatever the dialect.

    Where nothing is sent temperature and top_p are 1, so that replies come by their weights.
    """

    model: str
    messages: tuple[Message, ...]
    temperature: float = 1.0
    top_p: float = 1.0
    max_output_tokens: int | None = None
    all_limited: bool = False
    """Whether `max_output_tokens` counts the reasoning too."""
    seed: int | None = None
    stop: tuple[str, ...] = ()
    thinking: bool = False
    thinking_budget: int | None = None
    """Most tokens of reasoning."""
    effort: str | None = None
    tools: tuple[dict[str, Json], ...] = ()
    """Each `{name, description, parameters}`."""
    tool_choice: str = "auto"
    parallel: bool = False
    """Whether several tools may be called at once."""
    response_format: Literal["json"] | dict[str, Json] | None = None
    n: int = 1
    logprobs: int | None = None
    """So many alternatives for each token; None: no logprobs."""
    high_resolution: bool = False
    session_cache: bool = False
    """Whether all of the conversation is to be kept in the cache."""
    form: Form = Form()

    @property
    def user(self) -> str:
        """The text of the last user message, or ''."""
        return Request(model=self.model, messages=self.messages).user

    @property
    def answered(self) -> tuple[str, ...]:
        """The names of the tools whose answers end the messages."""
        names = {call.id: call.name for message in self.messages for call in message.tool_calls}
        found: list[str] = []
        for message in reversed(self.messages):
            if message.role != "tool":
                break
            found.append(names.get(message.tool_call_id or "", ""))
        return tuple(found)


class Cached(Value):
    """What of a prompt comes from the cache, and what goes into it, in tokens."""

    read: int = 0
    created: int = 0


class Said(Value):
    """An answer as the simulator gives it, whatever the dialect."""

    text: str
    finish_reason: str
    input_tokens: int
    output_tokens: int
    """Everything that was generated for this answer."""
    identity: str
    """32 hex digits, the same for the same draw."""
    created: int
    """Seconds since 1970; made up from the identity, no clock is read."""
    reasoning: str | None = None
    """None: the model did not think."""
    reasoning_tokens: int = 0
    calls: tuple[ToolCall, ...] = ()
    media: dict[str, int] = {}
    """Tokens of the prompt by medium: image, video, audio; where there are any."""
    cached: Cached | None = None
    """None: the request has no marker of the cache."""
    ocr: dict[str, Json] | None = None
    """What a reader of pictures found beside the text, as the service writes it."""
    annotations: tuple[dict[str, Json], ...] = ()
    """What is said of the text."""
    logprobs: tuple[dict[str, Json], ...] | None = None
    """One entry for each token of the text, as the service writes it."""
    others: tuple[Said, ...] = ()
    """The other answers where several were asked for."""

    @property
    def all(self) -> tuple[Said, ...]:
        """Every answer that was asked for."""
        return (self, *self.others)

    @property
    def billed(self) -> int:
        """Output tokens of all of them."""
        return sum(one.output_tokens for one in self.all)

    @property
    def thought(self) -> int:
        """Reasoning tokens of all of them."""
        return sum(one.reasoning_tokens for one in self.all)
