"""Numbers as text. No other module formats numbers, so a figure reads the same everywhere."""

from __future__ import annotations

from math import floor, log10

UNKNOWN = "–"
"""Shown where a number is not known; never 0, never nothing."""


def seconds(value: float | None) -> str:
    """Format a duration: `85 ms` below one second, `1.25 s`, `62.5 s`, `3 min 20 s`.

    >>> [seconds(x) for x in (0.0004, 0.085, 1.25, 62.5, 200, None)]
    ['0.4 ms', '85 ms', '1.25 s', '62.5 s', '3 min 20 s', '–']
    """
    if value is None:
        return UNKNOWN
    if value < 0.0095:
        return f"{value * 1000:.1f} ms"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 9.995:
        return f"{value:.2f} s"
    if value < 119.95:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole // 60} min {whole % 60} s"


def count(value: int | None) -> str:
    """Format a whole number with thousands separated: `12,345`.

    >>> count(12345), count(None)
    ('12,345', '–')
    """
    return UNKNOWN if value is None else f"{value:,}"


def tokens(value: float | None) -> str:
    """Format a mean or a whole number of tokens: `17`, `17.5`, `1,234`.

    >>> tokens(17.0), tokens(17.52), tokens(1234.4)
    ('17', '17.5', '1,234')
    """
    if value is None:
        return UNKNOWN
    if value >= 999.95 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.1f}"


def percent(value: float | None) -> str:
    """Format a share in [0, 1]: `100 %`, `66.7 %`; never rounded up to 100 or down to 0.

    >>> [percent(x) for x in (1.0, 2 / 3, 0.9999, 0.0001, 0.0, None)]
    ['100 %', '66.7 %', '99.9 %', '0.1 %', '0 %', '–']
    """
    if value is None:
        return UNKNOWN
    if value in {0, 1}:
        return f"{value * 100:.0f} %"
    shown = min(max(round(value * 100, 1), 0.1), 99.9)
    return f"{shown:g} %"


def size(value: int | None) -> str:
    """Format a number of bytes: `512 B`, `1.4 kB`, `50 MB`, `1.2 GB` (powers of 1,000).

    >>> size(512), size(1400), size(50_000_000), size(1_200_000_000)
    ('512 B', '1.4 kB', '50 MB', '1.2 GB')
    """
    if value is None:
        return UNKNOWN
    if value < 1000:
        return f"{value} B"
    if value < 999_500:
        return f"{value / 1000:.3g} kB"
    if value < 999_500_000:
        return f"{value / 1_000_000:.3g} MB"
    return f"{value / 1_000_000_000:,.3g} GB" if value < 999.5e9 else f"{value // 10**9:,} GB"


def points(value: float | None) -> str:
    """Format a difference of two shares, signed, in points: `+2.5`, `−10`, `0`.

    >>> [points(x) for x in (0.025, -0.1, 0.0, 0.0001, None)]
    ['+2.5', '−10', '0', '0', '–']
    """
    if value is None:
        return UNKNOWN
    shown = f"{value * 100:+.1f}".removesuffix(".0").replace("-", "−")
    return "0" if shown in {"+0", "−0"} else shown


def change(ratio: float | None) -> str:
    """Format a ratio as what was added, signed: `+12 %`, `−3.4 %`, `0 %`.

    >>> [change(x) for x in (1.12, 0.966, 1.0, 3.0, None)]
    ['+12 %', '−3.4 %', '0 %', '+200 %', '–']
    """
    return UNKNOWN if ratio is None else f"{points(ratio - 1)} %"


def money(value: float | None, currency: str | None = None) -> str:
    """Format an amount: two decimals from one up, else two significant digits; unknown is `–`.

    >>> [money(x, "USD") for x in (12.3, 0.37, 0.05, 0.0042, 0.0000051, 1234.5, 0)]
    ['12.30 USD', '0.37 USD', '0.05 USD', '0.0042 USD', '0.0000051 USD', '1,234.50 USD', '0 USD']
    >>> money(None, "USD")
    '–'
    """
    if value is None:
        return UNKNOWN
    if value == 0:
        shown = "0"
    elif abs(value) >= 0.995:
        shown = f"{value:,.2f}"
    else:
        places = min(max(2, 1 - floor(log10(abs(value)))), 12)
        whole, _, part = f"{value:.{places}f}".partition(".")
        shown = f"{whole}.{part.rstrip('0'):0<2}"
    return f"{shown} {currency}" if currency else shown


def chance(p: float) -> str:
    """Format a p value after its letter: two decimals from 0.1 up, else two digits.

    >>> [chance(p) for p in (0.172430, 0.0457402, 0.00396825, 0.00001, 1.0)]
    ['= 0.17', '= 0.046', '= 0.004', '< 0.0001', '= 1.00']
    """
    if p < 0.0001:
        return "< 0.0001"
    return f"= {p:.2f}" if p >= 0.0995 else f"= {p:.2g}"
