"""Rules at work: which one applies, whether it fails this time, and which reply is drawn."""

from __future__ import annotations

import re
from collections import Counter
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import blake2b

from qeval.simulator import draw
from qeval.simulator.chat import Ask, Refusal, Said
from qeval.simulator.script import Fault, Reply, Rule, Script
from qeval.tokens import chatml, vocabulary
from qeval.value import Value, to_json

EPOCH = 1_700_000_000
"""Made-up dates lie in the 30 million seconds after this one (14 November 2023)."""

_CUT_SHORT = Reply(text="This answer is cut off by the simulator before its end.")


class Outcome(Value):
    """What to send: the answer, or the fault that strikes it."""

    said: Said
    fault: Fault | None = None
    latency_s: float = 0.0


class Engine:
    """The state of one simulator: its rules and how often each prompt was answered.

    Occurrences are counted by arrival. The event loop calls `answer` for one request at a
    time, so the counters need no lock. A request with a `seed` is drawn from the seed alone, so
    concurrent equal requests get what they would get one after the other.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._rules = [(re.compile(rule.match), rule) for rule in script.rules]
        self._drawn: Counter[bytes] = Counter()
        self._failed: Counter[tuple[int, bytes]] = Counter()
        # The simulated model's tokens are those of the Qwen vocabulary, whatever its name.
        self._counter = vocabulary.counter("qwen-plus")
        self._count = lru_cache(maxsize=4096)(self._counter.count)

    def warm(self) -> str:
        """Load the vocabulary now, and return how tokens will be counted."""
        return self._count("ready").method

    def answer(self, ask: Ask, dialect: str) -> Outcome:
        """Answer one request.

        Raises:
            Refusal: No rule matches.
        """
        prompt = _digest(ask)
        user = ask.user
        for number, (pattern, rule) in enumerate(self._rules):
            if not (_speaks(rule, ask, dialect) and pattern.search(user)):
                continue
            fault = self._fault(rule, number, prompt)
            if fault is not None:
                return self._fail(ask, rule, fault, prompt)
            if rule.replies:
                said = self._say(ask, rule.replies, prompt)
                return Outcome(said=said, latency_s=rule.latency_s)
        raise Refusal(
            f"no rule of the simulator's script matches the last user message {user[:80]!r}",
            code="no_rule",
        )

    def _fault(self, rule: Rule, number: int, prompt: bytes) -> Fault | None:
        """Return the rule's fault unless it has struck this prompt often enough."""
        fault = rule.fault
        if fault is None or fault.times is None:
            return fault
        if self._failed[number, prompt] >= fault.times:
            return None
        self._failed[number, prompt] += 1
        return fault

    def _fail(self, ask: Ask, rule: Rule, fault: Fault, prompt: bytes) -> Outcome:
        # A cut answer is the one that was to come; it does not count as an occurrence.
        said = self._compose(ask, rule.replies or (_CUT_SHORT,), prompt, self._drawn[prompt])
        return Outcome(said=said, fault=fault, latency_s=rule.latency_s)

    def _say(self, ask: Ask, replies: tuple[Reply, ...], prompt: bytes) -> Said:
        occurrence = self._drawn[prompt]
        if ask.seed is None:
            self._drawn[prompt] += 1
        return self._compose(ask, replies, prompt, occurrence)

    def _compose(
        self, ask: Ask, replies: tuple[Reply, ...], prompt: bytes, occurrence: int
    ) -> Said:
        source = ("seed", ask.seed) if ask.seed is not None else ("occurrence", occurrence)
        chance = (self._script.seed, prompt, *source)
        index = 0
        if len(replies) > 1:
            weights = [reply.weight for reply in replies]
            shares = draw.probabilities(weights, ask.temperature, ask.top_p)
            index = draw.choose(shares, draw.uniform("reply", *chance))
        text, tokens, finish = self._limit(replies[index].text, ask)
        identity = blake2b(repr(chance).encode(), digest_size=16).hexdigest()
        return Said(
            text=text,
            finish_reason=finish,
            input_tokens=chatml.count(ask.messages, self._count).tokens,
            output_tokens=tokens,
            identity=identity,
            created=EPOCH + int(identity[:8], 16) % 30_000_000,
        )

    def _limit(self, text: str, ask: Ask) -> tuple[str, int, str]:
        """Return the text up to a stop text or the token limit, its tokens, and why it ends."""
        ends = [at for at in (text.find(stop) for stop in ask.stop) if at >= 0]
        text = text[: min(ends)] if ends else text
        tokens = self._count(text).tokens
        limit = ask.max_output_tokens
        if limit is None or tokens <= limit:
            return text, tokens, "stop"
        return self._counter.prefix(text, limit), limit, "length"


def _speaks(rule: Rule, ask: Ask, dialect: str) -> bool:
    if rule.dialect is not None and rule.dialect != dialect:
        return False
    return rule.model is None or fnmatchcase(ask.model, rule.model)


def _digest(ask: Ask) -> bytes:
    """Return what identifies a prompt: everything asked but the seed."""
    asked = (ask.model, ask.messages, ask.temperature, ask.top_p, ask.max_output_tokens, ask.stop)
    return blake2b(to_json(asked), digest_size=16).digest()
