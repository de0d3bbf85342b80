"""Suites as pytest items, replayed from their cassettes: one item a group.

This module is imported in every pytest session of everyone who installs qeval, so it imports
nothing but pytest until a suite is collected.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qeval.pytest_plugin.items import SuiteFile


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini key that says which files are suites."""
    parser.addini(
        "qeval_suites",
        type="args",
        default=["suites/*.yaml"],
        help="globs below the root folder of the suites to collect (default: suites/*.yaml)",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """Collect a file that the globs name."""
    if file_path.suffix != ".yaml" or file_path.name.endswith(".simulator.yaml"):
        return None
    globs = parent.config.getini("qeval_suites")
    root = parent.config.rootpath
    if not any(file_path.is_relative_to(root) and _fits(file_path, root, g) for g in globs):
        return None
    from qeval.pytest_plugin.items import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)


def _fits(path: Path, root: Path, glob: str) -> bool:
    parts = glob.split("/")
    relative = path.relative_to(root)
    return len(relative.parts) == len(parts) and relative.match(glob)
