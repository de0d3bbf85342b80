"""`qeval init`: a first suite, a script of answers for the simulator, and a test."""

from __future__ import annotations

import argparse

from qeval.cli.terminal import give, say

SUITE = """\
description: A first suite. Change a question, and replay says what no longer fits.
targets: [qwen-plus]
scenarios: [factual_qa]
checks: [max_output_tokens: 80]
cases:
  - user: What is the capital of France?
    checks: [contains: Paris]
  - id: sum
    grid: {a: [17, 3], b: [25]}
    user: What is {{ a }} + {{ b }}?
    checks: [equals_number: "{{ a + b }}"]
"""

SCRIPT = """\
# Invented answers for suites/first.yaml, for trying it without a key.
rules:
  - match: "capital of France"
    reply: The capital of France is Paris.
  - match: '17 \\+ 25'
    reply: "42"
  - match: '3 \\+ 25'
    reply: "28"
"""

TEST = """\
import qeval


def test_answers_are_as_good_as_recorded():
    result = qeval.run("suites/first.yaml")

    assert result.passed, result.table()
"""

FILES = {
    "suites/first.yaml": SUITE,
    "suites/first.simulator.yaml": SCRIPT,
    "tests/test_first.py": TEST,
}

NEXT = """\
Next, in two shells:

    qeval simulate suites/first.simulator.yaml
    qeval run suites/first.yaml --mode record --base-url http://127.0.0.1:8765/compatible-mode/v1

and from then on, without key or network:

    qeval run suites/first.yaml

With a key in DASHSCOPE_API_KEY, `qeval run suites/first.yaml --mode refresh` asks the real model.
"""


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = "Write a first suite, a simulator script and a test into a folder."
    command.add_argument("folder", nargs="?", default=".")


def execute(arguments: argparse.Namespace) -> int:
    """Write the files; nothing that is there already is touched."""
    from contextlib import suppress
    from pathlib import Path

    from qeval.errors import UsageError

    folder = Path(arguments.folder)
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise UsageError(
            f"{', '.join(there)}: there already",
            hint="choose an empty folder: `qeval init NAME`",
        )
    for name, text in FILES.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            with suppress(OSError):  # lest the next try finds half a file there already
                path.unlink(missing_ok=True)
            raise UsageError(
                f"cannot write {path}: {error.strerror}",
                hint="choose a folder that can be written: `qeval init NAME`",
            ) from None
        give(path)
    say(f"\n{NEXT}", end="")
    return 0
