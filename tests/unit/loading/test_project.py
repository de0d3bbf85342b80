from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.compare.values import TOLERANCES
from qeval.errors import SuiteError
from qeval.loading.project import find_project
from qeval.loading.settings import MEASURES
from qeval.suite import Target

Write = Callable[..., Path]
SETTINGS = """\
[tool.other]
mode = "x"

[tool.qeval]
suites = "suites"          # a comment
reports = "out/reports"
mode = "live"
region = "${REGION:-cn-beijing}"
default_targets = ["mine"]
concurrency = 8
timeout_s = 2.5

[tool.qeval.targets.mine]
model = "my-model"
base_url = "http://127.0.0.1:8000/v1"

[tool.qeval.models."my-model"]
like = "qwen3-8b"
price = {currency = "USD", input_per_mtok = 0.1, tiers = [{above_input_tokens = 9}]}

[tool.qeval.tolerances]
latency = 0.2
"""


def test_a_project_without_settings_has_the_default_folders(write: Write, tmp_path: Path) -> None:
    project = find_project(write("", "suites/deep/s.yaml"))
    root = tmp_path.resolve()

    assert project.root == root
    assert (project.suites, project.cassettes, project.reports) == (
        root / "suites",
        root / "cassettes",
        root / "reports",
    )
    assert (project.mode, project.region, project.concurrency) == ("replay", None, None)


def test_settings_are_read_and_their_values_kept_as_written(write: Write, tmp_path: Path) -> None:
    write(SETTINGS, "pyproject.toml")

    project = find_project(write("", "suites/s.yaml"))

    assert project.reports == tmp_path.resolve() / "out/reports"
    assert (project.mode, project.region) == ("live", "${REGION:-cn-beijing}")
    assert project.default_targets == ("mine",)
    assert (project.concurrency, project.timeout_s) == (8, 2.5)
    assert project.targets == {
        "mine": Target(model="my-model", base_url="http://127.0.0.1:8000/v1")
    }
    price = {"currency": "USD", "input_per_mtok": 0.1, "tiers": ({"above_input_tokens": 9},)}
    assert project.models == {"my-model": {"like": "qwen3-8b", "price": price}}
    assert project.tolerances == {"latency": 0.2}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("like = 3", 'like wants text, got 3\n\nhint: write it in quotes: like = "3"'),
        (
            'like = "qwen-plas"',
            "like 'qwen-plas' is no model of the built-in table\n\nhint: did you mean 'qwen-plus'?",
        ),
        (
            'dialects = ["chatt"]',
            (
                "dialects 'chatt' is none of chat, dashscope-multimodal, dashscope-text, responses"
                "\n\nhint: did you mean 'chat'?"
            ),
        ),
        (
            'price = {currency = "dollars"}',
            (
                "currency 'dollars' is no currency code\n\n"
                "hint: write three capitals, as ISO 4217 has them: USD, CNY"
            ),
        ),
        (
            "price = {currency = 840}",
            'currency wants text, got 840\n\nhint: write it in quotes: currency = "840"',
        ),
        (
            (
                'price = {currency = "USD", tiers = [{above_input_tokens = 9}, '
                "{above_input_tokens = 9}]}"
            ),
            "two tiers begin above 9 input tokens\n\nhint: keep one of them",
        ),
        (
            "context_tokens = inf",
            (
                "models.m.context_tokens: inf is no JSON value\n\n"
                "hint: write text in quotes, else a number, true or false"
            ),
        ),
        (
            'date = "yesterday"',
            "date 'yesterday' is no date\n\nhint: write year, month and day: 2026-11-23",
        ),
        (
            'tokenizer = "none.json"',
            (
                "tokenizer 'none.json' is not there\n\n"
                "hint: paths begin at the folder of the file that they are written in"
            ),
        ),
    ],
)
def test_a_row_of_the_model_table_is_checked(line: str, told: str, write: Write) -> None:
    write(f"[tool.qeval.models.m]\n{line}\n", "pyproject.toml")

    with pytest.raises(SuiteError) as caught:
        find_project(write("", "suites/s.yaml"))

    assert str(caught.value) == f"pyproject.toml:2: {told}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("default_targets = [3]", "default_targets wants text, got 3"),
        ("region = true", "region wants text, got true"),
        ('region = "nowhere"', "region 'nowhere' is no region of Model Studio"),
        ("concurrency = 2.5", "concurrency wants a whole number, got 2.5"),
        ("timeout_s = 0", "timeout_s 0 is out of range: > 0 and ≤ 86400"),
        ("tolerances = {laetncy = 0.1}", "unknown key 'laetncy' in [tool.qeval.tolerances]"),
        ("tolerances = {cost = -1}", "cost -1 is out of range: ≥ 0 and < 10"),
        ('tolerances = {cost = "10 %"}', "cost wants a number, got '10 %'"),
        ("tolerances = {cost = true}", "cost wants a number, got true"),
    ],
)
def test_settings_are_checked_by_type_and_range(text: str, told: str, write: Write) -> None:
    write(f"[tool.qeval]\n{text}\n", "pyproject.toml")

    with pytest.raises(SuiteError) as caught:
        find_project(write("", "suites/s.yaml"))

    assert caught.value.mistakes == (f"pyproject.toml:2: {told}",)


def test_a_date_may_stand_without_quotes_and_a_mark_before_the_file(write: Write) -> None:
    write("\ufeff[tool.qeval.models.m]\ndate = 2026-11-23\n", "pyproject.toml")

    assert find_project(write("", "suites/s.yaml")).models == {"m": {"date": "2026-11-23"}}


def test_the_measures_are_those_that_comparisons_take() -> None:
    assert set(MEASURES) == set(TOLERANCES)


def test_the_nearest_suites_folder_decides(write: Write, tmp_path: Path) -> None:
    assert find_project(write("", "suites/inner/suites/s.yaml")).root == (
        tmp_path.resolve() / "suites/inner"
    )


def test_without_a_suites_folder_the_root_is_the_working_directory(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    assert find_project(write("", "elsewhere/s.yaml")).root == (tmp_path / "here").resolve()


def test_every_mistake_in_the_settings_is_told_with_its_line(write: Write) -> None:
    write(
        "[tool.qeval]\nmod = 'live'\nreports = '../out'\nconcurrency = 0\n\n"
        "[tool.qeval.targets.mine]\nmodel = 'm'\ntemperature = 1\n\n"
        "[tool.qeval.models.m]\nprize = 3\nprice = {input_per_mtok = -1}\n",
        "pyproject.toml",
    )

    with pytest.raises(SuiteError) as caught:
        find_project(write("", "suites/s.yaml"))

    assert caught.value.mistakes == (
        "pyproject.toml:2: unknown key 'mod' in [tool.qeval]",
        "pyproject.toml:3: reports '../out' leads out of the project",
        "pyproject.toml:4: concurrency 0 is out of range: ≥ 1 and ≤ 10000",
        "pyproject.toml:8: unknown key 'temperature' in the target",
        "pyproject.toml:11: unknown key 'prize' in the model",
        "pyproject.toml:12: input_per_mtok -1 is out of range: ≥ 0",
        "pyproject.toml:12: the price lacks 'currency'",
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[tool.qeval]\nmode = \n", "pyproject.toml:2"),
        ("[tool]\nqeval = 3\n", "pyproject.toml:2"),
        ("[tool.qeval]\nregion = 1979-05-27\n", "pyproject.toml:2"),
    ],
)
def test_a_file_that_is_no_toml_or_no_table_is_a_mistake(
    text: str, where: str, write: Write
) -> None:
    write(text, "pyproject.toml")

    with pytest.raises(SuiteError) as caught:
        find_project(write("", "suites/s.yaml"))

    assert caught.value.where == where
