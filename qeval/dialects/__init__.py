"""Wire formats: one file for each, filed in `base.DIALECTS`.

Chat is there at once; the others are imported when they are first asked for.
"""

from qeval.dialects import chat as chat
from qeval.dialects.base import DIALECTS

DIALECTS.later("responses", "qeval.dialects.responses")
DIALECTS.later("dashscope-text", "qeval.dialects.native")
DIALECTS.later("dashscope-multimodal", "qeval.dialects.native")
