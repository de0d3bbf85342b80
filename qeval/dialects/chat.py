"""The chat dialect: OpenAI-compatible chat completions with the vendor's extensions.

This version sends text and reads whole answers; streams and media are refused in `write`.
"""

from __future__ import annotations

from qeval.dialects.base import DIALECTS
from qeval.dialects.errors import check, decode, envelope, first_bytes, status_error
from qeval.errors import ResponseError, UsageError
from qeval.exchange import Answer, Message, Params, Part, Request, Response, ToolCall, Usage, Wire
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

_TOP = frozenset({"id", "object", "created", "model", "choices", "usage", "request_id"})
_CHOICE = frozenset({"index", "finish_reason", "message"})
_MESSAGE = frozenset({"role", "content", "reasoning_content", "tool_calls"})
_USAGE = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    }
)
_DETAILS = frozenset(
    {"cached_tokens", "image_tokens", "video_tokens", "audio_tokens", "reasoning_tokens"}
)


class Chat:
    """`POST /chat/completions`."""

    name = "chat"

    def write(self, request: Request) -> Wire:
        """Return the call. Parameters that are None are left to the endpoint's defaults.

        `max_output_tokens` is sent as `max_tokens`: every model honours it, whereas the newer
        `max_completion_tokens` is known to a few. Where a model does not count its thinking
        into `max_tokens`, only `extra: {max_completion_tokens: …}` caps both.

        Raises:
            UsageError: The request streams or shows media.
        """
        body: dict[str, Json] = {
            "model": request.model,
            "messages": [_message(message) for message in request.messages],
        }
        _write_params(body, request.params)
        if request.response_format is not None:
            _write_format(body, request.response_format)
        if request.tools:
            body["tools"] = [{"type": "function", "function": tool} for tool in request.tools]
        body.update(request.params.extra)
        return Wire(path="/chat/completions", body=_encode(body))

    def read(self, answer: Answer) -> Response:
        """Return what the first choice says; other choices are kept in `extra`.

        Raises:
            StatusError: An error, by status or inside a 2xx body.
            ResponseError: No JSON, or not the shape of a completion.
            TransportError: The body was cut.
        """
        check(answer)
        document = decode(answer.body)
        if not isinstance(document, dict):
            raise _misshapen("is not a JSON object", answer)
        choices = document.get("choices")
        if document.get("error") or (document.get("code") and not choices):
            raise status_error(envelope(document), answer)
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise _misshapen("has no choices", answer)
        message = choices[0].get("message")
        if not isinstance(message, dict):
            raise _misshapen("has no message", answer)
        finish = _finish(choices[0].get("finish_reason"))
        return Response(
            text=_content(message.get("content"), answer),
            reasoning=_text(message.get("reasoning_content")),
            tool_calls=_tool_calls(message.get("tool_calls"), answer),
            finish_reason=finish,
            usage=_usage(document.get("usage")),
            model=_text(document.get("model")),
            id=_text(document.get("id")),
            truncated=finish == "length" or _partial(answer),
            extra=_extra(document, choices, message),
        )


def _encode(body: dict[str, Json]) -> bytes:
    try:
        return to_json(body)
    except UnicodeEncodeError:  # a lone surrogate, from an escape in a suite or an earlier answer
        return to_json(cleaned(body))


def _message(message: Message) -> dict[str, Json]:
    content = message.content
    written: dict[str, Json] = {
        "role": message.role,
        "content": content if isinstance(content, str) else [_part(part) for part in content],
    }
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


def _part(part: Part) -> dict[str, Json]:
    if part.text is None:
        raise UsageError("pictures, video and audio are not in this version")
    written: dict[str, Json] = {"type": "text", "text": part.text}
    if part.cache:
        written["cache_control"] = {"type": "ephemeral"}
    return written


def _write_params(body: dict[str, Json], params: Params) -> None:
    if params.stream:
        raise UsageError("streaming is not in this version", hint="leave `stream` out")
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


def _write_format(body: dict[str, Json], wanted: str | dict[str, Json]) -> None:
    if wanted == "json":
        body["response_format"] = {"type": "json_object"}
    elif isinstance(wanted, dict):
        schema = {
            "name": wanted.get("name", "answer"),
            "schema": wanted["schema"],
            "strict": wanted.get("strict", True),
        }
        body["response_format"] = {"type": "json_schema", "json_schema": schema}


def _misshapen(what: str, answer: Answer) -> ResponseError:
    return ResponseError(f"the answer {what}; it begins {first_bytes(answer.body)}")


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _finish(value: Json) -> str | None:
    """Return the reason; some gateways write a missing one as the text `null`."""
    return None if value == "null" else _text(value)


def _partial(answer: Answer) -> bool:
    """Whether the endpoint ran out of time and sent what it had, as if it were whole."""
    return (answer.header("x-dashscope-partialresponse") or "").lower() == "true"


def _content(value: Json, answer: Answer) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(part, dict) for part in value):
        return "".join(_text(part.get("text")) or "" for part in value)
    raise _misshapen("has a content that is not text", answer)


def _tool_calls(value: Json, answer: Answer) -> tuple[ToolCall, ...]:
    if not value:
        return ()
    if not isinstance(value, list):
        raise _misshapen("has tool calls that are not a list", answer)
    return tuple(_tool_call(call, answer) for call in value)


def _tool_call(call: Json, answer: Answer) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _misshapen("has a tool call without a function", answer)
    arguments = function.get("arguments")
    if not isinstance(arguments, str):  # some servers send the object itself
        arguments = "" if arguments is None else to_json(arguments).decode()
    return ToolCall(id=_text(call.get("id")) or "", name=function["name"], arguments=arguments)


def _usage(value: Json) -> Usage:
    if not isinstance(value, dict):
        return Usage()
    inputs = _details(value, "prompt_tokens_details")
    outputs = _details(value, "completion_tokens_details")
    return Usage(
        input_tokens=_count(value.get("prompt_tokens")),
        output_tokens=_count(value.get("completion_tokens")),
        total_tokens=_count(value.get("total_tokens")),
        cached_input_tokens=_count(inputs.get("cached_tokens")),
        reasoning_tokens=_count(outputs.get("reasoning_tokens")),
        image_tokens=_count(inputs.get("image_tokens")),
        video_tokens=_count(inputs.get("video_tokens")),
        audio_tokens=_count(inputs.get("audio_tokens")),
    )


def _details(usage: dict[str, Json], name: str) -> dict[str, Json]:
    details = usage.get(name)
    return details if isinstance(details, dict) else {}


def _count(value: Json) -> int | None:
    """Return a count of tokens; what is no whole number ≥ 0 was not reported."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if good else None


def _extra(
    document: dict[str, Json], choices: list[Json], message: dict[str, Json]
) -> dict[str, Json]:
    """Collect what has no word of ours: by level, nulls and empty values left out."""
    extra = _rest(document, _TOP)
    usage = document.get("usage")
    levels = {
        "choice": _rest(choices[0], _CHOICE),
        "message": _rest(message, _MESSAGE),
        "choices": choices[1:],
        "usage": _unnamed(usage) if isinstance(usage, dict) else None,
    }
    for level, found in levels.items():
        if found:
            extra[level] = found
    return extra


def _unnamed(usage: dict[str, Json]) -> dict[str, Json]:
    """Return the parts of a usage that `Usage` has no field for."""
    found = _rest(usage, _USAGE)
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        details = _rest(_details(usage, name), _DETAILS)
        if details:
            found[name] = details
    return found


def _rest(mapping: dict[str, Json], known: frozenset[str]) -> dict[str, Json]:
    return {key: value for key, value in mapping.items() if value and key not in known}


CHAT = DIALECTS.register("chat")(Chat())
