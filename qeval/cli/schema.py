"""`qeval schema`: the JSON Schema of a suite file, for editors."""

from __future__ import annotations

import argparse

from qeval.cli.terminal import give_json


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = (
        "Print the JSON Schema of suite files: `qeval schema > qeval.schema.json`."
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    from qeval.loading.schema import json_schema

    del arguments
    give_json(json_schema())
    return 0
