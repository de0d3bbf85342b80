"""A run's own page: what it says, and that nothing in it is obeyed or loaded."""

import gc
import re
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qeval.compare.columns import Column
from qeval.errors import StoreError
from qeval.exchange import Message, Params, Part, ToolCall
from qeval.record import Asked, Score, Setup, Source
from qeval.report import html, links
from qeval.report.packing import LONGEST

Hold = Callable[..., Source]
STATIC = Path(html.__file__).parent / "static"
HOSTILE = (
    "</script><script>alert(1)</script>",
    "</pre></div></details><img src=x onerror=alert(1)>",
    "<!-- unclosed",
    "]]><svg onload=alert(1)>",
    "'\"><a href=javascript:alert(1)>x</a>",
    "{{ 7 * 7 }}{% raw %}",
    "</noscript><script>alert(1)</script>",
    "<!--data-->",
    "<!--printed-->",
    "\x00\x1b[2J\ud800\u202e",
    "&lt;b&gt;",
)


class Tags(HTMLParser):
    """Collects elements, ids, and whether every element is closed in order."""

    VOID = frozenset({"meta", "input", "br", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag


def page(source: Source) -> str:
    return "".join(html.pieces([Column(source)]))


def words(source: Source) -> str:
    """The page's text as it is read without script: no markup, no data."""
    body = page(source).partition("<body>")[2].partition('<script type="text/plain"')[0]
    return " ".join(re.sub(r"<[^>]*>", " ", body).replace("\xa0", " ").split())


def hostile_run(hold: Hold, text: str) -> Source:
    score = Score(value=0, passed=False, check=text, reason=text)
    judged = {
        "outcome": "failed",
        "scores": (score,),
        "text": text,
        "reasoning": text,
        "finish_reason": text,
        "model": text,
    }
    errored = {"outcome": "errored", "error": text, "code": text}
    setup = Setup(name=text, model=text, dialect=text, source=text, vars={text: text})
    asked = Asked(
        case=text,
        messages=(Message(role=text, content=text),),
        tags=(text,),
        where=text,
        description=text,
    )
    return hold(
        {(text, text, text): [judged, errored], ("b", text, text): [{}]},
        asked=[asked],
        suite=text,
        description=text,
        notes=(text,),
        sources=(text,),
        scenarios=(setup,),
        targets=(setup,),
        recorded_from=text,
        recorded_to=text,
        options={text: text},
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_leaves_the_pages_elements_as_they_are(hold: Hold, text: str) -> None:
    def elements(said: str) -> list[tuple[str, list[str]]]:
        tags = Tags(page(hostile_run(hold, said)))
        assert tags.open == []
        return [(tag, sorted(a)) for tag, a in tags.seen]

    assert elements(text) == elements("calm")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=()), min_size=1, max_size=40))
def test_any_text_can_stand_anywhere_and_is_shown_by_marks(hold: Hold, text: str) -> None:
    made = page(hostile_run(hold, text))
    made.encode()
    assert Tags(made).open == []
    assert not set("\x00\x1b\x9b\u202e\u2066\r") & set(made)


def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else(hold: Hold) -> None:
    made = page(hold({("a", "t", "s"): [{}]}))
    (content,) = (a["content"] for _, a in Tags(made).seen if "http-equiv" in a)
    policy = dict(part.split(" ", 1) for part in (content or "").split("; "))
    digests = {
        kind: "sha256-" + b64encode(sha256(found[1].encode()).digest()).decode()
        for kind in ("style", "script")
        if (found := re.search(rf"<{kind}>(.*?)</{kind}>", made, re.DOTALL))
    }
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'{digests['style']}'",
        "script-src": f"'{digests['script']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_nothing_is_loaded_and_no_handler_or_style_stands_in_an_element(hold: Hold) -> None:
    for tag, attributes in Tags(page(hostile_run(hold, "javascript:alert(1)"))).seen:
        assert tag not in {"link", "img", "iframe", "object", "embed", "form", "base"}
        assert not {"src", "style", "srcset", "action"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")


def test_the_same_run_gives_the_same_bytes(hold: Hold, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        html.write([Column(hostile_run(hold, "x\ud800"))], tmp_path / name / "report.html")
    first, second = ((tmp_path / name / "report.html").read_bytes() for name in ("one", "two"))
    assert first == second
    assert str(tmp_path).encode() not in first


def test_a_page_that_cannot_be_written_leaves_nothing_behind(hold: Hold, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        html.write([Column(hold({}))], tmp_path / "no" / "report.html")
    assert str(caught.value) == (
        f"cannot write {tmp_path}/no/report.html: No such file or directory\n"
        "\n"
        "hint: see that its folder is there and has room, or name another file"
    )


@pytest.mark.parametrize("folder", ["", "no"])
def test_the_collector_rests_while_a_page_is_made_and_works_again_after(
    hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    seen: list[bool] = []

    def told(*_: object) -> list[str]:
        seen.append(gc.isenabled())
        return ["a page"]

    monkeypatch.setattr(html, "pieces", told)
    with suppress(StoreError):
        html.write([Column(hold({}))], tmp_path / folder / "report.html")

    assert (seen, gc.isenabled()) == ([False], True)


def test_a_rendering_that_breaks_off_keeps_the_page_that_was_there(
    hold: Hold, tmp_path: Path
) -> None:
    class Broken:
        header = hold({}).header
        asked = hold({}).asked

        def groups(self) -> object:
            raise RuntimeError

    old = tmp_path / "report.html"
    old.write_text("old")
    with pytest.raises(RuntimeError):
        html.write([Column(Broken())], old)  # type: ignore[arg-type]  # broken on purpose
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert old.read_text() == "old"


@pytest.mark.parametrize(
    ("outcomes", "title"),
    [
        (["passed"], "The one group passed"),
        (["passed", "passed"], "All 2 groups passed"),
        (["passed", "failed", "errored"], "1 of 3 groups passed"),
        (["passed", "skipped"], "1 of 2 groups passed, the others were skipped"),
        ([], "0 of 0 groups passed"),
    ],
)
def test_the_page_begins_with_how_the_run_went(hold: Hold, outcomes: list[str], title: str) -> None:
    run = hold({(f"c{n}", "t", "s"): [{"outcome": o}] for n, o in enumerate(outcomes)})
    found = re.search(r'<h1 id="title">(.*?)</h1>', page(run))
    assert found is not None
    assert found[1].startswith(title)


def test_answers_of_the_simulator_are_said_to_be_no_models(hold: Hold) -> None:
    said = "Recorded from the simulator: these are not answers of a real model."
    assert said in words(hold({("a", "t", "s"): [{}]}, sources=("simulator",)))
    assert said not in words(hold({("a", "t", "s"): [{}]}, sources=("model-studio",)))


def test_an_interrupted_run_says_so_at_the_top(hold: Hold) -> None:
    said = "This run did not end: it holds what had ended of 2,500 trials planned."
    shown = words(hold({("a", "t", "s"): [{}]}, complete=False, planned=2500))
    assert shown.index(said) < shown.index("Pass rate of trials")
    assert said not in words(hold({("a", "t", "s"): [{}]}, planned=1))


@pytest.mark.parametrize(
    ("cases", "shape"),
    [
        (["a"], "1 case × 1 target × 1 scenario; a group is"),
        (["a", "b"], "2 cases × 1 target × 1 scenario; a group is"),
    ],
)
def test_the_page_says_what_a_group_is(hold: Hold, cases: list[str], shape: str) -> None:
    assert shape in words(hold({(case, "t", "s"): [{}] for case in cases}))


def test_the_page_says_when_answers_were_recorded_and_under_which_settings(hold: Hold) -> None:
    shown = words(
        hold(
            {("a", "t", "s"): [{}]},
            recorded_from="2026-11-22T21:38:45Z",
            recorded_to="2026-11-22T21:40:01Z",
            scenarios=(
                Setup(name="s", params=Params(temperature=0.1, seed=7), source="maker, 2026-06-15"),
            ),
            options={"keys": "pluto"},
        )
    )
    assert "2026-11-22, 21:38 to 21:40 UTC" in shown
    assert "temperature 0.1, seed 7" in shown
    assert "maker, 2026-06-15" in shown
    assert "keys: pluto" in shown


def test_without_script_a_case_shows_question_answer_checks_and_reasons(hold: Hold) -> None:
    asked = Asked(
        case="a",
        where="suites/facts.yaml:14",
        tags=("facts",),
        messages=(
            Message(role="user", content=(Part(text="What is it?"), Part(image="x.png"))),
            Message(
                role="assistant", tool_calls=(ToolCall(id="1", name="look", arguments='{"a":1}'),)
            ),
        ),
    )
    call = ToolCall(id="2", name="weigh", arguments="{}")
    failed = {"outcome": "failed", "text": "A kettle.", "earlier": ("Hm.",), "calls": (call,)}
    run = hold({("a", "t", "s"): [failed]}, asked=[asked])
    shown = words(run).partition("Cases")[2]
    for part in (
        "a t · s suites/facts.yaml:14 user What is it? [image]",
        "look({&#34;a&#34;:1})",
        "□ failed Hm. A kettle. weigh({}) ✗ failed contains &#39;a&#39; why so",
    ):
        assert part in shown


def test_without_script_trials_that_said_the_same_are_shown_once(hold: Hold) -> None:
    trials = [{"text": "yes", "latency_s": 0.1}, {"text": "no"}, {"text": "yes", "latency_s": 0.3}]
    shown = words(hold({("a", "t", "s"): trials}))
    assert "trial 1, 3: ● passed yes ✓ contains &#39;a&#39; why so" in shown
    assert shown.count(" yes ") == 1


def test_without_script_messages_that_differ_by_scenario_stand_with_each(hold: Hold) -> None:
    asked = [
        Asked(case="a", scenario=name, messages=(Message(role="user", content=f"under {name}?"),))
        for name in ("warm", "cool")
    ]
    shown = words(hold({("a", "t", "warm"): [{}], ("a", "t", "cool"): [{}]}, asked=asked))
    assert "t · warm user under warm?" in shown
    assert "t · cool user under cool?" in shown


@pytest.mark.parametrize(("cases", "whole"), [(200, True), (201, False)])
def test_up_to_200_cases_are_printed_and_of_more_it_says_how_to_get_them(
    hold: Hold, cases: int, *, whole: bool
) -> None:
    run = hold({(f"q-{n:03}", "t", "s"): [{}] for n in range(cases)})
    shown = words(run)
    assert ("q-199 t · s" in shown) is whole
    assert ("--format markdown" in shown) is not whole


def test_a_huge_answer_is_shortened_and_says_so(hold: Hold) -> None:
    shown = words(hold({("a", "t", "s"): [{"text": "é" * 1_000_000}]}))
    assert shown.count("é") == LONGEST
    assert "[… 980,000 more characters are in run.jsonl]" in shown


def test_a_case_may_be_called_like_a_part_of_the_page(hold: Hold) -> None:
    names = ["cases", "title", "q", "theme", "status", "list", "index", "part0"]
    made = page(hold({(name, "t", "s"): [{"outcome": "failed"}] for name in names}))
    ids = [a["id"] for _, a in Tags(made).seen if "id" in a]
    assert len(ids) == len(set(ids))
    assert f'href="{links.fragment(("cases", "t", "s"))}"' in made


def test_bytes_a_trial_stay_few_on_answers_of_one_token(hold: Hold) -> None:
    small, large = (
        len(page(hold({(f"q-{n}", "qwen-plus", "factual_qa"): [{}] for n in range(count)})))
        for count in (1000, 2000)
    )
    assert (large - small) / 1000 <= 200


def test_style_and_script_stay_within_their_budget() -> None:
    assert sum(len(text.encode()) for text in html.style_and_script()) <= 60_000


def test_every_source_of_style_and_script_is_part_of_the_page() -> None:
    named = {f"{name}.css" for name in html.STYLES} | {f"{name}.js" for name in html.SCRIPTS}
    assert named == {path.name for path in STATIC.iterdir()}
