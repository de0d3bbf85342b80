"""How margins and levels are written on the command line."""

import argparse

import pytest

from qeval.cli import judging


@pytest.mark.parametrize(
    ("text", "share"), [("0.05", 0.05), ("5%", 0.05), ("2.5 %", 0.025), ("0", 0.0), ("1e-2", 0.01)]
)
def test_shares_are_written_as_fractions_or_percent(text: str, share: float) -> None:
    assert judging.share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "five", "5 points", "%", "0,05"])
def test_what_is_no_share_is_told(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a share such as 0\.05 or 5%"):
        judging.share(text)
