"""What the user wrote: `Suite`, `Case`, `Check`, `Scenario`, `Target`, before anything is expanded.

suites.md is the specification of every key. A value here equals another when the two were
written alike, in YAML or in Python; templates are still text, and names are still names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from msgspec import UNSET, UnsetType

from qeval.value import Json, Value, _ValueMeta

_NOT_IN_IDS = re.compile(r"[^a-z0-9._-]+")

Content: TypeAlias = str | dict[str, Json] | Sequence[Json]
"""Text, `{file: …}`, `{template: …}`, a part, or a list of them."""


class _AuthoredMeta(_ValueMeta):
    """Lets lists be written where values hold tuples, so that both ways of writing are equal."""

    def __call__(cls, /, *args: Any, **fields: Any) -> Any:  # noqa: N805  # its base is a metaclass
        return super().__call__(*args, **{key: _settled(key, v) for key, v in fields.items()})


class Authored(Value, metaclass=_AuthoredMeta):
    """Base of what a user writes: a list given to a field is held as a tuple."""


class _CheckMeta(_AuthoredMeta):
    """Collects the keywords of a check; msgspec's own readers go past it."""

    def __call__(cls, /, *words: str, **entries: Any) -> Any:  # noqa: N805  # its base is a metaclass
        settled: dict[str, Json] = dict.fromkeys(words)
        for key, value in entries.items():
            name = f"not-{key[4:]}" if key.startswith("not_") else key
            settled[name] = _plain(value)
        return super().__call__(entries=settled)


class Check(Authored, metaclass=_CheckMeta):
    """One expected property: one key that is a check's name, its options and modifiers beside it.

    In Python the keys are keywords, with `_` for `-` after `not`:

    >>> Check(contains="Ada", weight=2).entries
    {'contains': 'Ada', 'weight': 2}
    >>> Check(not_matches="(?i)as an ai").entries
    {'not-matches': '(?i)as an ai'}
    >>> Check("is_json").entries
    {'is_json': None}
    """

    entries: dict[str, Json]
    """As written. Once loaded, the check's name comes first, and nested checks are entries too."""

    if TYPE_CHECKING:

        def __init__(self, word: str = ..., /, **entries: Any) -> None: ...

    @property
    def known_as(self) -> frozenset[str]:
        """What `without` may call a loaded check: its check name, as written, or its `name`."""
        name = self.entries.get("name")
        own = next(iter(self.entries))
        return frozenset((own, name)) if isinstance(name, str) else frozenset((own,))


class Target(Authored):
    """Who is asked. Its id is the key under which it stands; suites.md section 3 has the table."""

    model: str | None = None
    dialect: str | None = None
    region: str | None = None
    workspace: str | None = None
    base_url: str | None = None
    api_key_env: str | UnsetType | None = UNSET
    headers: dict[str, str] = {}
    params: dict[str, Json] = {}
    like: str | None = None
    conversation: str | None = None
    timeout_s: float | None = None
    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    deterministic: bool | None = None
    """Equal requests get equal answers, so that a change is a fact and not a chance."""
    python: str | Callable[..., Any] | None = None


class Scenario(Authored):
    """A named set of request parameters, how many trials, and values for templates."""

    description: str | None = None
    preset: str | None = None
    trials: int | None = None
    passes: str | None = None
    vars: dict[str, Json] = {}
    targets: Sequence[str] | None = None
    sweep: dict[str, Sequence[Json]] | None = None
    grid: dict[str, Sequence[Json]] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    max_output_tokens: int | None = None
    thinking: bool | int | str | None = None
    stream: bool | None = None
    seed: int | str | None = None
    stop: str | Sequence[str] | None = None
    logprobs: int | None = None
    n: int | None = None
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    search: bool | dict[str, Json] | None = None
    extra: dict[str, Json] | None = None


class Shared(Authored):
    """The keys that mean the same in a suite and in a case."""

    description: str | None = None
    system: str | dict[str, Json] | UnsetType | None = UNSET
    context: Sequence[Json] | None = None
    tools: dict[str, Json] | Sequence[str] | None = None
    max_turns: int | None = None
    response_format: str | dict[str, Json] | None = None
    params: dict[str, Json] = {}
    vars: dict[str, Json] = {}
    checks: Sequence[Check] = ()
    without: Sequence[str] = ()
    tags: Sequence[str] = ()
    trials: int | None = None
    passes: str | None = None


class Case(Shared):
    """One thing to ask, or, with `rows` or `grid`, many of one make."""

    id: str | None = None
    user: Content | None = None
    messages: Sequence[dict[str, Json]] | None = None
    turns: Sequence[dict[str, Json]] | None = None
    history: str | None = None
    partial: str | dict[str, Json] | None = None
    results: dict[str, Json] = {}
    rows: str | dict[str, Json] | Sequence[dict[str, Json]] | None = None
    grid: dict[str, Sequence[Json]] | None = None
    scenarios: Sequence[str] | None = None
    targets: Sequence[str] | None = None
    skip: str | None = None


class Suite(Shared):
    """A file of things to ask, with what is expected."""

    format: int = 1
    extends: Sequence[str] = ()
    targets: dict[str, Target | None] | Sequence[str] | None = None
    scenarios: dict[str, Scenario | None] | Sequence[str] | None = None
    cases: Sequence[Case] = ()

    reader: ClassVar[Callable[[Path], Suite] | None] = None
    """Set by `qeval.loading`, which lies above this module."""

    @classmethod
    def load(cls, path: str | Path) -> Suite:
        """Return the value of a YAML or Python suite file, as written.

        Raises:
            SuiteError: With every mistake of the file in `mistakes`.
        """
        assert cls.reader is not None  # noqa: S101
        return cls.reader(Path(path))


def _settled(key: str, value: Any) -> Any:
    """Hold the lists of a field as tuples: its own, and those of `grid`, `sweep` and `turns`."""
    if isinstance(value, list | tuple):
        if key == "turns":
            return tuple(_settled_turn(turn) for turn in value)
        return tuple(value)
    if key in {"grid", "sweep"} and isinstance(value, dict):
        return {name: _settled(name, values) for name, values in value.items()}
    return value


def _settled_turn(turn: Any) -> Any:
    if not isinstance(turn, dict):
        return turn
    return {key: _settled(key, value) for key, value in turn.items()}


def _plain(value: Any) -> Any:
    """Turn the checks inside `any` and `all` into their entries, and tuples into lists."""
    if isinstance(value, Check):
        return value.entries
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def slug(text: str) -> str:
    """Return a text as part of an id: lower case, each run of other characters one `-`.

    >>> slug("Qwen/Qwen3-8B"), slug("Is 3.5 > 3?")
    ('qwen-qwen3-8b', 'is-3.5-3')
    """
    return _NOT_IN_IDS.sub("-", str(text).lower()).lstrip("._-").rstrip("-")
