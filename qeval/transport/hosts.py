"""Where a target lives: the real address and key for a live call.

They are looked up in the environment, and only when a request is about to leave. What is said
of a target without them, its alias, is `qeval.dialects.service`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import UNSET

from qeval.dialects.service import (
    SHARED_HOSTS,
    STUDIO_PATHS,
    VARIABLE,
    WORKSPACE_HOSTS,
    Endpoint,
    endpoint,
    is_studio,
    studio_path,
)
from qeval.errors import TargetError, suggestion
from qeval.suite import Target
from qeval.value import Value

__all__ = [
    "DEFAULT_KEY",
    "DEFAULT_REGION",
    "SHARED_HOSTS",
    "Endpoint",
    "Resolved",
    "Settings",
    "endpoint",
    "resolve",
    "secrets",
]

DEFAULT_REGION = "ap-southeast-1"
DEFAULT_KEY = "DASHSCOPE_API_KEY"

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:\d{1,5})?"
    r"(?P<path>(?:/[A-Za-z0-9._~%+=@:,-]*)*)"
)
"""Nothing but scheme, host, port and path, so that no two readers see different hosts in it."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")


class Resolved(Value):
    """Where a call really goes, and with what. Its repr shows neither key nor headers."""

    base_url: str
    key: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    source: str = "endpoint"
    timeout_s: float | None = None
    """The target's own limit for one attempt; None: the run's."""

    def __repr__(self) -> str:
        return f"Resolved({self.base_url!r})"


class Settings(Value):
    """What decides on addresses beside the targets: the project's and the command line's."""

    region: str | None = None
    workspace: str | None = None
    base_url: str | None = None
    """A server that stands in for every target, such as the simulator: its host, or any of its
    addresses. It gets no key and no header of the target, since none was named for it."""


def resolve(
    target: Target, target_id: str, settings: Settings, environ: Mapping[str, str]
) -> Resolved:
    """Return where a target's calls go, now that one is about to leave.

    The region is the target's, else the project's, else `DASHSCOPE_REGION`, else Singapore;
    the workspace likewise. `DASHSCOPE_BASE_URL` is ignored, since it carries a path.

    Raises:
        TargetError: The region is unknown or has no shared host, a variable is not set, or
            what they hold is no address or header.
    """
    return _Resolving(target, target_id, environ).resolve(settings)


def secrets(
    targets: Iterable[Target], environ: Mapping[str, str], *, least: int = 8
) -> tuple[str, ...]:
    """Return every value that must never be written: keys, and what headers take from variables.

    Nothing is refused here: a variable that is not set has no value to guard.

    Args:
        targets: Whose keys and headers.
        environ: Where the values are.
        least: Values shorter than this many characters are not guarded: they would be found
            in every other word.
    """
    names = {DEFAULT_KEY}
    for target in targets:
        if isinstance(target.api_key_env, str):
            names.add(target.api_key_env)
        for value in target.headers.values():
            names.update(match[1] for match in VARIABLE.finditer(value))
    values = {environ.get(name, "").strip() for name in names}
    return tuple(sorted(value for value in values if len(value) >= least))


class _Resolving:
    """One resolution, so that its errors can name the target."""

    def __init__(self, target: Target, target_id: str, environ: Mapping[str, str]) -> None:
        self._target = target
        self._id = target_id
        self._environ = environ

    def resolve(self, settings: Settings) -> Resolved:
        target = self._target
        if settings.base_url is not None:
            return self._stand_in(settings.base_url)
        if target.base_url is not None:
            base = self._address(self._expand(target.base_url, "base_url"), target.base_url)
            place = f"at {base}"
        else:
            region = self._region(settings)
            base = f"https://{self._host(region, settings)}{studio_path(target)}"
            place = f"region {region}"
        at_home = base.startswith("https://") and is_studio(base.split("/")[2])
        return Resolved(
            base_url=base,
            key=self._key(place, default=DEFAULT_KEY if at_home else None),
            headers=self._headers(),
            source=endpoint(target).source,
            timeout_s=target.timeout_s,
        )

    def _stand_in(self, override: str) -> Resolved:
        base = self._address(override, override)
        home = endpoint(self._target)
        if home.source == "model-studio":  # one of its paths stands for the other, too
            for path in STUDIO_PATHS:
                base = base.removesuffix(path)
        if base.count("/") == 2:  # a bare host: what it stands in for says the path
            base = "/".join([base, *home.base.split("/", 3)[3:]])
        return Resolved(base_url=base, timeout_s=self._target.timeout_s)

    def _error(self, fact: str, hint: str | None = None) -> TargetError:
        return TargetError(f"target {self._id!r}: {fact}", hint=hint)

    def _expand(self, text: str, key: str) -> str:
        """Put values for `${NAME}` and `${NAME:-default}`; as in a shell, empty counts as unset."""

        def value(match: re.Match[str]) -> str:
            found = self._environ.get(match[1]) or match[2]
            if found is None:
                raise self._error(
                    f"{match[1]} is not set (for {key})", f"type `export {match[1]}=…`"
                )
            return found

        return VARIABLE.sub(value, text).strip()

    def _address(self, text: str, written: str) -> str:
        """Check an address. Messages show it as written, without values and without a query."""
        match = _ADDRESS.fullmatch(text.rstrip("/"))
        if match is None or int((match["port"] or ":1")[1:]) not in range(1, 65536):
            if "@" in text:  # may hold a password, so it is not shown
                raise self._error(
                    "its base_url holds a user name", "name the key's variable with `api_key_env`"
                )
            raise self._error(
                f"{written.partition('?')[0]!r} is not an address",
                "write scheme, host and path, such as http://127.0.0.1:8000/v1",
            )
        return match[0]

    def _region(self, settings: Settings) -> str:
        said = self._target.region or settings.region
        region = said or self._environ.get("DASHSCOPE_REGION") or DEFAULT_REGION
        region = self._expand(region, "region")
        if region not in SHARED_HOSTS:
            raise self._error(
                f"unknown region {region!r}", suggestion("region", region, SHARED_HOSTS)
            )
        return region

    def _host(self, region: str, settings: Settings) -> str:
        said = self._target.workspace or settings.workspace
        workspace = self._expand(
            said or self._environ.get("DASHSCOPE_WORKSPACE") or "", "workspace"
        )
        if workspace:
            if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", workspace):
                raise self._error(
                    f"workspace {workspace!r} is not an id",
                    "copy the id from the console: letters, digits and hyphens",
                )
            return f"{workspace}.{region}{WORKSPACE_HOSTS}"
        shared = SHARED_HOSTS[region]
        if shared is None:
            raise self._error(
                f"region {region} has no shared host",
                "set the target's `workspace`, or type `export DASHSCOPE_WORKSPACE=…`",
            )
        return shared

    def _key(self, place: str, default: str | None) -> str | None:
        named = self._target.api_key_env
        variable = default if named is UNSET else named
        if not variable or self._has_authorization():
            return None
        key = self._environ.get(variable, "").strip()
        if not key:
            raise self._error(
                f"{variable} is not set ({place})", f"type `export {variable}=…` with a key for it"
            )
        if not re.fullmatch(r"[\x21-\x7e]+", key):
            raise self._error(f"{variable} holds what no key holds: blanks or non-ASCII characters")
        if {key[0], key[-1]} & {"'", '"'}:  # copied from a .env file, quotation marks and all
            raise self._error(
                f"{variable} begins or ends with a quotation mark", f"type `export {variable}=…`"
            )
        return key

    def _has_authorization(self) -> bool:
        return any(name.lower() == "authorization" for name in self._target.headers)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        return tuple(
            (self._header_name(name), self._header_value(name, value))
            for name, value in self._target.headers.items()
        )

    def _header_name(self, name: str) -> str:
        if not _HEADER_NAME.fullmatch(name):
            raise self._error(f"{name!r} is not a header's name")
        return name.lower()

    def _header_value(self, name: str, value: str) -> str:
        expanded = self._expand(value, f"header {name}")
        if not _HEADER_VALUE.fullmatch(expanded):
            raise self._error(
                f"the value of header {name} is empty or holds what no header can carry"
            )
        return expanded
