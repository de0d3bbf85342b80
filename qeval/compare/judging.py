"""The verdict rule (verdicts.md sections 2, 3.3 and 3.5): pairs in, a word with its estimate out.

The case is the unit: the estimate is the plain mean of its differences, and two readings say how
sure it is. `suite` asks whether this suite changed, `cases` whether it would hold for cases like
these. A case asked in several scenarios or of several targets gives several pairs; for `cases`
they hang together as one cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import fsum

from qeval.compare.pairing import Errors, Match, Missing, pairs
from qeval.compare.values import DEFAULT_MARGIN, By, Reading, Settings, Word
from qeval.errors import UsageError
from qeval.stats.families import holm
from qeval.stats.paired import Estimate, Pair, by_cases, by_suite
from qeval.value import Json, Value


class Weighed(Value):
    """A set of pairs with its estimate, before the family it belongs to decides."""

    matches: tuple[Match, ...] = ()
    """Those that were paired."""
    pairs: tuple[Pair, ...] = ()
    estimate: Estimate | None = None
    reading: Reading | None = None
    margin: float = DEFAULT_MARGIN
    fixed: Word | None = None
    """Decided without a test: facts, nothing to compare, errors, too few cases."""
    facts: bool = False
    errors: bool = False
    """Whether errors alone keep it from being decided."""
    few: bool = False
    """Whether there are too few cases for its reading."""
    clusters: int = 0
    largest: float = 0.0
    """Share of the pairs that the largest cluster holds."""


class Weigher:
    """Weighs sets of matches of one column by one set of settings.

    Args:
        settings: As the user has them.
        by: The side that is compared.
        errors: Of both sides.
        cluster: Match → what it hangs together with.
    """

    def __init__(
        self,
        settings: Settings,
        by: By,
        errors: tuple[Errors, Errors],
        cluster: Callable[[Match], str] | None = None,
    ) -> None:
        self.settings = settings
        self.reading: Reading = settings.reading or ("suite" if by == "run" else "cases")
        self.margin = DEFAULT_MARGIN if settings.margin is None else settings.margin
        self.errored = max(side.share for side in errors) > settings.max_errors
        self._cluster = cluster or (lambda match: match.place.case)

    def weigh(self, matches: list[Match], missing: Missing = "left out") -> Weighed:
        """Return the estimate over the matches, or the word that needs none."""
        comparable = [each for each in matches if each.state != "not_comparable"]
        taken = pairs(comparable, missing)
        if not taken:
            gone = matches and all(
                each.state in {"not_comparable", "new", "gone"} for each in matches
            )
            changed = any(each.state == "not_comparable" for each in matches)
            return Weighed(fixed="not_comparable" if gone and changed else "undecided")
        kept, given = (tuple(column) for column in zip(*taken, strict=True))
        return self.of(kept, given)

    def of(self, kept: tuple[Match, ...], given: tuple[Pair, ...]) -> Weighed:
        """Return the estimate over the pairs of some matches, at least one."""
        if all(pair.fact for pair in given):
            return self._facts(kept, given)
        return self._sample(kept, given)

    def _facts(self, kept: tuple[Match, ...], given: tuple[Pair, ...]) -> Weighed:
        margin = self.settings.margin or 0.0
        mean = mean_of(given)
        word: Word = "same" if abs(mean) <= margin else "worse" if mean < 0 else "better"
        return Weighed(matches=kept, pairs=given, margin=margin, fixed=word, facts=True)

    def _sample(self, kept: tuple[Match, ...], given: tuple[Pair, ...]) -> Weighed:
        clusters = [self._cluster(match) for match in kept]
        sizes = Counter(clusters)
        reading = self._readable(given, len(sizes))
        few = reading == "cases" and len(sizes) < self.settings.min_cases
        return Weighed(
            matches=kept,
            pairs=given,
            estimate=self.estimate(given, clusters, reading),
            reading=reading,
            margin=self.margin,
            fixed="undecided" if self.errored or few else None,
            errors=self.errored,
            few=few,
            clusters=len(sizes),
            largest=max(sizes.values()) / len(given),
        )

    def _readable(self, given: tuple[Pair, ...], clusters: int) -> Reading:
        """Return the reading that these pairs allow.

        `suite` needs two trials a side for at least half of them, or it knows no noise; `cases`
        needs enough cases, and where there are fewer, `suite` answers for these few.
        """
        repeated = 2 * sum(min(pair.k_a, pair.k_b) >= 2 for pair in given) >= len(given)
        few = clusters < self.settings.min_cases
        return "suite" if repeated and (self.reading == "suite" or few) else "cases"

    def estimate(
        self, given: Sequence[Pair], clusters: Sequence[str], reading: Reading
    ) -> Estimate | None:
        """Return the estimate in one reading; a margin of 0 is left to `words`."""
        alpha, margin = self.settings.alpha, self.margin or DEFAULT_MARGIN
        if reading == "suite":
            return by_suite(given, alpha=alpha, margin=margin)
        own = len(set(clusters)) == len(clusters)
        return by_cases(given, alpha=alpha, margin=margin, clusters=None if own else clusters)

    def words(self, family: Sequence[Weighed]) -> list[Word]:
        """Decide a family: `same` before `worse`, each by its own Holm over the members."""
        tests = [each.estimate for each in family if each.fixed is None and each.estimate]
        p = iter(holm([test.p for test in tests]))
        p_same = iter(holm([test.p_same for test in tests]))
        return [
            self._word(each, next(p), next(p_same))
            if each.fixed is None and each.estimate
            else each.fixed or "undecided"
            for each in family
        ]

    def _word(self, weighed: Weighed, p: float, p_same: float) -> Word:
        assert weighed.estimate is not None  # noqa: S101  # `words` asks only for those that have
        if p_same < self.settings.alpha and weighed.margin > 0:
            return "same"
        if p < self.settings.alpha and weighed.estimate.difference:
            return "worse" if weighed.estimate.difference < 0 else "better"
        return "undecided"


def mean_of(given: Sequence[Pair]) -> float:
    """Return the mean difference; what is left of 0 after rounding is 0."""
    mean = fsum(pair.d for pair in given) / len(given)
    return 0.0 if abs(mean) < 1e-12 else mean


def clustering(key: str | None, matches: list[Match]) -> Callable[[Match], str] | None:
    """Return what a case hangs together with, by `vars.NAME` or `tag:PREFIX`; None: itself.

    A case without the value stands for itself.

    Raises:
        UsageError: The key has neither form, or no case has such a value.
    """
    if key is None:
        return None
    kind, name = ("tag", key[4:]) if key.startswith("tag:") else key.partition(".")[::2]
    if kind not in {"tag", "vars"} or not name:
        raise UsageError(
            f"cluster {key!r} is neither a value of the cases nor a tag",
            hint="write `vars.NAME` or `tag:PREFIX`",
        )
    found = {each.place.case: _value(each, kind, name) for each in matches}
    if matches and not any(value is not None for value in found.values()):
        raise UsageError(
            f"cluster {key!r}: no case has it",
            hint="name a value that the cases have, short text or a number, or a tag's beginning",
        )

    def cluster(each: Match) -> str:
        value = found[each.place.case]
        return f"case {each.place.case}" if value is None else f"{kind} {value}"

    return cluster


def _value(each: Match, kind: str, name: str) -> Json:
    if kind == "tag":
        return next((tag for tag in each.asked.tags if tag.startswith(name)), None)
    return each.asked.vars.get(name)
