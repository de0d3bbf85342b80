"""Running the simulator: in the foreground for people, in a thread for tests."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn

from qeval.errors import QevalError, UsageError
from qeval.simulator import reading
from qeval.simulator.app import Log, create_app
from qeval.simulator.engine import Engine
from qeval.simulator.script import Script
from qeval.tokens.vocabulary import INSTALL_HINT

START_S = 10.0
"""How long a server in a thread may take to start."""


BACKLOG = 2048
"""Connections that may wait to be accepted; what uvicorn itself asks for."""


def serve(script: Path, port: int, host: str = "127.0.0.1") -> None:
    """Serve a script until interrupted. The addresses go to stderr.

    Raises:
        UsageError: The script has mistakes, or the port is taken.
    """
    engine = Engine(reading.load(script))
    with _listen(host, port) as listener:
        server = _server(engine)
        _announce(engine, host, listener.getsockname()[1])
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


@contextmanager
def running(script: Path | Script, log: Log | None = None) -> Iterator[str]:
    """Serve a script in a thread, on a free port of loopback, while the block runs.

    Args:
        script: What to answer.
        log: Filled with what was answered, and when.

    Yields:
        The base address of the chat and responses dialects, such as
        `http://127.0.0.1:40123/compatible-mode/v1`; the native ones are at `/api/v1`.

    Raises:
        UsageError: The script has mistakes.
    """
    engine = Engine(script if isinstance(script, Script) else reading.load(script))
    server = _server(engine, log)
    with _listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="qeval-simulator", daemon=True
        )
        thread.start()
        try:
            _await_start(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/compatible-mode/v1"
        finally:
            server.should_exit = True
            thread.join(START_S)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)  # now, so that who reads the address can connect at once
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}",
            hint="choose a free port: qeval simulate SCRIPT --port 8766",
        ) from None
    return listener


def _server(engine: Engine, log: Log | None = None) -> uvicorn.Server:
    """Return a server that says nothing: neither logs, nor a date or name in its answers."""
    config = uvicorn.Config(
        create_app(engine, log),
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise QevalError("the simulator did not start")
        time.sleep(0.002)


def _announce(engine: Engine, host: str, port: int) -> None:
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = [
        "The simulator answers by script; no model is asked. Stop it with Ctrl-C.",
        f"  chat, responses: {base}/compatible-mode/v1",
        f"  native:          {base}/api/v1",
    ]
    if engine.warm() == "estimate":
        lines.append(f"Token counts are estimates; to get real ones {INSTALL_HINT}")
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
