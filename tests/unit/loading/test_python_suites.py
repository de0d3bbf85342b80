import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.loading import read

Told = Callable[..., str]
Write = Callable[..., Path]
HEAD = "from qeval.suite import Case, Check, Suite, Target\n"


def test_a_function_may_be_given_as_such(write: Write) -> None:
    text = (
        f"{HEAD}\n\ndef answer(request):\n    return 'Ada'\n\n\n"
        "def good(value, evidence):\n    return True\n\n\n"
        "suite = Suite(\n    targets={'app': Target(python=answer)},\n"
        "    cases=[Case(user='Hi', checks=[Check(python=good)])],\n)\n"
    )

    suite = read(write(text, "suites/app.py")).suite

    assert isinstance(suite.targets, dict)
    assert suite.targets["app"] is not None
    assert callable(suite.targets["app"].python)
    assert suite.targets["app"].python(None) == "Ada"
    assert suite.cases[0].checks[0].entries["python"](1, 2) is True


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("lambda request: 'x'", "function '<lambda>' has no place that a report could name"),
        ("make()", "function 'make.<locals>.inner' has no place that a report could name"),
        ("functools.partial(print)", "partial object has no name that a report could tell"),
    ],
)
def test_a_function_without_a_place_is_refused(value: str, said: str, told: Told) -> None:
    text = (
        f"import functools\n{HEAD}def make():\n    def inner(request): ...\n    return inner\n"
        f"suite = Suite(targets={{'app': Target(python={value})}})\n"
    )

    assert told(text, "suites/app.py") == (
        f"suites/app.py:6: python: {said}\n\nhint: define it with `def` at the top of its file"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "1: no `suite = Suite(…)` at the top of the file"),
        ("\nsuite = 3\n", "2: no `suite = Suite(…)` at the top of the file"),
        ("a = 1\nraise RuntimeError('no luck')\n", "2: RuntimeError: no luck"),
        ("a = (\n", "1: SyntaxError: '(' was never closed"),
        ("raise SystemExit(3)\n", "1: SystemExit: 3"),
        (f"{HEAD}suite = Suite(cases=[Case(usr='Hi')])\n", "2: TypeError: "),
        (
            f"{HEAD}suite = Suite(params={{'temperature': 3}})\n",
            "2: temperature 3 is out of range: ≥ 0 and < 2",
        ),
        (
            f"{HEAD}suite = Suite(vars={{'when': {{1, 2}}}})\n",
            "2: vars.when: {1, 2} is no JSON value",
        ),
        (
            f"{HEAD}suite = Suite(vars={{'f': [print]}})\n",
            "2: f wants a JSON value, got a function",
        ),
    ],
)
def test_what_is_wrong_in_a_python_suite_is_told_without_a_traceback(
    text: str, said: str, told: Told
) -> None:
    assert told(text, "suites/app.py").startswith(f"suites/app.py:{said}")


def test_a_python_suite_may_import_from_the_projects_root_and_leaves_no_trace(
    write: Write, tmp_path: Path
) -> None:
    write("SHOP = 'Lamps'\n", "shop_of_this_test.py")
    path = list(sys.path)
    text = f"{HEAD}from shop_of_this_test import SHOP\nsuite = Suite(vars={{'shop': SHOP}})\n"

    assert read(write(text, "suites/app.py")).suite.vars == {"shop": "Lamps"}
    assert sys.path == path
    assert not list((tmp_path / "suites").glob("__pycache__"))


def test_cases_may_be_made_in_a_loop(write: Write) -> None:
    text = (
        f"{HEAD}suite = Suite(targets=['qwen-plus'], cases=[\n"
        "    Case(id=f'c{i}', user='Hi', checks=[Check(contains=i)]) for i in range(3)])\n"
    )

    cases = read(write(text, "suites/app.py")).suite.cases

    assert [(case.id, case.checks[0].entries) for case in cases] == [
        (f"c{i}", {"contains": str(i)}) for i in range(3)
    ]


def test_a_value_inside_itself_is_a_mistake(told: Callable[..., str]) -> None:
    text = "from qeval import Suite\na = []\na.append(a)\nsuite = Suite(vars={'a': a})\n"

    assert told(text, "suites/s.py") == (
        "suites/s.py:4: something in the suite stands inside itself, so it would never end\n\n"
        "hint: write out what it is to hold"
    )
