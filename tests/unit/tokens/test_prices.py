import pytest

from qeval.exchange import Response, Usage
from qeval.models import Price, Tier
from qeval.tokens.prices import cost
from qeval.value import Json

PRICE = Price(
    currency="USD",
    input_per_mtok=1.0,
    output_per_mtok=10.0,
    thinking_output_per_mtok=40.0,
    cached_input_per_mtok=0.2,
    explicit_cached_input_per_mtok=0.1,
    cache_creation_per_mtok=1.25,
    tiers=(Tier(above_input_tokens=1000, input_per_mtok=3.0, output_per_mtok=30.0),),
)


def answer(
    extra: dict[str, Json] | None = None, cached: int | None = None, n: int = 1000
) -> Response:
    usage = Usage(input_tokens=n, output_tokens=100, cached_input_tokens=cached)
    return Response(usage=usage, extra=extra or {})


EXPLICIT: dict[str, Json] = {
    "usage": {
        "prompt_tokens_details": {"cache_creation_input_tokens": 300, "cache_type": "ephemeral"}
    }
}


@pytest.mark.parametrize(
    ("response", "thinks", "micro"),
    [
        pytest.param(answer(), False, 1000 * 1 + 100 * 10, id="plain"),
        pytest.param(answer(), True, 1000 * 1 + 100 * 40, id="thinking"),
        pytest.param(answer(cached=400), False, 600 * 1 + 400 * 0.2 + 100 * 10, id="cached"),
        pytest.param(
            answer(EXPLICIT, cached=200),
            False,
            500 * 1 + 200 * 0.1 + 300 * 1.25 + 100 * 10,
            id="cached-by-request",
        ),
        pytest.param(answer(n=1001), False, 1001 * 3 + 100 * 30, id="next-tier"),
    ],
)
def test_every_kind_of_token_has_its_rate(response: Response, thinks: bool, micro: float) -> None:  # noqa: FBT001  (a row of a table)
    assert cost(PRICE, response, thinks=thinks) == pytest.approx(micro / 1e6)


@pytest.mark.parametrize(
    ("price", "response"),
    [
        pytest.param(None, answer(), id="no-price"),
        pytest.param(PRICE, Response(), id="no-usage"),
        pytest.param(PRICE, Response(usage=Usage(input_tokens=5)), id="no-output-reported"),
        pytest.param(Price(input_per_mtok=1.0), answer(), id="no-rate-for-output"),
        pytest.param(PRICE, answer(cached=1001), id="more-cached-than-there-was"),
        pytest.param(
            Price(input_per_mtok=1.0, output_per_mtok=1.0), answer(cached=1), id="no-cached-rate"
        ),
        pytest.param(
            Price(input_per_mtok=1.0, output_per_mtok=1.0), answer(EXPLICIT), id="no-creation-rate"
        ),
    ],
)
def test_what_is_not_known_makes_the_cost_unknown(price: Price | None, response: Response) -> None:
    assert cost(price, response) is None


def test_a_rate_is_needed_only_where_there_are_tokens_for_it() -> None:
    free = Response(usage=Usage(input_tokens=10, output_tokens=0))

    assert cost(Price(input_per_mtok=2.0), free) == pytest.approx(20e-6)


@pytest.mark.parametrize("extra", [{"usage": "?"}, {"usage": {"x": 1, "y": {"cache_type": 3}}}, {}])
def test_strange_extras_are_no_cache(extra: dict[str, Json]) -> None:
    assert cost(PRICE, answer(extra)) == cost(PRICE, answer())
