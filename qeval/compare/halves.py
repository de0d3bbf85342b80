"""One side of a pair: a group without its texts, so that 10,000 trials fit in a few megabytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from hashlib import sha256

import msgspec

from qeval.compare.columns import Column, Place
from qeval.exchange import Usage
from qeval.record import Group, Ledger, Setup, Trial
from qeval.stats.diversity import Grams, grams, pairwise_bleu, pairwise_similarity
from qeval.value import Value, clean

MOST_WORK = 1_000_000
"""Characters that similarity may go through in one column: about half a second."""
MOST_WORDING = 1_000_000
"""Characters times distinct answers of a group that n-grams may go through: about 0.1 s."""
_LEAST_WORDING = 100
"""Characters that even an empty answer counts as, for what each costs beside its length."""


class Wording(Value):
    """The n-grams of a group's answers."""

    words: Grams
    pairs: Grams
    """Of two words in a row."""
    bleu: float | None


class Spent(Value):
    """What one judged trial took. What was not reported is None."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    latency_s: float | None = None
    overhead: float | None = None
    """Share of the billed input that is neither the user's text nor tools nor media."""
    billed: int | None = None
    """Input tokens without media."""
    unexplained: int | None = None
    """Billed minus predicted input, media taken out of both."""
    predicted: int | None = None
    """The predicted input without media, where `unexplained` is known."""
    markup: int | None = None
    traits: tuple[str, ...] = ()
    request: str | None = None
    model: str | None = None


class Half(Value):
    """What a group left on one side."""

    place: Place
    target: str
    scenario: str
    passed: int = 0
    judged: int = 0
    errored: int = 0
    refused: int = 0
    skipped: int = 0
    truncated: int = 0
    trials: int = 0
    codes: tuple[str, ...] = ()
    """Of errored trials."""
    recordings: tuple[str, ...] | None = None
    """Of judged trials, sorted; None where one is not known."""
    answers: tuple[int, ...] = ()
    """A number for the answer of each judged trial, equal where the answers are; sorted."""
    similarity: float | None = None
    """Mean over pairs of its answers; None below two, and where a text was not kept."""
    wording: Wording | None = None
    """Of its answers; None as `similarity` is."""
    checks: tuple[tuple[str, int], ...] = ()
    """What judged it: each check with its scorer's version."""
    spent: tuple[Spent, ...] = ()
    scores: tuple[float, ...] = ()
    """Of judged trials that have one."""

    @property
    def planned(self) -> int:
        """Trials that were to be asked: all but the skipped."""
        return self.trials - self.skipped


class Halves(Value):
    """A column, read once."""

    column: int
    by_place: dict[Place, Half]
    deterministic: frozenset[str] = frozenset()
    """Targets declared so and not refuted."""
    refuted: tuple[str, ...] = ()
    """Targets declared so that gave two answers to one question."""
    missing: int = 0
    """Trials that an interrupted run did not come to."""
    similar: bool = True
    """Whether similarity was worked out: False where the answers are too long for it."""
    worded: bool = True
    """Whether n-grams were counted: False where there are too many."""


class _Wordings:
    """Keeps texts while there are few enough: to begin and give up is work for nothing."""

    def __init__(self) -> None:
        self._left = MOST_WORDING
        self._texts: dict[Place, list[str]] = {}

    def keep(self, place: Place, group: Group) -> None:
        judged = [trial for trial in group.trials if trial.outcome in {"passed", "failed"}]
        if self._left < 0 or len(judged) < 2 or any(trial.answer for trial in judged):
            return
        texts = [trial.text for trial in judged]
        kinds = set(texts)
        self._left -= len(kinds) * sum(_LEAST_WORDING + len(kind) for kind in kinds)
        self._texts[place] = texts

    @property
    def worded(self) -> bool:
        return self._left >= 0

    def found(self) -> dict[Place, Wording]:
        if not self.worded:
            return {}
        return {
            place: Wording(words=grams(texts, 1), pairs=grams(texts, 2), bleu=pairwise_bleu(texts))
            for place, texts in self._texts.items()
        }


class _Budget:
    """Counts the work of similarity, so that whether it is shown depends on no order."""

    def __init__(self) -> None:
        self.left = MOST_WORK

    def similarity(self, texts: Sequence[str]) -> float | None:
        lengths = [len(text) for text in set(texts)]
        # Each pair of distinct answers goes through both; long ones take longer a character.
        pairs = (len(lengths) - 1) * sum(lengths) // 2
        self.left -= pairs * (1 + max(lengths, default=0) // 5_000)
        return pairwise_similarity(texts) if self.left >= 0 else None


def read(column: Column, number: int = 0) -> Halves:
    """Read a column's groups, one at a time; texts are let go with their group."""
    budget, wordings = _Budget(), _Wordings()
    found: dict[Place, Half] = {}
    for group in column.groups():
        half = _half(column, group, budget)
        found[half.place] = half
        wordings.keep(half.place, group)
    for place, wording in wordings.found().items():
        found[place] = msgspec.structs.replace(found[place], wording=wording)
    header = column.header
    declared = {setup.name for setup in header.targets if setup.deterministic}
    refuted = {h.target for h in found.values() if h.target in declared and _refutes(h)}
    if budget.left < 0:  # what the order left room for would be no fair part
        found = {p: msgspec.structs.replace(h, similarity=None) for p, h in found.items()}
    unfinished = column.by == "run" and not header.complete
    return Halves(
        column=number,
        by_place=found,
        deterministic=frozenset(declared - refuted),
        refuted=tuple(sorted(refuted)),
        missing=max(0, header.planned - sum(h.trials for h in found.values())) if unfinished else 0,
        similar=budget.left >= 0,
        worded=wordings.worded,
    )


def _refutes(half: Half) -> bool:
    """Tell whether one question got two answers."""
    return len(set(half.answers)) > 1 and len({spent.request for spent in half.spent}) == 1


def setup(setups: Sequence[Setup], name: str) -> Setup | None:
    """Return the target or scenario of that name."""
    return next((each for each in setups if each.name == name), None)


def _half(column: Column, group: Group, budget: _Budget) -> Half:
    outcomes = Counter(trial.outcome for trial in group.trials)
    judged = [trial for trial in group.trials if trial.outcome in {"passed", "failed"}]
    recordings = [trial.recording for trial in judged if trial.recording]
    said = [_answer(trial) for trial in judged]
    sizes = sorted(Counter(said).values(), reverse=True)
    texts = [trial.text for trial in judged]
    whole = len(judged) > 1 and all(trial.answer is None for trial in judged)
    return Half(
        place=column.place(group),
        target=group.target,
        scenario=group.scenario,
        passed=outcomes["passed"],
        judged=len(judged),
        errored=outcomes["errored"],
        refused=outcomes["refused"],
        skipped=outcomes["skipped"],
        truncated=sum(trial.truncated for trial in judged),
        trials=len(group.trials),
        codes=tuple(sorted(t.code or "unknown" for t in group.trials if t.outcome == "errored")),
        recordings=tuple(sorted(recordings)) if len(recordings) == len(judged) else None,
        answers=tuple(number for number, size in enumerate(sizes) for _ in range(size)),
        similarity=budget.similarity(texts) if whole else None,
        checks=_checks(max((_versions(trial) for trial in judged), key=len, default=())),
        spent=tuple(_spent(trial) for trial in judged),
        scores=tuple(score for trial in judged if (score := trial.score) is not None),
    )


def _answer(trial: Trial) -> str:
    """Return what stands for an answer, the same whether its text was kept or its digest."""
    return trial.answer or sha256(clean(trial.text).encode()).hexdigest()[:16]


def _versions(trial: Trial) -> tuple[tuple[str, int], ...]:
    return tuple((score.check, score.version) for score in trial.scores)


@cache
def _checks(versions: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    """Keep one copy of what thousands of groups have in common."""
    return versions


def _spent(trial: Trial) -> Spent:
    usage, ledger = trial.usage, trial.ledger or Ledger(text=None)
    billed, overhead = usage.input_tokens, ledger.overhead(usage)
    unexplained = ledger.unexplained(usage)
    return Spent(
        input_tokens=billed,
        output_tokens=usage.output_tokens,
        cost=trial.cost,
        latency_s=trial.latency_s,
        overhead=overhead / billed if billed and overhead is not None else None,
        billed=None if billed is None else billed - _media(usage, ledger),
        unexplained=unexplained,
        predicted=None if unexplained is None else ledger.wording,
        markup=ledger.markup if trial.ledger else None,
        traits=ledger.traits,
        request=trial.request,
        model=trial.model,
    )


def _media(usage: Usage, ledger: Ledger) -> int:
    billed = (usage.image_tokens, usage.video_tokens, usage.audio_tokens)
    if billed == (None, None, None):
        return ledger.media or 0
    return sum(count or 0 for count in billed)
