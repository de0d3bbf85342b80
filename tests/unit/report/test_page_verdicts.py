"""A comparison's page: the sentence, the tiles, the table, what changed, in words and places."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from qeval.compare import compare
from qeval.compare.columns import Column, columns
from qeval.compare.values import Against, Change, Comparison, Measured, Settings, Verdict
from qeval.exchange import Params
from qeval.record import Setup, Source
from qeval.report import headline, html
from qeval.report.listing import sides

Hold = Callable[..., Source]


def change(case: str, word: Any = "same", **fields: Any) -> Change:
    return Change(case=case, target="t", scenario="s", state="paired", word=word, **fields)


def against(word: Any, *changes: Change, difference: float | None = None, **fields: Any) -> Against:
    verdict = Verdict(word=word, sentence="as said.", difference=difference)
    return Against(column=1, headline=verdict, changes=changes, **fields)


@pytest.mark.parametrize(
    ("made", "title"),
    [
        (
            against("worse", change("a", "worse"), change("b"), difference=-0.035),
            "Worse on 1 of 2 cases; pass rate −3.5 points",
        ),
        (
            against("undecided", change("a", "worse"), change("b"), difference=-0.01),
            "Worse on 1 of 2 cases; pass rate −1 point",
        ),
        (against("worse", change("a"), difference=-0.062), "Worse; pass rate −6.2 points"),
        (
            against("better", change("a", "better"), change("b"), difference=0.1),
            "Better on 1 of 2 cases; pass rate +10 points",
        ),
        (against("same", change("a"), difference=0.0), "The same; pass rate unchanged"),
        (against("undecided", change("a"), difference=0.0), "Not decided; pass rate unchanged"),
        (against("undecided"), "Not decided"),
        (against("not_comparable"), "Not comparable"),
    ],
)
def test_the_title_says_what_changed_in_a_few_words(made: Against, title: str) -> None:
    assert headline.compared(made) == title


def test_groups_are_counted_where_a_case_has_several() -> None:
    other = Change(case="a", target="u", scenario="s", state="paired", word="worse")
    made = against("worse", change("a", "worse"), other, change("b"), difference=-0.5)
    assert headline.compared(made) == "Worse on 2 of 3 groups; pass rate −50 points"


def several(*words: Any) -> Comparison:
    made = tuple(against(word, change("a", word)) for word in words)
    return Comparison(suite="x", by="run", sides=(), against=made)


def test_of_many_columns_the_title_counts_the_verdicts() -> None:
    head = headline.of_comparison(several("worse", "same", "worse"))
    assert head.title == "2 of 3 worse than A; 1 of 3 the same as A"
    assert head.words == ("worse", "same", "worse")


def test_the_facts_tell_cost_and_what_cannot_be_compared() -> None:
    fewer = Measured(name="output_tokens", unit="tokens", word="better", sentence="", ratio=0.87)
    dearer = Measured(name="cost", unit="USD", word="worse", sentence="", ratio=1.2)
    gone = Change(case="z", target="t", scenario="s", state="gone")
    made = against(
        "worse", change("a", "worse"), change("b", "better"), gone, measures=(fewer, dearer)
    )
    (comparison,) = [Comparison(suite="x", by="run", sides=(), against=(made,))]
    assert headline.of_comparison(comparison).facts == (
        "13 % fewer output tokens",
        "cost 20 % higher",
        "better on 1 case",
        "1 case gone",
    )


@pytest.mark.parametrize(
    ("word", "ratio", "fact"),
    [
        ("undecided", 1.0, "output tokens not decided"),
        ("undecided", 1.3, "output tokens not decided"),
        ("same", 1.0, "output tokens unchanged"),
    ],
)
def test_a_measure_that_is_not_decided_is_not_called_unchanged(
    word: Any, ratio: float, fact: str
) -> None:
    tokens = Measured(name="output_tokens", unit="tokens", word=word, sentence="", ratio=ratio)
    made = against("undecided", change("a", "undecided"), measures=(tokens,))
    comparison = Comparison(suite="x", by="run", sides=(), against=(made,))

    assert headline.of_comparison(comparison).facts == (fact,)


def test_the_worst_of_all_columns_are_linked_the_worst_of_each_first() -> None:
    first = against("worse", change("a", "worse"), change("b", "worse"), suspects=(0, 1))
    second = against("worse", change("c", "worse"), change("a", "worse"), suspects=(1, 0))
    comparison = Comparison(suite="x", by="run", sides=(), against=(first, second))
    links = headline.of_comparison(comparison).worst
    assert [link.name for link in links] == ["a[s-t]", "b[s-t]", "c[s-t]"]
    assert links[0].href == "#case=a/t/s"


def shop(hold: Hold, fall: int = 0, **header: Any) -> Source:
    """Eight cases, two targets, two scenarios; the first `fall` cases fail."""
    trials = {
        (f"q-{n}", target, scenario): [{"outcome": "failed" if n < fall else "passed"}] * 5
        for n in range(8)
        for target in ("t", "u")
        for scenario in ("s", "w")
    }
    scenarios = (Setup(name="s", params=Params(temperature=0.1)), Setup(name="w"))
    return hold(trials, scenarios=scenarios, **header)


def page(held: list[Column]) -> str:
    return "".join(html.pieces(held, compare(held, Settings())))


def words(made: str) -> str:
    body = made.partition("<body>")[2].partition("<noscript>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", body).replace("\xa0", " ").split())


def test_a_comparison_says_its_parts_in_the_order_of_the_specification(hold: Hold) -> None:
    held = [Column(shop(hold)), Column(shop(hold, 4, id="candidate0", suite_digest="e" * 64))]
    shown = words(page(held))
    order = (
        "WORSE", "→ B candidate0", "Worse on 16 of 32 groups; pass rate −50 points",
        "Worse by", "q-0[s-t]", "Pass rate, points", "Output tokens", "Latency, median",
        "By target and scenario", "What changed besides the answers", "suite digest",
        "How the trials ended", "Where B differs from A", "Pass rates", "Tokens per trial",
        "Cost per 1,000 trials", "Cases 8 cases, 32 groups",
    )  # fmt: skip
    places = [shown.index(part) for part in order]
    assert places[0] < places[1] < places[2]
    at = 0
    for part in order[2:]:
        at = shown.index(part, at)


def test_every_cell_of_the_table_has_its_verdict_and_the_edges_too(hold: Hold) -> None:
    held = [Column(shop(hold)), Column(shop(hold, 4, id="b"))]
    table = page(held).partition('class="vt"')[2].partition("</table>")[0]
    assert len(re.findall(r'class="v v-\w+"', table)) == 9
    assert table.count("−50") == 9
    assert "temperature\N{NO-BREAK SPACE}0.1" in table


def test_every_measure_has_a_row_for_each_column_but_the_first(hold: Hold) -> None:
    held = [Column(shop(hold, n, id=f"run-{n}")) for n in (0, 4, 5)]
    judged = compare(held, Settings())

    made = "".join(html.pieces(held, judged))
    tables = made.split('aria-label="Every measure"')[1:]

    assert len(tables) == len(judged.against) == 2
    for table, each in zip(tables, judged.against, strict=True):
        names = re.findall(r'<th scope="row">([^<]+)', table.partition("</table>")[0])
        assert names == [measure.sentence.partition(":")[0] for measure in each.measures]
        assert "output tokens" in names


def test_verdicts_have_glyph_and_word_everywhere(hold: Hold) -> None:
    made = page([Column(shop(hold)), Column(shop(hold, 4, id="b"))])
    badges = re.findall(
        r'<span class="v v-(\w+)"><span class="g" aria-hidden="true">(.)</span>([^<]+)<', made
    )
    known = {"worse": ("▼", "WORSE"), "undecided": ("?", "UNDECIDED"), "same": ("=", "SAME")}
    assert len(badges) > 20
    assert {word: (glyph, said) for word, glyph, said in badges}.items() <= known.items()
    assert len(badges) == made.partition("<script")[0].count('class="v v-')


@pytest.mark.parametrize(("by", "count"), [("target", 2), ("scenario", 2)])
def test_targets_and_scenarios_of_one_run_can_be_the_columns(
    hold: Hold, by: Any, count: int
) -> None:
    held = columns([shop(hold)], by)
    comparison = compare(held, Settings())
    made = "".join(html.pieces(held, comparison))
    assert len(held) == count
    assert sides(held, comparison)[1][1] == ("u" if by == "target" else "w")
    assert ("By target</h3>" if by == "scenario" else "By scenario</h3>") in made


def test_eight_columns_stand_side_by_side(hold: Hold) -> None:
    held = [Column(shop(hold, n, id=f"run-{n}")) for n in range(8)]
    made = page(held)
    shown = words(made)
    assert shown.count(" differs from A ") == 7
    assert "H run-7" in shown
    assert 'class="L k7"' in made


def test_swapping_the_columns_mirrors_the_page(hold: Hold) -> None:
    a, b = Column(shop(hold, id="a")), Column(shop(hold, 4, id="b"))
    assert "pass rate −50 points" in words(page([a, b]))
    assert "pass rate +50 points" in words(page([b, a]))


def test_the_same_comparison_gives_the_same_bytes(hold: Hold) -> None:
    made = [page([Column(shop(hold)), Column(shop(hold, 3, id="b"))]) for _ in range(2)]
    assert made[0] == made[1]


def test_notes_name_their_column_unless_all_have_them(hold: Hold) -> None:
    a, b = shop(hold, notes=("both",)), shop(hold, id="b", notes=("both", "only here"))
    shown = words(page([Column(a), Column(b)]))
    assert "▲ both" in shown
    assert "▲ B: only here" in shown
