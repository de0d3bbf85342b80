"""What a callable target is asked and may return: laws, whatever a user's function does."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from qeval.dialects.calling import CALLING, asked, told
from qeval.errors import ResponseError
from qeval.exchange import (
    Answer,
    CallableRequest,
    Message,
    Params,
    Part,
    Response,
    ToolCall,
    Usage,
)

TEXT = st.text(st.characters(), max_size=20)
"""Lone surrogates among them."""
CLEAN = st.text(st.characters(codec="utf-8"), max_size=20)
COUNT = st.none() | st.integers(0, 10**9)
CALLS = st.lists(st.builds(ToolCall, id=CLEAN, name=CLEAN, arguments=CLEAN), max_size=2).map(tuple)
USAGES = st.builds(Usage, input_tokens=COUNT, output_tokens=COUNT, reasoning_tokens=COUNT)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.integers(), inner),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from(Response.__struct_fields__) | TEXT, JSON, max_size=4)


def heard(result: Any) -> Response:
    return CALLING.read(Answer(status=200, body=told(result, "app")))


@given(
    st.builds(
        Response,
        text=CLEAN,
        reasoning=st.none() | CLEAN,
        tool_calls=CALLS,
        usage=USAGES,
        finish_reason=st.none() | CLEAN,
    )
)
def test_a_response_comes_back_as_it_is_and_so_does_the_dict_of_its_fields(said: Response) -> None:
    assert heard(said) == said
    assert heard(msgspec.to_builtins(said)) == said
    assert heard(msgspec.structs.asdict(said)) == said


@given(TEXT)
def test_a_text_is_the_text_of_the_response_with_what_no_file_can_hold_replaced(text: str) -> None:
    assert heard(text).text == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(JSON | FIELDS | st.just(object()) | st.just(Response))
def test_whatever_is_returned_is_a_response_or_told_as_none(result: Any) -> None:
    said = "app returned "
    try:
        heard(result)
    except ResponseError as error:
        said = error.message

    assert said.startswith("app returned ")


@given(
    st.builds(
        CallableRequest,
        model=CLEAN,
        messages=st.lists(
            st.builds(
                Message,
                role=CLEAN,
                content=CLEAN | st.lists(st.builds(Part, text=CLEAN), max_size=2).map(tuple),
                tool_calls=CALLS,
            ),
            max_size=3,
        ).map(tuple),
        params=st.builds(
            Params,
            thinking=st.none() | st.booleans() | st.integers(1, 99) | st.just("high"),
            stop=st.none() | CLEAN | st.lists(CLEAN, max_size=2).map(tuple),
        ),
        vars=st.dictionaries(CLEAN, st.integers(0, 9), max_size=2),
    ),
    st.integers(0, 99),
)
def test_a_function_is_asked_what_was_written(request: CallableRequest, trial: int) -> None:
    read = asked(CALLING.write(request), trial)

    assert read == msgspec.structs.replace(request, trial=trial)
