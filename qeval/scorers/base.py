"""What a scorer is, where scorers are found, and a check made ready to judge.

A scorer is a frozen `Value` registered under its check's name. Its first field is the check's main
argument, the others are its own options. `score(evidence)` is pure and looks at `evidence.value`,
which is the answer after the check's `of` and `extract`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from qeval.errors import ScorerError
from qeval.record import Evidence, Score, Severity
from qeval.registry import Registry
from qeval.scorers.arguments import build
from qeval.scorers.extract import OF, Step, gives_json, judged, steps
from qeval.scorers.jsontext import NOTHING
from qeval.scorers.wording import REASON, first_line, label, plain, shown
from qeval.value import Json, Value

MODIFIERS = ("of", "extract", "threshold", "weight", "severity", "name")
"""The keys that every check takes beside its own options."""

ROUNDING = 1e-12
"""What a sum or a mean may miss its limit by, for rounding alone."""


class Scorer(Protocol):
    """Judges one answer.

    A class may say more about itself, as class variables:

    - `version`: an integer, 1 unless given, raised whenever the meaning of a score changes;
    - `default_threshold`: the threshold of a graded score, 1 unless given;
    - `default_severity`: that of a check which does not say, `fail` unless given;
    - `needs_ledger = True`: it looks at `evidence.ledger`, which is counted then in any case;
    - `slow = True`: it may take long, and so judges in a thread while calls are in flight;
    - `judges_answer = False`: it looks at measures or at other checks, so that `of` and `extract`
      say nothing to it;
    - `limit = True`, `group = True`: so too, and there is no `not-` form.

    One that must read files or look things up first has `bind(home: Home) -> Scorer` beside or
    instead of `score`, and raises ValueError there if its argument is no good.
    """

    def score(self, evidence: Evidence) -> Score:
        """Judge `evidence.value`; the result's value is in [0, 1], higher is better."""
        ...


class Home(Value):
    """What surrounds a check, for scorers that have `bind`."""

    folder: Path
    """Of the file in which the check is written; relative paths start here."""
    root: Path
    """The project's; no path leads out of it."""
    schema: Json = None
    """The schema of the case's `response_format`, if it has one."""
    threshold: float | None = None
    """As written; None: not written."""
    of_json: bool = False
    """Whether what is judged is a JSON value, by the check's `extract`."""


SCORERS: Registry[type[Any]] = Registry("check", "qeval.scorers")
register = SCORERS.register


class Prepared(Value):
    """A check, ready to judge any number of answers."""

    scorer: Any
    label: str
    negated: bool = False
    of: str = "answer"
    extract: tuple[Step, ...] = ()
    threshold: float = 1.0
    weight: float = 1.0
    severity: Severity = "fail"
    version: int = 1

    @property
    def needs_ledger(self) -> bool:
        """Whether it, or a check inside it, looks at the ledger."""
        return self._says("needs_ledger")

    @property
    def slow(self) -> bool:
        """Whether it, or a check inside it, may take long."""
        return self._says("slow")

    def _says(self, name: str) -> bool:
        inner = getattr(self.scorer, "checks", ())
        return getattr(self.scorer, name, False) or any(
            getattr(check, name, False) for check in inner
        )

    def score(self, evidence: Evidence) -> Score:
        """Judge the answer in the evidence.

        In order: `of`, `extract`, the scorer, `not-`, the threshold. Finding nothing to extract
        fails the check, with or without `not-`.

        Raises:
            ScorerError: The scorer could not judge: what a limit measures is unknown, or code
                of the user's or of a third party raised.
        """
        try:
            return self._judge(evidence)
        except ScorerError:
            raise
        except Exception as error:  # a scorer that breaks costs one trial, not the run
            told = plain(f"{type(error).__name__}: {first_line(error)}", REASON)
            raise ScorerError(f"{self.label}: {told}") from error

    def unjudged(self, error: ScorerError) -> Score:
        """Return the score of what could not judge, and is to be told for that: not passed."""
        return self._filled(0.0, error.message, passed=False)

    def _judge(self, evidence: Evidence) -> Score:
        value = judged(evidence, self.of)
        for step in self.extract:
            value = step.take(value)
            if value is NOTHING:
                return self._filled(0.0, f"nothing to extract: {step.missing}", passed=False)
        score = self.scorer.score(msgspec.structs.replace(evidence, value=value))
        if not 0.0 <= score.value <= 1.0:
            raise ScorerError(f"{self.label}: a score of {score.value!r} is not within 0 and 1")
        got = 1.0 - score.value if self.negated else float(score.value)
        if score.passed is not None:
            return self._filled(got, score.reason, passed=score.passed is not self.negated)
        passed = score.value >= self.threshold - ROUNDING
        return self._filled(got, score.reason, passed=passed is not self.negated)

    def _filled(self, value: float, reason: str, *, passed: bool) -> Score:
        return Score(
            value=value,
            reason=plain(reason, REASON),
            passed=passed,
            check=self.label,
            severity=self.severity,
            weight=self.weight,
            version=self.version,
        )


def prepare(
    entries: Mapping[str, Json], *, folder: Path, root: Path, schema: Json = None
) -> Prepared:
    """Make a check ready to judge.

    Args:
        entries: The check as written: its name with its main argument, options, modifiers.
        folder: Of the file in which it is written.
        root: The project's.
        schema: The JSON Schema of the case's `response_format`.

    Raises:
        ValueError: An argument is no good; the message is one sentence.
    """
    written = _name(entries)
    name = written.removeprefix("not-")
    kind: Any = SCORERS.find(name)
    given = {key: value for key, value in entries.items() if key not in MODIFIERS}
    scorer = build(kind, written, given)
    if len(given) < len(entries) or name is not written:
        _refuse(kind, written, entries)
    of = entries.get("of", "answer")
    extract = steps(entries.get("extract"))
    bind = getattr(scorer, "bind", None)
    if bind is not None:
        home = Home(
            folder=folder,
            root=root,
            schema=schema,
            threshold=entries.get("threshold"),
            of_json=gives_json(extract),
        )
        scorer = bind(home)
    return Prepared(
        scorer=scorer,
        label=label(entries, written, scorer),
        negated=name is not written,
        of=of,
        extract=extract,
        threshold=float(entries.get("threshold", getattr(kind, "default_threshold", 1.0))),
        weight=float(entries.get("weight", 1.0)),
        severity=entries.get("severity", getattr(kind, "default_severity", "fail")),
        version=getattr(kind, "version", 1),
    )


def _name(entries: Mapping[str, Json]) -> str:
    for key in entries:
        if key not in MODIFIERS and SCORERS.find(key.removeprefix("not-")) is not None:
            return key
    raise ValueError(f"no key of {sorted(entries)} is the name of a check")


def _refuse(kind: Any, written: str, entries: Mapping[str, Json]) -> None:
    """Raise ValueError where a modifier is not what it may be, or says nothing to the scorer."""
    fixed = getattr(kind, "limit", False) or getattr(kind, "group", False)
    if fixed and written.startswith("not-"):
        raise ValueError(f"{written[4:]} has no not-: limits and groups cannot be reversed")
    if fixed or not getattr(kind, "judges_answer", True):
        for key in ("of", "extract"):
            if key in entries:
                raise ValueError(f"{written} takes no {key}: it does not judge the answer's text")
    if entries.get("of", "answer") not in OF:
        raise ValueError(f"of {shown(entries['of'])} is none of {', '.join(OF)}")
    if entries.get("severity", "fail") not in {"fail", "warn"}:
        raise ValueError(f"severity {shown(entries['severity'])} is neither fail nor warn")
    _number("threshold", entries.get("threshold", 1.0), most=1.0)
    _number("weight", entries.get("weight", 1.0), most=math.inf)


def _number(key: str, value: Json, *, most: float) -> None:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not 0 <= value <= most or math.isinf(value):
        range_ = "≥ 0" if most == math.inf else f"from 0 to {most:g}"
        raise ValueError(f"{key} {shown(value)} is out of range: {range_}")
