"""What a trial costs, from the tokens that were billed and the prices of its model."""

from __future__ import annotations

from collections.abc import Mapping

from qeval.exchange import Response
from qeval.models import Price
from qeval.value import Json

_MILLION = 1_000_000


def cost(price: Price | None, response: Response, *, thinks: bool = False) -> float | None:
    """Return what a response cost, in the currency of the price; None where it is not known.

    Input that is read from a cache or written to one has its own rates. An endpoint that reports
    no cached tokens is taken to have none. A rate is needed only where there are tokens for it.

    Args:
        price: Of the model; None: unknown.
        response: With its usage.
        thinks: Whether the model was to think.
    """
    usage = response.usage
    if price is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    rates = price.rates(usage.input_tokens)
    created, explicit = _created(response.extra)
    cached = usage.cached_input_tokens or 0
    read = rates.explicit_cached_input_per_mtok if explicit else rates.cached_input_per_mtok
    thought = rates.thinking_output_per_mtok if thinks else None
    parts = (
        _part(usage.input_tokens - cached - created, rates.input_per_mtok),
        _part(cached, read),
        _part(created, rates.cache_creation_per_mtok),
        _part(usage.output_tokens, rates.output_per_mtok if thought is None else thought),
    )
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _part(tokens: int, rate: float | None) -> float | None:
    if tokens == 0:
        return 0.0
    # More cached than there was is a usage that nobody can price.
    return None if rate is None or tokens < 0 else tokens * rate / _MILLION


def _created(extra: Mapping[str, Json]) -> tuple[int, bool]:
    """Return the tokens written to a cache, and whether the request asked for that cache."""
    usage = extra.get("usage")
    if not isinstance(usage, dict):
        return 0, False
    inner = [value for value in usage.values() if isinstance(value, dict)]
    for level in (usage, *inner):
        count = level.get("cache_creation_input_tokens")
        explicit = level.get("cache_type") == "ephemeral"
        if explicit or isinstance(count, int):
            return (count if isinstance(count, int) else 0), explicit
    return 0, False
