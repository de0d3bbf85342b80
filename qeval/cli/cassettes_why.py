"""`qeval cassette why CASE`: what would be sent, what is recorded, and what mends the miss."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path

import msgspec

from qeval.cli.terminal import give, give_json, say
from qeval.loading.project import find_project
from qeval.report import text
from qeval.report.marks import line
from qeval.session.cassette_why import Question, Why, why


def execute(arguments: argparse.Namespace) -> int:
    """Explain the first trial that cannot be replayed, else the first."""
    project = find_project(Path.cwd() / "suites" / "any")
    question = Question(
        case=arguments.case,
        suite=arguments.suite,
        target=arguments.target,
        scenario=arguments.scenario,
        trial=arguments.trial,
    )
    with redirect_stdout(sys.stderr):  # what a suite's own code prints is talk, not data
        found = why(project, question)
    if arguments.format == "json":
        give_json(_plain(found))
    else:
        give(_told(found))
    if found.others:
        trials = "trial has" if found.others == 1 else "trials have"
        say(f"\n{found.others} further {trials} no usable recording either")
    return 0


def _plain(found: Why) -> dict[str, object]:
    plain: dict[str, object] = msgspec.structs.asdict(found)
    plain["changes"] = [
        {"field": field, "recorded": old, "now": new} for field, old, new in found.changes
    ]
    return plain


def _told(found: Why) -> str:
    state = "recorded" if found.miss == "none" else f"{found.miss}: {found.cause}"
    place = f"{found.target} · {found.scenario} · trial {found.trial}"
    parts = [
        f"{found.suite} · {found.case} · {place}\n{state}",
        f"case      {found.where}\ncassette  {found.file}"
        + (f"\nnearest   {line(found.nearest, 200)}" if found.nearest else ""),
    ]
    if found.changes:
        rows = [{"field": field, "recorded": old, "now": new} for field, old, new in found.changes]
        parts.append(text.rows(rows))
    parts.append(f"would be sent: {found.method} {found.uri}\n{found.body}")
    if found.mend:
        parts.append(f"hint: {found.mend}")
    return "\n\n".join(parts)
