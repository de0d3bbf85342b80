"""Composes it all: load, plan, ask, score, store, compare, report."""

from qeval.session.preparing import MODES, Budget, Mode, Options, prepare
from qeval.session.running import Result, Session, run

__all__ = ["MODES", "Budget", "Mode", "Options", "Result", "Session", "prepare", "run"]
