"""What the service bills beside what was predicted (section 10)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from qeval.exchange import Params, Usage
from qeval.record import Ledger, Setup, Trial

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Held, Making


def billed(
    run: "Held",
    tokens: Callable[[int], int],
    *,
    text: Callable[[int], int] = lambda n: 100 + n,
    **fields: Any,
) -> "Held":
    """Bill case number n so many tokens, of which the prediction knows its text."""

    def edit(trial: Trial) -> Trial:
        number = int(trial.case.removeprefix("case-"))
        ledger = Ledger(text=text(number), **fields)
        usage = Usage(input_tokens=tokens(number))
        return msgspec.structs.replace(trial, usage=usage, ledger=ledger)

    return run.edited(edit)


def two(make: "Making", count: int = 38) -> tuple["Held", "Held"]:
    return make.run(make.cases(count, "1")), make.new(make.cases(count, "1"))


def asking_anew(run: "Held") -> "Held":
    return run.edited(lambda t: msgspec.structs.replace(t, request=f"new {t.request}"))


@pytest.mark.parametrize(
    ("more", "word", "sentence"),
    [
        pytest.param(lambda _: 0, "same", None, id="none"),
        pytest.param(lambda _: 40, "worse", "constant 0 → 40 on 38 of 38 requests.", id="constant"),
        pytest.param(lambda _: -3, "better", "constant 0 → −3 on 38 of 38 requests.", id="downwards"),
        pytest.param(lambda n: 40 * (n < 11), "worse", "partial, 40 more on 11 of 38 requests: a roll-out?", id="partial"),
        pytest.param(lambda n: 10 + n, "worse", "proportional, about +10 %, on 38 of 38 requests: another vocabulary?", id="proportional"),
        pytest.param(lambda n: (n * 7919) % 5, "worse", "irregular, 2 more in the middle, on 30 of 38 requests.", id="irregular"),
    ],
)  # fmt: skip
def test_equal_requests_are_held_against_each_other(
    make: "Making", more: Callable[[int], int], word: str, sentence: str | None
) -> None:
    old, new = two(make)
    text: Callable[[int], int] = lambda n: 100 + 10 * n  # noqa: E731  # typed in one line
    old, new = billed(old, text, text=text), billed(new, lambda n: text(n) + more(n), text=text)

    found = make.against(old, new)

    assert [each.sentence for each in found.drifts] == ([sentence] if sentence else [])
    measure = found.measures[-1]
    assert (measure.name, measure.word, measure.fact) == ("token_drift", word, True)


def test_without_a_prediction_only_equal_requests_tell(make: "Making") -> None:
    old, new = two(make)
    bare: Callable[[Trial], Trial] = lambda t: msgspec.structs.replace(t, ledger=None)  # noqa: E731  # typed in one line
    old = billed(old, lambda n: 100 + n).edited(bare)
    new = billed(new, lambda n: 140 + n).edited(bare)

    paired = make.against(old, new)
    apart = make.against(old, asking_anew(new))

    assert [d.sentence for d in paired.drifts] == ["constant, 40 more on 38 of 38 requests."]
    assert apart.drifts == ()
    assert "token_drift" not in {each.name for each in apart.measures}


def test_other_requests_are_held_by_what_is_left_of_the_bill(make: "Making") -> None:
    """A longer prompt alone changes prediction and bill together."""
    old, new = two(make, 10)
    old = billed(old, lambda n: 100 + n)
    longer = asking_anew(billed(new, lambda n: 500 + n, text=lambda n: 500 + n))
    hidden = asking_anew(billed(new, lambda n: 541 + n, text=lambda n: 500 + n))

    assert make.against(old, longer).drifts == ()
    assert [d.sentence for d in make.against(old, hidden).drifts] == [
        "constant 0 → 41 on 10 of 10 requests."
    ]


def test_media_are_taken_out_first(make: "Making") -> None:
    old, new = two(make)
    old, new = billed(old, lambda n: 100 + n), billed(new, lambda n: 600 + n, media=500)

    assert make.against(old, asking_anew(new)).drifts == ()


def test_a_kind_of_request_is_a_group_of_its_own(make: "Making") -> None:
    old, new = two(make)
    thinking = (Setup(name="plain", params=Params(thinking=True)),)
    old, new = billed(old, lambda n: 100 + n), billed(new, lambda n: 140 + n)

    assert make.against(old, new.headed(scenarios=thinking)).drifts == ()
    assert (
        make.against(old.headed(scenarios=thinking), new.headed(scenarios=thinking)).drifts[0].group
        == "plus, chat, thinking"
    )


def test_missing_usage_is_missing(make: "Making") -> None:
    old, new = two(make, 4)
    old, new = billed(old, lambda n: 100 + n), billed(new, lambda n: 140 + n)
    new = new.edited(
        lambda t: msgspec.structs.replace(t, usage=Usage()) if t.case == "case-0" else t
    )

    assert make.against(old, new).drifts[0].requests == 3


def test_models_side_by_side_do_not_drift(make: "Making") -> None:
    run = make.run({"case-0": {("plus", "calm"): "1", ("max", "calm"): "1"}})

    found = make.against(billed(run, lambda _: 100), by="target")

    assert found.drifts == ()
    assert "token_drift" not in {each.name for each in found.measures}


def test_media_are_taken_out_as_they_were_billed(make: "Making") -> None:
    """The ledger foretold other media than were billed; no word of the bill is unexplained."""
    old, new = two(make)
    old, new = billed(old, lambda n: 100 + n), billed(new, lambda n: 1300 + n, media=900)
    shown = new.edited(
        lambda t: msgspec.structs.replace(
            t, usage=msgspec.structs.replace(t.usage, image_tokens=1200)
        )
    )

    assert make.against(old, asking_anew(shown)).drifts == ()
    assert make.against(old, shown).drifts == ()


def test_bills_without_a_request_or_a_prediction_tell_nothing(make: "Making") -> None:
    old, new = two(make)
    bare: Callable[[Trial], Trial] = lambda t: msgspec.structs.replace(  # noqa: E731  # typed in one line
        t, ledger=None, request=None, usage=Usage(input_tokens=5)
    )

    assert make.against(old.edited(bare), new.edited(bare)).drifts == ()
