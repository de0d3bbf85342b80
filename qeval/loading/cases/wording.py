"""What a case says: texts, parts and documents, from strings, files and templates (section 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from qeval.loading.cases.filling import Template, TemplateFault, Values
from qeval.loading.cases.templates import compiled, literal
from qeval.loading.texts import BELOW, absent, wrong_file, wrong_path
from qeval.value import Json

Doc = dict[str, Json]
"""A document: `{text, title, index}`, counted from 1."""


class Shelf:
    """Reads the files that a suite names, each once.

    Args:
        root: The project's root, without links; nothing outside is read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[Path, str] = {}
        self._data: dict[Path, bytes] = {}

    def find(self, written: str, folder: Path) -> Path:
        """Return the file of a path that is written in a file of that folder.

        Raises:
            TemplateFault: It is none, leads out of the project, or is not there.
        """
        if wrong := wrong_file(written, folder, self._root):
            raise TemplateFault(*wrong)
        return (folder / written).resolve()

    def glob(self, written: str, folder: Path) -> list[Path]:
        """Return the files of a path or pattern, sorted by name.

        Raises:
            TemplateFault: There is none, or one lies outside the project.
        """
        if not any(sign in written for sign in "*?["):
            return [self.find(written, folder)]
        if wrong := wrong_path(written, folder, self._root):
            raise TemplateFault(*wrong)
        found = sorted(path for path in folder.glob(written) if path.is_file())
        if not found:
            raise TemplateFault(f"no file matches {written!r}", absent(written, folder)[1])
        for path in found:
            if not path.resolve().is_relative_to(self._root):
                raise TemplateFault(f"{path.name!r} leads out of the project", BELOW)
        return found

    def text(self, path: Path) -> str:
        """Return what a file says.

        Raises:
            TemplateFault: It is not UTF-8.
        """
        if path not in self._texts:
            try:
                self._texts[path] = path.read_bytes().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                byte = error.object[error.start]
                message = f"{path.name!r} is not UTF-8: byte 0x{byte:02x}"
                raise TemplateFault(message, "save the file as UTF-8") from None
        return self._texts[path]

    def data(self, path: Path) -> bytes:
        """Return what a file holds."""
        if path not in self._data:
            self._data[path] = path.read_bytes()
        return self._data[path]


def trimmed(text: str) -> str:
    """Return a text without one trailing line break, which nobody means to send."""
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def sent(text: str) -> Template:
    """Read a text that is sent: a template, less one trailing line break."""
    made = compiled(text)
    if made.constant:
        return literal(trimmed(text))
    fill = made.fill
    return Template(lambda values: trimmed(fill(values)), made.names, seen=made.seen)


def text_of(written: Json, folder: Path, shelf: Shelf) -> Template:
    """Read a text: a string, `{text}`, `{file}` (as it is) or `{template}` (rendered).

    Raises:
        TemplateFault: Its file cannot be read, or its template is none.
    """
    if isinstance(written, str):
        return sent(written)
    if "text" in written:
        return sent(written["text"])
    key = "template" if "template" in written else "file"
    path = compiled(written[key])

    def read(values: Values) -> str:
        text = shelf.text(shelf.find(str(path.fill(values)), folder))
        return str(sent(text).fill(values)) if key == "template" else trimmed(text)

    if not path.constant:
        return Template(read, path.names, seen=path.seen)
    text = shelf.text(shelf.find(str(written[key]), folder))
    if key == "file":
        return literal(trimmed(text))
    try:
        return sent(text)
    except TemplateFault as fault:
        raise TemplateFault(f"{written[key]}: {fault.message}", fault.hint) from None


def together(fill: Callable[[Values], Any], parts: Sequence[Template]) -> Template:
    """Return what fills a whole that is made of parts."""
    names: set[str] = set()
    seen: set[str] = set()
    for part in parts:
        names |= part.names
        seen |= part.seen
    return Template(fill, names, seen=seen)


def documents_of(context: Iterable[Json], folder: Path, shelf: Shelf) -> Template:
    """Read a context: its filling is the list of documents that templates and scorers see.

    Raises:
        TemplateFault: A file cannot be read, or a template is none.
    """
    written = [{"text": item} if isinstance(item, str) else item for item in context]
    needs: list[Template] = []
    makers = [_document(item, folder, shelf, needs) for item in written]

    def fill(values: Values) -> tuple[Doc, ...]:
        found = [doc for make in makers for doc in make(values)]
        return tuple({**doc, "index": index} for index, doc in enumerate(found, 1))

    if all(need.constant for need in needs):
        return literal(fill({}))
    return together(fill, needs)


def _document(
    written: dict[str, Json], folder: Path, shelf: Shelf, needs: list[Template]
) -> Callable[[Values], list[Doc]]:
    title = compiled(written["title"]) if "title" in written else None
    body = sent(written["text"]) if "text" in written else compiled(written["file"])
    needs += [body] if title is None else [body, title]

    def fill(values: Values) -> list[Doc]:
        own = None if title is None else title.fill(values)
        if "text" in written:
            return [{"text": body.fill(values), "title": own}]
        paths = shelf.glob(str(body.fill(values)), folder)
        return [
            {"text": trimmed(shelf.text(path)), "title": path.stem if own is None else own}
            for path in paths
        ]

    return fill


def question(written: Json, folder: Path, shelf: Shelf) -> str:
    """Return the unrendered text of a content, from which an automatic id is made."""
    if isinstance(written, str):
        return written
    if isinstance(written, list | tuple):
        return " ".join(question(item, folder, shelf) for item in written)
    if "text" in written:
        return str(written["text"])
    for key in ("file", "template"):
        if key in written and compiled(written[key]).constant:
            return shelf.text(shelf.find(written[key], folder))
    return str(next(iter(written.values()), ""))
