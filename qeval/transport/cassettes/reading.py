"""Cassette files → interactions: our own form fast, anything else through YAML, strictly."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from qeval.errors import CassetteCorruptError
from qeval.exchange import Place
from qeval.transport.cassettes import layout
from qeval.transport.cassettes.interaction import Interaction, Recorded
from qeval.value import Json


def read(data: bytes, case: str, shown: str, command: str) -> list[Interaction]:
    """Return the interactions of a cassette, whoever wrote it.

    Args:
        data: The file.
        case: Whose file it is.
        shown: Its path, for messages.
        command: What records it anew.

    Raises:
        CassetteCorruptError: It is no cassette, or not a whole one.
    """
    hint = f"restore the file, or delete it and type `{command}`"
    try:
        found = layout.read(data, case)
        found = _foreign(data.decode(), case) if found is None else found
        _check_places(found)
    except UnicodeDecodeError as error:
        fact = f"it is not UTF-8 (byte {error.start})"
    except _BrokenSealError as error:
        fact = str(error)
        hint += '; if the change is meant, write "edited" for its "seal"'
    except _NotOneError as error:
        fact = str(error)
    else:
        return found
    from qeval.dialects.errors import harmless

    message = f"{shown} is damaged: {harmless(fact)}"
    raise CassetteCorruptError(message, path=shown, hint=hint)


_DEPTH = 200
"""Levels of nesting that a cassette may have."""


class _NotOneError(Exception):
    """Why a document is no cassette."""


class _BrokenSealError(_NotOneError):
    """One of its interactions is not as it was written."""


def shallow_loader() -> Any:
    """Return the fastest safe loader, with a limit to the levels it reads."""
    import yaml

    fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(fastest):  # type: ignore[misc]  # its class is known when it runs
        depth = 0

        def descend_resolver(self, parent: Any, index: Any) -> None:
            self.depth += 1
            if self.depth > _DEPTH:  # composing recurses in C, where no limit of Python's holds
                problem = f"nested more than {_DEPTH} levels deep"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=parent.start_mark)
            super().descend_resolver(parent, index)

        def ascend_resolver(self) -> None:
            self.depth -= 1
            super().ascend_resolver()

    return Loader


def _foreign(text: str, case: str) -> list[Interaction]:
    import yaml

    try:
        document = yaml.load(text, shallow_loader())  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark is not None else ""
        told = getattr(error, "problem", None) or (str(error).splitlines() or [""])[0]
        raise _NotOneError(f"it is not YAML: {told}{line}") from None
    if not isinstance(document, dict) or not isinstance(document.get("interactions"), list):
        raise _NotOneError("it has no list of interactions")
    if document.get("version") != 1:
        raise _NotOneError("it does not say `version: 1`")
    ours = text.startswith(_OURS)
    if ours and not text.rstrip().endswith("\n..."):
        raise _NotOneError("its last line, `...`, is missing: it was cut short")
    found = []
    for number, entry in enumerate(document["interactions"]):
        one, seal = _interaction(entry, case, number)
        _check_seal(one, seal, f"interactions[{number}]", ours=ours)
        found.append(one)
    return found


def _check_seal(one: Interaction, seal: str | None, here: str, *, ours: bool) -> None:
    """Refuse an interaction that is not as it was written; other tools put no seal."""
    if seal is None:
        if ours:
            raise _BrokenSealError(f"{here} has lost its seal")
    elif seal not in {EDITED, layout.seal(one)}:
        raise _BrokenSealError(f"{here} was changed since it was recorded: its seal does not fit")


EDITED = "edited"
"""The seal of an interaction that was changed on purpose."""
_OURS = layout.HEAD.partition("\n")[0].rstrip("1")


def _check_places(found: list[Interaction]) -> None:
    """Refuse a file with two answers for the same call, such as a bad merge leaves."""
    if len(found) < 2:
        return
    seen = set()
    for number, one in enumerate(found):
        if one.place is None:
            continue
        if one.place in seen:
            raise _NotOneError(
                f"interactions[{number}] is the second for trial {one.place.trial}"
                f" under {one.place.scenario!r}"
            )
        seen.add(one.place)


def _interaction(entry: Json, case: str, number: int) -> tuple[Interaction, str | None]:
    """Return an interaction, and its seal."""
    here = f"interactions[{number}]"
    request = _mapping(entry, "request", here)
    response = _mapping(entry, "response", here)
    own = entry.get("qeval")
    status, reason = _status(response, here)
    came = _headers(response.get("headers"), f"{here}.response.headers")
    if not response.keys() & {"body", "content"}:
        raise _NotOneError(f"{here}.response has no body")
    body = _bytes(response.get("body", response.get("content")), f"{here}.response.body")
    seal, fields = _own(own, case, here) if own is not None else (None, {})
    found = Interaction(
        method=_text(request, "method", f"{here}.request"),
        uri=_text(request, "uri", f"{here}.request"),
        request=_bytes(request.get("body"), f"{here}.request.body"),
        request_headers=_headers(request.get("headers"), f"{here}.request.headers"),
        status=status,
        reason=reason,
        response=_decoded(body, dict(came).get("content-encoding", ""), here),
        response_headers=tuple(pair for pair in came if pair[0] not in _CODING),
        **fields,
    )
    return found, seal


def _mapping(entry: Json, key: str, here: str) -> Mapping[str, Json]:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, dict):
        raise _NotOneError(f"{here} has no {key}")
    return value


def _text(entry: Mapping[str, Json], key: str, here: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise _NotOneError(f"{here}.{key} is not text")
    return value


def _status(response: Mapping[str, Json], here: str) -> tuple[int, str]:
    status = response.get("status")
    code = status.get("code") if isinstance(status, dict) else response.get("status_code")
    if not isinstance(code, int) or isinstance(code, bool) or not 100 <= code <= 999:
        raise _NotOneError(f"{here}.response has no status code")
    message = status.get("message") if isinstance(status, dict) else None
    return code, message if isinstance(message, str) else ""


def _bytes(body: Json, here: str) -> bytes:
    if isinstance(body, dict):
        if "string" not in body:
            raise _NotOneError(f"{here} has no string")
        body = body["string"]
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    raise _NotOneError(f"{here} is neither text nor bytes")


_CODING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are not true of a decoded body."""


def _decoded(body: bytes, coding: str, here: str) -> bytes:
    """Undo the content-encoding of a body that vcrpy stored as it came."""
    kind = coding.strip().lower()
    if kind in {"", "identity"} or not body:
        return body
    if kind not in {"gzip", "x-gzip", "deflate"}:
        raise _NotOneError(f"{here}.response.body is in {coding!r}, which is not known here")
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # zlib or gzip; bare, as some send it
        try:
            return zlib.decompress(body, window)
        except zlib.error:
            continue
    return body  # vcrpy was told to decode it, and left the header


def _headers(headers: Json, here: str) -> tuple[tuple[str, str], ...]:
    if headers is None:
        return ()
    if not isinstance(headers, dict):
        raise _NotOneError(f"{here} is not a mapping")
    pairs = []
    for name, values in headers.items():
        for value in values if isinstance(values, list) else [values]:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if not isinstance(name, str) or not isinstance(text, str):
                raise _NotOneError(f"{here} holds something other than text")
            pairs.append((name.lower(), text))
    return tuple(sorted(pairs, key=lambda pair: pair[0]))


class _Own(msgspec.Struct, forbid_unknown_fields=True):
    """What stands under `qeval:`."""

    scenario: str | None = None
    trial: int | None = None
    turn: int | None = None
    attempt: int | None = None
    chunks: tuple[int, ...] = ()
    error: str | None = None
    recorded: dict[str, Json] = {}


def _own(own: Json, case: str, here: str) -> tuple[str | None, dict[str, Any]]:
    """Return the seal, and what else stands under `qeval:`."""
    try:
        read = msgspec.convert(own, _Own)
        seal = msgspec.convert(read.recorded.pop("seal", None), str | None)
        recorded = msgspec.convert(read.recorded, Recorded)
    except msgspec.ValidationError as error:
        raise _NotOneError(f"{here}.qeval: {error}") from None
    place = _place(read, case, here)
    return seal, {
        "place": place,
        "chunks": read.chunks,
        "error": read.error,
        "recorded": recorded,
    }


def _place(own: _Own, case: str, here: str) -> Place | None:
    """Return whose call it was; None where another tool made it, and nothing says whose."""
    scenario, trial, turn, attempt = own.scenario, own.trial, own.turn, own.attempt
    if scenario is None and trial is None and turn is None and attempt is None:
        return None
    if scenario is None or trial is None or turn is None or attempt is None:
        raise _NotOneError(f"{here}.qeval: scenario, trial, turn and attempt go together")
    if min(trial, turn, attempt) < 0:
        raise _NotOneError(f"{here}.qeval: trial, turn and attempt count from 0")
    return Place(case=case, scenario=scenario, trial=trial, turn=turn, attempt=attempt)
