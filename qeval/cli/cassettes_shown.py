"""`qeval cassette show`: recorded answers as readable text."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from qeval import units
from qeval.cli.choosing import several
from qeval.cli.terminal import give, give_json, say
from qeval.loading.project import Project, find_project
from qeval.report.marks import line, visible
from qeval.session.cassette_answers import Reading, of_case, readings
from qeval.session.cassettes import open_cassette, survey
from qeval.transport.cassettes.interaction import nth


def execute(arguments: argparse.Namespace) -> int:
    """Print question and answer of each interaction."""
    project = find_project(Path.cwd() / "suites" / "any")
    if arguments.textconv:
        return _convert(arguments.case, project)
    cassettes = survey(project, [arguments.suite] if arguments.suite else [])
    found = [
        one
        for cassette in of_case(project, cassettes, arguments.case)
        if arguments.target in {None, cassette.target}
        for one in readings(cassette)
        if arguments.scenario in {None, one.scenario} and arguments.trial in {None, one.trial}
    ]
    if arguments.format == "json":
        plain = msgspec.to_builtins(found)
        give_json(plain)
    else:
        give("\n\n".join(_shown(found)))
    say(several(len(found), "answer"))
    return 0 if found else 5


def _convert(file: str, project: Project) -> int:
    """Print a file for git: what changes with every recording is left out, nothing is refused."""
    cassette = open_cassette(Path(file).absolute(), project)
    if cassette.damage is not None:
        give(cassette.data.decode(errors="replace"), end="")
        return 0
    for one in readings(cassette):
        give(f"== {place(one)}\n\n{body(one)}\n")
    return 0


def _shown(found: Sequence[Reading]) -> Iterator[str]:
    file = None
    for one in found:
        if one.file != file:
            file = one.file
            yield f"# {visible(file)}"
        tokens = units.count(one.usage.input_tokens), units.count(one.usage.output_tokens)
        facts = [
            f"{tokens[0]} tokens in, {tokens[1]} out",
            units.seconds(one.latency_s),
            f"recorded {one.recorded[:10]}" if one.recorded else "recorded, nobody knows when",
            f"from {one.source}" if one.source else "",
        ]
        yield f"== {place(one)}\n   {line(' · '.join(fact for fact in facts if fact))}"
        yield body(one)


def place(one: Reading) -> str:
    """Say which call it was, on one line."""
    said = [f"{one.scenario} · trial {one.trial}" if one.scenario else f"interaction {one.trial}"]
    said += filter(None, [nth(one.turn)])
    said += [f"attempt {one.attempt}"] if one.attempt else []
    said += [f"status {one.status}"] if one.status != 200 else []
    return line(" · ".join(said), 300)


def body(one: Reading) -> str:
    """Return question and answer, each on lines of their own, as text that a terminal obeys not."""
    parts = [textwrap.indent(visible(one.asked), "> ", lambda _: True)] if one.asked else []
    if one.error is not None:
        parts.append(f"no answer: {visible(one.error)}")
    if one.reasoning:
        parts.append(textwrap.indent(visible(one.reasoning), "~ ", lambda _: True))
    if one.text:
        parts.append(visible(one.text))
    parts += [f"answer {n}: {visible(text)}" for n, text in enumerate(one.others, 2)]
    parts += [f"calls {visible(call.name)}({visible(call.arguments)})" for call in one.tool_calls]
    if one.finish_reason not in {None, "stop"}:
        parts.append(f"[ended by {line(one.finish_reason or '')}]")
    return "\n\n".join(parts)
