import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.loading.cases.filling import TemplateFault
from qeval.loading.cases.sandbox import jinja
from qeval.loading.cases.templates import Filler, compiled

VALUES: dict[str, Any] = {
    "a": 17,
    "b": 25,
    "text": "Guten Tag",
    "names": ["Ada", "Bob"],
    "row": {"Question (EN)": "Why?", "n": None},
    "yes": True,
    "nothing": None,
    "brace": "{{ a }}",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("no template } at all }}", "no template } at all }}", id="literal"),
        pytest.param("{{ text }}", "Guten Tag", id="bare-name"),
        pytest.param("<{{a}}|{{ b }}>", "<17|25>", id="bare-names"),
        pytest.param("{{ a + b }}", "42", id="expression"),
        pytest.param("{{ names }}", '["Ada", "Bob"]', id="list-as-json"),
        pytest.param("{{ yes }} {{ nothing }}", "true null", id="not-the-spelling-of-python"),
        pytest.param("{{ yes }} {{ nothing }}{{ 1.5 }}", "true null1.5", id="nor-through-jinja"),
        pytest.param('{{ row["Question (EN)"] }}', "Why?", id="strange-header"),
        pytest.param("{{ brace }}", "{{ a }}", id="values-are-never-rendered"),
        pytest.param("{{ brace ~ '' }}", "{{ a }}", id="values-are-never-rendered-by-jinja"),
        pytest.param("{# kept #} {{ a }}", "{# kept #} 17", id="no-comments"),
        pytest.param("{# kept #} {{ a + 0 }}", "{# kept #} 17", id="no-comments-in-jinja"),
        pytest.param("{% raw %}{{ a }}{% endraw %}", "{{ a }}", id="raw"),
        pytest.param("{{{ a }}", None, id="three-braces-are-a-mapping"),
        pytest.param(
            "x\n  {% for n in names %}\n- {{ n }}\n  {% endfor %}\ny\n",
            "x\n- Ada\n- Bob\ny\n",
            id="blocks-leave-no-blank-lines",
        ),
        pytest.param("{{ {'ü': 1} | tojson }}", '{"ü": 1}', id="tojson-without-escapes"),
        pytest.param("{{ '<b>' | json }}", '"<b>"', id="json-without-html-escapes"),
        pytest.param("{{ 'New York!' | slug }}", "new-york", id="slug"),
        pytest.param("{{ missing | default('none') }}", "none", id="default"),
        pytest.param("{{ [1, 2] | map('string') | join('+') }}", "1+2", id="own-filters"),
    ],
)
def test_texts_are_filled(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(TemplateFault):
            compiled(text)
    else:
        assert compiled(text).fill(VALUES) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ a + b }}", 42),
        ("{{ names }}", ["Ada", "Bob"]),
        ("{{ names | map('upper') }}", ["ADA", "BOB"]),
        ("{{ nothing }}", None),
        ("{{- a -}}", 17),
        (" {{ a + b }}", " 42"),
        ("{{ a }}{{ b }}", "1725"),
        ("{{ '}}' }}", "}}"),
    ],
)
def test_a_text_that_is_one_expression_keeps_its_type_in_checks(text: str, expected: Any) -> None:
    assert compiled(text, native=True).fill(VALUES) == expected


def test_structures_are_filled_but_for_keys_and_names_of_functions() -> None:
    written = {"all": [{"contains": "{{ text }}"}, {"python": "{{ a }}"}], "{{ a }}": "{{ b }}"}

    filler = Filler(written, verbatim=frozenset(("python",)))

    assert filler.fill(VALUES) == {
        "all": [{"contains": "Guten Tag"}, {"python": "{{ a }}"}],
        "{{ a }}": 25,
    }
    assert filler.names == {"text", "b"}


@pytest.mark.parametrize(
    "text",
    [
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{{ a",
        "{% for %}",
        "{{ a | nosuch }}",
        "{{ a | random }}",
    ],
)
def test_what_is_taken_away_is_refused_when_read(text: str) -> None:
    with pytest.raises(TemplateFault):
        compiled(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 2 ** 9 }}",
        "{{ 'a' * 9 }}",
        "{{ 9 * text }}",
        "{{ names * 2 }}",
        "{{ text.__class__.__mro__ }}",
        "{{ names.append(1) }}",
        "{{ missing }}x",
        "{{ missing.x }}",
        "{{ row.nosuch }}",
        "{{ 1 / 0 }}",
        "{{ text + 1 }}",
        "{% for i in range(99999) %}{{ '%0999d' % i }}{% endfor %}",
    ],
)
def test_what_is_dangerous_or_wrong_is_a_fault_when_filled(text: str) -> None:
    with pytest.raises(TemplateFault):
        compiled(text).fill(VALUES)


def test_taken_away_globals_are_unknown_variables() -> None:
    assert compiled("{{ lipsum() }}{{ cycler(1) }}").names == {"lipsum", "cycler"}


def test_a_result_over_the_limit_is_a_fault_of_bare_names_too() -> None:
    with pytest.raises(TemplateFault, match="over 10 MB"):
        compiled("{{ text }}{{ text }}").fill({"text": "x" * 6_000_000})


def test_the_nearest_filter_is_named() -> None:
    with pytest.raises(TemplateFault) as caught:
        compiled("{{ a | lenght }}")

    assert (caught.value.message, caught.value.hint) == (
        "no filter 'lenght'",
        "did you mean 'length'?",
    )


def test_bare_names_do_not_import_jinja() -> None:
    code = (
        "import sys; from qeval.loading.cases.templates import compiled\n"
        "compiled('{{ a }} b').fill({'a': 1}); assert 'jinja2' not in sys.modules\n"
        "compiled('{{ a + 1 }}').fill({'a': 1}); assert 'jinja2' in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


LITERALS = st.text(st.characters(exclude_characters="\r", codec="utf-8"), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)


@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(LITERALS, min_size=1, max_size=4), values=st.lists(SCALARS, min_size=4))
def test_bare_names_are_filled_as_jinja_would(pieces: list[str], values: list[Any]) -> None:
    text = pieces[0] + "".join(f"{{{{ v{i} }}}}{p}" for i, p in enumerate(pieces[1:]))
    known = {f"v{i}": value for i, value in enumerate(values)}
    try:
        made = compiled(text)
    except TemplateFault:
        return

    if not made.constant:
        assert made.fill(known) == jinja(text, native=False).fill(known)


@settings(max_examples=50, deadline=None)
@given(value=st.text(max_size=40) | st.sampled_from(["{{ 1/0 }}", "{% if %}", "{{ secret }}"]))
def test_values_come_out_as_they_are(value: str) -> None:
    for text in ("{{ v }}", "{{ v ~ '' }}"):
        assert compiled(text).fill({"v": value}) == value
