"""The `qeval` fixture and the mark `qeval_cassette`: tests in Python that ask, record and replay."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from qeval.pytest_plugin.names import case_of

if TYPE_CHECKING:
    from tests.integration.plugin.conftest import Counted, Project

ASKS = """
    import pytest

    def test_capital(qeval):
        reply = qeval.ask("What is the capital of France?", model="qwen-plus", scenario="factual_qa")
        assert "Paris" in reply
        assert reply.usage.output_tokens > 0
        reply.check(contains="Paris").check(not_contains="Lyon", severity="warn")

    @pytest.mark.parametrize("city", ["Bonn", "São Paulo/Rio"])
    def test_cities(qeval, city):
        assert qeval.ask(f"Where in France is {city}?", model="qwen-plus").text == "Paris."

    class TestTwice:
        def test_equal_requests_are_trials(self, qeval):
            replies = [qeval.ask("France?", model="qwen-plus") for _ in range(3)]
            assert [reply.text for reply in replies] == ["Paris."] * 3

    def test_two_models(qeval):
        for model in ("qwen-plus", "qwen3-max"):
            assert qeval.ask("France?", model=model, system="Be brief.").text == "Paris."
"""
ASYNC = """
    import asyncio, pytest

    pytestmark = pytest.mark.{mark}

    async def test_together(qeval):
        asked = [qeval.ask_async(f"slow {{n}}", model="qwen-plus") for n in range(6)]
        replies = await asyncio.gather(*asked)
        assert [reply.text for reply in replies] == ["At last."] * 6
"""
MARKED = """
    import json, os
    import httpx2, openai, pytest

    def answer(question):
        client = openai.OpenAI(base_url=os.environ["BASE"], api_key="sk-secret-Key-0123456789", max_retries=0)
        said = client.chat.completions.create(model="qwen-plus", messages=[{"role": "user", "content": question}])
        return said.choices[0].message.content

    @pytest.mark.qeval_cassette
    def test_marked():
        assert answer("France?") == "Paris."
        assert answer("France?") == "Paris."
"""


def module(project: Project, text: str, name: str = "test_mine.py") -> None:
    path = project.path / "tests" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text))


def recorded(project: Project) -> list[str]:
    folder = project.path / "cassettes"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml"))


def test_tests_are_recorded_under_their_own_names_and_replayed(
    project: Project, asked: Counted
) -> None:
    module(project, ASKS)

    project.record("tests").assert_outcomes(passed=5)
    count = len(asked)
    project.run("tests").assert_outcomes(passed=5)

    assert (count, len(asked)) == (8, 8)
    names = recorded(project)
    assert names[:2] == [
        "tests/test_mine/TestTwice.test_equal_requests_are_trials.yaml",
        "tests/test_mine/test_capital.yaml",
    ]
    assert names[2] == "tests/test_mine/test_cities-Bonn.yaml"
    assert names[3].startswith("tests/test_mine/test_cities-s")
    assert names[4:] == [
        "tests/test_mine/test_two_models--qwen3-max.yaml",
        "tests/test_mine/test_two_models.yaml",
    ]


def test_a_test_without_recording_says_how_to_make_one(project: Project) -> None:
    module(project, ASKS)

    done = project.run("tests", "-k", "capital")

    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*no recording*",
            "*pytest tests/test_mine.py --qeval-mode record*",
        ]
    )
    shown = done.stdout.str()
    assert "concurrent/futures" not in shown
    assert "fixture.py" not in shown  # the test's own line is what failed


def test_a_check_that_does_not_pass_tells_why_with_the_answer(project: Project) -> None:
    module(
        project,
        """
        def test_lyon(qeval):
            qeval.ask("France?", model="qwen-plus").check(contains="Lyon", ignore_case=True)
        """,
    )

    done = project.record("tests")

    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["*AssertionError: contains 'Lyon' (ignore_case): not found", "*answer: 'Paris.'"]
    )
    assert "prepare(" not in done.stdout.str()


@pytest.mark.parametrize(
    ("asks", "message"),
    [
        ("qeval.ask('x', modle='m')", "ask has no argument 'modle'*did you mean 'model'?"),
        ("qeval.ask('x')", "no model is named"),
        ("qeval.ask(model='m')", "nothing is asked"),
        ("qeval.ask('x', model='m', scenario='warm')", "no preset is called 'warm'"),
        ("qeval.ask('x', model='m', params={'temprature': 1})", "ask: *temprature*"),
    ],
)
def test_what_does_not_fit_is_told(project: Project, asks: str, message: str) -> None:
    module(project, f"def test_it(qeval):\n    {asks}\n")

    done = project.run("tests")

    done.assert_outcomes(failed=1)
    first, _, second = message.partition("*did")
    done.stdout.fnmatch_lines([f"*UsageError: {first}*", *([f"*did{second}*"] if second else [])])


@pytest.mark.parametrize(
    ("plugin", "mark", "options"),
    [
        ("pytest_asyncio.plugin", "asyncio", ("-o", "asyncio_mode=strict", "-o", "asyncio_default_fixture_loop_scope=function")),
        ("anyio", "anyio", ()),
    ],
)  # fmt: skip
def test_questions_of_an_async_test_are_asked_together(
    project: Project, asked: Counted, plugin: str, mark: str, options: tuple[str, ...]
) -> None:
    module(project, ASYNC.format(mark=mark))
    named = "anyio.pytest_plugin" if plugin == "anyio" else plugin

    done = project.record("tests", "-k", "not trio", "--durations=1", *options, plugins=(named,))

    done.assert_outcomes(passed=1, deselected=0)
    assert len(asked) == 6
    project.run("tests", "-k", "not trio", *options, plugins=(named,)).assert_outcomes(passed=1)
    assert len(asked) == 6


def test_workers_ask_through_one_process(project: Project, asked: Counted) -> None:
    module(project, ASKS)

    project.child(
        *project.asking("record"), "tests", "-n", "2", plugins=("xdist",)
    ).assert_outcomes(passed=5)

    assert len(asked) == 8
    names = recorded(project)
    project.child("tests", "-n", "2", plugins=("xdist",)).assert_outcomes(passed=5)
    assert len(asked) == 8
    assert recorded(project) == names


def test_a_marked_test_is_recorded_through_vcrpy_without_its_key(
    project: Project, asked: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE", project.url)
    module(project, MARKED)

    project.child(*project.asking("record"), "tests").assert_outcomes(passed=1)

    assert recorded(project) == ["tests/test_mine/test_marked.yaml"]
    text = (project.path / "cassettes" / "tests" / "test_mine" / "test_marked.yaml").read_text()
    assert "Paris." in text
    assert "sk-secret" not in text
    assert "authorization" not in text.lower()
    count = len(asked)
    monkeypatch.setenv("BASE", project.url)
    project.child("tests").assert_outcomes(passed=1)
    assert len(asked) == count


def test_a_marked_test_that_asks_for_something_new_fails_with_a_hint(
    project: Project, asked: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE", project.url)
    module(
        project, MARKED.replace('answer("France?") == "Paris."', 'answer("Spain?") == "Paris."', 1)
    )

    done = project.child("tests")

    done.assert_outcomes(failed=1)
    assert len(asked) == 0


def test_a_key_in_an_answer_is_not_written(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE", project.url)
    monkeypatch.setenv("MY_API_KEY", "sk-plugin-secret-0123456789")
    module(project, MARKED.replace('"France?"', '"leak"').replace('== "Paris."', ""))

    done = project.child(*project.asking("record"), "tests")

    assert done.ret != 0
    assert recorded(project) == []
    done.stdout.fnmatch_lines(["*test_marked.yaml would hold a secret: *"])
    assert "sk-plugin-secret" not in "\n".join(
        line for line in done.outlines if "would hold" in line
    )


LEAVES = """
    import socket

    def test_leaves(qeval):
        try:
            socket.create_connection(("192.0.2.1", 9), timeout=2)
        except OSError:
            pass
"""


def test_a_replayed_test_that_asks_for_the_network_fails_even_if_it_swallows_the_error(
    project: Project,
) -> None:
    module(project, LEAVES)

    done = project.child("tests")

    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["asked for '192.0.2.1', and recordings are replayed without a network"]
    )


def test_the_guard_can_be_turned_off_and_leaves_other_tests_alone(project: Project) -> None:
    module(project, LEAVES)
    project.child("tests", "--qeval-block-network", "off").assert_outcomes(passed=1)

    module(project, LEAVES.replace("(qeval)", "()"))
    project.child("tests").assert_outcomes(passed=1)


def test_a_python_check_that_asks_for_the_network_fails_its_item(project: Project) -> None:
    project.suite(
        "targets: [qwen-plus]\ncases:\n  - {id: c, user: 'France?', checks: [{python: 'c.py:look'}]}\n"
    )
    (project.path / "suites" / "c.py").write_text(
        textwrap.dedent(
            """
            import socket

            def look(value, evidence):
                try:
                    socket.gethostbyname("example.invalid")
                except OSError:
                    return True
            """
        )
    )
    project.record().assert_outcomes(passed=1)

    done = project.child()

    assert done.ret == 1
    done.stdout.fnmatch_lines(["*asked for 'example.invalid'*"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test_a", "test_a"),
        ("TestIt::test_a", "TestIt.test_a"),
        ("test_a[1-x]", "test_a-1-x"),
        ("test_a[é]", "test_a-"),
        ("test_a[a/b]", "test_a-a-b-"),
        ("test_a[" + "x" * 200 + "]", "test_a-xxx"),
    ],
)
def test_names_of_cassettes_are_those_of_their_tests(name: str, expected: str) -> None:
    made = case_of(name, f"tests/test_x.py::{name}")

    assert made.startswith(expected)
    assert len(made) <= 100
    if expected.endswith("-"):
        assert len(made.rpartition("-")[2]) == 8


@pytest.mark.parametrize("name", ["test_a[<object at 0x7f1234567890>]", "test_a[2026-11-22 10:30]"])
def test_names_that_change_are_refused(name: str) -> None:
    with pytest.raises(Exception, match="holds an address or a time"):
        case_of(name, f"t.py::{name}")


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ("{'temperature': 5}", "ask: temperature 5 is out of range: ≥ 0 and < 2"),
        ("{'top_p': 2}", "ask: top_p 2 is out of range: > 0 and ≤ 1"),
        ("{'temprature': 1}", "ask: unknown key 'temprature' in params"),
        ("{'seed': {1, 2}}", "ask: seed: {1, 2} is no JSON value"),
    ],
)
def test_parameters_out_of_range_are_refused_as_in_a_suite(
    project: Project, asked: Counted, params: str, told: str
) -> None:
    module(
        project,
        f"""
        def test_it(qeval):
            qeval.ask("France?", model="qwen-plus", params={params})
        """,
    )

    result = project.record("tests")

    result.assert_outcomes(failed=1)
    assert any(line.startswith("E ") and told in line for line in result.outlines), told
    assert len(asked) == 0


def test_thinking_is_said_in_the_words_of_suites(project: Project, asked: Counted) -> None:
    module(
        project,
        """
        def test_it(qeval):
            reply = qeval.ask("France?", model="qwen-plus", params={"thinking": "on", "stream": True})
            assert reply.request.params.thinking is True
        """,
    )

    project.record("tests").assert_outcomes(passed=1)
    assert len(asked) == 1
