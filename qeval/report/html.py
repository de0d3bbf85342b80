"""The page: one HTML file that needs nothing beside it.

Model output enters it as escaped text alone. The Content-Security-Policy allows the page's own
style and script by their digests and nothing else: no address, no inline handler, no form.
"""

from __future__ import annotations

import os
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from qeval import units
from qeval.errors import StoreError
from qeval.record import Header, Setup
from qeval.report.cases import GLYPHS, anchor, sections
from qeval.report.marks import visible
from qeval.report.summary import Cell, Source, Summary, summarize
from qeval.report.text import notes
from qeval.value import to_json

_HERE = Path(__file__).parent
_CASES = "<!--cases-->"


def write(source: Source, path: Path) -> None:
    """Write the page of a run, whole or not at all.

    Raises:
        StoreError: The file cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=".report-", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
                file.writelines(pieces(source))
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"cannot write {path.parent.name}/{path.name}: {error.strerror}",
            hint="make room, then type `qeval report latest`",
        ) from error


def pieces(source: Source) -> Iterator[str]:
    """Yield the page in pieces, in order; same run, same pieces."""
    before, _, after = _frame(source, summarize(source)).partition(_CASES)
    yield before
    yield from sections(source)
    yield after


def _frame(source: Source, summary: Summary) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Every plain text is made visible before it is escaped, so no place can forget it.
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.filters |= {
        "anchor": anchor,
        "count": units.count,
        "interval": _interval,
        "parameters": _parameters,
        "percent": lambda value: _kept(units.percent(value)),
        "seconds": lambda value: _kept(units.seconds(value)),
        "tokens": units.tokens,
    }
    style = (_HERE / "static" / "page.css").read_text(encoding="utf-8")
    script = (_HERE / "static" / "page.js").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(
        # Ours, from this package, and hashed in the policy: the only markup let through.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        policy=_policy(style, script),
        glyphs=GLYPHS,
        header=source.header,
        summary=summary,
        **_facts(source, summary),
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hashed(style)}'; script-src '{_hashed(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )


def _hashed(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _facts(source: Source, summary: Summary) -> dict[str, Any]:
    return {
        "title": title(summary),
        "subtitle": _subtitle(summary),
        "shape": _shape(source, summary),
        "recorded": _span(source.header.recorded_from, source.header.recorded_to),
        "notes": [*notes(source), *source.header.notes],
        "tiles": _tiles(summary.total),
        "most_tokens": _most_tokens(summary),
        "ended": _ended(summary),
        "origin": _origin(source.header),
    }


def title(summary: Summary) -> str:
    """Say how a run went, in a few words.

    >>> title(Summary(total=Cell(groups=3, groups_passed=3), cells={}, targets={}, scenarios={},
    ...               short=(), short_total=0, errors={}))
    'All 3 groups passed'
    """
    total = summary.total
    passed, groups = units.count(total.groups_passed), units.count(total.groups)
    if total.groups and total.groups_passed == total.groups:
        return f"All {groups} groups passed" if total.groups > 1 else "The one group passed"
    if not summary.short_total:
        return f"{passed} of {groups} groups passed, the others were skipped"
    return f"{passed} of {groups} groups passed"


def _subtitle(summary: Summary) -> str:
    total = summary.total
    if not total.judged:
        return "No trial could be judged."
    said = f"{units.count(total.passed)} of {units.count(total.judged)} judged trials passed"
    others = [
        f"{units.count(count)} {name}"
        for name, count in (("errored", total.errored), ("refused", total.refused))
        if count
    ]
    return " · ".join([said, *others])


def _shape(source: Source, summary: Summary) -> str:
    """Say what a group is, by this run's own numbers."""
    sizes = (
        ("case", len({case for case, _ in source.asked})),
        ("target", len(summary.targets)),
        ("scenario", len(summary.scenarios)),
    )
    counted = [f"{units.count(n)} {name}{'' if n == 1 else 's'}" for name, n in sizes]
    return f"{' × '.join(counted)}; a group is one case asked of one target under one scenario"


def _interval(cell: Cell) -> str:
    if cell.interval is None:
        return "no trial judged"
    low, high = (_kept(units.percent(bound)) for bound in cell.interval)
    return f"{_kept('95 %')}: {low} … {high}"


def _kept(text: str) -> str:
    """Keep a number and its unit on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _tiles(total: Cell) -> list[tuple[str, str, str]]:
    """Return name, value and what stands beside it."""
    mean = "mean of a judged trial"
    if total.unreported:
        mean += f"; {units.count(total.unreported)} unreported"
    return [
        ("Pass rate of trials", _kept(units.percent(total.rate)), _interval(total)),
        ("Output tokens", units.tokens(total.output_tokens), mean),
        ("Input tokens", units.tokens(total.input_tokens), mean),
        (
            "Latency",
            _kept(units.seconds(total.latency_p50_s)),
            "median of judged trials, as recorded",
        ),
    ]


def _most_tokens(summary: Summary) -> float:
    """Return the longest bar's tokens, at least 1."""
    sums = [(cell.input_tokens or 0) + (cell.output_tokens or 0) for cell in summary.cells.values()]
    return max([1, *sums])


def _ended(summary: Summary) -> list[tuple[str, str]]:
    total = summary.total
    names = ("passed", "failed", "errored", "refused", "skipped", "truncated")
    ended = [(name, units.count(getattr(total, name))) for name in names]
    return [*ended, ("warnings", units.count(total.warned))]


def _origin(header: Header) -> list[tuple[str, str]]:
    chosen = "; ".join(f"{name}: {_plain(value)}" for name, value in header.options.items())
    rows = [
        ("answered by", ", ".join(header.sources)),
        ("recorded", _span(header.recorded_from, header.recorded_to)),
        ("mode", header.mode),
        ("chosen", chosen),
        ("run", header.id),
        ("suite digest", header.suite_digest[:16]),
        ("cassette digest", (header.cassette_digest or "")[:16]),
        ("qeval", header.qeval),
    ]
    return [(name, value) for name, value in rows if value]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else to_json(value).decode()


def _span(start: str | None, end: str | None) -> str:
    """Return `2026-11-22, 21:38 to 21:40 UTC`; dates once where they are the same."""
    if start is None or end is None:
        return ""
    (day, _, time), (last_day, _, last_time) = start.partition("T"), end.partition("T")
    first, last = time[:5], last_time[:5]
    if day != last_day:
        return f"{day} to {last_day}"
    return f"{day}, {first} UTC" if first == last else f"{day}, {first} to {last} UTC"


def _parameters(setup: Setup) -> str:
    """Return a scenario's parameters as `temperature 0.1, top_p 0.7`."""
    params = msgspec.to_builtins(setup.params)  # what is at its default is left out
    values = {**params, **setup.vars}
    said = [f"{name}\N{NO-BREAK SPACE}{_plain(value)}" for name, value in values.items()]
    return ", ".join(said) or "as the endpoint sets them"
