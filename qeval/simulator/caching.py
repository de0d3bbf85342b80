"""The explicit cache: what of a prompt a marker keeps for later requests (wire.md section 10)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import blake2b

import msgspec

from qeval.exchange import Part
from qeval.simulator.asked import Ask, Cached
from qeval.simulator.refusals import invalid
from qeval.value import Value, to_json

LEAST = 1024
"""Tokens that a prefix has at least to be kept."""
LIFE_S = 300.0
"""A prefix is kept for so long after it was last used."""
BACK = 20
"""Blocks of content before a marker in which a kept prefix is looked for."""
MARKERS = 4
"""Most markers of a request."""
KEPT = 1_000
"""Prefixes that are remembered; those longest unused are forgotten first."""


class _Block(Value):
    """A text or medium, with all that stands before it."""

    prefix: bytes
    """What identifies the prompt up to here."""
    tokens: int
    """Of the prompt up to here, those of the template aside."""
    marked: bool


class Cache:
    """Remembers the prefixes that requests have marked."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, float] = OrderedDict()

    def look(self, ask: Ask, count: Callable[[Part], int], now: float) -> Cached | None:
        """Return what the cache does for a request; None: nothing in it is marked.

        Args:
            ask: The request.
            count: Returns the tokens of a part.
            now: The simulator's seconds, ascending.

        Raises:
            Refusal: There are too many markers.
        """
        if not (ask.session_cache or _marked(ask)):
            return None
        blocks = list(_blocks(ask, count))
        places = [place for place, block in enumerate(blocks) if block.marked]
        if len(places) > MARKERS:
            raise invalid(f"at most {MARKERS} content blocks may have cache_control")
        read = max((self._found(blocks, place, now) for place in places), default=0)
        last = max((blocks[place].tokens for place in places), default=0)
        for place in places:
            if blocks[place].tokens >= LEAST:
                self._keep(blocks[place].prefix, now)
        return Cached(read=read, created=last - read if last >= LEAST else 0)

    def _found(self, blocks: list[_Block], place: int, now: float) -> int:
        """Return the tokens of the longest prefix before a marker that is kept."""
        for block in reversed(blocks[max(0, place - BACK) : place + 1]):
            used = self._kept.get(block.prefix)
            if used is not None and now - used < LIFE_S:
                self._keep(block.prefix, now)
                return block.tokens
        return 0

    def _keep(self, prefix: bytes, now: float) -> None:
        self._kept[prefix] = now
        self._kept.move_to_end(prefix)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _marked(ask: Ask) -> bool:
    return any(
        part.cache
        for message in ask.messages
        if not isinstance(message.content, str)
        for part in message.content
    )


def _blocks(ask: Ask, count: Callable[[Part], int]) -> Iterator[_Block]:
    """Yield what a request says, block by block; the cache of a session marks the last."""
    seen = blake2b(to_json((ask.model, ask.tools)), digest_size=16)
    tokens = 0
    said = [
        (message.role, part)
        for message in ask.messages
        for part in (
            (Part(text=message.content),) if isinstance(message.content, str) else message.content
        )
    ]
    for number, (role, part) in enumerate(said, 1):
        marked = part.cache or (ask.session_cache and number == len(said))
        part = msgspec.structs.replace(part, cache=False)  # noqa: PLW2901
        seen.update(to_json((role, part)))
        tokens += count(part)
        yield _Block(prefix=seen.digest(), tokens=tokens, marked=marked)
