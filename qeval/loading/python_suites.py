"""Suites in Python: `suite = Suite(…)` at the top of a file."""

from __future__ import annotations

import ast
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import msgspec

from qeval.errors import QevalError
from qeval.loading.nodes import Node, OddValueError, dress
from qeval.loading.walking import Walk
from qeval.suite import Check, Suite

NAME = "suite"


def compose_python(text: str, path: Path, walk: Walk) -> Node | None:
    """Run a Python file and dress its `suite` as nodes; every line is that of `suite =`.

    Returns:
        None where the file does not run, or has no suite; the mistake is noted.
    """
    line = _line_of_suite(text)
    suite = _run(path, walk)
    if suite is None:
        return None
    if not isinstance(suite, Suite):
        message = f"no `{NAME} = Suite(…)` at the top of the file"
        walk.say_at(line, message, "write `from qeval import Suite` and `suite = Suite(…)`")
        return None
    walk.dressed = True
    try:
        return dress(written(suite), lambda _path: line)
    except RecursionError:
        message = "something in the suite stands inside itself, so it would never end"
        walk.say_at(line, message, "write out what it is to hold")
    except OddValueError as error:
        hint = "write text, numbers, True, False, None, lists, dicts, or a function"
        walk.say_at(line, str(error), hint)
    return None


def written(value: Any) -> Any:
    """Return an authored value as the mappings and lists that YAML would have held.

    >>> written(Suite(targets=["qwen-plus"], checks=[Check("is_json")]))
    {'checks': [{'is_json': None}], 'targets': ['qwen-plus']}
    """
    if isinstance(value, Check):
        return value.entries
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(type(value))
        pairs = ((field, getattr(value, field.name)) for field in fields)
        return {f.encode_name: written(item) for f, item in pairs if not _left_out(f, item)}
    if isinstance(value, dict):
        return {key: written(item) for key, item in value.items()}
    return [written(item) for item in value] if isinstance(value, list | tuple) else value


def _left_out(field: msgspec.structs.FieldInfo, value: Any) -> bool:
    if field.default is not msgspec.NODEFAULT:
        return value is field.default or (
            type(value) is type(field.default) and value == field.default
        )
    return field.default_factory is not msgspec.NODEFAULT and not value


def _line_of_suite(text: str) -> int:
    """Return the line, from 0, where `suite` is given its value."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return 0
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == NAME for target in targets):
            return node.lineno - 1
    return 0


def _run(path: Path, walk: Walk) -> Any:
    """Run the file as a module, with the project's root on the path, and return its `suite`."""
    spec = spec_from_file_location(f"_qeval_suite_{path.stem}", path)
    assert spec is not None  # noqa: S101  # its suffix is .py
    assert spec.loader is not None  # noqa: S101
    module = module_from_spec(spec)
    root = str(walk.root)
    sys.path.insert(0, root)
    written_before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the user's file raises
        _tell(error, path, walk)
        return None
    finally:
        sys.dont_write_bytecode = written_before
        if root in sys.path:
            sys.path.remove(root)
    return getattr(module, NAME, msgspec.UNSET)


def _tell(error: BaseException, path: Path, walk: Walk) -> None:
    """Note why a file does not run, on the last of its own lines that was reached."""
    line = 1
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line = error.lineno or 1
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    reason = error.message if isinstance(error, QevalError) else (str(error) or "no message")
    hint = f"see all of it with `python {walk.name}`"
    walk.say_at(line - 1, f"{type(error).__name__}: {reason}", hint)
