"""Scenarios published by model makers, each with source and date."""

from __future__ import annotations

from qeval.value import Value

_GUIDE = "Alibaba Cloud Model Studio, Text generation overview"
_READ = "2026-06-15"


class Preset(Value):
    """Request parameters that a model's maker recommends for one kind of work.

    Args:
        name: What scenarios call it.
        temperature: In [0, 2).
        top_p: In (0, 1].
        source: The page that recommends it.
        date: That page's own date, ISO 8601.
    """

    name: str
    temperature: float
    top_p: float
    source: str = _GUIDE
    date: str = _READ

    @property
    def params(self) -> dict[str, float]:
        """The request parameters alone."""
        return {"temperature": self.temperature, "top_p": self.top_p}


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(name="creative_writing", temperature=0.9, top_p=0.95),
        Preset(name="code_generation", temperature=0.2, top_p=0.8),
        Preset(name="factual_qa", temperature=0.1, top_p=0.7),
        Preset(name="translation", temperature=0.3, top_p=0.8),
    )
}


def find(name: str) -> Preset | None:
    """Return the preset of that name, or None."""
    return PRESETS.get(name)


def names() -> list[str]:
    """Return the names of all presets, sorted."""
    return sorted(PRESETS)
