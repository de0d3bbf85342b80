"""What the recordings of a test in Python are called, after the test."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from qeval.errors import UsageError
from qeval.suite import slug

LONGEST = 100
"""Characters of a name before it is cut."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CHANGING = re.compile(r"0x[0-9a-fA-F]{6,}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
"""An object's address or a time of day: another one in the next session."""


class Home(NamedTuple):
    """Where a test's recordings lie, and where its paths start."""

    cassettes: str
    """Folder below that of all cassettes: `tests/<module path>`."""
    case: str
    """The file's name without its suffix."""
    nodeid: str
    folder: Path
    root: Path


def home_of(item: pytest.Item, root: Path) -> Home:
    """Return where the recordings of a test lie.

    Raises:
        UsageError: The test's id changes from session to session.
    """
    # pytest-xdist's `loadgroup` adds `@group` to ids.
    nodeid = item.nodeid.partition("@")[0] if "@" in item.nodeid.partition("[")[0] else item.nodeid
    file, _, rest = nodeid.partition("::")
    parts = list(Path(file).with_suffix("").parts)
    if parts and parts[0] == "tests":
        parts = parts[1:]
    folder = "/".join(["tests", *(_plain(part) for part in parts)])
    return Home(folder, case_of(rest, nodeid), nodeid, item.path.parent, root)


def case_of(name: str, nodeid: str) -> str:
    """Return the file name for a test: its own, with the parameters made fit for a file.

    >>> case_of("TestIt::test_a[1-x]", "t.py::TestIt::test_a[1-x]")
    'TestIt.test_a-1-x'
    """
    if _CHANGING.search(name):
        raise UsageError(
            f"{nodeid}: the id holds an address or a time, so no recording would be found again",
            hint="give the parameters names: `@pytest.mark.parametrize(…, ids=[…])`",
        )
    test, bracket, parameters = name.partition("[")
    plain = test.replace("::", ".")
    given = parameters.removesuffix("]")
    whole = f"{plain}-{given}" if bracket else plain
    if _PLAIN.fullmatch(whole) and len(whole) <= LONGEST:
        return whole
    digest = sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    cut = f"{plain}-{slug(given)}" if given and slug(given) else plain
    return f"{cut[: LONGEST - 9].rstrip('-.')}-{digest}"


def _plain(part: str) -> str:
    return (
        part if _PLAIN.fullmatch(part) else f"{slug(part)}-{sha256(part.encode()).hexdigest()[:8]}"
    )
