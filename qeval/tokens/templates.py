r"""Chat templates as data, and the tokens of a request written by one, item by item.

Every family is ChatML: `<|im_start|>ROLE\nTEXT<|im_end|>\n` for each message, and
`<|im_start|>assistant\n` to open the answer. Start, newline, end and newline are one token each,
and so is every usual role, so plain text counts Σ(5 + tokens of text) + 3. What families add is
fixed text, and of that only the number of tokens stands here: counted once with the vocabulary of
Qwen3 on the templates that the makers publish.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from qeval.exchange import Message, Part, Request, ToolCall
from qeval.record import Method
from qeval.tokens.counters import Counter
from qeval.tokens.vocabulary import weakest
from qeval.value import Json, Value

MARKS = 4
"""Tokens around role and text: start, newline, end, newline."""
OPENING = 3
"""Tokens after the last message that open the answer: start, role, newline."""
ROLES = frozenset({"system", "user", "assistant", "tool"})
"""Roles that are one token each."""
_AROUND = {role: rf"<|im_start|>{role}\n … <|im_end|>\n" for role in ROLES}

Kind: TypeAlias = Literal["text", "overhead", "generation", "tools", "media"]
MediaCount: TypeAlias = Callable[[Part], tuple[int | None, str]]
"""Tokens of a picture or a video (None: unknown), and what it is or why it is unknown."""

_THINK = "<think>\n"
_NO_THOUGHT = "<think>\n\n</think>\n\n"


class Family(Value):
    """How one family of templates writes a request. Sizes of fixed texts are in tokens."""

    proven: bool = False
    """Bills for plain text equal this template's count (tokens.md section 4)."""
    default_system: int = 0
    """The system text that is put where none is sent."""
    default_with_tools: int = 0
    """The one that is put where none is sent and there are tools."""
    thinking_on: str = ""
    """What follows the opening of the answer; so does `thinking_off`."""
    thinking_off: str = ""
    tools: Literal["json", "xml"] = "json"
    """One JSON object a line, or a tree of elements."""
    tools_fixed: int = 77
    """The text around definitions of tools, without the newline after each."""
    tools_first: bool = False
    """Tools stand before the system text, not after it."""
    calls: Literal["json", "xml"] = "json"
    newline_after_results: bool = False
    reasoning: Literal["dropped", "late", "kept"] = "dropped"
    """Of earlier answers; `late`: kept after the last user message alone."""
    trimmed: bool = False
    """White space around texts is dropped."""
    efforts: dict[str, int] = {}
    """The system text that a degree of thinking puts first; of no degree named, the first."""


_THINKING = Family(thinking_on=_THINK, thinking_off=_NO_THOUGHT, reasoning="late")
_XML = Family(
    thinking_on=_THINK,
    thinking_off=_NO_THOUGHT,
    tools_fixed=184,
    tools_first=True,
    calls="xml",
    reasoning="kept",
    trimmed=True,
)


def _like(family: Family, **changes: Json) -> Family:
    import msgspec

    return msgspec.structs.replace(family, **changes)


FAMILIES: dict[str, Family] = {
    "chatml": Family(proven=True),
    "qwen2.5": Family(default_system=16, default_with_tools=16),
    "qwen3": _like(_THINKING, thinking_on=""),
    "qwen3-instruct": Family(),
    "qwen3-thinking": _like(_THINKING, thinking_off=_THINK),
    "qwen3-coder": Family(
        default_with_tools=19,
        tools="xml",
        tools_fixed=184,
        calls="xml",
        newline_after_results=True,
        trimmed=True,
    ),
    "qwen3.5": _XML,
    "qwen3.7": Family(proven=True, thinking_on=_THINK, thinking_off=_NO_THOUGHT),
    "qwen3.8": _like(_XML, efforts={"xhigh": 37, "medium": 0, "low": 25}),
}
"""By `Model.template`. Hosted commercial models are `chatml` whether they think or not; 3.7 bills
its thinking mark, and what it does with thinking off is taken from 3.5."""


class Item(Value):
    """Some of the tokens of a request."""

    kind: Kind
    tokens: int | None
    """None: unknown."""
    message: int | None = None
    """Its number, from 0; None: no message's own."""
    role: str | None = None
    note: str = ""
    """What it is, for people: the markup, or where a text comes from."""


class Tally(Value):
    """The tokens of a request, as items that add up, and how sure they are."""

    items: tuple[Item, ...]
    method: Method
    warnings: tuple[str, ...] = ()

    @property
    def tokens(self) -> int | None:
        """The total; None where an item is unknown."""
        return self.of(None)

    def of(self, *kinds: Kind | None) -> int | None:
        """Return the sum of the items of some kinds (None: of all); None where one is unknown."""
        counts = [i.tokens for i in self.items if kinds == (None,) or i.kind in kinds]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def sums(self) -> Sums:
        """Return what a run file keeps of it."""
        sums = Sums(self.method)
        for item in self.items:
            sums.add(item.kind, item.tokens)
        return sums


class Sums:
    """The tokens of a request by what they are for, and how sure they are: a tally in short."""

    def __init__(self, method: Method = "exact") -> None:
        self.method: Method = method
        self.text: int | None = 0
        self.markup: int | None = 0
        self.tools: int | None = 0
        self.media: int | None = 0
        self.warnings: tuple[str, ...] = ()

    def add(self, kind: Kind, tokens: int | None) -> None:
        """Add an item; a sum with an unknown part is unknown."""
        if kind == "text":
            self.text = _plus(self.text, tokens)
        elif kind == "tools":
            self.tools = _plus(self.tools, tokens)
        elif kind == "media":
            self.media = _plus(self.media, tokens)
        else:
            self.markup = _plus(self.markup, tokens)


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


class Setting(Value):
    """What the parameters of a request mean to a template."""

    family: Family
    thinks: bool
    """Whether the model thinks, or would by its default."""

    def suffix(self) -> str:
        """Return what follows the opening of the answer."""
        return self.family.thinking_on if self.thinks else self.family.thinking_off

    def effort(self, request: Request) -> int:
        """Return the size of the text that a degree of thinking puts before the system text."""
        efforts = self.family.efforts
        if not efforts or not self.thinks:
            return 0
        named = request.params.thinking
        return efforts.get(named if isinstance(named, str) else next(iter(efforts)), 0)


def write(request: Request, setting: Setting, counter: Counter, media: MediaCount) -> Tally:
    """Return the tokens of a request, item by item.

    Args:
        request: What is asked.
        setting: The template, and whether the model thinks.
        counter: That of the model.
        media: Counts pictures and videos.
    """
    writer = _Writer(request, setting, counter, media)
    items: list[Item] = []
    writer.items = items
    sums = writer.write()
    return Tally(items=tuple(items), method=sums.method, warnings=sums.warnings)


def sums_of(request: Request, setting: Setting, counter: Counter, media: MediaCount) -> Sums:
    """Return what `write` adds up to, without its items, which is quicker; arguments as of it."""
    return _Writer(request, setting, counter, media).write()


class _Writer:
    def __init__(
        self, request: Request, setting: Setting, counter: Counter, media: MediaCount
    ) -> None:
        self.items: list[Item] | None = None
        """Where items go, if anybody wants them one by one."""
        self._sums = Sums()
        self._methods: set[Method] = set()
        self._warnings: list[str] = []
        self._request = request
        self._setting = setting
        self._family = setting.family
        self._counter = counter
        self._media = media
        self._index: int | None = None
        self._role: str | None = None

    def write(self) -> Sums:
        messages = self._request.messages
        first = self._system(messages[0] if messages else None)
        asked = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
        for index in range(first, len(messages)):
            message = messages[index]
            self._index, self._role = index, message.role
            if message.role == "assistant":
                self._answer(message, late=index > asked, last=index == len(messages) - 1)
            elif message.role == "tool":
                self._result(message, messages, index)
            else:
                self._turn(message)
        self._index = self._role = None
        if not (messages and messages[-1].partial):
            self._opening()
        self._sums.method = self._method()
        self._sums.warnings = tuple(self._warnings)
        return self._sums

    def _method(self) -> Method:
        request = self._request
        # Tools, formats and searches put text of the service's own into the prompt.
        plain = not (request.tools or request.response_format or request.params.search)
        proven: Method = "exact" if self._family.proven and plain else "model"
        return weakest((*self._methods, proven))

    def _opening(self) -> None:
        self._add("generation", OPENING, r"<|im_start|>assistant\n")
        suffix = self._setting.suffix()
        if suffix:
            self._add("generation", self._counter.marks(suffix), suffix.replace("\n", r"\n"))

    def _turn(self, message: Message) -> None:
        """Write a message as it is."""
        role = 1 if message.role in ROLES else self._count(message.role)
        self._add("text", self._count(self._text(message)), "text")
        self._add("overhead", MARKS + role, _AROUND.get(message.role, "markup"))
        if not isinstance(message.content, str):
            self._parts(message.content)

    def _system(self, first: Message | None) -> int:
        """Write the system text with what the template adds; return which message is next."""
        family, tools = self._family, self._request.tools
        sent = first if first is not None and first.role == "system" else None
        effort = self._setting.effort(self._request)
        default = 0
        if sent is None and not effort:
            default = family.default_with_tools if tools else family.default_system
        if sent is not None:
            self._index, self._role = 0, "system"
            self._turn(sent)
        elif tools or effort or default:
            self._add("overhead", MARKS + 1, r"<|im_start|>system\n … <|im_end|>\n")
        if default:
            self._add("overhead", default, "the template's own system text")
        if effort:
            self._add("overhead", effort, "the template's text on the degree of thinking")
        if tools:
            self._tools(self._text(sent) if sent else "")
        self._index = self._role = None
        return 0 if sent is None else 1

    def _tools(self, system: str) -> None:
        json_lines = self._family.tools == "json"
        each = [_tool_json(tool) if json_lines else _tool_xml(tool) for tool in self._request.tools]
        joint = 0
        if system and not self._family.tools_first:
            joint = self._count(system + "\n\n") - self._count(system)
        definitions = sum(self._count(text + "\n") for text in each)
        self._add("tools", self._family.tools_fixed + joint, "text around the tools")
        self._add("tools", definitions, "definitions of the tools")

    def _answer(self, message: Message, *, late: bool, last: bool) -> None:
        """Write an earlier answer, or the beginning of the one that is wanted."""
        text = self._text(message)
        joint = ("\n\n" if self._family.calls == "xml" else "\n") if message.tool_calls else ""
        tokens, whole = self._count(text), self._count(text + joint if text else "")
        thought = (message.reasoning or "").strip("\n")
        if self._keeps(thought, late=late) and not message.partial:
            tokens += self._count(thought)
            whole += self._counter.marks("<think></think>\n\n") + self._count(f"\n{thought}\n")
        for number, call in enumerate(message.tool_calls):
            said, written = self._call(call)
            tokens += said
            whole += written + (self._counter.marks("\n") if number else 0)
        self._add("text", tokens, "text")
        marks = OPENING if message.partial and last else MARKS + 1
        self._add("overhead", marks + whole - tokens, r"<|im_start|>assistant\n … <|im_end|>\n")
        if not isinstance(message.content, str):
            self._parts(message.content)

    def _keeps(self, thought: str, *, late: bool) -> bool:
        kept = self._family.reasoning
        if kept == "kept" and self._request.params.extra.get("preserve_thinking") is False:
            kept = "late"
        return kept == "kept" or (kept == "late" and late and bool(thought))

    def _call(self, call: ToolCall) -> tuple[int, int]:
        """Return the tokens of a call by itself, and with what stands around it."""
        alone = self._count(_call_text(call, self._family))
        return alone, call_tokens(call, self._family, self._counter)

    def _result(self, message: Message, messages: Sequence[Message], index: int) -> None:
        """Write what a tool answered; results in a row share one turn of the user."""
        text = self._text(message)
        tokens = self._count(text)
        around = self._counter.marks("<tool_response></tool_response>\n")
        overhead = around + self._count(f"\n{text}\n") - tokens
        if messages[index - 1].role != "tool" or index == 0:
            overhead += OPENING if self._family.newline_after_results else OPENING - 1
        if index + 1 == len(messages) or messages[index + 1].role != "tool":
            overhead += 2
        self._add("text", tokens, "text")
        self._add("overhead", overhead, r"<tool_response>\n … \n</tool_response>")

    def _parts(self, parts: Sequence[Part]) -> None:
        for part in parts:
            if part.text is None:
                tokens, note = self._media(part)
                self._add("media", tokens, note)
                if tokens is None:
                    self._warnings.append(note)

    def _text(self, message: Message) -> str:
        return message.text.strip() if self._family.trimmed else message.text

    def _count(self, text: str) -> int:
        found = self._counter.count(text)
        self._methods.add(found.method)
        return found.tokens

    def _add(self, kind: Kind, tokens: int | None, note: str) -> None:
        self._sums.add(kind, tokens)
        if self.items is not None:
            place, role = self._index, self._role
            self.items.append(Item(kind=kind, tokens=tokens, message=place, role=role, note=note))


def call_tokens(call: ToolCall, family: Family, counter: Counter) -> int:
    """Return the tokens of a call as a model writes it, with the marks around it."""
    around = counter.marks("<tool_call></tool_call>")
    return around + counter.count(f"\n{_call_text(call, family)}\n").tokens


def _call_text(call: ToolCall, family: Family) -> str:
    return _call_xml(call) if family.calls == "xml" else _call_json(call)


def _json(value: Json) -> str:
    """Return JSON as templates write it: the separators of Python's own `json`, keys as sent."""
    return json.dumps(value, ensure_ascii=False)


def _tool_json(tool: dict[str, Json]) -> str:
    return _json({"type": "function", "function": tool})


def _call_json(call: ToolCall) -> str:
    return f'{{"name": "{call.name}", "arguments": {call.arguments}}}'


def _call_xml(call: ToolCall) -> str:
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        arguments = None
    lines = [f"<function={call.name}>"]
    for name, value in (arguments if isinstance(arguments, dict) else {}).items():
        lines += [f"<parameter={name}>", _plain(value), "</parameter>"]
    return "\n".join([*lines, "</function>"])


def _tool_xml(tool: dict[str, Json]) -> str:
    """Return a tool as Qwen3-Coder reads it: an element for each key that it knows, then others."""
    parameters = tool.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    lines = ["<function>", f"<name>{tool.get('name', '')}</name>"]
    if "description" in tool:
        lines.append(f"<description>{str(tool['description']).strip()}</description>")
    lines.append("<parameters>")
    properties = parameters.get("properties")
    for name, field in (properties if isinstance(properties, dict) else {}).items():
        own = field if isinstance(field, dict) else {}
        lines += ["<parameter>", f"<name>{name}</name>"]
        lines += [f"<{key}>{_plain(value)}</{key}>" for key, value in own.items() if key != "name"]
        lines.append("</parameter>")
    lines += [
        f"<{key}>{_plain(value)}</{key}>"
        for key, value in parameters.items()
        if key not in {"type", "properties"}
    ]
    return "\n".join([*lines, "</parameters>", "</function>"])


def _plain(value: Json) -> str:
    return _json(value) if isinstance(value, dict | list) else str(value)
