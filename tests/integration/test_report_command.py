"""`qeval report RUN…`: the page of a run, or of several side by side."""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from qeval.cli import main
from qeval.store import RunWriter, StoredRun

SHOP = Path(__file__).parents[1] / "data" / "shop-run.jsonl"
Runs = Callable[[str], Path]


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """A project in which a run can be put under an id."""
    (tmp_path / "suites").mkdir()
    monkeypatch.chdir(tmp_path)

    def put(name: str) -> Path:
        source = StoredRun(SHOP)
        header = msgspec.structs.replace(source.header, id=name)
        writer = RunWriter(tmp_path / "reports" / header.suite, header)
        order = {case: number * 1000 for number, (case, _) in enumerate(source.asked)}
        for asked in source.asked.values():
            writer.asked(order[asked.case], asked)
        places: dict[tuple[str, str], int] = {}
        for trial in source.trials():
            group = places.setdefault((trial.target, trial.scenario), len(places))
            writer.trial(order[trial.case] + group, trial)
        return writer.close(header).path.parent

    return put


@pytest.mark.parametrize("packed", [True, False])
def test_a_run_is_rendered_beside_its_file(
    stored: Runs, capsys: pytest.CaptureFixture[str], *, packed: bool
) -> None:
    folder = stored("one")

    assert main(["report", "one", *([] if packed else ["--no-deflate"])]) == 0

    page = (folder / "report.html").read_text()
    assert ('<script type="application/json" id="index">' in page) is not packed
    assert "43 of 56 groups passed" in page
    assert "report: reports/shop" in capsys.readouterr().err


@pytest.mark.parametrize("packed", [True, False])
def test_two_runs_are_rendered_side_by_side_and_twice_the_same(
    stored: Runs, capsys: pytest.CaptureFixture[str], tmp_path: Path, *, packed: bool
) -> None:
    stored("one")
    stored("two")
    plain = [] if packed else ["--no-deflate"]

    for name in ("first.html", "second.html"):
        assert main(["report", "one", "two", "--output", name, *plain]) == 0

    first, second = ((tmp_path / name).read_bytes() for name in ("first.html", "second.html"))
    assert first == second
    assert str(tmp_path).encode() not in first
    assert (b'<script type="application/json" id="index">' in first) is not packed
    title = re.search(rb'<h1 id="title">(.*?)</h1>', first)
    assert title is not None
    assert title[1].decode().startswith(("The same", "Not decided"))
    assert "report: second.html" in capsys.readouterr().err
