"""What the simulator answers: rules, read from YAML. Every mistake is told with its line.

::

    seed: 1                       # changes every draw at once
    hidden_tokens: 0              # billed with every prompt, as by a service that hides text in it
    clock: 1                      # 10: the simulator's seconds pass ten times as fast
    limits: {rpm: 300, tpm: 100_000, burst: 20, retry_after: true}
    rules:                        # the first that matches answers
      - match: "(?i)weather"      # searched for in the last user message
        model: qwen3*             # narrows, as do:
        dialect: chat
        params: {temperature: {below: 1}}
        after_tool: get_weather   # the last message is what this tool answered
        replies:
          - Sunny.
          - text: Let me look.
            weight: 2
            reasoning: They ask for the weather, so I look.
            calls: [{name: get_weather, arguments: {city: Paris}}]
          - text: EXIT
            ocr: {words_info: [{text: EXIT, location: [1, 1, 9, 1, 9, 4, 1, 4]}]}
            annotations: [{type: audio_info, language: en}]
        latency_s: 0.2            # before an answer begins
        first_s: 0.3              # of a stream: from its headers to its first piece
        chunk_s: 0.02             # from one piece to the next
        quirks: [no_blank_lines]  # null_text, null_json, null_arguments, cumulative
        fault: {code: limit_requests, times: 2, for_s: 10, after_chunks: 3}
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from qeval.value import Json, Value

FaultKind: TypeAlias = Literal["cut", "garbage", "html", "empty", "partial"]
Quirk: TypeAlias = Literal[
    "no_blank_lines", "null_text", "null_json", "null_arguments", "cumulative"
]
"""What a stream may do beside its documented form: leave out the blank line between frames; say
"null" in text, or in JSON, for a finish reason that is not there yet (chat documents JSON, the
native dialects text); begin a tool call with null for its arguments; send all so far in each frame
of a native stream, though increments are asked for."""


class Called(Value):
    """A tool call of a reply. `arguments` is JSON text, or what a model took for it."""

    name: str
    arguments: str = "{}"


class Reply(Value):
    """One candidate answer. `weight` > 0 is its share beside the others of the rule."""

    text: str = ""
    weight: float = 1.0
    reasoning: str | None = None
    """Said first where the request has the model think; None: a short one is made up."""
    calls: tuple[Called, ...] = ()
    """Left out where the request offers no tools, or forbids calls. Where it does not allow
    several at a time only the first is made."""
    ocr: dict[str, Json] | None = None
    """What a reader of pictures found: `ocr_result`, which multimodal answers have."""
    annotations: tuple[dict[str, Json], ...] = ()
    """What is said of the text, such as the language of a sound; every dialect has a place."""


class Fault(Value):
    """What goes wrong instead of an answer.

    Either an error in the dialect (`status`, `code`, `message`), or, by `kind`, a body that is no
    answer: the connection cut in the middle of it, bytes that are not UTF-8, a page of HTML,
    nothing, or half of the text, told as partial in a header. Codes may be written as the
    compatible dialects have them; the others are given their own word for it.
    """

    status: int | None = None
    """400 to 599; None: what the code usually comes with. With a `kind` 200 to 599; None: 200."""
    code: str | None = None
    message: str | None = None
    kind: FaultKind | None = None
    times: int | None = None
    """So often for each prompt, then the rule's replies, or the next rule; None: for ever."""
    for_s: float | None = None
    """So long from the first request on, whatever it asks, then as after `times`; None: for
    ever."""
    retry_after_s: float | None = None
    """Sent as `Retry-After`, in seconds."""
    after_chunks: int | None = None
    """Of a stream: an error or a cut comes inside it, after so many pieces. None: an error comes
    instead of the stream, a cut in its middle."""


class Limits(Value):
    """How often each model may be asked; what is more is answered with status 429.

    The rate is served evenly: what was not used is kept for `burst` requests.
    """

    rpm: int | None = None
    """Requests a minute; above it `limit_requests`."""
    tpm: int | None = None
    """Tokens a minute, of prompts and answers; above it `insufficient_quota`."""
    burst: int | None = None
    """Requests that may come at once; None: a second's worth of `rpm`. More than these within one
    second are answered `limit_burst_rate`, or stand in line if X-DashScope-Wait-Timeout asks."""
    retry_after: bool = False
    """Whether a refusal tells, as `Retry-After`, when the next request will be served."""


class Range(Value):
    """Which values of a request parameter a rule is for; all that is set must hold."""

    equals: float | None = None
    at_least: float | None = None
    below: float | None = None

    def holds(self, value: float | None) -> bool:
        """Return whether a value is within; one that was not sent is not."""
        if value is None:
            return False
        return (
            (self.equals is None or value == self.equals)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
        )


class Rule(Value):
    """What to answer when the last user message matches. The first rule that matches wins."""

    match: str
    """A regular expression, searched for in the last user message."""
    model: str | None = None
    """A model's name; `*` stands for any text. None: any model."""
    dialect: str | None = None
    params: dict[str, Range] = {}
    """Request parameter, in our words, → the values for which the rule is. Where temperature or
    top_p is not sent it counts as 1."""
    after_tool: str | None = None
    """A tool's name, `*` for any: only where the messages end with what that tool answered."""
    replies: tuple[Reply, ...] = ()
    latency_s: float = 0.0
    """Before an answer begins."""
    first_s: float = 0.0
    """From the headers of a stream to its first piece of reasoning, text or a call."""
    chunk_s: float = 0.0
    """From one such piece to the next."""
    quirks: tuple[Quirk, ...] = ()
    fault: Fault | None = None


class Script(Value):
    """The rules of a simulator, in order. `seed` changes every draw at once."""

    rules: tuple[Rule, ...]
    seed: int = 0
    hidden_tokens: int = 0
    """Billed with every prompt beside its own tokens, as by a service that hides text in it."""
    limits: Limits | None = None
    clock: float = 1.0
    """How many of the simulator's seconds pass in one of ours: of latencies and of limits."""
