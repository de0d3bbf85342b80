"""Cassettes spoilt by hands, merges and disks: a clear error, or the true answer, never another."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qeval.errors import CassetteError
from qeval.exchange import Answer, Place, Wire
from qeval.transport.base import step
from qeval.transport.cassettes import CassetteOptions, CassetteTransport, layout
from qeval.transport.cassettes.interaction import Interaction

ROOT = Path(__file__).parents[4]
FILES = sorted((ROOT / "cassettes").rglob("*.yaml"))
COMMAND = "qeval run suites/quickstart.yaml --mode record"


class Tape:
    """A committed cassette: its bytes, what replays of it ask, and what they are answered."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.data = path.read_bytes()
        found = layout.read(self.data, path.stem)
        assert found
        self.calls = [call(one) for one in found]
        self.truth = [replay(self.name, self.data, *one) for one in self.calls]


@cache
def tape(number: int) -> Tape:
    return Tape(FILES[number])


def call(one: Interaction) -> tuple[str, Wire, Place]:
    assert one.place is not None
    host, path = one.uri[: one.uri.index("/", 8)], one.uri[one.uri.index("/", 8) :]
    return host, Wire(path=path, body=one.request), one.place


def replay(name: str, data: bytes, base: str, wire: Wire, place: Place) -> Answer:
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / name).write_bytes(data)
        options = CassetteOptions(folder=folder, root=folder.parent, base=base, command=COMMAND)
        return step(CassetteTransport(options).send(wire, place))
    finally:
        shutil.rmtree(folder)


def told(name: str, data: bytes, base: str, wire: Wire, place: Place) -> Answer | CassetteError:
    try:
        return replay(name, data, base, wire, place)
    except CassetteError as error:
        return error


def is_clear(error: CassetteError) -> bool:
    """Whether an error says where and what, on a line that can be read, and what to type."""
    said = error.message
    named = error.path in said and len(said) < 2000
    return said.isprintable() and named and f"`{COMMAND}`" in (error.hint or "")


SCRAPS = st.sampled_from(
    [
        b"\0", b"\xff", b"\xed\xa0\x80", b"\t", b" ", b"\n", b"\r", b'"', b"'", b"{", b"}", b"[", b":",
        b"- ", b"# ", b"&a ", b"*a", b"!!binary ", b"!!python/object:os.system ", b"|2-\n", b"...\n",
        b"---\n", b"<<<<<<< ours\n", b"=======\n", b"1", b"-1", b"9" * 40, b".inf", b"null", b"~",
        "\u2028".encode(), "\u202e".encode(), b"\\", b"\\ud800", b"\\u0000", b"trial: 0\n",
        b"- request:\n", b"  qeval:\n", b"{" * 300,
    ]
)  # fmt: skip


@st.composite
def bytes_spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    start = draw(st.integers(0, len(data)))
    end = min(len(data), start + draw(st.integers(0, 40) | st.integers(0, len(data))))
    put = draw(SCRAPS | st.binary(max_size=4) | st.just(b""))
    return data[:start] + put + data[end:]


@st.composite
def lines_spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    start, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    few = draw(st.integers(1, 12))
    how = draw(
        st.sampled_from(["delete", "double", "swap", "move", "indent", "outdent", "comment"])
    )
    taken = lines[start : start + few]
    if how == "delete":
        lines[start : start + few] = []
    elif how == "double":
        lines[other:other] = taken
    elif how == "swap":
        lines[start], lines[other] = lines[other], lines[start]
    elif how == "move":
        del lines[start : start + few]
        lines[other:other] = taken
    else:
        edit = {"indent": b"  %s", "comment": b"# %s", "outdent": b"%s"}[how]
        lines[start : start + few] = [
            edit % (one.lstrip() if how == "outdent" else one) for one in taken
        ]
    return b"".join(lines)


SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.dates()
    | st.sampled_from(["edited", "POST", "\ud800", "http://[", "x" * 3000])
)
NONSENSE = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers(), below, max_size=3)
    ),
    max_leaves=5,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every field of a document."""
    if path:
        yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, below in items:
            yield from paths(below, (*path, key))


@st.composite
def fields_spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    document = yaml.load(data, yaml.CSafeLoader)
    path = draw(st.sampled_from(list(paths(document))))
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    how = draw(st.sampled_from(["replace", "delete", "rename", "swap"]))
    if how == "replace":
        holder[path[-1]] = draw(NONSENSE)
    elif how == "delete":
        del holder[path[-1]]
    elif how == "rename" and isinstance(holder, dict):
        holder[draw(st.text(max_size=8))] = holder.pop(path[-1])
    else:
        other = draw(st.sampled_from(list(paths(document))))
        there = document
        for key in other[:-1]:
            there = there[key]
        there[other[-1]], holder[path[-1]] = holder[path[-1]], there[other[-1]]
    head = data.partition(b"\n")[0] + b"\n"
    text = yaml.dump(document, allow_unicode=True, sort_keys=False, width=10**6)
    return head + text.encode("utf-8", "surrogatepass") + b"...\n"


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[Tape, bytes]:
    held = tape(draw(st.integers(0, len(FILES) - 1)))
    how = draw(st.sampled_from([bytes_spoilt, lines_spoilt, fields_spoilt]))
    return held, draw(how(held.data))


@settings(max_examples=200, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(spoilt())
def test_a_spoilt_cassette_gives_a_clear_error_or_the_true_answer(case: tuple[Tape, bytes]) -> None:
    held, data = case

    for asked, truth in zip(held.calls, held.truth, strict=True):
        answer = told(held.name, data, *asked)
        assert answer == truth or (isinstance(answer, CassetteError) and is_clear(answer))
