"""Tokens, cost, latency and how steady answers are (sections 6 and 9)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from qeval.compare.values import Against, Measured
from qeval.exchange import Usage
from qeval.record import Ledger, Setup, Trial

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Held, Making

Edit = Callable[[Trial], Trial]


def measured(found: Against, name: str) -> Measured:
    return next(each for each in found.measures if each.name == name)


def index(trial: Trial) -> int:
    return int(trial.case.removeprefix("case-"))


def using(edit: Callable[[Trial], dict[str, Any]]) -> Edit:
    def edited(trial: Trial) -> Trial:
        usage = Usage(**({"input_tokens": 10, "output_tokens": 20} | edit(trial)))
        return msgspec.structs.replace(trial, usage=usage)

    return edited


def with_fields(fields: Callable[[Trial], dict[str, Any]]) -> Edit:
    return lambda trial: msgspec.structs.replace(trial, **fields(trial))


def two(make: "Making", count: int = 20, letters: str = "11") -> tuple["Held", "Held"]:
    return make.run(make.cases(count, letters)), make.new(make.cases(count, letters))


@pytest.mark.parametrize(
    ("more", "word", "sentence"),
    [
        pytest.param(0, "same", "input tokens: the same in 20 groups, a fact.", id="equal"),
        pytest.param(1, "worse", "input tokens: +0.5 % on average, worse; changed on 1 of 20 groups, a fact.", id="one-token-more"),
        pytest.param(-1, "better", "input tokens: −0.5 % on average, better; changed on 1 of 20 groups, a fact.", id="one-token-less"),
    ],
)  # fmt: skip
def test_input_tokens_are_counted_so_one_more_is_a_fact(
    make: "Making", more: int, word: str, sentence: str
) -> None:
    old, new = two(make)
    new = new.edited(using(lambda t: {"input_tokens": 10 + (more if index(t) == 3 else 0)}))

    found = measured(make.against(old, new), "input_tokens")

    assert (found.word, found.sentence) == (word, sentence)
    assert found.fact
    assert found.p is found.low is None
    assert found.total == (400, 400 + 2 * more)


def test_input_tokens_that_do_not_repeat_are_measured(make: "Making") -> None:
    old, new = two(make)
    new = new.edited(using(lambda t: {"input_tokens": 10 + 5 * t.trial}))

    found = measured(make.against(old, new), "input_tokens")

    assert not found.fact
    assert found.word == "worse"
    assert found.p is not None


@pytest.mark.parametrize(
    ("factor", "word", "sentence"),
    [
        pytest.param(1.2, "worse", "output tokens: worse, +20 % (95 %: +20 % to +20 %; 20 groups).", id="more"),
        pytest.param(0.8, "better", "output tokens: better, −20 % (95 %: −20 % to −20 %; 20 groups).", id="fewer"),
        pytest.param(1.01, "same", "output tokens: same, +1 % (95 %: +1 % to +1 %; 20 groups).", id="within-the-tolerance"),
    ],
)  # fmt: skip
def test_output_tokens_are_judged_on_ratios(
    make: "Making", factor: float, word: str, sentence: str
) -> None:
    old, new = two(make)
    old = old.edited(using(lambda t: {"output_tokens": 100 * (index(t) + 1)}))
    new = new.edited(using(lambda t: {"output_tokens": round(factor * 100 * (index(t) + 1))}))

    found = measured(make.against(old, new), "output_tokens")

    assert (found.word, found.sentence) == (word, sentence)
    assert found.ratio == pytest.approx(factor)


def test_ratios_of_hodges_and_lehmann_are_the_vector_s(make: "Making") -> None:
    ratios = (1.10, 0.95, 1.30, 1.22, 1.05, 1.41, 1.15, 0.99)
    old, new = two(make, len(ratios), "1")
    old = old.edited(using(lambda _: {"output_tokens": 100}))
    new = new.edited(using(lambda t: {"output_tokens": round(100 * ratios[index(t)])}))

    found = measured(make.against(old, new), "output_tokens")

    assert found.ratio == pytest.approx(1.133136, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.998749, 1.3), abs=1e-6)
    assert found.p == pytest.approx(0.0546875)
    assert found.word == "undecided"
    assert found.sentence == (
        "output tokens: not decided, +13.3 % (95 %: −0.1 % to +30 %; 8 groups)."
    )


def test_a_zero_makes_differences_of_ratios(make: "Making") -> None:
    old, new = two(make)
    old = old.edited(using(lambda t: {"output_tokens": 0 if index(t) == 0 else 50}))
    new = new.edited(using(lambda t: {"output_tokens": 0 if index(t) == 0 else 60}))

    found = measured(make.against(old, new), "output_tokens")

    assert found.ratio is None
    assert found.difference == 10
    assert found.word == "worse"
    assert found.sentence == "output tokens: worse, +10 (95 %: +10 to +10; 20 groups)."


def test_a_tolerance_of_the_user_decides(make: "Making") -> None:
    old, new = two(make)
    new = new.edited(using(lambda _: {"output_tokens": 22}))

    assert measured(make.against(old, new), "output_tokens").word == "worse"
    wide = make.against(old, new, tolerances={"output_tokens": 0.15})
    assert measured(wide, "output_tokens").word == "same"


def test_too_few_groups_are_shown_and_not_judged(make: "Making") -> None:
    old, new = two(make, 5)
    new = new.edited(using(lambda _: {"output_tokens": 40}))

    found = measured(make.against(old, new), "output_tokens")

    assert found.word is None
    assert found.sentence == "output tokens: +100 % in 5 groups, too few to judge."


def test_a_total_with_an_unknown_part_is_unknown(make: "Making") -> None:
    old, new = two(make)
    new = new.edited(using(lambda t: {"output_tokens": None if index(t) == 0 else 20}))

    found = measured(make.against(old, new), "output_tokens")

    assert [*found.total] == [800, None]
    assert [*found.mean] == [20, 20]
    assert found.cases == 19


def test_usage_that_nobody_reported_is_no_measure(make: "Making") -> None:
    old, new = two(make)
    new = new.edited(lambda t: msgspec.structs.replace(t, usage=Usage()))

    assert {m.name for m in make.against(old, new).measures} == {
        "agreement",
        "modal_agreement",
        "distinct_answers",
        "similarity",
        "distinct_1",
        "distinct_2",
        "pairwise_bleu",
    }


def priced(run: "Held", currency: str) -> "Held":
    return run.headed(targets=(Setup(name="plus", model="plus", currency=currency),)).edited(
        with_fields(lambda _: {"cost": 0.002 if currency == "USD" else 0.01})
    )


def test_cost_has_its_currency(make: "Making") -> None:
    old, new = two(make)

    found = measured(make.against(priced(old, "USD"), priced(new, "USD")), "cost")

    assert (found.unit, found.word) == ("USD", "same")
    assert found.total == pytest.approx((0.08, 0.08))


def test_costs_in_two_currencies_are_not_compared(make: "Making") -> None:
    old, new = two(make)

    found = make.against(priced(old, "USD"), priced(new, "CNY"))

    assert "cost" not in {each.name for each in found.measures}


def slow(run: "Held", seconds: float, mode: str = "record") -> "Held":
    return run.headed(mode=mode).edited(with_fields(lambda _: {"latency_s": seconds}))


@pytest.mark.parametrize(
    ("modes", "word", "sentence"),
    [
        pytest.param(("live", "record"), "worse", "latency: worse, +50 % (95 %: +50 % to +50 %; 20 groups).", id="both-asked"),
        pytest.param(("record", "refresh"), "worse", "latency: worse, +50 % (95 %: +50 % to +50 %; 20 groups).", id="both-recorded-now"),
        pytest.param(("replay", "live"), None, "latency: 1.00 s → 1.50 s, median as recorded on 2026-11-22; not judged.", id="one-replayed"),
        pytest.param(("replay", "replay"), None, "latency: 1.00 s → 1.50 s, median as recorded on 2026-11-22; not judged.", id="both-replayed"),
    ],
)  # fmt: skip
def test_latency_is_judged_only_where_both_runs_asked(
    make: "Making", modes: tuple[str, str], word: str | None, sentence: str
) -> None:
    old, new = two(make)

    found = measured(make.against(slow(old, 1.0, modes[0]), slow(new, 1.5, modes[1])), "latency")

    assert (found.word, found.sentence) == (word, sentence)
    assert found.mean == (1.0, 1.5)


def test_the_same_recordings_have_no_latency_of_today(make: "Making") -> None:
    run = slow(make.run(make.cases(20, "11")), 1.0)

    assert measured(make.against(run, run), "latency").word is None


def test_a_case_s_latency_is_its_median(make: "Making") -> None:
    old, new = two(make, 20, "111")
    stalls = with_fields(lambda t: {"latency_s": 90.0 if t.trial == 0 else 1.0})

    found = measured(make.against(slow(old, 1.0), slow(new, 1.0).edited(stalls)), "latency")

    assert found.word == "same"


def test_overhead_is_the_share_of_the_bill_that_nobody_wrote(make: "Making") -> None:
    old, new = two(make)
    before = with_fields(lambda _: {"ledger": Ledger(text=6, markup=4)})
    old, new = old.edited(before), new.edited(before)
    new = new.edited(using(lambda _: {"input_tokens": 12}))

    found = measured(make.against(old, new), "overhead")

    assert found.mean == pytest.approx((0.4, 0.5))
    assert (found.word, found.fact) == ("worse", True)
    assert found.sentence == "token overhead: +10 points, worse, on 20 of 20 groups, a fact."


def test_measures_are_one_family(make: "Making") -> None:
    """Alone p = 0.031 of six groups is worse; beside others that are tested it is not."""
    old, new = two(make, 6, "1")
    grown = new.edited(using(lambda t: {"output_tokens": 30 + index(t)}))
    costly = with_fields(lambda t: {"cost": 1.0 + index(t), "latency_s": 1.0 + index(t)})

    alone = measured(make.against(old, grown), "output_tokens")
    among = measured(
        make.against(slow(old.edited(costly), 1.0), slow(grown.edited(costly), 1.0)),
        "output_tokens",
    )

    assert alone.word == "worse"
    assert among.word == "undecided"
    assert among.sentence.endswith("; 6 groups); not after correction for 3 measures.")


def saying(texts: Callable[[Trial], str]) -> Edit:
    return with_fields(lambda t: {"text": texts(t)})


def test_answers_that_differ_more_agree_less(make: "Making") -> None:
    old, new = two(make, 100, "111")
    new = new.edited(saying(lambda t: f"answer {t.trial}"))

    found = make.against(old, new)

    agreement = measured(found, "agreement")
    assert agreement.word == "worse"
    assert agreement.mean == (1.0, 0.0)
    assert agreement.sentence == (
        "agreement of answers to one question: worse, 100 % → 0 % (100 groups)."
    )
    assert measured(found, "distinct_answers").sentence == (
        "distinct answers in 3: worse, 1 → 3 (100 groups)."
    )
    assert measured(found, "similarity").mean[0] == 1.0


def test_groups_of_other_sizes_are_brought_to_the_smallest(make: "Making") -> None:
    old, new = make.run(make.cases(60, "111")), make.new(make.cases(60, "11111"))
    new = new.edited(saying(lambda t: str(t.trial % 2)))

    found = measured(make.against(old, new), "distinct_answers")

    assert found.sentence.startswith("distinct answers in 3: worse, 1 → 1.9 (")


def test_one_trial_has_no_diversity(make: "Making") -> None:
    names = {each.name for each in make.against(*two(make, 20, "1")).measures}

    assert names == {"input_tokens", "output_tokens", "token_drift"}


def test_a_baseline_without_texts_still_tells_how_often_answers_agree(make: "Making") -> None:
    old, new = two(make)
    old = old.edited(with_fields(lambda t: {"text": "", "answer": f"{t.trial:016x}"}))

    found = make.against(old, new)

    assert measured(found, "agreement").mean == (0.0, 1.0)
    assert "similarity" not in {each.name for each in found.measures}


def test_answers_too_long_for_similarity_leave_it_out_and_say_so(
    make: "Making", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qeval.compare.halves.MOST_WORK", 1_000)
    old, new = two(make)
    new = new.edited(saying(lambda t: str(t.trial) * 100))

    found = make.against(old, new)

    assert "similarity" not in {each.name for each in found.measures}
    assert found.notes == (
        "The answers of the new run are too long for their similarity to be worked out.",
    )


WORDINGS = {"distinct_1", "distinct_2", "pairwise_bleu"}


def test_answers_in_other_words_have_more_distinct_words_and_less_bleu(make: "Making") -> None:
    old, new = two(make, 100, "111")
    old = old.edited(saying(lambda _: "the cat sat"))
    new = new.edited(saying(lambda t: f"it{t.trial} came{t.trial} home{t.trial}"))

    found = make.against(old, new)

    assert measured(found, "distinct_1").sentence == (
        "distinct words in 3 answers: worse, 33.3 % → 100 % (100 groups)."
    )
    assert measured(found, "distinct_2").mean == pytest.approx((1 / 3, 1.0))
    bleu = measured(found, "pairwise_bleu")
    assert (bleu.word, bleu.mean) == ("worse", (1.0, 0.0))


def test_plain_distinct_words_stand_beside_where_groups_have_other_sizes(make: "Making") -> None:
    old, new = make.run(make.cases(60, "11")), make.new(make.cases(60, "1111"))
    old, new = (each.edited(saying(lambda _: "one two")) for each in (old, new))

    assert measured(make.against(old, new), "distinct_1").sentence == (
        "distinct words in 2 answers: same, 50 % → 50 % "
        "(60 groups; of all answers 50 % and 25 %, not comparable)."
    )


def test_answers_too_many_for_their_words_leave_them_out_and_say_so(
    make: "Making", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qeval.compare.halves.MOST_WORDING", 10_000)
    old, new = two(make)
    new = new.edited(saying(lambda t: str(t.trial) * 100))

    found = make.against(old, new)

    assert not WORDINGS & {each.name for each in found.measures}
    assert found.notes == (
        "The answers of the new run are too many for their wordings to be compared.",
    )


@pytest.mark.parametrize(
    ("fields", "name", "sentence"),
    [
        pytest.param({"latency_s": 0.25}, "latency", "latency: worse, +250 ms (95 %: +250 ms to +250 ms; 20 groups).", id="latency"),
        pytest.param({"cost": 0.5}, "cost", "cost: worse, +0.50 USD (95 %: +0.50 USD to +0.50 USD; 20 groups).", id="cost"),
    ],
)  # fmt: skip
def test_differences_from_nothing_stand_in_their_unit(
    make: "Making", fields: dict[str, float], name: str, sentence: str
) -> None:
    old, new = two(make)
    usd = (Setup(name="plus", model="plus", currency="USD"),)
    old = old.headed(mode="live", targets=usd).edited(
        with_fields(lambda _: dict.fromkeys(fields, 0.0))
    )
    new = new.headed(mode="live", targets=usd).edited(with_fields(lambda _: fields))

    assert measured(make.against(old, new), name).sentence == sentence


def test_an_overhead_that_varies_is_measured_in_points(make: "Making") -> None:
    old, new = two(make)
    ledger = with_fields(lambda _: {"ledger": Ledger(text=6, markup=4)})
    old, new = old.edited(ledger), new.edited(ledger)
    new = new.edited(using(lambda t: {"input_tokens": 10 + 2 * t.trial}))

    found = measured(make.against(old, new), "overhead")

    assert not found.fact
    assert found.sentence == (
        "token overhead: worse, +5 points (95 %: +5 points to +5 points; 20 groups)."
    )
