"""A shop's assistant, as an application would have it: it looks things up, then asks a model."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qeval import CallableRequest

PRICES = {"green tea": "4.50 euros", "black tea": "3.90 euros", "teapot": "29 euros"}
MODEL = os.environ.get("ASSISTANT_BASE_URL", "http://127.0.0.1:8080/compatible-mode/v1")


def answer(request: CallableRequest) -> dict[str, Any]:
    """Answer a customer; what is not in the shop needs no model."""
    found = [name for name in PRICES if name in request.user.lower()]
    if not found:
        return {"text": "Sorry, we do not have that.", "finish_reason": "stop"}
    facts = "; ".join(f"{name}: {PRICES[name]}" for name in found)
    said = asked(f"Facts: {facts}. Answer the customer in one sentence: {request.user}")
    usage = said["usage"]
    return {
        "text": said["choices"][0]["message"]["content"],
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
        },
        "finish_reason": said["choices"][0]["finish_reason"],
    }


def asked(prompt: str) -> Any:
    """Return what the model answers; any HTTP client will do."""
    body = {"model": "qwen-plus", "messages": [{"role": "user", "content": prompt}]}
    call = urllib.request.Request(  # noqa: S310 - an address of our own
        f"{MODEL}/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(call) as reply:  # noqa: S310
        return json.load(reply)
