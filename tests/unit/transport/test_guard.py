import socket
import subprocess
import sys

import pytest

from qeval.transport.guard import Guard, NetworkRefusedError, is_local

ELSEWHERE = ("192.0.2.1", 9)  # a documentation address: nobody answers there
ASK_ANYWAY = """
import _socket, socket, sys
from qeval.transport.guard import installed

def tcp(): socket.create_connection(("192.0.2.1", 9), timeout=5)
def connect_ex(): socket.socket().connect_ex(("192.0.2.1", 9))
def low_level(): _socket.socket().connect(("192.0.2.1", 9))
def datagram(): socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 9))
def message(): socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("192.0.2.1", 9))
def lookup(): socket.getaddrinfo("example.invalid", 80)
def old_lookup(): socket.gethostbyname("example.invalid")

guard = installed()
assert installed() is guard
with guard.watching("suite.yaml::case"):
    try:
        globals()[sys.argv[1]]()
    except OSError as error:
        print(type(error).__name__, error)
print(guard.refused)
"""


@pytest.mark.parametrize(
    "way", ["tcp", "connect_ex", "low_level", "datagram", "message", "lookup", "old_lookup"]
)
def test_no_way_of_asking_leaves_the_machine(way: str) -> None:
    host = "example.invalid" if "lookup" in way else "192.0.2.1"
    # A process of its own: an audit hook stays for good.
    done = subprocess.run(
        [sys.executable, "-c", ASK_ANYWAY, way], capture_output=True, text=True, check=True
    )

    assert done.stdout == (
        f"NetworkRefusedError suite.yaml::case asked for {host!r}, "
        f"and recordings are replayed without a network\n['{host}']\n"
    )


def test_loopback_and_a_loop_of_its_own_pass(tmp_path_factory: pytest.TempPathFactory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = (
            "import asyncio, socket\n"
            "from qeval.transport.guard import installed\n"
            "guard = installed()\n"
            "with guard.watching('item'):\n"
            f"    socket.create_connection(('127.0.0.1', {port})).close()\n"
            "    socket.socketpair()\n"
            "    asyncio.run(asyncio.sleep(0))\n"
            "print(guard.refused)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

    assert done.stdout == "[]\n"


def test_nothing_is_refused_when_no_item_is_watched() -> None:
    guard = Guard()

    guard.hook("socket.connect", (None, ELSEWHERE))
    with guard.watching("item"), pytest.raises(NetworkRefusedError):
        guard.hook("socket.connect", (None, ELSEWHERE))
    guard.hook("socket.connect", (None, ELSEWHERE))

    assert guard.refused == ["192.0.2.1"]


def test_what_an_earlier_item_asked_is_forgotten() -> None:
    guard = Guard()
    with guard.watching("first"), pytest.raises(NetworkRefusedError):
        guard.hook("socket.getaddrinfo", ("example.org", 443))
    with guard.watching("second"):
        guard.hook("socket.connect", (None, "/run/a.sock"))
        guard.hook("open", ("a file",))

    assert guard.refused == []


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::1%lo", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("api.localhost", True),
        ("0.0.0.0", True),
        ("::", True),
        ("", True),
        ("10.0.0.1", False),
        ("::ffff:8.8.8.8", False),
        ("localhost.example.org", False),
        ("2001:db8::1", False),
    ],
)
def test_loopback_is_known_in_every_spelling(host: str, local: bool) -> None:  # noqa: FBT001
    assert is_local(host) is local
