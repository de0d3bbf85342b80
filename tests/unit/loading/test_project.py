from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.errors import SuiteError
from qeval.loading.project import find_project
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
latency_s = 0.2
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
    assert project.tolerances == {"latency_s": 0.2}


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
        "pyproject.toml:4: concurrency 0 is out of range: ≥ 1",
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
        ("[tool.qeval]\nregion = 1979-05-27\n", "pyproject.toml:1"),
    ],
)
def test_a_file_that_is_no_toml_or_no_table_is_a_mistake(
    text: str, where: str, write: Write
) -> None:
    write(text, "pyproject.toml")

    with pytest.raises(SuiteError) as caught:
        find_project(write("", "suites/s.yaml"))

    assert caught.value.where == where
