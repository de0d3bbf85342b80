"""Comparisons made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from qeval.compare.values import (
    Against,
    Change,
    Comparison,
    Drift,
    Environment,
    Measured,
    Side,
    Slice,
    Verdict,
)

Make: TypeAlias = Callable[..., Comparison]


def change(case: str, passed: int = 5, **more: Any) -> Change:
    fields: dict[str, Any] = {
        "case": case,
        "target": "plus",
        "scenario": "warm",
        "state": "paired",
        "word": "same" if passed == 5 else "worse",
        "passed": (5, passed),
        "judged": (5, 5),
        "planned": (5, 5),
        "difference": (passed - 5) / 5,
        "p": 0.004,
        "why": f"5 of 5 → {passed} of 5",
    }
    return Change(**fields | more)


WORSE = Verdict(
    word="worse",
    sentence="worse by 7.5 points on this suite (95 %: 5.9 to 9.1 worse; 40 cases × 5 trials)",
    difference=-0.075,
    low=-0.091,
    high=-0.059,
    p=1e-9,
    cases=40,
    trials=(200, 200),
    passed=(200, 185),
)
TOLD = Comparison(
    suite="facts",
    by="run",
    sides=(
        Side(letter="A", label="baseline", run="baseline", date="2026-11-21"),
        Side(letter="B", label="20261122T101500Z-abc123", run="20261122T101500Z-abc123"),
    ),
    against=(
        Against(
            column=1,
            headline=WORSE,
            slices=(
                Slice(
                    kind="tag",
                    name="sums",
                    verdict=Verdict(
                        word="same", sentence="the same within 5 points", difference=0.0, cases=8
                    ),
                ),
                Slice(kind="tag", name="dates", verdict=WORSE),
            ),
            changes=(
                change("ok-1"),
                change("sum-3", 0),
                change("dates-7", 1),
                change("json-2", 2),
                change("new-1", state="new", word=None, why="new", difference=None, p=None),
                change("old-1", state="gone", word=None, why="", difference=None, p=None),
            ),
            suspects=(1, 2, 3),
            measures=(
                Measured(
                    name="output_tokens",
                    unit="tokens",
                    word="worse",
                    sentence="12 % more output tokens",
                    ratio=1.12,
                    low=1.05,
                    high=1.2,
                    mean=(12.0, 13.44),
                    cases=40,
                ),
                Measured(name="agreement", unit="", word=None, sentence="–", mean=(0.5, None)),
            ),
            environment=(Environment(what="model as reported by plus", a="", b="qwen-plus-2"),),
            drifts=(Drift(group="plus, chat", kind="constant", upwards=True, sentence="0 → 40"),),
            counts={"same": 1, "worse": 3, "new": 1, "gone": 1},
            notes=("Recorded from the simulator.",),
        ),
    ),
)


@pytest.fixture
def told() -> Comparison:
    """Return a comparison with something of everything."""
    return TOLD


@pytest.fixture
def hostile() -> Make:
    """Return a comparison in which every text of others is the given one."""

    def make(text: str) -> Comparison:
        bad = Verdict(word="worse", sentence=text)
        return Comparison(
            suite=text,
            by="run",
            sides=(Side(letter="A", label=text, run=text), Side(letter="B", label=text, run=text)),
            against=(
                Against(
                    column=1,
                    headline=bad,
                    slices=(Slice(kind="tag", name=text, verdict=bad),),
                    changes=(
                        change(text, 0, why=text, where=text, tags=(text,)),
                        change(text, state="gone", word=None, why=text),
                    ),
                    suspects=(0,),
                    measures=(Measured(name=text, unit=text, word="worse", sentence=text),),
                    environment=(Environment(what=text, a=text, b=text),),
                    drifts=(Drift(group=text, kind="partial", upwards=True, sentence=text),),
                    notes=(text,),
                ),
            ),
        )

    return make
