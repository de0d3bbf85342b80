import pytest
import yaml

from qeval.loading.composing import compose
from qeval.loading.nodes import json_of
from qeval.value import Json

Said = list[tuple[int, str]]


def composed(text: str) -> tuple[Json, Said]:
    said: Said = []
    node = compose(text, lambda line, message, _hint: said.append((line + 1, message)))
    return (None if node is None else json_of(node)), said


def test_anchors_and_aliases_are_followed() -> None:
    assert composed("x-a: &a [1, 2]\nb: *a\nc: *a\n") == (
        {"x-a": [1, 2], "b": [1, 2], "c": [1, 2]},
        [],
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: 1\na: 2\n", [(2, "key 'a' is here twice; first on line 1")], id="twice"),
        pytest.param(
            "x: &x {a: 1}\ny:\n  <<: *x\n", [(3, "merge keys (<<) are not read")], id="merge"
        ),
        pytest.param("[a]: 1\n", [(1, "a key must be text")], id="list-as-key"),
        pytest.param(
            "a: !!python/name:os.system x\n",
            [(1, "tag 'tag:yaml.org,2002:python/name:os.system' has no meaning here")],
            id="python-tag",
        ),
        pytest.param(
            "a: 1\n---\nb: 1\n",
            [(2, "a suite is one document; a second one begins here")],
            id="two-documents",
        ),
        pytest.param("", [(1, "the file is empty")], id="empty"),
        pytest.param(
            "a: [1\nb: 2\n", [(2, "not YAML: did not find expected ',' or ']'")], id="unclosed"
        ),
        pytest.param(
            "a: b: c\n",
            [(1, "not YAML: mapping values are not allowed in this context")],
            id="colons",
        ),
        pytest.param(
            "a: 1\nb: \0\n", [(2, "not YAML: control characters are not allowed")], id="nul"
        ),
        pytest.param(
            "a: &a [*a]\n",
            [(1, "an alias stands inside what it names, so it would never end")],
            id="cycle",
        ),
        pytest.param("[" * 100_000, [(1, "nested more than 200 levels deep")], id="brackets"),
        pytest.param("- " * 100_000, [(1, "nested more than 200 levels deep")], id="dashes"),
        pytest.param("? " * 100_000, [(1, "nested more than 200 levels deep")], id="keys"),
    ],
)
def test_what_the_format_has_no_use_for_is_said_with_its_line(text: str, said: Said) -> None:
    assert composed(text)[1] == said


def test_a_bomb_of_aliases_is_refused_by_the_number_of_nodes() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 7)]

    value, said = composed("\n".join(levels))

    assert value is None
    assert said == [(1, "aliases bring in 12,345,660 nodes; at most 100,000 may be")]


def test_many_written_nodes_are_no_bomb() -> None:
    value, said = composed("a: &a 1\nb: *a\nc: [" + "1, " * 120_000 + "1]\n")

    assert said == []
    assert len(value["c"]) == 120_001


@pytest.mark.parametrize(
    "text", ["a: {b: [1, 'x', *c, &c 2]}", "a: &c [no, 007]\nb: *c\n", "- " * 300]
)
def test_without_libyaml_the_same_is_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = composed(text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)

    assert composed(text)[0] == fast[0]
    assert bool(composed(text)[1]) == bool(fast[1])


def test_the_line_of_a_windows_file_is_right() -> None:
    assert composed("a: 1\r\nb: 2\r\na: 3\r\n")[1] == [
        (3, "key 'a' is here twice; first on line 1")
    ]
