"""The page's colours: text at least 4.5:1 on everything it stands on, marks 3:1, in both themes."""

import re
from pathlib import Path

import pytest

from qeval.report import html

STYLE = (Path(html.__file__).parent / "static" / "palette.css").read_text(encoding="utf-8")
COLOURS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", STYLE)
}


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_ratio_is_that_of_the_standard() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [(text, ground) for text in ("ink", "ink2", "ink3", "link", "worse", "better", "odd", "nc") for ground in ("bg", "surface", "sunk")]
    + [(word, f"{word}-t") for word in ("worse", "better", "odd", "same", "nc")]
    + [("surface", f"k{column}") for column in range(8)]
    + [("ink", "del"), ("ink", "ins"), ("surface", "ink")],
)  # fmt: skip
def test_text_can_be_read(text: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[text][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("mark", ["worse", "better", "odd", "same", *(f"k{n}" for n in range(8))])
def test_marks_stand_out_from_the_card_and_the_margin(mark: str, theme: int) -> None:
    for ground in ("surface", "band"):
        assert contrast(COLOURS[mark][theme], COLOURS[ground][theme]) >= 3
