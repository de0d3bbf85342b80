"""What the terminal, a comment and a program are told of a run."""

import json
from collections.abc import Callable

import pytest

from qeval.exchange import Usage
from qeval.record import Ledger, Score, Setup, Source
from qeval.report import text

Hold = Callable[..., Source]

TABLE = """\
                                          tokens  tokens  latency
target  scenario  passed  groups  trials      in     out      p50
------  --------  ------  ------  ------  ------  ------  -------
t1      s1        66.7 %     1/2     2/3      20       4   500 ms
t2      s1             –     0/1     0/0       –       –        –
all               66.7 %     1/3     2/3      20       4   500 ms

1 of 3 groups passed; trials 66.7 % (95 %: 20.8 % … 93.9 %); 1 errored; 1 truncated.

Not passed:
  failed   b · t1 · s1
           1 of 2 trials passed, all needed; contains 'a': why so
  errored  b · t2 · s1
           no recording of this trial

Trials without a judged answer, by cause: cassette_missing 1

Recorded from the simulator: these are not answers of a real model."""

MARKDOWN = """\
| target   | scenario   |   passed |   groups |   trials |   tokens in |   tokens out |   latency p50 |
|----------|------------|----------|----------|----------|-------------|--------------|---------------|
| t        | s          |      0 % |      0/1 |      0/1 |          20 |            4 |        500 ms |

0 of 1 groups passed; trials 0 % (95 %: 0 % … 79.3 %).

Not passed:

- failed `a` · `t` · `s`: ``equals: got `@all` <img src=x>``"""


def mixed(hold: Hold) -> Source:
    return hold(
        {
            ("a", "t1", "s1"): [{"truncated": True}],
            ("b", "t1", "s1"): [{}, {"outcome": "failed"}],
            ("b", "t2", "s1"): [
                {
                    "outcome": "errored",
                    "error": "no recording of this trial",
                    "code": "cassette_missing",
                }
            ],
        },
        sources=("simulator",),
    )


def test_the_table_says_what_happened_and_why(hold: Hold) -> None:
    assert text.render(mixed(hold)) == TABLE


def test_markdown_quotes_what_a_model_said_so_that_none_of_it_is_markup(hold: Hold) -> None:
    score = Score(value=0, passed=False, check="equals", reason="got `@all` <img src=x>")
    run = hold({("a", "t", "s"): [{"outcome": "failed", "scores": (score,)}]})
    assert text.render(run, "markdown") == MARKDOWN


def test_the_table_of_long_names_fits_80_columns(hold: Hold) -> None:
    run = hold(
        {
            ("a", target, scenario): [{"latency_s": 59.94, "usage": Usage(input_tokens=12_345)}]
            for target in ("qwen-plus", "qwen3-max")
            for scenario in ("factual_qa", "creative_writing")
        }
    )
    table = text.render(run).partition("\n\n")[0]
    assert len(table.splitlines()) == 8
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize("name", ["a|b", "[x](javascript:alert(1))", "<b>", "@everyone", "`"])
def test_markdown_cells_hold_their_text_as_code(hold: Hold, name: str) -> None:
    row = text.render(hold({("a", name, "s"): [{}]}), "markdown").splitlines()[2]
    shown = name.replace("|", "\\|")
    assert f"`{shown}`" in row or "`` ` ``" in row
    assert row.replace("\\|", "").count("|") == 9


def test_more_than_ten_shortfalls_are_counted(hold: Hold) -> None:
    groups = {(f"c{n}", "t", "s"): [{"outcome": "failed"}] for n in range(22)}
    shown = text.render(hold(groups))
    assert shown.count("  failed   ") == 10
    assert "  … and 12 more" in shown


def test_causes_are_told_even_where_every_group_passed(hold: Hold) -> None:
    run = hold({("a", "t", "s"): [{}, {"outcome": "errored", "code": "timeout"}]}, passes="any")
    shown = text.render(run)
    assert "Not passed" not in shown
    assert shown.endswith("Trials without a judged answer, by cause: timeout 1")


def test_a_run_that_did_not_end_says_so(hold: Hold) -> None:
    shown = text.render(hold({("a", "t", "s"): [{}]}, complete=False, planned=2500))
    assert shown.endswith("This run did not end: it holds what had ended of 2,500 trials planned.")


def test_tokens_that_some_trials_did_not_report_are_said_to_lack(hold: Hold) -> None:
    run = hold({("a", "t", "s"): [{"usage": Usage()}, {}]})
    assert "1 without reported tokens" in text.render(run)


def test_groups_can_have_a_row_each(hold: Hold) -> None:
    lines = text.render(mixed(hold), by_group=True).splitlines()
    assert lines[0].split() == ["case", "target", "scenario", "outcome", "trials", "because"]
    assert [line.split()[:5] for line in lines[2:5]] == [
        ["a", "t1", "s1", "passed", "1/1"],
        ["b", "t1", "s1", "failed", "1/2"],
        ["b", "t2", "s1", "errored", "0/1"],
    ]


@pytest.mark.parametrize("form", ["table", "markdown", "json"])
@pytest.mark.parametrize("by_group", [False, True])
def test_no_form_passes_a_control_character_on(hold: Hold, form: str, *, by_group: bool) -> None:
    hostile = "\x1b[2J\x9b31m\x00\u202e\ud800\r"
    score = Score(value=0, passed=False, check=hostile, reason=hostile)
    run = hold(
        {
            (hostile, hostile, hostile): [{"outcome": "failed", "scores": (score,)}],
            ("b", "t", "s"): [{"outcome": "errored", "error": hostile, "code": hostile}],
        }
    )
    shown = text.render(run, form, by_group=by_group)
    shown.encode()
    assert not set("\x1b\x9b\x00\u202e\r") & set(shown)


def test_json_carries_units_in_its_keys_and_null_for_unknown(hold: Hold) -> None:
    told = json.loads(text.render(mixed(hold), "json"))
    assert told["total"] == {
        "rate": 2 / 3,
        "rate_low": pytest.approx(0.2077, abs=1e-4),
        "rate_high": pytest.approx(0.9385, abs=1e-4),
        "groups": 3,
        "groups_passed": 1,
        "passed": 2,
        "failed": 1,
        "errored": 1,
        "refused": 0,
        "skipped": 0,
        "truncated": 1,
        "warned": 0,
        "mean_input_tokens": 20.0,
        "mean_output_tokens": 4.0,
        "unreported": 0,
        "overhead_share": None,
        "reasoning_share": None,
        "cost": None,
        "currency": None,
        "cost_unknown": 3,
        "latency_p50_s": 0.5,
    }
    assert told["cells"][1]["rate"] is None
    assert told["cells"][1]["mean_input_tokens"] is None
    assert told["errors"] == {"cassette_missing": 1}
    assert [group["because"] for group in told["groups"]] == [
        None,
        "1 of 2 trials passed, all needed; contains 'a': why so",
        "no recording of this trial",
    ]


def test_an_empty_run_can_be_told_in_every_form(hold: Hold) -> None:
    assert "0 of 0 groups passed." in text.render(hold({}))
    assert json.loads(text.render(hold({}), "json"))["groups"] == []
    assert text.rows([]) == ""


def test_a_group_is_told_whole_to_a_failing_test(hold: Hold) -> None:
    run = hold({("a", "t", "s"): [{}, {"outcome": "failed", "text": "no\x1b[1m"}]})
    (group,) = run.groups()
    assert text.group(group, "Is it?\nReally?") == (
        "1 of 2 trials passed, all needed; contains 'a': why so\n"
        "\n"
        "prompt     Is it? Really?\n"
        "trial 0    passed   an answer\n"
        "trial 1    failed   no␛[1m\n"
        "             contains 'a'    why so"
    )


def test_shares_and_costs_have_columns_where_somebody_knows_them(hold: Hold) -> None:
    usage = Usage(input_tokens=20, output_tokens=10, reasoning_tokens=4)
    ledger = Ledger(method="exact", text=15, markup=5)
    known = {"usage": usage, "ledger": ledger, "cost": 0.004}
    priced = tuple(Setup(name=name, currency="USD") for name in ("t1", "t2"))
    run = hold(
        {("a", "t1", "s1"): [known], ("b", "t2", "s1"): [known, {}]},
        targets=priced,
    )

    shown = text.render(run).split("\n\n")[0]

    assert shown == (
        "                                           tokens in   tokens out  latency\n"
        "target  scenario  passed  groups  trials  (overhead)  (reasoning)      p50         cost\n"
        "------  --------  ------  ------  ------  ----------  -----------  -------  -----------\n"
        "t1      s1         100 %     1/1     1/1   20 (25 %)    10 (40 %)   500 ms    0.004 USD\n"
        "t2      s1         100 %     1/1     2/2   20 (25 %)     7 (40 %)   500 ms  ≥ 0.004 USD\n"
        "all                100 %     2/2     3/3   20 (25 %)     8 (40 %)   500 ms  ≥ 0.008 USD"
    )


def test_numbers_may_end_at_the_right(hold: Hold) -> None:
    records = [{"tokens": "1", "what": "a"}, {"tokens": "11", "what": "b"}]

    assert text.rows(records, right=("tokens",)).splitlines()[2:] == [
        "       1  a",
        "      11  b",
    ]
