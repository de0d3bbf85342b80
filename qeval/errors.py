"""Every error that qeval raises on purpose.

::

    QevalError                   hint: what to do about it
    ├── UsageError               the user can fix it; exit code 4
    │   ├── SuiteError           a suite is wrong; carries `where` and all its `mistakes`
    │   ├── TargetError          a target is unknown, cannot speak so, or its key is not set
    │   └── StoreError           a run or baseline is missing, damaged, or of another schema version
    ├── LimitError               a limit on what may be spent is reached
    ├── CassetteError            replay cannot go on
    │   ├── CassetteMissingError     no recording of that trial
    │   ├── CassetteStaleError       recorded, but for another request
    │   ├── CassetteExhaustedError   every recording of that request is taken
    │   ├── CassetteCorruptError     the file is damaged
    │   └── CassetteSecretError      a secret would have been written
    └── TrialError               one trial failed; its outcome in the run, never the run's end
        ├── TransportError       no answer: timeout, refused, reset, cut stream
        ├── StatusError          an error answer, with code, message and request id
        ├── ResponseError        an answer that is not in the dialect
        └── ScorerError          a scorer raised
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def typed(path: Path) -> Path:
    """Return a path as short as it is typed from here."""
    return path.relative_to(path.cwd()) if path.is_relative_to(path.cwd()) else path


class QevalError(Exception):
    """Base of every error that qeval raises on purpose."""

    finished: Sequence[Any] = ()
    """The `Exchange`s that a trial had come to, in order, where its conversation broke off."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n\nhint: {self.hint}" if self.hint else self.message


class UsageError(QevalError):
    """Something that the user can put right; exit code 4."""


class SuiteError(UsageError):
    """A suite does not say what it means to say.

    `where` is `file:line` of the first mistake; `mistakes` holds one line for
    each, sorted by file and line.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str,
        hint: str | None = None,
        mistakes: Sequence[str] = (),
    ) -> None:
        super().__init__(message if mistakes else f"{where}: {message}", hint=hint)
        self.where = where
        self.mistakes = tuple(mistakes) or (self.message,)


class TargetError(UsageError):
    """A target is unknown, cannot speak that dialect, or its key is not set."""


class StoreError(UsageError):
    """A run or baseline is missing, damaged, or of another schema version."""


class LimitError(QevalError):
    """A limit on calls, tokens or cost is reached: this call was not made, and none will be."""

    code = "limit"


class CassetteError(QevalError):
    """Replay cannot go on with this recording. `path` names the cassette."""

    cause = "damaged"
    """One word for counting misses by cause."""

    def __init__(self, message: str, *, path: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class CassetteMissingError(CassetteError):
    """There is no recording of this trial: no file, or no such trial in it."""

    cause = "missing"


class CassetteStaleError(CassetteError):
    """The trial is recorded, but it asked something else then."""

    cause = "stale"


class CassetteExhaustedError(CassetteError):
    """Every recording of this very request belongs to another trial."""

    cause = "exhausted"


class CassetteCorruptError(CassetteError):
    """The file is not a cassette, or not a whole one."""


class CassetteSecretError(CassetteError):
    """The bytes to be written hold a secret; nothing was written."""

    cause = "secret"


class TrialError(QevalError):
    """One trial failed. It is recorded as that trial's outcome and never ends the run."""

    code: str = "error"
    """What counts and tables call it."""
    partial: Any = None
    """The `Response` as far as it had come, where a stream broke off; None: nothing had."""
    attempts: int = 1
    """How often the request was made."""


class TransportError(TrialError):
    """No answer came: timeout, refused, reset, or a stream cut short.

    `kind` is one of `timeout`, `connect`, `cut`, `too_large`; of a callable target, `timeout` or
    `raised`.
    """

    def __init__(self, message: str, *, kind: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.kind = self.code = kind


class StatusError(TrialError):
    """The endpoint answered with an error, by HTTP status or inside its answer."""

    def __init__(  # noqa: PLR0913  (each is a fact that a handler asks for)
        self,
        message: str,
        *,
        status: int,
        code: str,
        request_id: str | None = None,
        retryable: bool = False,
        account: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retryable = retryable
        self.account = account
        """True where every further request of the target would fail alike (key, bill, model)."""


class ResponseError(TrialError):
    """The answer is not in the dialect that was spoken; `message` quotes its first bytes."""

    code = "bad_response"


class ScorerError(TrialError):
    """A scorer raised instead of judging."""

    code = "scorer"


LISTED = 20
"""Known names that a hint lists."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name` (similarity ≥ 0.6), or None."""
    from difflib import get_close_matches  # 3 ms that `--help` need not pay

    close = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return close[0] if close else None


def suggestion(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the hint for a name that nobody knows: the nearest known, else which there are."""
    names = sorted(known)
    close = nearest(name, names)
    if close:
        return f"did you mean {close!r}?"
    more = len(names) - LISTED
    rest = f" and {more} more" if more > 0 else ""
    return f"known {kind}s: {', '.join(names[:LISTED])}{rest}"
