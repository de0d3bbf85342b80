"""What requests of several dialects have in common: parameters, messages, bodies."""

from __future__ import annotations

from qeval.exchange import Message, Params, Request, Wire
from qeval.value import Json, cleaned, to_json

_SAME = (
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "parallel_tool_calls",
)
"""Parameters that are called and valued alike on the wire."""


def wire(path: str, body: dict[str, Json], headers: tuple[tuple[str, str], ...] = ()) -> Wire:
    """Return the call with a body. A lone surrogate, which no UTF-8 can hold, is replaced."""
    try:
        encoded = to_json(body)
    except UnicodeEncodeError:  # from an escape in a suite or an earlier answer
        encoded = to_json(cleaned(body))
    if not headers:
        return Wire(path=path, body=encoded)
    return Wire(path=path, body=encoded, headers=(("content-type", "application/json"), *headers))


def instructions(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the system message that the responses endpoint is given apart from its input, if any.

    It is text, and something is asked after it; parts and a lone message have no other place than
    the input.
    """
    first = messages[:1]
    apart = len(messages) > 1 and first[0].role == "system" and isinstance(first[0].content, str)
    return first if apart else ()


def write_extra(body: dict[str, Json], extra: dict[str, Json]) -> None:
    """Write fields of the user's own over what was written; tools come after those of the case."""
    tools, more = body.get("tools"), extra.get("tools")
    body.update(extra)
    if isinstance(tools, list) and isinstance(more, list):
        body["tools"] = [*tools, *more]


STORED = ("x-dashscope-ossresourceresolve", "enable")
"""The header without which an `oss:` address is not looked up."""


def write_params(body: dict[str, Json], params: Params) -> None:
    """Write what chat has at the top level, and native calls have under `parameters`.

    `max_output_tokens` is `max_tokens`: every model honours it, whereas the newer
    `max_completion_tokens` is known to a few. Where a model does not count its thinking
    into `max_tokens`, only `extra: {max_completion_tokens: …}` caps both.
    """
    for name in _SAME:
        value = getattr(params, name)
        if value is not None:
            body[name] = value
    if params.max_output_tokens is not None:
        body["max_tokens"] = params.max_output_tokens
    if params.stop is not None:
        body["stop"] = params.stop
    if params.logprobs is not None:
        body.update(logprobs=True, top_logprobs=params.logprobs)
    if params.n != 1:
        body["n"] = params.n
    _write_switches(body, params)


def _write_switches(body: dict[str, Json], params: Params) -> None:
    """Write what has several forms in our words: thinking, choice of tool, search."""
    thinking = params.thinking
    if thinking is not None:
        body["enable_thinking"] = thinking is not False
        if isinstance(thinking, str):
            body["reasoning_effort"] = thinking
        elif not isinstance(thinking, bool):
            body["thinking_budget"] = thinking
    choice = params.tool_choice
    if choice is not None:
        named = choice not in {"auto", "none", "required"}
        body["tool_choice"] = (
            {"type": "function", "function": {"name": choice}} if named else choice
        )
    if params.search is not None:
        body["enable_search"] = params.search is not False
        if isinstance(params.search, dict):
            body["search_options"] = params.search


def write_wanted(body: dict[str, Json], request: Request) -> None:
    """Write the form that the answer is to have, and the tools."""
    wanted = request.response_format
    if wanted == "json":
        body["response_format"] = {"type": "json_object"}
    elif isinstance(wanted, dict):
        schema = {
            "name": wanted.get("name", "answer"),
            "schema": wanted["schema"],
            "strict": wanted.get("strict", True),
        }
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.tools:
        body["tools"] = [{"type": "function", "function": tool} for tool in request.tools]


def write_message(message: Message, content: Json) -> dict[str, Json]:
    """Return a message around its content."""
    written: dict[str, Json] = {"role": message.role, "content": content}
    if message.reasoning is not None:
        written["reasoning_content"] = message.reasoning
    if message.tool_calls:
        written["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        written["tool_call_id"] = message.tool_call_id
    if message.partial:
        written["partial"] = True
    return written
