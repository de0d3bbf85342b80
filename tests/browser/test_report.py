"""The page in a real Chromium: usable, inert, and as wide as the window.

The fixture `show` fails a test after which anything was asked of a network or said on the console.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from qeval.record import Outcome

Shown = Callable[..., Page]

_RUN = "document.documentElement.dataset.hacked='1'"
HOSTILE = [
    wrap.format(run=_RUN)
    for wrap in (
        "<script>{run}</script>",
        "</script><script>{run}</script>",
        '<img src=x onerror="{run}">',
        '<svg onload="{run}">',
        "<svg><script>{run}</script></svg>",
        '<svg><animate onbegin="{run}" attributeName=x dur=1s>',
        '<body onload="{run}">',
        '<iframe src="javascript:parent.{run}"></iframe>',
        '<iframe srcdoc="<script>parent.{run}</script>"></iframe>',
        '<a href="javascript:{run}">x</a>',
        '<details open ontoggle="{run}">x</details>',
        '</details></div><details open ontoggle="{run}">x',
        '<input autofocus onfocus="{run}">',
        '<select autofocus onfocus="{run}"></select>',
        '<textarea autofocus onfocus="{run}"></textarea>',
        '</pre><img src=x onerror="{run}">',
        '</textarea><img src=x onerror="{run}">',
        '</title><img src=x onerror="{run}">',
        '</style><img src=x onerror="{run}">',
        "<style>@import 'http://127.0.0.1:9/x.css';</style>",
        "<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
        "<link rel=prefetch href=http://127.0.0.1:9/x>",
        '<meta http-equiv=refresh content="0;url=javascript:{run}">',
        '<meta http-equiv=Content-Security-Policy content="default-src *">',
        "<base href=http://127.0.0.1:9/>",
        "<form action=http://127.0.0.1:9/><input name=x></form>",
        '<object data="data:text/html,<script>parent.{run}</script>"></object>',
        '<embed src="data:text/html,<script>parent.{run}</script>">',
        "<img src=http://127.0.0.1:9/pixel.gif>",
        "<video src=http://127.0.0.1:9/v autoplay></video>",
        '<audio src=x onerror="{run}">',
        '<marquee onstart="{run}">x</marquee>',
        '<math href="javascript:{run}">x</math>',
        "<template><script>{run}</script></template>",
        '<noscript><img src=x onerror="{run}"></noscript>',
        "<!-- --><script>{run}</script><!--",
        "<!--><script>{run}</script>-->",
        "]]><script>{run}</script>",
        "<![CDATA[<script>{run}</script>]]>",
        "<?xml version='1.0'?><script>{run}</script>",
        '"><script>{run}</script>',
        "'><script>{run}</script>",
        '" onmouseover="{run}" x="',
        "' autofocus onfocus='{run}' x='",
        "&lt;script&gt;{run}&lt;/script&gt;",
        "&#60;script&#62;{run}&#60;/script&#62;",
        "\u003cscript\u003e{run}\u003c/script\u003e",
        "<scr\x00ipt>{run}</scr\x00ipt>",
        "\ufeff<script>{run}</script>",
        "{{{{ cycler.__init__.__globals__ }}}}{{% raw %}}<script>{run}</script>",
        "\x1b]0;x\x07<script>{run}</script>\u202e\ud800",
        "<!--cases--><script>{run}</script>",
    )
]  # fmt: skip


def test_fifty_hostile_answers_are_text_and_nothing_more(show: Shown) -> None:
    assert len(HOSTILE) >= 50
    said = dict(enumerate(HOSTILE))

    def answer(case: str, target: str, *_: object) -> tuple[Outcome, str]:
        outcome: Outcome = "failed" if target == "qwen-plus" else "errored"
        return outcome, said[int(case.rpartition("-")[2])]

    page = show(
        {f"h-{n}": text for n, text in said.items()},
        answer,
        run={"notes": tuple(HOSTILE), "description": HOSTILE[0]},
    )
    page.locator("#fold").click()
    page.locator("#fold").click()
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.dataset.hacked") is None
    assert page.evaluate("document.scripts.length") == 1
    assert page.locator("iframe, img, object, embed, form, base, link, video, audio").count() == 0
    expect(page.locator("details.c")).to_have_count(len(HOSTILE))
    expect(page.locator("details.c").first.locator(".t pre").first).to_have_text(HOSTILE[0])


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_never_wider_than_the_window(show: Shown, width: int, theme: str) -> None:
    long = "x" * 5_000

    def answer(case: str, *_: object) -> tuple[Outcome, str]:
        return ("errored", long) if case == "e" else ("failed", long)

    page = show(
        {"a" * 120: long, "e": "| wide " * 300},
        answer,
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        run={"notes": (long,)},
    )
    for case in page.locator("details.c").all():
        expect(case).to_have_attribute("open", "")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_every_case_can_be_read_without_script(show: Shown) -> None:
    page = show(java_script_enabled=False)
    expect(page.locator("details.c")).to_have_count(6)
    expect(page.locator(".tools")).to_be_hidden()
    expect(page.locator("#theme")).to_be_hidden()
    hours = page.locator("details.c", has_text="hours-sunday")
    expect(hours.get_by_text("Are you open on a Sunday?").nth(1)).to_be_hidden()
    hours.locator("summary").first.click()
    expect(hours.get_by_text("Within 30 days of the purchase.").first).to_be_visible()


def test_cases_that_fell_short_are_open_and_the_others_folded(show: Shown) -> None:
    page = show()
    opened = page.locator("details.c[open]").evaluate_all("all => all.map((one) => one.id)")
    assert opened == ["c:refund-window", "c:errors-out"]


def test_chips_count_and_filter_cases_by_how_they_ended(show: Shown) -> None:
    page = show()
    chips = page.locator("[data-show]:visible")
    assert chips.all_inner_texts() == [
        "all 6", "● passed 4", "□ failed 1", "△ errored 1", "! warned 1",
    ]  # fmt: skip
    page.get_by_role("button", name="□ failed").click()
    expect(page.locator("details.c:visible")).to_have_count(1)
    expect(page.locator("#found")).to_have_text("1 of 6 cases")
    expect(page.get_by_role("button", name="□ failed")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="! warned").click()
    expect(page.locator("details.c:visible > summary > b")).to_have_text("warned")
    page.get_by_role("button", name="all", exact=False).first.click()
    expect(page.locator("details.c:visible")).to_have_count(6)


def test_search_reads_ids_prompts_and_answers_of_folded_cases(show: Shown) -> None:
    page = show()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    for wanted, found in (("HOURS", 1), ("guarantee", 1), ("kettle", 2), ("no such words", 0)):
        page.locator("#search").fill(wanted)
        expect(page.locator("#found")).to_have_text(f"{found} of 6 cases")
        expect(page.locator("details.c:visible")).to_have_count(found)
    page.keyboard.press("Escape")
    expect(page.locator("details.c:visible")).to_have_count(6)


def test_all_cases_open_and_close_at_once(show: Shown) -> None:
    page = show()
    page.get_by_role("button", name="Open all").click()
    expect(page.locator("details.c[open]")).to_have_count(6)
    page.get_by_role("button", name="Close all").click()
    expect(page.locator("details.c[open]")).to_have_count(0)


def test_the_theme_follows_the_system_until_the_button_decides(show: Shown) -> None:
    page = show(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    button = page.locator("#theme")
    button.click()
    expect(button).to_have_text("◐ light")
    assert page.evaluate(ground) != dark
    button.click()
    expect(button).to_have_text("◐ dark")
    assert page.evaluate(ground) == dark
    button.click()
    expect(button).to_have_text("◐ auto")


def test_a_link_to_a_case_opens_it_even_where_it_is_called_like_a_part_of_the_page(
    show: Shown,
) -> None:
    page = show(hash_="#c:cases")
    case = page.locator("details.c").last
    expect(case).to_have_attribute("open", "")
    expect(case.locator("summary").first).to_be_focused()
    expect(case).to_be_in_viewport()


def test_a_link_from_the_summary_opens_its_case_though_it_is_filtered_away(show: Shown) -> None:
    page = show()
    page.get_by_role("button", name="● passed").click()
    case = page.locator("details.c").first
    expect(case).to_be_hidden()
    page.locator(".rows a").first.click()
    expect(case).to_be_visible()
    expect(case).to_be_in_viewport()


def test_the_address_of_an_opened_case_can_be_copied(show: Shown) -> None:
    page = show()
    page.locator("details.c", has_text="hours-sunday").locator("summary").first.click()
    copied = page.evaluate("location.hash")
    page.goto("about:blank")
    page.go_back()
    page.evaluate("(hash) => { location.hash = ''; location.hash = hash; }", copied)
    expect(page.locator("details.c", has_text="hours-sunday")).to_have_attribute("open", "")


@pytest.mark.parametrize("hash_", ["#c:%E0%A4%A", "#c:nobody", "#cases", "#%00"])
def test_a_broken_link_opens_the_page_all_the_same(show: Shown, hash_: str) -> None:
    expect(show(hash_=hash_).locator("h1")).to_be_visible()


def test_the_keyboard_alone_reaches_and_opens_a_case(show: Shown) -> None:
    page = show()
    page.locator("#fold").focus()
    page.keyboard.press("Tab")
    first = page.locator("details.c").first
    expect(first.locator("summary").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(first).not_to_have_attribute("open", "")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("details.c").nth(1)).to_have_attribute("open", "")


def test_print_shows_the_cases_that_are_folded_on_the_screen(show: Shown, tmp_path: Path) -> None:
    page = show()
    page.emulate_media(media="print")
    expect(page.locator(".tools")).to_be_hidden()
    heights = page.locator("details.c").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().height)"
    )
    assert min(heights) > 150


def test_two_thousand_cases_stay_usable(show: Shown) -> None:
    def answer(case: str, *_: object) -> tuple[Outcome, str]:
        return ("failed" if case.endswith("77") else "passed"), "30 days"

    page = show({f"q-{n}": f"What of {n}?" for n in range(2_000)}, answer)
    expect(page.locator("details.c[open]")).to_have_count(20)
    took = page.evaluate(
        """async () => {
            const start = performance.now();
            document.querySelector('[data-show=failed]').click();
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            return performance.now() - start;
        }"""
    )
    expect(page.locator("#found")).to_have_text("20 of 2000 cases")
    assert took < 1_000
