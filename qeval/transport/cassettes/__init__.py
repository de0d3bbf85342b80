"""Recordings: files that a person can read and stock vcrpy can replay."""

from qeval.transport.cassettes.transport import CassetteOptions, CassetteTransport

__all__ = ["CassetteOptions", "CassetteTransport"]
