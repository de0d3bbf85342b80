"""No network while recordings are replayed: an audit hook that refuses every address but loopback.

An audit hook sees `connect_ex`, `_socket` and datagrams too, which replacing names of the `socket`
module does not. It cannot see what connects outside Python: uvloop, grpc, child processes.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_WITH_ADDRESS = frozenset(("socket.connect", "socket.sendto", "socket.sendmsg"))
_WITH_HOST = frozenset(("socket.getaddrinfo", "socket.gethostbyname"))


class NetworkRefusedError(OSError):
    """What code under test gets that asks for the network while recordings are replayed."""


class Guard:
    """Refuses the network for one piece of code at a time, a test or a callable target.

    The code under test may swallow the error, so each refusal is noted in `refused` as well.
    """

    def __init__(self) -> None:
        self.item: str | None = None
        """What messages call what is guarded; None: everything passes."""
        self.refused: list[str] = []
        """Hosts that it asked for, in order."""

    @contextmanager
    def watching(self, item: str) -> Iterator[list[str]]:
        """Guard what runs inside, whose refusals it yields; what is guarded around it rests."""
        around, told = self.item, self.refused
        self.item, self.refused = item, []
        try:
            yield self.refused
        finally:
            self.item = around
            if around is not None:
                self.refused = told

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse one event of the interpreter.

        Raises:
            NetworkRefusedError: It leads to another host.
        """
        if self.item is None:
            return
        host = _host(event, arguments)
        if host is None or is_local(host):
            return
        self.refused.append(host)
        raise NetworkRefusedError(
            f"{self.item} asked for {host!r}, and recordings are replayed without a network"
        )


@cache
def installed() -> Guard:
    """Return the guard of this process, put in place when it is first needed.

    A hook stays until the process ends; while no item is guarded it costs a comparison.
    """
    guard = Guard()
    sys.addaudithook(guard.hook)
    return guard


def _host(event: str, arguments: tuple[Any, ...]) -> str | None:
    """Return the host that an event asks for; None where it asks for none."""
    if event in _WITH_HOST:
        host = arguments[0]
        return host.decode(errors="replace") if isinstance(host, bytes) else host
    if event in _WITH_ADDRESS:
        address = arguments[1]
        # An address of internet families is (host, port, …); of unix sockets, a path.
        if isinstance(address, tuple) and address and isinstance(address[0], str):
            return address[0]
    return None


def is_local(host: str) -> bool:
    """Return whether a host is this machine's loopback.

    >>> [is_local(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, True, False]
    """
    name = host.partition("%")[0].rstrip(".").lower()
    if name in {"", "localhost"} or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified
