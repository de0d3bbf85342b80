from pathlib import Path

import pytest

from qeval.loading.cases.data import read_table

Said = list[tuple[int | None, str]]


def table(tmp_path: Path, name: str, data: bytes | str) -> tuple[list[object], list[int], Said]:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    said: Said = []

    def say(line: int | None, message: str, hint: str | None) -> None:
        assert hint, f"nothing helps against {message!r}"
        said.append((line, message))

    read = read_table(path, name, say)
    return list(read.rows), [read.line(i) for i in range(len(read.rows))], said


@pytest.mark.parametrize(
    ("name", "data", "rows", "lines"),
    [
        pytest.param("q.jsonl", '{"a":1}\n{"a":"x"}\n', [{"a": 1}, {"a": "x"}], [1, 2], id="jsonl"),
        pytest.param("q.jsonl", '\n{"a":1}\r\n\n{"a":2}', [{"a": 1}, {"a": 2}], [2, 4], id="gaps"),
        pytest.param(
            "q.json", '[\n {"a": 1},\n\n {"a": [2]}]', [{"a": 1}, {"a": [2]}], [2, 4], id="json"
        ),
        pytest.param(
            "q.yaml", "- a: no\n- {a: 12:00}\n", [{"a": "no"}, {"a": "12:00"}], [1, 2], id="yaml"
        ),
        pytest.param(
            "q.csv",
            "a,b\n1,x\n2,y\n",
            [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}],
            [2, 3],
            id="csv",
        ),
        pytest.param(
            "q.csv",
            '\ufeffa\r\n"x\r\ny"\r\n2\r\n',
            [{"a": "x\r\ny"}, {"a": "2"}],
            [2, 4],
            id="csv-bom-and-lines",
        ),
        pytest.param("q.tsv", 'a\tb\n"x\ty"\tz\n', [{"a": "x\ty", "b": "z"}], [2], id="tsv"),
        pytest.param("q.JSONL", b'\xef\xbb\xbf{"a":1}', [{"a": 1}], [1], id="suffix-and-bom"),
        pytest.param("q.jsonl", "", [], [], id="empty"),
    ],
)
def test_rows_are_read_with_their_lines(
    tmp_path: Path, name: str, data: bytes | str, rows: list[object], lines: list[int]
) -> None:
    assert table(tmp_path, name, data) == (rows, lines, [])


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("q.jsonl", '{"a":1}\n{"a":\n[1]\n', [
            (2, "not JSON: Input data was truncated"),
            (3, "a row is an object, got a list"),
        ]),
        ("q.jsonl", b'{"a":"\xff"}', [(1, "not UTF-8: byte 0xff")]),
        ("q.json", '[\n{"a" 1}]', [(2, "not JSON: expected ':' (byte 7)")]),
        ("q.json", '{"a": 1}', [(1, "the file holds a list of rows, got a mapping")]),
        ("q.json", "[{},\n7]", [(2, "a row is a mapping, got a number")]),
        ("q.yaml", "- {a: 1}\n- 7\n", [(2, "a row is a mapping, got a number")]),
        ("q.csv", "a,b\n1,2\n1,2,3\n1\n", [
            (3, "3 fields; the header has 2"),
            (4, "1 fields; the header has 2"),
        ]),
        ("q.csv", "", [(1, "the first line names the columns, and there is none")]),
        ("q.csv", "a,a\n1,2\n", [(1, "two columns are called 'a'")]),
        ("q.csv", "a;b\n1;2\n", [(1, "one column, called 'a;b'")]),
        ("q.csv", 'a\n"x', [(2, "not CSV: unexpected end of data")]),
        ("q.csv", b"a\n\xff\n", [(2, "not UTF-8: byte 0xff")]),
        ("q.xlsx", "", [(None, "data is a .jsonl, .json, .yaml, .yml, .csv or .tsv file")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, name: str, data: bytes | str, said: Said
) -> None:
    assert table(tmp_path, name, data)[2] == said


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    rows, _, _ = table(tmp_path, "q.jsonl", '{"a":123456789012345678901234567890}')

    assert rows == [{"a": 123456789012345678901234567890}]


def test_long_fields_are_read(tmp_path: Path) -> None:
    rows, _, said = table(tmp_path, "q.csv", "a\n" + "x" * 200_000 + "\n")

    assert rows == [{"a": "x" * 200_000}]
    assert not said
