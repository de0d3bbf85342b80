"""The chat dialect from the server's side: request body → Ask, answer → response body.

The wording of errors follows what the service says (wire.md sections 2.1 and 6), since clients
match on it.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from qeval.exchange import Message
from qeval.value import Json, Value

INVALID = "invalid_parameter_error"
_PREFIX = "<400> InternalError.Algo.InvalidParameter: "

STATUS = {
    INVALID: 400,
    "data_inspection_failed": 400,
    "Arrearage": 400,
    "invalid_api_key": 401,
    "access_denied": 403,
    "model_not_found": 404,
    "limit_requests": 429,
    "limit_burst_rate": 429,
    "insufficient_quota": 429,
    "ServiceUnavailable": 503,
    "ModelServingError": 503,
    "RequestTimeOut": 500,
    "InternalError": 500,
    "GatewayTimeout": 504,
}
"""The HTTP status that an error code comes with."""

CODES = {
    400: INVALID,
    401: "invalid_api_key",
    403: "access_denied",
    404: "model_not_found",
    429: "limit_requests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
"""The error code that an HTTP status usually carries."""


class Ask(Value):
    """A request as the simulator understands it, whatever the dialect.

    Where nothing is sent temperature and top_p are 1, so that replies come by their weights.
    """

    model: str
    messages: tuple[Message, ...]
    temperature: float = 1.0
    top_p: float = 1.0
    max_output_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        """The text of the last user message, or ''."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")


class Said(Value):
    """An answer as the simulator gives it, whatever the dialect."""

    text: str
    finish_reason: str
    input_tokens: int
    output_tokens: int
    identity: str
    """32 hex digits, the same for the same draw."""
    created: int
    """Seconds since 1970; made up from the identity, no clock is read."""


class Refusal(Exception):  # noqa: N818 - an answer of the server, not a failure of the program
    """The request is answered with an error."""

    def __init__(self, message: str, *, status: int = 400, code: str = INVALID) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code


def read(body: bytes) -> Ask:
    """Understand a request body.

    Raises:
        Refusal: The service would refuse it, or this version of the simulator cannot do it.
    """
    try:
        sent = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise Refusal("Required body invalid, please check the request body format.")
    _refuse_unsupported(sent)
    _check_ranges(sent)
    model = sent.get("model")
    if not isinstance(model, str) or not model:
        raise Refusal("you must provide a model parameter")
    messages = _messages(sent.get("messages"))
    _check_json_mode(sent, messages)
    return Ask(
        model=model,
        messages=messages,
        temperature=float(_or(sent.get("temperature"), 1)),
        top_p=float(_or(sent.get("top_p"), 1)),
        max_output_tokens=_or(sent.get("max_completion_tokens"), sent.get("max_tokens")),
        seed=sent.get("seed"),
        stop=_stop(sent.get("stop")),
    )


def write(said: Said, model: str) -> bytes:
    """Return the body of a whole answer."""
    body = {
        "choices": [
            {
                "finish_reason": said.finish_reason,
                "index": 0,
                "logprobs": None,
                "message": {"role": "assistant", "content": said.text},
            }
        ],
        "object": "chat.completion",
        "usage": {
            "prompt_tokens": said.input_tokens,
            "completion_tokens": said.output_tokens,
            "total_tokens": said.input_tokens + said.output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
        "created": said.created,
        "system_fingerprint": None,
        "model": model,
        "id": f"chatcmpl-{said.identity}",
    }
    return _encode(body)


def write_error(code: str, message: str, identity: str) -> bytes:
    """Return the body of an error: the nested envelope."""
    kind = "invalid_request_error" if code == INVALID else code
    error = {"message": message, "type": kind, "param": None, "code": code}
    return _encode({"error": error, "id": f"chatcmpl-{identity}", "request_id": identity})


def _encode(body: Json) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # a lone surrogate; JSON can still escape it
        return json.dumps(body, separators=(",", ":")).encode()


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


_RANGES: dict[str, tuple[float, float, str]] = {
    "top_k": (0, 2**31 - 1, "Range of top_k should be greater than or equal to 0"),
    "presence_penalty": (-2, 2, "Range of presence_penalty should be [-2.0, 2.0]"),
    "n": (1, 4, "Range of n should be [1, 4]"),
    "seed": (0, 2**63 - 1, "Range of seed should be [0, 9223372036854775807]"),
    "max_tokens": (1, 65_536, "Range of max_tokens should be [1, 65536]"),
    "max_completion_tokens": (1, 65_536, "Range of max_completion_tokens should be [1, 65536]"),
}
_WHOLE = {"top_k", "n", "seed", "max_tokens", "max_completion_tokens"}


def _check_ranges(sent: dict[str, Any]) -> None:
    """Refuse numbers out of range. Open ends are tested apart from the closed ones."""
    temperature = _number(sent, "temperature")
    if temperature is not None and not 0 <= temperature < 2:
        raise Refusal(f"{_PREFIX}Temperature should be in [0.0, 2.0)")
    top_p = _number(sent, "top_p")
    if top_p is not None and not 0 < top_p <= 1:
        raise Refusal(f"{_PREFIX}Range of top_p should be (0.0, 1.0]")
    repetition = _number(sent, "repetition_penalty")
    if repetition is not None and repetition <= 0:
        raise Refusal(f"{_PREFIX}Repetition_penalty should be greater than 0.0")
    for key, (least, most, message) in _RANGES.items():
        value = _number(sent, key)
        if value is not None and not least <= value <= most:
            raise Refusal(_PREFIX + message)


def _number(sent: dict[str, Any], key: str) -> float | None:
    value = sent.get(key)
    if value is None:
        return None
    wanted = (int,) if key in _WHOLE else (int, float)
    if not isinstance(value, wanted) or isinstance(value, bool):
        kind = "integer" if key in _WHOLE else "number"
        raise Refusal(f"{value!r} is not of type '{kind}' - '{key}'")
    return value


_NOT_YET = {
    "stream": "streaming",
    "tools": "tools",
    "logprobs": "logprobs",
    "enable_thinking": "thinking",
    "enable_search": "search",
}


def _refuse_unsupported(sent: dict[str, Any]) -> None:
    for key, what in _NOT_YET.items():
        if sent.get(key):
            raise Refusal(f"{what} is not in this version of the simulator: leave '{key}' out")
    if isinstance(sent.get("n"), int) and 1 < sent["n"] <= 4:
        raise Refusal("more than one choice is not in this version of the simulator: send 'n': 1")


def _check_json_mode(sent: dict[str, Any], messages: tuple[Message, ...]) -> None:
    form = sent.get("response_format")
    if not isinstance(form, dict) or form.get("type") != "json_object":
        return
    if not any("json" in message.text.casefold() for message in messages):
        raise Refusal(
            f"{_PREFIX}'messages' must contain the word 'json' in some form, to use "
            "'response_format' of type 'json_object'."
        )


def _messages(sent: Any) -> tuple[Message, ...]:
    if not isinstance(sent, list):
        raise Refusal("you must provide a messages parameter")
    if not sent:
        raise Refusal("[] is too short - 'messages'")
    return tuple(_message(message, index) for index, message in enumerate(sent))


def _message(sent: Any, index: int) -> Message:
    role = sent.get("role") if isinstance(sent, dict) else None
    if not isinstance(role, str) or role not in {"system", "user", "assistant", "tool"}:
        known = "['system', 'assistant', 'user', 'tool']"
        raise Refusal(f"{role!r} is not one of {known} - 'messages.{index}.role'")
    return Message(role=role, content=_content(sent.get("content"), index))


def _content(sent: Any, index: int) -> str:
    if isinstance(sent, str) or sent is None:
        return sent or ""
    if not isinstance(sent, list):
        raise Refusal(f"Invalid type for 'messages.[{index}].content': a string or a list of parts")
    texts = [part.get("text") for part in sent if _is_text(part)]
    if len(texts) < len(sent):
        raise Refusal(
            "parts other than text are not in this version of the simulator "
            f"- 'messages.[{index}].content'"
        )
    return "".join(texts)


def _is_text(part: Any) -> bool:
    return (
        isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
    )


def _stop(sent: Any) -> tuple[str, ...]:
    if sent is None:
        return ()
    stops = (sent,) if isinstance(sent, str) else sent
    if not isinstance(stops, (list, tuple)) or not all(isinstance(stop, str) for stop in stops):
        raise Refusal("stop wants a string or a list of strings in this version of the simulator")
    return tuple(stop for stop in stops if stop)
