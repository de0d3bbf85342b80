"""What cannot work at the endpoint, told before anything is sent (suites.md section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from qeval.dialects.refusals import Refusal, doubts, refusals
from qeval.exchange import Request
from qeval.models import Model
from qeval.plan.targets import Asked
from qeval.plan.values import PlannedGroup


class Fault(NamedTuple):
    """A mistake (or, with `only_told`, a warning) about a group."""

    message: str
    hint: str | None
    only_told: bool = False


def faults(group: PlannedGroup, asked: Asked) -> Iterator[Fault]:
    """Yield what is wrong with asking a group of its target."""
    request = group.request(0)
    dialect = group.target.dialect or "chat"
    service = group.target.base_url is None
    for refusal in _all(request, dialect, asked, service=service):
        yield Fault(f"target {asked.id!r}: {refusal.fact}", refusal.hint)
    if group.trials % group.params.n:
        yield Fault(
            f"{group.trials} trials are no multiple of n {group.params.n}",
            "set `trials:` to a multiple, or `n: 1`",
        )
    for doubt in doubts(request, dialect):
        yield Fault(f"case {group.case.id!r}: {doubt.fact}", doubt.hint, only_told=True)


def is_plain(group: PlannedGroup) -> bool:
    """Whether the messages of a group are text without addresses, of which nothing is asked."""
    if group.case.script.tools or group.response_format is not None:
        return False
    return all(
        type(message.content) is str and not message.partial and "://" not in message.content
        for message in group.case.messages
    )


def _all(request: Request, dialect: str, asked: Asked, *, service: bool) -> Iterator[Refusal]:
    if service and asked.model is not None:
        yield from _routed(asked.model, dialect, request)
    yield from refusals(request, dialect, service=service)


def _routed(model: Model, dialect: str, request: Request) -> Iterator[Refusal]:
    """Yield why a model is not to be had over a dialect, or not in this way."""
    if model.dialects and dialect not in model.dialects:
        spoken = " or ".join(repr(name) for name in reversed(model.dialects))
        yield Refusal(
            f"model {model.name!r} does not speak {dialect!r}",
            f"set the target's `dialect:` to {spoken}",
        )
    params = request.params
    thinks = params.thinking not in (None, False)
    if params.stream:
        return
    if model.stream_only == "always":
        yield Refusal(f"model {model.name!r} only streams", "set `params: {stream: true}`")
    elif model.stream_only == "thinking" and thinks:
        yield Refusal(
            f"model {model.name!r} only streams while it thinks",
            "set `params: {stream: true}`, or `thinking: off`",
        )
