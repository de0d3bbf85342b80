"""What differs besides the answers."""

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from qeval.exchange import Params
from qeval.record import Ledger, Setup

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Making


def setup(**fields: Any) -> Setup:
    return Setup(**({"name": "plus", "model": "plus", "dialect": "chat"} | fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"suite_digest": "abcdef0123456789"}, [("suite digest", "abc", "abcdef012345")], id="suite"),
        pytest.param({"qeval": "2.0"}, [("qeval", "1.0", "2.0")], id="version"),
        pytest.param(
            {"scenarios": (Setup(name="plain", params=Params(temperature=0.7), vars={"tone": "dry"}),)},
            [("scenario plain: temperature", "–", "0.7"), ("scenario plain: vars.tone", "–", "dry")],
            id="scenario",
        ),
        pytest.param({"targets": (setup(model="plus-2"),)}, [("target plus: model", "plus", "plus-2")], id="target"),
        pytest.param({"sources": ("simulator",)}, [("answered by", "–", "simulator")], id="sources"),
        pytest.param({"mode": "live"}, [("mode", "replay", "live")], id="mode"),
        pytest.param(
            {"mode": "live", "qeval": "2.0", "suite_digest": "x"},
            [("suite digest", "abc", "x"), ("qeval", "1.0", "2.0"), ("mode", "replay", "live")],
            id="in-their-order",
        ),
    ],
)  # fmt: skip
def test_what_a_header_says_otherwise_is_listed(
    make: "Making", fields: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    old, new = make.run({"a": "1"}), make.new({"a": "1"}).headed(**fields)

    found = make.against(old, new).environment

    assert [(each.what, each.a, each.b) for each in found] == expected


def test_the_model_as_reported_comes_first(make: "Making") -> None:
    old = make.run({"a": "1", "b": "1"})
    new = make.new({"a": "1", "b": "1"}).headed(qeval="2.0")
    new = new.edited(
        lambda t: msgspec.structs.replace(t, model="plus-2026-11-01" if t.case == "a" else None)
    )

    first = make.against(old, new).environment[0]

    assert (first.what, first.a, first.b) == (
        "model as reported by plus",
        "as asked for",
        "as asked for, plus-2026-11-01",
    )


def test_tokens_of_the_template_are_means_of_a_request(make: "Making") -> None:
    old = make.run({"a": "1", "b": "1"}).edited(
        lambda t: msgspec.structs.replace(t, ledger=Ledger(text=5, markup=8))
    )
    new = make.new({"a": "1", "b": "1"}).edited(
        lambda t: msgspec.structs.replace(t, ledger=Ledger(text=5, markup=8 + (t.case == "a")))
    )

    found = make.against(old, new).environment

    assert [(each.what, each.a, each.b) for each in found] == [
        ("template tokens of plus, mean of a request", "8", "8.5")
    ]


def test_another_version_of_a_scorer_is_named_once(make: "Making") -> None:
    new = make.new({"a": "1", "b": "1"}).edited(
        lambda t: msgspec.structs.replace(
            t, scores=tuple(msgspec.structs.replace(s, version=2) for s in t.scores)
        )
    )

    found = make.against(make.run({"a": "1", "b": "1"}), new).environment

    assert [(each.what, each.a, each.b) for each in found] == [
        ("scorer of contains 'x'", "version 1", "version 2")
    ]


def test_scenarios_side_by_side_show_what_they_vary(make: "Making") -> None:
    run = make.run({"a": {("plus", "calm"): "1", ("plus", "wild"): "1"}}).headed(
        scenarios=(
            Setup(name="calm", params=Params(temperature=0.0)),
            Setup(name="wild", params=Params(temperature=1.2)),
        )
    )

    found = make.against(run, by="scenario").environment

    assert [(each.what, each.a, each.b) for each in found] == [
        ("scenario: temperature", "0.0", "1.2")
    ]


def test_targets_side_by_side_show_who_they_are(make: "Making") -> None:
    run = make.run({"a": {("plus", "calm"): "1", ("max", "calm"): "1"}})

    found = make.against(run, by="target").environment

    assert [(each.what, each.a, each.b) for each in found] == [("target: model", "plus", "max")]
