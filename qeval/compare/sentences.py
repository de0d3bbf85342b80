"""The judgement as it is said (verdicts.md section 14): one sentence, the word first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qeval import units
from qeval.compare.judging import Weighed
from qeval.compare.pairing import Errors, Match
from qeval.compare.phrases import amount, named, number, points, span
from qeval.compare.prospects import prospects
from qeval.compare.values import By, Change, Settings, Word
from qeval.value import Value


class Around(Value):
    """What a sentence needs to know beside the estimate."""

    settings: Settings
    by: By
    names: tuple[str, str]
    """Of the sides, as `the baseline` and `the new run`."""
    errors: tuple[Errors, Errors] = (Errors(), Errors())
    changes: tuple[Change, ...] = ()
    """Those that the verdict is over; of a slice, its own."""
    suspects: tuple[Change, ...] = ()
    """The worst first."""
    family: str = ""
    """What it was corrected for, such as `6 slices`; '' for a family of one."""
    single: bool = False
    """Whether all stand under one target and scenario, so that a case's id names it."""
    unstable: bool = False
    """Whether the word would be another if the errored trials had passed, or had failed."""


def sentence(weighed: Weighed, word: Word, around: Around) -> str:
    """Say a verdict: the word, how much, how sure, over what, and what is the worst."""
    if weighed.facts:
        said = _facts(weighed, word, around)
    elif not weighed.pairs:
        said = _nothing(word, around)
    elif weighed.errors:
        said = _errors(around)
    elif word == "undecided":
        said = _undecided(weighed, around)
    elif word == "same":
        said = _same(weighed, around)
    else:
        said = _changed(weighed, word, around)
    tail = [
        *(_beside(weighed, around) if weighed.pairs and not weighed.facts else ()),
        *_left_out(around),
    ]
    unstable = " (errors could change this)" if around.unstable else ""
    return " ".join([_ended(said + unstable), *tail])


def over(weighed: Weighed) -> str:
    """Say what an estimate is over: `41 cases × 5 trials`, `82 groups of 41 cases`."""
    groups = len(weighed.pairs)
    cases = len({match.place.case for match in weighed.matches})
    said = number(cases, "case")
    if groups != cases:
        said = f"{units.count(groups)} groups of {said}"
    counts = {count for pair in weighed.pairs for count in (pair.k_a, pair.k_b)}
    if counts == {1}:
        return said
    low, high = min(counts), max(counts)
    return f"{said} × {low if low == high else f'{low} to {high}'} trials"


def _changed(weighed: Weighed, word: Word, around: Around) -> str:
    estimate = weighed.estimate
    assert estimate is not None  # noqa: S101  # no other word is better or worse
    edge = estimate.high if word == "worse" else -estimate.low
    beyond = weighed.margin > 0 and edge < -weighed.margin
    within = f" by more than the margin of {amount(weighed.margin)}" if beyond else ""
    size = f"by {amount(estimate.difference)}"
    start = f"{word}{within}: {size}" if beyond else f"{word} {size}"
    interval = f"{_level(around)}: {span(estimate.low, estimate.high)}; {over(weighed)}"
    return f"{start} {_where(weighed, around)} ({interval}){_worst(around, after='; ')}"


def _same(weighed: Weighed, around: Around) -> str:
    estimate = weighed.estimate
    assert estimate is not None  # noqa: S101  # what has no estimate is not the same
    worse, better = max(0.0, -estimate.same_low), max(0.0, estimate.same_high)
    said = (
        f"the same within {amount(weighed.margin)}: at most {points(worse)} worse, "
        f"{points(better)} better ({units.percent(1 - around.settings.alpha)} each side; "
        f"{over(weighed)})"
    )
    if estimate.p < around.settings.alpha and estimate.difference:
        shown = units.points(estimate.difference)
        said += f"; a difference of {shown} points is detectable and smaller than the margin"
    worse_cases = _names(around.changes, around, "worse")
    if worse_cases:
        said += f"; but worse on {number(len(worse_cases), 'case')}: {named(worse_cases)}"
    return said


def _undecided(weighed: Weighed, around: Around) -> str:
    estimate = weighed.estimate
    if not any(pair.d for pair in weighed.pairs):
        within = f"too few to call it the same within {amount(weighed.margin)}"
        few = f"no change seen in {over(weighed)}"
        if not weighed.margin:
            return few
        return f"{few}, {within}{_after(': ', prospects(weighed, around.settings))}"
    if estimate is None:
        alone = f"{over(weighed)}, one trial each, cannot tell"
        if len(weighed.pairs) > 1:
            alone = f"all {over(weighed)} hang together in one cluster"
        return f"not decided: {alone}{_worst(around, after='; ')}"
    seen = "no difference on average"
    if estimate.difference:
        seen = f"{amount(estimate.difference)} {'worse' if estimate.difference < 0 else 'better'}"
    interval = f"{_level(around)}: {span(estimate.low, estimate.high)}; {over(weighed)}"
    said = f"not decided: {seen} {_where(weighed, around)} ({interval})"
    if weighed.few:
        said += f"; fewer than {around.settings.min_cases} {_unit(weighed)} say little of others"
    elif estimate.p < around.settings.alpha:
        said += f"; not after correction for {around.family or 'the others'}"
    would = prospects(weighed, around.settings)
    return f"{said}{_worst(around, after='; ')}{_after('. ', would)}"


def _unit(weighed: Weighed) -> str:
    return "cases" if weighed.clusters == len(weighed.pairs) else "clusters of cases"


def _facts(weighed: Weighed, word: Word, around: Around) -> str:
    """Say what is no sample: how many answers now fail, or pass, and why that is certain."""
    moved, why = _certain(weighed.matches, around)
    if not moved:
        groups = number(len(weighed.pairs), "group")
        return f"the same: nothing changed in {groups} of answers. {why}"
    start = "the same on average" if word == "same" else word
    return f"{start}: {moved}{_worst(around, after=': ', short=True)}. {why}"


def _certain(matches: Sequence[Match], around: Around) -> tuple[str, str]:
    """Return what changed of facts, '' for nothing, and why it is certain."""
    steps = [
        round((m.b.passed / m.b.judged - m.a.passed / m.a.judged) * m.b.judged)
        for m in matches
        if m.a and m.b
    ]
    fallen = -sum(step for step in steps if step < 0)
    risen = sum(step for step in steps if step > 0)
    recorded = all(match.fact == "recording" for match in matches)
    kind = "recorded answer" if recorded else "answer"
    moved = [
        _moved(count, kind, verbs, around)
        for count, verbs in ((fallen, ("pass", "fail")), (risen, ("fail", "pass")))
        if count
    ]
    said = " and ".join(moved) + (" under today's checks" if moved and recorded else "")
    why = "These are the same recordings" if recorded else "Targets are declared deterministic"
    return said, f"{why}: a fact, not a sample"


def _moved(count: int, kind: str, verbs: tuple[str, str], around: Around) -> str:
    answers = number(count, kind)
    before, now = (_verb(count, verb) for verb in verbs)
    if around.by == "run":
        return f"{answers} that {verbs[0]}ed now {now}"
    return f"{answers} {before} with {around.names[0]} and {now} with {around.names[1]}"


def _nothing(word: Word, around: Around) -> str:
    if word == "not_comparable":
        whys = {each.why.partition(": ")[2] for each in around.changes if each.state == word}
        several = "what they ask, or how it is judged, changed"
        return f"not comparable: of every case, {whys.pop() if len(whys) == 1 else several}"
    return "not decided: nothing to compare, no case was judged on both sides"


def _errors(around: Around) -> str:
    limit = around.settings.max_errors
    told = []
    for name, side in zip(around.names, around.errors, strict=True):
        if side.share <= limit:
            continue
        bad = side.errored + side.lost
        how = "ended in errors" if not side.lost else "ended in errors or have no counterpart"
        if not side.errored:
            how = "have no counterpart"
        codes = ", ".join(f"{units.count(n)} of them {code}" for code, n in _codes(side))
        of = f"{units.count(bad)} of {units.count(side.planned)}"
        told.append(
            f"{units.percent(side.share)} of {name}'s trials {how} ({of}{_after(', ', codes)})"
        )
    return f"not decided: {' and '.join(told)}; the limit is {units.percent(limit)}"


def _codes(side: Errors) -> list[tuple[str, int]]:
    return list(side.codes.items())[:3]


def _beside(weighed: Weighed, around: Around) -> Iterator[str]:
    """Say what a mixed comparison knows for sure, and which recordings were replaced."""
    facts = [match for match in weighed.matches if match.fact]
    moved, why = _certain(facts, around)
    if moved:
        yield f"{moved}. {why}."
    flips = [each for each in around.changes if each.flip and (each.difference or 0) < 0]
    if flips and around.by == "run":
        what = "recording was" if len(flips) == 1 else "recordings were"
        yield (
            f"{units.count(len(flips))} {what} replaced and now {_verb(len(flips), 'fail')}; "
            "one trial each, so this may be chance."
        )


def _left_out(around: Around) -> Iterator[str]:
    counted = [
        (sum(each.state == state for each in around.changes), said)
        for state, said in (
            ("not_comparable", "not comparable"),
            ("new", "new"),
            ("gone", "gone"),
            ("lost", "lost"),
        )
    ]
    told = [f"{units.count(count)} {said}" for count, said in counted if count]
    if told and any(each.state == "paired" for each in around.changes):
        yield f"Left out: {', '.join(told)}."


def _worst(around: Around, *, after: str, short: bool = False) -> str:
    """Name the cases that are worse; where none is decided, those that are suspect."""
    worse = _names(around.suspects, around, "worse")
    if worse:
        listed = named(worse)
        return (
            f"{after}{listed}"
            if short
            else f"{after}worse on {number(len(worse), 'case')}: {listed}"
        )
    suspect = _names(around.suspects, around)
    return f"{after}suspects: {named(suspect)}" if suspect and not short else ""


def _names(changes: Sequence[Change], around: Around, word: Word | None = None) -> list[str]:
    return [
        each.case if around.single else each.name
        for each in changes
        if word is None or each.word == word
    ]


def _where(weighed: Weighed, around: Around) -> str:
    if weighed.reading == "cases":
        return "on cases like these"
    cases = len({match.place.case for match in weighed.matches})
    few = weighed.clusters < around.settings.min_cases
    return (
        f"on {'this' if cases == 1 else 'these'} {number(cases, 'case')}"
        if few
        else "on this suite"
    )


def _level(around: Around) -> str:
    return units.percent(1 - around.settings.alpha)


def _after(joint: str, text: str) -> str:
    return f"{joint}{text}" if text else ""


def _verb(count: int, verb: str) -> str:
    """Return a verb in the present for one or many: `1 answer fails`, `2 answers fail`."""
    if count != 1:
        return verb
    return f"{verb}es" if verb.endswith(("s", "o")) else f"{verb}s"


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
