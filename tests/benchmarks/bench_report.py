"""The page and its budgets (report specification, section 6): size, rendering, and a real Chromium.

Printed for 1,000 and 10,000 cases: a run of one-word answers by itself, with the table beside it;
and two columns with answers of 1.2 kB, rendered, then opened from disk: first paint, usable (the
list is there), a keystroke in the search field until the next frame. Each figure stands beside its
budget. Times are the best of three, as noise only ever adds; keystrokes are all of them.
"""

import random
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from playwright.sync_api import Browser, Page, sync_playwright

from qeval.compare import Settings, compare
from qeval.compare.columns import Column
from qeval.exchange import Message, Usage
from qeval.record import Asked, Group, Header, Ledger, Score, Setup, Trial
from qeval.report import html, text

TIMES = 3
VOCABULARY = [
    "".join(random.Random(n).choices("etaoinshrdlucm", k=3 + n % 7))  # noqa: S311  # no secret
    for n in range(1_000)
]
WEIGHTS = [1 / (n + 1) for n in range(len(VOCABULARY))]
"""Words come by Zipf's law. Deflate keeps 30 % of such text; of English prose, 40 %."""
WORDS = 187
"""Of an answer in two columns: 1.2 kB."""
BUDGETS: dict[int, dict[str, float]] = {
    1_000: {"file": 1.2, "render": 0.5, "paint": 300, "usable": 500, "key": 20, "longest key": 50},
    10_000: {"file": 12, "render": 4, "paint": 500, "usable": 1000, "key": 30, "longest key": 80},
}
TYPED = "kettle word17"


class Many:
    """A run of `count` cases, each asked once, answered in `words` words."""

    def __init__(self, count: int, words: int, seed: int = 0) -> None:
        self.header = Header(
            qeval="0",
            id=f"{seed}" * 12,
            suite="many",
            mode="replay",
            suite_digest="0" * 64,
            targets=(Setup(name="qwen-plus", model="qwen-plus", dialect="chat"),),
            scenarios=(Setup(name="factual_qa"),),
            recorded_to="2026-11-22T10:00:00Z",
            planned=count,
        )
        self.asked: dict[tuple[str, str | None], Asked] = {}
        for n in range(count):
            said = f"Say the word word{n % 977} and nothing else."
            self.asked[f"q-{n}", None] = Asked(
                case=f"q-{n}",
                messages=(Message(role="user", content=said),),
                tags=(f"tag{n % 7}",),
                digest="0" * 16,
                where="suites/many.yaml:4",
            )
        self._groups = [self._group(n, words, seed) for n in range(count)]

    def groups(self) -> Iterator[Group]:
        """Yield the groups in order."""
        return iter(self._groups)

    @staticmethod
    def _group(n: int, words: int, seed: int) -> Group:
        draw = random.Random(seed * 1_000_003 + n)  # noqa: S311  # the same each time
        said = (
            " ".join(draw.choices(VOCABULARY, WEIGHTS, k=words)) if words > 1 else f"word{n % 977}"
        )
        right = draw.random() > 0.02 * (1 + seed)
        check = f"equals 'word{n % 977}'"
        trial = Trial(
            case=f"q-{n}",
            target="qwen-plus",
            scenario="factual_qa",
            outcome="passed" if right else "failed",
            scores=(Score(value=right, passed=right, check=check, reason="is equal"),),
            text=said,
            finish_reason="stop",
            usage=Usage(input_tokens=21, output_tokens=words + n % 3),
            ledger=Ledger(method="exact", text=12, markup=9) if words > 1 else None,
            latency_s=round(0.2 + draw.random(), 3),
        )
        return Group(
            case=trial.case,
            target=trial.target,
            scenario=trial.scenario,
            outcome=trial.outcome,
            passes="all",
            trials=(trial,),
        )


def alone(count: int) -> None:
    """Print what a run's own page and table take."""
    source = Many(count, 1)
    text.render(Many(1, 1))  # imports are paid here
    pages, tables, size = [], [], 0
    for _ in range(TIMES):
        start = perf_counter()
        size = sum(len(piece.encode()) for piece in html.pieces([Column(source)]))
        middle = perf_counter()
        text.render(source)
        pages.append(middle - start)
        tables.append(perf_counter() - middle)
    with TemporaryDirectory() as folder:
        tracemalloc.start()
        html.write([Column(source)], Path(folder) / "report.html")
        held = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    print(
        f"{count:6,} cases alone: page {min(pages):.3f} s, table {min(tables):.3f} s "
        f"(page / table {min(pages) / min(tables):.1f}), {size / count:,.0f} B a trial, "
        f"{held:.1f} MB held"
    )


def against(count: int, browser: Browser) -> None:
    """Print what the page of a comparison takes, and how it behaves when opened."""
    columns = [Column(Many(count, WORDS, seed)) for seed in range(2)]
    start = perf_counter()
    comparison = compare(columns, Settings())
    compared = perf_counter() - start
    rendered = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        for _ in range(TIMES):
            start = perf_counter()
            html.write(columns, path, comparison)
            rendered.append(perf_counter() - start)
        figures = {"file": path.stat().st_size / 1e6, "render": min(rendered)}
        runs = [opened(browser, path) for _ in range(TIMES)]
    for name in ("paint", "usable", "read"):
        figures[name] = min(run[name][0] for run in runs)
    keys = sorted(time for run in runs for time in run["keys"])
    figures |= {"key": keys[len(keys) // 2], "longest key": keys[-1]}
    print(f"{count:6,} cases x 2 (compared in {compared:.2f} s):")
    for name, value in figures.items():
        unit = {"file": "MB", "render": "s"}.get(name, "ms")
        budget = BUDGETS.get(count, {}).get(name)
        beside = f"{value / budget:6.2f} of the budget of {budget} {unit}" if budget else ""
        print(f"   {name:12} {value:8.2f} {unit:3} {beside}")


def opened(browser: Browser, path: Path) -> dict[str, list[float]]:
    """Open a page and type; return milliseconds."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(path.as_uri())
    wait_for(page, "usable")
    early = page.evaluate(KEYS, TYPED[:4])  # while answers are still being read
    wait_for(page, "read")
    late = page.evaluate(KEYS, TYPED)
    found = {
        "paint": page.evaluate(
            "performance.getEntriesByType('paint').filter((e) => e.name === 'first-paint')"
            ".map((e) => e.startTime)"
        ),
        "usable": page.evaluate("performance.getEntriesByName('usable').map((e) => e.startTime)"),
        "read": page.evaluate("performance.getEntriesByName('read').map((e) => e.startTime)"),
        "keys": early + late,
    }
    page.close()
    return found


def wait_for(page: Page, mark: str) -> None:
    """Wait until the page says so. (Its policy forbids the waiting that compiles strings.)"""
    while not page.evaluate(f"performance.getEntriesByName('{mark}').length"):
        page.wait_for_timeout(20)


KEYS = """async (typed) => {
  const field = document.getElementById("q"), times = [];
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (let end = 1; end <= typed.length; end++) {
    await frame();
    const start = performance.now();
    field.value = typed.slice(0, end);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await frame();
    times.push(performance.now() - start);
  }
  return times;
}"""


def main(counts: list[int]) -> None:
    """Measure every size."""
    style, script = html.style_and_script()
    both = len(style.encode()) + len(script.encode())
    print(f"script and style: {both / 1000:.1f} kB, {both / 60_000:.2f} of the budget of 60 kB")
    for count in counts:
        alone(count)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--headless", "--no-sandbox", "--disable-gpu"],
        )
        for count in counts:
            against(count, browser)
        browser.close()


main([int(count) for count in sys.argv[1:]] or [1_000, 10_000])
