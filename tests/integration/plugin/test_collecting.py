"""What becomes an item, under which id, and how it is chosen."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.plugin.conftest import Counted, Project

CHOOSING = [
    (("-k", "capital"), 1),
    (("-k", "plain and not wrong"), 1),
    (("-m", "geo"), 1),
    (("suites/facts.yaml::wrong[plain-qwen-plus]",), 1),
    (("suites/facts.yaml",), 2),
    (("suites",), 2),
    ((), 2),
]


@pytest.mark.parametrize(("arguments", "count"), CHOOSING)
def test_items_are_chosen_as_pytest_chooses(
    project: Project, asked: Counted, arguments: tuple[str, ...], count: int
) -> None:
    project.suite()

    done = project.record(*arguments)

    outcomes = done.parseoutcomes()
    assert outcomes.get("passed", 0) + outcomes.get("failed", 0) == count
    assert len(asked) == count
    assert len(project.cassettes()) == count


@pytest.mark.parametrize("flag", ["--collect-only", "--setup-only", "--setup-plan"])
def test_nothing_is_asked_without_running(project: Project, asked: Counted, flag: str) -> None:
    project.suite()

    done = project.record(flag, "-q")

    assert done.ret in {0, 5}
    assert len(asked) == 0
    assert not project.cassettes()
    assert not project.runs()


def test_collected_ids_are_read_by_people_and_taken_back(project: Project) -> None:
    project.suite()

    done = project.run("--collect-only", "-q")

    assert done.outlines[:2] == [
        "suites/facts.yaml::capital[plain-qwen-plus]",
        "suites/facts.yaml::wrong[plain-qwen-plus]",
    ]


def test_last_failed_asks_and_runs_that_one_alone(project: Project, asked: Counted) -> None:
    project.numbered(20, checks="contains: One")
    path = project.path / "suites" / "many.yaml"
    project.record(plugins=["cacheprovider"])
    path.write_text(path.read_text().replace("checks: [contains: One]", "checks: [contains: Two]"))
    project.run("-k", "q-7", plugins=["cacheprovider"])
    asked.prompts.clear()

    done = project.run(*project.asking("live"), "--lf", plugins=["cacheprovider"])

    done.assert_outcomes(failed=1)
    assert asked.prompts == ["number 7"]


def test_failed_first_is_asked_first(project: Project, asked: Counted) -> None:
    project.numbered(8)
    project.record(plugins=["cacheprovider"])
    path = project.path / "suites" / "many.yaml"
    path.write_text(path.read_text().replace("[contains: One]", '[contains: "{{ n }}"]'))
    project.run("-k", "q-6", plugins=["cacheprovider"])
    path.write_text(path.read_text().replace('[contains: "{{ n }}"]', "[contains: One]"))
    asked.prompts.clear()

    arguments = [*project.asking("live"), "--qeval-concurrency", "1", "--ff"]
    done = project.run(*arguments, plugins=["cacheprovider"])

    done.assert_outcomes(passed=8)
    assert asked.prompts[0] == "number 6"


def test_a_python_suite_is_collected_and_a_helper_beside_it_is_not(
    project: Project, asked: Counted
) -> None:
    project.suite(
        """\
        from qeval import Case, Check, Suite

        suite = Suite(targets=["qwen-plus"], cases=[
            Case(id="one", user="What is the capital of France?", checks=[Check(contains="Paris")]),
        ])
        """,
        "made.py",
    )
    project.suite("def is_short(text):\n    return len(text) < 9\n", "helpers.py")

    done = project.record()

    done.assert_outcomes(passed=1)
    assert len(asked) == 1


def test_a_python_file_that_pytest_takes_for_tests_is_collected_once(project: Project) -> None:
    project.suite("suite = 1\n\n\ndef test_it():\n    assert suite == 1\n", "test_own.py")

    done = project.run()

    done.assert_outcomes(passed=1)


def test_a_file_that_is_named_is_collected_outside_the_globs(project: Project) -> None:
    path = project.suite()
    other = project.path / "elsewhere.yaml"
    path.rename(other)
    (project.path / "tavern.yaml").write_text("stages: []\n")

    ours = project.run("elsewhere.yaml", "--collect-only", "-q")
    theirs = project.run("tavern.yaml", "--collect-only", "-q")

    assert "elsewhere.yaml::capital[plain-qwen-plus]" in ours.outlines
    assert theirs.ret == pytest.ExitCode.USAGE_ERROR
    assert "not found" in theirs.stderr.str()


def test_more_suites_are_named_by_the_ini_key(project: Project) -> None:
    folder = project.path / "suites" / "deep"
    folder.mkdir()
    project.suite().rename(folder / "er.yaml")
    (project.path / "pytest.ini").write_text("[pytest]\nqeval_suites = suites/*/*.yaml\n")

    done = project.run("--collect-only", "-q")

    assert done.outlines[0] == "suites/deep/er.yaml::capital[plain-qwen-plus]"


def test_recordings_are_offered_to_no_plugin(project: Project) -> None:
    project.suite()
    project.record()
    (project.path / "conftest.py").write_text(
        textwrap.dedent(
            """
            seen = []

            def pytest_collect_file(file_path):
                seen.append(file_path.as_posix())

            def pytest_terminal_summary(terminalreporter):
                terminalreporter.write_line(f"seen {seen}")
            """
        )
    )

    done = project.run()

    (seen,) = [line for line in done.outlines if line.startswith("seen ")]
    assert "suites/facts.yaml" in seen
    assert "cassettes" not in seen


def test_a_folder_of_tests_called_reports_is_collected_where_there_are_no_suites(
    project: Project,
) -> None:
    (project.path / "suites").rmdir()
    folder = project.path / "reports"
    folder.mkdir()
    (folder / "test_it.py").write_text("def test_it():\n    pass\n")

    project.run().assert_outcomes(passed=1)


def test_a_mistake_is_told_with_its_line_and_nothing_is_asked(
    project: Project, asked: Counted
) -> None:
    path = project.suite()
    path.write_text(path.read_text().replace("contains: Paris", "contain: Paris", 1))

    done = project.record()

    assert done.ret == 2
    text = done.stdout.str()
    assert "suites/facts.yaml:7: unknown check 'contain'" in text
    assert "Traceback" not in text
    assert len(asked) == 0


def test_the_line_of_a_case_is_where_an_editor_goes(project: Project) -> None:
    project.suite()
    (project.path / "conftest.py").write_text(
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        "        print('at', item.location[0], item.location[1] + 1)\n"
    )

    done = project.run("--collect-only", "-q", "-s")

    assert [line for line in done.outlines if line.startswith("at ")] == [
        "at suites/facts.yaml 4",
        "at suites/facts.yaml 8",
    ]


BAD = [
    (("--qeval-report", "out/page.html"), "--qeval-report 'out/page.html' is a file"),
    (("--qeval-concurrency", "0"), "--qeval-concurrency '0' is no whole number"),
    (("-o", "qeval_mode=rec"), "qeval_mode 'rec' is none of replay, record, refresh, live"),
    (("-o", "qeval_block_network=maybe"), "qeval_block_network 'maybe' is none of on, off"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_an_option_without_meaning_is_refused(
    project: Project, asked: Counted, arguments: tuple[str, ...], message: str
) -> None:
    project.suite()

    done = project.run(*arguments)

    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert message in done.stdout.str() + done.stderr.str()
    assert "Traceback" not in done.stdout.str() + done.stderr.str()
    assert len(asked) == 0


def test_ini_keys_say_what_options_say(project: Project, asked: Counted) -> None:
    project.suite()
    (project.path / "pytest.ini").write_text(
        f"[pytest]\nqeval_mode = record\nqeval_base_url = {project.url}\nqeval_report = kept\n"
    )

    project.run("-k", "capital").assert_outcomes(passed=1, deselected=1)

    assert len(asked) == 1
    assert len(project.runs("kept")) == 1
    assert not project.runs()
