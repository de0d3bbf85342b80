"""What the simulator answers: rules, read from YAML. Every mistake is told with its line."""

from __future__ import annotations

from typing import Literal, TypeAlias

from qeval.value import Value

FaultKind: TypeAlias = Literal["cut", "garbage", "html", "empty"]


class Reply(Value):
    """One candidate answer. `weight` > 0 is its share beside the others of the rule."""

    text: str
    weight: float = 1.0


class Fault(Value):
    """What goes wrong instead of an answer.

    Either an error in the dialect (`status`, `code`, `message`), or, by `kind`, a body that is no
    answer: the connection cut in the middle of it, bytes that are not UTF-8, a page of HTML, or
    nothing.
    """

    status: int | None = None
    """400 to 599; None: what the code usually comes with. With a `kind` 200 to 599; None: 200."""
    code: str | None = None
    message: str | None = None
    kind: FaultKind | None = None
    times: int | None = None
    """So often for each prompt, then the rule's replies, or the next rule; None: for ever."""
    retry_after_s: float | None = None
    """Sent as `Retry-After`, in seconds."""


class Rule(Value):
    """What to answer when the last user message matches. The first rule that matches wins."""

    match: str
    """A regular expression, searched for in the last user message."""
    model: str | None = None
    """A model's name; `*` stands for any text. None: any model."""
    dialect: str | None = None
    replies: tuple[Reply, ...] = ()
    latency_s: float = 0.0
    fault: Fault | None = None


class Script(Value):
    """The rules of a simulator, in order. `seed` changes every draw at once."""

    rules: tuple[Rule, ...]
    seed: int = 0
