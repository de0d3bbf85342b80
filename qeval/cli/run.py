"""`qeval run SUITE`: ask, score, report."""

from __future__ import annotations

import argparse
import sys

from qeval.cli import choosing, judging
from qeval.cli.terminal import give, say
from qeval.errors import UsageError, typed

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from qeval.record import Source
    from qeval.session import Options, Result, Session


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = "Run a suite. By default answers come from cassettes: no key, no network."
    command.add_argument("suite", help="a suite file, such as suites/quickstart.yaml")
    command.add_argument(
        "--mode",
        choices=("replay", "record", "refresh", "live"),
        help="replay: recordings only (default) · record: ask for what is missing · "
        "refresh: ask for everything again · live: ask, and keep no recording",
    )
    command.add_argument(
        "--concurrency", type=choosing.positive, metavar="N", help="calls in flight (default 32)"
    )
    command.add_argument(
        "--base-url", metavar="URL", help="a server that stands in for every target; gets no key"
    )
    command.add_argument(
        "--client",
        choices=("auto", "httpx2", "aiohttp"),
        default="auto",
        help="what carries live calls; aiohttp comes with the extra 'fast'",
    )
    command.add_argument(
        "--max-cost",
        type=choosing.amount,
        metavar="SUM",
        help="ask no more once the calls have cost so much, in the currency of the prices; "
        "what is under way still ends",
    )
    for name, what in (("tokens", "tokens were billed"), ("calls", "calls were made")):
        command.add_argument(
            f"--max-{name}",
            type=choosing.budget,
            metavar="N",
            help=f"ask no more once so many {what}",
        )
    command.add_argument(
        "--no-ledger",
        action="store_true",
        help="do not predict input tokens, but where a check looks at them",
    )
    choosing.add(command)
    command.add_argument(
        "--last-failed", action="store_true", help="only what did not pass in the latest run"
    )
    command.add_argument(
        "--retry-errors",
        action="store_true",
        help="ask again what errored in the latest run, keep the rest",
    )
    command.add_argument(
        "--baseline",
        nargs="?",
        const="baseline",
        metavar="RUN",
        help="judge against the suite's baseline, or another run; the page is the comparison",
    )
    judging.add(command)
    command.add_argument("--format", choices=judging.FORMATS, default="table", help="what to print")
    command.add_argument("--json", dest="format", action="store_const", const="json")


def execute(arguments: argparse.Namespace) -> int:
    """Run the suite and print its table, or the verdict against its baseline."""
    from contextlib import redirect_stdout

    from qeval.session import Session

    if not arguments.baseline and (alone := judging.said(arguments)):
        raise UsageError(
            f"{alone} says how a comparison is judged, and nothing is named to compare with",
            hint="add `--baseline`, or `--baseline RUN`",
        )

    with redirect_stdout(sys.stderr):  # what a suite's own code prints is talk, not data
        session = Session(arguments.suite, _options(arguments))
        for warning in session.plan.warnings:
            say(f"warning: {warning}")
        if arguments.base_url and session.mode == "replay":
            say("warning: a replay asks no server, so --base-url changes nothing; see --mode")
        against = _Against(arguments, session) if arguments.baseline else None
        result = session.run()
    if result.exit_code == 5:
        say("nothing to run: no case is left after choosing")
        return 5
    if against is not None and result.exit_code != 2:
        return against.tell(result)
    give(rendered(result.run(), arguments.format))
    _talk(result)
    say(f"\nreport: {typed(result.folder / 'report.html')}")
    return result.exit_code


class _Against:
    """The baseline of a run: found before anything is asked, judged against when it has ended."""

    def __init__(self, arguments: argparse.Namespace, session: Session) -> None:
        from qeval.report.formats import conditions
        from qeval.session import comparing

        self._format = arguments.format
        self._project = session.project
        self._choice = judging.choice(arguments)
        comparing.settings(self._choice, session.project)  # a mistake in them is told now
        self._fail_on = conditions(arguments.fail_on or ["worse"])
        (self._base,) = comparing.opened(session.project, [arguments.baseline], session.loaded.id)

    def tell(self, result: Result) -> int:
        """Print the verdict, write the page over the run's own, and return the exit code.

        A failure that the baseline knows is none; a recording that is missing stays one.
        """
        from qeval.session import comparing

        run = result.run()
        judged = comparing.against(self._project, self._base, run, self._choice)
        more = comparing.unexcused(judged.comparison, run, self._fail_on)
        page = result.folder / "report.html"
        red = judging.tell(judged, page, self._format, self._fail_on, more)
        _talk(result)
        return 4 if result.exit_code == 4 else int(bool(red))


def rendered(run: Source, form: str) -> str:
    """Return a run by itself in any of the formats."""
    if form in {"junit", "csv"}:
        from qeval.report.formats import render_run

        return render_run(run, form)
    from qeval.report import text

    return text.render(run, form)


def _options(arguments: argparse.Namespace) -> Options:
    from qeval.session import Budget, Options

    return Options(
        mode=arguments.mode,
        concurrency=arguments.concurrency,
        base_url=arguments.base_url,
        client=arguments.client,
        selection=choosing.selection(arguments),
        last_failed=arguments.last_failed,
        retry_errors=arguments.retry_errors,
        progress=sys.stderr.isatty(),
        ledger=not arguments.no_ledger,
        budget=Budget(
            cost=arguments.max_cost, tokens=arguments.max_tokens, calls=arguments.max_calls
        ),
    )


def _talk(result: Result) -> None:
    """Say on stderr what the table does not: misses, targets that were stopped, interruption."""
    if result.misses:
        total = sum(result.misses.values())
        causes = ", ".join(f"{count} {cause}" for cause, count in sorted(result.misses.items()))
        trials = "trial" if total == 1 else "trials"
        first = "mend or delete the damaged files, then type"
        if "damaged" not in result.misses:
            first = "type"
        say(f"\n{total} {trials} could not be replayed: {causes}")
        say(f"\nhint: {first} `{result.command}`")
    for target, reason in result.stopped.items():
        say(f"\nstopped asking {target}: {reason}")
    for target, said in result.slowed.items():
        say(f"\n{target}: {said}")
    if result.unused:
        say(f"\n{result.unused}")
    if result.exit_code == 2:
        cause = f"stopped by {result.early}" if result.early else "interrupted"
        say(f"\n{cause}; what had ended is kept")
