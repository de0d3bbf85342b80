import pytest
from hypothesis import given
from hypothesis import strategies as st

from qeval.loading.nodes import PLAIN, TEXT, Dressed, descend, dress, json_of, plain, scalar
from qeval.value import Json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("no", "no", id="no-is-text"),
        pytest.param("on", "on", id="on-is-text"),
        pytest.param("12:00", "12:00", id="a-time-is-text"),
        pytest.param("2024-01-31", "2024-01-31", id="a-date-is-text"),
        pytest.param("1_000", "1_000", id="underscores-are-text"),
        pytest.param("true", True, id="true"),
        pytest.param("False", False, id="false-capital"),
        pytest.param("null", None, id="null"),
        pytest.param("~", None, id="tilde"),
        pytest.param("", None, id="empty"),
        pytest.param("007", 7, id="leading-zeros-are-decimal"),
        pytest.param("0o17", 15, id="octal"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("-3", -3, id="negative"),
        pytest.param("1.10", 1.1, id="float"),
        pytest.param(".5", 0.5, id="float-without-zero"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("1e999", "1e999", id="beyond-floats-is-text"),
        pytest.param(".inf", ".inf", id="infinity-is-text-as-json-has-none"),
        pytest.param("4/5", "4/5", id="fraction-is-text"),
        pytest.param("9" * 5000, "9" * 5000, id="too-long-for-an-integer"),
    ],
)
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: Json) -> None:
    found = plain(text)

    assert found == value
    assert type(found) is type(value)


def test_a_quoted_scalar_is_text() -> None:
    assert scalar(Dressed("scalar", TEXT, "true", 0)) == "true"
    assert scalar(Dressed("scalar", PLAIN, "true", 0)) is True


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_a_dressed_value_comes_back_as_it_was(value: Json) -> None:
    assert json_of(dress(value, lambda _path: 0)) == value


@pytest.mark.parametrize("value", [float("nan"), {"a": [{1, 2}]}, b"bytes"])
def test_what_json_lacks_is_not_dressed(value: object) -> None:
    with pytest.raises(ValueError, match="is no JSON value"):
        dress(value, lambda _path: 0)


def test_descend_stops_at_the_nearest_ancestor_that_is_written() -> None:
    lines = {("a",): 3, ("a", 0): 4, ("a", 0, "b"): 5}
    node = dress({"a": [{"b": 1}]}, lambda path: lines.get(path, 0))

    assert descend(node, ("a", 0, "b")) == (3, 5)
    assert descend(node, ("a", 0, "c", "d")) == (2, 4)
    assert descend(node, ("a", 7)) == (1, 3)
