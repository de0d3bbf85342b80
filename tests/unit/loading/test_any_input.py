from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qeval.errors import SuiteError
from qeval.loading import read

SUITES = Path(__file__).parents[2] / "data/suites"
TEXTS = [path.read_text(encoding="utf-8") for path in sorted(SUITES.glob("*.yaml"))]
SCRAPS = st.sampled_from(
    [
        "",
        ":",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "null",
        "1",
        "true",
        "x: ",
        "\n",
        "{{ a }}",
        "!!int ",
        "&a ",
        "*a",
        "'",
        '"',
        "\t",
        "|",
        "~",
        "\U0001f600",
        "checks",
        "user",
        "[[]]",
        "{}",
    ]
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_is_written_is_read_or_told(data: st.DataObject, tmp_path: Path) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(SCRAPS) + text[end:]
    path = tmp_path / "suites/s.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")

    try:
        suite = read(path).suite
    except SuiteError as error:
        assert error.mistakes  # noqa: PT017  # both ends are good
        assert all(line.startswith(("suites/", "extends")) for line in error.mistakes)  # noqa: PT017
    else:
        assert suite.format == 1
