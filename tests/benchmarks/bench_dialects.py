"""What reading answers costs, as a ratio to `json.loads` of the same bytes, side by side.

A stream of 200 chunks (aim: ≤ 6, the chunks' JSON loaded one by one) and a body of 4 KB
(aim: ≤ 4), in each dialect.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from qeval.dialects.base import DIALECTS
from qeval.exchange import Answer

CHUNKS = 200
BODY_BYTES = 4096
REASON = "stop"
PROSE = "The capital of France is Paris, on the Seine. "


def usage(dialect: str) -> dict[str, Any]:
    """A usage as the dialect spells it."""
    inputs, outputs = ("prompt", "completion") if dialect == "chat" else ("input", "output")
    return {
        f"{inputs}_tokens": 17,
        f"{outputs}_tokens": 260,
        "total_tokens": 277,
        "prompt_tokens_details": {"cached_tokens": 0},
        f"{outputs}_tokens_details": {"reasoning_tokens": 0},
    }


def body(dialect: str, text: str) -> dict[str, Any]:
    """A whole answer."""
    if dialect == "responses":
        part: dict[str, Any] = {
            "type": "output_text",
            "text": text,
            "annotations": [],
            "logprobs": None,
        }
        item = {"id": "msg_1", "type": "message", "role": "assistant", "content": [part]}
        head = {"id": "resp_1", "object": "response", "created_at": 1790000000, "model": "m"}
        return {**head, "status": "completed", "output": [item], "usage": usage(dialect)}
    content = [{"text": text}] if dialect == "dashscope-multimodal" else text
    message = {"role": "assistant", "content": content, "reasoning_content": ""}
    choice = {"index": 0, "finish_reason": REASON, "logprobs": None, "message": message}
    if dialect == "chat":
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1790000000}
        return {**head, "model": "m", "choices": [choice], "usage": usage(dialect)}
    return {"request_id": "r-1", "output": {"choices": [choice]}, "usage": usage(dialect)}


def chunk(dialect: str, number: int) -> dict[str, Any]:
    """One frame of a stream."""
    last = number == CHUNKS - 1
    word = PROSE.split()[number % 9] + " "
    if dialect == "chat":
        delta = {"content": "" if last else word, "reasoning_content": None}
        finish = REASON if last else None
        choice = {"delta": delta, "finish_reason": finish, "index": 0, "logprobs": None}
        head = {"object": "chat.completion.chunk", "usage": None, "created": 1790000000}
        return {"choices": [choice], **head, "system_fingerprint": None, "model": "m", "id": "c-1"}
    if dialect == "responses":
        if last:
            return {"type": "response.completed", "response": body(dialect, PROSE * 20)}
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
        kind = "response.output_text.delta"
        return {"type": kind, "sequence_number": number, "delta": word, **place}
    content: Any = "" if last else word
    if dialect == "dashscope-multimodal":
        content = [] if last else [{"text": word}]
    message = {"content": content, "reasoning_content": "", "role": "assistant"}
    choice = {"message": message, "finish_reason": REASON if last else "null"}
    return {"output": {"choices": [choice]}, "usage": usage(dialect), "request_id": "r-1"}


def stream(dialect: str) -> tuple[bytes, list[bytes]]:
    """A stream, and the JSON in it."""
    each = [json.dumps(chunk(dialect, number)).encode() for number in range(CHUNKS)]
    if dialect == "chat":
        frames = [b"data: " + one + b"\n\n" for one in each]
        return b"".join(frames) + b"data: [DONE]\n\n", each
    head = b"id:1\nevent:result\n:HTTP_STATUS/200\ndata:"
    if dialect == "responses":
        head = b"id:1\nevent:response.output_text.delta\n:HTTP_STATUS/200\ndata:"
    return b"".join(head + one + b"\n\n" for one in each), each


def fastest(work: Callable[[], object], other: Callable[[], object], rounds: int) -> Any:
    """Microseconds of the fastest round of each, in turn."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for place, one in enumerate((work, other)):
            start = time.perf_counter()
            for _ in range(20):
                one()
            best[place] = min(best[place], (time.perf_counter() - start) / 20 * 1e6)
    return best


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    for dialect in ("chat", "responses", "dashscope-text", "dashscope-multimodal"):
        read = DIALECTS.get(dialect).read
        short = len(json.dumps(body(dialect, "")))
        text = (PROSE * 99)[: BODY_BYTES - short]
        encoded = json.dumps(body(dialect, text)).encode()
        whole = Answer(status=200, body=encoded)
        ours, plain = fastest(lambda: read(whole), lambda: json.loads(encoded), rounds)  # noqa: B023
        print(
            f"{dialect:21} body of {len(encoded):6,} bytes: {ours:7.1f} µs"
            f" · json.loads {plain:6.1f} µs = {ours / plain:.2f} (aim 4)"
        )
        data, each = stream(dialect)
        cut = Answer(status=200, body=data)
        ours, plain = fastest(
            lambda: read(cut, []),  # noqa: B023
            lambda: [json.loads(one) for one in each],  # noqa: B023
            rounds,
        )
        print(
            f"{dialect:21} stream of {len(each)} chunks: {ours:7.1f} µs"
            f" · json.loads {plain:6.1f} µs = {ours / plain:.2f} (aim 6)"
        )


if __name__ == "__main__":
    main()
