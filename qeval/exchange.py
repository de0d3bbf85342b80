"""What goes over the wire, in our words: request, response, and the raw call under them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from qeval.value import Json, Value

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls"]


class Part(Value):
    """One part of a message's content: exactly one of text, image, video, audio is set.

    Media are addresses (`https:`, `data:` …) or paths below the project's root.
    """

    text: str | None = None
    image: str | None = None
    video: str | tuple[str, ...] | None = None
    audio: str | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    total_pixels: int | None = None
    fps: float | None = None
    cache: bool = False


class ToolCall(Value):
    """A call that the model asks for. `arguments` is its JSON text, as it came."""

    id: str
    name: str
    arguments: str


class Message(Value):
    """One message of a conversation. `content` is plain text, or parts."""

    role: str
    content: str | tuple[Part, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    reasoning: str | None = None
    partial: bool = False

    @property
    def text(self) -> str:
        """The text of the content, parts joined without separator."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text or "" for part in self.content)


class Params(Value):
    """Request parameters; `None` is not sent. Ranges: suites.md section 4, checked in `loading`."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    max_output_tokens: int | None = None
    thinking: bool | int | str | None = None
    """Off, on, on with a budget in tokens, or an effort; None: nothing is sent."""
    stream: bool = False
    seed: int | None = None
    stop: str | tuple[str, ...] | None = None
    logprobs: int | None = None
    n: int = 1
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    search: bool | dict[str, Json] | None = None
    extra: dict[str, Json] = {}
    """Sent verbatim where the dialect keeps its parameters; `tools` come after the case's own."""


class Request(Value):
    """What one trial asks, before a dialect writes it."""

    model: str
    messages: tuple[Message, ...]
    params: Params = Params()
    response_format: Literal["text", "json"] | dict[str, Json] | None = None
    """A dict is `{schema, name, strict}`."""
    tools: tuple[dict[str, Json], ...] = ()
    """Each `{name, description, parameters}`."""
    previous_response_id: str | None = None
    """The response that the server is to continue, in dialects where it keeps them."""

    @property
    def user(self) -> str:
        """The text of the last user message, or ''."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def system(self) -> str:
        """The text of the system message, or ''."""
        return next((m.text for m in self.messages if m.role == "system"), "")


class CallableRequest(Request):
    """What a callable target is asked: a request, and whose it is."""

    vars: dict[str, Json] = {}
    """The case's variables, as templates saw them."""
    trial: int = 0
    """The trial's number, from 0."""


class Usage(Value):
    """Tokens that one response consumed, as its endpoint reported them.

    Counts are whole tokens of the endpoint's own tokenizer, so they do not
    compare across model families. Sub-counts are *included* in their total:
    cached tokens in `input_tokens`, reasoning tokens in `output_tokens`.
    `None` means "not reported", never zero.
    """

    input_tokens: int | None = None
    """Prompt side: system message, history and cached prefix."""
    output_tokens: int | None = None
    """Everything generated, hidden reasoning with it."""
    total_tokens: int | None = None
    """As reported; not computed."""
    cached_input_tokens: int | None = None
    """The part of `input_tokens` served from the endpoint's prompt cache."""
    reasoning_tokens: int | None = None
    """The part of `output_tokens` spent on hidden reasoning."""
    image_tokens: int | None = None
    video_tokens: int | None = None
    audio_tokens: int | None = None


class Response(Value):
    """What came back, in our words."""

    text: str = ""
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    """`stop`, `length`, `tool_calls`, or what the endpoint said; None: nothing said."""
    usage: Usage = Usage()
    model: str | None = None
    """The model's name as the endpoint reports it."""
    id: str | None = None
    truncated: bool = False
    """The endpoint gave up before the model was done (wire.md pitfall 14), or length cut it."""
    others: tuple[Response, ...] = ()
    """The other answers where `n` asked for several; usage stands with the first alone."""
    extra: dict[str, Json] = {}
    """What the dialect has no word for."""


class Wire(Value):
    """One call as a dialect writes it. Headers hold no credential; the transport adds that."""

    path: str
    """Below the target's base address, such as `/chat/completions`."""
    body: bytes
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


class Place(Value):
    """Whose call it is: travels beside a `Wire`, never on it."""

    case: str
    scenario: str
    trial: int
    turn: int = 0
    attempt: int = 0
    """0 for the first try; a retry of the same request counts up."""


class Answer(Value):
    """What a transport brings back for one `Wire`: whole body, with the times of its chunks.

    Times are seconds since the request was sent, those of the recording when `replayed`.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    """Lower-case names; credentials and cookies never come through."""
    body: bytes = b""
    chunks: tuple[tuple[int, float], ...] = ()
    """(size in bytes, seconds) of each chunk; empty where only the whole is known."""
    latency_s: float | None = None
    """From sending to the last byte, of the last attempt."""
    recorded_at: str | None = None
    """UTC, `2026-11-22T20:14:40Z`."""
    source: str | None = None
    """Who answered: a provider alias such as `model-studio`, `endpoint`, or `simulator`."""
    attempts: int = 1
    replayed: bool = False
    error: str | None = None
    """Set when the body was cut: `chunks` and `body` hold what had come."""

    def header(self, name: str) -> str | None:
        """Return the first header of that lower-case name, or None."""
        return next((value for key, value in self.headers if key == name), None)
