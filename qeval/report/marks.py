"""Hostile text made harmless: what a terminal or a browser would obey becomes visible."""

from __future__ import annotations

import re

_NAMES = {
    "\x1b": "␛",
    "\x7f": "␡",
    "\u061c": "‹ALM›",
    "\u200b": "‹ZWSP›",
    "\u200e": "‹LRM›",
    "\u200f": "‹RLM›",
    "\u2028": "‹LS›",
    "\u2029": "‹PS›",
    "\u202a": "‹LRE›",
    "\u202b": "‹RLE›",
    "\u202c": "‹PDF›",
    "\u202d": "‹LRO›",
    "\u202e": "‹RLO›",
    "\u2060": "‹WJ›",
    "\u2066": "‹LRI›",
    "\u2067": "‹RLI›",
    "\u2068": "‹FSI›",
    "\u2069": "‹PDI›",
    "\ufeff": "‹BOM›",
}
# Joiners (U+200C, U+200D) stay: Persian words and joined emoji need them.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060"
    "\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]"
)


def visible(text: str) -> str:
    r"""Return text with control characters, direction marks and lone surrogates made visible.

    Tabs and line feeds stay: they move text, and nothing else.

    >>> visible("a\x1b[31mb\u202ec")
    'a␛[31mb‹RLO›c'
    """
    return text if text.isprintable() else _OBEYED.sub(_mark, text)


def line(text: str, limit: int = 100) -> str:
    r"""Return text on one line, made visible and cut at a number of characters.

    >>> line("two\n  lines", limit=9)
    'two lines'
    """
    flat = " ".join(visible(text[: limit * 8]).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def escaped(document: str) -> str:
    r"""Return a JSON document with the same characters as JSON escapes; its value stays the same.

    >>> escaped('"a\u202eb"')
    '"a\\u202eb"'
    """
    return _OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", document)


def _mark(match: re.Match[str]) -> str:
    character = match[0]
    if character in _NAMES:
        return _NAMES[character]
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else f"‹U+{code:04X}›"
