"""The page in a real Chromium: filters, search, differences, links, keyboard, print.

The fixture `show` fails a test after which anything was asked of a network or said on the console.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import pytest
from playwright.sync_api import Locator, Page, expect

from qeval.record import Outcome

Shown = Callable[..., Page]
Answers: TypeAlias = Callable[..., tuple[Outcome, str]]

WORST = "invoice-to-json"
EVERY = {"refund-window", WORST, "warned", "hours-sunday", "errors-out", "cases", "营业时间"}


def ready(page: Page) -> None:
    """Wait until every answer has been read (the page's policy forbids `wait_for_function`)."""
    while not page.evaluate("performance.getEntriesByName('read').length"):
        page.wait_for_timeout(10)


def listed(page: Page) -> list[str]:
    """The ids in the list, from the top."""
    rows = page.locator("#rows .row")
    made = rows.evaluate_all("all => all.map((one) => [one.offsetTop, one.firstChild.textContent])")
    return [name for _, name in sorted(made)]


def chip(page: Page, line: str, name: str) -> Locator:
    return page.get_by_role("group", name=line).get_by_role("button", name=name)


def test_the_list_begins_with_the_worst_and_shows_it(two: Shown) -> None:
    page = two()
    expect(page.locator("h1")).to_contain_text("Worse on 2 of 26 groups")
    assert listed(page)[:4] == [WORST] * 4
    expect(page.locator("#case h3")).to_have_text(WORST)
    expect(page.locator("#case .v").first).to_contain_text("WORSE")


def test_chips_filter_and_their_counts_follow_the_other_filters(two: Shown) -> None:
    page = two()
    expect(chip(page, "target", "qwen-plus")).to_have_text("qwen-plus 14")
    chip(page, "verdict", "worse").click()
    expect(page.locator("#status")).to_have_text("2 of 28 groups")
    assert listed(page) == [WORST] * 2
    expect(chip(page, "target", "qwen-plus")).to_have_text("qwen-plus 1")
    expect(chip(page, "verdict", "undecided")).to_have_text("? undecided 24")
    chip(page, "target", "qwen3-max").click()
    expect(page.locator("#status")).to_have_text("1 of 28 groups")
    expect(chip(page, "verdict", "worse")).to_have_text("▼ worse 1")
    expect(chip(page, "verdict", "worse")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Clear filters").first.click()
    expect(page.locator("#status")).to_have_text("28 groups")


def test_a_failed_check_and_a_tag_can_be_chosen(two: Shown) -> None:
    page = two()
    chip(page, "failed check", "error: timeout").click()
    assert set(listed(page)) == {"errors-out"}
    chip(page, "failed check", "error: timeout").click()
    chip(page, "tag", "hours").click()
    assert set(listed(page)) == {"hours-sunday"}


def test_only_rows_where_the_columns_differ_can_be_asked_for(two: Shown) -> None:
    page = two()
    page.get_by_label("Only where columns differ").check()
    expect(page.locator("#status")).to_have_text("8 of 28 groups")
    assert set(listed(page)) == {WORST, "warned"}
    assert page.url.endswith("#differ=1")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("HOURS", {"hours-sunday"}),
        ("guarantee", {"warned"}),
        ("thirty days", {"warned"}),
        ("3.25 kettles", {WORST}),
        ("营业", {"营业时间"}),
        ("no answer within", {"errors-out"}),
        ("help the customers", EVERY),
        ("no such words", set()),
    ],
)
def test_search_reads_ids_prompts_and_answers(two: Shown, typed: str, found: set[str]) -> None:
    page = two()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type(typed)
    expect(page.locator("#status")).to_have_text(re.compile(r"^\d+( of 28)? groups?$"))
    page.wait_for_timeout(100)
    assert set(listed(page)) == found
    expect(page.locator("#none")).to_be_visible(visible=not found)
    page.keyboard.press("Escape")
    expect(page.locator("#status")).to_have_text("28 groups")


@pytest.mark.parametrize(
    ("order", "first"), [("case id", "cases"), ("suite order", "refund-window")]
)
def test_the_list_can_be_sorted(two: Shown, order: str, first: str) -> None:
    page = two()
    page.get_by_label("Sort").select_option(order)
    assert listed(page)[0] == first


def test_answers_stand_side_by_side_with_their_differences_marked(two: Shown) -> None:
    page = two(hash_=f"#case={WORST}/qwen-plus/factual_qa")
    answers = page.locator(".ans")
    expect(answers).to_have_count(2)
    expect(answers.nth(0).locator("del")).to_have_text(["kettle", "30"])
    expect(answers.nth(1).locator("ins")).to_have_text(["kettles", "31"])
    expect(answers.nth(0).locator("ins")).to_have_count(0)
    expect(answers.nth(0)).to_contain_text("passed")
    expect(answers.nth(1)).to_contain_text("failed")
    page.get_by_label("word differences").uncheck()
    expect(page.locator("del, ins")).to_have_count(0)
    expect(answers.nth(1)).to_contain_text('"item": "kettles"')


def test_equal_answers_are_said_to_be_identical(two: Shown) -> None:
    page = two(hash_="#case=cases/qwen-plus/factual_qa")
    expect(page.locator(".ans").nth(1)).to_contain_text("identical")
    expect(page.locator("del, ins")).to_have_count(0)


def test_a_baseline_that_keeps_no_questions_leaves_no_empty_box(show: Shown) -> None:
    page = show(
        {"hours": "Are you open?"},
        lambda *_: ("passed", "Yes."),
        lambda *_: ("failed", "No."),
        hash_="#case=hours/qwen-plus/factual_qa",
        first_asks=False,
    )
    expect(page.locator("#case .asks")).to_have_count(1)
    expect(page.locator("#case .asks")).to_contain_text("Are you open?")
    expect(page.locator("#case")).not_to_contain_text("asked")


@pytest.mark.parametrize("length", [12_000, 400_000])
def test_differences_of_long_answers_are_bounded(show: Shown, length: int) -> None:
    def said(word: str) -> Answers:
        return lambda *_: ("passed", " ".join(f"{word}{n}" for n in range(length // 8)))

    page = show(
        {"long": "Say much."}, said("a"), said("b"), hash_="#case=long/qwen-plus/factual_qa"
    )
    expect(page.locator(".ans del").first).to_be_visible()
    expect(page.locator("#case .note").first).to_contain_text("too many words")


def test_a_case_shows_checks_tool_calls_bill_and_raw_request(two: Shown) -> None:
    page = two(hash_="#case=hours-sunday/qwen-plus/factual_qa")
    case = page.locator("#case")
    expect(case.locator(".asks")).to_contain_text("Are you open on a Sunday?")
    expect(case.locator(".call").first).to_have_text('look_up({"day": 30})')
    expect(case.locator(".ck th").nth(3)).to_have_text("max_output_tokens 80")
    bar = case.get_by_role("img").first
    expect(bar).to_have_attribute(
        "aria-label", "messages 34, template 9, tools 0, media 0, unexplained 5, output 17"
    )
    case.get_by_text("Ledger").click()
    expect(case.locator(".plain")).to_contain_text("unexplained = billed − predicted55")
    case.locator(".raw summary").first.click()
    request = case.get_by_role("region", name="A request")
    expect(request).to_contain_text('"temperature": 0.1')
    expect(case.locator(".raw")).to_contain_text("the exact bodies are in the cassette")


def test_trials_are_chosen_by_button_and_by_key(two: Shown) -> None:
    page = two(hash_=f"#case={WORST}/qwen-plus/creative_writing")
    trials = page.locator(".tr .btn")
    expect(trials).to_have_count(5)
    trials.nth(2).click()
    expect(trials.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(trials.nth(2)).to_be_focused()
    assert page.url.endswith("&trial=3")
    page.keyboard.press("]")
    expect(trials.nth(3)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("[")
    expect(trials.nth(2)).to_have_attribute("aria-label", "3: A passed, B failed")


def test_a_link_opens_the_same_view(two: Shown) -> None:
    link = "#verdict=worse&target=qwen3-max&q=total&sort=id&case=invoice-to-json/qwen3-max/creative_writing&trial=2"
    page = two(hash_=link)
    expect(chip(page, "verdict", "worse")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#q")).to_have_value("total")
    expect(page.locator("#sort")).to_have_value("id")
    expect(page.locator("#case h3")).to_have_text(WORST)
    expect(page.locator(".tr .btn").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#app")).to_be_in_viewport()


def test_back_and_forward_walk_through_what_was_shown(two: Shown) -> None:
    page = two()
    chip(page, "verdict", "worse").click()
    page.locator("#rows .row").nth(1).click()
    expect(page.locator("#case .meta").first).to_contain_text("qwen3-max")
    page.go_back()
    expect(page.locator("#rows .row[aria-selected=true]")).to_have_count(0)
    expect(page.locator("#status")).to_have_text("2 of 28 groups")
    page.go_back()
    expect(page.locator("#status")).to_have_text("28 groups")
    page.go_forward()
    expect(page.locator("#status")).to_have_text("2 of 28 groups")


def test_a_link_of_the_summary_leads_to_its_case(two: Shown) -> None:
    page = two()
    chip(page, "target", "qwen3-max").click()
    page.locator(".worst a").first.click()
    expect(page.locator("#case h3")).to_have_text(WORST)
    expect(page.locator("#case .meta").first).to_contain_text("qwen-plus")
    expect(page.locator("#case")).to_be_in_viewport()


def test_the_link_of_a_case_can_be_copied(two: Shown) -> None:
    page = two(
        hash_="#case=warned/qwen-plus/factual_qa&q=days",
        permissions=["clipboard-read", "clipboard-write"],
    )
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith("report.html#case=warned/qwen-plus/factual_qa")


@pytest.mark.parametrize(
    "hash_",
    [
        "#case=%E0%A4%A",
        "#case=nobody/a/b",
        "#cases",
        "#%00",
        "#trial=99&case=warned/qwen-plus/factual_qa",
        "#sort=?&columns=XY",
    ],
)
def test_a_broken_link_opens_the_page_all_the_same(two: Shown, hash_: str) -> None:
    page = two(hash_=hash_)
    expect(page.locator("#case h3")).to_be_visible()
    expect(page.locator("#status")).to_have_text(re.compile("28 groups"))


def test_the_keyboard_alone_reaches_and_reads_every_group(two: Shown) -> None:
    page = two()
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "list":
            break
    expect(page.locator("#list")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    expect(page.locator("#list")).to_have_attribute("aria-activedescendant", "row1")
    chosen = page.locator("#row1")
    expect(chosen).to_have_attribute("aria-selected", "true")
    expect(chosen).to_have_attribute("aria-setsize", "28")
    expect(chosen).to_have_attribute(
        "aria-label",
        f"worse: {WORST}, qwen3-max · creative_writing. A 5 of 5 passed, B 0 of 5 passed",
    )
    page.keyboard.press("Enter")
    expect(page.locator("#case")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#list")).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("#list")).to_have_attribute("aria-activedescendant", "row27")
    page.keyboard.press("k")
    expect(page.locator("#list")).to_have_attribute("aria-activedescendant", "row26")
    page.keyboard.press("d")
    expect(page.get_by_label("Only where columns differ")).to_be_checked()


def test_help_opens_by_key_and_keys_of_one_letter_can_be_switched_off(two: Shown) -> None:
    page = two()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Keys of one letter").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("d")
    expect(page.get_by_label("Only where columns differ")).not_to_be_checked()


def test_the_number_of_groups_found_is_announced(two: Shown) -> None:
    page = two()
    status = page.get_by_role("status")
    page.locator("#q").fill("营业时间")
    expect(status).to_have_text("4 of 28 groups")


def test_the_theme_follows_the_system_until_the_button_decides(show: Shown) -> None:
    page = show(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    button = page.locator("#theme")
    button.click()
    expect(button).to_have_text("☀ light")
    assert page.evaluate(ground) != dark
    button.click()
    expect(button).to_have_text("☾ dark")
    assert page.evaluate(ground) == dark
    button.click()
    expect(button).to_have_text("◐ auto")


def test_four_columns_are_read_two_at_a_time(two: Shown) -> None:
    page = two(4, hash_=f"#case={WORST}/qwen-plus/factual_qa")
    ready(page)
    expect(page.locator(".ans")).to_have_count(2)
    page.get_by_label("Column on the right").select_option("D")
    expect(page.locator(".ans").nth(1).locator(".L")).to_have_text("D")
    assert "columns=AD" in page.url
    expect(page.locator(".ans").nth(1).locator("ins")).to_have_text(["kettles", "31"])
    row = page.locator("#rows .row").first
    expect(row.locator(".cols > span")).to_have_count(4)


def test_one_run_alone_has_outcomes_for_chips_and_no_verdicts(show: Shown) -> None:
    page = show()
    ready(page)
    chips = page.get_by_role("group", name="ended").get_by_role("button")
    assert chips.all_inner_texts() == ["□ failed 2", "△ errored 2", "● passed 24", "warned 4"]
    expect(page.get_by_label("Only where columns differ")).to_have_count(0)
    chip(page, "ended", "warned").click()
    assert set(listed(page)) == {"warned"}
    assert (
        page.locator("main .v").evaluate_all(
            "all => all.some((one) => /WORSE|BETTER/.test(one.textContent))"
        )
        is False
    )


def test_at_phone_width_the_list_comes_first_then_the_case(two: Shown) -> None:
    page = two(viewport={"width": 390, "height": 800})
    expect(page.locator("#case")).to_be_hidden()
    page.locator("#rows .row").first.click()
    expect(page.locator("#case")).to_be_visible()
    expect(page.locator("#list")).to_be_hidden()
    page.get_by_role("button", name="Back to the list").click()
    expect(page.locator("#case")).to_be_hidden()
    expect(page.locator("#list")).to_be_focused()


def test_every_case_can_be_read_without_script(two: Shown) -> None:
    page = two(java_script_enabled=False)
    expect(page.locator(".np")).to_have_count(28)
    expect(page.locator("#app")).to_be_hidden()
    expect(page.locator("#theme")).to_be_hidden()
    expect(page.locator(".np").nth(2)).to_be_visible()
    assert "Are you open on a Sunday?" in page.locator("main").inner_text()
    page.locator(".worst a").first.click()
    expect(page.locator(f"[id='case={WORST}/qwen-plus/creative_writing']")).to_be_in_viewport()


def test_print_shows_summary_charts_and_the_cases_that_were_chosen(two: Shown) -> None:
    page = two()
    chip(page, "tag", "warned").click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    expect(page.locator(".tools")).to_be_hidden()
    expect(page.locator(".tiles")).to_be_visible()
    expect(page.locator("#paper .np")).to_have_count(4)
    expect(page.locator("#paper")).to_contain_text("How long is the guarantee?")
    expect(page.locator("#paper")).to_contain_text("Within thirty days of the purchase.")


def test_ten_thousand_groups_stay_usable_and_few_rows_exist(show: Shown) -> None:
    def answer(case: str, *_: object) -> tuple[Outcome, str]:
        return ("failed" if case.endswith("77") else "passed"), "30 days"

    page = show({f"q-{n}": f"What of {n}?" for n in range(2_500)}, answer)
    ready(page)
    expect(page.locator("#status")).to_have_text("10,000 groups")
    assert page.locator("#rows .row").count() < 40
    chip(page, "ended", "failed").click()
    expect(page.locator("#status")).to_have_text("100 of 10,000 groups")
    page.locator("#list").focus()
    page.keyboard.press("End")
    expect(page.locator("#row99")).to_be_in_viewport()
    expect(page.locator("#case h3")).to_have_text("q-2477")
