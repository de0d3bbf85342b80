"""One pass over a run: counts, rates, means, and which groups are named."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval.exchange import Usage
from qeval.record import Ledger, Score, Setup, Source
from qeval.report.summary import WORST, summarize
from qeval.stats.intervals import wilson

Hold = Callable[..., Source]
WARN = Score(value=0, passed=False, severity="warn")


def test_trials_are_counted_by_how_they_ended(hold: Hold) -> None:
    outcomes = ["passed", "passed", "failed", "errored", "refused", "skipped"]
    run = hold({("a", "t", "s"): [{"outcome": outcome} for outcome in outcomes]})
    total = summarize(run).total
    assert (total.passed, total.failed, total.errored, total.refused, total.skipped) == (
        2, 1, 1, 1, 1,
    )  # fmt: skip
    assert (total.trials, total.judged, total.groups, total.groups_passed) == (6, 3, 1, 0)


def test_the_rate_leaves_errored_refused_and_skipped_trials_out(hold: Hold) -> None:
    run = hold({("a", "t", "s"): [{}, {"outcome": "failed"}, {"outcome": "errored"}]})
    assert summarize(run).total.rate == 0.5


def test_without_a_judged_trial_rate_interval_and_means_are_unknown(hold: Hold) -> None:
    total = summarize(hold({("a", "t", "s"): [{"outcome": "errored", "latency_s": 9.0}]})).total
    assert total.rate is None
    assert total.interval is None
    assert total.input_tokens is None
    assert total.output_tokens is None
    assert total.latency_p50_s is None


def test_an_empty_run_has_a_summary(hold: Hold) -> None:
    summary = summarize(hold({}))
    assert summary.total.trials == 0
    assert summary.cells == {}
    assert summary.verdict == "skipped"


def test_means_are_over_the_trials_that_reported_and_the_others_are_counted(hold: Hold) -> None:
    usages = [
        Usage(input_tokens=10, output_tokens=2),
        Usage(input_tokens=20, output_tokens=None),
        Usage(),
    ]
    total = summarize(hold({("a", "t", "s"): [{"usage": usage} for usage in usages]})).total
    assert (total.input_tokens, total.output_tokens, total.unreported) == (15.0, 2.0, 2)


@pytest.mark.parametrize(
    ("latencies", "median"),
    [([3.0, 1.0, 2.0], 2.0), ([4.0, 1.0, 2.0, 3.0], 2.5), ([None, 7.0], 7.0), ([None], None)],
)
def test_latency_is_the_median_and_of_an_even_number_the_mean_of_the_middle_two(
    hold: Hold, latencies: list[float | None], median: float | None
) -> None:
    run = hold({("a", "t", "s"): [{"latency_s": latency} for latency in latencies]})
    assert summarize(run).total.latency_p50_s == median


def test_truncated_and_warned_are_flags_beside_the_outcome(hold: Hold) -> None:
    run = hold({("a", "t", "s"): [{"truncated": True}, {"scores": (WARN, WARN)}]})
    total = summarize(run).total
    assert (total.passed, total.truncated, total.warned) == (2, 1, 2)


def test_cells_stand_in_the_order_of_the_suite_not_of_the_endings(hold: Hold) -> None:
    places = [("a", "t1", "s1"), ("a", "t1", "s2"), ("a", "t2", "s1"), ("a", "t2", "s2")]
    header = hold({place: [{}] for place in places}).header
    turned = hold(
        {place: [{}] for place in reversed(places)},
        targets=header.targets,
        scenarios=header.scenarios,
    )
    assert list(summarize(turned).cells) == [place[1:] for place in places]


def test_margins_and_total_add_up_to_the_cells(hold: Hold) -> None:
    run = hold(
        {
            ("a", "t1", "s1"): [{"latency_s": 1.0}],
            ("a", "t1", "s2"): [{"latency_s": 2.0, "outcome": "failed"}],
            ("a", "t2", "s1"): [{"latency_s": 9.0}],
        }
    )
    summary = summarize(run)
    assert [cell.trials for cell in summary.targets.values()] == [2, 1]
    assert [cell.trials for cell in summary.scenarios.values()] == [2, 1]
    assert summary.targets["t1"].latency_p50_s == 1.5
    assert summary.total.latency_p50_s == 2.0
    assert summary.total.trials == sum(cell.trials for cell in summary.cells.values())


def test_failed_groups_are_named_before_errored_ones_and_only_so_many(hold: Hold) -> None:
    groups = {(f"e{n:02}", "t", "s"): [{"outcome": "errored", "error": "cut"}] for n in range(8)}
    groups |= {(f"f{n:02}", "t", "s"): [{"outcome": "failed"}] for n in range(6)}
    summary = summarize(hold(groups))
    assert len(summary.short) == WORST
    assert [each.outcome for each in summary.short] == ["failed"] * 6 + ["errored"] * 4
    assert summary.short_total == 14
    assert summary.verdict == "failed"


def test_errors_are_counted_by_code_the_most_frequent_first(hold: Hold) -> None:
    codes = ["timeout", "limit_requests", "limit_requests", "cassette_missing"]
    run = hold({("a", "t", "s"): [{"outcome": "errored", "code": code} for code in codes]})
    assert list(summarize(run).errors.items()) == [
        ("limit_requests", 2),
        ("cassette_missing", 1),
        ("timeout", 1),
    ]


def test_a_reason_says_how_many_trials_passed_and_which_check_fell_short(hold: Hold) -> None:
    run = hold({("a", "t", "s"): [{}, {"outcome": "failed"}]}, passes="2/2")
    assert summarize(run).short[0].because == (
        "1 of 2 trials passed, 2/2 needed; contains 'a': why so"
    )


def test_what_is_kept_of_a_huge_answer_is_one_short_line(hold: Hold) -> None:
    run = hold({("a", "t", "s"): [{"outcome": "errored", "error": "x" * 1_000_000}]})
    assert len(summarize(run).short[0].because) <= 160


@pytest.mark.parametrize(
    ("passed", "judged", "low", "high"),
    [  # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilsons_as_published(
    passed: int, judged: int, low: float, high: float
) -> None:
    found = wilson(passed, judged)
    assert found is not None
    assert found == pytest.approx((low, high), abs=0.00005)


@given(st.integers(1, 10_000), st.integers(0, 10_000))
def test_the_interval_lies_in_0_to_1_holds_the_rate_and_mirrors(judged: int, some: int) -> None:
    passed = some % (judged + 1)
    interval, mirrored = wilson(passed, judged), wilson(judged - passed, judged)
    assert interval is not None
    assert mirrored is not None
    low, high = interval
    assert 0 <= low <= passed / judged + 1e-12
    assert passed / judged - 1e-12 <= high <= 1
    assert mirrored == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize("judged", [1, 7, 108, 12_345])
def test_an_interval_reaches_the_end_exactly_where_all_or_none_passed(judged: int) -> None:
    all_passed, none_passed = wilson(judged, judged), wilson(0, judged)

    assert all_passed is not None
    assert all_passed[1] == 1.0
    assert none_passed is not None
    assert none_passed[0] == 0.0


def test_shares_are_of_the_tokens_of_trials_that_tell_them(hold: Hold) -> None:
    ledger = Ledger(method="exact", text=10, markup=5)
    trials = [
        {"ledger": ledger, "usage": Usage(input_tokens=40, output_tokens=8, reasoning_tokens=2)},
        {"ledger": ledger, "usage": Usage(input_tokens=60, output_tokens=2)},
        {"ledger": ledger, "usage": Usage()},
        {"usage": Usage(input_tokens=999, output_tokens=1)},
    ]

    total = summarize(hold({("a", "t", "s"): trials})).total

    assert total.overhead_share == (30 + 50) / 100
    assert total.reasoning_share == 2 / 8


def test_costs_add_up_and_unknown_ones_are_counted(hold: Hold) -> None:
    trials = [{"cost": 0.5}, {"cost": 0.25}, {}, {"outcome": "errored", "cost": 0.25}]

    total = summarize(hold({("a", "t", "s"): trials})).total

    assert (total.cost, total.costless) == (1.0, 1)


def test_costs_in_two_currencies_have_no_sum(hold: Hold) -> None:
    groups = {("a", "t", "s"): [{"cost": 0.5}], ("a", "u", "s"): [{"cost": 3.0}]}
    priced = (Setup(name="t", currency="USD"), Setup(name="u", currency="CNY"))

    summary = summarize(hold(groups, targets=priced))

    assert [(c.cost, c.currency) for c in summary.cells.values()] == [(0.5, "USD"), (3.0, "CNY")]
    assert (summary.total.cost, summary.total.currency) == (None, None)
