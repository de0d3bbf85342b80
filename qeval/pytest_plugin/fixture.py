"""The `qeval` fixture: ask from a test in Python, recorded under the test's own name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from qeval import models, presets
from qeval.dialects.asked import reader
from qeval.dialects.base import DIALECTS
from qeval.errors import QevalError, UsageError, nearest
from qeval.exchange import Answer, Message, Params, Place, Request, Response, ToolCall, Usage
from qeval.loading.project import Project, find_project
from qeval.pytest_plugin.names import Home, home_of
from qeval.pytest_plugin.state import State, state
from qeval.record import Evidence
from qeval.session.asking import Call
from qeval.suite import Check, Target, slug
from qeval.transport.cassettes.interaction import TURNS, request_key
from qeval.value import Json, Value


class Question(Value):
    """What `qeval.ask` takes, by name."""

    user: str | None = None
    """The question; or `messages`."""
    messages: tuple[Message, ...] = ()
    system: str | None = None
    model: str | None = None
    """A model, or a target of `[tool.qeval.targets]`; None: the only one of `default_targets`."""
    scenario: str | dict[str, Json] | None = None
    """A preset's name, or parameters."""
    params: dict[str, Json] = {}
    """Parameters over those of the scenario."""
    dialect: str | None = None
    base_url: str | None = None
    tools: tuple[dict[str, Json], ...] = ()
    response_format: str | dict[str, Json] | None = None


class Reply:
    """One answer, for asserts: its text compares and searches like text, and `check` judges it."""

    def __init__(self, request: Request, answer: Answer, response: Response, home: Home) -> None:
        self.request = request
        self.response = response
        self.latency_s = answer.latency_s
        self._home = home

    @property
    def text(self) -> str:
        """The answer."""
        return self.response.text

    @property
    def reasoning(self) -> str | None:
        """What the model thought before, where it is told."""
        return self.response.reasoning

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls that the model asks for."""
        return self.response.tool_calls

    @property
    def finish_reason(self) -> str | None:
        """`stop`, `length`, `tool_calls`, or what the endpoint said."""
        return self.response.finish_reason

    @property
    def usage(self) -> Usage:
        """Tokens as the endpoint reported them."""
        return self.response.usage

    def json(self) -> Json:
        """Return the answer as JSON: the whole, a fenced block, or the first value in it."""
        from qeval.scorers.jsontext import NOTHING, find_json

        found = find_json(self.text)
        if found is NOTHING:
            raise AssertionError(f"no JSON in the answer: {self.text[:200]!r}")
        return found

    def check(self, **entries: Any) -> Reply:
        """Judge the answer by one check, as a suite writes it: `check(contains="Paris")`.

        Returns:
            The reply, so that checks can follow one another.

        Raises:
            AssertionError: The check does not pass; the message says why.
            UsageError: It is no check.
        """
        __tracebackhide__ = True
        from qeval.scorers.base import prepare

        written = Check(**entries)
        try:
            ready = prepare(written.entries, folder=self._home.folder, root=self._home.root)
        except ValueError as error:
            raise UsageError(str(error)) from None
        score = ready.score(
            Evidence(request=self.request, response=self.response, latency_s=self.latency_s)
        )
        if not score.passed:
            raise AssertionError(f"{score.check}: {score.reason}\nanswer: {self.text[:1000]!r}")
        return self

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Reply {self.text[:80]!r}>"

    def __contains__(self, part: str) -> bool:
        return part in self.text


class Qeval:
    """What the fixture gives a test: ways to ask.

    Equal requests of one test are its trials, in the order in which they are made.
    """

    def __init__(self, here: State, home: Home, project: Project) -> None:
        self._here = here
        self._home = home
        self._project = project
        self._times: Counter[tuple[str, str]] = Counter()
        self._files: dict[str, str] = {}
        """Target → name of its cassette."""

    def ask(self, user: str | None = None, **fields: Any) -> Reply:
        """Ask, and wait for the answer.

        Args:
            user: The question.
            **fields: Of `Question`.

        Raises:
            UsageError: A field is unknown or does not fit.
            QevalError: No answer came, or replay has none.
        """
        __tracebackhide__ = True
        request, target_id, target = self._asked(user, fields)
        try:
            answer = self._sent(request, target_id, target).result()
        except QevalError as error:
            raise error.with_traceback(None) from None  # our threads are nothing to read
        return self._reply(request, target, answer)

    async def ask_async(self, user: str | None = None, **fields: Any) -> Reply:
        """As `ask`, for a test that runs in a loop: several may be under way."""
        __tracebackhide__ = True
        request, target_id, target = self._asked(user, fields)
        try:
            answer = await _awaited(self._sent(request, target_id, target))
        except QevalError as error:
            raise error.with_traceback(None) from None
        return self._reply(request, target, answer)

    def close(self) -> None:
        """Say that the test asks no more: its recordings are put in place."""
        for case in self._files.values():
            self._here.answers.end(self._home.cassettes, case).result()

    def _asked(self, user: str | None, fields: dict[str, Any]) -> tuple[Request, str, Target]:
        question = _question({**fields, **({} if user is None else {"user": user})})
        name, target = self._target(question)
        messages = list(question.messages)
        if question.system is not None:
            messages.insert(0, Message(role="system", content=question.system))
        if question.user is not None:
            messages.append(Message(role="user", content=question.user))
        if not messages:
            raise UsageError("nothing is asked", hint='write `qeval.ask("…")` or `messages=[…]`')
        request = Request(
            model=target.model or name,
            messages=tuple(messages),
            params=_params(question, target, self._project),
            tools=question.tools,
            response_format=question.response_format,  # type: ignore[arg-type]  # the dialect tells
        )
        return request, slug(name), target

    def _target(self, question: Question) -> tuple[str, Target]:
        name = question.model
        if name is None:
            known = self._project.default_targets
            if len(known) != 1:
                raise UsageError("no model is named", hint="write `qeval.ask(…, model='…')`")
            name = known[0]
        target = self._project.targets.get(name, Target(model=name))
        own = {"dialect": question.dialect, "base_url": question.base_url}
        given = {key: value for key, value in own.items() if value is not None}
        made = msgspec.structs.replace(target, model=target.model or name, **given)
        return name, made

    def _sent(self, request: Request, target_id: str, target: Target) -> Future[Answer]:
        wire = DIALECTS.get(target.dialect or "chat").write(request)
        key = request_key(wire.method, wire.path, wire.body)
        trial = self._times[target_id, key]
        self._times[target_id, key] += 1
        case = self._files.get(target_id)
        if case is None:  # one file a model: the first has the test's own name
            case = self._home.case if not self._files else f"{self._home.case}--{target_id}"
            self._files[target_id] = case
        return self._here.answers.call(
            Call(
                folder=self._home.cassettes,
                target_id=target_id,
                target=_fields(target),
                wire=wire,
                # Not numbered as they come: questions asked together come in any order.
                place=Place(case=case, scenario="test", trial=trial, turn=int(key, 16) % TURNS),
                # One transport serves the tests of a file, so what it tells to type is theirs.
                command=f"pytest {self._home.nodeid.partition('::')[0]} --qeval-mode record",
            )
        )

    def _reply(self, request: Request, target: Target, answer: Answer) -> Reply:
        __tracebackhide__ = True
        response = reader(DIALECTS.get(target.dialect or "chat"), request).read(answer)
        return Reply(request, answer, response, self._home)


def asking(request: pytest.FixtureRequest) -> Iterator[Qeval]:
    """Give a test its `Qeval`, and put its recordings in place when it is over."""
    here = state(request.config)
    project = find_project(request.config.rootpath / "suites")
    made = Qeval(here, home_of(request.node, project.root), project)
    yield made
    made.close()


def _question(fields: dict[str, Any]) -> Question:
    known = Question.__struct_fields__
    for name in fields:
        if name not in known:
            meant = nearest(name, known)
            hint = f"did you mean {meant!r}?" if meant else f"it takes {', '.join(known)}"
            raise UsageError(f"ask has no argument {name!r}", hint=hint)
    try:
        return msgspec.convert(fields, Question)
    except msgspec.ValidationError as error:
        raise UsageError(f"ask: {error}", hint="see the fields of `Question`") from None


def _params(question: Question, target: Target, project: Project) -> Params:
    """Return the parameters: target < scenario < `params`; whether to think is always said."""
    scenario = question.scenario
    if isinstance(scenario, str):
        preset = presets.find(scenario)
        if preset is None:
            known = ", ".join(presets.names())
            raise UsageError(f"no preset is called {scenario!r}", hint=f"choose from {known}")
        scenario = dict(preset.params)
    own = {**(scenario or {}), **question.params}
    if own:
        from qeval.loading.parameters import checked  # with all rules of suites

        own = checked(own, "ask")
    written = {**target.params, **own}
    model = models.find(target.like or target.model or "", project.models)
    if model is not None and model.thinking is not None and not model.fixed:
        written.setdefault("thinking", model.thinking)
    return msgspec.convert(written, Params)


def _fields(target: Target) -> dict[str, Json]:
    return {
        name: value
        for name in target.__struct_fields__
        if (value := getattr(target, name)) is not msgspec.UNSET and value not in (None, {})
    }


async def _awaited(future: Future[Answer]) -> Answer:
    """Wait in whatever loop the test runs; beside asyncio's, in a thread."""
    if future.done():
        return future.result()
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        from importlib import import_module

        threads: Any = import_module("anyio.to_thread")  # only where a test runs under anyio
        answer: Answer = await threads.run_sync(future.result)
        return answer
    return await asyncio.wrap_future(future)
