"""Where pages go that are of no single run."""

from __future__ import annotations

from pathlib import Path

from qeval.errors import StoreError
from qeval.loading.project import Project

PAGE = "comparison.html"


def page_path(project: Project, suite: str, name: str = PAGE) -> Path:
    """Return where a page is written that is of no single run: beside the suite's runs.

    Raises:
        StoreError: The folder cannot be made.
    """
    folder = project.reports / suite
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot write {project.reports.name}/{suite}: {error.strerror}",
            hint="say where the page goes: `--output FILE`",
        ) from error
    return folder / name
