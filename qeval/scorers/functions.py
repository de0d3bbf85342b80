"""The `python` check: a function of the user's judges."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from qeval.errors import ScorerError
from qeval.record import Evidence, Score
from qeval.scorers.base import Home, Scorer, register
from qeval.scorers.wording import REASON, first_line, plain
from qeval.value import Json, Value


@register("python")
class Python(Value):
    """A function judges: `f(value, evidence, **args)`, plain or async.

    It returns a bool, a number in [0, 1], or a `Score`. AssertionError fails the check with the
    first line of its message, or the line of code that asserted; any other exception is an error
    of the trial, never a failed check. So is returning nothing: a check that ends in asserts
    returns True after them.
    """

    function: str
    """`path.py:function`, relative to the suite's file, or `package.module:function`."""
    args: dict[str, Any] = {}

    def bind(self, home: Home) -> Scorer:
        """Find the function."""
        return Bound(function=find(self.function, home), args=self.args)


class Bound(Value):
    """A function that was found."""

    slow: ClassVar[bool] = True
    function: Callable[..., Any]
    args: dict[str, Any]

    def score(self, evidence: Evidence) -> Score:
        """Call the function and read what it returns.

        Raises:
            ScorerError: It raised anything but AssertionError, or returned something else.
        """
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        try:
            result = self.function(evidence.value, evidence, **self.args)
            if isinstance(result, Awaitable):
                result = awaited(result)
        except AssertionError as error:
            return Score(value=0.0, passed=False, reason=first_line(error) or _asserted(error))
        except (Exception, SystemExit) as error:
            told = plain(f"{type(error).__name__}: {first_line(error)}", REASON)
            raise ScorerError(f"python check {name} raised {told}") from error
        return _read(result, name)


def find(name: str | Callable[..., Any], home: Home) -> Callable[..., Any]:
    """Return the function of that name, or the function itself.

    Raises:
        ValueError: There is no such file, module or function, or it lies outside the project.
    """
    if not isinstance(name, str):
        return name
    place, _, attribute = name.rpartition(":")
    if not place or not attribute:
        raise ValueError(f"python {name!r} is not path.py:function or package.module:function")
    module = _from_file(place, home) if place.endswith(".py") else _from_package(place, home)
    function = getattr(module, attribute, None)
    if callable(function):
        found: Callable[..., Any] = function
        return found
    raise ValueError(f"{place} has no function {attribute!r}")


def _from_package(name: str, home: Home) -> ModuleType:
    """Import a module that is installed, or lies below the project's root."""
    from importlib import import_module

    root = str(home.root.resolve())
    sys.path.append(root)
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{name} cannot be imported: {_why(error)}") from error
    finally:
        if root in sys.path:
            del sys.path[len(sys.path) - 1 - sys.path[::-1].index(root)]


def _from_file(name: str, home: Home) -> ModuleType:
    path = (home.folder / name).resolve()
    if not path.is_relative_to(home.root.resolve()):
        raise ValueError(f"{name!r} lies outside the project")
    if not path.is_file():
        raise ValueError(f"{name!r}: no such file")
    try:
        return _load(path)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{name} cannot be run: {_why(error)}") from error


def _why(error: BaseException) -> str:
    return plain(f"{type(error).__name__}: {first_line(error)}", REASON)


@lru_cache(maxsize=256)
def _load(path: Path) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    name = f"_qeval_check_{sha256(str(path).encode()).hexdigest()[:12]}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = module_from_spec(spec)
    # Dataclasses and pickling look a class's module up by name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def awaited(awaitable: Awaitable[Any]) -> Any:
    """Wait for an async function, in a loop of its own: one may be running here already."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    async def wait() -> Any:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, wait()).result()


def _asserted(error: AssertionError) -> str:
    """Return the line of code that asserted."""
    import traceback

    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.line]
    return lines[-1] if lines else "an assertion failed"


def _read(result: Json, name: str) -> Score:
    if isinstance(result, Score):
        return result
    if isinstance(result, bool):
        return Score(value=float(result), reason=f"{name} returned {result}")
    if isinstance(result, int | float) and 0 <= result <= 1:
        return Score(value=float(result), reason=f"{name} returned {result:g}")
    # What a type makes of itself as text may hold an address, and replays must not differ.
    told = f"{result:g}" if isinstance(result, int | float) else f"{type(result).__name__}"
    raise ScorerError(f"python check {name} returned {told}, not a bool, 0 to 1, or a Score")
