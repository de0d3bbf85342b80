"""Columns in, a `Comparison` out: each column judged against the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from qeval.compare.cases import changes, suspects
from qeval.compare.columns import Column, sides
from qeval.compare.drifting import drifting
from qeval.compare.environment import environment
from qeval.compare.halves import Halves, read
from qeval.compare.judging import Weighed, Weigher, clustering, mean_of
from qeval.compare.measures import measures
from qeval.compare.pairing import Errors, Match, Missing, errors, match
from qeval.compare.sentences import Around, sentence
from qeval.compare.slices import families
from qeval.compare.values import (
    Against,
    Change,
    Comparison,
    Settings,
    Slice,
    Verdict,
    Word,
)

_MODES: tuple[Missing, ...] = ("left out", "against B", "for B")


class _Joined:
    """A column joined with the first, and what is known of it before its family decides."""

    def __init__(
        self, columns: tuple[Column, Column], halves: tuple[Halves, Halves], settings: Settings
    ) -> None:
        self.columns = columns
        self.halves = halves
        self.settings = settings
        self.matches = match(columns, halves)
        self.errors: tuple[Errors, Errors] = errors(self.matches, halves)
        cluster = clustering(settings.cluster, self.matches)
        self.weigher = Weigher(settings, columns[0].by, self.errors, cluster)
        self.changes = changes(self.matches, settings, errored=self.weigher.errored)
        self.suspects = suspects(self.changes)
        self.weighed = [self.weigher.weigh(self.matches, mode) for mode in self.modes]

    @property
    def modes(self) -> tuple[Missing, ...]:
        """How often to decide: thrice where errors are few enough to decide at all."""
        some = any(side.errored for side in self.errors)
        return _MODES if some and not self.weigher.errored else _MODES[:1]

    def around(self, over: Sequence[Match], family: str, words: Sequence[Word]) -> Around:
        """Return what a sentence over some of the matches needs to know."""
        places = {each.place for each in over}
        inside = [number for number, each in enumerate(self.matches) if each.place in places]
        held = set(inside)
        return Around(
            settings=self.settings,
            by=self.columns[0].by,
            names=_names(self.columns),
            errors=self.errors,
            changes=tuple(self.changes[number] for number in inside),
            suspects=tuple(self.changes[number] for number in self.suspects if number in held),
            family=family,
            single=len({(each.place.target, each.place.scenario) for each in self.matches}) == 1,
            unstable=len(set(words)) > 1,
        )

    def slices(self) -> Iterator[Slice]:
        """Yield the parts with their verdicts; each kind is a family of its own."""
        for family in families(self.matches):
            rounds = [
                [self.weigher.weigh(list(part.matches), mode) for part in family]
                for mode in self.modes
            ]
            decided = [self.weigher.words(weighed) for weighed in rounds]
            said = f"{len(family)} {'slices' if len(family) > 1 else 'slice'}"
            for number, part in enumerate(family):
                words = [every[number] for every in decided]
                yield Slice(
                    kind=part.kind,
                    name=part.name,
                    target=part.target,
                    scenario=part.scenario,
                    verdict=verdict(
                        rounds[0][number], words[0], self.around(part.matches, said, words)
                    ),
                )

    def against(self, number: int, headline: Verdict) -> Against:
        """Return all that is said of the column."""
        drifts, drift = drifting(self.columns, self.matches)
        measured = measures(self.columns, self.matches, self.weigher)
        return Against(
            column=number,
            headline=headline,
            slices=tuple(self.slices()),
            changes=self.changes,
            suspects=self.suspects,
            measures=measured if drift is None else (*measured, drift),
            environment=environment(self.columns, self.matches),
            drifts=drifts,
            errors=(self.errors[0].share, self.errors[1].share),
            counts=_counts(self.changes),
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        for name, halves in zip(_names(self.columns), self.halves, strict=True):
            for target in halves.refuted:
                yield (
                    f"{target} is declared deterministic, but in {name} it gave two answers to one "
                    "question: its answers are judged as ones that vary."
                )
            if halves.missing:
                yield f"{name} did not end: {halves.missing} of its trials are lost."
            if not halves.similar:
                yield f"The answers of {name} are too long for their similarity to be worked out."
            if not halves.worded:
                yield f"The answers of {name} are too many for their wordings to be compared."
        weighed = self.weighed[0]
        if self.settings.reading == "suite" and weighed.reading == "cases":
            yield (
                "This suite alone was asked for, but most groups have one trial a side, which says "
                "nothing of chance: what is said is of cases like these."
            )
        if weighed.reading == "cases" and weighed.largest > 0.5 and weighed.clusters > 1:
            yield "One cluster holds over half of the cases: what is said of others hangs on it."


def compare(held: Sequence[Column], settings: Settings = Settings()) -> Comparison:  # noqa: B008  # frozen
    """Judge columns 2 to 8 against the first.

    Args:
        held: As `columns` returns them.
        settings: How to judge.

    Returns:
        Verdicts, changes, measures and what else differs, for each column but the first. The
        order of trials and of groups in a column changes no number. The headlines of all columns
        are one family.

    Raises:
        UsageError: `settings.cluster` names nothing that the cases have.
    """
    first, *others = (read(column, number) for number, column in enumerate(held))
    joined = [_Joined((held[0], held[other.column]), (first, other), settings) for other in others]
    words = _headlines(joined)
    family = f"{len(joined)} columns"
    return Comparison(
        suite=held[0].header.suite,
        by=held[0].by,
        sides=sides(held),
        against=tuple(
            each.against(
                number,
                verdict(each.weighed[0], own[0], each.around(each.matches, family, own)),
            )
            for number, (each, own) in enumerate(zip(joined, words, strict=True), 1)
        ),
        settings=settings,
    )


def verdict(weighed: Weighed, word: Word, around: Around) -> Verdict:
    """Return a weighed set with its word, as it is shown."""
    estimate = weighed.estimate
    halves = [(match.a, match.b) for match in weighed.matches]
    mean = mean_of(weighed.pairs) if weighed.pairs else None
    return Verdict(
        word=word,
        sentence=sentence(weighed, word, around),
        difference=estimate.difference if estimate else mean,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        p=estimate.p if estimate else None,
        p_same=estimate.p_same if estimate and weighed.margin else None,
        margin=weighed.margin if weighed.pairs else None,
        reading=weighed.reading,
        facts=weighed.facts,
        cases=len(weighed.pairs),
        trials=(sum(a.judged for a, _ in halves if a), sum(b.judged for _, b in halves if b)),
        passed=(sum(a.passed for a, _ in halves if a), sum(b.passed for _, b in halves if b)),
    )


def _headlines(joined: Sequence[_Joined]) -> list[list[Word]]:
    """Decide the headlines of all columns as one family, as often as there are modes."""
    most = max((len(each.modes) for each in joined), default=1)
    rounds = [
        each.weigher.words([one.weighed[min(mode, len(one.weighed) - 1)] for one in joined])
        for mode in range(most)
        for each in joined[:1]
    ]
    return [[words[number] for words in rounds] for number in range(len(joined))]


def _counts(found: Sequence[Change]) -> dict[str, int]:
    return dict(sorted(Counter(each.word or each.state for each in found).items()))


def _names(columns: tuple[Column, Column]) -> tuple[str, str]:
    """Return what sentences call the two columns."""
    if columns[0].by == "run":
        old = "the baseline" if columns[0].header.id == "baseline" else "the old run"
        return old, "the new run"
    return columns[0].label, columns[1].label
