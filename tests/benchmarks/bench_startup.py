"""`qeval --help` over a bare argparse, interleaved, minimum of 20. Aim: ≤ 1.6."""

import sys
from pathlib import Path

from side_by_side import interleaved, python

INSTALLED = Path(sys.executable).with_name("qeval")
taken = interleaved(
    {
        "argparse, json": python("-c", "import argparse, json"),
        "qeval --help": [str(INSTALLED), "--help"],
    },
    times=20,
)
floor = min(taken["argparse, json"])
ours = min(taken["qeval --help"])
print(f"import argparse, json  {floor * 1000:6.1f} ms")
print(f"qeval --help           {ours * 1000:6.1f} ms   ratio {ours / floor:.2f}   (aim ≤ 1.6)")
