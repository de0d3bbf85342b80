"""Replay against httpx2's MockTransport, and a lookup in a long file against one in a short.

The cases hold one trial each and a file each, bodies about 0.7 kB. Warm: files are read and
parsed. Cold: each is opened, hashed and parsed on the way. Both run in the same process as
one AsyncClient over MockTransport, in turn; the ratios are of rates, more is better.
Aims: warm ≥ 100 %, cold ≥ 50 %; a lookup ≤ 15 µs, and ≤ 1.5 times as long at 10,000 as at 100.

    python tests/benchmarks/bench_replay.py [--rounds 3] [--quick]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from qeval.exchange import Answer, Place, Wire  # noqa: E402 - run as a script
from qeval.transport.base import step  # noqa: E402
from qeval.transport.cassettes import (  # noqa: E402
    CassetteOptions,
    CassetteTransport,
    layout,
)
from qeval.transport.cassettes.interaction import Interaction, interaction_of  # noqa: E402

BASE = "https://model-studio.invalid/compatible-mode/v1"
JSON = (("content-type", "application/json"),)


def wire(number: int) -> Wire:
    """The request of a case."""
    body = {
        "model": "qwen-plus",
        "messages": [
            {"role": "system", "content": "Answer in one short sentence."},
            {"role": "user", "content": f"What is {number} + {number}? " + "Think of it. " * 12},
        ],
        "temperature": 0.1,
        "top_p": 0.8,
    }
    return Wire(path="/chat/completions", body=json.dumps(body).encode())


def answered(number: int) -> bytes:
    """The body of its answer."""
    message = {"role": "assistant", "content": f"It is {2 * number}. " + "As one can see. " * 12}
    return json.dumps(
        {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1790000000,
            "model": "qwen-plus",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 17, "completion_tokens": 9, "total_tokens": 26},
        }
    ).encode()


def interaction(number: int, place: Place) -> Interaction:
    """The recording of a case."""
    answer = Answer(
        status=200,
        headers=JSON,
        body=answered(number),
        latency_s=0.2134,
        recorded_at="2026-11-22T20:14:40Z",
        source="model-studio",
    )
    return interaction_of(BASE + "/chat/completions", wire(number), answer, place)


def transport(folder: Path) -> CassetteTransport:
    """A replay of the folder."""
    return CassetteTransport(CassetteOptions(folder=folder, root=folder.parent, base=BASE))


def taken(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def mock(wires: list[Wire]) -> float:
    """Seconds for all requests through one client over MockTransport."""
    import httpx2  # noqa: TID251 - the yardstick

    bodies = {one.body: answered(number) for number, one in enumerate(wires)}

    def handler(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=dict(JSON), content=bodies[request.content])

    async def run() -> float:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
            start = time.perf_counter()
            for one in wires:
                url = BASE + one.path
                answer = await client.post(url, content=one.body, headers=dict(JSON))
                await answer.aread()
            return time.perf_counter() - start

    return asyncio.run(run())


def replay(folder: Path, wires: list[Wire]) -> tuple[float, float]:
    """Seconds for all requests, cold and then warm."""
    tape = transport(folder)
    places = [Place(case=f"q-{number}", scenario="warm", trial=0) for number in range(len(wires))]

    def all_of_them() -> None:
        for one, place in zip(wires, places, strict=True):
            step(tape.send(one, place))

    cold = taken(all_of_them)
    return cold, taken(all_of_them)


def compare(count: int, rounds: int) -> None:
    """Print rates and ratios for so many one-trial cases."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "qwen-plus"
        folder.mkdir()
        wires = [wire(number) for number in range(count)]
        for number in range(count):
            place = Place(case=f"q-{number}", scenario="warm", trial=0)
            text = layout.write([interaction(number, place)])
            (folder / f"q-{number}.yaml").write_text(text, encoding="utf-8")
        size = len(text.encode())
        runs = [(mock(wires), *replay(folder, wires)) for _ in range(rounds)]
        plain, cold, warm = (min(column) for column in zip(*runs, strict=True))
    print(
        f"{count:6,} cases of {size:,} bytes: MockTransport {count / plain:8,.0f}/s"
        f" · warm {count / warm:8,.0f}/s = {plain / warm:.0%} (aim 100 %)"
        f" · cold {count / cold:8,.0f}/s = {plain / cold:.0%} (aim 50 %)"
    )


def lookup(count: int, rounds: int) -> float:
    """Seconds for one lookup in a file of so many trials, spread through it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "qwen-plus"
        folder.mkdir()
        places = [Place(case="all", scenario="warm", trial=trial) for trial in range(count)]
        made = [interaction(number, place) for number, place in enumerate(places)]
        (folder / "all.yaml").write_text(layout.write(made), encoding="utf-8")
        tape = transport(folder)
        chosen = [(wire(at), places[at]) for at in range(0, count, count // 100)]
        step(tape.send(*chosen[0]))

        def spread() -> None:
            for _ in range(20):
                for one, place in chosen:
                    step(tape.send(one, place))

        return min(taken(spread) for _ in range(rounds)) / (20 * len(chosen))


def parsing(rounds: int) -> None:
    """Print what reading one file takes, by our reader and by a YAML parser."""
    import yaml

    data = layout.write([interaction(7, Place(case="q", scenario="warm", trial=0))]).encode()
    times = 2000

    def by(read: Callable[[], object], count: int) -> float:
        return min(taken(lambda: [read() for _ in range(count)]) for _ in range(rounds)) / count

    ours = by(lambda: layout.read(data, "q"), times)
    general = by(lambda: yaml.load(data, yaml.CSafeLoader), times // 20)
    print(
        f"parsing {len(data):,} bytes: {ours * 1e6:.1f} µs · libyaml {general * 1e6:.0f} µs"
        f" = {general / ours:.0f} times as long"
    )


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="1,000 cases alone")
    arguments = parser.parse_args()
    for count in (1_000,) if arguments.quick else (1_000, 10_000):
        compare(count, arguments.rounds)
    short, long = lookup(100, arguments.rounds), lookup(10_000, arguments.rounds)
    print(
        f"lookup: {short * 1e6:.1f} µs among 100, {long * 1e6:.1f} µs among 10,000 (aim 15 µs)"
        f" = {long / short:.2f} (aim 1.5)"
    )
    parsing(arguments.rounds)


if __name__ == "__main__":
    main()
