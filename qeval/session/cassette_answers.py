"""Recordings as people read them: who was asked what, and the answer; and two sides beside."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from qeval.dialects.base import DIALECTS
from qeval.errors import CassetteError, QevalError, UsageError, suggestion
from qeval.exchange import Response, ToolCall, Usage
from qeval.loading.project import Project
from qeval.session.cassettes import Cassette, open_cassette
from qeval.transport.cassettes import reading
from qeval.transport.cassettes.interaction import Interaction, answer_of, load
from qeval.value import Json, Value

_PATHS = {
    "/chat/completions": "chat",
    "/responses": "responses",
    "/text-generation/generation": "dashscope-text",
    "/multimodal-generation/generation": "dashscope-multimodal",
}
"""How an address ends, and the dialect that is spoken there."""


class Reading(Value):
    """One interaction, read."""

    file: str
    case: str
    scenario: str | None
    """None in a file of another tool; then `trial` is the number of the interaction."""
    trial: int
    status: int
    turn: int = 0
    attempt: int = 0
    asked: str = ""
    """What was said since the model spoke last: by the user, or `tool: …`; `[image]` for media."""
    text: str = ""
    """The answer; where it is not in its dialect, its body as it stands."""
    others: tuple[str, ...] = ()
    """Further answers, where the request asked for several by `n`."""
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage = Usage()
    error: str | None = None
    """Why there is no answer: an error status, a cut, a body that is in no dialect."""
    model: str | None = None
    recorded: str | None = None
    """UTC, `2026-11-22T20:14:40Z`."""
    source: str | None = None
    latency_s: float | None = None


class Pair(Value):
    """One call as two sides recorded it; None where a side has no such recording."""

    case: str
    scenario: str | None
    trial: int
    turn: int = 0
    a: Reading | None = None
    b: Reading | None = None

    @property
    def same(self) -> bool:
        """Whether both say the same: text, reasoning, calls and error; usage does not count."""
        return self.a is not None and self.b is not None and _said(self.a) == _said(self.b)


def readings(cassette: Cassette) -> Iterator[Reading]:
    """Yield every interaction of a file as people read it.

    Raises:
        CassetteError: The file is damaged.
    """
    if cassette.damage is not None:
        raise cassette.damage
    for number, one in enumerate(cassette.interactions):
        yield _reading(one, number, cassette.shown, cassette.case)


def _reading(one: Interaction, number: int, shown: str, case: str) -> Reading:
    place = one.place
    body = load(one.request)
    response, error = _response(one)
    return Reading(
        file=shown,
        case=case,
        scenario=place.scenario if place else None,
        trial=place.trial if place else number,
        turn=place.turn if place else 0,
        attempt=place.attempt if place else 0,
        status=one.status,
        asked=_asked(body),
        text=response.text,
        others=tuple(other.text for other in response.others),
        reasoning=response.reasoning,
        tool_calls=response.tool_calls,
        finish_reason=response.finish_reason,
        usage=response.usage,
        error=error,
        model=response.model or (body.get("model") if isinstance(body, dict) else None),
        recorded=one.recorded.date,
        source=one.recorded.source,
        latency_s=one.recorded.latency_s,
    )


def _response(one: Interaction) -> tuple[Response, str | None]:
    """Return what an answer says, and why it says nothing."""
    path = one.uri.partition("?")[0].rstrip("/")
    name = next((name for end, name in _PATHS.items() if path.endswith(end)), None)
    dialect = None if name is None else DIALECTS.find(name)
    raw = Response(text=one.response.decode(errors="replace"))
    if dialect is None:
        return raw, None
    try:
        return dialect.read(answer_of(one, 1)), None
    except QevalError as error:
        return raw, error.message


def _asked(body: Json) -> str:
    """Return what was said since the model spoke last, in whichever dialect."""
    if not isinstance(body, dict):
        return ""
    held = body.get("messages", body.get("input", ""))
    if isinstance(held, dict):
        held = held.get("messages", held.get("prompt", ""))
    if not isinstance(held, list):
        return _text(held)
    said: list[str] = []
    for one in reversed(held):
        if not isinstance(one, dict) or one.get("role") in {"assistant", "system", "developer"}:
            break
        if one.get("type") in {"function_call", "reasoning"}:
            break
        answers = one.get("role") == "tool" or one.get("type") == "function_call_output"
        text = _text(one.get("output" if "output" in one else "content", ""))
        said.insert(0, f"tool: {text}" if answers else text)
    return "\n".join(said)


def _text(content: Json) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(_part(part) for part in parts if isinstance(part, dict))


def _part(part: dict[str, Json]) -> str:
    """Return a part's text; of a picture, a video or a sound, its kind and its address."""
    if isinstance(text := part.get("text"), str):
        return text
    kind, held = next(((key, value) for key, value in part.items() if key != "type"), ("part", ""))
    while isinstance(held, dict | list) and held:
        held = next(iter(held.values())) if isinstance(held, dict) else held[0]
    address = held if isinstance(held, str) and held.startswith("http") else ""
    name = kind.removesuffix("_url").removeprefix("input_")
    return f"[{name} {address}]" if address else f"[{name}]"


def _said(one: Reading) -> tuple[object, ...]:
    calls = [(call.name, call.arguments) for call in one.tool_calls]
    return (one.text, one.others, one.reasoning, calls, one.error, one.status)


def compared(a: Iterable[Cassette], b: Iterable[Cassette]) -> list[Pair]:
    """Return every call that either side has recorded, its last attempt, in order.

    Raises:
        CassetteError: A file is damaged.
    """
    left, right = _last(a), _last(b)
    return [
        Pair(
            case=key[0],
            scenario=key[1] or None,
            trial=key[2],
            turn=key[3],
            a=left.get(key),
            b=right.get(key),
        )
        for key in sorted({*left, *right})
    ]


def _last(cassettes: Iterable[Cassette]) -> dict[tuple[str, str, int, int], Reading]:
    found = {}
    for cassette in cassettes:
        for one in readings(cassette):
            found[cassette.case, one.scenario or "", one.trial, one.turn] = one
    return found


def side(text: str) -> list[Cassette]:
    """Return the cassettes of one side of a comparison.

    Args:
        text: A file, a folder, or either as a revision of git has it: `HEAD~1:cassettes/facts`.

    The case of each is its path below the folder, so that two folders pair file by file; a single
    file pairs with any other.

    Raises:
        UsageError: There is nothing of the kind.
    """
    path = Path(text)
    if path.is_dir():
        found = {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*.yaml")}
    elif path.is_file():
        found = {"": path.read_bytes()}
    elif ":" in text and not text.startswith("-"):
        found = _of_git(*text.split(":", 1))
    else:
        raise UsageError(
            f"there is no file or folder {text!r}",
            hint="name a cassette, a folder of them, or REVISION:PATH as git has them",
        )
    return [_cassette(text, name, data) for name, data in sorted(found.items())]


def _cassette(text: str, name: str, data: bytes) -> Cassette:
    shown = f"{text}/{name}" if name else text
    case = name.removesuffix(".yaml")
    found: tuple[Interaction, ...] = ()
    damage = None
    try:
        found = tuple(reading.read(data, case or "case", shown, "qeval run SUITE --mode record"))
    except CassetteError as error:
        damage = error
    return Cassette(
        path=Path(text, name),
        shown=shown,
        suite="",
        target="",
        case=case,
        interactions=found,
        damage=damage,
    )


def _of_git(revision: str, path: str) -> dict[str, bytes]:
    """Return the files at or below a path in a revision, by their paths below it."""
    try:
        done = subprocess.run(  # noqa: S603  (words, no shell)
            ["git", "archive", "--format=tar", revision, "--", path],  # noqa: S607  (the user's git)
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise UsageError(f"cannot start git: {error.strerror}") from None
    if done.returncode:
        raise UsageError(
            f"git has no {revision}:{path}: {done.stderr.decode(errors='replace').strip()}",
            hint="name a revision and a path from this folder, such as HEAD~1:cassettes/facts",
        )
    found = {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive:
            held = archive.extractfile(member)
            if held is not None and member.name.endswith(".yaml"):
                below = Path(member.name).relative_to(path).as_posix()
                found["" if below == "." else below] = held.read()
    return found


def of_case(project: Project, cassettes: Iterable[Cassette], case: str) -> list[Cassette]:
    """Return the cassettes of a case, or the one file that is named.

    Raises:
        UsageError: Nothing is recorded of it.
    """
    path = Path(case)
    if path.suffix == ".yaml" and path.is_file():
        return [open_cassette(path.resolve(), project)]
    held = list(cassettes)
    found = [one for one in held if one.case == case]
    if not found:
        known = {one.case for one in held}
        raise UsageError(
            f"nothing is recorded of case {case!r}",
            hint=suggestion("case", case, known) if known else "type `qeval cassette list`",
        )
    return found
