import tomllib
from pathlib import Path

import msgspec
import pytest

from qeval import models
from qeval.models import Price, Tier

TABLE = Path(models.__file__).with_suffix(".toml")
TEXT = ("chat", "responses", "dashscope-text")
MULTI = ("chat", "responses", "dashscope-multimodal")


@pytest.mark.parametrize(
    ("name", "dialects", "thinking", "stream_only", "vocabulary"),
    [
        ("qwen3.7-max", TEXT, True, "never", "qwen-new"),
        ("qwen3.7-max-2026-05-20", TEXT, True, "never", "qwen-new"),
        ("qwen3.7-max-2026-06-08", MULTI, True, "never", "qwen-new"),
        ("qwen3.6-max-preview", TEXT, True, "never", "qwen-new"),
        ("qwen3.6-plus", MULTI, True, "never", "qwen-new"),
        ("qwen3.5-flash-2026-02-01", MULTI, True, "never", "qwen-new"),
        ("qwen3.8-max", MULTI, True, "never", "qwen-new"),
        ("qwen-plus", TEXT, False, "never", "qwen-old"),
        ("qwen-plus-2025-07-28", TEXT, False, "never", "qwen-old"),
        ("qwen3-max", TEXT, False, "never", "qwen-old"),
        ("qwen3-vl-plus", MULTI, False, "never", "qwen-old"),
        ("qvq-max", MULTI, True, "always", "qwen-old"),
        ("qwq-plus", TEXT, True, "always", "qwen-old"),
        ("qwen3-30b-a3b-thinking-2507", TEXT, True, "always", "qwen-old"),
        ("Qwen/Qwen3-8B", TEXT, True, "thinking", "qwen-old"),
        ("Qwen/Qwen3-VL-235B-A22B-Instruct", MULTI, False, "never", "qwen-old"),
        ("qwen3-vl-8b-instruct-2509", MULTI, False, "never", "qwen-old"),
        ("qwen3-vl-8b-thinking", MULTI, True, "always", "qwen-old"),
        ("qwen3-omni-flash", ("chat",), None, "always", "qwen-old"),
        ("qwen3-omni-30b-a3b-instruct", ("chat",), False, "always", "qwen-old"),
        ("qwen3-omni-30b-a3b-thinking", ("chat",), True, "always", "qwen-old"),
        ("qwen2.5-omni-7b", ("chat",), None, "always", "qwen2.5"),
        ("qwen-omni-turbo-latest", ("chat",), None, "always", None),
        ("qwen3.5-omni-plus", ("chat",), None, "always", None),
    ],
)
def test_a_model_is_found_by_the_longest_name_or_pattern(
    name: str, dialects: tuple[str, ...], thinking: object, stream_only: str, vocabulary: str | None
) -> None:
    model = models.find(name)

    assert model is not None
    assert model.name == name
    assert model.dialects == dialects
    assert model.thinking is thinking
    assert (model.stream_only, model.vocabulary) == (stream_only, vocabulary)


@pytest.mark.parametrize(
    ("name", "template", "pixels", "fixed"),
    [
        ("qwen3-coder-480b-a35b-instruct", "qwen3-coder", None, True),
        ("qwen3-coder-plus", "qwen3-coder", None, True),
        ("qwen3-30b-a3b-instruct-2507", "qwen3-instruct", None, True),
        ("qwen3-vl-30b-a3b-instruct", "qwen3-instruct", 1024, True),
        ("qwen3-vl-plus", "chatml", 1024, False),
        ("qwen3-omni-30b-a3b-thinking", "qwen3-thinking", None, True),
    ],
)
def test_open_weights_count_by_their_own_template(
    name: str, template: str, pixels: int | None, *, fixed: bool
) -> None:
    model = models.find(name)

    assert model is not None
    assert (model.template, model.pixels_per_token, model.fixed) == (template, pixels, fixed)


def test_a_model_in_no_table_is_unknown() -> None:
    assert models.find("gpt-oss-120b") is None


def test_the_users_rows_lie_over_the_table() -> None:
    rows = {
        "local": {"like": "qwen3-8b", "price": {"currency": "USD", "input_per_mtok": 1}},
        "qwen-plus": {"thinking": True},
        "house-*": {"vocabulary": "qwen-new"},
    }

    local, plus, house = (models.find(name, rows) for name in ("local", "qwen-plus", "house-7b"))

    assert local is not None
    assert local.stream_only == "thinking"
    assert local.price == Price(currency="USD", input_per_mtok=1.0)
    assert plus is not None
    assert (plus.thinking, plus.vocabulary) == (True, "qwen-old")
    assert house is not None
    assert (house.vocabulary, house.thinking, house.dialects) == ("qwen-new", None, ())
    assert "local" in models.names(rows)
    assert "house-*" not in models.names(rows)


def test_every_row_has_source_and_date_and_no_name_stands_twice() -> None:
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["model"]
    names = [name for row in rows for name in row["names"]]

    assert all(row["source"] and row["date"] for row in rows)
    assert len(names) == len(set(names))


def test_a_row_of_the_user_with_an_unknown_field_is_no_model() -> None:
    with pytest.raises(msgspec.ValidationError):
        models.find("x", {"x": {"colour": "red"}})


def test_the_highest_tier_that_a_request_is_above_gives_its_rates() -> None:
    middle = Tier(above_input_tokens=1000, input_per_mtok=2)
    high = Tier(above_input_tokens=5000, input_per_mtok=3)
    price = Price(currency="CNY", input_per_mtok=1, tiers=(high, middle))

    found = [price.rates(n).input_per_mtok for n in (0, 1000, 1001, 5000, 5001)]

    assert found == [1, 1, 2, 2, 3]


def test_no_price_is_made_up() -> None:
    known = [models.find(name) for name in models.names()]

    assert all(model is not None and model.price is None for model in known)
