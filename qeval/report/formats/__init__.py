"""A comparison as text: for a terminal, a pull request, a build server, a table, a program."""

from __future__ import annotations

from collections.abc import Sequence

from qeval.compare.values import Comparison
from qeval.record import Source
from qeval.report.formats.gate import CONDITIONS, WORST, Failure, conditions, failures, worst

FORMATS = ("table", "markdown", "junit", "csv", "json")

__all__ = [
    "CONDITIONS",
    "FORMATS",
    "WORST",
    "Failure",
    "conditions",
    "failures",
    "render",
    "render_run",
    "worst",
]


def render(comparison: Comparison, form: str = "table", red: Sequence[Failure] = ()) -> str:
    """Return a comparison as text, without a line feed at its end.

    Args:
        comparison: What to tell.
        form: One of `FORMATS`.
        red: What fails the build, as `failures` finds it: the failures of `junit`.
    """
    match form:
        case "table":
            from qeval.report.formats import terminal

            return terminal.render(comparison)
        case "markdown":
            from qeval.report.formats import markdown

            return markdown.render(comparison)
        case "junit":
            from qeval.report.formats import junit

            return junit.render(comparison, red)
        case "csv":
            from qeval.report.formats import sheet

            return sheet.render(comparison)
        case _:
            from qeval.report.formats import whole

            return whole.render(comparison, red)


def render_run(source: Source, form: str) -> str:
    """Return a single run as `junit`, a test case a group, or `csv`, a line a trial."""
    if form == "junit":
        from qeval.report.formats import junit

        return junit.render_run(source)
    from qeval.report.formats import sheet

    return sheet.render_run(source)
