"""How temperature and top_p act on weighted replies, and where chance comes from.

A reply of weight `w` stands for a candidate whose logit is `log w`. Temperature `T` divides the
logits before the softmax, so its probability is `w^(1/T) / Σ w^(1/T)`: at 1 the weights
themselves, towards 0 the heaviest alone, towards infinity all alike. top_p then keeps the
nucleus, the smallest set of most probable replies whose mass reaches it, and shares the
probability among them in proportion.

Chance is a digest of what is asked, so a draw can be repeated in any process and on any machine.

Source:
    Holtzman, A., Buys, J., Du, L., Forbes, M., Choi, Y. (2020). The Curious Case of Neural Text
    Degeneration. ICLR. Section 3.1 (nucleus), section 3.3 (temperature).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b

SLACK = 1e-12
"""Mass below top_p that still counts as reaching it: rounding must not let one reply more in."""


def probabilities(
    weights: Sequence[float], temperature: float = 1.0, top_p: float = 1.0
) -> tuple[float, ...]:
    """Return the probability of each reply, in the order of the weights; they sum to 1.

    Equal candidates rank in the order they are given in, so at temperature 0 the first of
    several heaviest is certain.

    Args:
        weights: At least one; each finite and > 0.
        temperature: ≥ 0.
        top_p: In [0, 1]; the most probable reply always stays.

    Examples:
        >>> probabilities([3, 1])
        (0.75, 0.25)
        >>> [round(p, 6) for p in probabilities([3, 1], temperature=0.5)]
        [0.9, 0.1]
        >>> probabilities([3, 1], top_p=0.5)
        (1.0, 0.0)
    """
    return nucleus(softmax(weights, temperature), top_p)


def softmax(weights: Sequence[float], temperature: float) -> tuple[float, ...]:
    """Return `w^(1/T) / Σ w^(1/T)`, computed from the largest down so that nothing overflows."""
    top = max(weights)
    if temperature == 0:
        first = list(weights).index(top)
        return tuple(float(i == first) for i in range(len(weights)))
    powers = [math.exp((math.log(w) - math.log(top)) / temperature) for w in weights]
    total = math.fsum(powers)
    return tuple(p / total for p in powers)


def nucleus(shares: Sequence[float], top_p: float) -> tuple[float, ...]:
    """Return the shares with those outside the nucleus at 0 and the others scaled to sum to 1."""
    ranked = sorted(range(len(shares)), key=lambda i: -shares[i])
    size = 1
    while size < len(ranked) and math.fsum(shares[i] for i in ranked[:size]) < top_p - SLACK:
        size += 1
    kept = set(ranked[:size])
    mass = math.fsum(shares[i] for i in kept)
    return tuple(s / mass if i in kept else 0.0 for i, s in enumerate(shares))


def uniform(*parts: object) -> float:
    """Return a number in [0, 1) that is a fixed function of the parts (by their `repr`).

    The first 53 bits of a BLAKE2b digest, which is as many as a float holds.
    """
    digest = blake2b(repr(parts).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) * 2.0**-53


def choose(shares: Sequence[float], point: float) -> int:
    """Return the index on which `point` in [0, 1) falls when the shares are laid side by side."""
    reached = 0.0
    for index, share in enumerate(shares):
        reached += share
        if point < reached:
            return index
    # Rounding may leave the sum a hair below the point: then it is the last that can be drawn.
    return max(index for index, share in enumerate(shares) if share > 0)
