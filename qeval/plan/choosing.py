"""What of a plan to run: names, patterns, and expressions as pytest's `-k` takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from qeval.errors import UsageError, nearest
from qeval.plan.values import PlannedGroup, Selection

_TOKEN = re.compile(r"[()]|[^\s()]+")
Test = Callable[[str], bool]


def keyword(expression: str) -> Test:
    """Return a test of texts: parts that are in it, with `and`, `or`, `not` and parentheses.

    Letter case does not count.

    Raises:
        UsageError: It is no expression.

    >>> keyword("sum and not (17 or qwen3)")("sum-3-25 qwen-plus")
    True
    """
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = _TOKEN.findall(expression)
        self.place = 0

    def whole(self) -> Test:
        test = self.any()
        if self.place < len(self.tokens):
            raise self.wrong(f"{self.tokens[self.place]!r} is one too many")
        return test

    def any(self) -> Test:
        tests = [self.all()]
        while self.take("or"):
            tests.append(self.all())
        return tests[0] if len(tests) == 1 else lambda text: any(test(text) for test in tests)

    def all(self) -> Test:
        tests = [self.one()]
        while self.take("and"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda text: all(test(text) for test in tests)

    def one(self) -> Test:
        if self.take("not"):
            test = self.one()
            return lambda text: not test(text)
        if self.take("("):
            test = self.any()
            if not self.take(")"):
                raise self.wrong("a ) is missing")
            return test
        if self.place == len(self.tokens) or self.tokens[self.place] in {"and", "or", ")"}:
            raise self.wrong("a name is missing")
        part = self.tokens[self.place].lower()
        self.place += 1
        return lambda text: part in text.lower()

    def take(self, token: str) -> bool:
        if self.place < len(self.tokens) and self.tokens[self.place] == token:
            self.place += 1
            return True
        return False

    def wrong(self, why: str) -> UsageError:
        return UsageError(
            f"-k {self.expression!r}: {why}",
            hint="write it like `-k 'paris and not (sum or berlin)'`",
        )


def choose(groups: list[PlannedGroup], selection: Selection) -> list[PlannedGroup]:
    """Return the groups that a selection leaves, in order.

    Raises:
        UsageError: The keyword is no expression.
    """
    tests = _tests(selection)
    if tests:
        groups = [group for group in groups if all(test(group) for test in tests)]
    if selection.limit is not None:
        first = set(list(dict.fromkeys(group.case.id for group in groups))[: selection.limit])
        groups = [group for group in groups if group.case.id in first]
    return groups


def _tests(selection: Selection) -> list[Callable[[PlannedGroup], bool]]:
    tests: list[Callable[[PlannedGroup], bool]] = []
    if selection.keyword is not None and selection.keyword.strip():
        words = keyword(selection.keyword)
        tests.append(lambda g: words(f"{g.case.id} {g.target_id} {g.scenario.name}"))
    if selection.tags:
        tags = frozenset(selection.tags)
        tests.append(lambda g: not tags.isdisjoint(g.case.tags))
    if selection.cases:
        tests.append(lambda g: _any(g.case.id, selection.cases))
    if selection.targets:
        tests.append(lambda g: _any(g.target_id, selection.targets))
    if selection.scenarios:
        tests.append(lambda g: _scenario(g.scenario.name, selection.scenarios))
    if selection.keys is not None:
        keys = selection.keys
        tests.append(lambda g: (g.case.id, g.target_id, g.scenario.name) in keys)
    return tests


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def _scenario(name: str, patterns: Iterable[str]) -> bool:
    return _any(name, patterns) or _any(name.partition(":")[0], patterns)


def unmatched(groups: list[PlannedGroup], selection: Selection) -> list[str]:
    """Return a warning for each name or pattern that chooses nothing in the whole plan."""
    cases = {group.case.id for group in groups}
    targets = {group.target_id for group in groups}
    scenarios = {group.scenario.name for group in groups}
    scenarios |= {name.partition(":")[0] for name in scenarios}
    tags = {tag for group in groups for tag in group.case.tags}
    found = []
    for kind, patterns, known in (
        ("case", selection.cases, cases),
        ("target", selection.targets, targets),
        ("scenario", selection.scenarios, scenarios),
        ("tag", selection.tags, tags),
    ):
        for pattern in patterns:
            if pattern not in known and not any(fnmatchcase(name, pattern) for name in known):
                close = nearest(pattern, known)
                told = f"; did you mean {close!r}?" if close else ""
                found.append(f"no {kind} is called {pattern!r}{told}")
    return found
