"""The page's data: columns side by side, the index, the packed chunks, pictures."""

import json
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qeval.compare import compare
from qeval.compare.columns import Column
from qeval.compare.values import Comparison, Settings
from qeval.exchange import Message, Part
from qeval.record import Asked, Source
from qeval.report import html, links, packing, pictures
from qeval.report.listing import Listing
from qeval.report.packing import Packer
from qeval.report.rows import Row, rows

Hold = Callable[..., Source]
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c489".replace(" ", "")
)

YES = sha256(b"yes").hexdigest()[:16]


def compared(runs: Sequence[Source]) -> tuple[list[Column], Comparison]:
    columns = [Column(run) for run in runs]
    return columns, compare(columns, Settings())


def parts(made: str) -> list[Any]:
    """The page's data, opened: the index, then the chunks."""
    found = re.findall(r'<script type="([a-z/]+)" id="(?:index|part\d+)">(.*?)</script>', made)
    return [
        json.loads(zlib.decompress(b64decode(text)) if kind == "text/plain" else text)
        for kind, text in found
    ]


def asks(cases: Sequence[str]) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    return {(case, "t", "s"): [{}] for case in cases}


@pytest.mark.parametrize(
    ("a", "b", "order"),
    [
        pytest.param("abc", "abc", "abc", id="same"),
        pytest.param("abc", "cab", "cab", id="another-order"),
        pytest.param("abc", "axbc", "axbc", id="new-in-the-middle"),
        pytest.param("abc", "xyabc", "xyabc", id="new-at-the-start"),
        pytest.param("abcd", "ad", "adbc", id="gone"),
        pytest.param("ab", "xy", "xyab", id="nothing-in-common"),
    ],
)
def test_rows_stand_in_the_order_of_the_second_columns_suite_then_what_is_gone(
    hold: Hold, a: str, b: str, order: str
) -> None:
    columns, comparison = compared([hold(asks(a)), hold(asks(b))])
    found = list(rows(columns, comparison))

    assert [row.place[0] for row in found] == list(order)
    for row in found:
        assert [group is not None for group in row.groups] == [row.place[0] in a, row.place[0] in b]
        assert all(group.case == row.place[0] for group in row.groups if group)


def test_three_columns_meet_in_one_row_though_each_lacks_something(hold: Hold) -> None:
    columns, comparison = compared([hold(asks("abc")), hold(asks("ac")), hold(asks("abd"))])
    found = {
        row.place[0]: [group is not None for group in row.groups]
        for row in rows(columns, comparison)
    }

    assert found == {
        "a": [True, True, True],
        "b": [True, False, True],
        "c": [True, True, False],
        "d": [False, False, True],
    }  # fmt: skip


@given(orders=st.lists(st.permutations("abcdef"), min_size=2, max_size=4), cut=st.integers(0, 5))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_group_is_lost_whatever_the_orders(
    hold: Hold, orders: list[list[str]], cut: int
) -> None:
    runs = [hold(asks(order[: 6 - (cut + n) % 4])) for n, order in enumerate(orders)]
    columns, comparison = compared(runs)
    found = list(rows(columns, comparison))

    for number, run in enumerate(runs):
        held = [row.groups[number] for row in found if row.groups[number] is not None]
        assert sorted(g.case for g in held if g) == sorted(g.case for g in run.groups())
    assert len(found) == len({row.place for row in found})


@pytest.mark.parametrize(
    ("first", "second", "differs"),
    [
        ({"text": "yes"}, {"text": "yes"}, False),
        ({"text": "yes"}, {"text": "no"}, True),
        ({"text": "yes"}, {"text": "yes", "outcome": "failed"}, True),
        ({"text": "yes"}, {"text": "", "answer": YES}, False),
        ({"text": "no"}, {"text": "", "answer": YES}, True),
    ],
)
def test_columns_differ_where_an_answer_or_how_it_ended_does(
    hold: Hold, first: dict[str, Any], second: dict[str, Any], *, differs: bool
) -> None:
    columns, comparison = compared([hold({("a", "t", "s"): [each]}) for each in (first, second)])
    (row,) = rows(columns, comparison)
    assert row.differs is differs


def test_a_chunk_holds_what_a_case_asks_once_and_its_trials_whole(hold: Hold) -> None:
    asked = Asked(case="a", messages=(Message(role="user", content="Why?"),))
    groups = {("a", target, "s"): [{"text": f"because {target}"}] for target in ("t", "u")}
    index, part = parts("".join(html.pieces([Column(hold(groups, asked=[asked]))])))

    assert [one["messages"] for one in part["asked"]] == [[{"role": "user", "content": "Why?"}]]
    assert [row[0] for row in part["rows"]] == [[0], [0]]
    assert [row[1][0][0]["text"] for row in part["rows"]] == ["because t", "because u"]
    assert index["targets"] == ["t", "u"]
    assert [row[:3] for row in index["rows"]] == [[0, 0, 0], [0, 1, 0]]


def test_every_row_is_in_the_chunk_that_the_index_says(hold: Hold, monkeypatch: Any) -> None:
    monkeypatch.setattr(packing, "CHUNK", 2_000)
    run = hold({(f"q-{n}", "t", "s"): [{"text": f"answer {n}"}] for n in range(50)})
    index, *chunks = parts("".join(html.pieces([Column(run)])))

    assert len(chunks) == len(index["firsts"]) > 3
    ends = [*index["firsts"][1:], 50]
    for first, end, chunk in zip(index["firsts"], ends, chunks, strict=True):
        said = [row[1][0][0]["text"] for row in chunk["rows"]]
        assert said == [f"answer {n}" for n in range(first, end)]


def test_the_index_tells_outcomes_failed_checks_and_flags(hold: Hold) -> None:
    run = hold(
        {
            ("a", "t", "s"): [{}, {"outcome": "failed"}],
            ("b", "t", "s"): [{"outcome": "errored", "code": "timeout", "error": "late"}],
        },
        asked=[
            Asked(case="a", tags=("numbers",), messages=(Message(role="user", content="1+\n1?"),)),
            Asked(case="b"),
        ],
    )
    listing = Listing()
    for row in rows([Column(run)], None):
        listing.add(row)
    index = listing.index([Column(run)], None, Packer(deflate=False))

    assert index["checks"] == ["contains 'a'", "error: timeout"]
    assert index["cases"] == [["a", "1+ 1?", [0]], ["b", "", []]]
    assert [row[3:6] for row in index["rows"]] == [
        [["failed"], ["pf"], [0]],
        [["errored"], ["e"], [1]],
    ]


@pytest.mark.parametrize("text", ["</script><b>", "a\u202eb", "\x00", "\ud800", "é" * 10])
def test_without_deflate_data_are_json_that_ends_no_element_and_obeys_nothing(
    hold: Hold, text: str
) -> None:
    run = hold({("a", "t", "s"): [{"text": text}]})
    made = "".join(html.pieces([Column(run)], options=html.PageOptions(deflate=False)))
    _, part = parts(made)

    assert part["rows"][0][1][0][0]["text"] == text.replace("\ud800", "\ufffd")
    data = "".join(re.findall(r'<script type="application/json".*?</script>', made, re.DOTALL))
    assert not set("\x00\u202e") & set(data)
    assert data.count("</script>") == 2


def test_packed_and_plain_data_say_the_same(hold: Hold) -> None:
    run = hold({("a", "t", "s"): [{}]})
    packed, plain = (
        parts("".join(html.pieces([Column(run)], options=html.PageOptions(deflate=deflate))))
        for deflate in (True, False)
    )
    assert packed[0]["packed"] == "zlib-6"
    assert plain[0]["packed"] == ""
    assert packed[0] | {"packed": ""} == plain[0]
    assert packed[1:] == plain[1:]


def picture(width: int, height: int, kind: str = "png") -> str:
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return f"data:image/{kind};base64," + b64encode(PIXEL[:16] + size + PIXEL[24:]).decode()


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (Part(image=picture(20, 10)), None),
        (Part(image=picture(40_000, 40_000)), "image/png, 66 B, not shown"),
        (Part(image="data:image/svg+xml;base64,PHN2Zz4="), "image/svg+xml, 34 B, not shown"),
        (Part(image="data:image/png;base64,AAAA"), "image/png, 26 B, not shown"),
        (Part(image="https://example.com/cat.png"), "https://example.com/cat.png"),
    ],
    ids=["small", "unfolds-to-gigabytes", "svg", "no-picture", "address"],
)
def test_only_small_pictures_of_pixels_travel_in_the_page(part: Part, shown: str | None) -> None:
    held = pictures.Pictures()
    message = held.fitting(Message(role="user", content=(part,)))

    assert isinstance(message.content, tuple)
    assert message.content[0].image == (shown or part.image)
    assert bool(held.bytes) is (shown is None)


@pytest.mark.parametrize(
    ("image", "allowed"), [(picture(2, 2), True), (picture(9**5, 9**5), False)]
)
def test_the_policy_allows_pictures_only_where_there_are_some(
    hold: Hold, image: str, *, allowed: bool
) -> None:
    asked = Asked(case="a", messages=(Message(role="user", content=(Part(image=image),)),))
    made = "".join(html.pieces([Column(hold({("a", "t", "s"): [{}]}, asked=[asked]))]))
    assert ("img-src data:" in made) is allowed


def test_many_pictures_together_stay_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_TOGETHER", 3 * len(picture(2, 2)))
    held = pictures.Pictures()
    content = tuple(Part(image=picture(2, 2)) for _ in range(5))
    message = held.fitting(Message(role="user", content=content))

    shown = [str(p.image).startswith("data:") for p in message.content if isinstance(p, Part)]
    assert shown == [True, True, True, False, False]


@given(st.text(st.characters(exclude_categories=()), max_size=20))
@settings(max_examples=50)
def test_a_link_to_any_case_is_plain_and_tells_cases_apart(case: str) -> None:
    made = links.fragment((case, "t", "s"))
    assert re.fullmatch(r"#case=[\w%.!~*'()/-]*", made, re.ASCII)
    assert links.fragment((case + "/t", "s", "")) != made


def test_a_row_alone_has_no_changes_and_no_difference(hold: Hold) -> None:
    (row,) = rows([Column(hold({("a", "t", "s"): [{}]}))], None)
    assert isinstance(row, Row)
    assert row.changes == ()
    assert not row.differs
