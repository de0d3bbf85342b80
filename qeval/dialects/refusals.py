"""What an endpoint would refuse, or silently ignore: told before anything is sent.

The rules are those of the vendor's documentation and error messages (wire.md sections 2 to 5).
What works, but hardly as it is meant, is `qeval.dialects.doubts`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from qeval.dialects import media
from qeval.errors import UsageError, suggestion
from qeval.exchange import Params, Part, Request

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_JSON = re.compile("json", re.IGNORECASE)
_LARGEST_SEED = 2**31 - 1
_LEAST_RESPONSE = 16
_LEAST_FRAMES = 4
_MOST_MARKERS = 4
OVER_CHAT = "set the target's `dialect: chat`"
_OFF = "set `params: {thinking: off}`"
_NO_CHOICE = "leave `tool_choice` out"
_ANOTHER = "ask a model that can do without thinking"

_IGNORED = (
    "top_k",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "stop",
    "logprobs",
    "parallel_tool_calls",
)
"""Parameters that the responses endpoint takes without a word and does not heed."""


class Refusal(NamedTuple):
    """Why a request cannot work, and what to do about it."""

    fact: str
    hint: str


def refusals(
    request: Request, dialect: str, *, service: bool = True, thinks: bool | None = None
) -> tuple[Refusal, ...]:
    """Return why a request cannot work over a dialect; none: it may.

    Args:
        request: As it would be sent: `thinking` is what the model will do, its default included.
        dialect: The dialect's name.
        service: Whether Model Studio is asked. Another server has its own rules, so that only
            what the dialect has no words for is told.
        thinks: Whether the model thinks whatever the request says; None: as that says.
    """
    found = list(_unsayable(request, dialect))
    if service:
        if request.params.thinking not in (None, False) if thinks is None else thinks:
            found += _thinking(request, dialect, _ANOTHER if thinks else _OFF)
        found += _wanted(request)
        found += _order(request)
        found += _tools(request)
        found += _choice(request, dialect)
        found += _bounds(request, dialect)
    return tuple(found)


def refuse(request: Request, dialect: str) -> None:
    """Refuse what a dialect has no words for, when a request is written.

    Raises:
        UsageError: With the first of it.
    """
    for fact, hint in _unsayable(request, dialect):
        raise UsageError(fact, hint=hint)


def _unsayable(request: Request, dialect: str) -> Iterator[Refusal]:
    """Yield what a dialect has no words for."""
    if request.previous_response_id is not None and dialect != "responses":
        yield Refusal(
            f"dialect {dialect!r} cannot continue a response that the server keeps",
            "set the target's `dialect: responses`, or leave `conversation: server` out",
        )
    if dialect == "dashscope-text":
        yield from _unsaid_in_text(request)
    if dialect == "responses":
        yield from _unsaid_in_responses(request)


def _unsaid_in_text(request: Request) -> Iterator[Refusal]:
    parts = media.parts(request)
    if any(media.addresses(part) for part in parts):
        yield Refusal(
            "dialect 'dashscope-text' shows no images, video or audio",
            "set the target's `dialect: dashscope-multimodal`",
        )
    if any(part.cache for part in parts):
        yield Refusal(
            "dialect 'dashscope-text' has no cache marker",
            "leave `cache` out, or set the target's `dialect: chat`",
        )


def _unsaid_in_responses(request: Request) -> Iterator[Refusal]:
    params = request.params
    for name in _IGNORED:
        if getattr(params, name) is not None:
            yield Refusal(f"dialect 'responses' ignores {name}", f"leave it out, or {OVER_CHAT}")
    if params.n != 1:
        yield Refusal(f"dialect 'responses' gives one answer, got n {params.n}", OVER_CHAT)
    if isinstance(params.search, dict):
        hint = f"set `search: true`, or {OVER_CHAT}"
        yield Refusal("dialect 'responses' ignores search options", hint)
    if not isinstance(params.thinking, bool | str | None):
        fact = f"dialect 'responses' has no thinking budget, got {params.thinking} tokens"
        yield Refusal(fact, f"give an effort, such as `thinking: low`, or {OVER_CHAT}")
    if request.response_format not in (None, "text"):
        yield Refusal("dialect 'responses' ignores response_format", OVER_CHAT)
    if any(message.partial for message in request.messages):
        yield Refusal("dialect 'responses' cannot continue `partial`", OVER_CHAT)
    yield from _unshown_in_responses(media.parts(request))


def _unshown_in_responses(parts: list[Part]) -> Iterator[Refusal]:
    if any(part.video is not None or part.audio is not None for part in parts):
        yield Refusal("dialect 'responses' shows no video and no audio", OVER_CHAT)


def _thinking(request: Request, dialect: str, off: str) -> Iterator[Refusal]:
    """Yield what does not go with thinking; `off` is the way to do without it."""
    params = request.params
    if request.response_format not in (None, "text"):
        yield Refusal("response_format does not work while the model thinks", off)
    if any(message.partial for message in request.messages):
        yield Refusal("partial does not work while the model thinks", off)
    if params.n != 1:
        yield Refusal(f"n {params.n} does not work while the model thinks", off)
    if params.tool_choice not in (None, "auto", "none"):
        fact = f"tool_choice {params.tool_choice!r} does not work while the model thinks"
        yield Refusal(fact, f"{off}, or choose auto or none")
    whole_so_far = params.extra.get("incremental_output") is False
    if whole_so_far and params.stream and dialect.startswith("dashscope"):
        fact = "incremental_output false does not work while the model thinks"
        yield Refusal(fact, f"{off}, or leave it out")


def _wanted(request: Request) -> Iterator[Refusal]:
    if request.response_format == "json" and not any(
        _JSON.search(message.text) for message in request.messages
    ):
        yield Refusal(
            "response_format json wants the word json in the messages",
            "say it in `system` or `user`, such as “Answer in JSON.”",
        )


def _order(request: Request) -> Iterator[Refusal]:
    called = False
    for message in request.messages:
        if message.role == "tool" and not called:
            yield Refusal(
                "a message of role tool answers no call",
                "put the answer of role assistant with its `tool_calls` before it",
            )
            return
        called = bool(message.tool_calls) or message.role == "tool"


def offered(request: Request) -> list[str | None]:
    """Return the names of all tools of a request; None for those that have none."""
    more = request.params.extra.get("tools")
    tools = [*request.tools, *(more if isinstance(more, list) else ())]
    names: list[str | None] = []
    for tool in tools:
        inner = tool.get("function", tool) if isinstance(tool, dict) else None
        name = inner.get("name") if isinstance(inner, dict) else None
        names.append(name if isinstance(name, str) else None)
    return names


def _choice(request: Request, dialect: str) -> Iterator[Refusal]:
    choice = request.params.tool_choice
    if choice in (None, "auto", "none"):
        return
    names = offered(request)
    if choice == "required":
        count = len(names) + (dialect == "responses" and bool(request.params.search))
        if not count:
            yield Refusal("tool_choice 'required' without tools", f"add `tools:`, or {_NO_CHOICE}")
        elif dialect == "responses" and count > 1:
            yield Refusal(
                f"dialect 'responses' takes tool_choice 'required' with one tool, got {count}",
                f"offer one tool, choose it by name, or {OVER_CHAT}",
            )
    elif choice not in names:
        known = [name for name in names if name is not None]
        hint = (
            suggestion("tool", choice, known) if known else f"add it to `tools:`, or {_NO_CHOICE}"
        )
        yield Refusal(f"tool_choice {choice!r} is the name of no tool", hint)


def _tools(request: Request) -> Iterator[Refusal]:
    if request.tools and request.params.n != 1:
        yield Refusal(
            f"n {request.params.n} does not work with tools",
            "set `n: 1` and ask more `trials`",
        )
    for tool in request.tools:
        name = str(tool.get("name"))
        if name == "search":
            yield Refusal("a tool named 'search' is the service's own", "give it another name")
        elif not _TOOL_NAME.fullmatch(name):
            yield Refusal(
                f"tool {name!r}: a name has 1 to 64 letters, digits, _ and -",
                "give it another name",
            )


def _bounds(request: Request, dialect: str) -> Iterator[Refusal]:
    """Yield values that the service takes, but not these."""
    yield from _numbers(request.params, dialect)
    parts = media.parts(request)
    for part in parts:
        if isinstance(part.video, tuple) and len(part.video) < _LEAST_FRAMES:
            yield Refusal(
                f"a video of {len(part.video)} frames; the service wants {_LEAST_FRAMES} or more",
                "add frames, or show them as images",
            )
    markers = sum(part.cache for part in parts)
    if markers > _MOST_MARKERS:
        yield Refusal(
            f"{markers} cache markers in one request; the service takes {_MOST_MARKERS}",
            "keep `cache: true` at the last part of what is shared",
        )


def _numbers(params: Params, dialect: str) -> Iterator[Refusal]:
    longest = params.max_output_tokens
    if dialect == "responses" and longest is not None and longest < _LEAST_RESPONSE:
        yield Refusal(
            f"max_output_tokens {longest} is out of range for dialect 'responses':"
            f" {_LEAST_RESPONSE} or more",
            f"set `max_output_tokens: {_LEAST_RESPONSE}`, or the target's `dialect: chat`",
        )
    if params.seed is not None and params.seed > _LARGEST_SEED:
        yield Refusal(
            f"seed {params.seed} is out of range: {_LARGEST_SEED} or less", "set a smaller seed"
        )
