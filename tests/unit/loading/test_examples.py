"""The six suites of the format's specification, and one for each kind that it was settled on."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from qeval.loading import read
from qeval.loading.composing import compose
from qeval.loading.nodes import json_of
from qeval.loading.schema import json_schema
from qeval.plan import plan
from qeval.suite import Suite

SUITES = Path(__file__).parents[2] / "data/suites"
EXAMPLES = sorted(path.stem for path in SUITES.glob("*.py"))
KINDS = sorted(path.stem for path in (SUITES / "kinds").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema() -> Any:
    made = json_schema()
    jsonschema.Draft7Validator.check_schema(made)
    return jsonschema.Draft7Validator(made)


def refuse(line: int, message: str, hint: str | None) -> None:
    pytest.fail(f"{line}: {message} {hint}")


def written(path: Path) -> Any:
    node = compose(path.read_text(encoding="utf-8"), refuse)
    assert node is not None
    return json_of(node)


def test_there_are_six_examples_and_sixteen_kinds() -> None:
    assert (len(EXAMPLES), len(KINDS)) == (6, 16)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_in_yaml_equals_its_python_twin(name: str) -> None:
    assert Suite.load(SUITES / f"{name}.yaml") == Suite.load(SUITES / f"{name}.py")


@pytest.mark.parametrize("name", [*EXAMPLES, *(f"kinds/{kind}" for kind in KINDS)])
def test_a_shipped_suite_loads_with_its_id_and_without_warning(name: str) -> None:
    loaded = read(SUITES / f"{name}.yaml")

    assert loaded.id == name
    assert loaded.suite.cases
    assert loaded.warnings == ()


@pytest.mark.parametrize("name", [*EXAMPLES, *(f"kinds/{kind}" for kind in KINDS)])
def test_a_shipped_suite_can_be_planned(name: str) -> None:
    assert plan(read(SUITES / f"{name}.yaml")).trials_total


@pytest.mark.parametrize("name", [*EXAMPLES, *(f"kinds/{kind}" for kind in KINDS)])
def test_a_shipped_suite_validates_against_the_schema(name: str, schema: Any) -> None:
    assert [error.message for error in schema.iter_errors(written(SUITES / f"{name}.yaml"))] == []


def test_text_is_taken_as_written_and_numbers_as_numbers() -> None:
    facts = read(SUITES / "facts.yaml").suite
    invoices = read(SUITES / "invoices.yaml").suite

    assert facts.cases[1].checks[0].entries == {"contains": "1989"}
    assert facts.cases[2].checks[0].entries["one_of"] == ["no"]
    assert invoices.cases[0].checks[0].entries["equals"] == "007"
    assert invoices.cases[0].checks[1].entries["equals_number"] == 3.25


def test_a_base_gives_what_the_suite_does_not_say_and_without_drops_its_checks() -> None:
    loaded = read(SUITES / "translate.yaml")

    assert loaded.suite.targets == ("qwen-plus",)
    assert loaded.suite.params == {"max_output_tokens": 400}
    assert loaded.suite.checks == ()
    assert loaded.source.where(("params", "max_output_tokens")) == "suites/common.yaml:2"
    assert loaded.source.where(("cases", 1, "checks", 0, "not-refuses")) == (
        "suites/translate.yaml:12"
    )
