"""What is judged (`of`), and what is first taken out of it (`extract`).

Every step but `regex` works in bounded time on hostile text of many megabytes.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Protocol

import msgspec

from qeval.record import Evidence
from qeval.scorers.jsonpath import Path, parse
from qeval.scorers.jsontext import NOTHING, find_json, read_json
from qeval.scorers.markdown import fenced
from qeval.scorers.numbers import last_number
from qeval.scorers.patterns import compiled, matches_of
from qeval.scorers.wording import shown
from qeval.value import Json, Value

OF = ("answer", "completed", "reasoning", "calls", "response")
"""What a check may judge."""


class Step(Protocol):
    """Takes something out of a value."""

    @property
    def missing(self) -> str:
        """What was not there, in a few words."""
        ...

    def take(self, value: Json) -> Json:
        """Return what was found, or `NOTHING`."""
        ...


class TakeJson(Value):
    """The whole text as JSON, else the first fenced block that is, else the first value within it.

    With a path: what it finds there. A path that can find several values (one with `*`, `..` or
    a slice) gives a list, of one where there is one; any other gives the value.
    """

    path: Path | None = None

    @property
    def missing(self) -> str:
        """What was not there."""
        return "no JSON" if self.path is None else f"nothing at {self.path.text}"

    def take(self, value: Json) -> Json:
        """Return the value found, or `NOTHING`."""
        found = find_json(value) if isinstance(value, str) else value
        if found is NOTHING or self.path is None:
            return found
        hits = self.path.find(found)
        if self.path.definite:
            return hits[0] if hits else NOTHING
        return hits or NOTHING


class TakeCode(Value):
    """The first fenced block, of that language if there is one; without any fence, all of it."""

    language: str | None = None
    missing: str = "no code"

    def take(self, value: Json) -> Json:
        """Return the code without its fence, or `NOTHING` if there is no text."""
        text = as_text(value)
        wanted = (self.language or "").lower()
        first = None
        for language, code in fenced(text):
            if not wanted or language.lower() == wanted:
                return code
            first = code if first is None else first
        if first is not None:
            return first
        return text if text.strip() else NOTHING


class TakeNumber(Value):
    """The last number in the text, as `numbers.last_number` reads it."""

    missing: str = "no number"

    def take(self, value: Json) -> Json:
        """Return the number, or `NOTHING`."""
        found = last_number(value if isinstance(value, int | float) else as_text(value))
        return NOTHING if found is None else found


class TakeRegex(Value):
    """The last match of a regular expression, or its group 1 if it has one.

    A match whose group 1 took no part in it finds nothing.
    """

    pattern: str

    @property
    def missing(self) -> str:
        """What was not there."""
        return f"no match of {shown(self.pattern)}"

    def take(self, value: Json) -> Json:
        """Return the matched text, or `NOTHING`.

        Raises:
            ScorerError: The text is too long to be searched whole.
        """
        last = None
        for last in matches_of(self.pattern, as_text(value)):  # noqa: B007 (the last is wanted)
            pass
        if last is None:
            return NOTHING
        found = last[1] if last.re.groups else last[0]
        return NOTHING if found is None else found


def steps(written: Json) -> tuple[Step, ...]:
    """Return the steps of an `extract` as written: a word, a mapping, or a chain of them.

    Raises:
        ValueError: A path or a regular expression is malformed, or the word is unknown.
    """
    if written is None:
        return ()
    if isinstance(written, list | tuple):
        return tuple(step for item in written for step in steps(item))
    if isinstance(written, str):
        return (_step(written, None),)
    if isinstance(written, dict) and len(written) == 1:
        ((kind, argument),) = written.items()
        if isinstance(argument, str) or (argument is None and kind != "regex"):
            return (_step(kind, argument),)
    raise _unknown(written)


def _unknown(written: Json) -> ValueError:
    return ValueError(f"extract {shown(written)} is none of json, code, number, {{regex: …}}")


@lru_cache(maxsize=1024)
def _step(kind: str, argument: str | None) -> Step:
    if kind == "json":
        return TakeJson(path=None if argument is None else parse(argument))
    if kind == "code":
        return TakeCode(language=argument)
    if kind == "number" and argument is None:
        return TakeNumber()
    if kind == "regex" and argument is not None:
        compiled(argument)
        return TakeRegex(pattern=argument)
    raise _unknown(kind if argument is None else {kind: argument})


def gives_json(extract: tuple[Step, ...]) -> bool:
    """Tell whether what these steps give is a JSON value, to be compared as such."""
    return bool(extract) and isinstance(extract[-1], TakeJson | TakeNumber)


def judged(evidence: Evidence, of: str) -> Json:
    """Return what a check judges before extraction: text, or JSON for `calls` and `response`.

    `reasoning` is '' where there is none. `response` is a mapping of `text`, `reasoning`,
    `tool_calls`, `finish_reason`, `model` and `usage`; what is unknown is null, or left out of
    the usage.
    """
    response = evidence.response
    if of == "answer":
        return response.text
    if of == "reasoning":
        return response.reasoning or ""
    if of == "completed":
        last = evidence.request.messages[-1:]
        return "".join(m.text for m in last if m.partial) + response.text
    calls = [
        {"name": call.name, "arguments": _arguments(call.arguments)} for call in response.tool_calls
    ]
    if of == "calls":
        return calls
    return {
        "text": response.text,
        "reasoning": response.reasoning,
        "tool_calls": calls,
        "finish_reason": response.finish_reason,
        "model": response.model,
        "usage": msgspec.to_builtins(response.usage),
    }


def _arguments(text: str) -> Json:
    found = read_json(text)
    return text if found is NOTHING else found


def as_text(value: Json) -> str:
    """Return a judged value as text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
