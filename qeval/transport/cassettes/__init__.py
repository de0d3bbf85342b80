"""Recordings: files that a person can read and stock vcrpy can replay."""

from qeval.transport.cassettes.shelf import CassetteOptions
from qeval.transport.cassettes.transport import CassetteTransport

__all__ = ["CassetteOptions", "CassetteTransport"]
