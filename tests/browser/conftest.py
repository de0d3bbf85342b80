"""A real Chromium, and pages of invented answers to open in it: of one run, or of several."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from qeval.compare import Settings, compare
from qeval.compare.columns import Column
from qeval.exchange import Message, Params, ToolCall, Usage
from qeval.record import Asked, Group, Header, Ledger, Outcome, Score, Setup, Trial, decide
from qeval.report import html

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TARGETS = ("qwen-plus", "qwen3-max")
SCENARIOS = (
    Setup(name="factual_qa", params=Params(temperature=0.1, top_p=0.7), source="maker, 2026-06-15"),
    Setup(
        name="creative_writing",
        params=Params(temperature=0.9, top_p=0.95),
        trials=5,
        passes="4/5",
    ),
)
Answers: TypeAlias = Callable[[str, str, str, int], tuple[Outcome, str]]
"""(case, target, scenario, trial) -> how it ended, and what was said."""


class Invented:
    """A run of the given cases, two targets, two scenarios."""

    def __init__(
        self, cases: dict[str, str], answers: Answers, *, questions: bool = True, **header: Any
    ) -> None:
        self.header = Header(
            qeval="1.2.3",
            suite="shop-assistant",
            mode="replay",
            suite_digest="d" * 64,
            cassette_digest="c" * 64,
            targets=tuple(Setup(name=name, model=name, dialect="chat") for name in TARGETS),
            scenarios=SCENARIOS,
            **{
                "id": "0123456789ab",
                "sources": ("model-studio",),
                "description": "What a shop assistant must know.",
            }
            | header,
        )
        self.asked: dict[tuple[str, str | None], Asked] = {
            (case, None): Asked(
                case=case,
                messages=(
                    Message(role="system", content="You help the customers of a shop."),
                    Message(role="user", content=question),
                )
                if questions
                else (),
                tags=(case.split("-", maxsplit=1)[0],),
                where=f"suites/shop.yaml:{number * 7 + 12}",
            )
            for number, (case, question) in enumerate(cases.items())
        }
        self._answers = answers

    def groups(self) -> Iterator[Group]:
        """Yield the groups in plan order."""
        for case, _ in self.asked:
            for target in TARGETS:
                for scenario in SCENARIOS:
                    yield self._group(case, target, scenario)

    def _group(self, case: str, target: str, scenario: Setup) -> Group:
        trials = tuple(
            self._trial(case, target, scenario.name, number) for number in range(scenario.trials)
        )
        return Group(
            case=case,
            target=target,
            scenario=scenario.name,
            outcome=decide(scenario.passes, [trial.outcome for trial in trials]),
            passes=scenario.passes,
            trials=trials,
        )

    def _trial(self, case: str, target: str, scenario: str, number: int) -> Trial:
        outcome, said = self._answers(case, target, scenario, number)
        place: dict[str, Any] = {"case": case, "target": target, "scenario": scenario}
        if outcome == "errored":
            return Trial(**place, trial=number, outcome=outcome, error=said, code="timeout")
        right = outcome == "passed"
        checks = (
            Score(value=right, passed=right, check="contains 'days'", reason=said[:40]),
            Score(value=1, passed=True, check="max_output_tokens 80", reason="17 tokens"),
            Score(
                value=0,
                passed=case != "warned",
                severity="warn",
                check="one sentence",
                reason="2 sentences",
            ),
        )
        return Trial(
            **place,
            trial=number,
            outcome=outcome,
            scores=checks,
            text=said,
            finish_reason="stop",
            calls=(ToolCall(id="1", name="look_up", arguments='{"day": 30}'),)
            if case == "hours-sunday"
            else (),
            usage=Usage(input_tokens=48, output_tokens=17 + number),
            ledger=Ledger(method="exact", text=34, markup=9),
            latency_s=0.4 + number / 7,
        )


Shown: TypeAlias = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for a module. It goes before the next module begins, since it holds an event
    loop running that would be in the way of other tests' own. A machine without one fails, so that nothing passes unseen."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(
            "no Chromium on the PATH: install it (`apt-get install chromium`), "
            "or leave these tests out with `--ignore tests/browser`",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Shown]:
    """Open the page of a run; afterwards, no console message and no request may have been."""
    said: list[str] = []
    opened: list[Page] = []

    def shown(
        cases: dict[str, str] | None = None,
        answers: Answers | None = None,
        *others: Answers,
        hash_: str = "",
        run: dict[str, Any] | None = None,
        first_asks: bool = True,
        **context: Any,
    ) -> Page:
        path = tmp_path / "report.html"
        asked = cases or QUESTIONS
        runs = [Invented(asked, answers or calm, questions=first_asks, **(run or {}))]
        runs += [
            Invented(asked, b, **{"id": f"run-{n}"} | (run or {})) for n, b in enumerate(others)
        ]
        columns = [Column(each) for each in runs]
        html.write(columns, path, compare(columns, Settings()) if others else None)
        page = chromium.new_context(**context).new_page()
        opened.append(page)
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.split("#")[0] == path.as_uri()
                else said.append(f"request: {request.url[:80]}")
            ),
        )
        page.goto(path.as_uri() + hash_)
        return page

    yield shown
    for page in opened:
        page.context.close()
    assert said == []


@pytest.fixture
def two(show: Shown) -> Shown:
    """Open the page of two runs of which the second is worse; of four, every other one."""

    def shown(columns: int = 2, **context: Any) -> Page:
        context = {"viewport": {"width": 1440, "height": 2400}} | context  # every row is in sight
        page = show(None, *[(calm, worse)[n % 2] for n in range(columns)], **context)
        # The page's policy forbids `wait_for_function`, which compiles strings.
        while context.get("java_script_enabled", True) and not page.evaluate(READ):
            page.wait_for_timeout(10)
        return page

    return shown


READ = "performance.getEntriesByName('read').length"
"""Whether every answer has been read."""
QUESTIONS = {
    "refund-window": "A customer bought a kettle on 3 March. Until when may it come back?",
    "invoice-to-json": 'Write {"total": 3.25} as an invoice line.',
    "warned": "How long is the guarantee?",
    "hours-sunday": "Are you open on a Sunday?",
    "errors-out": "Say something that never arrives.",
    "cases": "A case that is called like a part of the page.",
    "营业时间": "你们星期天营业吗？",
}


def calm(case: str, target: str, scenario: str, trial: int) -> tuple[Outcome, str]:
    """Mostly right; one case fails with one target, one errors."""
    if case == "errors-out" and target == "qwen3-max":
        return "errored", "no answer within 60 s"
    if case == "refund-window" and target == "qwen3-max" and trial != 1:
        return "failed", "Until the end of the month, I think."
    if case == "invoice-to-json":
        return "passed", '{\n  "item": "kettle",\n  "total": 3.25,\n  "days": 30\n}'
    if scenario == "creative_writing" and trial > 2:
        return "passed", f"Within 30 days; that is answer number {trial} of this kind."
    return "passed", "Within 30 days of the purchase."


def worse(case: str, target: str, scenario: str, trial: int) -> tuple[Outcome, str]:
    """As calm, but one case is wrong throughout, and one says the same in other words."""
    if case == "invoice-to-json":
        return "failed", '{\n  "item": "kettles",\n  "total": 3.25,\n  "days": 31\n}'
    if case == "warned":
        return "passed", "Within thirty days of the purchase."
    return calm(case, target, scenario, trial)
