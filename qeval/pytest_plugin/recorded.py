"""`@pytest.mark.qeval_cassette`: a test's own HTTP traffic, through stock vcrpy under our rules.

The cassette is opened around the call of the test, not around its fixtures; one at a time in a
process, for vcrpy patches classes everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from vcr.errors import CannotOverwriteExistingCassetteException

from qeval.errors import CassetteMissingError
from qeval.pytest_plugin.names import Home
from qeval.transport.cassettes import layout, reading
from qeval.transport.cassettes.files import load, locked, relative, replace
from qeval.transport.cassettes.foreign import Traffic
from qeval.transport.cassettes.interaction import Interaction
from qeval.transport.cassettes.redact import in_environment, refuse_file


@contextmanager
def opened(
    home: Home, cassettes: Path, mode: Literal["replay", "record", "refresh", "live"]
) -> Iterator[None]:
    """Record or replay the traffic of what runs inside.

    Raises:
        CassetteError: The file is damaged, or would hold a secret; then it is left as it was. Or
            nothing fits a call, and the test made light of it.
        CannotOverwriteExistingCassetteException: In replay nothing fits; it says how to record.
    """
    if mode == "live":
        yield
        return
    command = f"pytest {home.nodeid.partition('::')[0]} --qeval-mode record"
    path = cassettes / home.cassettes / f"{home.case}.yaml"
    shown = relative(path, home.root)
    data = load(path, shown)
    before = [] if data is None else reading.read(data, path.stem, shown, command)
    traffic = Traffic(before, mode, shown)
    try:
        with traffic.open():
            yield
    except CannotOverwriteExistingCassetteException as error:
        error.add_note(f"\nhint: type `{command}`")
        raise
    finally:
        if traffic.new:
            _write(path, shown, before, traffic)
    for call in traffic.missed:
        raise CassetteMissingError(
            f"{shown}: {call.method} {call.uri} is not recorded",
            path=shown,
            hint=f"record it with `{command}`",
        )


def _write(path: Path, shown: str, before: Sequence[Interaction], traffic: Traffic) -> None:
    """Put a file in place whole, with what was asked anew in the place of what asked the same."""
    anew = {one.key for one in traffic.new}
    played = {id(one) for one in traffic.played}
    kept = [one for one in before if id(one) in played or one.key not in anew]
    kept += traffic.new
    data = layout.write(kept).encode()
    refuse_file(data, kept, tuple(sorted(traffic.secrets | in_environment())), shown)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.parent):
        replace(path, data)
