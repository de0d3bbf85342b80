"""Callable targets: a function in the model's place, with its own calls recorded and replayed."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import vcr

import qeval
from qeval.record import Trial
from qeval.session import Result
from qeval.simulator import Log, running
from qeval.simulator.app import Served

SCRIPT = """
rules:
  - {match: twice, replies: [One., Two., Three., Four.]}
  - {match: slow, reply: At last., latency_s: 0.05}
  - {match: France, reply: Paris.}
"""
APP = """
import asyncio, json, os, threading, time, urllib.request

def _body(text, **more):
    return {"model": "qwen-plus", "messages": [{"role": "user", "content": text}], **more}

def with_urllib(request):
    url = os.environ["BASE"] + "/chat/completions"
    headers = {"authorization": "Bearer sk-Secret-0123456789abc", "content-type": "application/json"}
    call = urllib.request.Request(url, json.dumps(_body(request.user)).encode(), headers)
    with urllib.request.urlopen(call) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]

def with_openai(request):
    import openai
    with openai.OpenAI(base_url=os.environ["BASE"], api_key="k", max_retries=0) as client:
        said = client.chat.completions.create(**_body(request.user))
    return {"text": said.choices[0].message.content, "usage": {"output_tokens": 2}}

async def with_async_openai(request):
    import openai
    async with openai.AsyncOpenAI(base_url=os.environ["BASE"], api_key="k", max_retries=0) as client:
        stream = await client.chat.completions.create(**_body(request.user, stream=True))
        return "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])

async def with_aiohttp(request):
    import aiohttp
    async with aiohttp.ClientSession() as client:
        url = os.environ["BASE"] + "/chat/completions"
        async with client.post(url, json=_body(request.user)) as answer:
            return (await answer.json())["choices"][0]["message"]["content"]

def with_requests(request):
    import requests
    url = os.environ["BASE"] + "/chat/completions"
    return requests.post(url, json=_body(request.user)).json()["choices"][0]["message"]["content"]

def in_two_steps(request):
    first = with_urllib(request)
    class Next: user = f"France after {first}"
    return first + " " + with_urllib(Next)

def careless(request):
    try:
        return with_openai(request)
    except Exception:
        return "Paris."
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.qeval]\n")
    (tmp_path / "suites").mkdir()
    (tmp_path / "script.yaml").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    return tmp_path


@pytest.fixture
def asked(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Served]]:
    """Serve the script; return what was asked of it."""
    log = Log()
    with running(project / "script.yaml", log) as base:
        monkeypatch.setenv("BASE", base)
        yield log.served


Made = Callable[..., Path]


@pytest.fixture
def made(project: Path) -> Made:
    """Write an application and a suite that asks it."""

    def make(
        function: str, cases: str, *, code: str = APP, target: str = "", more: str = ""
    ) -> Path:
        # Another file each time, for one of the same name is not loaded again.
        name = f"app{len(list((project / 'suites').glob('app*.py')))}.py"
        (project / "suites" / name).write_text(textwrap.dedent(code))
        suite = project / "suites" / "s.yaml"
        suite.write_text(
            f'targets:\n  app: {{python: "{name}:{function}"{target}}}\n{more}cases:\n{cases}'
        )
        return suite

    return make


def trials(result: Result) -> list[Trial]:
    return list(result.run().trials())


FRANCE = "  - {id: france, user: Where is France?, checks: [contains: Paris]}\n"


@pytest.mark.parametrize(
    "function",
    ["with_urllib", "with_openai", "with_async_openai", "with_aiohttp", "with_requests"],
)
def test_an_application_is_recorded_and_replayed_whatever_its_client(
    made: Made, asked: list[Served], project: Path, function: str
) -> None:
    suite = made(function, FRANCE, more="trials: 2\n")

    recorded = qeval.run(suite, mode="record")
    assert (recorded.exit_code, len(asked)) == (0, 2)
    replays = [qeval.run(suite) for _ in range(2)]

    assert len(asked) == 2
    assert [trial.text for trial in trials(replays[0])] == ["Paris.", "Paris."]
    first, second = ((each.folder / "run.jsonl").read_bytes() for each in replays)
    assert first == second
    text = (project / "cassettes" / "s" / "app" / "france.yaml").read_text()
    assert "Secret-0123" not in text
    assert text.count('"source": "simulator"') == 2
    assert function == "with_async_openai" or text.count('"content": "Paris."\n') == 2
    with vcr.use_cassette(str(project / "cassettes/s/app/france.yaml"), record_mode="none") as tape:
        assert len(tape) == 2


@pytest.mark.parametrize("function", ["with_urllib", "with_requests", "with_openai"])
def test_calls_of_several_threads_are_recorded_and_replayed_each_once(
    made: Made, asked: list[Served], function: str
) -> None:
    code = f"""{APP}
from concurrent.futures import ThreadPoolExecutor

def several(request):
    with ThreadPoolExecutor(8) as pool:
        said = pool.map(lambda _: {function}(request), range(16))
        return " ".join(sorted(each if isinstance(each, str) else each["text"] for each in said))
"""
    case = "  - {id: c, user: twice, trials: 2, checks: [matches: .]}\n"
    suite = made("several", case, code=code)

    recorded = [trial.text for trial in trials(qeval.run(suite, mode="record"))]
    assert len(asked) == 32
    replays = [qeval.run(suite) for _ in range(3)]

    assert len(asked) == 32
    for replay in replays:
        assert [trial.text for trial in trials(replay)] == recorded
        assert not replay.unused


def test_an_encrypted_connection_can_be_tried_while_recording(made: Made) -> None:
    code = """
        import urllib.request
        def answer(request):
            try:
                urllib.request.urlopen("https://127.0.0.1:9/x", timeout=1)
            except OSError as error:
                return str(error)
    """

    (trial,) = trials(qeval.run(made("answer", FRANCE, code=code), mode="record"))

    assert "Connection refused" in trial.text


def test_each_trial_has_its_own_calls_in_order(
    made: Made, asked: list[Served], project: Path
) -> None:
    suite = made(
        "in_two_steps", "  - {id: c, user: twice, checks: [contains: Paris]}\n", more="trials: 4\n"
    )

    said = [trial.text for trial in trials(qeval.run(suite, mode="record"))]

    assert len(set(said)) > 1
    assert [trial.text for trial in trials(qeval.run(suite))] == said
    assert len(asked) == 8
    lines = (project / "cassettes" / "s" / "app" / "c.yaml").read_text().splitlines()
    places = [line.split()[-1] for line in lines if line.startswith(("    trial:", "    turn:"))]
    assert places == [str(n) for trial in range(4) for turn in (0, 1) for n in (trial, turn)]


def test_recording_again_asks_only_what_is_missing_and_drops_what_is_asked_no_more(
    made: Made, asked: list[Served], project: Path
) -> None:
    qeval.run(made("in_two_steps", FRANCE), mode="record")
    file = project / "cassettes" / "s" / "app" / "france.yaml"
    before = file.read_bytes()

    qeval.run(made("in_two_steps", FRANCE), mode="record")
    assert (len(asked), file.read_bytes()) == (2, before)
    qeval.run(made("with_urllib", FRANCE), mode="record")

    assert len(asked) == 2
    assert file.read_text().count("- request:") == 1
    assert qeval.run(project / "suites" / "s.yaml").exit_code == 0


def test_refreshing_asks_for_everything_and_keeps_like_answers(
    made: Made, asked: list[Served], project: Path
) -> None:
    suite = made("with_urllib", FRANCE)
    qeval.run(suite, mode="record")
    file = project / "cassettes" / "s" / "app" / "france.yaml"
    before = file.read_bytes()

    qeval.run(suite, mode="refresh")

    assert (len(asked), file.read_bytes()) == (2, before)


@pytest.mark.parametrize("function", ["with_urllib", "careless"])
def test_a_changed_call_is_a_miss_that_explains_itself_even_if_the_code_swallows_it(
    made: Made, asked: list[Served], function: str
) -> None:
    qeval.run(made(function, FRANCE), mode="record")
    code = APP.replace('"content": text}', '"content": text + "!"}')

    replay = qeval.run(made(function, FRANCE, code=code))

    (trial,) = trials(replay)
    assert len(asked) == 1
    assert (trial.outcome, trial.code, replay.exit_code) == ("errored", "cassette_stale", 4)
    assert trial.error == (
        "cassettes/s/app/france.yaml: trial 0 under 'default' was recorded for another request:"
        " messages[0].content: 'Where is France?' → 'Where is France?!'"
    )
    assert replay.misses == {"stale": 1}


def test_a_call_beyond_the_recorded_ones_is_a_miss(made: Made, asked: list[Served]) -> None:
    qeval.run(made("with_urllib", FRANCE), mode="record")

    replay = qeval.run(made("in_two_steps", FRANCE))

    (trial,) = trials(replay)
    assert len(asked) == 1
    assert trial.error == (
        "cassettes/s/app/france.yaml: trial 0 under 'default', request 2 is not recorded; recorded are"
        " trial 0 under 'default'; the nearest differs in messages[0].content:"
        " 'Where is France?' → 'France after Paris.'"
    )


def test_a_client_that_no_recorder_sees_is_refused_in_a_replay(made: Made) -> None:
    code = """
        import socket
        def answer(request):
            try:
                socket.create_connection(("192.0.2.1", 80), timeout=0.1)
            except OSError:
                pass
            return "Paris."
    """

    result = qeval.run(made("answer", FRANCE, code=code))

    (trial,) = trials(result)
    assert (trial.outcome, trial.code, result.exit_code) == ("errored", "cassette_missing", 4)
    assert trial.error == "app asked for '192.0.2.1' by a client whose calls are not recorded"


def test_a_function_may_return_a_response_or_parts_of_one(made: Made) -> None:
    code = """
        import qeval
        from qeval.exchange import ToolCall, Usage
        def answer(request: qeval.CallableRequest) -> qeval.Response:
            call = ToolCall(id="a", name="f", arguments='{"x": 1}')
            if request.trial:
                return {"text": None, "tool_calls": [call], "usage": Usage(input_tokens=3)}
            return qeval.Response(tool_calls=(call,), usage=Usage(input_tokens=3))
    """
    case = "  - {id: c, user: hi, tools: {f: {description: d}}, trials: 2, checks: [calls: f]}\n"

    result = qeval.run(made("answer", case, code=code))

    assert [(t.outcome, t.usage.input_tokens) for t in trials(result)] == [("passed", 3)] * 2


def test_code_without_traffic_is_simply_run_and_leaves_no_file(made: Made, project: Path) -> None:
    suite = made("answer", FRANCE, code="def answer(request): return 'Paris'")

    codes = [qeval.run(suite, mode=mode).exit_code for mode in ("record", "replay", "live")]

    assert codes == [0, 0, 0]
    assert not (project / "cassettes").exists() or not list((project / "cassettes").rglob("*.yaml"))


def test_a_request_has_all_that_the_suite_says(made: Made) -> None:
    code = """
        import json, msgspec
        def answer(request):
            return json.dumps([request.system, request.user, request.vars, request.trial,
                request.params.temperature, [m.role for m in request.messages],
                [tool["name"] for tool in request.tools]])
    """
    case = (
        "  - {id: c, system: Be kind., user: 'Hi {{ name }}', vars: {name: Ada}, trials: 2,\n"
        "     tools: {f: {description: d}}, params: {temperature: 0.5}, checks: [is_json]}\n"
    )

    found = trials(qeval.run(made("answer", case, code=code)))

    assert [json.loads(trial.text) for trial in found] == [
        ["Be kind.", "Hi Ada", {"name": "Ada"}, n, 0.5, ["system", "user"], ["f"]] for n in (0, 1)
    ]


def test_tool_loops_and_turns_call_the_function_again(
    made: Made, asked: list[Served], project: Path
) -> None:
    code = f"""{APP}
def agent(request):
    last = request.messages[-1]
    if last.role == "user" and "tool" in last.text:
        return {{"tool_calls": [{{"name": "add", "arguments": {{"a": 2, "b": 3}}}}]}}
    if last.role == "tool":
        return f"It is {{last.text}}."
    return with_urllib(request)
"""
    case = (
        "  - id: c\n    tools: {add: {description: adds, result: '{{ arguments.a + arguments.b }}'}}\n"
        "    turns: [{user: use the tool}, {user: France?}, {user: France again?}]\n"
        "    checks: [contains: Paris, calls: add]\n"
    )
    suite = made("agent", case, code=code)

    recorded = qeval.run(suite, mode="record")
    replay = qeval.run(suite)

    assert (recorded.exit_code, replay.exit_code, len(asked)) == (0, 0, 2)
    (trial,) = trials(replay)
    assert (trial.requests, trial.earlier) == (4, ("It is 5.", "Paris."))
    text = (project / "cassettes" / "s" / "app" / "c.yaml").read_text()
    assert ("turn: 2000" in text, "turn: 3000" in text) == (True, True)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise KeyError('city')", "app raised KeyError: 'city'"),
        ("raise ValueError('one\\ntwo')", "app raised ValueError: one"),
        ("raise RuntimeError", "app raised RuntimeError"),
        ("raise SystemExit(3)", "app raised SystemExit: 3"),
        ("raise TimeoutError('mine')", "app raised TimeoutError: mine"),
        ("import asyncio; raise asyncio.CancelledError", "app raised CancelledError"),
        ("raise OSError('\\x1b[31mred')", "app raised OSError: \\x1b[31mred"),
        ("return None", "app returned nothing"),
        ("return 3", "app returned an object of type int"),
        ("return {'txt': 'a'}", "app returned an unknown field 'txt'"),
        (
            "return {'text': 3}",
            "app returned what is no response: Expected `str`, got `int` - at `$.text`",
        ),
        (
            "return {'usage': {'tokens': 3}}",
            "app returned a usage with an unknown field 'tokens'",
        ),
        ("return {'usage': {'input_tokens': -1}}", "app returned a usage with -1 input_tokens"),
        (
            "return {'tool_calls': [3]}",
            "app returned what is no response: Expected `object`, got `int` - at `$.tool_calls[0]`",
        ),
        ("import time; time.sleep(1)", "app did not end within 200 ms"),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("mode", ["replay", "live"])
def test_what_goes_wrong_is_an_errored_trial_that_says_so(
    made: Made, code: str, said: str, kind: str, mode: str
) -> None:
    if kind == "async def":
        code = code.replace("import time; time.sleep", "import asyncio; await asyncio.sleep")
    suite = made(
        "answer",
        FRANCE,
        code=f"{kind} answer(request):\n    {code}\n",
        target=", timeout_s: 0.2" if "sleep" in code else "",
    )

    result = qeval.run(suite, mode=mode)

    (trial,) = trials(result)
    assert (trial.outcome, trial.error, result.exit_code) == ("errored", said, 1)


def test_a_key_in_an_answer_is_not_recorded(made: Made, asked: list[Served], project: Path) -> None:
    (project / "script.yaml").write_text(
        "rules:\n  - {match: France, reply: it is sk-Secret-0123456789abc}\n"
    )
    with running(project / "script.yaml") as base:
        code = APP.replace('os.environ["BASE"]', repr(base))
        result = qeval.run(made("with_urllib", FRANCE, code=code), mode="record")

    (trial,) = trials(result)
    assert (trial.outcome, trial.code, asked) == ("errored", "secret", [])
    assert not list((project / "cassettes").rglob("*.yaml"))
    assert "Secret-0123" not in (result.folder / "run.jsonl").read_text()


def test_live_calls_run_beside_each_other_and_recorded_ones_do_not(made: Made) -> None:
    code = """
        import threading, time
        running, most, lock = 0, [0], threading.Lock()
        def answer(request):
            global running
            with lock:
                running += 1
                most[0] = max(most[0], running)
            time.sleep(0.05)
            with lock:
                running -= 1
            return str(most[0])
    """
    case = "  - {id: c, user: hi, trials: 12, checks: [matches: .]}\n"
    most = {}
    for mode in ("live", "record"):
        result = qeval.run(made("answer", case, code=code), mode=mode)
        most[mode] = max(int(trial.text) for trial in trials(result))

    assert most["record"] == 1
    assert most["live"] > 8  # more than the threads of a default executor on a small machine


@pytest.mark.parametrize("client", ["httpx2", "aiohttp"])
def test_the_calls_of_endpoints_beside_it_stay_out_of_its_recordings(
    made: Made, asked: list[Served], project: Path, client: Any
) -> None:
    code = f"{APP}\ndef thrice(request): return [with_urllib(request) for _ in range(3)][0]\n"
    suite = made(
        "thrice",
        "".join(
            f"  - {{id: c{n}, user: slow France {n}, checks: [matches: .]}}\n" for n in range(6)
        ),
        code=code,
    )
    text = suite.read_text().replace(
        "cases:", '  qwen-plus: {base_url: "${BASE}", api_key_env: null, concurrency: 1}\ncases:', 1
    )
    suite.write_text(text)

    result = qeval.run(suite, mode="record", client=client)

    assert (result.exit_code, len(asked)) == (0, 24)
    for target, requests in (("app", 3), ("qwen-plus", 1)):
        files = sorted((project / "cassettes" / "s" / target).glob("*.yaml"))
        assert [file.read_text().count("- request:") for file in files] == [requests] * 6
    assert qeval.run(suite).exit_code == 0


def test_a_function_that_is_late_is_not_taken_for_the_next(made: Made, asked: list[Served]) -> None:
    code = f"""{APP}
def late(request):
    if request.trial == 0:
        time.sleep(0.6)
    return with_urllib(request)
"""
    suite = made("late", FRANCE, code=code, target=", timeout_s: 0.3", more="trials: 3\n")

    found = trials(qeval.run(suite, mode="record"))

    assert found[0].error == "app did not end within 300 ms"
    assert [trial.outcome for trial in found[1:]] == ["passed", "passed"] or (
        found[1].error == "app was not called: an earlier call has not ended"
    )
    assert len(asked) == 1 + [trial.outcome for trial in found].count("passed")
