from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.exchange import Usage
from qeval.record import Group, Ledger, Setup, Trial
from qeval.tokens.calibration import Alike, Fit, fit, learn

TARGETS = (Setup(name="plus", model="qwen-plus", dialect="chat"),)


def group(*pairs: tuple[int, int | None], traits: tuple[str, ...] = (), media: int = 0) -> Group:
    """A group of trials, each of so many predicted tokens and billed ones."""
    trials = tuple(
        Trial(
            case="a",
            target="plus",
            scenario="s",
            outcome="passed",
            trial=number,
            usage=Usage(input_tokens=billed),
            ledger=Ledger(method="exact", text=predicted - 8, markup=8, media=media, traits=traits),
        )
        for number, (predicted, billed) in enumerate(pairs)
    )
    return Group(
        case="a", target="plus", scenario="s", outcome="passed", passes="all", trials=trials
    )


def test_hidden_text_is_a_constant() -> None:
    found = learn([group((20, 60), (100, 140)), group((300, 340))], TARGETS)

    assert found == {Alike(model="qwen-plus"): Fit(40.0, 0.0, 3)}


def test_another_vocabulary_is_a_slope() -> None:
    kind, found = next(iter(learn([group((100, 108), (200, 213), (1000, 1053))], TARGETS).items()))

    assert kind == Alike(model="qwen-plus")
    assert round(found.slope, 3) == 0.05
    assert round(found.constant) == 3
    assert found.at(Ledger(text=400)) == found.constant + found.slope * 400


def test_kinds_of_requests_are_learned_apart() -> None:
    found = learn(
        [group((20, 20)), group((30, 32), traits=("json",)), group((9, 94), traits=("tools",))],
        TARGETS,
    )

    assert {str(kind): each.constant for kind, each in found.items()} == {
        "qwen-plus, chat, thinking off, no tools, text": 0,
        "qwen-plus, chat, thinking off, no tools, json": 2,
        "qwen-plus, chat, thinking off, tools, text": 85,
    }


def test_kinds_are_told_in_words() -> None:
    kind = Alike(model="m", dialect="responses", traits=("thinking", "tools", "schema", "search"))

    assert str(kind) == "m, responses, thinking on, tools, schema, search"


def test_missing_usage_says_nothing() -> None:
    unknown = Ledger(method="exact", text=None)
    trial = Trial(case="a", target="plus", scenario="s", outcome="passed", ledger=unknown)
    whole = Group(
        case="a", target="plus", scenario="s", outcome="passed", passes="all", trials=(trial,)
    )

    assert learn([group((20, None)), whole], TARGETS) == {}


def test_media_are_taken_out_of_prediction_and_bill() -> None:
    trial = Trial(
        case="a",
        target="plus",
        scenario="s",
        outcome="passed",
        usage=Usage(input_tokens=2807, image_tokens=2503),
        ledger=Ledger(method="model", text=285, markup=8, media=2400),
    )

    assert trial.ledger is not None
    assert trial.ledger.unexplained(trial.usage) == 11
    assert trial.ledger.overhead(trial.usage) == 19


def test_a_few_wild_points_do_not_move_the_fit() -> None:
    points = [(n, 40) for n in range(10, 200, 10)] + [(55, 900), (65, -300)]

    assert fit(points) == Fit(40.0, 0.0, 21)


@given(
    st.integers(-50, 200),
    st.lists(st.integers(1, 10_000), min_size=1, max_size=30),
)
@settings(max_examples=60)
def test_a_constant_residual_is_found_whatever_the_lengths(
    constant: int, lengths: list[int]
) -> None:
    assert fit([(n, constant) for n in lengths]) == Fit(float(constant), 0.0, len(lengths))


def test_ten_thousand_points_are_fitted_by_a_few_hundred() -> None:
    points = [(n, 3 + n // 50) for n in range(10_000)]

    found = fit(points)

    assert found.n == 10_000
    assert round(found.slope, 2) == 0.02
