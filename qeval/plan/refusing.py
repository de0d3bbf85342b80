"""What cannot work at the endpoint, told before anything is sent (suites.md section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from qeval.dialects import media
from qeval.dialects.doubts import doubts, has_address, unheeded
from qeval.dialects.refusals import Refusal, refusals
from qeval.dialects.service import STUDIO, endpoint
from qeval.exchange import Params, Request
from qeval.models import Model
from qeval.plan.media import oversized
from qeval.plan.targets import Asked
from qeval.plan.values import PlannedGroup

_ANYWHERE = frozenset({"user", "assistant"})
"""Roles that mean nothing for the order of messages."""


class Fault(NamedTuple):
    """A mistake (or, with `only_told`, a warning) about a group."""

    message: str
    hint: str | None
    only_told: bool = False


def faults(group: PlannedGroup, asked: Asked) -> Iterator[Fault]:
    """Yield what is wrong with asking a group of its target."""
    if group.target.python is not None:
        yield from _of_function(group, asked)
        return
    service = endpoint(group.target).source == STUDIO
    for refusal in dict.fromkeys(_refusals(group, asked, service=service)):
        yield Fault(f"target {asked.id!r}: {refusal.fact}", refusal.hint)
    for refusal in dict.fromkeys(oversized(_whole(group))):
        fact = f"target {asked.id!r}: {refusal.fact}"
        yield Fault(fact, refusal.hint, only_told=not service)
    if group.trials % group.params.n:
        yield Fault(
            f"{group.trials} trials are no multiple of n {group.params.n}",
            "set `trials:` to a multiple, or `n: 1`",
        )
    if _has_several_sides(group):
        yield Fault(
            f"n {group.params.n} does not go with turns: the next one can answer one answer alone",
            "set `n: 1` and ask more `trials`",
        )
    for whose, doubt in _doubts(group, asked, service=service):
        yield Fault(f"{whose}: {doubt.fact}", doubt.hint, only_told=True)


def _whole(group: PlannedGroup) -> Request:
    """Return the request with all that the user will say."""
    request = group.request(0)
    if len(group.case.script.turns) > 1:
        return msgspec.structs.replace(request, messages=group.case.script.said)
    return request


def _of_function(group: PlannedGroup, asked: Asked) -> Iterator[Fault]:
    if group.params.n > 1:
        yield Fault(
            f"target {asked.id!r}: a function gives one answer, and n is {group.params.n}",
            "leave `n` out, and set `trials:`",
        )


def _has_several_sides(group: PlannedGroup) -> bool:
    """Whether several answers are asked for where the conversation goes on from one."""
    return group.params.n > 1 and len(group.case.script.turns) > 1


def is_plain(group: PlannedGroup) -> bool:
    """Whether the messages of a group are text without addresses, of which nothing is asked."""
    script = group.case.script
    if script.tools or group.response_format is not None or _has_several_sides(group):
        return False
    messages = script.said if script.turns else script.messages
    for place, message in enumerate(messages):
        content = message.content
        if type(content) is not str or message.partial or has_address(content):
            return False
        if message.role not in _ANYWHERE and (place or message.role != "system"):
            return False
    return True


def _refusals(group: PlannedGroup, asked: Asked, *, service: bool) -> Iterator[Refusal]:
    """Yield why the first request cannot work, or the one with all that the user says."""
    request = group.request(0)
    dialect = group.target.dialect or "chat"
    model = asked.model if service else None
    thinks = model.thinking if model is not None and model.fixed else None
    requests = [request]
    if len(group.case.script.turns) > 1:
        requests.append(msgspec.structs.replace(request, messages=group.case.script.said))
    for one in requests:
        if model is not None:
            yield from _routed(model, dialect, one)
        yield from refusals(one, dialect, service=service, thinks=thinks)


def _doubts(group: PlannedGroup, asked: Asked, *, service: bool) -> Iterator[tuple[str, Refusal]]:
    """Yield what is doubtful, and of whom: parameters are the same for every row of a case."""
    request = group.request(0)
    dialect = group.target.dialect or "chat"
    if service:
        if asked.model is not None:
            for doubt in _unswitched(asked.model, request.params):
                yield f"target {asked.id!r}", doubt
        for doubt in unheeded(request, dialect):
            yield f"target {asked.id!r}", doubt
    later = tuple(turn.message for turn in group.case.script.turns[1:])
    for doubt in doubts(request, dialect, service=service, later=later):
        yield f"case {group.case.id!r}", doubt


def _routed(model: Model, dialect: str, request: Request) -> Iterator[Refusal]:
    """Yield why a model is not to be had over a dialect, or not in this way."""
    if model.dialects and dialect not in model.dialects:
        spoken = " or ".join(repr(name) for name in reversed(model.dialects))
        yield Refusal(
            f"model {model.name!r} does not speak {dialect!r}",
            f"set the target's `dialect:` to {spoken}",
        )
    elif _reads_text_alone(model) and any(map(media.addresses, media.parts(request))):
        yield Refusal(
            f"model {model.name!r} takes text alone, no image, video or audio",
            "ask a model that takes them, such as qwen3-vl-plus",
        )
    if model.fixed and model.thinking and request.params.thinking is False:
        yield Refusal(
            f"model {model.name!r} always thinks", "leave `thinking` out, or ask another model"
        )
    if not request.params.stream:
        yield from _unstreamed(model, request.params)


def _reads_text_alone(model: Model) -> bool:
    """Whether a model is served by the native text service, and by that alone."""
    return "dashscope-text" in model.dialects and "dashscope-multimodal" not in model.dialects


def _unstreamed(model: Model, params: Params) -> Iterator[Refusal]:
    stream = "set `params: {stream: true}`"
    if model.stream_only == "always":
        yield Refusal(f"model {model.name!r} only streams", stream)
    elif model.stream_only == "thinking" and params.thinking not in (None, False):
        yield Refusal(
            f"model {model.name!r} only streams while it thinks",
            stream if model.fixed else f"{stream}, or `thinking: off`",
        )


def _unswitched(model: Model, params: Params) -> Iterator[Refusal]:
    """Doubt that a model can be made to think; what the service answers is documented nowhere."""
    if model.fixed and model.thinking is False and params.thinking not in (None, False):
        yield Refusal(
            f"model {model.name!r} never thinks, whatever `thinking` says",
            "leave `thinking` out, or ask another model",
        )
