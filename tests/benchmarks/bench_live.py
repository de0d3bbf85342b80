"""Live calls against a loopback server: our stack over the bare client of the same kind.

Every figure is the wall time of a whole process, start-up included, the least of some
interleaved rounds; read the ratios, since machines differ. Run it as a script:

    python tests/benchmarks/bench_live.py [--rounds 3] [--quick]

`measure` takes any command that makes the calls, so that a whole `qeval run` can stand
where the script of the transport stack stands.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

ROOT = Path(__file__).resolve().parents[2]
CONCURRENCY = 64

SERVER = """
import asyncio, json, sys
DELAY = float(sys.argv[1])
BODY = json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1790000000,
    "model": "qwen-plus", "choices": [{"index": 0, "finish_reason": "stop",
    "message": {"role": "assistant", "content": "Paris."}}],
    "usage": {"prompt_tokens": 17, "completion_tokens": 2, "total_tokens": 19}}).encode()
ANSWER = (b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\nx-request-id: r-1\\r\\n"
    b"content-length: %d\\r\\n\\r\\n" % len(BODY)) + BODY

class Face(asyncio.Protocol):
    calls = 0
    def connection_made(self, transport):
        self.transport, self.held = transport, b""
    def data_received(self, data):
        self.held += data
        while (end := self.held.find(b"\\r\\n\\r\\n")) >= 0:
            head = self.held[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15:].split(b"\\r", 1)[0]) if at >= 0 else 0
            if len(self.held) < end + 4 + size:
                return
            self.held = self.held[end + 4 + size:]
            if head.startswith(b"get /calls"):
                count = str(Face.calls).encode()
                self.transport.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: %d\\r\\n\\r\\n%s"
                    % (len(count), count))
                continue
            Face.calls += 1
            if DELAY:
                asyncio.get_running_loop().call_later(DELAY, self.transport.write, ANSWER)
            else:
                self.transport.write(ANSWER)

async def main():
    server = await asyncio.get_running_loop().create_server(Face, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""

COMMON = """
import asyncio, json, sys
port, calls, concurrency, client = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
url = f"http://127.0.0.1:{port}/v1/chat/completions"

async def spread(one):
    numbers = iter(range(calls))
    async def worker():
        for number in numbers:
            assert await one(number) == "Paris."
    await asyncio.gather(*(worker() for _ in range(concurrency)))

def body(number):
    return {"model": "qwen-plus", "messages": [{"role": "user",
        "content": f"What is the capital of France? ({number})"}]}
"""

BARE = {
    "httpx2": COMMON
    + """
import httpx2
async def main():
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx2.AsyncClient(limits=limits, timeout=300) as http:
        async def one(number):
            answer = await http.post(url, json=body(number), headers={"authorization": "Bearer k"})
            return answer.json()["choices"][0]["message"]["content"]
        await spread(one)
asyncio.run(main())
""",
    "aiohttp": COMMON
    + """
import aiohttp
async def main():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as http:
        async def one(number):
            headers = {"authorization": "Bearer k"}
            async with http.post(url, json=body(number), headers=headers) as answer:
                return (await answer.json())["choices"][0]["message"]["content"]
        await spread(one)
asyncio.run(main())
""",
}

STACK = (
    COMMON
    + """
from qeval.dialects.base import DIALECTS
from qeval.exchange import Message, Place, Request
from qeval.transport.hosts import Resolved
from qeval.transport.live import Live, LiveOptions
from qeval.transport.retrying import Retrying
async def main():
    dialect = DIALECTS.get("chat")
    resolved = Resolved(base_url=f"http://127.0.0.1:{port}/v1", key="k" * 20)
    options = LiveOptions(client=client, concurrency=concurrency)
    transport = Retrying(Live(lambda: resolved, options))
    async def one(number):
        text = f"What is the capital of France? ({number})"
        request = Request(model="qwen-plus", messages=(Message(role="user", content=text),))
        place = Place(case=str(number), scenario="s", trial=0)
        return dialect.read(await transport.send(dialect.write(request), place)).text
    await spread(one)
    await transport.aclose()
asyncio.run(main())
"""
)


class Work(NamedTuple):
    """What a command has to do."""

    client: str
    port: int
    calls: int


class Aim(NamedTuple):
    """One line of the table."""

    calls: int
    delay_s: float
    client: str
    limit: float
    """Most that our time over the bare client's may be."""


Command: TypeAlias = Callable[[Work], list[str]]
"""Gives the arguments of the process that does a piece of work."""

AIMS = (
    Aim(1_000, 0.2, "httpx2", 1.12),
    Aim(1_000, 0.2, "aiohttp", 1.12),
    Aim(10_000, 0.0, "httpx2", 1.2),
    Aim(10_000, 0.0, "aiohttp", 1.2),
)


def script(source: str) -> Command:
    """Return the command that runs a Python source."""

    def command(work: Work) -> list[str]:
        numbers = [str(work.port), str(work.calls), str(CONCURRENCY)]
        return [sys.executable, "-c", source, *numbers, work.client]

    return command


def bare(work: Work) -> list[str]:
    """Return the command that makes the calls with nothing but the client."""
    return script(BARE[work.client])(work)


@contextmanager
def server(delay_s: float) -> Iterator[int]:
    """Run the loopback server in a process of its own and give its port."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(delay_s)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def served(port: int) -> int:
    """Return how many calls the server has answered."""
    from urllib.request import ProxyHandler, build_opener

    with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/calls") as answer:
        return int(answer.read())


def timed(argv: list[str], port: int, calls: int) -> float:
    """Return the wall seconds of one process, having counted its calls at the server."""
    before = served(port)
    started = time.perf_counter()
    subprocess.run(argv, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - started
    assert served(port) - before == calls, "calls were lost or made twice"
    return took


def measure(aim: Aim, ours: Command, rounds: int) -> tuple[float, float]:
    """Return the least wall seconds of the bare client and of ours, over interleaved rounds."""
    with server(aim.delay_s) as port:
        work = Work(aim.client, port, aim.calls)
        pairs = [
            tuple(timed(command(work), port, aim.calls) for command in (bare, ours))
            for _ in range(rounds)
        ]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def main(ours: Command | None = None) -> None:
    """Measure every aim, of the transport stack unless told otherwise, and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of the calls")
    arguments = parser.parse_args()
    for aim in AIMS:
        work = aim._replace(calls=aim.calls // 10) if arguments.quick else aim
        least_bare, least_ours = measure(work, ours or script(STACK), arguments.rounds)
        ideal = work.calls * work.delay_s / CONCURRENCY
        ratio = least_ours / least_bare
        verdict = "met" if ratio <= aim.limit else "MISSED"
        print(
            f"{work.calls:>6} calls at {aim.delay_s * 1000:>3.0f} ms, {aim.client:<7}: "
            f"bare {least_bare:6.2f} s, ours {least_ours:6.2f} s, ideal {ideal:4.1f} s, "
            f"ratio {ratio:.2f} (at most {aim.limit}: {verdict})"
        )


if __name__ == "__main__":
    main()
