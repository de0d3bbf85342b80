"""YAML nodes → Script: what may stand where, and within which limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from yaml.nodes import MappingNode, Node, ScalarNode

from qeval.errors import UsageError
from qeval.simulator.nodes import (
    Field,
    Reader,
    meant,
    number,
    one_of,
    pattern,
    plain,
    several,
    text,
    truth,
    whole,
)
from qeval.simulator.script import (
    Called,
    Fault,
    FaultKind,
    Limits,
    Quirk,
    Range,
    Reply,
    Rule,
    Script,
)
from qeval.value import Json

DIALECTS = ("chat", "dashscope-multimodal", "dashscope-text", "responses")
PARAMS = ("temperature", "top_p", "max_output_tokens", "seed", "thinking_budget")
"""Request parameters by which a rule can be narrowed."""


def load(path: Path) -> Script:
    """Read a script.

    Raises:
        UsageError: The file cannot be read, or holds mistakes; all of them are told.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8", hint="save the script as UTF-8") from None
    except OSError as error:
        raise UsageError(
            f"{path}: cannot read the script: {error.strerror}",
            hint="name a script: qeval simulate SCRIPT",
        ) from None
    return parse(content, str(path))


def parse(content: str, name: str = "script") -> Script:
    """Read a script from text; `name` is the file in messages.

    Raises:
        UsageError: There are mistakes; all of them are told.
    """
    script: Script = Reader(name).read(content, _script)
    return script


def _calls(reader: Reader, node: Node, key: str) -> tuple[Called, ...] | None:
    return several(reader, node, key, _call, "calls")


def _call(reader: Reader, node: Node, _key: str) -> Called | None:
    values = reader.mapping(node, "a call", _CALL, required=["name"])
    return Called(**values) if values and "name" in values else None


def _arguments(reader: Reader, node: Node, key: str) -> str | None:
    """Text as it is, so that it may be no JSON; a mapping as its JSON."""
    if isinstance(node, ScalarNode):
        return text(reader, node, key)
    if not isinstance(node, MappingNode):
        reader.wrong(node, key, "a mapping, or JSON as text")
        return None
    try:
        return json.dumps(plain(node), ensure_ascii=False)
    except RecursionError:
        reader.note(node, f"{key} holds itself")
        return None


def _reply(reader: Reader, node: Node, what: str) -> Reply | None:
    """A mapping, or the text alone."""
    if isinstance(node, ScalarNode):
        said = text(reader, node, what)
        return None if said is None else Reply(text=said)
    values = reader.mapping(node, "a reply", _REPLY)
    if values is None:
        return None
    if not {"text", "calls"} & meant(node, _REPLY):
        reader.note(node, "a reply has none of 'text', 'calls'")
    return Reply(**values)


def _json(reader: Reader, node: Node, key: str) -> dict[str, Json] | None:
    if not isinstance(node, MappingNode):
        reader.wrong(node, key, "a mapping")
        return None
    try:
        found: dict[str, Json] = plain(node)
    except RecursionError:
        reader.note(node, f"{key} holds itself")
        return None
    return found


def _annotations(reader: Reader, node: Node, key: str) -> tuple[dict[str, Json], ...] | None:
    return several(reader, node, key, _json)


def _replies(reader: Reader, node: Node, key: str) -> tuple[Reply, ...] | None:
    return several(reader, node, key, lambda r, n, _: _reply(r, n, "a reply"))


def _params(reader: Reader, node: Node, _key: str) -> dict[str, Range] | None:
    found = reader.mapping(node, "params", dict.fromkeys(PARAMS, _range))
    if found == {} and isinstance(node, MappingNode) and not node.value:
        reader.wrong(node, "params", f"some of {', '.join(PARAMS)}")
    return found


def _range(reader: Reader, node: Node, key: str) -> Range | None:
    """A number, or a mapping with `at_least` and `below`."""
    if isinstance(node, ScalarNode):
        value = _ANY_NUMBER(reader, node, key)
        return None if value is None else Range(equals=value)
    values = reader.mapping(node, key, {"at_least": _ANY_NUMBER, "below": _ANY_NUMBER})
    if values is None:
        return None
    if not meant(node, {"at_least": _ANY_NUMBER, "below": _ANY_NUMBER}):
        reader.wrong(node, key, "a number, or 'at_least', 'below', or both")
        return None
    low, high = values.get("at_least"), values.get("below")
    if low is not None and high is not None and low >= high:
        reader.note(node, f"{key} at_least {low:g} and below {high:g} leaves nothing")
    return Range(**values)


def _fault(reader: Reader, node: Node, _key: str) -> Fault | None:
    values = reader.mapping(node, "a fault", _FAULT)
    if values is None:
        return None
    if not {"status", "code", "kind"} & meant(node, _FAULT):
        reader.note(node, "a fault has none of 'status', 'code', 'kind'")
        return None
    if "kind" not in meant(node, _FAULT) and values.get("status", 400) < 400:
        reader.note(node, f"status {values['status']} is no error: ≥ 400 and ≤ 599")
        return None
    return Fault(**values)


def _rule(reader: Reader, node: Node, _key: str) -> Rule | None:
    values = reader.mapping(node, "a rule", _RULE, required=["match"])
    if values is None:
        return None
    keys = meant(node, _RULE)
    if {"reply", "replies"} <= keys:
        reader.note(node, "a rule has both 'reply' and 'replies'")
    if not {"reply", "replies", "fault"} & keys:
        reader.note(node, "a rule has none of 'reply', 'replies', 'fault'")
    reply = values.pop("reply", None)
    if reply:
        values["replies"] = (reply,)
    return Rule(**values) if "match" in values else None


def _quirks(reader: Reader, node: Node, key: str) -> tuple[str, ...] | None:
    read = one_of(get_args(Quirk))
    return several(reader, node, key, read)


def _limits(reader: Reader, node: Node, _key: str) -> Limits | None:
    values = reader.mapping(node, "limits", _LIMITS)
    if values is None:
        return None
    if not {"rpm", "tpm", "burst"} & meant(node, _LIMITS):
        reader.note(node, "limits has none of 'rpm', 'tpm', 'burst'")
        return None
    return Limits(**values)


def _script(reader: Reader, node: Node, _key: str) -> Script | None:
    values = reader.mapping(node, "a script", _SCRIPT, required=["rules"])
    return None if values is None or "rules" not in values else Script(**values)


def _rules(reader: Reader, node: Node, key: str) -> tuple[Rule, ...] | None:
    return several(reader, node, key, _rule)


_ANY_NUMBER = number(0, 2**63)
_SECONDS = number(0, 600, " s")
_CALL: dict[str, Field] = {"name": text, "arguments": _arguments}
_REPLY: dict[str, Field] = {
    "text": text,
    "weight": number(0, 1_000_000, above=True),
    "reasoning": text,
    "calls": _calls,
    "ocr": _json,
    "annotations": _annotations,
}
_FAULT: dict[str, Field] = {
    "status": whole(200, 599),
    "code": text,
    "message": text,
    "kind": one_of(get_args(FaultKind)),
    "times": whole(1, 1_000_000),
    "for_s": number(0, 3600, " s"),
    "retry_after_s": number(0, 3600, " s"),
    "after_chunks": whole(0, 1_000_000),
}
_RULE: dict[str, Field] = {
    "match": pattern,
    "model": text,
    "dialect": one_of(DIALECTS),
    "params": _params,
    "after_tool": text,
    "replies": _replies,
    "reply": _reply,
    "latency_s": _SECONDS,
    "first_s": _SECONDS,
    "chunk_s": _SECONDS,
    "quirks": _quirks,
    "fault": _fault,
}
_LIMITS: dict[str, Field] = {
    "rpm": whole(1, 1_000_000),
    "tpm": whole(1, 1_000_000_000),
    "burst": whole(1, 1_000_000),
    "retry_after": truth,
}
_SCRIPT: dict[str, Field] = {
    "rules": _rules,
    "seed": whole(0, 2**63 - 1),
    "hidden_tokens": whole(0, 1_000_000),
    "limits": _limits,
    "clock": number(0, 1_000, above=True),
}
