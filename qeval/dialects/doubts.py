"""What works, but hardly as it is meant: told before anything is sent, and sent nevertheless."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qeval.dialects import media
from qeval.dialects.refusals import OVER_CHAT, Refusal
from qeval.exchange import Message, Request

_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_LEAST_TOLD = 30
"""Letters and digits beside an address from which a prompt says something of its own."""
_HEEDED = frozenset({"conversation", "store", "tools"})
"""Documented fields of the responses endpoint for which we have no word."""


def doubts(
    request: Request, dialect: str, *, service: bool = True, later: tuple[Message, ...] = ()
) -> tuple[Refusal, ...]:
    """Return what is doubtful about a case.

    Args:
        request: As it would be sent.
        dialect: The dialect's name.
        service: Whether Model Studio is asked.
        later: What the user says in further turns.
    """
    found = [*_addresses_alone(request, later), *_unlimited(request, dialect)]
    if service:
        found += _order(request)
    return tuple(found)


def unheeded(request: Request, dialect: str) -> tuple[Refusal, ...]:
    """Return what is doubtful about the parameters with which Model Studio is asked."""
    return (*_capped(request), *_ignored(request, dialect))


def has_address(text: str) -> bool:
    """Whether a text may hold a web address; rather too often than too seldom."""
    return "://" in text or "www." in text.lower()


def _addresses_alone(request: Request, later: tuple[Message, ...]) -> Iterator[Refusal]:
    if request.params.search or request.tools or _reads_pages(request):
        return
    hint = "put the page's text into the prompt, or set `params: {search: true}`"
    if _little_but_an_address(request.user):
        yield Refusal("the prompt is little but a web address, and the API reads no pages", hint)
    for turn, message in enumerate(later, 2):
        if _little_but_an_address(message.text):
            fact = f"turn {turn} is little but a web address, and the API reads no pages"
            yield Refusal(fact, hint)


def _little_but_an_address(asked: str) -> bool:
    told = _ADDRESS.sub(" ", asked)
    return told != asked and sum(c.isalnum() for c in told) < _LEAST_TOLD


def _reads_pages(request: Request) -> bool:
    """Whether a tool of the service's own is asked for that goes to the web."""
    tools = request.params.extra.get("tools")
    return isinstance(tools, list) and any(
        isinstance(tool, dict) and str(tool.get("type")).startswith(("web_", "mcp"))
        for tool in tools
    )


def _unlimited(request: Request, dialect: str) -> Iterator[Refusal]:
    parts = media.parts(request)
    if dialect == "responses" and any(part.image and media.limited(part) for part in parts):
        yield Refusal(
            "dialect 'responses' has no limits of pixels, so a picture counts in full",
            f"leave `min_pixels` and `max_pixels` out, or {OVER_CHAT}",
        )


def _order(request: Request) -> Iterator[Refusal]:
    begun = False
    for message in request.messages:
        if message.role == "system" and begun:
            yield Refusal(
                "a system message stands behind others, and the service wants it first",
                "say it in `system:`, or as the user",
            )
            return
        begun = begun or message.role != "system"


def _capped(request: Request) -> Iterator[Refusal]:
    if request.response_format in (None, "text"):
        return
    params = request.params
    if params.max_output_tokens is not None or "max_completion_tokens" in params.extra:
        yield Refusal(
            "response_format beside a limit of output tokens, which may cut the JSON short",
            "leave `max_output_tokens` out",
        )


def _ignored(request: Request, dialect: str) -> Iterator[Refusal]:
    extra = request.params.extra
    if dialect == "responses":
        for name in sorted(extra.keys() - _HEEDED):
            yield Refusal(
                f"dialect 'responses' is not known to heed {name!r}, though it may echo it",
                f"leave it out of `extra`, or {OVER_CHAT}",
            )
    elif dialect == "chat" and "incremental_output" in extra:
        yield Refusal(
            "dialect 'chat' does not know incremental_output: its streams are incremental",
            "leave it out of `extra`",
        )
