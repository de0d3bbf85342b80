"""What a callable target is asked and may return (suites.md section 3), in JSON.

No endpoint speaks it: it is how a question reaches a Python function by the way that all others
take, so that trials of both are kept, judged and compared alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from qeval.errors import ResponseError, suggestion
from qeval.exchange import Answer, CallableRequest, Request, Response, Usage, Wire
from qeval.value import Json, cleaned, to_json

NAME = "python"
_REQUEST = msgspec.json.Decoder(CallableRequest)
_RESPONSE = msgspec.json.Decoder(Response)


class Calling:
    """Requests as they are, and answers as `told` writes them."""

    name = NAME

    def write(self, request: Request) -> Wire:
        """Return the request's own fields; those at their default are left out."""
        return Wire(path="", body=to_json(request))

    def read(self, answer: Answer, marks: list[int] | None = None) -> Response:  # noqa: ARG002
        """Return the response that `told` wrote; a function's answer does not stream."""
        return _RESPONSE.decode(answer.body)


CALLING = Calling()


def asked(wire: Wire, trial: int) -> CallableRequest:
    """Return what a function is called with."""
    return msgspec.structs.replace(_REQUEST.decode(wire.body), trial=trial)


def told(result: Json, name: str) -> bytes:
    """Return what a function returned as the body of an answer.

    Args:
        result: A text, a `Response`, or a dict of its fields, in which None is as good as absent,
            a tool call may lack its id, and its arguments may be a dict.
        name: The target's, for messages.

    Raises:
        ResponseError: It is none of these.
    """
    if isinstance(result, str):
        fields: Mapping[str, Json] = {"text": result}
    elif isinstance(result, Response):
        fields = msgspec.structs.asdict(result)
    elif isinstance(result, Mapping):
        fields = result
    else:
        kind = "nothing" if result is None else f"an object of type {type(result).__name__}"
        raise ResponseError(
            f"{name} returned {kind}",
            hint="return a text, a dict such as `{'text': …}`, or a `qeval.Response`",
        )
    try:
        fields = _fields(fields, name)
        plain = cleaned(msgspec.to_builtins(fields, str_keys=True))
        response = msgspec.convert(plain, Response)
        body = to_json(response)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
        raise ResponseError(f"{name} returned what is no response: {error}") from None
    for field, count in msgspec.structs.asdict(response.usage).items():
        if count is not None and count < 0:
            raise ResponseError(f"{name} returned a usage with {count} {field}")
    return body


def _fields(result: Mapping[Json, Json], name: str) -> dict[str, Json]:
    fields = _known(result, Response, f"{name} returned")
    if isinstance(calls := fields.get("tool_calls"), list | tuple):
        fields["tool_calls"] = [_call(call, number) for number, call in enumerate(calls, 1)]
    if isinstance(usage := fields.get("usage"), Mapping):
        fields["usage"] = _known(usage, Usage, f"{name} returned a usage with")
    return fields


def _known(table: Mapping[Json, Json], kind: type[msgspec.Struct], whose: str) -> dict[str, Json]:
    """Return what a dict says, which must all be known: a misspelt field would be lost."""
    names = kind.__struct_fields__
    for key in table:
        if key not in names:
            hint = suggestion("field", str(key), names)
            raise ResponseError(f"{whose} an unknown field {str(key)[:60]!r}", hint=hint)
    return {key: value for key, value in table.items() if value is not None}


def _call(call: Json, number: int) -> Json:
    if not isinstance(call, Mapping):
        return call
    arguments = call.get("arguments", "{}")
    if not isinstance(arguments, str):
        arguments = to_json(cleaned(msgspec.to_builtins(arguments, str_keys=True))).decode()
    return {"id": f"call-{number}", **call, "arguments": arguments}
