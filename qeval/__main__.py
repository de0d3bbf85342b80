"""`python -m qeval`, and the console script."""

from __future__ import annotations

import sys

from qeval.cli import main

if __name__ == "__main__":
    sys.exit(main())
