"""Input tokens of a request: the model's template, pictures by their pixels, hidden text."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import msgspec

from qeval import models
from qeval.exchange import Params, Part, Request
from qeval.simulator.asked import Ask, Cached
from qeval.simulator.refusals import invalid
from qeval.tokens.counters import Counter
from qeval.tokens.ledger import setting_of
from qeval.tokens.media import Media, frames_of, video_tokens
from qeval.tokens.templates import write
from qeval.value import Value

PIXELS = 1024
"""Per token, of models of which nothing is known: a square of 32."""
SIDE = 512
"""Pixels of each edge of a picture or film that is not in the request: nothing is fetched."""
FILM_S = 10.0
"""Seconds that such a film lasts."""
SOUND = 50
"""Tokens of a sound; no formula is published, so this one is made up."""


_HEADER = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + 2 * SIDE.to_bytes(4, "big")
_ELSEWHERE = f"data:image/png;base64,{b64encode(_HEADER).decode()}"
"""Stands for a picture that is not in the request."""


class Bill(Value):
    """Tokens of a prompt."""

    input_tokens: int
    media: dict[str, int] = {}
    """Of these, by medium: image, video, audio; where there are any."""
    cached: Cached | None = None


def bill(ask: Ask, counter: Counter) -> Bill:
    """Return the tokens of a request.

    Raises:
        Refusal: A medium cannot be used, or the model takes none.
    """
    known = models.find(ask.model)
    media = _Counted(ask, known)
    thinking: bool | str = ask.effort if ask.thinking and ask.effort else ask.thinking
    request = Request(
        model=ask.model,
        messages=ask.messages,
        tools=ask.tools,
        params=Params(thinking=thinking),
    )
    written = write(request, setting_of(request, known), counter, media).tokens
    return Bill(input_tokens=written or 0, media=media.tokens)


def part_counter(ask: Ask, counter: Counter) -> Callable[[Part], int]:
    """Return what counts one text or medium of a request, the template aside."""
    media = _Counted(ask, models.find(ask.model))
    return lambda part: counter.count(part.text).tokens if part.text is not None else media(part)[0]


class _Counted:
    """Counts media, and remembers how much each kind took."""

    def __init__(self, ask: Ask, known: models.Model | None) -> None:
        self.tokens: dict[str, int] = {}
        pixels = PIXELS if known is None else known.pixels_per_token
        self._side = math.isqrt(pixels) if pixels else None
        self._count = Media(pixels, Path(), high_resolution=ask.high_resolution)

    def __call__(self, part: Part) -> tuple[int, str]:
        """Return the tokens of a part, and what it is."""
        medium = "image" if part.image else "video" if part.video else "audio"
        if self._side is None:
            raise invalid(f"The model does not support {medium} input")
        tokens = SOUND if medium == "audio" else self._seen(part, self._side)
        self.tokens[medium] = self.tokens.get(medium, 0) + tokens
        return tokens, medium

    def _seen(self, part: Part, side: int) -> int:
        if isinstance(part.video, str):
            return video_tokens(SIDE, SIDE, frames_of(FILM_S, part.fps or 2.0), side)
        if part.image is not None:
            part = msgspec.structs.replace(part, image=_here(part.image))
        elif part.video is not None:
            part = msgspec.structs.replace(part, video=tuple(_here(one) for one in part.video))
        tokens, note = self._count(part)
        if tokens is None:
            raise invalid(
                "The image length and width do not meet the model restrictions."
                if "times the other" in note
                else "The image format is illegal and cannot be opened"
            )
        return tokens


def _here(address: str) -> str:
    return address if address.startswith("data:") else _ELSEWHERE
