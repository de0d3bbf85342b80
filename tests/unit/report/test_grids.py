"""Two parameters at once: a table of rates."""

from collections.abc import Callable

from qeval.compare import compare
from qeval.compare.columns import Column
from qeval.record import Source
from qeval.report import html
from qeval.report.gathering import Gathered
from qeval.report.grids import Square, grids

Hold = Callable[..., Source]


def test_a_grid_of_two_parameters_is_a_table_of_rates_with_shades(hold: Hold) -> None:
    places = [(heat, top) for heat in ("0", "1", "0.5") for top in ("0.9", "0.5")]
    trials: dict[tuple[str, str, str], list[dict[str, str]]] = {
        ("c", target, f"story:temperature={heat},top_p={top}"): [
            {"outcome": "failed" if heat == "1" and n < 2 else "passed"} for n in range(4)
        ]
        for heat, top in places
        for target in ("t", "u")
    }
    page = Gathered([Column(hold(trials))], None, deflate=False)

    (grid,) = grids(page)

    assert (grid.base, grid.down, grid.across) == ("story", "temperature", "top_p")
    assert (grid.rows, grid.columns) == (("0", "0.5", "1"), ("0.5", "0.9"))
    (table,) = grid.tables
    assert table.rows[0] == (Square("100 %", "8 of 8", 4),) * 2
    assert table.rows[2] == (Square("50 %", "4 of 8", 0),) * 2
    whole = "".join(html.pieces(page.columns))
    assert "over temperature and top_p" in whole
    assert '<a href="#sweeps">' in whole


def test_a_grid_with_one_value_one_way_or_nothing_judged_has_no_table(hold: Hold) -> None:
    row: dict[tuple[str, str, str], list[dict[str, str]]] = {
        ("c", "t", f"story:temperature=0,top_p={top}"): [{}] for top in ("0.5", "0.9")
    }
    errored: dict[tuple[str, str, str], list[dict[str, str]]] = {
        ("c", "t", f"story:a={a},b={b}"): [{"outcome": "errored"}] for a in "12" for b in "12"
    }
    page = Gathered([Column(hold(row | errored))], None, deflate=False)

    assert grids(page) == []


def test_scenarios_that_are_the_columns_make_one_table_of_a_grid(hold: Hold) -> None:
    names = [f"story:a={a},b={b}" for a in "12" for b in "12"]
    run = hold({("c", "t", name): [{}, {}] for name in names})
    columns = [Column(run, "scenario", name) for name in names]
    page = Gathered(columns, compare(columns), deflate=False)

    (grid,) = grids(page)

    assert [table.column for table in grid.tables] == [0]
    assert grid.tables[0].rows == ((Square("100 %", "2 of 2", 0),) * 2,) * 2
