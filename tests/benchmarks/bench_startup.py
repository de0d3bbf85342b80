"""`qeval --help` over a bare argparse, interleaved, minimum of 20. Aim: ≤ 1.6."""

from side_by_side import interleaved, python

taken = interleaved(
    {
        "argparse, json": python("-c", "import argparse, json"),
        "qeval --help": python("-m", "qeval", "--help"),
    },
    times=20,
)
floor = min(taken["argparse, json"])
ours = min(taken["qeval --help"])
print(f"import argparse, json  {floor * 1000:6.1f} ms")
print(f"qeval --help           {ours * 1000:6.1f} ms   ratio {ours / floor:.2f}   (aim ≤ 1.6)")
