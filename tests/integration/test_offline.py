"""A replay opens no connection: not to a server, not even to look up a name."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

GUARDED = """
import sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        raise SystemExit(f"replay reached for the network: {event} {arguments}")

sys.addaudithook(refuse)
from qeval.cli import main
sys.exit(main(["run", "suites/quickstart.yaml"]))
"""


def test_a_replay_with_the_network_refused_prints_the_same(tmp_path: Path) -> None:
    for folder in ("suites", "cassettes"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("DASHSCOPE_API_KEY", None)

    done = subprocess.run(
        [sys.executable, "-c", GUARDED],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    table = re.search(r"(?sm)^```\n( +tokens.*?)^```$", (ROOT / "README.md").read_text())
    assert table is not None
    assert done.stdout == table[1]
