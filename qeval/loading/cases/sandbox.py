"""The templates that need Jinja, in a sandbox with nothing in it that could vary or reach out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.exceptions import TemplateSyntaxError, UndefinedError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from qeval.errors import nearest
from qeval.loading.cases.filling import LIMIT, Template, TemplateFault, Values, printed, too_long
from qeval.suite import slug
from qeval.value import Json

_NOWHERE = "\0\0no comment\0\0"
"""Begins and ends a comment, for Jinja must have something that does."""
_REFUSED = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.Extends: "extends",
}
_TAKEN_AWAY = ("cycler", "joiner", "lipsum")
_GUARDS = ("d", "default", "defined", "undefined")
_WHOLE = re.compile(r"\{\{(?P<expression>.*)\}\}", re.DOTALL)


class _Missing(StrictUndefined):
    """An undefined value that tells its name when it is used."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if isinstance(self._undefined_obj, dict | list | str):
            return f"no {self._undefined_name!r} in {_short(self._undefined_obj)}"
        return f"no variable {self._undefined_name!r}"


class _Environment(ImmutableSandboxedEnvironment):
    """Refuses what could make a small suite fill the memory."""

    intercepted_binops = frozenset(("*", "**"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise TemplateFault("`**` is refused in templates", "multiply, or write the result")
        sized = (str, bytes, list, tuple)
        if operator == "*" and (isinstance(left, sized) or isinstance(right, sized)):
            hint = "write the text out, or in a data file"
            raise TemplateFault("repeating with `*` is refused in templates", hint)
        return super().call_binop(context, operator, left, right)


def _finalized(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)  # raises, for it is a strict one
    try:
        return printed(value)
    except (TypeError, ValueError):
        hint = "make a list of it: `| list`" if isinstance(value, Iterator | range) else None
        raise TemplateFault(f"a {type(value).__name__} cannot be printed", hint) from None


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _environment() -> _Environment:
    made = _Environment(
        undefined=_Missing,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        comment_start_string=_NOWHERE,
        comment_end_string=_NOWHERE[::-1],
        finalize=_finalized,
    )
    for name in _TAKEN_AWAY:
        made.globals.pop(name)
    made.filters.pop("random")
    made.filters.update(json=_json, tojson=_json, slug=slug)
    return made


ENVIRONMENT = _environment()
KNOWN = frozenset(ENVIRONMENT.globals)


def jinja(text: str, *, native: bool) -> Template:
    """Read a text that needs Jinja.

    Args:
        text: As written in a suite.
        native: Let a text that is wholly one `{{ expression }}` keep its value's type.

    Raises:
        TemplateFault: It is no template that this format knows.
    """
    try:
        tree = ENVIRONMENT.parse(text)
        _look_for_refused(tree)
        names = find_undeclared_variables(tree) - KNOWN
        fill = _expression(text, tree) if native else None
        if fill is None:
            fill = _text(text)
    except TemplateSyntaxError as error:
        raise _syntax_fault(error) from None
    except RecursionError:
        raise TemplateFault("the template is nested too deeply") from None
    return Template(fill, names - _guarded(tree), seen=names)


def _look_for_refused(tree: nodes.Template) -> None:
    for found in tree.find_all(tuple(_REFUSED)):
        raise TemplateFault(
            f"`{_REFUSED[type(found)]}` is refused in templates",
            "write the text in one file: `{template: path}`",
        )


def _guarded(tree: nodes.Template) -> set[str]:
    """Return the names for which the template itself says what happens where they are not there."""
    return {
        node.node.name
        for node in tree.find_all((nodes.Filter, nodes.Test))
        if node.name in _GUARDS and isinstance(node.node, nodes.Name)
    }


def _expression(text: str, tree: nodes.Template) -> Callable[[Values], Json] | None:
    """Return what fills a text that is wholly one expression, or None for any other text."""
    match = _WHOLE.fullmatch(text)
    if match is None or len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    shown = tree.body[0].nodes
    if len(shown) != 1 or isinstance(shown[0], nodes.TemplateData):
        return None
    evaluate = ENVIRONMENT.compile_expression(
        match["expression"].strip("-+").strip(), undefined_to_none=False
    )

    def fill(values: Values) -> Json:
        return _guard(lambda: _plain(evaluate(values)))

    return fill


def _plain(value: Any) -> Json:
    """Return an expression's value as JSON; what it makes step by step becomes a list."""
    if isinstance(value, Undefined):
        str(value)  # raises
    if isinstance(value, Iterator | range):
        value = list(value)
    if isinstance(value, str):
        if len(value) > LIMIT:
            raise too_long()
        return value
    _finalized(value)
    return value


def _text(text: str) -> Callable[[Values], str]:
    template = ENVIRONMENT.from_string(text)

    def render(values: Values) -> str:
        pieces: list[str] = []
        size = 0
        for piece in template.generate(values):
            size += len(piece)
            if size > LIMIT:
                raise too_long()
            pieces.append(piece)
        return "".join(pieces)

    return lambda values: _guard(lambda: render(values))


def _guard(fill: Callable[[], Any]) -> Any:
    """Run a template; whatever goes wrong in it is a fault of the suite, not ours."""
    try:
        return fill()
    except TemplateFault:
        raise
    except UndefinedError as error:
        message = str(error.message)
        match = re.fullmatch(r"no variable '(\w+)'", message)
        raise TemplateFault(message, missing=match[1] if match else None) from None
    except TemplateError as error:
        raise TemplateFault(str(error.message)) from None
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise TemplateFault(f"{_named(error)}: {error}") from None
    except (MemoryError, RecursionError) as error:
        raise TemplateFault(_named(error)) from None


def _named(error: BaseException) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__)
    return words.lower()


def _syntax_fault(error: TemplateSyntaxError) -> TemplateFault:
    message = str(error.message).rstrip(".")
    unknown = re.match(r"No (filter|test) named '(.*)'", message)
    if unknown:
        known = ENVIRONMENT.filters if unknown[1] == "filter" else ENVIRONMENT.tests
        close = nearest(unknown[2], known)
        hint = f"did you mean {close!r}?" if close else None
        return TemplateFault(f"no {unknown[1]} {unknown[2]!r}", hint)
    hint = "put literal `{{` and `{%` in `{% raw %}…{% endraw %}`, or the text in a `file:`"
    return TemplateFault(f"not a template: {message}", hint)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"
