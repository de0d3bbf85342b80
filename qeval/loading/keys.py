"""Every key of the format with its shape: parameters, targets, scenarios, cases, the suite."""
# ruff: noqa: D102  # `read` and `schema` are told once, in `shapes.Shape`

from __future__ import annotations

from typing import Any

from qeval.dialects.service import SHARED_HOSTS
from qeval.errors import suggestion
from qeval.loading.checking import CHECKS
from qeval.loading.content import (
    CONTENT,
    CONTEXT,
    GRID,
    JSON_TABLE,
    RESPONSE_FORMAT,
    ROWS,
    TEXT,
    TEXT_OR_NONE,
    TOOLS,
    VARS,
    WHOLE,
    Messages,
)
from qeval.loading.nodes import Node
from qeval.loading.shapes import (
    EMPTY,
    AnyJson,
    Either,
    Fields,
    Flag,
    ListOf,
    Number,
    Several,
    Shape,
    TableOf,
    Text,
    Word,
)
from qeval.loading.texts import (
    LITERAL_PATH,
    Function,
    literal_secret,
    wrong_case_id,
    wrong_environment,
    wrong_id,
)
from qeval.loading.walking import BAD, Walk, Wrong
from qeval.record import needed

FORMAT = 1
MOST_TRIALS = 1_000_000
"""What asks for more is a slip of the finger, and would run for ever."""
CONCURRENCY = Number(whole=True, ge=1, le=10_000)
TIMEOUT = Number(gt=0, le=86_400)
TRIALS = Number(whole=True, ge=1, le=MOST_TRIALS)
DIALECTS = ("chat", "responses", "dashscope-text", "dashscope-multimodal")
EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")
UNSOUND = "!"
"""Key that marks a case with a mistake in it, of which nothing more is said."""

_WIRE_NAMES = {
    "max_tokens": "max_output_tokens",
    "enable_thinking": "thinking",
    "thinking_budget": "thinking",
    "reasoning_effort": "thinking",
    "reasoning": "thinking",
    "top_logprobs": "logprobs",
    "enable_search": "search",
    "search_options": "search",
    "stream_options": "stream",
    # What the case and the target say themselves.
    "model": "model",
    "messages": "messages",
    "input": "user",
    "instructions": "system",
    "response_format": "response_format",
    "previous_response_id": "conversation",
}


def _pass_rule(text: str, _walk: Walk) -> Wrong | None:
    try:
        needed(text, 1)
    except ValueError as error:
        return str(error), None
    if "/" in text and int(text.partition("/")[2]) > MOST_TRIALS:
        return f"{text!r} asks more than {MOST_TRIALS:,} times", "write a share, such as 80%"
    return None


class Thinking(Shape):
    """`on`, `off`, a budget in tokens, or an effort."""

    wants = f"on, off, a number of tokens, or {', '.join(EFFORTS)}"

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        if node.id == "scalar":
            if node.value in {"on", "off"}:
                return node.value == "on"
            if node.value in EFFORTS:
                return node.value
            value = AnyJson().read(node, name, walk)
            if isinstance(value, bool):
                return value
            if isinstance(value, int):
                return WHOLE.read(node, name, walk)
        return self.refuse(node, name, walk)

    def schema(self) -> dict[str, Any]:
        words = {"enum": ["on", "off", True, False, *EFFORTS]}
        return {"anyOf": [words, {"type": "integer", "minimum": 1}]}


class Extra(TableOf):
    """Fields sent verbatim; those that a parameter stands for are refused."""

    def __init__(self) -> None:
        super().__init__(AnyJson())

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        if node.id == "mapping":
            for key, _ in node.value:
                own = _WIRE_NAMES.get(key.value, key.value if key.value in PARAMS else None)
                if own is not None:
                    walk.say(key, f"extra: {key.value!r} has a key of its own", f"write {own}:")
        return super().read(node, name, walk)


PARAMS: dict[str, Shape] = {
    "temperature": Number(ge=0, lt=2),
    "top_p": Number(gt=0, le=1),
    "top_k": Number(whole=True, ge=0),
    "presence_penalty": Number(ge=-2, le=2),
    "repetition_penalty": Number(gt=0),
    "max_output_tokens": WHOLE,
    "thinking": Thinking(),
    "stream": Flag(),
    "seed": Several(
        "a whole number or each",
        (lambda value: value == "each", Word("each")),
        otherwise=Number(whole=True, ge=0),
    ),
    "stop": Either(scalar=Text(), sequence=ListOf(Text(), least=1)),
    "logprobs": Number(whole=True, ge=0, le=5),
    "n": Number(whole=True, ge=1, le=4),
    "tool_choice": Text(),
    "parallel_tool_calls": Flag(),
    "search": Either(scalar=Flag(), mapping=JSON_TABLE),
}
PARAMS["extra"] = Extra()
PARAMS_TABLE = Fields("params", PARAMS)
PASSES = Text(_pass_rule, schema={"pattern": r"^(all|any|[0-9]+%|[0-9]+/[0-9]+)$"})


class Varied(Fields):
    """`sweep` or `grid` of a scenario: parameters, each with a list of values."""

    wants = "a mapping of parameters to lists"

    def __init__(self, label: str) -> None:
        super().__init__(label, {name: ListOf(shape, least=1) for name, shape in PARAMS.items()})

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        if node.id == "mapping" and not node.value:
            return walk.say(node, f"{name} is empty", EMPTY)
        return super().read(node, name, walk)


def counts_agree(values: dict[str, Any], node: Node, walk: Walk) -> None:
    """Say where `trials` and a rule such as `4/5` at the same place disagree."""
    passes, trials = values.get("passes"), values.get("trials")
    if isinstance(passes, str) and "/" in passes and isinstance(trials, int):
        asks = int(passes.partition("/")[2])
        if asks != trials:
            line = line_of(node, "trials")
            message = f"trials {trials} beside passes {passes!r}, which asks {asks} times"
            walk.say_at(line, message, f"leave trials out, or write trials: {asks}")


def line_of(node: Node, key: str) -> int:
    """Return the line, from 0, of a key of a mapping; that of the mapping where it has none."""
    lines = [name.start_mark.line for name, _ in node.value if name.value == key]
    return int(lines[0] if lines else node.start_mark.line)


def _scenario(values: dict[str, Any], node: Node, walk: Walk) -> None:
    counts_agree(values, node, walk)
    varied = [key for key in ("sweep", "grid") if key in values]
    if len(varied) == 2:
        line = line_of(node, "grid")
        walk.say_at(line, "sweep or grid, not both", "make two scenarios of it")
    trials, n = values.get("trials"), values.get("n")
    if isinstance(trials, int) and isinstance(n, int) and trials % n:
        hint = f"write trials: {-(-trials // n) * n}"
        walk.say_at(line_of(node, "trials"), f"trials {trials} is no multiple of n {n}", hint)


SCENARIO = Fields(
    "the scenario",
    {
        "description": Text(),
        "preset": Text(),
        "trials": TRIALS,
        "passes": PASSES,
        "vars": VARS,
        "targets": ListOf(Text(), least=1),
        "sweep": Varied("sweep"),
        "grid": Varied("grid"),
        **PARAMS,
    },
    after=_scenario,
    empty=True,
)

_BESIDE_PYTHON = {"python", "timeout_s", "concurrency", "params", "deterministic"}
_WITH_VARIABLES = {"region", "workspace", "base_url", "headers"}


def _target(values: dict[str, Any], node: Node, walk: Walk) -> None:
    if "python" in values:
        for key in sorted(values.keys() - _BESIDE_PYTHON):
            message = f"{key} beside python: a callable target has no endpoint"
            walk.say_at(line_of(node, key), message)
    conversation = values.get("conversation")
    if conversation == "server" and values.get("dialect", "chat") not in ("responses", BAD):
        line = line_of(node, "conversation")
        message = "conversation 'server' is for dialect 'responses' only"
        walk.say_at(line, message, "write dialect: responses, or leave conversation out")
    for key, item in node.value:
        if key.value in _WITH_VARIABLES:
            continue
        if isinstance(values.get(key.value), str) and "${" in item.value:
            message = f"{key.value} {item.value!r}: ${{NAME}} is for region, workspace, base_url"
            walk.say(key, f"{message} and headers", f"write the {key.value} out")


class Address(Text):
    """The address of a server, perhaps with `${NAME}` in it."""

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        text = super().read(node, name, walk)
        if isinstance(text, str) and not text.lower().startswith(("http://", "https://", "${")):
            message = f"{name} {text!r} is no address that begins with http"
            return walk.say(node, message, "write it whole: http://127.0.0.1:8000/v1")
        return text


class Headers(TableOf):
    """Extra request headers; credentials only by way of `${NAME}`."""

    def __init__(self) -> None:
        super().__init__(ENVIRONMENT)

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        headers = super().read(node, name, walk)
        if isinstance(headers, dict):
            for key, _ in node.value:
                value = headers[key.value]
                secret = key.value.lower() in {"authorization", "proxy-authorization"}
                if secret and isinstance(value, str) and literal_secret(value):
                    hint = "name the variable that holds the key: `api_key_env: NAME`"
                    walk.say(key, f"a literal {key.value} header is a secret in the suite", hint)
        return headers


def _wrong_region(text: str, walk: Walk) -> Wrong | None:
    if "${" in text:
        return wrong_environment(text, walk)
    if text in SHARED_HOSTS:
        return None
    return f"{text!r} is no region of Model Studio", suggestion("region", text, SHARED_HOSTS)


ENVIRONMENT = Text(wrong_environment)
REGION = Text(_wrong_region)
_TARGET_FIELDS: dict[str, Shape] = {
    "model": Text(),
    "dialect": Word(*DIALECTS),
    "region": REGION,
    "workspace": ENVIRONMENT,
    "base_url": Address(wrong_environment),
    "api_key_env": Text(null=True),
    "headers": Headers(),
    "params": PARAMS_TABLE,
    "like": Text(),
    "conversation": Word("resend", "server"),
    "timeout_s": TIMEOUT,
    "concurrency": CONCURRENCY,
    "rpm": WHOLE,
    "tpm": WHOLE,
    "deterministic": Flag(),
    "python": Function(),
}
TARGET = Fields("the target", _TARGET_FIELDS, after=_target, empty=True)


class Named(TableOf):
    """A mapping that defines by name: ids, unique with case ignored, to settings or nothing."""

    def __init__(self, item: Shape, *, slugged: bool) -> None:
        super().__init__(item, least=1)
        self.slugged = slugged
        """Whether an id without settings is a model's name, slugged later."""

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        table = super().read(node, name, walk)
        if isinstance(table, dict):
            seen: dict[str, str] = {}
            for key, _ in node.value:
                text = key.value
                if (wrong := wrong_id(text)) and not (self.slugged and table[text] is None):
                    walk.say(key, *wrong)
                other = seen.setdefault(text.lower(), text)
                if other != text:
                    message = f"{text!r} and {other!r} differ in case alone"
                    walk.say(key, message, "rename one of them")
                if self.slugged and table[text] is None:
                    table[text] = {}
        return table


def _picks(shape: Shape, *, slugged: bool) -> Shape:
    return Either(sequence=ListOf(Text(), least=1), mapping=Named(shape, slugged=slugged))


_SHARED: dict[str, Shape] = {
    "description": Text(),
    "system": TEXT_OR_NONE,
    "context": CONTEXT,
    "tools": TOOLS,
    "max_turns": Number(whole=True, ge=1, le=50),
    "response_format": RESPONSE_FORMAT,
    "params": PARAMS_TABLE,
    "vars": VARS,
    "checks": CHECKS,
    "without": ListOf(Text()),
    "tags": ListOf(Text()),
    "trials": TRIALS,
    "passes": PASSES,
}
TURN = Fields("the turn", {"user": CONTENT, "checks": CHECKS}, required=("user",))
QUESTIONS = ("user", "messages", "turns")


def _case(values: dict[str, Any], node: Node, walk: Walk) -> None:
    counts_agree(values, node, walk)
    asked = [key for key in QUESTIONS if key in values]
    if len(asked) > 1:
        line = line_of(node, asked[1])
        message = f"a case asks by one of user, messages or turns, got {' and '.join(asked)}"
        walk.say_at(line, message, "keep one; what is said turn by turn stands in `turns:`")
    elif "turns" in values and "partial" in values:
        message = "partial does not go with turns: it could begin the first answer alone"
        walk.say_at(line_of(node, "partial"), message, "ask by `user` or `messages`")


class CaseShape(Fields):
    """A case. One with a mistake is marked, so that no one complains of what follows from it."""

    def __init__(self) -> None:
        fields: dict[str, Shape] = {
            "id": Text(wrong_case_id),
            "user": CONTENT,
            "messages": Messages(),
            "turns": ListOf(TURN, least=1),
            "history": LITERAL_PATH,
            "partial": TEXT,
            "results": JSON_TABLE,
            "rows": ROWS,
            "grid": GRID,
            "scenarios": ListOf(Text(), least=1),
            "targets": ListOf(Text(), least=1),
            "skip": Text(),
        }
        super().__init__("the case", {**_SHARED, **fields}, after=_case)

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        before = len(walk.mistakes)
        values = super().read(node, name, walk)
        if isinstance(values, dict) and len(walk.mistakes) > before:
            values[UNSOUND] = BAD
        return values


class Version(Number):
    """The version of the format."""

    def __init__(self) -> None:
        super().__init__(whole=True, ge=1)

    def read(self, node: Node, name: str, walk: Walk) -> Any:
        value = super().read(node, name, walk)
        if isinstance(value, int) and value > FORMAT:
            message = f"this file is of format {value}; this qeval reads {FORMAT}"
            return walk.say(node, message, "upgrade qeval: `pip install -U qeval`")
        return value


class SuiteShape(Fields):
    """A whole file. Keys that begin with `x-` hold anchors and are ignored."""

    def __init__(self) -> None:
        fields: dict[str, Shape] = {
            "format": Version(),
            "extends": ListOf(LITERAL_PATH, least=1, one=True),
            "targets": _picks(TARGET, slugged=True),
            "scenarios": _picks(SCENARIO, slugged=False),
            "cases": ListOf(CaseShape()),
        }
        super().__init__("the suite", {**_SHARED, **fields}, after=counts_agree)

    def unknown(self, key: Node, item: Node, walk: Walk) -> None:
        if not key.value.startswith("x-"):
            super().unknown(key, item, walk)

    def advice(self, node: Node, name: str) -> str | None:
        del node, name
        return "begin it with a line `targets: [qwen-plus]` and a line `cases:`"

    def schema(self) -> dict[str, Any]:
        return {**super().schema(), "patternProperties": {"^x-": {}}}


SUITE = SuiteShape()
