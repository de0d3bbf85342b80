"""What an undecided comparison would need: how many cases, or how many trials of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import fsum

from qeval import units
from qeval.compare.judging import Weighed
from qeval.compare.phrases import amount, number
from qeval.compare.values import DEFAULT_MARGIN, Settings
from qeval.stats.distributions import normal_quantile
from qeval.stats.paired import Pair, by_cases, by_suite
from qeval.stats.power import DIFFICULTY, Design, cases_needed, difficulty, smallest_drop

POWER = 0.8
"""Chance of seeing what is there, for which these numbers are."""
MOST = 1_000
"""Trials of each case beyond which nothing is said."""
MOST_SURE = 0.99
"""A rate that passes for 1: no suite shows that nothing ever fails, and 1 has no variance."""
STEPS = (3, 5, 10, 20, 50)
"""Trials that are proposed."""


def prospects(weighed: Weighed, settings: Settings) -> str:
    """Say what would decide pairs that are samples; '' where nothing is known of it."""
    if not any(pair.d for pair in weighed.pairs):
        return _unchanged(weighed, settings)
    said = [_drop(weighed, settings), _seen(weighed, settings)]
    return " ".join(each for each in said if each)


def _unchanged(weighed: Weighed, settings: Settings) -> str:
    """Say how many cases, or trials of each, would show that nothing changed."""
    found = []
    k_a, k_b = _usual(weighed.pairs)
    suite = weighed.reading == "suite"
    cases = _least(
        lambda n: _is_same([Pair(0, k_a, k_b, 0.0, 0.0)] * n, weighed, settings, suite=suite),
        len(weighed.pairs) + 1,
        10_000,
    )
    if cases:
        found.append(number(cases, _noun(weighed)))
    trials = _least(
        lambda k: _is_same(_repeated(weighed.pairs, k), weighed, settings, suite=True),
        max(2, max(k_a, k_b) + 1),
        MOST,
    )
    if trials:
        found.append(f"{units.count(trials)} trials each")
    return f"{' or '.join(found)} would do" if found else ""


def _drop(weighed: Weighed, settings: Settings) -> str:
    """Say how many cases a drop of the margin would need, now and with more trials."""
    design = _design(weighed, settings)
    if design is None:
        return ""
    groups, noun = len(weighed.pairs), _noun(weighed)
    needed = cases_needed(design)
    if needed <= groups:
        least = smallest_drop(design, groups) or design.drop
        return f"The least drop that would show here is {amount(least)}."
    more = next((k for k in STEPS if k > max(design.k_a, design.k_b)), None)
    other = ""
    if more is not None:
        with_more = cases_needed(design._replace(k_a=more, k_b=more))
        other = f", or with {units.count(with_more)} at {more} trials"
    would = f"would show with {number(needed, noun)}{other}"
    return f"A drop of {amount(design.drop)} {would}."


def _design(weighed: Weighed, settings: Settings) -> Design | None:
    """Return what was planned, by the rate and the difficulty that A shows.

    None where A passes so little that a drop of the margin is not possible.
    """
    rates = [match.a.passed / match.a.judged for match in weighed.matches if match.a]
    k_a, k_b = _usual(weighed.pairs)
    rate, drop = fsum(rates) / len(rates), weighed.margin or DEFAULT_MARGIN
    rate = min(rate, MOST_SURE)
    if drop > rate:
        return None
    return Design(
        rate=rate,
        drop=drop,
        k_a=k_a,
        k_b=k_b,
        reading=weighed.reading or "cases",
        difficulty=difficulty(rates, k_a) if k_a > 1 else DIFFICULTY,
        alpha=settings.alpha,
        power=POWER,
    )


def _seen(weighed: Weighed, settings: Settings) -> str:
    """Say how many trials of each case would decide the difference that is seen.

    Only of this suite: more trials of few cases say nothing of others. The noise of a trial is
    taken as it was seen, so the number is a guide: it is where the difference is as many standard
    errors from 0 as a power of 0.8 asks.
    """
    estimate = weighed.estimate
    if weighed.reading != "suite" or estimate is None or not estimate.difference:
        return ""
    ask = normal_quantile(1 - settings.alpha / 2) + normal_quantile(POWER)

    def shows(k: int) -> bool:
        again = by_suite(_repeated(weighed.pairs, k), alpha=settings.alpha, margin=DEFAULT_MARGIN)
        return again is not None and abs(again.difference) >= ask * again.se

    trials = _least(shows, max(_usual(weighed.pairs)) + 1, MOST)
    if trials is None:
        return ""
    return (
        f"The {amount(estimate.difference)} seen here would show with {trials} trials of each case."
    )


def _repeated(given: Sequence[Pair], k: int) -> list[Pair]:
    """Return the same pairs as if each side had been asked k times, as noisy as before."""
    return [pair._replace(k_a=k, k_b=k) for pair in given]


def _is_same(given: Sequence[Pair], weighed: Weighed, settings: Settings, *, suite: bool) -> bool:
    judge = by_suite if suite else by_cases
    estimate = judge(given, alpha=settings.alpha, margin=weighed.margin)
    return estimate is not None and estimate.p_same < settings.alpha


def _least(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """Return the least number from low to high for which it holds, where more never breaks it."""
    reach = low
    while not holds(min(reach, high)):
        if reach >= high:
            return None
        low, reach = reach + 1, 2 * reach
    high = min(reach, high)
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _usual(given: Sequence[Pair]) -> tuple[int, int]:
    """Return the median of judged trials a side."""
    middle = len(given) // 2
    return (
        sorted(pair.k_a for pair in given)[middle],
        sorted(pair.k_b for pair in given)[middle],
    )


def _noun(weighed: Weighed) -> str:
    groups = len({match.place.case for match in weighed.matches}) != len(weighed.pairs)
    return "group" if groups else "case"
