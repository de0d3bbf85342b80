"""What a whole replay has left unread of a suite's recordings: told after every such run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from qeval.errors import nearest
from qeval.loading.project import Project
from qeval.plan import Plan


def unread(project: Project, plan: Plan, tapes: Mapping[str, int]) -> str:
    """Return the sentence about files and interactions that no trial has read, or ''.

    Files that were not opened are found by their names alone, which costs next to nothing.

    Args:
        project: Whose.
        plan: All of a suite.
        tapes: Unread interactions of each file that was read.
    """
    names = {(group.target_id, group.case.id) for group in plan.groups}
    recorded = set(_recorded(project.cassettes / plan.suite_id, names))
    files = len(recorded - names)
    said = [
        f"{count} {word}" + "s" * (count > 1)
        for count, word in ((files, "file"), (sum(tapes.values()), "interaction"))
        if count
    ]
    if not said:
        return ""
    return (
        f"unused recordings: {' and '.join(said)};"
        f" `qeval cassette check {plan.suite_id}` names them{_moved(names, recorded)}"
    )


def _moved(names: set[tuple[str, str]], recorded: set[tuple[str, str]]) -> str:
    """Say which case may have had another name: of its prompt, where it is given none."""
    for target, case in sorted(names - recorded):
        like = nearest(case, sorted(name for t, name in recorded - names if t == target))
        if like is not None:
            return (
                f"\n{like!r} has a recording and no case, and {case!r} a case and no recording;"
                f" `qeval cassette why {case}` compares them"
            )
    return ""


def _recorded(folder: Path, planned: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return target and case of every file that is recorded of a suite."""
    targets = _names(folder)
    if folder.name == "tests":  # the recordings of Python tests lie in a folder of that name
        targets = [name for name in targets if name in {target for target, _ in planned}]
    return [
        (target, name.removesuffix(".yaml"))
        for target in targets
        for name in _names(folder / target)
        if name.endswith(".yaml") and not name.startswith(".")
    ]


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 (3 x faster, and names are all that counts)
    except OSError:  # not there, or a file
        return []
