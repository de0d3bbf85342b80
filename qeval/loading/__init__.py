"""Suite files → `Loaded`: the authored value, where each of its elements is written, its project.

What callers may rely on (`Loaded.suite`):

- Merged over its `extends` bases; nothing of the suite is pushed into its cases yet. `without` of
  a suite has been applied to the bases' checks and is (); a case's `without` has been checked to
  name something and is kept.
- A check's name comes first in `Check.entries`; `Check.known_as` is what `without` matches.
  Nested checks of `any` and `all` are lists of entries dicts. A bare word has the argument None.
- `thinking: on/off` is True/False everywhere (params, grids, sweeps); text fields hold text as
  written; `passes` is a valid rule; parameters are in range; `seed` is an integer or 'each'.
- Empty settings of a defined target are `Target()` (its id is its model); None in `targets` is a
  picked name, to be looked up. None in `scenarios` is a picked or empty name: a preset.
- `turns` are dicts `{user, checks}` whose checks are `Check` values. Lists inside JSON stay lists,
  the lists of fields are tuples.
- Literal ids obey the id rule and are unique; templates (`{{`, `{%`) are not looked into.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qeval.errors import SuiteError
from qeval.loading.cases.expand import Expander
from qeval.loading.mistakes import Mistakes
from qeval.loading.project import Project, find_project
from qeval.loading.source import Source, shown
from qeval.suite import Suite
from qeval.value import Value


class Loaded(Value):
    """A suite that was read and found sound, before planning."""

    suite: Suite
    source: Source
    id: str
    """The path below the suites folder, without suffix."""
    path: Path
    project: Project
    mistakes: Mistakes
    """Empty; later stages add theirs."""
    warnings: tuple[str, ...] = ()

    def expander(self) -> Expander:
        """Return what fills templates and reads rows, for planning."""
        return Expander(self.suite, self.source, self.project, self.mistakes)


def read(path: Path) -> Loaded:
    """Read a suite file, YAML, JSON or Python, with all that it extends.

    Raises:
        SuiteError: With every mistake of the file and its bases.
    """
    with _collector_paused():
        return _read(path)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector off: walking 100,000 new nodes again and again, it took 2/3."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(path: Path) -> Loaded:
    from qeval.loading.building import build
    from qeval.loading.merging import merge
    from qeval.loading.naming import Names
    from qeval.loading.reading import check_file, read_layers
    from qeval.loading.texts import id_mistakes

    try:
        file = path.resolve()
    except RuntimeError:
        message = "links that lead to each other, and to no file"
        raise SuiteError(message, where=str(path), hint="name the file itself") from None
    project = find_project(path)
    check_file(file, shown(file, project.root) if file.is_relative_to(project.root) else str(path))
    mistakes = Mistakes()
    parts = _id_parts(file, project)
    id_mistakes(parts, f"{shown(file, project.root)}:1", mistakes)
    layers = read_layers(file, project.root, mistakes)
    if not layers:
        raise mistakes.error()
    values, source = merge(layers, mistakes)
    warnings = Names(values, source, project, mistakes).look()
    if len(mistakes):
        raise mistakes.error()
    return Loaded(
        suite=build(values),
        source=source,
        id="/".join(parts),
        path=file,
        project=project,
        mistakes=mistakes,
        warnings=tuple(warnings),
    )


def _id_parts(file: Path, project: Project) -> tuple[str, ...]:
    """Return the parts of a suite's id: below the suites folder, else below the root."""
    for folder in (project.suites.resolve(), project.root):
        if file.is_relative_to(folder):
            return file.relative_to(folder).with_suffix("").parts
    return (file.stem,)


def _read_authored(path: Path) -> Suite:
    return read(path).suite


Suite.reader = _read_authored
__all__ = ["Loaded", "Mistakes", "Project", "Source", "Suite", "find_project", "read"]
