"""Rules at work: which one applies, whether it fails this time, and which reply is drawn."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase

import msgspec

from qeval.simulator.asked import Ask, Said
from qeval.simulator.billing import bill, part_counter
from qeval.simulator.caching import Cache
from qeval.simulator.composing import Composer, digest
from qeval.simulator.limits import Limiter
from qeval.simulator.pieces import Delta, deltas
from qeval.simulator.refusals import Refusal
from qeval.simulator.script import Fault, Reply, Rule, Script
from qeval.tokens.counters import counter
from qeval.value import Value

_CUT_SHORT = Reply(text="This answer is cut off by the simulator before its end.")


class Outcome(Value):
    """What to send: the answer, or the fault that strikes it, and when."""

    said: Said
    rule: Rule
    fault: Fault | None = None

    @property
    def latency_s(self) -> float:
        """Seconds before the answer begins."""
        return self.rule.latency_s


class Engine:
    """The state of one simulator: its rules and how often each prompt was answered.

    Occurrences are counted by arrival. The event loop calls `answer` for one request at a
    time, so the counters need no lock. A request with a `seed` is drawn from the seed alone, so
    concurrent equal requests get what they would get one after the other.
    """

    def __init__(self, script: Script) -> None:
        self.clock = script.clock
        self._script = script
        self._rules = [(re.compile(rule.match), rule) for rule in script.rules]
        self._drawn: Counter[bytes] = Counter()
        self._failed: Counter[tuple[int, bytes]] = Counter()
        # The simulated model's tokens are those of the Qwen vocabulary, whatever its name.
        self._counter = counter("qwen-plus")
        self._composer = Composer(script.seed, self._counter)
        self._cache = Cache()
        self._limiters: dict[str, Limiter] = {}
        self._now = 0.0
        self._began: float | None = None
        """When the first request came."""

    def warm(self) -> str:
        """Load the vocabulary now, and return how tokens will be counted."""
        return self._counter.count("ready").method

    def admit(self, model: str, now: float, patience_s: float = 0.0) -> float:
        """Note when a request came, and return how long it has to stand in line.

        Both are the simulator's seconds.

        Args:
            model: Each has limits of its own.
            now: Seconds of ours.
            patience_s: As `Limiter.enter` has it.

        Raises:
            Refusal: It is one too many.
        """
        self._now = now * self.clock
        if self._began is None:
            self._began = self._now
        limiter = self._limiter(model)
        return 0.0 if limiter is None else limiter.enter(self._now, patience_s)

    def _limiter(self, model: str) -> Limiter | None:
        limits = self._script.limits
        if limits is None:
            return None
        return self._limiters.setdefault(model, Limiter(limits))

    def answer(self, ask: Ask, dialect: str) -> Outcome:
        """Answer one request.

        Raises:
            Refusal: No rule matches, or a medium cannot be used.
        """
        prompt = digest(ask)
        user, answered = ask.user, ask.answered
        for number, (pattern, rule) in enumerate(self._rules):
            if not (_speaks(rule, ask, dialect) and pattern.search(user)):
                continue
            if not _follows(rule, answered):
                continue
            fault = self._fault(rule, number, prompt)
            if fault is not None or rule.replies:
                return self._outcome(ask, rule, fault, prompt)
        raise Refusal(
            f"no rule of the simulator's script matches the last user message {user[:80]!r}",
            code="no_rule",
        )

    def deltas(self, said: Said, *, bare: bool = False) -> Iterator[Delta]:
        """Return an answer in pieces; arguments as of `pieces.deltas`."""
        return deltas(said, self._counter, bare=bare)

    def _fault(self, rule: Rule, number: int, prompt: bytes) -> Fault | None:
        """Return the rule's fault unless it has struck long, or this prompt often, enough."""
        fault = rule.fault
        if fault is None:
            return None
        if fault.for_s is not None and self._now - (self._began or 0.0) >= fault.for_s:
            return None
        if fault.times is None:
            return fault
        if self._failed[number, prompt] >= fault.times:
            return None
        self._failed[number, prompt] += 1
        return fault

    def _outcome(self, ask: Ask, rule: Rule, fault: Fault | None, prompt: bytes) -> Outcome:
        counted = bill(ask, self._counter)
        cached = None
        if fault is None:
            cached = self._cache.look(ask, part_counter(ask, self._counter), self._now)
        total = msgspec.structs.replace(
            counted, input_tokens=counted.input_tokens + self._script.hidden_tokens, cached=cached
        )
        occurrence = self._drawn[prompt]
        replies = rule.replies or (_CUT_SHORT,)
        said = self._composer.compose(ask, replies, total, prompt, occurrence)
        # A cut answer is the one that was to come; it does not count as an occurrence.
        if fault is None and ask.seed is None:
            self._drawn[prompt] += ask.n
        limiter = self._limiter(ask.model)
        if fault is None and limiter is not None:
            limiter.charge(said.input_tokens + said.billed)
        return Outcome(said=said, rule=rule, fault=fault)


def _speaks(rule: Rule, ask: Ask, dialect: str) -> bool:
    if rule.dialect is not None and rule.dialect != dialect:
        return False
    if not all(within.holds(getattr(ask, name)) for name, within in rule.params.items()):
        return False
    return rule.model is None or fnmatchcase(ask.model, rule.model)


def _follows(rule: Rule, answered: tuple[str, ...]) -> bool:
    wanted = rule.after_tool
    return wanted is None or any(fnmatchcase(name, wanted) for name in answered)
