"""One trial's exchanges: the question, tool calls with their results, further turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from qeval.dialects.asked import reader
from qeval.dialects.base import Dialect
from qeval.dialects.times import times
from qeval.dialects.writing import instructions
from qeval.errors import QevalError, ResponseError, StatusError, TrialError
from qeval.exchange import Answer, Message, Place, Request, Response, ToolCall, Usage, Wire
from qeval.plan import PlannedGroup
from qeval.transport.base import in_thread
from qeval.turns import Tool
from qeval.value import Json, Value, to_json

if TYPE_CHECKING:
    import asyncio

Send = Callable[[Wire, Place], Awaitable[Answer]]
_UNKNOWN_ID = 400
"""Status of a request that goes on from an answer which the server keeps no more (wire.md)."""


class Exchange(Value):
    """One request of a trial, and what came back."""

    turn: int
    """Of the conversation, from 0."""
    request: Request
    wire: Wire
    answer: Answer
    response: Response
    first_token_s: float | None = None
    """From sending to the first frame that says something; None: not streamed."""


class Conversation(Value):
    """All exchanges of a trial, in order; at least one."""

    exchanges: tuple[Exchange, ...]
    endless: bool = False
    """Whether the model still called tools when `max_turns` requests had been made."""
    faults: dict[str, str] = {}
    """Tool → why its function gave no result that could be sent, at the first such call."""
    billed: tuple[Exchange, ...] = ()
    """The exchanges with the usage of their request, where that stands with another trial."""

    @property
    def last(self) -> Exchange:
        """The exchange whose answer is judged."""
        return self.exchanges[-1]

    def of_turn(self, turn: int) -> tuple[Exchange, ...]:
        """Return the exchanges of one turn; none where the trial ended before it."""
        return tuple(each for each in self.exchanges if each.turn == turn)


async def converse(
    group: PlannedGroup,
    index: int,
    dialect: Dialect,
    send: Send,
    place: Place,
    *,
    threads: bool = False,
) -> Conversation:
    """Ask one trial to its end.

    A turn ends with an answer that calls no tool, or one for which the suite has no result: then
    the calls are the answer, and the trial ends. Each request is a turn of its `Place`.

    Args:
        group: What is asked.
        index: The trial's number, from 0.
        dialect: Writes and reads.
        send: Brings an answer.
        place: Of the first request.
        threads: Let functions that answer for tools run in threads, so that a slow one does not
            hold up other trials.

    Raises:
        QevalError: What sending or reading one of them raises; its `finished` holds the exchanges
            before that.
    """
    talk = _Talk(group, index, dialect, send, place)
    talk.threads = threads
    turns = group.case.script.turns
    try:
        for turn in range(max(1, len(turns))):
            if turn:
                talk.say(turns[turn].message)
            if not await talk.turn(turn):
                break
    except QevalError as error:
        error.finished = tuple(talk.exchanges)
        if isinstance(error, StatusError) and error.status == _UNKNOWN_ID and talk.continued:
            error.message += (
                "; if the server has forgotten the turns before, which are recordings, ask all "
                f"anew with `--mode refresh --case {place.case}`"
            )
        raise
    return Conversation(exchanges=tuple(talk.exchanges), endless=talk.endless, faults=talk.faults)


class _Talk:
    """A conversation under way."""

    def __init__(
        self, group: PlannedGroup, index: int, dialect: Dialect, send: Send, place: Place
    ) -> None:
        self._script = group.case.script
        self._request = group.request(index)
        self._messages = list(self._request.messages)
        self._new = list(self._request.messages)
        """Those that the server has not seen, where it keeps the conversation."""
        self._kept = group.target.conversation == "server"
        self._thoughts = self._request.params.extra.get("preserve_thinking") is True
        """Whether the model is shown the reasoning of all its answers, not of its calls alone."""
        self._tools = {tool.name: tool for tool in self._script.tools}
        self._counts: Counter[str] = Counter()
        self._dialect = dialect
        self._send = send
        self._place = place
        self.exchanges: list[Exchange] = []
        self.endless = False
        self.threads = False
        self.faults: dict[str, str] = {}

    @property
    def continued(self) -> bool:
        """Whether a server that keeps the conversation goes on from a recorded answer."""
        return self._kept and any(each.answer.replayed for each in self.exchanges)

    def say(self, message: Message) -> None:
        self._messages.append(message)
        self._new.append(message)

    async def turn(self, turn: int) -> bool:
        """Ask until there is an answer; return whether the conversation may go on."""
        for _ in range(self._script.most_requests):
            response = await self._ask(turn)
            if not response.tool_calls:
                self._heard(response)
                return True
            results = await self._results(response.tool_calls)
            if results is None:
                return False
            self._heard(response)
            for result in results:
                self.say(result)
        self.endless = True
        return False

    async def _ask(self, turn: int) -> Response:
        request = self._next()
        wire = self._dialect.write(request)
        place = self._place
        if self.exchanges:
            place = msgspec.structs.replace(place, turn=len(self.exchanges))
        answer = await self._send(wire, place)
        marks: list[int] | None = [] if request.params.stream else None
        try:
            response = reader(self._dialect, request).read(answer, marks)
        except TrialError as error:
            error.attempts = answer.attempts
            raise
        self.exchanges.append(
            Exchange(
                turn=turn,
                request=request,
                wire=wire,
                answer=answer,
                response=response,
                first_token_s=times(answer.chunks, marks).first_token_s if marks else None,
            )
        )
        return response

    def _next(self) -> Request:
        if not self.exchanges:
            return self._request
        earlier = self.exchanges[-1].response.id
        if self._kept and earlier is not None:
            # What was said stays with the server, but not the instructions.
            messages = (*instructions(self._request.messages), *self._new)
            return msgspec.structs.replace(
                self._request, messages=messages, previous_response_id=earlier
            )
        return msgspec.structs.replace(self._request, messages=tuple(self._messages))

    def _heard(self, response: Response) -> None:
        """Keep what the model said as its part of the conversation; the server has it already.

        The beginning of its answer, where it was given one, is part of what it said.
        """
        begun = self._messages.pop().text if self._messages[-1].partial else ""
        self._messages.append(
            Message(
                role="assistant",
                content=begun + response.text,
                tool_calls=response.tool_calls,
                reasoning=response.reasoning if response.tool_calls or self._thoughts else None,
            )
        )
        self._new = []

    async def _results(self, calls: Sequence[ToolCall]) -> list[Message] | None:
        """Return what the tools answer; None where one of them has no answer."""
        tools = [self._tools.get(call.name) for call in calls]
        if any(tool is not None and tool.answer is None for tool in tools):
            return None
        found = []
        for call, tool in zip(calls, tools, strict=True):
            self._counts[call.name] += 1
            text, fault = await self._result(tool, call)
            if fault is not None:
                self.faults.setdefault(call.name, fault)
            found.append(Message(role="tool", content=text, tool_call_id=call.id))
        return found

    async def _result(self, tool: Tool | None, call: ToolCall) -> tuple[str, str | None]:
        number = self._counts[call.name]
        if self.threads and tool is not None and tool.python:
            import asyncio  # not on the replay path

            return await asyncio.wrap_future(in_thread(lambda: _result(tool, call, number)))
        return _result(tool, call, number)


class Shared:
    """Conversations of which several trials have an answer each, where `n` asks for several.

    The first of the trials asks; the others, which come after it, wait for what it brings.
    """

    def __init__(self) -> None:
        self._brought: dict[Place, Conversation | QevalError | None] = {}
        """By the first trial's place; None: it is under way."""
        self._waiting: dict[Place, list[asyncio.Future[None]]] = {}

    def expect(self, first: Place) -> None:
        """Say that the first trial asks now: the others wait for what it will bring."""
        self._brought[first] = None

    def bring(self, first: Place, brought: Conversation | QevalError) -> None:
        """Keep what the first trial has come to, and wake the others."""
        self._brought[first] = brought
        for waiting in self._waiting.pop(first, []):
            if not waiting.done():
                waiting.set_result(None)

    async def part(self, first: Place, number: int) -> Conversation:
        """Return the conversation with one of the other answers, counted from 1, as its last.

        Its usage is unknown: what the request consumed stands with the first answer.

        Raises:
            QevalError: What the first trial raised, that it does not ask, or that there were fewer
                answers.
        """
        if first in self._brought and self._brought[first] is None:
            import asyncio  # not on the replay path, where the first has always ended

            waiting = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(first, []).append(waiting)
            await waiting
        talk = self._brought.get(first)
        if talk is None:
            raise ResponseError(f"its answer comes with trial {first.trial}, which was not asked")
        if isinstance(talk, QevalError):
            raise talk
        others = talk.last.response.others
        if number > len(others):
            raise ResponseError(f"{number + 1} answers were asked for, and {len(others) + 1} came")
        last = msgspec.structs.replace(talk.last, response=others[number - 1])
        return msgspec.structs.replace(
            talk, exchanges=(*talk.exchanges[:-1], last), billed=talk.exchanges
        )


def _result(tool: Tool | None, call: ToolCall, number: int) -> tuple[str, str | None]:
    """Return a tool's answer as text, and why a function of the user's gave none.

    What is wrong with the call or its result is told to the model.
    """
    if tool is None or tool.answer is None:
        return f"error: there is no tool {call.name!r}", None
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.MsgspecError, RecursionError):
        return "error: the arguments are not JSON", None
    if not isinstance(arguments, dict):
        return "error: the arguments are no JSON object", None
    try:
        result: Json = tool.answer(arguments, number)
        return (result if isinstance(result, str) else _as_json(result)), None
    except (ValueError, TypeError, RecursionError) as error:  # not JSON: a set, a circle, …
        return f"error: {error}", str(error) if tool.python else None


def _as_json(result: Json) -> str:
    """Return what a function gave as JSON.

    Raises:
        ValueError: It holds a set: its order is another in each process, so that no replay could
            send what was recorded.
        TypeError: It holds what is no JSON.
    """
    if _has_set(result):
        raise ValueError("the result holds a set, which has no order: return a list")
    return to_json(result).decode()


def _has_set(value: Json) -> bool:
    if isinstance(value, dict):
        return any(_has_set(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_has_set(item) for item in value)
    return isinstance(value, set | frozenset)


def summed(usages: Sequence[Usage]) -> Usage:
    """Return the tokens of several responses; a count that one did not report is unknown.

    >>> total = summed([Usage(input_tokens=3, output_tokens=1), Usage(input_tokens=5)])
    >>> total.input_tokens, total.output_tokens
    (8, None)
    """
    if len(usages) == 1:
        return usages[0]
    fields = {}
    for name in Usage.__struct_fields__:
        counts = [getattr(usage, name) for usage in usages]
        fields[name] = None if None in counts else sum(counts)
    return Usage(**fields)


def joined(exchanges: Sequence[Exchange]) -> Response:
    """Return the last response with the calls and the tokens of all."""
    last = exchanges[-1].response
    if len(exchanges) == 1:
        return last
    return msgspec.structs.replace(
        last,
        tool_calls=tuple(call for each in exchanges for call in each.response.tool_calls),
        usage=summed([each.response.usage for each in exchanges]),
    )
