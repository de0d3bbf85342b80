import pytest

from qeval.loading.mistakes import Mistakes, meant


def test_one_mistake_is_told_without_a_count_and_with_its_hint() -> None:
    mistakes = Mistakes()
    mistakes.add("suites/facts.yaml:14", "unknown check 'contain'", meant("contain", ["contains"]))

    assert str(mistakes.error()) == (
        "suites/facts.yaml:14: unknown check 'contain'\n\nhint: did you mean 'contains'?"
    )


def test_several_are_sorted_by_line_counted_and_their_hints_gathered() -> None:
    mistakes = Mistakes()
    mistakes.add("suites/a.yaml:12", "b", "did you mean 'bb'?")
    mistakes.add("suites/a.yaml:3", "z")
    mistakes.add("suites/a.yaml:12", "a", "write it down")
    mistakes.add("suites/a.yaml:12", "b", "said before")
    mistakes.add("suites/a.yaml:20", "c", "did you mean 'bb'?")

    assert str(mistakes.error()) == (
        "suites/a.yaml:3: z\nsuites/a.yaml:12: b\nsuites/a.yaml:12: a\nsuites/a.yaml:20: c\n"
        "4 mistakes in suites/a.yaml\n\nhint: did you mean 'bb' (12, 20)?\nhint: write it down (12)"
    )


def test_mistakes_in_several_files_are_counted_together() -> None:
    mistakes = Mistakes()
    mistakes.add("suites/b.yaml:1", "x")
    mistakes.add("suites/a.yaml:2", "y")

    error = mistakes.error()

    assert error.mistakes == ("suites/a.yaml:2: y", "suites/b.yaml:1: x")
    assert str(error).endswith("2 mistakes in 2 files")
    assert len(mistakes) == 2


@pytest.mark.parametrize(("name", "hint"), [("contian", "did you mean 'contains'?"), ("zz", None)])
def test_only_a_near_name_is_suggested(name: str, hint: str | None) -> None:
    assert meant(name, ["contains", "equals"]) == hint
