"""Charts, curves and what trials took: numbers in, drawings and labels out."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.compare.columns import Column
from qeval.exchange import Params, Usage
from qeval.record import Ledger, Setup, Source
from qeval.report import svg
from qeval.report.spending import Spending, quantile
from qeval.report.sweeps import Sweeps

Hold = Callable[..., Source]
numbers = st.integers(-(10**9), 10**9).map(lambda n: n / 1000)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.13, 0.92], (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        ([-0.1, 0.1], (-0.1, -0.05, 0.0, 0.05, 0.1)),
        ([0, 3.5], (0, 1, 2, 3, 4)),
        ([7, 7], (7, 8)),
        ([], (0, 1)),
    ],
)
def test_an_axis_has_round_ticks(values: list[float], ticks: tuple[float, ...]) -> None:
    assert svg.scale(values).ticks == pytest.approx(ticks)


@given(st.lists(numbers, min_size=1, max_size=8), st.integers(2, 8))
@settings(max_examples=100)
def test_an_axis_holds_all_values_with_few_ticks_evenly_apart(
    values: list[float], about: int
) -> None:
    axis = svg.scale(values, about=about)

    spare = 1e-6 * (axis.high - axis.low)  # a millionth of the width is not seen
    assert axis.low <= min(values) + spare
    assert axis.high >= max(values) - spare
    assert 2 <= len(axis.ticks) <= about + 3
    assert all(0 <= axis.at(value) <= 100 for value in values)


def parsed(drawn: str) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314  # ours


def test_a_forest_row_has_the_margin_the_interval_and_the_verdicts_mark() -> None:
    axis = svg.Scale(-0.5, 0.5, (-0.5, 0.0, 0.5))
    drawn = parsed(svg.forest(axis, (-0.25, -0.1, 0.1), "worse", 0.05))

    band, zero, line = drawn[0], drawn[1], drawn[2]
    assert (band.get("x"), band.get("width")) == ("45.00%", "10.00%")
    assert zero.get("x1") == "50.00%"
    assert (line.get("x1"), line.get("x2")) == ("25.00%", "60.00%")
    assert drawn[3].get("x") == "40.00%"
    assert drawn[3][0].get("d") == svg.SHAPES["worse"]


def test_a_forest_row_of_a_fact_has_a_mark_and_no_line() -> None:
    axis = svg.Scale(-1, 1, (-1, 0, 1))
    drawn = svg.forest(axis, (-0.2, -0.2, -0.2), "worse", 0)
    assert 'class="iv' not in drawn
    assert 'class="band"' not in drawn
    assert 'class="mk c-worse"' in drawn
    assert "mk" not in svg.forest(axis, None, "not_comparable", None)


def test_every_verdict_has_a_shape_of_its_own() -> None:
    assert len(set(svg.SHAPES.values())) == len(svg.SHAPES) == 5


def test_a_stack_is_as_wide_as_its_parts_and_labels_only_what_has_room() -> None:
    drawn = svg.stack([("text", 60, "60"), ("markup", 1, "1"), ("output", 39, "39")], 100)
    widths = [float(part) for part in re.findall(r'width="([\d.]+)%"', drawn)]
    assert widths == [60, 1, 39]
    assert re.findall(r">(\d+)</text>", drawn) == ["60", "39"]
    assert svg.stack([("text", -3, "−3")], 10).count('width="0.00%"') == 1


def test_labels_in_drawings_are_escaped() -> None:
    hostile = '"><script>x</script>'
    drawn = svg.curves(svg.Scale(0, 1, (0, 1)), 100, [], hostile) + svg.stack(
        [("text", 9, hostile)], 9
    )
    assert "<script>" not in drawn


def test_cumulative_curves_rise_from_none_to_all() -> None:
    drawn = svg.cumulative(svg.Scale(0, 4, (0, 4)), [(1, [1.0, 2.0, 4.0])], "told")
    found = re.search(r'class="ln k1" d="M([^"]+)"', drawn)
    assert found
    assert found[1] == "25.00 100.00L25.00 100.00L50.00 50.00L100.00 0.00L100.00 0.00"
    assert 'role="img" aria-label="told"' in drawn


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.floats(0, 1))
@settings(max_examples=100)
def test_a_quantile_lies_among_the_values_and_the_middle_is_the_median(
    values: list[float], share: float
) -> None:
    from statistics import median

    ordered = sorted(values)
    assert ordered[0] - 1e-9 <= quantile(ordered, share) <= ordered[-1] + 1e-9
    assert quantile(ordered, 0.5) == pytest.approx(median(ordered))


def spending(run: Source) -> Spending:
    made = Spending(run.header)
    for group in run.groups():
        made.add(group)
    return made


def test_tokens_are_told_item_by_item_where_every_bill_is_accounted_for(hold: Hold) -> None:
    ledger = Ledger(text=12, markup=9, tools=5)
    trials = [
        {"usage": Usage(input_tokens=30, output_tokens=4), "ledger": ledger, "cost": 0.002},
        {"usage": Usage(input_tokens=26, output_tokens=6), "ledger": ledger, "cost": 0.004},
    ]
    setup = Setup(name="t", currency="USD", priced="list of May")
    (spent,) = spending(hold({("a", "t", "s"): trials}, targets=(setup,))).spent()

    assert spent.items == {
        "text": 12, "markup": 9, "tools": 5, "media": 0, "unexplained": 2, "output": 5,
    }  # fmt: skip
    assert (spent.input_tokens, spent.currency, spent.priced) == (28, "USD", "list of May")
    assert spent.cost == pytest.approx(0.003)


def test_input_stays_whole_and_cost_unknown_where_one_trial_is_not_accounted_for(
    hold: Hold,
) -> None:
    trials: list[dict[str, Any]] = [{"ledger": Ledger(text=12, markup=8), "cost": 0.1}, {}]
    (spent,) = spending(hold({("a", "t", "s"): trials})).spent()
    assert spent.items == {"input": 20, "output": 4}
    assert spent.cost is None


def test_only_judged_trials_are_counted(hold: Hold) -> None:
    trials: list[dict[str, Any]] = [{}, {"outcome": "errored", "latency_s": 60.0}]
    made = spending(hold({("a", "t", "s"): trials}))
    assert made.curve() == [0.5]
    assert made.quantiles() == (0.5, 0.5, 0.5)


def test_a_long_list_of_latencies_becomes_a_curve_of_101_points(hold: Hold) -> None:
    trials = [{"latency_s": n / 1000} for n in range(5001)]
    curve = spending(hold({("a", "t", "s"): trials})).curve()
    assert len(curve) == 101
    assert (curve[0], curve[50], curve[100]) == pytest.approx((0, 2.5, 5))


def swept(hold: Hold) -> Source:
    answers = {
        "story": ["a", "a"],
        "story:temperature=1": ["a", "b"],
        "story:temperature=0.5": ["a", "a"],
    }
    setups = {
        "story": Setup(name="story", params=Params(temperature=0.0)),
        "story:temperature=1": Setup(name="story:temperature=1", params=Params(temperature=1.0)),
        "story:temperature=0.5": Setup(name="story:temperature=0.5"),
        "story:top_p=0.5,top_k=3": Setup(name="story:top_p=0.5,top_k=3"),
    }
    trials = {
        ("c", "t", name): [{"text": said} for said in texts] for name, texts in answers.items()
    }
    return hold(trials, scenarios=tuple(setups.values()))


def test_a_sweep_takes_its_base_in_and_stands_in_the_order_of_the_numbers(hold: Hold) -> None:
    run = swept(hold)
    sweeps = Sweeps([Column(run)])
    for group in run.groups():
        sweeps.add(0, group)
    (sweep,) = sweeps.found()

    assert (sweep.base, sweep.param, sweep.values) == ("story", "temperature", ("0", "0.5", "1"))
    (line,) = sweep.lines
    assert [point.agreement for point in line.points] == [1, 1, 0]
    assert [point.diversity for point in line.points] == [0, 0, 1]
    assert [point.rate for point in line.points] == [1, 1, 1]


def test_where_scenarios_are_the_columns_their_points_make_one_curve(hold: Hold) -> None:
    run = swept(hold)
    columns = [Column(run, "scenario", setup.name) for setup in run.header.scenarios[:3]]
    sweeps = Sweeps(columns)
    for number, column in enumerate(columns):
        for group in column.groups():
            sweeps.add(number, group)
    (sweep,) = sweeps.found()
    assert [len(line.points) for line in sweep.lines] == [3]


def test_many_targets_of_a_sweep_are_put_together(hold: Hold) -> None:
    names = ("story", "story:temperature=1")
    setups = tuple(
        Setup(name=name, params=Params(temperature=float(n))) for n, name in enumerate(names)
    )
    run = hold({("c", f"t{n}", name): [{}] for n in range(5) for name in names}, scenarios=setups)
    sweeps = Sweeps([Column(run)])
    for group in run.groups():
        sweeps.add(0, group)
    (sweep,) = sweeps.found()
    assert [(line.label, len(line.points)) for line in sweep.lines] == [("", 2)]
