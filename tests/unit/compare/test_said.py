"""What is said, whole (section 14)."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.compare.conftest import Making


def broken(letters: str, *numbers: int) -> dict[str, str]:
    return {f"case_{number}": letters for number in numbers}


SUITE = [
    pytest.param(
        {"count": 40, "letters": "11111", "changed": broken("00000", 4, 17, 30)}, {},
        "worse by more than the margin of 5 points: by 7.5 points on this suite (95 %: 6.1 to 8.9 "
        "worse; 40 cases × 5 trials); worse on 3 cases: case-4, case-17, case-30.",
        id="worse-beyond-the-margin",
    ),
    pytest.param(
        {"count": 100, "letters": "1" * 10, "changed": broken("0" * 10, *range(4))}, {"margin": 0.0},
        "worse by 4 points on this suite (95 %: 3.7 to 4.3 worse; 100 cases × 10 trials); "
        "worse on 4 cases: case-0, case-1, case-2 and 1 more.",
        id="worse-more-than-three",
    ),
    pytest.param(
        {"count": 40, "letters": "00000", "changed": broken("11111", 4, 17, 30)}, {},
        "better by more than the margin of 5 points: by 7.5 points on this suite (95 %: 6.1 to 8.9 "
        "better; 40 cases × 5 trials).",
        id="better",
    ),
    pytest.param(
        {"count": 40, "letters": "1" * 20, "changed": broken("1" * 16 + "0" * 4, 1, 2, 3)},
        {"margin": 0.0},
        "worse by 1.5 points on this suite (95 %: 0.6 to 2.4 worse; 40 cases × 20 trials); "
        "suspects: case-1, case-2, case-3.",
        id="worse-without-a-case-of-its-own",
    ),
    pytest.param(
        {"count": 40, "letters": "1" * 20, "changed": broken("1" * 16 + "0" * 4, 1, 2, 3)}, {},
        "the same within 5 points: at most 2.3 worse, 0 better (95 % each side; 40 cases × 20 "
        "trials); a difference of −1.5 points is detectable and smaller than the margin.",
        id="same-though-detectable",
    ),
    pytest.param(
        {"count": 200, "letters": "11111", "changed": broken("00000", 0)}, {},
        "the same within 5 points: at most 0.8 worse, 0 better (95 % each side; 200 cases × 5 "
        "trials); a difference of −0.5 points is detectable and smaller than the margin; "
        "but worse on 1 case: case-0.",
        id="same-with-a-broken-case",
    ),
    pytest.param(
        {"count": 40, "letters": "11111", "changed": broken("11110", 1, 2, 3)}, {"margin": 0.02},
        "not decided: 1.5 points worse on this suite (95 %: 3.7 worse to 0.7 better; 40 cases × 5 "
        "trials); suspects: case-1, case-2, case-3. A drop of 2 points would show with 140 "
        "cases, or with 70 at 10 trials. The 1.5 points seen here would show with 16 trials of each case.",
        id="undecided-suite",
    ),
    pytest.param(
        {"count": 4, "letters": "11111", "changed": broken("11110", 1)}, {},
        "not decided: 5 points worse on these 4 cases (95 %: 22 worse to 12 better; 4 cases × 5 "
        "trials); suspects: case-1. A drop of 5 points would show with 45 cases, or with 23 at 10 "
        "trials. The 5 points seen here would show with 48 trials of each case.",
        id="few-cases",
    ),
]  # fmt: skip


OTHERS = [
    pytest.param(
        {"a": "11111"}, {"a": "11111"}, {},
        "no change seen in 1 case × 5 trials, too few to call it the same within 5 points: 14 "
        "cases or 66 trials each would do.",
        id="nothing-changed-with-trials",
    ),
    pytest.param(
        {"a": "11111"}, {"a": "11111"}, {"margin": 0.0001},
        "no change seen in 1 case × 5 trials, too few to call it the same within less than 0.1 "
        "points: 6,580 cases would do.",
        id="more-trials-than-anybody-asks",
    ),
    pytest.param(
        {"a": "00000", "b": "00000"}, {"a": "11000", "b": "00000"}, {},
        "not decided: 20 points better on these 2 cases (95 %: 16.7 worse to 56.7 better; 2 cases "
        "× 5 trials). The 20 points seen here would show with 20 trials of each case.",
        id="no-drop-from-nothing",
    ),
    pytest.param(
        {"a": "11000", "b": "11000"}, {"a": "11100", "b": "10000"}, {},
        "not decided: no difference on average on these 2 cases (95 %: 53.7 worse to 53.7 better; "
        "2 cases × 5 trials); suspects: b. A drop of 5 points would show with 295 cases, or with "
        "148 at 10 trials.",
        id="no-difference-on-average",
    ),
    pytest.param(
        {"a": "11111"}, {"a": "11111"}, {"margin": 0.00005},
        "no change seen in 1 case × 5 trials, too few to call it the same within less than 0.1 "
        "points.",
        id="more-of-anything-than-anybody-asks",
    ),
    pytest.param(
        {f"{n}": "11100" for n in range(40)}, {f"{n}": "11100" if n else "11110" for n in range(40)}, {},
        "not decided: 0.5 points better on this suite (95 %: 10.3 worse to 11.3 better; 40 cases × "
        "5 trials). A drop of 5 points would show with 307 cases, or with 154 at 10 trials.",
        id="a-difference-too-small-to-chase",
    ),
    pytest.param(
        {f"{n}": "0" if n < 5 else "1" for n in range(300)},
        {f"{n}": "0" if 5 <= n < 18 else "1" for n in range(300)}, {},
        "not decided: 2.7 points worse on cases like these (95 %: 5.6 worse to 0.2 better; 300 "
        "cases); suspects: 5, 6, 7 and 10 more. The least drop that would show here is 4.3 points. "
        "13 recordings were replaced and now fail; one trial each, so this may be chance.",
        id="enough-cases-for-the-margin",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "settings", "sentence"), OTHERS)
def test_the_headline_of_odd_suites(
    make: "Making",
    old: dict[str, str],
    new: dict[str, str],
    settings: dict[str, Any],
    sentence: str,
) -> None:
    assert make.against(make.run(old), make.new(new), **settings).headline.sentence == sentence


@pytest.mark.parametrize(("told", "settings", "sentence"), SUITE)
def test_the_headline_with_trials(
    make: "Making", told: dict[str, Any], settings: dict[str, Any], sentence: str
) -> None:
    count, letters = told["count"], told["letters"]
    old = make.run(make.cases(count, letters))
    new = make.new(make.cases(count, letters, **told["changed"]))

    assert make.against(old, new, **settings).headline.sentence == sentence


ONCE = [
    pytest.param(
        60, [], {}, "the same within 5 points: at most 4.7 worse, 4.7 better (95 % each side; 60 cases).",
        id="same",
    ),
    pytest.param(
        40, [], {},
        "no change seen in 40 cases, too few to call it the same within 5 points: 54 cases or 2 "
        "trials each would do.",
        id="nothing-changed",
    ),
    pytest.param(40, [], {"margin": 0.0}, "no change seen in 40 cases.", id="no-margin"),
    pytest.param(
        1, [0], {},
        "not decided: 1 case, one trial each, cannot tell; suspects: case-0. 1 recording was "
        "replaced and now fails; one trial each, so this may be chance.",
        id="one-case",
    ),
    pytest.param(
        3, [0], {},
        "not decided: 33.3 points worse on cases like these (95 %: 100 worse to 100 better; 3 "
        "cases); fewer than 6 cases say little of others; suspects: case-0. A drop of 5 points "
        "would show with 222 cases, or with 74 at 3 trials. 1 recording was replaced and now "
        "fails; one trial each, so this may be chance.",
        id="three-cases",
    ),
    pytest.param(
        40, [0, 1], {},
        "not decided: 5 points worse on cases like these (95 %: 14.9 worse to 4.9 better; 40 "
        "cases); suspects: case-0, case-1. A drop of 5 points would show with 222 cases, or with "
        "74 at 3 trials. 2 recordings were replaced and now fail; one trial each, so this may be "
        "chance.",
        id="undecided",
    ),
    pytest.param(
        400, range(5), {"margin": 0.02},
        "not decided: 1.2 points worse on cases like these (95 %: 2.5 worse to less than 0.1 "
        "better; 400 cases); suspects: case-0, case-1, case-2 and 2 more. A drop of 2 points "
        "would show with 700 cases, or with 234 at 3 trials. 5 recordings were replaced and now "
        "fail; one trial each, so this may be chance.",
        id="undecided-enough",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("count", "fallen", "settings", "sentence"), ONCE)
def test_the_headline_with_one_trial(
    make: "Making", count: int, fallen: list[int], settings: dict[str, Any], sentence: str
) -> None:
    old = make.run(make.cases(count, "1"))
    new = make.new(make.cases(count, "1", **broken("0", *fallen)))

    assert make.against(old, new, **settings).headline.sentence == sentence


def test_one_cluster_cannot_tell(make: "Making") -> None:
    new = make.new(make.cases(10, "1", case_1="0"))
    for number in range(10):
        new = new.asking(f"case-{number}", vars={"document": 1})

    headline = make.against(make.run(make.cases(10, "1")), new, cluster="vars.document").headline

    assert headline.difference == -0.1
    assert headline.sentence.startswith(
        "not decided: all 10 cases hang together in one cluster; suspects: case-1."
    )


def test_targets_are_called_by_their_names(make: "Making") -> None:
    told = {f"case-{n}": {("plus", "calm"): "11111", ("max", "calm"): "eee11"} for n in range(10)}

    headline = make.against(make.run(told), by="target").headline

    assert headline.sentence == (
        "not decided: 60 % of max's trials ended in errors (30 of 50, 30 of them limit_requests); "
        "the limit is 5 %."
    )


def test_a_slice_that_is_worse_alone_says_what_it_was_corrected_for(make: "Making") -> None:
    fallen = broken("0", *range(6), *range(200, 206))
    new = make.new(make.cases(400, "1", **fallen))
    for number in range(400):
        new = new.asking(f"case-{number}", tags=("first" if number < 200 else "second",))

    found = make.against(make.run(make.cases(400, "1")), new, margin=0.02)

    assert found.headline.word == "worse"
    assert [part.verdict.word for part in found.slices] == ["undecided", "undecided"]
    assert found.slices[1].verdict.sentence.startswith(
        "not decided: 3 points worse on cases like these (95 %: 0.2 to 5.8 worse; 200 cases); not "
        "after correction for 2 slices; suspects: case-200, case-201, case-202 and 3 more."
    )
