"""The cases of the page, one `<details>` each: the hot part, so plain strings and not a template.

Every text that is not this module's own passes `safe`, which makes it visible and escapes it.
Class names are short because they stand once a trial; `page.css` says what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from markupsafe import escape

from qeval import units
from qeval.exchange import Message
from qeval.record import Asked, Group, Score, Trial
from qeval.report.marks import line, visible
from qeval.report.summary import Source, warnings

LONGEST = 20_000
"""Characters of one text that the page shows; the whole is in the run file."""

GLYPHS = {"passed": "●", "failed": "□", "errored": "△", "refused": "⊘", "skipped": "–"}
"""Shape tells an outcome without colour."""

_WORST_FIRST = ("failed", "errored", "refused", "skipped", "passed")
_OPENED = 50
"""Cases that did not pass and are opened from the start; the rest stay folded."""
_CODE = re.compile(r"```|^\s*[\[{<]|\n[ \t]+\S|\|.*\|")
"""Text that needs letters of one width: code, JSON, markup, tables."""


def safe(text: str) -> str:
    """Return text as HTML that shows it and does nothing else."""
    if len(text) > LONGEST:
        left = units.count(len(text) - LONGEST)
        text = f"{text[:LONGEST]}\n[… {left} more characters are in run.jsonl]"
    return str(escape(visible(text)))


def anchor(case: str) -> str:
    """Return the address of a case within the page.

    >>> anchor("say <hi>")
    '#c:say%20%3Chi%3E'
    """
    return "#c:" + quote(visible(case), safe="")


def sections(source: Source) -> Iterator[str]:
    """Yield the HTML of each case, in plan order."""
    left = _OPENED
    held: list[Group] = []
    for group in source.groups():
        if held and held[0].case != group.case:
            left -= _short(held)
            yield _case(source, held, is_open=_short(held) and left >= 0)
            held = []
        held.append(group)
    if held:
        yield _case(source, held, is_open=_short(held) and left > 0)


def _short(groups: list[Group]) -> bool:
    return any(group.outcome not in {"passed", "skipped"} for group in groups)


def _case(source: Source, groups: list[Group], *, is_open: bool) -> str:
    asked = _asked(source, groups[0])
    name = safe(groups[0].case)
    outcome = min((group.outcome for group in groups), key=_WORST_FIRST.index)
    warned = any(warnings(trial) for group in groups for trial in group.trials)
    question = next((m.text for m in reversed(asked.messages) if m.role == "user"), "")
    flags = (" data-w" if warned else "") + (" open" if is_open else "")
    tags = "".join(f"<span>{safe(tag)}</span>" for tag in asked.tags)
    dots = "".join(_dots(group) for group in groups)
    return (
        f'<details class="c" id="c:{name}" data-o="{outcome}"{flags}><summary>'
        f'<span class="v {outcome}">{GLYPHS[outcome]} {outcome}</span>'
        f"<b>{name}</b><q>{safe(line(question, 120))}</q>"
        f'{tags}<span class="d">{dots}</span></summary>'
        f'<div class="b">{_prompts(source, groups, asked)}<div class="gs">'
        f"{''.join(_group(group, headed=len(groups) > 1) for group in groups)}"
        "</div></div></details>\n"
    )


def _asked(source: Source, group: Group) -> Asked:
    key = (group.case, None) if (group.case, None) in source.asked else (group.case, group.scenario)
    return source.asked.get(key) or Asked(case=group.case)


def _dots(group: Group) -> str:
    """Return one mark a trial, for the eye; the words beside them say the same."""
    name = safe(f"{group.target} · {group.scenario}: {group.outcome}")
    marks = "".join(_dot(trial.outcome) for trial in group.trials)
    return f'<span title="{name}">{marks}</span>'


def _dot(outcome: str) -> str:
    return f'<i class="{outcome}">{GLYPHS[outcome]}</i>'


def _prompts(source: Source, groups: list[Group], first: Asked) -> str:
    """Show what was asked: once, or once a scenario where the messages differ."""
    about = "".join(f"<p>{safe(text)}</p>" for text in (first.description, first.skip) if text)
    where = f'<p class="w">{safe(first.where)}</p>' if first.where else ""
    if first.scenario is None:
        return where + about + _messages(first.messages)
    scenarios = {group.scenario: _asked(source, group) for group in groups}
    return (
        where
        + about
        + "".join(
            f"<h4>asked under {safe(name)}</h4>{_messages(asked.messages)}"
            for name, asked in scenarios.items()
        )
    )


def _messages(messages: tuple[Message, ...]) -> str:
    return "".join(
        f'<div class="q"><b>{safe(message.role)}</b>{_said(_content(message))}</div>'
        for message in messages
    )


def _content(message: Message) -> str:
    calls = "".join(f"\n{call.name}({call.arguments})" for call in message.tool_calls)
    if isinstance(message.content, str):
        return message.content + calls
    texts = [
        part.text
        or next(f"[{kind}]" for kind in ("image", "video", "audio") if getattr(part, kind))
        for part in message.content
    ]
    return "\n".join(texts) + calls


def _said(text: str) -> str:
    if not text:
        return "<em>nothing</em>"
    kind = ' class="m"' if _CODE.search(text[:LONGEST]) else ""
    return f"<pre{kind}>{safe(text)}</pre>"


def _group(group: Group, *, headed: bool) -> str:
    head = ""
    if headed or len(group.trials) > 1:
        passed = sum(trial.outcome == "passed" for trial in group.trials)
        counted = f"{passed} of {len(group.trials)} trials passed" if len(group.trials) > 1 else ""
        rule = f", {safe(group.passes)} needed" if counted and group.passes != "all" else ""
        head = (
            f'<h4><span class="v {group.outcome}">{GLYPHS[group.outcome]} {group.outcome}</span> '
            f"{safe(group.target)} <span>· {safe(group.scenario)}</span>"
            f"<small>{counted}{rule}</small></h4>"
        )
    alike = _alike(group.trials)
    return f'<div class="g">{head}{"".join(_answer(trials, group) for trials in alike)}</div>'


def _alike(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Put trials together that said the same and were judged the same, in order."""
    found: dict[object, list[Trial]] = {}
    for trial in trials:
        same = (
            trial.outcome,
            trial.text,
            trial.reasoning,
            trial.error,
            trial.code,
            trial.scores,
            trial.finish_reason,
            trial.truncated,
            trial.attempts,
            trial.model,
        )
        found.setdefault(same, []).append(trial)
    return list(found.values())


def _answer(trials: list[Trial], group: Group) -> str:
    trial = trials[0]
    answer = _said(trial.text) if trial.text or trial.error is None else ""
    error = f'<pre class="{trial.outcome}">{safe(trial.error)}</pre>' if trial.error else ""
    checks = "".join(_check(score) for score in trial.scores)
    numbers = ""
    if len(group.trials) > 1:
        listed = ", ".join(str(each.trial + 1) for each in trials)
        numbers = f"trial{'s' if len(trials) > 1 else ''} {listed} · "
    return (
        f'<div class="t"><div>{_reasoning(trial)}{answer}{error}</div>'
        f"<ul>{checks}</ul><p>{_dot(trial.outcome) * len(trials)} "
        f"{safe(numbers + _meta(trials))}</p></div>"
    )


def _reasoning(trial: Trial) -> str:
    if not trial.reasoning:
        return ""
    length = units.count(len(trial.reasoning))
    return (
        f"<details><summary>reasoning, {length} characters</summary>"
        f"{_said(trial.reasoning)}</details>"
    )


def _check(score: Score) -> str:
    kind, mark = ("passed", "✓") if score.passed else ("failed", "✗ failed")
    if score.severity == "warn" and not score.passed:
        kind, mark = "warned", "! warning"
    return f'<li><b class="{kind}">{mark}</b> {safe(score.check)} <i>{safe(score.reason)}</i></li>'


def _meta(trials: list[Trial]) -> str:
    trial = trials[0]
    parts: list[str] = [trial.outcome]
    if trial.text or trial.error is None:
        counted = [(t.usage.input_tokens, t.usage.output_tokens) for t in trials]
        parts += [
            f"{_span([n for n, _ in counted])} tokens in",
            f"{_span([n for _, n in counted])} out",
            _times([t.latency_s for t in trials]),
        ]
    elif trial.code:
        parts.append(trial.code)
    if trial.finish_reason not in {None, "stop"}:
        parts.append(f"ended by {trial.finish_reason}")
    if trial.truncated:
        parts.append("truncated")
    if trial.attempts > 1:
        parts.append(f"{trial.attempts} attempts")
    if trial.model:
        parts.append(f"model as reported: {trial.model}")
    return " · ".join(parts)


def _span(counts: list[int | None]) -> str:
    known = [count for count in counts if count is not None]
    return _joined([units.count(end) for end in (min(known), max(known))] if known else [])


def _times(latencies: list[float | None]) -> str:
    known = [latency for latency in latencies if latency is not None]
    return _joined([units.seconds(end) for end in (min(known), max(known))] if known else [])


def _joined(ends: list[str]) -> str:
    return " to ".join(dict.fromkeys(ends)) or units.UNKNOWN
