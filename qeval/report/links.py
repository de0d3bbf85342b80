"""Addresses within the page: its fragment holds what is shown, so a copied link shows it again."""

from __future__ import annotations

from urllib.parse import quote

from qeval.report.rows import Key
from qeval.value import clean

_KEPT = "!~*'()"
"""What a browser leaves as it is in a part of an address, beside letters, digits and `-_.`."""


def name(place: Key) -> str:
    """Return the name that a row has in fragments: its parts, each escaped, between slashes.

    >>> name(("say <hi>", "qwen-plus", None))
    'say%20%3Chi%3E/qwen-plus/'
    """
    return "/".join(quote(clean(part or ""), safe=_KEPT) for part in place)


def fragment(place: Key) -> str:
    """Return the link to a row.

    >>> fragment(("say <hi>", "qwen-plus", "factual_qa"))
    '#case=say%2520%253Chi%253E/qwen-plus/factual_qa'
    """
    return "#case=" + quote(name(place), safe="/" + _KEPT)
