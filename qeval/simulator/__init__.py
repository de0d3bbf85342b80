"""A scripted server on loopback that answers like a model endpoint, for tests and dry runs."""

from __future__ import annotations

from qeval.simulator.app import Log, Served
from qeval.simulator.server import running, serve

__all__ = ["Log", "Served", "running", "serve"]
