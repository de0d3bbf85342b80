"""A Jinja chat template of the user's own, for models that they host themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qeval.errors import UsageError
from qeval.exchange import Message, Request
from qeval.models import Model
from qeval.record import Method
from qeval.tokens.counters import Counter
from qeval.tokens.templates import Item, MediaCount, Setting, Tally
from qeval.tokens.vocabulary import weakest
from qeval.value import Json

if TYPE_CHECKING:
    from jinja2 import Template

_MARK = re.compile("\ue000r?\\d+\ue001")
_LONGEST = 2_000_000
"""Characters that a template may make of a request's markup, and numbers in all its ranges."""

_FAULTS = (
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    MemoryError,
)
"""What a template may raise beside Jinja's own errors."""


class OwnTemplate:
    """Renders requests with the user's template, in a sandbox, with no way to files or network.

    Texts of messages are put in as marks that stand for them, and counted apart: what a template
    does to a text itself, such as trimming it, is not seen.

    Args:
        root: Where the template's path starts.
        model: Whose template it is.

    Raises:
        UsageError: The file is not there, or is no Jinja template.
    """

    def __init__(self, root: Path, model: Model) -> None:
        self._named = f"model {model.name!r}: chat template {model.chat_template!r}"
        try:
            text = (root / str(model.chat_template)).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise self._wrong(f"cannot be read: {reason}") from None
        self._template = self._compiled(text)

    def write(
        self, request: Request, setting: Setting, counter: Counter, media: MediaCount
    ) -> Tally:
        """Return the tokens of a request, item by item.

        Raises:
            UsageError: The template refuses the request, or fails.
        """
        texts = _texts(request)
        plain = self._render(request, setting, texts, tools=False)
        bare = whole = _markup(plain, counter)
        if request.tools:
            whole = _markup(self._render(request, setting, texts, tools=True), counter)
        items: list[Item] = []
        methods: list[Method] = []
        for mark, (number, text) in texts.items():
            count, role = counter.count(text), request.messages[number].role
            shown = count.tokens * plain.count(mark)
            items.append(Item(kind="text", tokens=shown, message=number, role=role, note="text"))
            methods.append(count.method)
        items.append(Item(kind="overhead", tokens=bare, note="markup of the template"))
        if request.tools:
            items.append(Item(kind="tools", tokens=whole - bare, note="tools"))
        pictures = _pictures(request, media)
        return Tally(
            items=(*items, *pictures),
            method=weakest(methods),
            warnings=tuple(item.note for item in pictures if item.tokens is None),
        )

    def _render(
        self, request: Request, setting: Setting, texts: Mapping[str, object], *, tools: bool
    ) -> str:
        """Return the request as the server writes it, with marks where its texts are."""
        from jinja2 import TemplateError

        faults = (TemplateError, *_FAULTS)
        offered = [{"type": "function", "function": tool} for tool in request.tools]
        try:
            rendered = _bounded(
                self._template.generate(
                    messages=[_message(m, i, texts) for i, m in enumerate(request.messages)],
                    tools=offered if tools else None,
                    add_generation_prompt=not (request.messages and request.messages[-1].partial),
                    enable_thinking=setting.thinks,
                    range=_ranges(),
                    **_effort(request),
                )
            )
        except faults as error:
            raise self._wrong(f"fails: {_harmless(str(error))}") from None
        if len(rendered) > _LONGEST:
            raise self._wrong(f"makes more than {_LONGEST:,} characters of a request")
        return rendered

    def _compiled(self, text: str) -> Template:
        from jinja2 import TemplateSyntaxError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        class Environment(ImmutableSandboxedEnvironment):
            intercepted_binops = frozenset({"*", "**"})

            def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
                _refuse_growth(operator, left, right)
                return super().call_binop(context, operator, left, right)

        environment = Environment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        del environment.globals["lipsum"]  # texts of any length
        environment.filters["tojson"] = _tojson
        environment.globals["raise_exception"] = _refuse
        try:
            return environment.from_string(text)
        except TemplateSyntaxError as error:
            told = _harmless(str(error.message))
            raise self._wrong(f"is no template, line {error.lineno}: {told}") from None
        except (RecursionError, MemoryError):
            raise self._wrong("is no template: nested too deep") from None

    def _wrong(self, what: str) -> UsageError:
        hint = "give the chat_template.jinja that the server itself uses"
        return UsageError(f"{self._named} {what}", hint=hint)


def _bounded(pieces: Iterable[str]) -> str:
    """Join pieces, not many more than may be."""
    found, length = [], 0
    for piece in pieces:
        found.append(piece)
        length += len(piece)
        if length > _LONGEST:
            break
    return "".join(found)


def _ranges() -> Callable[..., range]:
    """Return a `range` for one rendering, whose loops come to an end."""
    left = _LONGEST

    def limited(*bounds: int) -> range:
        nonlocal left
        found = range(*bounds)
        left -= len(found)
        if left < 0:
            raise OverflowError(f"its ranges have more than {_LONGEST:,} numbers")
        return found

    return limited


def _refuse_growth(operator: str, left: Any, right: Any) -> None:
    """Raise OverflowError where a product or power would fill the memory."""
    pair = (left, right)
    if operator == "**":
        large = all(isinstance(one, int) for one in pair) and abs(left) > 1 and right > 1_000
    else:
        sizes = [len(one) for one in pair if isinstance(one, Sized)]
        large = any(isinstance(one, int) and one * sum(sizes) > _LONGEST for one in pair)
    if large:
        shown = f" {operator} ".join(str(one)[:20] for one in pair)
        raise OverflowError(f"{shown} is too long")


def _harmless(text: str) -> str:
    """Return what a template says on one line, without what a terminal would obey."""
    line = " ".join(text.split())[:160]
    return "".join(char if char.isprintable() else "\ufffd" for char in line)


def _tojson(value: Json, indent: int | None = None, **_: Any) -> str:
    """Write JSON as servers do, which is not Jinja's own way: nothing is escaped for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _effort(request: Request) -> dict[str, Json]:
    named = request.params.thinking
    return {"reasoning_effort": named} if isinstance(named, str) else {}


def _texts(request: Request) -> dict[str, tuple[int, str]]:
    """Return marks, and the texts that they stand for with the number of their message."""
    texts = {}
    for number, message in enumerate(request.messages):
        texts[f"\ue000{number}\ue001"] = number, message.text
        if message.reasoning is not None:
            texts[f"\ue000r{number}\ue001"] = number, message.reasoning
    return texts


def _markup(rendered: str, counter: Counter) -> int:
    return sum(counter.marks(part) for part in _MARK.split(rendered) if part)


def _pictures(request: Request, media: MediaCount) -> tuple[Item, ...]:
    found = []
    for number, message in enumerate(request.messages):
        for part in () if isinstance(message.content, str) else message.content:
            if part.text is None:
                tokens, note = media(part)
                role = message.role
                item = Item(kind="media", tokens=tokens, message=number, role=role, note=note)
                found.append(item)
    return tuple(found)


def _message(message: Message, number: int, texts: Mapping[str, object]) -> dict[str, Json]:
    said: dict[str, Json] = {"role": message.role, "content": f"\ue000{number}\ue001"}
    if f"\ue000r{number}\ue001" in texts:
        said["reasoning_content"] = f"\ue000r{number}\ue001"
    if message.tool_calls:
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": _function(call.name, call.arguments)}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    return said


def _function(name: str, arguments: str) -> dict[str, Json]:
    try:
        return {"name": name, "arguments": json.loads(arguments)}
    except ValueError:
        return {"name": name, "arguments": arguments}
