"""A reply of the script → what is said: thought, cut by limits, counted, and made identifiable."""

from __future__ import annotations

import math
from hashlib import blake2b

import msgspec

from qeval.exchange import ToolCall
from qeval.simulator import draw
from qeval.simulator.asked import Ask, Said
from qeval.simulator.billing import Bill
from qeval.simulator.pieces import tokens_of
from qeval.simulator.script import Called, Reply
from qeval.tokens.counters import Counter
from qeval.value import Json, to_json

EPOCH = 1_700_000_000
"""Made-up dates lie in the 30 million seconds after this one (14 November 2023)."""
_LIKELY = (" the", " a", ".", ",", " I", "\n")
"""What the tokens of logprobs are said to have been chosen from."""


def digest(ask: Ask) -> bytes:
    """Return what identifies a prompt: what is asked, and what the answer depends on.

    The seed is left out, and so is how the answer is to be written, so that a stream says the
    same as a whole answer and one dialect the same as another.
    """
    asked = (ask.model, ask.messages, ask.temperature, ask.top_p, ask.max_output_tokens, ask.stop)
    later = {
        "thinking": ask.thinking,
        "thinking_budget": ask.thinking_budget,
        "effort": ask.effort,
        "tools": ask.tools,
    }
    # Left out where it is not there, so that plain requests keep the draws that they always had.
    there = {key: value for key, value in later.items() if value}
    return blake2b(to_json((*asked, there) if there else asked), digest_size=16).digest()


class Composer:
    """Makes answers of replies.

    Args:
        seed: The script's.
        counter: Of tokens.
    """

    def __init__(self, seed: int, counter: Counter) -> None:
        self._seed = seed
        self._counter = counter

    def compose(
        self, ask: Ask, replies: tuple[Reply, ...], bill: Bill, prompt: bytes, occurrence: int
    ) -> Said:
        """Return what is said when a prompt comes for the so-manieth time, from 0.

        Where `n` answers are asked for, they are those of the next `n` times.
        """
        each = [self._one(ask, replies, bill, prompt, occurrence, i) for i in range(ask.n)]
        return msgspec.structs.replace(each[0], others=tuple(each[1:])) if ask.n > 1 else each[0]

    def _one(
        self,
        ask: Ask,
        replies: tuple[Reply, ...],
        bill: Bill,
        prompt: bytes,
        occurrence: int,
        index: int,
    ) -> Said:
        source: tuple[object, ...] = ("occurrence", occurrence + index)
        if ask.seed is not None:
            source = ("seed", ask.seed, index) if index else ("seed", ask.seed)
        chance = (self._seed, prompt, *source)
        reply = replies[0]
        if len(replies) > 1:
            weights = [reply.weight for reply in replies]
            shares = draw.probabilities(weights, ask.temperature, ask.top_p)
            reply = replies[draw.choose(shares, draw.uniform("reply", *chance))]
        identity = blake2b(repr(chance).encode(), digest_size=16).hexdigest()
        return self._said(ask, reply, bill, identity)

    def _said(self, ask: Ask, reply: Reply, bill: Bill, identity: str) -> Said:
        reasoning, thought = self._think(ask, reply)
        room = ask.max_output_tokens
        if room is not None and ask.all_limited:
            room = max(0, room - thought)
        text, tokens, finish = self._limit(_continued(ask, reply.text), ask, room)
        calls = () if finish == "length" else _calls(ask, reply.calls, identity)
        for call in calls:
            tokens += self._counter.count(f"{call.name}{call.arguments}").tokens
        return Said(
            text=text,
            finish_reason="tool_calls" if calls else finish,
            input_tokens=bill.input_tokens,
            output_tokens=tokens + thought,
            identity=identity,
            created=EPOCH + int(identity[:8], 16) % 30_000_000,
            reasoning=reasoning,
            reasoning_tokens=thought,
            calls=calls,
            media=bill.media,
            cached=bill.cached,
            ocr=reply.ocr,
            annotations=reply.annotations,
            logprobs=None if ask.logprobs is None else self._logprobs(text, identity, ask.logprobs),
        )

    def _think(self, ask: Ask, reply: Reply) -> tuple[str | None, int]:
        """Return the reasoning within its budget, and its tokens; None where nothing is thought."""
        if not ask.thinking:
            return None, 0
        text = reply.reasoning
        if text is None:
            text = f"The user says {ask.user[:60].strip()!r}. I know what to answer."
        limits = [ask.thinking_budget, ask.max_output_tokens if ask.all_limited else None]
        most = min((limit for limit in limits if limit is not None), default=None)
        tokens = self._counter.count(text).tokens
        if most is None or tokens <= most:
            return text, tokens
        return self._counter.prefix(text, most), most

    def _limit(self, text: str, ask: Ask, room: int | None) -> tuple[str, int, str]:
        """Return the text up to a stop text or the token limit, its tokens, and why it ends."""
        ends = [at for at in (text.find(stop) for stop in ask.stop) if at >= 0]
        text = text[: min(ends)] if ends else text
        tokens = self._counter.count(text).tokens
        if room is None or tokens <= room:
            return text, tokens, "stop"
        return self._counter.prefix(text, room), room, "length"

    def _logprobs(self, text: str, identity: str, most: int) -> tuple[dict[str, Json], ...]:
        """Return made-up logprobs, the same for the same answer."""
        found = []
        for number, token in enumerate(tokens_of(text, self._counter)):
            share = 0.5 + 0.49 * draw.uniform("logprob", identity, number)
            chosen = _entry(token, math.log(share))
            others = [other for other in _LIKELY if other != token][: max(0, most - 1)]
            top = [
                _entry(other, math.log((1 - share) / 2 ** (place + 1)))
                for place, other in enumerate(others)
            ]
            found.append({**chosen, "top_logprobs": [chosen, *top] if most else []})
        return tuple(found)


def _entry(token: str, logprob: float) -> dict[str, Json]:
    spelt = list(token.encode("utf-8", "surrogatepass"))
    return {"token": token, "bytes": spelt, "logprob": round(logprob, 6)}


def _continued(ask: Ask, text: str) -> str:
    """Return what is left to say where the request has begun the answer itself."""
    last = ask.messages[-1]
    return text.removeprefix(last.text) if last.role == "assistant" and last.partial else text


def _calls(ask: Ask, called: tuple[Called, ...], identity: str) -> tuple[ToolCall, ...]:
    """Return the calls of a reply that the request allows."""
    if not ask.tools or ask.tool_choice == "none":
        return ()
    allowed = called if ask.parallel else called[:1]
    return tuple(
        ToolCall(id=f"call_{identity[:20]}{number}", name=one.name, arguments=one.arguments)
        for number, one in enumerate(allowed)
    )
