"""The explicit cache: what is kept of a prompt, for whom, and for how long."""

import pytest

from qeval.exchange import Message, Part
from qeval.simulator.asked import Ask, Cached
from qeval.simulator.caching import BACK, KEPT, LEAST, LIFE_S, Cache
from qeval.simulator.refusals import Refusal


def count(part: Part) -> int:
    """A token for each letter; a medium has ten."""
    return 10 if part.text is None else len(part.text)


def ask(*parts: Part, model: str = "m", tail: str = "", session: bool = False) -> Ask:
    messages = [Message(role="user", content=parts)] if parts else []
    if tail:
        messages.append(Message(role="user", content=tail))
    return Ask(model=model, messages=tuple(messages), session_cache=session)


LONG = Part(text="a" * LEAST, cache=True)


def test_nothing_is_said_of_a_request_without_a_marker() -> None:
    assert Cache().look(ask(Part(text="a" * 2000), tail="b"), count, 0) is None


def test_the_first_request_creates_and_the_second_reads() -> None:
    cache = Cache()

    assert cache.look(ask(LONG, tail="b"), count, 0) == Cached(created=LEAST)
    assert cache.look(ask(LONG, tail="other"), count, 1) == Cached(read=LEAST)


def test_a_short_beginning_is_not_kept() -> None:
    cache = Cache()
    short = Part(text="a" * (LEAST - 1), cache=True)

    assert [cache.look(ask(short), count, at) for at in (0, 1)] == [Cached(), Cached()]


def test_what_is_longer_than_what_is_kept_creates_the_rest() -> None:
    cache = Cache()
    cache.look(ask(LONG), count, 0)

    longer = cache.look(ask(LONG, Part(text="bc", cache=True)), count, 1)

    assert longer == Cached(read=LEAST, created=2)


@pytest.mark.parametrize(
    "other",
    [
        ask(LONG, model="n"),
        ask(Part(text="b" + "a" * LEAST, cache=True)),
        ask(Part(image="https://x.test/a.png"), LONG),
    ],
)
def test_another_beginning_is_not_read(other: Ask) -> None:
    cache = Cache()
    cache.look(ask(LONG), count, 0)

    found = cache.look(other, count, 1)

    assert found is not None
    assert found.read == 0
    assert found.created >= LEAST


@pytest.mark.parametrize(("later", "read"), [(LIFE_S - 1, LEAST), (LIFE_S, 0)])
def test_what_is_kept_ends_five_minutes_after_its_last_use(later: float, read: int) -> None:
    cache = Cache()
    cache.look(ask(LONG), count, 0)
    cache.look(ask(LONG), count, 200)

    found = cache.look(ask(LONG), count, 200 + later)

    assert found == Cached(read=read, created=LEAST - read)


@pytest.mark.parametrize(("between", "read"), [(BACK - 1, LEAST), (BACK, 0)])
def test_a_marker_looks_back_over_twenty_blocks(between: int, read: int) -> None:
    cache = Cache()
    cache.look(ask(LONG), count, 0)
    rest = [Part(text="b")] * between

    found = cache.look(ask(Part(text=LONG.text), *rest, Part(text="c", cache=True)), count, 1)

    assert found is not None
    assert found.read == read


def test_a_session_keeps_all_that_was_said() -> None:
    cache = Cache()
    first = ask(tail="a" * LEAST, session=True)
    cache.look(first, count, 0)
    second = Ask(
        model="m", messages=(*first.messages, Message(role="user", content="b")), session_cache=True
    )

    assert cache.look(second, count, 1) == Cached(read=LEAST, created=1)


def test_more_markers_than_four_are_refused() -> None:
    with pytest.raises(Refusal, match="at most 4 content blocks may have cache_control"):
        Cache().look(ask(*[Part(text="a", cache=True)] * 5), count, 0)


def test_old_beginnings_are_forgotten() -> None:
    cache = Cache()
    cache.look(ask(LONG), count, 0)
    for number in range(KEPT):
        cache.look(ask(Part(text=f"{number:04}" + "a" * LEAST, cache=True)), count, 1)

    assert cache.look(ask(LONG), count, 2) == Cached(created=LEAST)
