"""Wire formats: one file for each, filed in `base.DIALECTS` when this package is imported."""

from qeval.dialects import chat as chat
