"""The page: one HTML file that needs nothing beside it, for one run or for 2 to 8 columns.

Model output enters it as escaped text, or as data that its script shows as text alone. The
Content-Security-Policy allows the page's own style and script by their digests and nothing else:
no address, no inline handler, no form, and no text that could become markup (trusted types).
"""

from __future__ import annotations

import gc
import os
import re
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from qeval.compare.columns import Column
from qeval.compare.values import Comparison
from qeval.errors import StoreError, typed
from qeval.report.gathering import Gathered
from qeval.report.marks import visible
from qeval.value import Value

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
_CASES, _DATA = "<!--printed-->", "<!--data-->"
STYLES = ("palette", "frame", "figures", "charts", "cases", "narrow")
SCRIPTS = ("dom", "data", "address", "filters", "list", "words", "tokens", "case", "keys", "start")
"""Sources below `static/`, in the order in which they are joined."""
_SPACE = re.compile(r"\s*([{},;])\s*|(?<=:) ")
"""Space in a style sheet that means nothing; ours has none of it within quotes."""
_OPEN = ("{", ";", ",", "(", "[")
"""After these a line of script goes on as well without a break."""


class PageOptions(Value):
    """How a page is written."""

    deflate: bool = True
    """Pack the cases: a third of the size. The packed bytes may differ between builds of zlib;
    where that must not be, they are left as JSON."""


_DEFAULT = PageOptions()


def write(
    columns: Sequence[Column],
    path: Path,
    comparison: Comparison | None = None,
    options: PageOptions = _DEFAULT,
) -> None:
    """Write the page of a run, or of a comparison, whole or not at all.

    Args:
        columns: One, or those that were compared, in their order.
        path: The file; its folder is there.
        comparison: Of the columns; None of one alone.
        options: How to write.

    Raises:
        StoreError: The file cannot be written.
    """
    try:
        with _collector_paused():
            _write(path, pieces(columns, comparison, options))
    except OSError as error:
        raise StoreError(
            f"cannot write {typed(path)}: {error.strerror}",
            hint="see that its folder is there and has room, or name another file",
        ) from error


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector off: it took over a quarter of the time of 10,000 trials."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _write(path: Path, text: Iterable[str]) -> None:
    if path.exists() and not path.is_file():  # a pipe or a device is written to, not replaced
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(text)
        return
    _replace(path, text)


def _replace(path: Path, text: Iterable[str]) -> None:
    """Put a file in place whole, or leave what is there."""
    handle, name = tempfile.mkstemp(prefix=".report-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
            file.writelines(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def pieces(
    columns: Sequence[Column],
    comparison: Comparison | None = None,
    options: PageOptions = _DEFAULT,
) -> Iterator[str]:
    """Yield the page in pieces, in order; same input, same pieces."""
    page = Gathered(columns, comparison, deflate=options.deflate)
    before, _, rest = _frame(page).partition(_CASES)
    between, _, after = rest.partition(_DATA)
    yield before
    yield from page.printed.html()
    yield between
    yield from page.packer.scripts(page.listing.index(columns, comparison, page.packer))
    yield after


def _frame(page: Gathered) -> str:
    from markupsafe import Markup

    from qeval.report import view

    style, script = style_and_script()
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            # Ours, from this package, and hashed in the policy: the only markup let through.
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
            policy=policy(style, script, pictures=bool(page.packer.pictures.bytes)),
            **view.context(page),
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from qeval.report import view

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # each template is compiled once and rendered once
        # Every plain text is made visible before it is escaped, so no place can forget it.
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.filters |= view.FILTERS
    return environment


@cache
def style_and_script() -> tuple[str, str]:
    """Return the page's style and its script, each joined of its sources."""
    style = _SPACE.sub(r"\1", "".join(_source(f"{name}.css") for name in STYLES))
    style = style.replace(";}", "}")
    script = "".join(_source(f"{name}.js") for name in SCRIPTS)
    return style, f'(() => {{\n"use strict";\n{script}}})();\n'


def _source(name: str) -> str:
    """Return a source without what only its readers need: indentation, lines of comment."""
    text = (_HERE / "static" / name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    kept = (line for line in lines if line and not line.startswith(("//", "/*")))
    return "".join(line if line.endswith(_OPEN) else f"{line}\n" for line in kept)


def policy(style: str, script: str, *, pictures: bool) -> str:
    """Return the Content-Security-Policy of a page with this style and script."""
    images = "img-src data:; " if pictures else ""
    return (
        f"default-src 'none'; style-src '{_hashed(style)}'; script-src '{_hashed(script)}'; "
        f"{images}base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )


def _hashed(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
