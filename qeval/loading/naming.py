"""The second look: names across the file, and what follows from inheritance."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from qeval import models, presets
from qeval.errors import suggestion
from qeval.loading.keys import QUESTIONS, UNSOUND
from qeval.loading.merging import inherited, known_names
from qeval.loading.mistakes import Mistakes, meant
from qeval.loading.nodes import Path
from qeval.loading.project import Project
from qeval.loading.source import Source
from qeval.loading.texts import template
from qeval.loading.walking import BAD
from qeval.suite import Check

DEFAULT = "default"
"""The scenario of a suite that names none."""


class Names:
    """Looks at a merged suite as a whole.

    Args:
        values: The merged values; what is `BAD` in them has been told.
        source: Where they are written.
        project: Its targets and models are known too.
        mistakes: Takes what is wrong.
    """

    def __init__(
        self, values: dict[str, Any], source: Source, project: Project, mistakes: Mistakes
    ) -> None:
        self.values = values
        self.source = source
        self.project = project
        self.mistakes = mistakes
        self.warnings: list[str] = []
        self.targets = self._keys("targets", project.default_targets)
        self.scenarios = self._keys("scenarios", (DEFAULT,))
        self.tools = _names(values.get("tools"))
        self.checks = known_names(_items(values.get("checks")))

    def look(self) -> list[str]:
        """Note every mistake, and return the warnings."""
        self._targets()
        self._scenarios()
        self._tools(("tools",), self.values.get("tools"), ())
        ids: dict[str, int] = {}
        for i, case in enumerate(_items(self.values.get("cases"))):
            if isinstance(case, dict):
                self._id(i, case, ids)
                self._case(("cases", i), case)
        return self.warnings

    def _say(self, path: Path, message: str, hint: str | None = None) -> None:
        self.mistakes.add(self.source.where(path), message, hint)

    def _unknown(
        self, path: Path, message: str, name: str, known: Iterable[str], define: str = ""
    ) -> None:
        names = sorted(known)
        hint = meant(name, names) or define or f"known are {', '.join(names) or 'none'}"
        self._say(path, message, hint)

    def _keys(self, key: str, default: Iterable[str]) -> set[str] | None:
        """Return the names a suite has under a key; None where what is there is no good."""
        value = self.values.get(key)
        if value is BAD:
            return None
        return set(default) if value is None else set(_names(value))

    # Targets

    def _targets(self) -> None:
        value = self.values.get("targets")
        if value is None:
            if self.values.get("cases") and not self.project.default_targets:
                hint = "add `targets: [qwen-plus]`, or default_targets under [tool.qeval]"
                self._say((), "the suite names no targets, so nobody is asked", hint)
            for name in self.project.default_targets:
                self._picked_target((), name)
            return
        for path, name, target in _entries("targets", value):
            if target is None:
                self._picked_target(path, name)
            elif isinstance(target, dict):
                self._defined_target(path, name, target)

    def _picked_target(self, path: Path, name: str) -> None:
        if name not in self.project.targets:
            self._model(path, name)

    def _defined_target(self, path: Path, name: str, target: dict[str, Any]) -> None:
        like = target.get("like")
        if isinstance(like, str) and models.find(like, self.project.models) is None:
            known = models.names(self.project.models)
            self._unknown((*path, "like"), f"like: unknown model {like!r}", like, known)
        if target.keys().isdisjoint(("like", "base_url", "python")):
            model = target.get("model", name)
            if isinstance(model, str):
                self._model((*path, "model") if "model" in target else path, model)

    def _model(self, path: Path, name: str) -> None:
        if models.find(name, self.project.models) is None:
            hint = suggestion("model", name, models.names(self.project.models))
            where = self.source.where(path)
            self.warnings.append(f"{where}: model {name!r} is in no table; {hint}")

    # Scenarios

    def _scenarios(self) -> None:
        value = self.values.get("scenarios")
        for path, name, scenario in _entries("scenarios", value):
            if not scenario:
                own = isinstance(value, dict)
                define = f"give it a parameter, such as `{name}: {{stream: false}}`" if own else ""
                self._preset(path, name, f"unknown scenario {name!r}", define)
            elif isinstance(scenario, dict):
                preset = scenario.get("preset")
                if isinstance(preset, str):
                    message = f"unknown preset {preset!r}"
                    self._preset((*path, "preset"), preset, message)
                self._choice((*path, "targets"), scenario.get("targets"), self.targets, "target")

    def _preset(self, path: Path, name: str, message: str, define: str = "") -> None:
        if presets.find(name) is None:
            self._unknown(path, message, name, presets.names(), define)

    def _choice(self, path: Path, chosen: Any, known: set[str] | None, kind: str) -> None:
        """Note each name or pattern that chooses none of the known."""
        for i, pattern in enumerate(_items(chosen)):
            if not isinstance(pattern, str) or known is None:
                continue
            if not any(matches(name, pattern) for name in known):
                self._unknown((*path, i), f"unknown {kind} {pattern!r}", pattern, known)

    # Cases

    def _id(self, i: int, case: dict[str, Any], ids: dict[str, int]) -> None:
        own = case.get("id")
        if not isinstance(own, str) or template(own):
            return
        other = ids.setdefault(own.lower(), i)
        if other != i:
            first = self.source.where(("cases", other, "id"))
            here = self.source.where(("cases", i, "id"))
            same = first.rpartition(":")[0] == here.rpartition(":")[0]
            place = f"on line {first.rpartition(':')[2]}" if same else f"in {first}"
            message = f"case id {own!r} is here twice; first {place}"
            self._say(("cases", i, "id"), message, "give each case an id of its own")

    def _case(self, path: Path, case: dict[str, Any]) -> None:
        self._choice((*path, "targets"), case.get("targets"), self.targets, "target")
        self._choice((*path, "scenarios"), case.get("scenarios"), self.scenarios, "scenario")
        self._without(path, case)
        self._varied(path, case)
        own = self._tools((*path, "tools"), case.get("tools"), self.tools)
        self._results(path, case, own)
        if UNSOUND not in case:
            self._whole(path, case)

    def _whole(self, path: Path, case: dict[str, Any]) -> None:
        """Note a case without a question, or in which nothing could fail."""
        if case.keys().isdisjoint(QUESTIONS):
            hint = "say what is asked as `user:`, `messages:` or `turns:`"
            self._say(path, "the case asks nothing", hint)
        if not self._checked(case):
            hint = "add `checks: [length: {min_chars: 1}]` if any answer will do"
            self._say(path, "the case has no check, so nothing could fail", hint)

    def _checked(self, case: dict[str, Any]) -> bool:
        if case.get("checks") or any(turn.get("checks") for turn in _items(case.get("turns"))):
            return True
        if self.values.get("checks") is BAD:
            return True
        names = set(_items(case.get("without")))
        return any(
            not isinstance(check, Check) or check.known_as.isdisjoint(names)
            for check in _items(self.values.get("checks"))
        )

    def _without(self, path: Path, case: dict[str, Any]) -> None:
        for i, name in enumerate(_items(case.get("without"))):
            if isinstance(name, str) and name not in self.checks and None not in self.checks:
                message = f"without: no inherited check is called {name!r}"
                hint = inherited(name, self.checks)
                self._say((*path, "without", i), message, hint)

    def _varied(self, path: Path, case: dict[str, Any]) -> None:
        """Note each parameter that the case sets and one of its scenarios varies."""
        params = case.get("params")
        scenarios = self.values.get("scenarios")
        if not isinstance(params, dict) or not isinstance(scenarios, dict):
            return
        for name, scenario in scenarios.items():
            if not isinstance(scenario, dict) or not _chosen(name, case.get("scenarios")):
                continue
            varied = scenario.get("sweep") or scenario.get("grid")
            for key in params:
                if isinstance(varied, dict) and key in varied:
                    called = (
                        f"case {case['id']!r}" if isinstance(case.get("id"), str) else "the case"
                    )
                    message = f"{called} sets {key}, which scenario {name!r} varies"
                    hint = "restrict the case with `scenarios:`"
                    self._say((*path, "params", key), message, hint)

    # Tools

    def _tools(self, path: Path, tools: Any, inherited: Iterable[str]) -> set[str]:
        """Note picked tools that nobody defines, and return the names that hold here."""
        names = set(inherited)
        if isinstance(tools, dict):
            for name, tool in tools.items():
                if tool is None:
                    self._unknown((*path, name), f"unknown tool {name!r}", name, names)
            return names | set(tools)
        if not isinstance(tools, tuple):
            return names
        for i, name in enumerate(tools):
            if isinstance(name, str) and name not in names:
                self._unknown((*path, i), f"unknown tool {name!r}", name, names)
        return {name for name in tools if isinstance(name, str)}

    def _results(self, path: Path, case: dict[str, Any], tools: set[str]) -> None:
        results = case.get("results")
        if not isinstance(results, dict) or self.values.get("tools") is BAD:
            return
        if case.get("tools") is BAD:
            return
        for name in results:
            if name not in tools:
                self._unknown(
                    (*path, "results", name), f"results: unknown tool {name!r}", name, tools
                )


def matches(name: str, pattern: str) -> bool:
    """Whether a name or pattern chooses a target or scenario, or one that it expands to."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, pattern.partition(":")[0])


def _chosen(name: str, patterns: Any) -> bool:
    chosen = [pattern for pattern in _items(patterns) if isinstance(pattern, str)]
    return patterns is None or any(matches(name, pattern) for pattern in chosen)


def _items(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def _names(value: Any) -> tuple[str, ...]:
    """Return the names that a mapping defines or a list picks."""
    items = value if isinstance(value, dict | tuple) else ()
    return tuple(name for name in items if isinstance(name, str))


def _entries(key: str, value: Any) -> Iterable[tuple[Path, str, Any]]:
    """Yield path, name and settings of what a mapping defines or a list picks (None)."""
    if isinstance(value, dict):
        for name, settings in value.items():
            yield (key, name), name, settings
    for i, name in enumerate(_items(value)):
        if isinstance(name, str):
            yield (key, i), name, None
