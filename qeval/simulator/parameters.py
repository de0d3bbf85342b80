"""The parameters that chat and native requests share: checked as the service does, and read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from qeval import models
from qeval.exchange import Message
from qeval.simulator.refusals import Refusal, invalid
from qeval.value import Json

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Degrees of thinking that one dialect or another knows."""

_RANGES: dict[str, tuple[float, float, str]] = {
    "top_k": (0, 2**31 - 1, "Range of top_k should be greater than or equal to 0"),
    "presence_penalty": (-2, 2, "Range of presence_penalty should be [-2.0, 2.0]"),
    "n": (1, 4, "Range of n should be [1, 4]"),
    "seed": (0, 2**63 - 1, "Range of seed should be [0, 9223372036854775807]"),
    "max_tokens": (1, 65_536, "Range of max_tokens should be [1, 65536]"),
    "max_completion_tokens": (1, 65_536, "Range of max_completion_tokens should be [1, 65536]"),
    "top_logprobs": (0, 5, "Range of top_logprobs should be [0, 5]"),
    "thinking_budget": (1, 2**31 - 1, "The thinking_budget parameter must be a positive integer"),
}
_WHOLE = frozenset(
    {"top_k", "n", "seed", "max_tokens", "max_completion_tokens"}
    | {"top_logprobs", "thinking_budget"}
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_ranges(sent: Mapping[str, Any]) -> None:
    """Refuse numbers out of range. Open ends are tested apart from the closed ones.

    Raises:
        Refusal: One is.
    """
    temperature = _number(sent, "temperature")
    if temperature is not None and not 0 <= temperature < 2:
        raise invalid("Temperature should be in [0.0, 2.0)")
    top_p = _number(sent, "top_p")
    if top_p is not None and not 0 < top_p <= 1:
        raise invalid("Range of top_p should be (0.0, 1.0]")
    repetition = _number(sent, "repetition_penalty")
    if repetition is not None and repetition <= 0:
        raise invalid("Repetition_penalty should be greater than 0.0")
    for key, (least, most, message) in _RANGES.items():
        value = _number(sent, key)
        if value is not None and not least <= value <= most:
            raise invalid(message)


def model_of(sent: Mapping[str, Any]) -> str:
    """Return the model that is asked.

    Raises:
        Refusal: None is.
    """
    model = sent.get("model")
    if not isinstance(model, str) or not model:
        raise Refusal("you must provide a model parameter")
    return model


def read_parameters(
    sent: Mapping[str, Any], model: str, messages: tuple[Message, ...], *, stream: bool
) -> dict[str, Any]:
    """Return the fields of an `Ask` that the parameters fill.

    Args:
        sent: The parameters, within their ranges.
        model: The model's name.
        messages: What is asked.
        stream: Whether the answer is to be streamed.

    Raises:
        Refusal: The service would not take them together.
    """
    fields: dict[str, Any] = {
        "temperature": float(_or(sent.get("temperature"), 1)),
        "top_p": float(_or(sent.get("top_p"), 1)),
        "max_output_tokens": _or(sent.get("max_completion_tokens"), sent.get("max_tokens")),
        "all_limited": sent.get("max_completion_tokens") is not None,
        "seed": sent.get("seed"),
        "stop": _stop(sent.get("stop")),
        "n": _or(sent.get("n"), 1),
        "parallel": sent.get("parallel_tool_calls") is True,
        "high_resolution": sent.get("vl_high_resolution_images") is True,
        "tools": _tools(sent.get("tools")),
        **_thinking(sent, model, stream=stream),
    }
    if sent.get("logprobs") is True:
        fields["logprobs"] = _or(sent.get("top_logprobs"), 0)
    fields["tool_choice"] = _choice(sent.get("tool_choice"), thinking=fields["thinking"])
    fields["response_format"] = _format(sent.get("response_format"), messages)
    _check_together(fields, messages)
    return fields


def _check_together(fields: Mapping[str, Any], messages: tuple[Message, ...]) -> None:
    thinks = fields["thinking"]
    if thinks and fields["response_format"] is not None:
        raise invalid("Json mode response is not supported when enable_thinking is true")
    if thinks and messages[-1].partial:
        raise invalid("partial mode is not supported when enable_thinking is true")
    if fields["n"] > 1 and thinks:
        raise invalid("Range of n should be [1, 1] when enable_thinking is true")
    if fields["n"] > 1 and fields["tools"]:
        raise invalid("Range of n should be [1, 1] when tools are given")


def _thinking(sent: Mapping[str, Any], model: str, *, stream: bool) -> dict[str, Any]:
    known = models.find(model)
    said, effort = sent.get("enable_thinking"), sent.get("reasoning_effort")
    budget = sent.get("thinking_budget")
    if effort is not None and effort not in EFFORTS:
        raise invalid(f"reasoning effort {effort!r} is none of {', '.join(EFFORTS)}")
    if effort is not None and budget is not None:
        raise invalid("reasoning_effort and thinking_budget cannot be set together")
    thinks = bool(known and known.thinking) if said is None else said is True
    if effort is not None:
        thinks = effort != "none"
    if known is not None and known.fixed:
        if known.thinking and not thinks:
            raise invalid("The value of the enable_thinking parameter is restricted to True.")
        thinks = known.thinking is True
    if known is not None and not stream:
        _check_stream_only(known, thinks=thinks)
    return {"thinking": thinks, "thinking_budget": budget, "effort": effort}


def _check_stream_only(known: models.Model, *, thinks: bool) -> None:
    if known.stream_only == "always":
        raise invalid(
            "This model only support stream mode, please enable the stream parameter to access "
            "the model."
        )
    if known.stream_only == "thinking" and thinks:
        raise invalid("parameter.enable_thinking must be set to false for non-streaming calls")


def _tools(sent: Any) -> tuple[dict[str, Json], ...]:
    if sent is None:
        return ()
    if not isinstance(sent, list) or not sent:
        raise Refusal("[] is too short - 'tools'")
    return tuple(_tool(tool, index) for index, tool in enumerate(sent))


def _tool(sent: Any, index: int) -> dict[str, Json]:
    function = sent.get("function") if isinstance(sent, dict) else None
    if not isinstance(function, dict):
        raise Refusal(f"'function' is a required property - 'tools.{index}'")
    name = function.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise invalid(
            f"tools.[{index}].function.name {name!r} must be 1 to 64 letters, digits, '_' or '-'"
        )
    if name == "search":
        raise invalid("Tool names are not allowed to be [search]")
    parameters = function.get("parameters")
    if not isinstance(parameters, dict | None):
        raise Refusal(
            f"{parameters!r} is not of type 'object' - 'tools.{index}.function.parameters'"
        )
    return function


def _choice(sent: Any, *, thinking: bool) -> str:
    """Return `auto`, `none`, `required`, or the name of the one tool that is to be called."""
    choice = _or(sent, "auto")
    if isinstance(choice, dict):
        function = choice.get("function")
        choice = function.get("name") if isinstance(function, dict) else choice.get("name")
    if not isinstance(choice, str):
        raise invalid("tool_choice is one of the strings that should be [none, auto, required]")
    if thinking and choice not in {"auto", "none"}:
        raise invalid(
            "The tool_choice parameter does not support being set to required or object in "
            "thinking mode"
        )
    return choice


def _format(sent: Any, messages: tuple[Message, ...]) -> Any:
    kind = sent.get("type") if isinstance(sent, dict) else None
    if kind == "json_object":
        if not any("json" in message.text.casefold() for message in messages):
            raise invalid(
                "'messages' must contain the word 'json' in some form, to use "
                "'response_format' of type 'json_object'."
            )
        return "json"
    if kind != "json_schema":
        return None
    inner = sent.get("json_schema")
    if not isinstance(inner, dict) or not isinstance(inner.get("schema"), dict):
        raise invalid("'response_format.json_schema' must have a 'name' and a 'schema'")
    return {"name": inner.get("name"), "schema": inner["schema"]}


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _number(sent: Mapping[str, Any], key: str) -> float | None:
    value = sent.get(key)
    if value is None:
        return None
    wanted = (int,) if key in _WHOLE else (int, float)
    if not isinstance(value, wanted) or isinstance(value, bool):
        kind = "integer" if key in _WHOLE else "number"
        raise Refusal(f"{value!r} is not of type '{kind}' - '{key}'")
    return value


def _stop(sent: Any) -> tuple[str, ...]:
    if sent is None:
        return ()
    stops = (sent,) if isinstance(sent, str) else sent
    if not isinstance(stops, list | tuple) or not all(isinstance(stop, str) for stop in stops):
        raise Refusal("the simulator knows stop only as a string or a list of strings")
    return tuple(stop for stop in stops if stop)
