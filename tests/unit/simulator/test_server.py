import json
from pathlib import Path

import httpx2  # noqa: TID251 - starlette's own way to call an application
import pytest
import uvicorn

from qeval.errors import QevalError
from qeval.simulator import server
from qeval.simulator.app import create_app
from qeval.simulator.chat import Chat
from qeval.simulator.engine import Engine
from qeval.simulator.reading import parse
from qeval.tokens import vocabulary

SCRIPT = parse("rules: [{match: a, reply: b}]")


def interrupted(_self: uvicorn.Server, **_options: object) -> None:
    raise KeyboardInterrupt


def test_serve_ends_quietly_on_interrupt_and_tells_that_counts_are_estimates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "s.yaml"
    script.write_text("rules: [{match: a, reply: b}]", encoding="utf-8")
    monkeypatch.setattr(uvicorn.Server, "run", interrupted)
    monkeypatch.setattr(vocabulary, "shared", lambda: None)

    server.serve(script, 0)

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1] == (
        "Token counts are estimates; to get real ones install the Qwen vocabulary: "
        "pip install 'qeval[qwen]'"
    )


def test_an_address_of_ipv6_is_written_in_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    server._announce(Engine(SCRIPT), "::1", 8765)

    assert "  chat, responses: http://[::1]:8765/compatible-mode/v1\n" in capsys.readouterr().err


def test_a_server_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn.Server, "run", lambda _self, **_options: None)

    with pytest.raises(QevalError, match="the simulator did not start"), server.running(SCRIPT):
        pytest.fail("nothing listens")


async def _ask(engine: Engine) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=create_app(engine), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://simulator") as client:
        sent = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
        return await client.post("/v1/chat/completions", json=sent)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_mistake_of_the_simulator_is_an_answer_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(*_: object) -> bytes:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Chat, "write", break_down)

    answer = await _ask(Engine(SCRIPT))

    assert (answer.status_code, answer.headers["x-qeval-simulator"]) == (500, "1")
    assert json.loads(answer.content)["error"]["message"] == (
        "the simulator broke: ZeroDivisionError('planted')"
    )
