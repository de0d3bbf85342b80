"""Which server a target asks: Model Studio, wherever it stands, or any other.

It is told from the suite's text alone, and named by an alias, so that recordings and rules are
the same for every region, workspace and host.
"""

from __future__ import annotations

import re

from qeval.suite import Target
from qeval.value import Value

STUDIO = "model-studio"
"""The source of every address of Model Studio."""

SHARED_HOSTS: dict[str, str | None] = {
    "ap-southeast-1": "dashscope-intl.aliyuncs.com",
    "cn-beijing": "dashscope.aliyuncs.com",
    "us-east-1": "dashscope-us.aliyuncs.com",
    "cn-hongkong": "cn-hongkong.dashscope.aliyuncs.com",
    "eu-central-1": None,
    "ap-northeast-1": None,
}
"""Model Studio's regions, each with the host that serves those without a workspace, if any."""

WORKSPACE_HOSTS = ".maas.aliyuncs.com"
"""What follows workspace and region in the name of a workspace's own host."""
_NATIVE = ("dashscope-text", "dashscope-multimodal")
STUDIO_PATHS = ("/api/v1", "/compatible-mode/v1")
"""Of the native dialects, and of the others."""
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
"""`${NAME}` or `${NAME:-default}`."""


class Endpoint(Value):
    """A target's address as recordings name it: the same for every region, workspace and host."""

    base: str
    """Such as `https://model-studio.invalid/compatible-mode/v1`."""
    source: str
    """`model-studio`, or `endpoint` for any other server."""


def endpoint(target: Target) -> Endpoint:
    """Return the alias of a target; nothing is looked up.

    >>> endpoint(Target(base_url="http://127.0.0.1:8000/v1")).base
    'https://endpoint.invalid/v1'
    >>> endpoint(Target(region="cn-beijing")).base
    'https://model-studio.invalid/compatible-mode/v1'
    """
    if target.base_url is None:
        return _alias(STUDIO, studio_path(target))
    named = VARIABLE.sub(r"\1", target.base_url)
    after = named.partition("://")[2] or named
    authority, slash, path = after.partition("/")
    path = re.sub(r"[^A-Za-z0-9._~/-]", "-", slash + path).rstrip("/")
    at_home = "$" not in target.base_url and is_studio(authority)
    return _alias(STUDIO if at_home else "endpoint", path)


def _alias(source: str, path: str) -> Endpoint:
    return Endpoint(base=f"https://{source}.invalid{path}", source=source)


def studio_path(target: Target) -> str:
    """Return the path below a host of Model Studio at which a target's dialect is spoken."""
    native, compatible = STUDIO_PATHS
    return native if target.dialect in _NATIVE else compatible


def is_studio(host: str) -> bool:
    """Whether a host, a default port aside, is one of Model Studio's own."""
    name = host.lower().removesuffix(":443")
    return name in SHARED_HOSTS.values() or name.endswith(WORKSPACE_HOSTS)
