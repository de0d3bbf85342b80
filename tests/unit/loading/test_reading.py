from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.errors import SuiteError
from qeval.loading import read
from qeval.suite import Suite

Told = Callable[..., str]
Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("name", "identity"),
    [("suites/facts.yaml", "facts"), ("suites/wire/chat.yml", "wire/chat"), ("suites/a.json", "a")],
)
def test_the_id_is_the_path_below_the_suites_folder(name: str, identity: str, write: Write) -> None:
    assert read(write('{"tags": ["x"]}', name)).id == identity


def test_outside_a_suites_folder_the_id_is_the_path_below_the_root(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert read(write("tags: [x]\n", "mine.yaml")).id == "mine"
    assert read(Path("mine.yaml")).source.where(("tags",)) == "mine.yaml:1"


@pytest.mark.parametrize("name", ["suites/my suite.yaml", "suites/nul.yaml", "suites/ä/b.yaml"])
def test_a_path_that_makes_no_id_is_refused(name: str, told: Told) -> None:
    text = told("tags: [x]\n", name)

    assert text.startswith(f"{name}:1: the suite's path is its id, and ")
    assert text.endswith("hint: rename the file")


def test_a_file_that_is_not_there_names_the_nearest(write: Write, tmp_path: Path) -> None:
    write("tags: [x]\n", "suites/facts.yaml")

    with pytest.raises(SuiteError) as caught:
        read(tmp_path / "suites/fact.yaml")

    assert str(caught.value) == (
        "suites/fact.yaml: there is no such file\n\nhint: did you mean 'suites/facts.yaml'?"
    )


def test_a_folder_and_another_suffix_are_no_suite(write: Write, tmp_path: Path, told: Told) -> None:
    assert told("x", "suites/s.txt") == (
        "suites/s.txt: a suite is a .yaml, .yml, .json or .py file\n\nhint: rename the file"
    )
    with pytest.raises(SuiteError, match="this is a folder"):
        read(tmp_path / "suites")


def test_bytes_that_are_not_utf_8_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "suites/s.yaml"
    path.parent.mkdir()
    path.write_bytes(b"tags: [x]\nsystem: caf\xe9\n")

    with pytest.raises(SuiteError) as caught:
        read(path)

    assert str(caught.value) == (
        "suites/s.yaml:2: not UTF-8: byte 0xe9\n\nhint: save the file as UTF-8"
    )


def test_a_byte_order_mark_is_no_mistake(write: Write) -> None:
    assert Suite.load(write("\ufefftags: [x]\n")).tags == ("x",)


@pytest.mark.parametrize(("text", "said"), [("- a\n", 'a list: ["a"]'), ("hello\n", "'hello'")])
def test_a_file_that_holds_no_mapping_is_refused(text: str, said: str, told: Told) -> None:
    assert told(text) == (
        f"suites/s.yaml:1: a suite wants a mapping, got {said}\n\n"
        "hint: begin it with a line `targets: [qwen-plus]` and a line `cases:`"
    )


def test_text_is_kept_to_the_letter(write: Write) -> None:
    suite = read(write('system: "a\\tb\\u0000c"\nvars: {x: 1.0, y: yes, z: 2024-01-31}\n')).suite

    assert suite.system == "a\tb\0c"
    assert suite.vars == {"x": 1.0, "y": "yes", "z": "2024-01-31"}


def test_a_text_of_null_is_none_where_none_has_a_meaning(write: Write, told: Told) -> None:
    assert read(write("system: null\n")).suite.system is None
    assert told("description: null\n") == (
        "suites/s.yaml:1: description wants text, got null\n\n"
        'hint: in quotes it is text: `description: "null"`'
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "trials: 99999999999999999999",
            "trials 99999999999999999999 is out of range: ≥ 1 and ≤ 1000000",
        ),
        ("passes: 1/9999999", "passes '1/9999999' asks more than 1,000,000 times"),
        (
            "targets: {t: {timeout_s: 1.0e+300}}",
            "timeout_s 1e+300 is out of range: > 0 and ≤ 86400",
        ),
        (
            "params: {repetition_penalty: -1.0e+300}",
            "repetition_penalty -1e+300 is out of range: > 0",
        ),
        ("max_turns: 51", "max_turns 51 is out of range: ≥ 1 and ≤ 50"),
    ],
)
def test_a_number_that_would_never_end_is_refused(line: str, said: str, told: Told) -> None:
    assert told(f"{line}\n").startswith(f"suites/s.yaml:1: {said}")


def test_a_file_of_another_encoding_says_which(tmp_path: Path) -> None:
    path = tmp_path / "suites/s.yaml"
    path.parent.mkdir()
    path.write_bytes("tags: [x]".encode("utf-16-le"))

    with pytest.raises(SuiteError) as caught:
        read(path)

    assert str(caught.value) == (
        "suites/s.yaml:1: not UTF-8: this looks like UTF-16\n\nhint: save the file as UTF-8"
    )


def test_a_number_too_large_for_steps_of_one_is_within_an_open_range(write: Write) -> None:
    suite = read(write("params: {repetition_penalty: 1.0e+300}\n")).suite

    assert suite.params["repetition_penalty"] == 1e300
