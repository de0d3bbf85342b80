"""A run by itself, for build servers and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from qeval.record import Score, Source
from qeval.report.formats import render_run

Hold = Callable[..., Source]
EVIL = '<b>&"\x00\x1b\ud800\u202e]]>\ufffe'


@pytest.fixture
def run(hold: Hold) -> Source:
    """Return a run with a group of every outcome."""
    return hold(
        {
            ("a", "plus", "warm"): [{}, {}],
            ("b", "plus", "warm"): [{}, {"outcome": "failed"}],
            ("c", "plus", "warm"): [{"outcome": "errored", "error": EVIL, "code": "timeout"}],
            ("d", "plus", "warm"): [{"outcome": "refused", "error": "no"}],
            ("e", "plus", "warm"): [{"outcome": "skipped"}],
        }
    )


def test_a_build_server_gets_a_test_case_a_group(run: Source) -> None:
    suite = ET.fromstring(render_run(run, "junit").encode())[0]  # noqa: S314  (our own)

    assert dict(suite.attrib) == {
        "name": "facts",
        "tests": "5",
        "failures": "1",
        "errors": "2",
        "skipped": "1",
    }
    told = [
        (case.get("name"), [(child.tag, child.get("type")) for child in case]) for case in suite
    ]
    assert told == [
        ("a[warm-plus]", []),
        ("b[warm-plus]", [("failure", "failed")]),
        ("c[warm-plus]", [("error", "errored")]),
        ("d[warm-plus]", [("error", "refused")]),
        ("e[warm-plus]", [("skipped", None)]),
    ]
    assert suite[1][0].get("message") == "1 of 2 trials passed, all needed; contains 'a': why so"


def test_a_spreadsheet_gets_a_line_a_trial(run: Source) -> None:
    rows = list(csv.DictReader(io.StringIO(render_run(run, "csv"))))

    assert [(row["case"], row["trial"], row["outcome"], row["score"]) for row in rows] == [
        ("a", "0", "passed", "1.0"),
        ("a", "1", "passed", "1.0"),
        ("b", "0", "passed", "1.0"),
        ("b", "1", "failed", "0.0"),
        ("c", "0", "errored", ""),
        ("d", "0", "refused", ""),
        ("e", "0", "skipped", ""),
    ]
    assert rows[3]["failed_checks"] == "contains 'a'"
    assert rows[0]["input_tokens"] == "20"
    assert rows[4]["input_tokens"] == ""  # unknown, not 0


@pytest.mark.parametrize(
    ("scores", "score"),
    [
        ([(1.0, 1.0, "fail"), (0.0, 3.0, "fail")], "0.25"),
        ([(0.5, 1.0, "fail"), (0.0, 1.0, "warn")], "0.5"),
        ([(0.5, 0.0, "fail")], ""),
        ([], ""),
    ],
)
def test_a_trials_score_is_the_weighted_mean_of_what_counts(
    scores: list[tuple[float, float, Any]], score: str, hold: Hold
) -> None:
    made = tuple(Score(value=v, weight=w, severity=s, passed=True, check="c") for v, w, s in scores)

    (row,) = csv.DictReader(
        io.StringIO(render_run(hold({("a", "t", "s"): [{"scores": made}]}), "csv"))
    )

    assert row["score"] == score
