"""Special tokens: control marks that are one token each, by vocabulary.

Ids follow the entries of the vocabulary, in the order of the makers' tokenizer configurations.
"""

from __future__ import annotations

import re

_QWEN2_NAMES = (
    "<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> "
    "<|box_end|> <|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> "
    "<|image_pad|> <|video_pad|> <tool_call> </tool_call> <|fim_prefix|> <|fim_middle|> "
    "<|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|>"
)
_QWEN2 = _QWEN2_NAMES.split()
_QWEN3 = [*_QWEN2, "<tool_response>", "</tool_response>", "<think>", "</think>"]


def _numbered(names: list[str], first: int) -> dict[str, int]:
    return {name: first + number for number, name in enumerate(names)}


OLD = _numbered(_QWEN3, 151_643)
"""Of Qwen3, ids 151643 to 151668, behind 151,643 entries."""
QWEN25 = _numbered(_QWEN2, 151_643)
"""Of Qwen2.5, which ends at 151664: to it `<think>` is ordinary text."""
NEW = _numbered(_QWEN3, 248_044)
"""Of Qwen3.5 and later, ids 248044 to 248069, behind 248,044 entries; seven audio marks follow."""

TABLES = {"qwen2.5": QWEN25, "qwen-old": OLD, "qwen-new": NEW}
"""By `Model.vocabulary`."""


def table(vocabulary: str | None) -> dict[str, int]:
    """Return the table of a vocabulary; of an unknown one, that of Qwen3."""
    return TABLES.get(vocabulary or "", OLD)


def cut(text: str, known: dict[str, int]) -> list[str]:
    r"""Cut markup at its special tokens; these are items of their own, ordinary text may be ''.

    >>> cut("<think>\n", OLD)
    ['', '<think>', '\n']
    """
    return re.split("(" + "|".join(map(re.escape, known)) + ")", text)
