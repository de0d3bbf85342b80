"""JUnit's XML, which build servers read: a test case for each verdict, a failure for each red one.

Characters that no XML document may hold are made visible, so the document is well-formed
whatever a model said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from qeval.compare.values import Against, Change, Comparison
from qeval.record import Group, Source
from qeval.report.formats.gate import Failure
from qeval.report.marks import line
from qeval.report.summary import because

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_PLACE = {
    "worse:overall": "overall",
    "undecided": "overall",
    "errors": "overall",
    "worse:cases": "cases",
    "flip": "cases",
    "gone": "cases",
    "not_comparable": "cases",
    "new failure": "cases",
    "worse:slices": "slices",
    "worse:measures": "measures",
    "drift": "drift",
}
_WITHOUT_WORD = {
    "new": "new: nothing to compare it with",
    "gone": "gone: it is not in the new run",
    "lost": "lost: not judged on both sides",
}


def render(comparison: Comparison, red: Sequence[Failure]) -> str:
    """Return a comparison: a suite a column, with overall, slices, measures and every case."""
    parts = [_HEAD, "<testsuites>"]
    for against in comparison.against:
        own = {
            (_PLACE[each.condition], each.name): each
            for each in red
            if each.column == against.column
        }
        first, other = comparison.sides[0], comparison.sides[against.column]
        name = f"{comparison.suite}: {other.label} against {first.label}"
        parts += _suite(name, list(_verdicts(comparison.suite, against, own)))
    return "\n".join([*parts, "</testsuites>"])


def render_run(source: Source) -> str:
    """Return a run: a suite with a test case a group."""
    cases = [_group(source.header.suite, group) for group in source.groups()]
    return "\n".join([_HEAD, "<testsuites>", *_suite(source.header.suite, cases), "</testsuites>"])


def _suite(name: str, cases: list[tuple[str, str]]) -> Iterator[str]:
    kinds = [kind for kind, _ in cases]
    yield (
        f'  <testsuite name="{_safe(name)}" tests="{len(cases)}" '
        f'failures="{kinds.count("failure")}" errors="{kinds.count("error")}" '
        f'skipped="{kinds.count("skipped")}">'
    )
    for _, text in cases:
        yield text
    yield "  </testsuite>"


def _verdicts(
    suite: str, against: Against, red: dict[tuple[str, str], Failure]
) -> Iterator[tuple[str, str]]:
    overall = red.get(("overall", "overall"))
    yield _case(suite, "overall", against.headline.sentence, overall)
    for change in against.changes:
        yield _change(suite, change, red)
    for part in against.slices:
        name = f"{part.kind} {part.name}"
        failure = red.get(("slices", name))
        yield _case(f"{suite}.slices", name, part.verdict.sentence, failure)
    for measure in against.measures:
        failure = red.get(("measures", measure.name))
        yield _case(f"{suite}.measures", measure.name, measure.sentence, failure)
    for drift in against.drifts:
        failure = red.get(("drift", drift.group))
        yield _case(f"{suite}.drift", drift.group, drift.sentence, failure)


def _change(suite: str, change: Change, red: dict[tuple[str, str], Failure]) -> tuple[str, str]:
    failure = red.get(("cases", change.name))
    if failure is None and change.state != "paired":
        why = change.why or _WITHOUT_WORD.get(change.state, change.state)
        return _ended(f"{suite}.cases", change.name, "skipped", change.state, why)
    return _case(f"{suite}.cases", change.name, change.why, failure)


def _group(suite: str, group: Group) -> tuple[str, str]:
    name = f"{group.case}[{group.scenario}-{group.target}]"
    if group.outcome == "passed":
        return "passed", f'    <testcase classname="{_safe(suite)}" name="{_safe(name)}"/>'
    kinds = {"failed": "failure", "errored": "error", "refused": "error", "skipped": "skipped"}
    return _ended(suite, name, kinds[group.outcome], group.outcome, because(group))


def _case(place: str, name: str, said: str, failure: Failure | None) -> tuple[str, str]:
    if failure is not None:
        return _ended(place, name, "failure", failure.condition, said)
    return "passed", (
        f'    <testcase classname="{_safe(place)}" name="{_safe(name)}">'
        f"<system-out>{_safe(said)}</system-out></testcase>"
    )


def _ended(place: str, name: str, kind: str, short: str, said: str) -> tuple[str, str]:
    kept = "" if kind == "skipped" else f'type="{_safe(short)}" '
    mark = f'{kept}message="{_safe(said)}"'
    return kind, (
        f'    <testcase classname="{_safe(place)}" name="{_safe(name)}"><{kind} {mark}/></testcase>'
    )


def _safe(text: str) -> str:
    return escape(line(text, 2000))
