"""`qeval run SUITE`: ask, score, report."""

from __future__ import annotations

import argparse
import sys

from qeval.cli import choosing

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from qeval.session import Options, Result


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
        "--format", choices=("table", "markdown", "json"), default="table", help="what to print"
    )
    command.add_argument("--json", dest="format", action="store_const", const="json")


def execute(arguments: argparse.Namespace) -> int:
    """Run the suite and print its table."""
    import signal
    from contextlib import redirect_stdout

    from qeval.report import text
    from qeval.session import Session

    before = signal.signal(signal.SIGTERM, _end_early)
    try:
        with redirect_stdout(sys.stderr):  # what a suite's own code prints is talk, not data
            session = Session(arguments.suite, _options(arguments))
            for warning in session.plan.warnings:
                print(f"warning: {warning}")
            result = session.run()
    finally:
        signal.signal(signal.SIGTERM, before)
    if result.exit_code == 5:
        print("nothing to run: no case is left after choosing", file=sys.stderr)
        return 5
    print(text.render(result.run(), arguments.format))
    _talk(result)
    return result.exit_code


def _options(arguments: argparse.Namespace) -> Options:
    from qeval.session import Options

    return Options(
        mode=arguments.mode,
        concurrency=arguments.concurrency,
        base_url=arguments.base_url,
        client=arguments.client,
        selection=choosing.selection(arguments),
        last_failed=arguments.last_failed,
        retry_errors=arguments.retry_errors,
        progress=sys.stderr.isatty(),
    )


def _end_early(number: int, frame: object) -> None:
    """Take SIGTERM, which a cancelled CI job sends, for Ctrl-C: what had ended is kept."""
    del number, frame
    import signal

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started with `&` in a script
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _talk(result: Result) -> None:
    """Say on stderr what the table does not: misses, interruption, where the report is."""
    if result.misses:
        total = sum(result.misses.values())
        causes = ", ".join(f"{count} {cause}" for cause, count in sorted(result.misses.items()))
        trials = "trial" if total == 1 else "trials"
        first = "delete the damaged files, then type" if "damaged" in result.misses else "type"
        print(f"\n{total} {trials} could not be replayed: {causes}", file=sys.stderr)
        print(f"\nhint: {first} `{result.command}`", file=sys.stderr)
    for target, reason in result.stopped.items():
        print(f"\nstopped asking {target}: {reason}", file=sys.stderr)
    if result.exit_code == 2:
        print("\ninterrupted; what had ended is kept", file=sys.stderr)
    print(f"\nreport: {choosing.shown(result.folder / 'report.html')}", file=sys.stderr)
