"""What holds of every comparison."""

import random
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.compare.values import Against, Verdict, Word
from qeval.exchange import Usage

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Held, Making

LETTERS = st.text("10ers", min_size=1, max_size=6)
PLACES = [("plus", "calm"), ("max", "calm"), ("plus", "wild")]
RUNS = st.dictionaries(
    st.sampled_from([f"case-{n}" for n in range(12)]),
    st.dictionaries(st.sampled_from(PLACES), LETTERS, min_size=1),
    min_size=1,
)
MIRRORED: dict[Word | None, Word | None] = {"better": "worse", "worse": "better"}


def varied(run: "Held", salt: str) -> "Held":
    """Give every trial its own tokens, answer and latency, the same for the same trial."""

    def edit(trial: msgspec.Struct) -> msgspec.Struct:
        drawn = random.Random(f"{salt}{trial.key}")  # type: ignore[attr-defined]  # noqa: S311  # a trial; no secret
        usage = Usage(input_tokens=drawn.randrange(1, 9), output_tokens=drawn.randrange(9))
        return msgspec.structs.replace(
            trial, usage=usage, text=str(drawn.randrange(3)), latency_s=drawn.random()
        )

    return run.edited(edit)  # type: ignore[arg-type]  # Trial → Trial


def numbers(verdict: Verdict) -> tuple[float | None, ...]:
    return (verdict.difference, verdict.low, verdict.high, verdict.p, verdict.p_same)


def told(found: Against) -> dict[str, object]:
    """Return all that must not depend on an order."""
    return {
        "headline": (found.headline.word, *numbers(found.headline)),
        "slices": {(s.kind, s.name): (s.verdict.word, *numbers(s.verdict)) for s in found.slices},
        "changes": {c.name: (c.state, c.word, c.difference, c.p, c.why) for c in found.changes},
        "measures": {m.name: m for m in found.measures},
        "counts": found.counts,
        "errors": found.errors,
    }


@given(run=RUNS)
@settings(max_examples=40, deadline=None)
def test_a_run_against_itself_is_all_facts_and_nothing_changed(
    make: "Making", run: dict[str, dict[tuple[str, str], str]]
) -> None:
    held = varied(make.run(run), "")

    found = make.against(held, held)

    words = {found.headline.word, *(part.verdict.word for part in found.slices)}
    assert words <= {"same", "undecided"}
    assert all(change.fact and change.word == "same" for change in found.changes if change.word)
    assert all(measure.word in {"same", None} for measure in found.measures)
    assert not [*found.environment, *found.drifts, *found.suspects]
    if any(change.state == "paired" for change in found.changes):
        assert found.headline.facts


@given(old=RUNS, new=RUNS)
@settings(max_examples=60, deadline=None)
def test_swapped_sides_mirror(
    make: "Making",
    old: dict[str, dict[tuple[str, str], str]],
    new: dict[str, dict[tuple[str, str], str]],
) -> None:
    one, two = varied(make.run(old), "a"), varied(make.new(new), "b")

    there, back = make.against(one, two), make.against(two, one)

    assert back.headline.word == MIRRORED.get(there.headline.word, there.headline.word)
    assert back.headline.p == there.headline.p
    assert back.headline.p_same == there.headline.p_same
    if there.headline.difference is not None:
        assert back.headline.difference == -there.headline.difference
    if there.headline.low is not None:
        assert back.headline.high == pytest.approx(-there.headline.low, abs=1e-12)
    assert back.errors == there.errors[::-1]
    mirrored = {change.name: change for change in back.changes}
    for change in there.changes:
        assert mirrored[change.name].word == MIRRORED.get(change.word, change.word)
        assert mirrored[change.name].p == change.p


@given(old=RUNS, new=RUNS, seed=st.integers(0, 1_000))
@settings(max_examples=60, deadline=None)
def test_no_order_changes_a_number(
    make: "Making",
    old: dict[str, dict[tuple[str, str], str]],
    new: dict[str, dict[tuple[str, str], str]],
    seed: int,
) -> None:
    one, two = varied(make.run(old), "a"), varied(make.new(new), "b")
    drawn = random.Random(seed)  # noqa: S311  # no secret

    shuffled = []
    for run in (one, two):
        other = run.edited(lambda trial: trial)
        drawn.shuffle(other.held)
        other.held = [
            msgspec.structs.replace(
                group, trials=tuple(drawn.sample(group.trials, len(group.trials)))
            )
            for group in other.held
        ]
        shuffled.append(other)

    assert told(make.against(*shuffled)) == told(make.against(one, two))


@given(old=RUNS, new=RUNS)
@settings(max_examples=40, deadline=None)
def test_what_is_printed_is_complete_and_bounded(
    make: "Making",
    old: dict[str, dict[tuple[str, str], str]],
    new: dict[str, dict[tuple[str, str], str]],
) -> None:
    found = make.against(make.run(old), make.new(new))

    assert sum(found.counts.values()) == len(found.changes)
    for verdict in (found.headline, *(part.verdict for part in found.slices)):
        assert verdict.sentence.endswith((".", "chance.", "?"))
        assert "nan" not in verdict.sentence
        if verdict.low is not None and verdict.high is not None and verdict.difference is not None:
            assert -1 <= verdict.low <= verdict.difference <= verdict.high <= 1
    assert all(0 <= share <= 1 for share in found.errors)
