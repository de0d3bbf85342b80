"""`qeval schema`: the JSON Schema of a suite file, for editors."""

from __future__ import annotations

import argparse


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = (
        "Print the JSON Schema of suite files: `qeval schema > qeval.schema.json`."
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    import json

    from qeval.loading.schema import json_schema

    del arguments
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
