"""`qeval schema`: the JSON Schema of a suite file, for editors."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from qeval.cli.choosing import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command: argparse.ArgumentParser = commands.add_parser(
        "schema",
        help="print the JSON Schema of suite files",
        description="Print the JSON Schema of suite files: `qeval schema > qeval.schema.json`.",
    )
    command.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    import json

    from qeval.loading.schema import json_schema

    del arguments
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
